/**
 * Control groups: how memory and CPU are counted and limited. Figures come from what programs do (they allocate and
 * compute), so statistics, throttling, limits and OOM kills agree with each other.
 */
import type { Clock } from "../base/clock";
import type { SignalName } from "./signals";

/** What a group knows of a process in it. */
export interface CgroupMember {
  readonly pid: number;
  readonly memoryBytes: number;
  readonly cpuMs: number;
  signal(signal: SignalName, options?: { readonly fromOutside?: boolean; readonly oom?: boolean }): void;
  /** Applies the group's freezer state. */
  updateHold(): void;
}

export interface CgroupLimits {
  /** Bytes. */
  memoryMax?: number | undefined;
  /** Guaranteed in node accounting only; the kernel ignores it. Bytes. */
  memoryLow?: number | undefined;
  /** CPUs: quota divided by period. 0.5 is `--cpu-quota 50000`. */
  cpuMax?: number | undefined;
  /** Relative weight under contention. 1024 is one share. */
  cpuShares?: number | undefined;
  pidsMax?: number | undefined;
}

// A group has processes or groups in it, seldom both.
const NO_CHILDREN: ReadonlyMap<string, Cgroup> = new Map();
const NO_PROCESSES: ReadonlySet<CgroupMember> = new Set();

export class Cgroup {
  readonly path: string;
  readonly parent: Cgroup | undefined;
  #children: Map<string, Cgroup> | undefined;
  #processes: Set<CgroupMember> | undefined;
  limits: CgroupLimits = {};
  frozen = false;
  /** CPU time used by processes that were ever here, in ms. */
  cpuUsageMs = 0;
  /** Time that processes here could have run but for the quota, in ms. */
  throttledMs = 0;
  throttledPeriods = 0;
  oomKills = 0;
  memoryPeakBytes = 0;
  readonly #clock: Clock;
  #memoryBytes = 0;

  constructor(clock: Clock, path: string, parent?: Cgroup) {
    this.#clock = clock;
    this.path = path;
    this.parent = parent;
  }

  get children(): ReadonlyMap<string, Cgroup> {
    return this.#children ?? NO_CHILDREN;
  }

  get processes(): ReadonlySet<CgroupMember> {
    return this.#processes ?? NO_PROCESSES;
  }

  /** Kernel only: a process comes and goes. */
  add(process: CgroupMember): void {
    (this.#processes ??= new Set()).add(process);
  }

  delete(process: CgroupMember): void {
    this.#processes?.delete(process);
  }

  child(name: string, childLimits: CgroupLimits = {}): Cgroup {
    const path = this.path === "/" ? `/${name}` : `${this.path}/${name}`;
    const child = new Cgroup(this.#clock, path, this);
    child.limits = childLimits;
    (this.#children ??= new Map()).set(name, child);
    return child;
  }

  remove(): void {
    const name = this.path.slice(this.path.lastIndexOf("/") + 1);
    if (this.parent) this.parent.#children?.delete(name);
  }

  /** Memory of all processes here and below, in bytes. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Called by processes as they grow and shrink. */
  charge(bytes: number): void {
    for (let group: Cgroup | undefined = this; group; group = group.parent) {
      group.#memoryBytes += bytes;
      if (group.#memoryBytes > group.memoryPeakBytes) group.memoryPeakBytes = group.#memoryBytes;
    }
  }

  chargeCpu(ms: number): void {
    for (let group: Cgroup | undefined = this; group; group = group.parent) group.cpuUsageMs += ms;
  }

  /** The nearest group, from here up, whose memory limit is passed. */
  overLimit(): Cgroup | undefined {
    for (let group: Cgroup | undefined = this; group; group = group.parent)
      if (group.limits.memoryMax !== undefined && group.#memoryBytes > group.limits.memoryMax) return group;
    return undefined;
  }

  /** The least of the CPU limits from here up, in CPUs. */
  get cpuMax(): number {
    let least = Number.POSITIVE_INFINITY;
    for (let group: Cgroup | undefined = this; group; group = group.parent)
      if (group.limits.cpuMax !== undefined) least = Math.min(least, group.limits.cpuMax);
    return least;
  }

  /** Every process here and below, in the order they came. */
  allProcesses(): CgroupMember[] {
    const all = [...this.processes];
    for (const child of this.children.values()) all.push(...child.allProcesses());
    return all;
  }

  /** Processes computing at this moment, here and below: they share the quota. */
  computing = 0;

  beginComputing(): void {
    for (let group: Cgroup | undefined = this; group; group = group.parent) group.computing++;
  }

  endComputing(): void {
    for (let group: Cgroup | undefined = this; group; group = group.parent) group.computing--;
  }
}
