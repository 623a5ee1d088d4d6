/**
 * The node's containers by Pod, kept from the runtime's events and rebuilt from its lists (a restarted kubelet). State
 * is always read from the runtime; only which ids belong to whom is remembered.
 */
import type { ContainerStatus, ImageService, RuntimeService } from "../../containerd/cri";
import { CriError } from "../../containerd/cri";
import {
  emptyRuntimeStatus,
  type RuntimeContainer,
  type RuntimeContainerState,
  type RuntimePodStatus,
  type RuntimeSandbox,
} from "./runtime-status";

export const POD_NAME_LABEL = "io.kubernetes.pod.name";
export const POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace";
export const POD_UID_LABEL = "io.kubernetes.pod.uid";
export const CONTAINER_NAME_LABEL = "io.kubernetes.container.name";

interface PodIds {
  readonly sandboxes: string[];
  readonly containers: string[];
  /** The last address: it is shown on after the sandbox is gone. */
  ip: string;
}

const STATES: Readonly<Record<string, RuntimeContainerState>> = {
  CONTAINER_CREATED: "created",
  CONTAINER_RUNNING: "running",
  CONTAINER_EXITED: "exited",
};

export class RuntimeCache {
  readonly #runtime: () => RuntimeService;
  readonly #images: () => ImageService;
  readonly #pods = new Map<string, PodIds>();
  readonly #podOfSandbox = new Map<string, string>();
  /** What an image is called does not change while a container uses it. */
  readonly #imageNames = new Map<string, string>();

  constructor(runtime: () => RuntimeService, images: () => ImageService) {
    this.#runtime = runtime;
    this.#images = images;
  }

  /** Reads everything from the runtime. */
  rebuild(): void {
    this.#pods.clear();
    this.#podOfSandbox.clear();
    for (const sandbox of this.#runtime().listPodSandbox()) this.addSandbox(sandbox.metadata.uid, sandbox.id);
    for (const container of this.#runtime().listContainers()) this.addContainer(container.podSandboxId, container.id);
  }

  podUids(): string[] {
    return [...this.#pods.keys()];
  }

  podOf(sandboxId: string): string | undefined {
    return this.#podOfSandbox.get(sandboxId);
  }

  addSandbox(podUid: string, sandboxId: string): void {
    this.#podOfSandbox.set(sandboxId, podUid);
    const ids = this.#ids(podUid);
    if (!ids.sandboxes.includes(sandboxId)) ids.sandboxes.push(sandboxId);
  }

  addContainer(sandboxId: string, containerId: string): void {
    const podUid = this.#podOfSandbox.get(sandboxId);
    if (podUid === undefined) return;
    const ids = this.#ids(podUid);
    if (!ids.containers.includes(containerId)) ids.containers.push(containerId);
  }

  #ids(podUid: string): PodIds {
    let ids = this.#pods.get(podUid);
    if (!ids) this.#pods.set(podUid, (ids = { sandboxes: [], containers: [], ip: "" }));
    return ids;
  }

  forget(podUid: string): void {
    for (const id of this.#pods.get(podUid)?.sandboxes ?? []) this.#podOfSandbox.delete(id);
    this.#pods.delete(podUid);
  }

  sandboxIds(podUid: string): readonly string[] {
    return this.#pods.get(podUid)?.sandboxes ?? [];
  }

  /** The present state of a Pod, newest first. What the runtime knows no more is dropped. */
  status(podUid: string): RuntimePodStatus {
    const ids = this.#pods.get(podUid);
    if (!ids) return emptyRuntimeStatus;
    const runtime = this.#runtime();
    const sandboxes: RuntimeSandbox[] = [];
    for (let i = ids.sandboxes.length - 1; i >= 0; i--) {
      const found = attempt(() => runtime.podSandboxStatus(ids.sandboxes[i]!));
      if (!found) {
        this.#podOfSandbox.delete(ids.sandboxes[i]!);
        ids.sandboxes.splice(i, 1);
        continue;
      }
      sandboxes.push({
        id: found.id,
        ready: found.state === "SANDBOX_READY",
        ip: found.ip ?? "",
        attempt: found.metadata.attempt,
        createdAt: found.createdAt,
      });
    }
    const containers: RuntimeContainer[] = [];
    for (let i = ids.containers.length - 1; i >= 0; i--) {
      const found = attempt(() => runtime.containerStatus(ids.containers[i]!));
      if (found) containers.push(this.#describe(found));
      else ids.containers.splice(i, 1);
    }
    if (sandboxes[0]?.ip) ids.ip = sandboxes[0].ip;
    return { sandboxes, containers, ip: ids.ip };
  }

  #describe(found: ContainerStatus): RuntimeContainer {
    const { user } = found;
    return {
      id: found.id,
      name: found.metadata.name,
      state: STATES[found.state] ?? "unknown",
      createdAt: found.createdAt,
      startedAt: found.startedAt,
      finishedAt: found.finishedAt,
      exitCode: found.exitCode,
      reason: found.reason,
      message: found.message,
      image: this.#imageName(found),
      imageRef: found.imageId,
      restartCount: found.metadata.attempt,
      ...(user
        ? { user: { linux: { gid: user.gid, supplementalGroups: user.supplementalGroups, uid: user.uid } } }
        : {}),
    };
  }

  #imageName(found: ContainerStatus): string {
    let name = this.#imageNames.get(found.imageRef);
    if (name === undefined) {
      name = [...(this.#images().imageStatus(found.imageRef)?.repoTags ?? [])].sort()[0] ?? found.image;
      this.#imageNames.set(found.imageRef, name);
    }
    return name;
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof CriError && error.code === "NotFound") return undefined;
    throw error;
  }
}
