/**
 * Parts of the simulator that are loaded apart. What a world is depends on its scenario alone, never on which parts are
 * there: a scenario that needs a missing one cannot be made.
 */
import type { makeKubectl } from "../kubernetes/kubectl/kubectl";
import type { ClusterOfWorld } from "./cluster-of-world";

export interface KubernetesPart {
  readonly makeKubectl: typeof makeKubectl;
  readonly ClusterOfWorld: typeof ClusterOfWorld;
}

let kubernetes: KubernetesPart | undefined;

export function provideKubernetes(part: KubernetesPart): void {
  kubernetes = part;
}

export function kubernetesPart(): KubernetesPart {
  if (!kubernetes) throw new Error("the Kubernetes part of the simulator has not been loaded");
  return kubernetes;
}
