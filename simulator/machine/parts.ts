/**
 * Parts of the simulator that are loaded apart. What a world is depends on its scenario and inputs alone, never on which
 * parts are there: a scenario that needs the Kubernetes part cannot be made without it, and a command whose program is
 * missing waits outside virtual time until it is there.
 */
import { Part } from "../base/part";
import type * as docker from "../docker/cli/docker";
import type { ApiTexts } from "../kubernetes/kubectl/factory";
import type * as kubectl from "../kubernetes/kubectl/kubectl";
import type { ClusterOfWorld } from "./cluster-of-world";

export interface KubernetesPart {
  readonly ClusterOfWorld: typeof ClusterOfWorld;
}

/** Too long for pages that may never ask: fetched when somebody explains a kind. */
export const apiTexts = new Part<ApiTexts>("api-texts");
export const dockerCli = new Part<typeof docker>("docker-cli");
export const kubectlCli = new Part<typeof kubectl>("kubectl");

let kubernetes: KubernetesPart | undefined;

export function provideKubernetes(part: KubernetesPart): void {
  kubernetes = part;
}

export function kubernetesPart(): KubernetesPart {
  if (!kubernetes) throw new Error("the Kubernetes part of the simulator has not been loaded");
  return kubernetes;
}
