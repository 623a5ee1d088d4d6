/** kube-controller-manager: every controller of the shelf in one process, under one lease, over shared informers. */
import type { Credentials } from "../apimachinery/transport";
import type { Client } from "../client/client";
import { Component, type ComponentOptions, type Run } from "../client/component";
import { type Controller, prepareController } from "../client/controller";
import { SERVICE_ACCOUNTS } from "../client/resources";
import { controllers } from "./shelf";

/** The service accounts of upstream's controllers: also of those whose work is done elsewhere here, or by nobody. */
const SERVICE_ACCOUNTS_OF_CONTROLLERS = [
  "attachdetach-controller",
  "bootstrap-signer",
  "certificate-controller",
  "clusterrole-aggregation-controller",
  "cronjob-controller",
  "daemon-set-controller",
  "deployment-controller",
  "device-taint-eviction-controller",
  "disruption-controller",
  "endpoint-controller",
  "endpointslice-controller",
  "endpointslicemirroring-controller",
  "ephemeral-volume-controller",
  "expand-controller",
  "generic-garbage-collector",
  "horizontal-pod-autoscaler",
  "job-controller",
  "legacy-service-account-token-cleaner",
  "namespace-controller",
  "node-controller",
  "persistent-volume-binder",
  "pod-garbage-collector",
  "pv-protection-controller",
  "pvc-protection-controller",
  "replicaset-controller",
  "replication-controller",
  "resource-claim-controller",
  "resourcequota-controller",
  "root-ca-cert-publisher",
  "service-account-controller",
  "service-ca-cert-publisher",
  "service-cidrs-controller",
  "statefulset-controller",
  "token-cleaner",
  "ttl-after-finished-controller",
  "ttl-controller",
  "validatingadmissionpolicy-status-controller",
  "volumeattributesclass-protection-controller",
];

function makeServiceAccounts(client: Client): void {
  for (const name of SERVICE_ACCOUNTS_OF_CONTROLLERS)
    client.create(SERVICE_ACCOUNTS, { metadata: { name, namespace: "kube-system" } });
}

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
    if (this.#hasOwnAccounts) makeServiceAccounts(client);
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

  get #hasOwnAccounts(): boolean {
    return this.options.credentials?.certificate?.commonName === `system:${this.name}`;
  }

  /** --use-service-account-credentials: each controller acts as its own service account, with no more rights than it needs. */
  #identity({ name, serviceAccount = name }: Controller): { readonly credentials?: Credentials } {
    if (!this.#hasOwnAccounts) return {};
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
