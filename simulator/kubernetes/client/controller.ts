/**
 * defineController: a name, what it watches, and a reconcile that looks at what is. Virtual workers take keys from the
 * queue; a reconcile acts at once and then keeps its worker busy for a while that depends on what it wrote.
 */
import type { Instant } from "../../base/clock";
import type { Random } from "../../base/random";
import { assert } from "../../base/assert";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Client } from "./client";
import { EventRecorder } from "./event-recorder";
import type { Informer, InformerFactory, InformerHandler, InformerOptions } from "./informer";
import type { ResourceType } from "./resource-type";
import type { Scope } from "./scope";
import { WorkQueue, type WorkQueueOptions } from "./workqueue";

/**
 * What came of a reconcile: nothing (done), a wish to look again later, or a failure, which is tried again after the
 * key's back-off.
 */
export type Outcome = undefined | { readonly afterMs: number } | { readonly error: Status | string };

export interface Controller {
  /** As upstream names it: `replicaset-controller`. */
  readonly name: string;
  /** Keys worked on at the same time. */
  readonly workers: number;
  readonly queue?: WorkQueueOptions;
  /** The service account in kube-system that it acts as; the name when absent. */
  readonly serviceAccount?: string;
  /** Made anew for each run of the component: what it remembers dies with the process. */
  setup(context: ControllerContext): { reconcile(key: string): Outcome };
}

/** Completes a definition. Upstream's controllers run five workers unless told otherwise. */
export function defineController(definition: Omit<Controller, "workers"> & { readonly workers?: number }): Controller {
  return { workers: 5, ...definition };
}

export interface ControllerContextOptions {
  readonly scope: Scope;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly random: Random;
  readonly queue: WorkQueue;
  readonly name: string;
  /** The flags of the component that controllers read. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** What a controller gets to work with. */
export class ControllerContext {
  readonly scope: Scope;
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly random: Random;
  readonly queue: WorkQueue;
  readonly recorder: EventRecorder;
  readonly flags: Readonly<Record<string, unknown>>;

  constructor({ scope, client, informers, random, queue, name, flags = {} }: ControllerContextOptions) {
    this.scope = scope;
    this.client = client;
    this.informers = informers;
    this.random = random;
    this.queue = queue;
    this.recorder = new EventRecorder({ client, clock: scope, component: name });
    this.flags = flags;
  }

  now(): Instant {
    return this.scope.now();
  }

  #spentMs = 0;

  /**
   * The reconcile that runs took this much longer, say for the many objects it looked at. A busy worker lets changes
   * gather, so that a thousand Pods that become ready cost tens of syncs and not a thousand.
   */
  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** What was spent since the last call. */
  takeSpent(): number {
    const spent = this.#spentMs;
    this.#spentMs = 0;
    return spent;
  }

  /** A recorder under another component name than the controller's. */
  recorderAs(component: string): EventRecorder {
    return new EventRecorder({ client: this.client, clock: this.scope, component });
  }

  informer<T extends KubeObject>(type: ResourceType<T>, options?: InformerOptions): Informer<T> {
    return this.informers.informer(type, options);
  }

  /** The informer of a type, with a handler that queues the keys `keysOf` names for each change. */
  watch<T extends KubeObject>(
    type: ResourceType<T>,
    keysOf: ((object: T, old: T | undefined, isDeleted: boolean) => Iterable<string>) | InformerHandler<T>,
  ): Informer<T> {
    const informer = this.informer(type);
    if (typeof keysOf !== "function") return informer.handle(keysOf);
    const { queue } = this;
    const enqueue = (object: T, old: T | undefined, isDeleted: boolean): void => {
      for (const key of keysOf(object, old, isDeleted)) queue.add(key);
    };
    return informer.handle({
      added: (object) => enqueue(object, undefined, false),
      updated: (object, old) => enqueue(object, old, false),
      deleted: (object) => enqueue(object, undefined, true),
    });
  }
}

export interface WorkerOptions {
  readonly scope: Scope;
  readonly queue: WorkQueue;
  readonly client: Client;
  readonly workers: number;
  reconcile(key: string): Outcome;
  /** What the reconcile says it spent besides. */
  takeSpent?(): number;
  readonly reconcileMs?: number;
  readonly writeMs?: number;
}

/** A worker wakes this long after a key was added. */
const WAKE_MS = 0.2;

/** Runs the workers of one queue until the scope ends. */
export function runWorkers(options: WorkerOptions): void {
  const { scope, queue, client, workers, reconcile, reconcileMs = 1, writeMs = 2 } = options;
  assert(workers > 0, "a controller has a worker");
  let idle = workers;

  const work = (): void => {
    const key = queue.take();
    if (key === undefined) {
      idle++;
      return;
    }
    const writes = client.writeCount;
    const outcome = reconcile(key);
    const busyMs = reconcileMs + writeMs * Math.min(client.writeCount - writes, 50) + (options.takeSpent?.() ?? 0);
    scope.after(busyMs, () => {
      if (outcome === undefined) queue.forget(key);
      else if ("error" in outcome) queue.addRateLimited(key);
      else {
        queue.forget(key);
        queue.addAfter(key, outcome.afterMs);
      }
      queue.done(key);
      work();
    });
  };

  const wake = (): void => {
    if (idle === 0) return;
    idle--;
    scope.after(WAKE_MS, work);
  };
  queue.onReady(wake);
  for (let i = Math.min(queue.length, workers); i > 0; i--) wake();
}

/** Sets a controller up in a context whose informers are not started yet; the result starts its workers. */
export function prepareController(
  controller: Controller,
  options: Omit<ControllerContextOptions, "queue" | "name">,
): () => void {
  const queue = new WorkQueue(options.scope, controller.queue);
  const context = new ControllerContext({ ...options, queue, name: controller.name });
  const running = controller.setup(context);
  return () =>
    runWorkers({
      scope: options.scope,
      queue,
      client: options.client,
      workers: controller.workers,
      reconcile: (key) => running.reconcile(key),
      takeSpent: () => context.takeSpent(),
    });
}
