/** What the container runtime says of one Pod, in the kubelet's own shape: sandboxes and containers, newest first. */
import type { Instant } from "../../base/clock";
import type { Container, EphemeralContainer, Pod } from "../api/types.generated";

export type RuntimeContainerState = "created" | "running" | "exited" | "unknown";

export interface RuntimeContainer {
  readonly id: string;
  readonly name: string;
  readonly state: RuntimeContainerState;
  readonly createdAt: Instant;
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** The image as the runtime names it: `docker.io/library/nginx:1.25`. */
  readonly image: string;
  /** The digest form: `docker.io/library/nginx@sha256:…`. */
  readonly imageRef: string;
  readonly restartCount: number;
  readonly user?: {
    readonly linux: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] };
  };
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly ready: boolean;
  readonly ip: string;
  readonly attempt: number;
  readonly createdAt: Instant;
}

export interface RuntimePodStatus {
  readonly sandboxes: readonly RuntimeSandbox[];
  readonly containers: readonly RuntimeContainer[];
  /** Addresses of the newest sandbox, kept while it lives. */
  readonly ip: string;
}

export const emptyRuntimeStatus: RuntimePodStatus = Object.freeze({ sandboxes: [], containers: [], ip: "" });

/** The newest container of a name. */
export const findContainer = (status: RuntimePodStatus, name: string): RuntimeContainer | undefined =>
  status.containers.find((container) => container.name === name);

export const isRestartableInit = (container: Container): boolean => container.restartPolicy === "Always";

/** All containers a Pod may have, with where they stand in its spec. */
export function allContainers(pod: Pod): (Container | EphemeralContainer)[] {
  return [...(pod.spec.initContainers ?? []), ...pod.spec.containers, ...(pod.spec.ephemeralContainers ?? [])];
}

/** Whether a sandbox has to be made (none, or the newest is dead), and which attempt it would be. */
export function sandboxChanged(
  pod: Pod,
  status: RuntimePodStatus,
): { readonly changed: boolean; readonly attempt: number; readonly sandboxId: string } {
  const newest = status.sandboxes[0];
  if (!newest) return { changed: true, attempt: 0, sandboxId: "" };
  if (!newest.ready) return { changed: true, attempt: newest.attempt + 1, sandboxId: newest.id };
  if (!pod.spec.hostNetwork && newest.ip === "")
    return { changed: true, attempt: newest.attempt + 1, sandboxId: newest.id };
  return { changed: false, attempt: newest.attempt, sandboxId: newest.id };
}

/** Whether the next sync is to start a container (again): restart policy and how it ended. */
export function shouldContainerBeRestarted(container: Container, pod: Pod, status: RuntimePodStatus): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const found = findContainer(status, container.name);
  if (!found) return true;
  if (found.state === "running") return false;
  if (found.state === "unknown" || found.state === "created") return true;
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
  const rule = container.restartPolicyRules?.find((r) => ruleMatches(r, found.exitCode));
  if (rule) return rule.action === "Restart" || rule.action === "RestartAllContainers";
  if (policy === "Never") return false;
  if (policy === "OnFailure") return found.exitCode !== 0;
  return true;
}

function ruleMatches(rule: NonNullable<Container["restartPolicyRules"]>[number], exitCode: number): boolean {
  const codes = rule.exitCodes;
  if (!codes) return false;
  const listed = (codes.values ?? []).includes(exitCode);
  return codes.operator === "NotIn" ? !listed : listed;
}
