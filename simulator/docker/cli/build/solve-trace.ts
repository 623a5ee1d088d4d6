/** What is known of a running solve: vertices with their progress, logs and remarks, from the status messages. */
import type { SolveStatus, SolveVertex, SolveVertexStatus, SolveWarning } from "../../api/build";

export interface TracedVertex {
  readonly digest: string;
  /** From 1, in the order of their first lines; 0 before. */
  index: number;
  vertex: SolveVertex;
  readonly statuses: Map<string, SolveVertexStatus>;
  /** Statuses that changed since they were last printed. */
  readonly fresh: Set<string>;
  readonly warnings: SolveWarning[];
  /** Lines with the seconds since the vertex started in front; the last one may be open. */
  readonly logs: string[];
  printedLogs: number;
  printedWarnings: number;
  isPartial: boolean;
}

export class SolveTrace {
  readonly vertices = new Map<string, TracedVertex>();
  /** Those that have begun, in that order. */
  readonly begun: TracedVertex[] = [];
  readonly warnings: SolveWarning[] = [];
  #next = 0;

  /** Takes a message in; the result is which vertices it touched. */
  update(status: SolveStatus): ReadonlySet<TracedVertex> {
    const touched = new Set<TracedVertex>();
    for (const vertex of status.vertexes ?? []) {
      const known = this.vertices.get(vertex.digest);
      const traced = known ?? newVertex(vertex);
      if (!known) this.vertices.set(vertex.digest, traced);
      if (vertex.started !== undefined && !this.begun.includes(traced)) this.begun.push(traced);
      traced.vertex = vertex;
      touched.add(traced);
    }
    for (const one of status.statuses ?? []) {
      const vertex = this.vertices.get(one.vertex);
      if (!vertex) continue;
      vertex.statuses.set(one.id, one);
      vertex.fresh.add(one.id);
      touched.add(vertex);
    }
    for (const warning of status.warnings ?? []) {
      this.warnings.push(warning);
      const vertex = this.vertices.get(warning.vertex);
      if (!vertex) continue;
      vertex.warnings.push(warning);
      touched.add(vertex);
    }
    for (const log of status.logs ?? []) {
      const vertex = this.vertices.get(log.vertex);
      if (!vertex) continue;
      const seconds = (log.timestamp - (vertex.vertex.started ?? log.timestamp)) / 1000;
      const digits = seconds < 10 ? 3 : seconds < 100 ? 2 : 1;
      const parts = log.msg.split("\n");
      const rest = parts.pop()!;
      for (const [i, part] of [...parts, ...(rest === "" ? [] : [rest])].entries()) {
        if (i === 0 && vertex.isPartial) vertex.logs[vertex.logs.length - 1] += part;
        else vertex.logs.push(`${seconds.toFixed(digits)} ${part}`);
      }
      vertex.isPartial = rest !== "";
      touched.add(vertex);
    }
    return touched;
  }

  number(vertex: TracedVertex): number {
    if (vertex.index === 0) vertex.index = ++this.#next;
    return vertex.index;
  }

  get failed(): TracedVertex | undefined {
    for (const vertex of this.vertices.values()) if (vertex.vertex.error !== undefined) return vertex;
    return undefined;
  }

  /** The box that repeats a failed step's last lines. */
  failureBox(): string {
    const vertex = this.failed;
    if (!vertex) return "";
    const lines = vertex.logs.slice(-20).map((line) => `${line}\n`);
    return `------\n > ${vertex.vertex.name}:\n${lines.join("")}------\n`;
  }
}

const newVertex = (vertex: SolveVertex): TracedVertex => ({
  digest: vertex.digest,
  index: 0,
  vertex,
  statuses: new Map(),
  fresh: new Set(),
  warnings: [],
  logs: [],
  printedLogs: 0,
  printedWarnings: 0,
  isPartial: false,
});

/** tonistiigi/units with %.2f: `207B`, `822.18kB`. */
export function solveBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${units[unit]}`;
}

export const statusBytes = (status: SolveVertexStatus): string =>
  status.total
    ? ` ${solveBytes(status.current)} / ${solveBytes(status.total)}`
    : status.current
      ? ` ${solveBytes(status.current)}`
      : "";
