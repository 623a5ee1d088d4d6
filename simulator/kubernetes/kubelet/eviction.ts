/** Eviction: what a node under memory or disk pressure ends, in which order, and with which words. */
import type { ProcessHost } from "../../os/process";
import { wholeValue } from "../apimachinery/quantity";
import type { Pod } from "../api/types.generated";
import type { Scope } from "../client/scope";
import { EVICTION_MEMORY_BYTES } from "./node-status";
import type { PodWorker } from "./pod-worker";
import { podRequest } from "./resources";

export interface EvictionOptions {
  readonly scope: Scope;
  readonly kernel: ProcessHost;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  diskUsedBytes(): number;
  workers(): readonly PodWorker[];
  usage(worker: PodWorker): number;
  event(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void;
  nodeEvent(type: "Normal" | "Warning", reason: string, message: string): void;
  /** A pressure condition has changed. */
  changed(): void;
}

const CHECK_MS = 10_000;
/** How long a condition stays after its cause is gone (eviction-pressure-transition-period). */
const TRANSITION_MS = 300_000;
/** nodefs.available<10% */
const DISK_AVAILABLE_MIN = 0.1;

const quantityText = (bytes: number): string => (bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes));

export class EvictionManager {
  readonly #options: EvictionOptions;
  readonly #metUntil = { memory: 0, disk: 0 };

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  get pressure(): { readonly memory: boolean; readonly disk: boolean } {
    const now = this.#options.scope.now();
    return { memory: this.#metUntil.memory > now, disk: this.#metUntil.disk > now };
  }

  start(): void {
    this.#options.scope.every(CHECK_MS, () => this.#check());
  }

  #check(): void {
    const { memoryBytes, diskBytes, kernel } = this.#options;
    const memoryFree = memoryBytes - kernel.rootCgroup.memoryBytes;
    const diskFree = diskBytes - this.#options.diskUsedBytes();
    if (memoryFree < EVICTION_MEMORY_BYTES) this.#reclaim("memory", EVICTION_MEMORY_BYTES, memoryFree);
    if (diskFree < diskBytes * DISK_AVAILABLE_MIN)
      this.#reclaim("disk", Math.floor(diskBytes * DISK_AVAILABLE_MIN), diskFree);
    if (this.#wasUnder !== this.#isUnder()) {
      this.#wasUnder = this.#isUnder();
      this.#options.changed();
    }
  }

  #wasUnder = "";

  #isUnder(): string {
    const { memory, disk } = this.pressure;
    return `${memory}/${disk}`;
  }

  #reclaim(kind: "memory" | "disk", threshold: number, available: number): void {
    const { scope } = this.#options;
    const resource = kind === "memory" ? "memory" : "ephemeral-storage";
    this.#metUntil[kind] = scope.now() + TRANSITION_MS;
    this.#options.nodeEvent("Warning", "EvictionThresholdMet", `Attempting to reclaim ${resource}`);
    const victim = this.#rank(kind)[0];
    if (!victim) return;
    const low = `The node was low on resource: ${resource}. Threshold quantity: ${quantityText(threshold)}, available: ${quantityText(available)}. `;
    const message = low + this.#consumers(victim, kind);
    this.#options.event(victim.pod, "Warning", "Evicted", message);
    victim.terminate({
      graceSeconds: 1,
      status: { phase: "Failed", reason: "Evicted", message, disruption: message },
    });
  }

  /** Those above their requests first, then by priority, then by how far above. */
  #rank(kind: "memory" | "disk"): PodWorker[] {
    const usageOf = (worker: PodWorker): number => (kind === "memory" ? this.#options.usage(worker) : 0);
    const ranked = this.#options
      .workers()
      .filter((worker) => worker.state === "sync" && !isCritical(worker.pod))
      .map((worker) => {
        const usage = usageOf(worker);
        const over = usage - podRequest(worker.pod, kind === "memory" ? "memory" : "ephemeral-storage");
        return { worker, over };
      });
    ranked.sort(
      (a, b) =>
        Number(b.over > 0) - Number(a.over > 0) ||
        (a.worker.pod.spec.priority ?? 0) - (b.worker.pod.spec.priority ?? 0) ||
        b.over - a.over,
    );
    return ranked.map(({ worker }) => worker);
  }

  #consumers(worker: PodWorker, kind: "memory" | "disk"): string {
    const usage = quantityText(kind === "memory" ? this.#options.usage(worker) : 0);
    const resource = kind === "memory" ? "memory" : "ephemeral-storage";
    return worker.pod.spec.containers
      .map(
        (container) =>
          `Container ${container.name} was using ${usage}, request is ${quantityText(wholeValue(container.resources?.requests?.[resource]))}, has larger consumption of ${resource}. `,
      )
      .join("");
  }
}

const isCritical = (pod: Pod): boolean =>
  (pod.spec.priority ?? 0) >= 2_000_000_000 || pod.metadata.annotations?.["kubernetes.io/config.source"] === "file";
