/** kube-controller-manager: every controller of the shelf in one process, under one lease, over shared informers. */
import type { Credentials } from "../apimachinery/transport";
import { Component, type ComponentOptions, type Run } from "../client/component";
import { type Controller, prepareController } from "../client/controller";
import { controllers } from "./shelf";

export interface ControllerManagerOptions extends ComponentOptions {
  /** Instead of all controllers (`--controllers`). */
  readonly controllers?: readonly Controller[];
  /** What controllers read of the command line: `clusterCidr`, `rootCa`, `allocateNodeCidrs`, … */
  readonly flags?: Readonly<Record<string, unknown>>;
}

export class ControllerManager extends Component {
  readonly name = "kube-controller-manager";
  readonly #controllers: readonly Controller[];
  readonly #flags: Readonly<Record<string, unknown>>;

  constructor(options: ControllerManagerOptions) {
    super(options);
    this.#controllers = options.controllers ?? controllers;
    this.#flags = options.flags ?? {};
  }

  protected lead({ scope, client, informers, random }: Run): void {
    const starts = this.#controllers.map((controller) =>
      prepareController(controller, {
        scope,
        // Each controller has a client of its own, as upstream's ClientBuilder makes them: writes are counted apart.
        client: client.with(this.#identity(controller)),
        informers,
        random: random.stream(controller.name),
        flags: this.#flags,
      }),
    );
    informers.start();
    informers.whenSynced(() => {
      for (const start of starts) start();
    });
  }

  /** --use-service-account-credentials: each controller acts as its own service account, with no more rights than it needs. */
  #identity({ name, serviceAccount = name }: Controller): { readonly credentials?: Credentials } {
    if (this.options.credentials?.certificate?.commonName !== `system:${this.name}`) return {};
    return {
      credentials: {
        certificate: {
          commonName: `system:serviceaccount:kube-system:${serviceAccount}`,
          organizations: ["system:serviceaccounts", "system:serviceaccounts:kube-system"],
        },
      },
    };
  }
}
