/**
 * The scheduling queue: active (by priority, then age), back-off (1 s doubled up to 10 s), unschedulable (until an
 * event that may help, or five minutes), and Pods that are gated.
 */
import type { Pod } from "../api/types.generated";
import { keyOf } from "../client/resource-type";
import type { Scope } from "../client/scope";
import { type ClusterEvent, type Plugin, priorityOf } from "./framework";

const BACKOFF_FIRST_MS = 1000;
const BACKOFF_MAX_MS = 10_000;
const UNSCHEDULABLE_MAX_MS = 5 * 60_000;
const FLUSH_PERIOD_MS = 30_000;

export interface QueuedPod {
  pod: Pod;
  /** When it came to the queue last: older goes first. */
  queuedAt: number;
  sequence: number;
  attempts: number;
  /** Plugins that held it up last time. */
  pendingPlugins: ReadonlySet<string>;
  backoffUntil: number;
  state: "active" | "backoff" | "unschedulable" | "gated" | "processing";
}

export class SchedulingQueue {
  readonly #scope: Scope;
  readonly #plugins: ReadonlyMap<string, Plugin>;
  readonly #pods = new Map<string, QueuedPod>();
  readonly #heap: QueuedPod[] = [];
  readonly #waiting = new Set<QueuedPod>();
  /** Events seen while a Pod is being scheduled: it must not miss them. */
  readonly #inFlight = new Map<QueuedPod, Set<ClusterEvent>>();
  #sequence = 0;
  #onActive: () => void = () => {};

  constructor(scope: Scope, plugins: readonly Plugin[]) {
    this.#scope = scope;
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    scope.every(FLUSH_PERIOD_MS, () => this.#flush());
  }

  onActive(run: () => void): void {
    this.#onActive = run;
  }

  get size(): number {
    return this.#pods.size;
  }

  /** A Pod to be scheduled has come or has changed. */
  put(pod: Pod, old?: Pod): void {
    const key = keyOf(pod);
    let known = this.#pods.get(key);
    if (known && known.pod.metadata.uid !== pod.metadata.uid) {
      this.delete(known.pod);
      known = undefined;
    }
    if (!known) {
      const entry: QueuedPod = {
        pod,
        queuedAt: this.#scope.now(),
        sequence: ++this.#sequence,
        attempts: 0,
        pendingPlugins: new Set(),
        backoffUntil: 0,
        state: "gated",
      };
      this.#pods.set(key, entry);
      this.#activate(entry);
      return;
    }
    known.pod = pod;
    if (known.state === "gated") this.#activate(known);
    else if (known.state === "unschedulable" && old && mattersToScheduling(pod, old)) this.#wake(known);
  }

  delete(pod: Pod): void {
    const key = keyOf(pod);
    const entry = this.#pods.get(key);
    if (!entry || entry.pod.metadata.uid !== pod.metadata.uid) return;
    this.#pods.delete(key);
    this.#waiting.delete(entry);
    // Heap entries of Pods that are gone are skipped when they come up.
    entry.state = "unschedulable";
  }

  /** The next Pod to schedule. It stays known until delete(); give it back with failed(). */
  take(): QueuedPod | undefined {
    for (;;) {
      const entry = popHeap(this.#heap);
      if (!entry) return undefined;
      if (entry.state !== "active" || this.#pods.get(keyOf(entry.pod)) !== entry) continue;
      entry.state = "processing";
      entry.attempts++;
      this.#inFlight.set(entry, new Set());
      return entry;
    }
  }

  /** The attempt is over and the Pod needs no more of the queue (it is bound, or being bound). */
  finished(entry: QueuedPod): void {
    this.#inFlight.delete(entry);
  }

  /** The attempt failed: for these plugins' reasons, or (none given) for an error that is tried again. */
  failed(entry: QueuedPod, plugins: ReadonlySet<string>): void {
    const seen = this.#inFlight.get(entry) ?? new Set();
    this.#inFlight.delete(entry);
    if (this.#pods.get(keyOf(entry.pod)) !== entry) return;
    entry.pendingPlugins = plugins;
    entry.queuedAt = this.#scope.now();
    entry.backoffUntil =
      this.#scope.now() + Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(entry.attempts - 1, 10), BACKOFF_MAX_MS);
    entry.state = "unschedulable";
    this.#waiting.add(entry);
    if (plugins.size === 0) this.#wake(entry);
    else if ([...seen].some((event) => this.#helps(entry, event))) this.#wake(entry);
  }

  /** Something happened: Pods that it may help get another try. */
  move(event: ClusterEvent): void {
    for (const events of this.#inFlight.values()) events.add(event);
    for (const entry of [...this.#waiting]) {
      if (entry.state === "unschedulable" && this.#helps(entry, event)) this.#wake(entry);
    }
  }

  #helps(entry: QueuedPod, event: ClusterEvent): boolean {
    for (const name of entry.pendingPlugins) if (this.#plugins.get(name)?.events.includes(event)) return true;
    return false;
  }

  #wake(entry: QueuedPod): void {
    const left = entry.backoffUntil - this.#scope.now();
    if (left <= 0) {
      this.#activate(entry);
      return;
    }
    entry.state = "backoff";
    this.#waiting.add(entry);
    this.#scope.after(left, () => {
      if (entry.state === "backoff" && this.#pods.get(keyOf(entry.pod)) === entry) this.#activate(entry);
    });
  }

  #activate(entry: QueuedPod): void {
    this.#waiting.delete(entry);
    for (const plugin of this.#plugins.values()) {
      if (!plugin.preEnqueue?.(entry.pod)) continue;
      entry.state = "gated";
      return;
    }
    entry.state = "active";
    pushHeap(this.#heap, entry);
    this.#onActive();
  }

  #flush(): void {
    const now = this.#scope.now();
    for (const entry of [...this.#waiting]) {
      if (entry.state === "unschedulable" && now - entry.queuedAt > UNSCHEDULABLE_MAX_MS) this.#wake(entry);
    }
  }
}

/** An update of the Pod itself that may let it through: gates, labels, tolerations, requests. */
const mattersToScheduling = (pod: Pod, old: Pod): boolean =>
  pod.spec !== old.spec || pod.metadata.labels !== old.metadata.labels;

/** PrioritySort, then first come, first served. */
const before = (a: QueuedPod, b: QueuedPod): boolean => {
  const left = priorityOf(a.pod);
  const right = priorityOf(b.pod);
  if (left !== right) return left > right;
  return a.queuedAt !== b.queuedAt ? a.queuedAt < b.queuedAt : a.sequence < b.sequence;
};

function pushHeap(heap: QueuedPod[], entry: QueuedPod): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!before(entry, heap[parent]!)) break;
    heap[i] = heap[parent]!;
    i = parent;
  }
  heap[i] = entry;
}

function popHeap(heap: QueuedPod[]): QueuedPod | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[i] = heap[child]!;
    i = child;
  }
  heap[i] = last;
  return first;
}
