/** NodeComponent: an agent that runs on one node over a Transport (kube-proxy, the CNI agent). It is started and stopped as its process is. */
import type { Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import type { Netns } from "../../net/netns";
import type { Credentials, Transport } from "../apimachinery/transport";
import { Client } from "../client/client";
import { InformerFactory } from "../client/informer";
import { Scope } from "../client/scope";

export interface NodeComponentOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly transport: Transport;
  readonly credentials?: Credentials;
  readonly nodeName: string;
  /** The node's own network namespace. */
  readonly netns: Netns;
}

export interface NodeRun {
  readonly scope: Scope;
  readonly client: Client;
  readonly informers: InformerFactory;
}

export abstract class NodeComponent<O extends NodeComponentOptions = NodeComponentOptions> {
  /** Program name: `kube-proxy`. */
  abstract readonly name: string;
  protected readonly options: O;
  #run: NodeRun | undefined;

  constructor(options: O) {
    this.options = options;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** Starts the program. No effect when it runs. */
  start(): void {
    if (this.#run) return;
    const { loop, random, transport, credentials, nodeName } = this.options;
    const scope = new Scope(loop);
    const client = new Client({
      transport,
      userAgent: `${this.name}/v1.36.2 (linux/amd64) kubernetes`,
      ...(credentials ? { credentials } : {}),
    });
    const informers = new InformerFactory({ scope, client, random: random.stream(`${this.name}/${nodeName}`) });
    this.#run = { scope, client, informers };
    this.run(this.#run);
    informers.start();
  }

  /** Ends the program at once. What it wrote into the kernel stays, as in reality. */
  stop(): void {
    this.#run?.scope.end();
    this.#run = undefined;
  }

  /** Sets up informers and handlers; they are started afterwards. */
  protected abstract run(run: NodeRun): void;
}

/**
 * Runs `work` after a change, at most `burst` times at once and then once an interval, as upstream's
 * BoundedFrequencyRunner does: many changes make few rewrites.
 */
export class Throttle {
  readonly #scope: Scope;
  readonly #intervalMs: number;
  readonly #burst: number;
  readonly #work: () => void;
  #tokens: number;
  #at: number;
  #planned = false;

  constructor(scope: Scope, options: { readonly intervalMs: number; readonly burst: number }, work: () => void) {
    this.#scope = scope;
    this.#intervalMs = options.intervalMs;
    this.#burst = options.burst;
    this.#work = work;
    this.#tokens = options.burst;
    this.#at = scope.now();
  }

  request(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#refill();
    const wait = this.#tokens >= 1 ? 0 : (1 - this.#tokens) * this.#intervalMs;
    this.#scope.after(wait, () => {
      this.#planned = false;
      this.#refill();
      this.#tokens -= 1;
      this.#work();
    });
  }

  #refill(): void {
    const now = this.#scope.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / this.#intervalMs);
    this.#at = now;
  }
}
