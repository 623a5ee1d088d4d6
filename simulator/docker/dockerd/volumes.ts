/** Named and anonymous volumes of the local driver, and how a container's mounts are resolved. */
import type { Loop } from "../../base/loop";
import { absolute } from "../../os/path";
import { type DirInode, type Inode, cloneTree } from "../../os/inode";
import type { MountNamespace } from "../../os/mounts";
import type { Random } from "../../base/random";
import { badRequest, conflict, notFound } from "../api/failure";
import type { HostConfig, MountRequest } from "../api/types";
import type { DockerContainer, MountPoint } from "./container";
import type { EventLog } from "./events";
import { containerTree } from "../../containerd/images";
import type { Image } from "../../containerd/api";

export const ANONYMOUS_LABEL = "com.docker.volume.anonymous";

export interface Volume {
  readonly name: string;
  readonly created: number;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>> | null;
  /** On the host. */
  readonly mountpoint: string;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export class Volumes {
  readonly #loop: Loop;
  readonly #random: Random;
  readonly #fs: MountNamespace;
  readonly #events: EventLog;
  readonly #root: string;
  readonly #volumes = new Map<string, Volume>();
  /** Who uses a volume: container ids. */
  readonly users: (name: string) => readonly string[];

  constructor(options: {
    readonly loop: Loop;
    readonly random: Random;
    readonly fs: MountNamespace;
    readonly events: EventLog;
    readonly root: string;
    readonly users: (name: string) => readonly string[];
  }) {
    this.#loop = options.loop;
    this.#random = options.random;
    this.#fs = options.fs;
    this.#events = options.events;
    this.#root = options.root;
    this.users = options.users;
  }

  get(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  all(): readonly Volume[] {
    return [...this.#volumes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Makes a volume, or answers the one that is there. */
  create(options: {
    readonly name?: string;
    readonly driver?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
    readonly options?: Readonly<Record<string, string>> | null;
  }): Volume {
    const isAnonymous = !options.name;
    const name = options.name || this.#random.hex(64);
    if (options.driver && options.driver !== "local")
      throw notFound(
        `create ${name}: error looking up volume plugin ${options.driver}: plugin "${options.driver}" not found`,
      );
    const existing = this.#volumes.get(name);
    if (existing) return existing;
    if (!NAME.test(name) || name.length < 2)
      throw badRequest(
        name.length < 2 && NAME.test(name)
          ? `create ${name}: volume name is too short, names should be at least two alphanumeric characters`
          : `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    const volume: Volume = {
      name,
      created: this.#loop.now(),
      labels: isAnonymous ? { ...options.labels, [ANONYMOUS_LABEL]: "" } : (options.labels ?? null),
      options: options.options ?? null,
      mountpoint: `${this.#root}/volumes/${name}/_data`,
    };
    this.#fs.makeDirs(volume.mountpoint);
    this.#volumes.set(name, volume);
    this.#events.publish("volume", "create", name, { driver: "local" });
    return volume;
  }

  remove(name: string, force = false): void {
    const volume = this.#volumes.get(name);
    if (!volume) {
      if (force) return;
      throw notFound(`get ${name}: no such volume`);
    }
    const users = this.users(name);
    if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`);
    this.#volumes.delete(name);
    this.#fs.removeTree(`${this.#root}/volumes/${name}`);
    this.#events.publish("volume", "destroy", name, { driver: "local" });
  }

  bytes(volume: Volume): number {
    const node = this.#fs.find(volume.mountpoint);
    return node ? treeBytes(node) : 0;
  }
}

export function treeBytes(node: Inode): number {
  if (node.kind === "file") return node.size;
  if (node.kind !== "dir") return 0;
  let bytes = 0;
  for (const child of node.entries.values()) bytes += treeBytes(child);
  return bytes;
}

/** Everything a create request mounts, in the order in which they hide one another. Volumes are made on the way. */
export function resolveMounts(
  request: {
    readonly host: HostConfig;
    readonly imageVolumes: readonly string[];
    readonly configVolumes: readonly string[];
  },
  world: {
    readonly volumes: Volumes;
    readonly fs: MountNamespace;
    readonly container: (name: string) => DockerContainer;
  },
): MountPoint[] {
  const points = new Map<string, MountPoint>();
  const { host } = request;
  for (const entry of host.VolumesFrom ?? []) {
    const [name = "", mode = ""] = entry.split(":");
    for (const point of world.container(name).mounts)
      points.set(point.destination, {
        ...point,
        rw: point.rw && mode !== "ro",
        mode: mode || point.mode,
        copyUp: false,
      });
  }
  const seen = new Set<string>();
  const claim = (destination: string): void => {
    if (seen.has(destination)) throw badRequest(`Duplicate mount point: ${destination}`);
    seen.add(destination);
  };
  for (const bind of host.Binds ?? []) {
    const point = readBind(bind, world);
    claim(point.destination);
    points.set(point.destination, point);
  }
  for (const mount of host.Mounts ?? []) {
    const point = readMount(mount, world);
    claim(point.destination);
    points.set(point.destination, point);
  }
  for (const [destination, options] of Object.entries(host.Tmpfs ?? {})) {
    const size = /(?:^|,)size=(\d+)([kmgKMG]?)/.exec(options);
    points.set(
      destination,
      tmpfs(destination, size ? Number(size[1]) * 1024 ** " kmg".indexOf(size[2]?.toLowerCase() || " ") : undefined),
    );
  }
  for (const destination of [...request.configVolumes, ...request.imageVolumes]) {
    const path = absolute("/", destination);
    if (points.has(path)) continue;
    points.set(path, anonymous(world.volumes, path));
  }
  return [...points.values()];
}

function anonymous(volumes: Volumes, destination: string): MountPoint {
  const volume = volumes.create({});
  return {
    type: "volume",
    name: volume.name,
    source: volume.mountpoint,
    destination,
    driver: "local",
    mode: "",
    rw: true,
    propagation: "",
    copyUp: true,
    isAnonymous: true,
  };
}

const tmpfs = (destination: string, sizeBytes?: number): MountPoint => ({
  type: "tmpfs",
  name: undefined,
  source: "",
  destination: absolute("/", destination),
  driver: undefined,
  mode: "",
  rw: true,
  propagation: "",
  copyUp: false,
  isAnonymous: false,
  ...(sizeBytes === undefined ? {} : { sizeBytes }),
});

const MODES = new Set([
  "ro",
  "rw",
  "z",
  "Z",
  "nocopy",
  "shared",
  "slave",
  "private",
  "rshared",
  "rslave",
  "rprivate",
  "consistent",
  "cached",
  "delegated",
]);

/** `-v`'s three fields, as the CLI hands them on. */
function readBind(spec: string, world: { readonly volumes: Volumes; readonly fs: MountNamespace }): MountPoint {
  const parts = spec.split(":");
  const invalid = (why: string) => badRequest(`invalid volume specification: '${spec}'${why}`);
  if (parts.length > 3 || parts.some((part) => part === "")) throw invalid("");
  const [source = "", destination = "", mode = ""] = parts.length === 1 ? ["", parts[0]] : parts;
  for (const flag of mode === "" ? [] : mode.split(","))
    if (!MODES.has(flag)) throw badRequest(`invalid mode: ${mode}`);
  const isBind = source.startsWith("/");
  const kind = isBind ? "bind" : "volume";
  if (!destination.startsWith("/"))
    throw invalid(
      `: invalid mount config for type "${kind}": invalid mount path: '${destination}' mount path must be absolute`,
    );
  if (absolute("/", destination) === "/")
    throw invalid(`: invalid mount config for type "${kind}": invalid specification: destination can't be '/'`);
  const rw = !mode.split(",").includes("ro");
  const path = absolute("/", destination);
  if (isBind) {
    // -v makes a missing host directory; --mount does not.
    if (!world.fs.exists(source)) world.fs.makeDirs(source);
    return {
      type: "bind",
      name: undefined,
      source: absolute("/", source),
      destination: path,
      driver: undefined,
      mode,
      rw,
      propagation: "rprivate",
      copyUp: false,
      isAnonymous: false,
    };
  }
  if (source === "") return anonymous(world.volumes, path);
  const volume = world.volumes.create({ name: source });
  return {
    type: "volume",
    name: volume.name,
    source: volume.mountpoint,
    destination: path,
    driver: "local",
    mode: mode === "" ? "z" : mode,
    rw,
    propagation: "",
    copyUp: !mode.split(",").includes("nocopy"),
    isAnonymous: false,
  };
}

function readMount(mount: MountRequest, world: { readonly volumes: Volumes; readonly fs: MountNamespace }): MountPoint {
  const type = mount.Type ?? "volume";
  const invalid = (why: string) => badRequest(`invalid mount config for type "${type}": ${why}`);
  if (!["bind", "volume", "tmpfs"].includes(type)) throw invalid("mount type unknown");
  if (mount.Target === "") throw invalid("field Target must not be empty");
  if (!mount.Target.startsWith("/")) throw invalid(`invalid mount path: '${mount.Target}' mount path must be absolute`);
  const destination = absolute("/", mount.Target);
  if (destination === "/") throw invalid("invalid specification: destination can't be '/'");
  const rw = !mount.ReadOnly;
  if (type === "tmpfs") {
    if (mount.Source) throw invalid("field Source must not be specified");
    return tmpfs(destination, mount.TmpfsOptions?.SizeBytes);
  }
  if (type === "bind") {
    if (!mount.Source) throw invalid("field Source must not be empty");
    if (!mount.Source.startsWith("/"))
      throw invalid(`invalid mount path: '${mount.Source}' mount path must be absolute`);
    if (!world.fs.exists(mount.Source)) {
      if (!mount.BindOptions?.CreateMountpoint) throw invalid(`bind source path does not exist: ${mount.Source}`);
      world.fs.makeDirs(mount.Source);
    }
    return {
      type: "bind",
      name: undefined,
      source: absolute("/", mount.Source),
      destination,
      driver: undefined,
      mode: "",
      rw,
      propagation: "rprivate",
      copyUp: false,
      isAnonymous: false,
    };
  }
  if (!mount.Source) return { ...anonymous(world.volumes, destination), mode: "z", rw };
  const volume = world.volumes.create({
    name: mount.Source,
    driver: mount.VolumeOptions?.DriverConfig?.Name ?? "local",
    ...(mount.VolumeOptions?.Labels ? { labels: mount.VolumeOptions.Labels } : {}),
  });
  return {
    type: "volume",
    name: volume.name,
    source: volume.mountpoint,
    destination,
    driver: "local",
    mode: "z",
    rw,
    propagation: "",
    copyUp: !mount.VolumeOptions?.NoCopy,
    isAnonymous: false,
  };
}

/** Fills an empty volume with what the image has at its place, as dockerd does at creation. */
export function fillVolume(fs: MountNamespace, image: Image, point: MountPoint): void {
  if (point.type !== "volume" || !point.copyUp) return;
  const target = fs.find(point.source);
  if (target?.kind !== "dir" || target.entries.size > 0) return;
  let node: Inode | undefined = containerTree(image.layers);
  for (const name of point.destination.split("/").slice(1))
    node = node?.kind === "dir" ? node.entries.get(name) : undefined;
  if (node?.kind !== "dir") return;
  const dir = fs.writable(point.source) as DirInode;
  for (const [name, child] of node.entries) dir.entries.set(name, cloneTree(child));
  Object.assign(dir, { mode: node.mode, uid: node.uid, gid: node.gid });
}
