/** schedulePod: filter, score, choose. Pure but for the starting node and the tie-break, which the caller hands in. */
import type { Pod } from "../api/types.generated";
import type { Random } from "../../base/random";
import type { Handle, NodeFilter, Plugin, Rejection } from "./framework";
import type { Diagnosis } from "./failure";
import { priorityOf, reject } from "./framework";
import type { NodeInfo } from "./node-info";

const MIN_FEASIBLE_NODES = 100;
const MIN_FEASIBLE_PERCENTAGE = 5;

/** numFeasibleNodesToFind: in a large cluster a part of the nodes is enough. */
export function feasibleNodesToFind(nodeCount: number): number {
  if (nodeCount < MIN_FEASIBLE_NODES) return nodeCount;
  const percentage = Math.max(50 - Math.floor(nodeCount / 125), MIN_FEASIBLE_PERCENTAGE);
  return Math.max(Math.floor((nodeCount * percentage) / 100), MIN_FEASIBLE_NODES);
}

export interface ScheduleOptions {
  readonly pod: Pod;
  readonly handle: Handle;
  readonly plugins: readonly Plugin[];
  readonly random: Random;
  /** Where the search begins: the nodes are taken in turns. */
  readonly startIndex: number;
  /** Pods of at least this Pod's priority that are promised room on a node. */
  nominatedOn(node: NodeInfo): readonly Pod[];
}

export type ScheduleResult =
  | { readonly ok: true; readonly node: NodeInfo; readonly evaluated: number }
  | {
      readonly ok: false;
      readonly diagnosis: Diagnosis;
      readonly plugins: ReadonlySet<string>;
      readonly filters: readonly NodeFilter[];
      readonly evaluated: number;
    };

export function schedulePod(options: ScheduleOptions): ScheduleResult {
  const { pod, handle, plugins, startIndex } = options;
  const { nodes } = handle.snapshot;
  const filters: NodeFilter[] = [];
  const rejections = new Map<string, Rejection>();
  let nodeNames: Set<string> | undefined;
  const narrowing: string[] = [];
  for (const plugin of plugins) {
    const prepared = plugin.prepareFilter?.(pod, handle);
    if (!prepared) continue;
    if ("rejection" in prepared) {
      for (const { name } of nodes) rejections.set(name, prepared.rejection);
      const diagnosis: Diagnosis = { nodeCount: nodes.length, preFilter: prepared.rejection, rejections };
      return { ok: false, diagnosis, plugins: new Set([plugin.name]), filters, evaluated: 0 };
    }
    if (prepared.filter) filters.push(prepared.filter);
    if (prepared.nodeNames) {
      const wanted = prepared.nodeNames;
      nodeNames = nodeNames ? new Set([...nodeNames].filter((name) => wanted.has(name))) : new Set(wanted);
      narrowing.push(plugin.name);
    }
  }
  const responsible = new Set<string>();
  let candidates: readonly NodeInfo[] = nodes;
  if (nodeNames) {
    const allowed = nodeNames;
    candidates = nodes.filter(({ name }) => allowed.has(name));
    const absent = reject(narrowing[0]!, `node(s) didn't satisfy plugin(s) [${narrowing.join(" ")}]`, true);
    for (const { name } of nodes) if (!allowed.has(name)) rejections.set(name, absent);
    for (const name of narrowing) responsible.add(name);
  }
  const wanted = feasibleNodesToFind(candidates.length);
  const feasible: NodeInfo[] = [];
  let evaluated = 0;
  for (; evaluated < candidates.length && feasible.length < wanted; evaluated++) {
    const info = candidates[(startIndex + evaluated) % candidates.length]!;
    const rejection = rejectionOf(info, filters, options.nominatedOn(info));
    if (!rejection) feasible.push(info);
    else {
      rejections.set(info.name, rejection);
      responsible.add(rejection.plugin);
    }
  }
  if (feasible.length === 0) {
    return { ok: false, diagnosis: { nodeCount: nodes.length, rejections }, plugins: responsible, filters, evaluated };
  }
  const node = feasible.length === 1 ? feasible[0]! : best(options, feasible);
  return { ok: true, node, evaluated };
}

/** RunFilterPluginsWithNominatedPods: it must fit with those that are promised room, and without them. */
function rejectionOf(info: NodeInfo, filters: readonly NodeFilter[], nominated: readonly Pod[]): Rejection | undefined {
  if (nominated.length > 0) {
    const crowded = info.clone();
    for (const other of nominated) {
      crowded.add(other);
      for (const filter of filters) filter.add?.(other, crowded);
    }
    const rejection = firstRejection(crowded, filters);
    for (const other of nominated) {
      crowded.remove(other.metadata.uid);
      for (const filter of filters) filter.remove?.(other, crowded);
    }
    if (rejection) return rejection;
  }
  return firstRejection(info, filters);
}

function firstRejection(info: NodeInfo, filters: readonly NodeFilter[]): Rejection | undefined {
  for (const filter of filters) {
    const rejection = filter.filter(info);
    if (rejection) return rejection;
  }
  return undefined;
}

/** Weighted scores; of the best ones chance decides. */
function best({ pod, handle, plugins, random }: ScheduleOptions, feasible: readonly NodeInfo[]): NodeInfo {
  const totals = new Array<number>(feasible.length).fill(0);
  const scores = new Array<number>(feasible.length);
  for (const plugin of plugins) {
    if (!plugin.weight) continue;
    const scorer = plugin.prepareScore?.(pod, feasible, handle);
    if (!scorer) continue;
    for (let i = 0; i < feasible.length; i++) scores[i] = scorer.score(feasible[i]!);
    scorer.normalize?.(scores);
    for (let i = 0; i < feasible.length; i++) totals[i]! += scores[i]! * plugin.weight;
  }
  let most = Number.NEGATIVE_INFINITY;
  const winners: number[] = [];
  for (let i = 0; i < totals.length; i++) {
    if (totals[i]! > most) {
      most = totals[i]!;
      winners.length = 0;
    }
    if (totals[i] === most) winners.push(i);
  }
  return feasible[winners.length === 1 ? winners[0]! : random.pick(winners)]!;
}

/** Of the nominated Pods those that count against this one. */
export const countsAgainst = (pod: Pod, nominated: Pod): boolean =>
  nominated.metadata.uid !== pod.metadata.uid && priorityOf(nominated) >= priorityOf(pod);
