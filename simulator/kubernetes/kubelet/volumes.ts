/**
 * Volumes of the Pods of one node: made under /var/lib/kubelet/pods, tried again with back-off while something is
 * missing, written anew at each sync where their content comes from API objects.
 */
import type { Clock, Instant } from "../../base/clock";
import { failure, ok, type Result } from "../../base/result";
import { SysError } from "../../os/errno";
import { DirInode } from "../../os/inode";
import type { MountNamespace } from "../../os/mounts";
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume, VolumeMount } from "../api/types.generated";
import { writePayload } from "./atomic-writer";
import { isProjected, type VolumeSources, volumePayload } from "./volume-content";

export const PODS_DIR = "/var/lib/kubelet/pods";

export interface VolumeManagerOptions extends VolumeSources {
  readonly clock: Clock;
  readonly fs: MountNamespace;
  claim(namespace: string, name: string): Result<PersistentVolumeClaim, string>;
  volume(name: string): Result<PersistentVolume, string>;
  /** A FailedMount event. */
  failed(pod: Pod, message: string): void;
}

interface Mounted {
  /** A path on the node; undefined while it could not be set up. */
  hostPath: string | undefined;
  retryAt: Instant;
  backoffMs: number;
}

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 122_000;

/** Kubernetes' plugin names, as the directories are called. */
const pluginOf = (volume: Volume): string =>
  volume.emptyDir
    ? "kubernetes.io~empty-dir"
    : volume.configMap
      ? "kubernetes.io~configmap"
      : volume.secret
        ? "kubernetes.io~secret"
        : volume.downwardAPI
          ? "kubernetes.io~downward-api"
          : "kubernetes.io~projected";

