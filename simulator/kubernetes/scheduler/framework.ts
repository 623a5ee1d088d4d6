/**
 * The scheduling framework: what a plugin is. A plugin looks at the Pod once a cycle and answers with closures that
 * look at one node each; what it counted stands in the closure and can be moved by the preemption's what-ifs.
 */
import type {
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from "../api/types.generated";
import type { Lister } from "../client/lister";
import type { NodeInfo, Snapshot } from "./node-info";

/** Why a node, or all, will not do. */
export interface Rejection {
  readonly plugin: string;
  readonly reasons: readonly string[];
  /** True when no preemption could help (UnschedulableAndUnresolvable). */
  readonly unresolvable: boolean;
}

export const MAX_NODE_SCORE = 100;

/** What plugins may look at besides the Pod: caches that informers keep. */
export interface Handle {
  readonly snapshot: Snapshot;
  readonly namespaces: Lister<Namespace>;
  readonly services: Lister<Service>;
  readonly replicaSets: Lister<ReplicaSet>;
  readonly statefulSets: Lister<StatefulSet>;
  readonly replicationControllers: Lister<ReplicationController>;
  readonly claims: Lister<PersistentVolumeClaim>;
  readonly volumes: Lister<PersistentVolume>;
  readonly storageClasses: Lister<StorageClass>;
}

export interface NodeFilter {
  /** Undefined: the node will do. */
  filter(node: NodeInfo): Rejection | undefined;
  /** What-if: a Pod more, or one less, on the node (which already shows it so). */
  add?(pod: Pod, node: NodeInfo): void;
  remove?(pod: Pod, node: NodeInfo): void;
}

export interface NodeScore {
  score(node: NodeInfo): number;
  /** Brings raw scores to 0–100, in place. Absent: they are so already. */
  normalize?(scores: number[]): void;
}

export type FilterPreparation =
  | { readonly rejection: Rejection }
  /** The only nodes worth a look, by name. */
  | { readonly filter?: NodeFilter; readonly nodeNames?: ReadonlySet<string> };

/** What happened in the cluster, as far as it may make room for a Pod. */
export type ClusterEvent =
  | "NodeAdd"
  | "NodeUpdate"
  | "AssignedPodAdd"
  | "AssignedPodUpdate"
  | "AssignedPodDelete"
  | "PodUpdate"
  | "Storage"
  | "ForceActivate";

export interface Plugin {
  /** As upstream names it: `NodeResourcesFit`. */
  readonly name: string;
  /** Weight of its score; 0 or absent when it has none. */
  readonly weight?: number;
  /** Which events may let a Pod through that this plugin held up. */
  readonly events: readonly ClusterEvent[];
  /** Keeps a Pod out of the queue altogether. */
  preEnqueue?(pod: Pod): Rejection | undefined;
  /** Undefined: the plugin has nothing to say of this Pod. */
  prepareFilter?(pod: Pod, handle: Handle): FilterPreparation | undefined;
  prepareScore?(pod: Pod, nodes: readonly NodeInfo[], handle: Handle): NodeScore | undefined;
}

export const reject = (plugin: string, reason: string, unresolvable = false): Rejection => ({
  plugin,
  reasons: [reason],
  unresolvable,
});

/** helper.DefaultNormalizeScore: scales to the largest, and turns it round when less is better. */
export function normalizeScores(scores: number[], reverse: boolean): void {
  let largest = 0;
  for (const score of scores) if (score > largest) largest = score;
  for (let i = 0; i < scores.length; i++) {
    if (largest === 0) {
      if (reverse) scores[i] = MAX_NODE_SCORE;
      continue;
    }
    const scaled = Math.floor((MAX_NODE_SCORE * scores[i]!) / largest);
    scores[i] = reverse ? MAX_NODE_SCORE - scaled : scaled;
  }
}

/** The Pod's priority; 0 when admission set none. */
export const priorityOf = (pod: Pod): number => pod.spec.priority ?? 0;
