/**
 * Component: a control-plane program that runs over a Transport (kube-controller-manager, kube-scheduler). It can be
 * stopped, started again from the store alone, and lose its lease; each run has a Scope of its own.
 */
import type { Cancel, Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import type { Credentials, Transport } from "../apimachinery/transport";
import { Client } from "./client";
import { InformerFactory } from "./informer";
import { elect } from "./lease";
import { Scope } from "./scope";

export interface ComponentOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly transport: Transport;
  readonly credentials?: Credentials;
  /** Host the component runs on, for its identity. */
  readonly hostname?: string;
  /** Off in clusters of one that want less chatter: then it leads at once. */
  readonly leaderElect?: boolean;
  readonly version?: string;
}

export interface Run {
  readonly scope: Scope;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly random: Random;
}

export abstract class Component {
  /** Program and lease name: `kube-scheduler`. */
  abstract readonly name: string;
  protected readonly options: ComponentOptions;
  #run: Run | undefined;
  #isLeading = false;
  #restart: Cancel | undefined;
  #release: (() => void) | undefined;
  /** Whether the lease is given back when the program is asked to end. */
  protected readonly releasesLease: boolean = false;

  constructor(options: ComponentOptions) {
    this.options = options;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  /** The current run, for tests and panels. */
  get current(): Run | undefined {
    return this.#run;
  }

  /** Starts the program. No effect when it runs. */
  start(): void {
    if (this.#run) return;
    this.#restart?.();
    const {
      loop,
      transport,
      credentials,
      hostname = "control-plane",
      leaderElect = true,
      version = "v1.36.2",
    } = this.options;
    const random = this.options.random.stream(this.name);
    const scope = new Scope(loop);
    const client = new Client({
      transport,
      userAgent: `${this.name}/${version} (linux/amd64) kubernetes`,
      ...(credentials ? { credentials } : {}),
    });
    const run: Run = { scope, client, random, informers: new InformerFactory({ scope, client, random }) };
    this.#run = run;
    const lead = (): void => {
      this.#isLeading = true;
      this.lead(run);
    };
    if (!leaderElect) {
      lead();
      return;
    }
    this.#release = elect({
      scope,
      client,
      random,
      name: this.name,
      identity: `${hostname}_${random.uuid()}`,
      onStartedLeading: lead,
      onStoppedLeading: () => {
        // Upstream exits and is started again by its supervisor.
        this.stop();
        this.#restart = loop.after(1000, () => this.start());
      },
    });
  }

  /** Ends the program as it was asked to (TERM). */
  terminate(): void {
    if (this.#run && this.releasesLease) this.#release?.();
    this.stop();
  }

  /** Ends the program at once, as a kill would: the lease is not given back. */
  stop(): void {
    const run = this.#run;
    this.#run = undefined;
    this.#isLeading = false;
    this.#restart?.();
    run?.scope.end();
  }

  /** The work of the leader; everything goes through the run's scope. */
  protected abstract lead(run: Run): void;
}