export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  readonly #pods = new Map<string, Map<string, Mounted>>();
  #sequence = 0;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
    options.fs.makeDirs(PODS_DIR);
  }

  /**
   * Sets up what is not there yet and is due, and brings projected content up to date. Answers when to come back for
   * what is missing; undefined when everything is mounted.
   */
  mount(pod: Pod): Instant | undefined {
    const known = this.#volumesOf(pod);
    const now = this.#options.clock.now();
    let next: Instant | undefined;
    for (const volume of pod.spec.volumes ?? []) {
      let mounted = known.get(volume.name);
      if (!mounted) known.set(volume.name, (mounted = { hostPath: undefined, retryAt: now, backoffMs: 0 }));
      const isReady = mounted.hostPath !== undefined;
      if (isReady && !isProjected(volume)) continue;
      if (mounted.retryAt > now) {
        if (!isReady) next = Math.min(next ?? mounted.retryAt, mounted.retryAt);
        continue;
      }
      const result = this.#setUp(pod, volume, mounted.hostPath);
      if (result.ok) {
        mounted.hostPath = result.value;
        mounted.backoffMs = 0;
        continue;
      }
      this.#options.failed(pod, result.error);
      mounted.backoffMs = Math.min(mounted.backoffMs === 0 ? RETRY_FIRST_MS : mounted.backoffMs * 2, RETRY_MAX_MS);
      mounted.retryAt = now + mounted.backoffMs;
      if (!isReady) next = Math.min(next ?? mounted.retryAt, mounted.retryAt);
    }
    return next;
  }

  /** Names of volumes that are not mounted, in the order of the spec. */
  unmounted(pod: Pod): string[] {
    const known = this.#pods.get(pod.metadata.uid);
    return (pod.spec.volumes ?? []).filter((v) => known?.get(v.name)?.hostPath === undefined).map((v) => v.name);
  }

  /** The node's path behind a volumeMount. `subPath` is already expanded. */
  hostPath(pod: Pod, mount: VolumeMount, subPath: string): Result<string, string> {
    const base = this.#pods.get(pod.metadata.uid)?.get(mount.name)?.hostPath;
    if (base === undefined) return failure(`cannot find volume "${mount.name}" to mount into container`);
    if (subPath === "") return ok(base);
    if (subPath.startsWith("/")) return failure(`error SubPath \`${subPath}\` must not be an absolute path`);
    if (subPath.split("/").includes(".."))
      return failure(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
    const path = `${base}/${subPath}`;
    const { fs } = this.#options;
    try {
      if (!fs.exists(path)) fs.makeDirs(path, { mode: 0o750 });
      return ok(fs.realPath(path));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return failure(`failed to create subPath directory for volumeMount "${mount.name}" of container: ${error.text}`);
    }
  }

  /** Gives a container a file of its own under its Pod's directory (termination log, /etc/hosts). */
  podDir(pod: Pod): DirInode {
    const pods = this.#options.fs.lookup(PODS_DIR) as DirInode;
    return childDir(pods, pod.metadata.uid, this.#options.clock.now());
  }

  /** Takes away what the kubelet made for a Pod. What hostPaths and claims hold stays. */
  remove(podUid: string): void {
    this.#pods.delete(podUid);
    const pods = this.#options.fs.lookup(PODS_DIR) as DirInode;
    pods.entries.delete(podUid);
  }

  /** Directories of Pods that exist on disk: what a restarted kubelet finds. */
  knownPods(): string[] {
    return this.#options.fs.readDir(PODS_DIR);
  }

  #volumesOf(pod: Pod): Map<string, Mounted> {
    let known = this.#pods.get(pod.metadata.uid);
    if (!known) this.#pods.set(pod.metadata.uid, (known = new Map()));
    return known;
  }

  /** A path, or the message of a FailedMount event. */
  #setUp(pod: Pod, volume: Volume, current: string | undefined): Result<string, string> {
    const { fs, clock } = this.#options;
    const setUpFailed = (detail: string): Result<string, string> =>
      failure(`MountVolume.SetUp failed for volume "${volume.name}" : ${detail}`);
    if (isProjected(volume)) {
      const payload = volumePayload(pod, volume, this.#options);
      if (!payload.ok) return setUpFailed(payload.error);
      const { dir, path } = this.#volumeDir(pod, volume);
      writePayload(dir, payload.value, clock.now(), ++this.#sequence);
      return ok(current ?? path);
    }
    if (volume.emptyDir) {
      const { dir, path } = this.#volumeDir(pod, volume);
      dir.mode = 0o777;
      return ok(path);
    }
    if (volume.hostPath) return hostPathVolume(fs, volume.hostPath.path, volume.hostPath.type ?? "", setUpFailed);
    const claimName =
      volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined);
    if (claimName !== undefined) return this.#claim(pod, volume, claimName);
    if (volume.nfs) return setUpFailed("nfs volumes are not simulated; the nearest thing is a persistentVolumeClaim");
    return setUpFailed(
      "this kind of volume is not simulated; the nearest things are emptyDir, hostPath and persistentVolumeClaim",
    );
  }

  #claim(pod: Pod, volume: Volume, claimName: string): Result<string, string> {
    const namespace = pod.metadata.namespace ?? "default";
    const prefix = `Unable to attach or mount volumes: unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]: error processing PVC ${namespace}/${claimName}: `;
    const claim = this.#options.claim(namespace, claimName);
    if (!claim.ok) return failure(`${prefix}failed to fetch PVC from API server: ${claim.error}`);
    if (claim.value.status?.phase !== "Bound" || !claim.value.spec.volumeName)
      return failure(`${prefix}PVC is not bound`);
    const found = this.#options.volume(claim.value.spec.volumeName);
    if (!found.ok)
      return failure(`${prefix}failed to fetch PV ${claim.value.spec.volumeName} from API server: ${found.error}`);
    const { spec, metadata } = found.value;
    const setUpFailed = (detail: string): Result<string, string> =>
      failure(`MountVolume.SetUp failed for volume "${metadata.name}" : ${detail}`);
    if (spec.hostPath)
      return hostPathVolume(this.#options.fs, spec.hostPath.path, spec.hostPath.type ?? "", setUpFailed);
    if (spec.local) {
      if (this.#options.fs.exists(spec.local.path)) return ok(spec.local.path);
      return failure(
        `MountVolume.NewMounter initialization failed for volume "${metadata.name}" : path "${spec.local.path}" does not exist`,
      );
    }
    return setUpFailed("this kind of persistent volume is not simulated; the nearest things are hostPath and local");
  }

  #volumeDir(pod: Pod, volume: Volume): { readonly dir: DirInode; readonly path: string } {
    const now = this.#options.clock.now();
    const plugin = pluginOf(volume);
    const volumes = childDir(this.podDir(pod), "volumes", now);
    const dir = childDir(childDir(volumes, plugin, now), volume.name, now);
    return { dir, path: `${PODS_DIR}/${pod.metadata.uid}/volumes/${plugin}/${volume.name}` };
  }
}

function childDir(parent: DirInode, name: string, now: Instant): DirInode {
  let child = parent.entries.get(name);
  if (child?.kind !== "dir") parent.entries.set(name, (child = new DirInode({ mtime: now })));
  return child;
}

function hostPathVolume(
  fs: MountNamespace,
  path: string,
  type: string,
  failed: (detail: string) => Result<string, string>,
): Result<string, string> {
  const node = fs.find(path);
  try {
    switch (type) {
      case "Directory":
        if (node?.kind !== "dir") return failed(`hostPath type check failed: ${path} is not a directory`);
        break;
      case "File":
        if (node?.kind !== "file") return failed(`hostPath type check failed: ${path} is not a file`);
        break;
      case "Socket":
      case "CharDevice":
      case "BlockDevice":
        if (!node) return failed(`hostPath type check failed: ${path} is not a ${wordOf(type)}`);
        break;
      case "FileOrCreate":
        if (node && node.kind !== "file") return failed(`hostPath type check failed: ${path} is not a file`);
        if (!node) fs.writeFile(path, "" as never);
        break;
      default:
        // The runtime makes a missing directory where no type is asked for.
        if (type === "DirectoryOrCreate" && node && node.kind !== "dir")
          return failed(`hostPath type check failed: ${path} is not a directory`);
        if (!node) fs.makeDirs(path);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return failed(error.message);
  }
  return ok(path);
}

const wordOf = (type: string): string =>
  type === "Socket" ? "socket file" : type === "CharDevice" ? "character device" : "block device";
