/** The container runtime of one host: images, containers and their tasks, and the events that tell of them. */
import type { Cancel } from "../base/loop";
import type { Task } from "../base/task";
import { decodeUtf8 } from "../base/bytes";
import type { Cgroup } from "../os/cgroup";
import type { Kernel } from "../os/kernel";
import type { MountNamespace } from "../os/mounts";
import type { ExitStatus } from "../os/signals";
import type { ContainerSpec, ExecSpec, Image, IoSinks, PullOptions, RuntimeEvent, RuntimeListener } from "./api";
import { ImageStore } from "./images";
import { type PullHost, type PullResult, isFailure, pullImage } from "./pull";
import { type Reference, parseReference, referenceString, repositoryOf, withDefaultTag } from "./reference";
import type { Registries } from "./registry";
import { Container, type StartedProcess, type TaskHost } from "./tasks";

export interface ContainerdOptions {
  readonly kernel: Kernel;
  /** The host's own file tree: bind mounts come from it, its /etc/hosts names the registries. */
  readonly mounts: MountNamespace;
  readonly registries: Registries;
  /**
   * How this host finds a registry by name; a text is the failure's. Absent: by the host's /etc/hosts, else by the name
   * server of its /etc/resolv.conf, which answers for every registry unless it is on the host's own loopback.
   */
  readonly reach?: (host: string) => Task<string | undefined>;
}

export class Containerd implements TaskHost, PullHost {
  readonly kernel: Kernel;
  readonly hostMounts: MountNamespace;
  readonly registries: Registries;
  readonly images = new ImageStore();
  /** Set by an engine, which has a process to ask with. */
  probe: PullHost["probe"];
  readonly containers = new Map<string, Container>();
  readonly #listeners = new Set<RuntimeListener>();
  readonly #options: ContainerdOptions;

  constructor(options: ContainerdOptions) {
    this.#options = options;
    this.kernel = options.kernel;
    this.hostMounts = options.mounts;
    this.registries = options.registries;
  }

  get loop() {
    return this.kernel.loop;
  }

  /** Events from now on, in order, each delivered at once. */
  subscribe(listener: RuntimeListener): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #publish(event: RuntimeEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  // ---- images ------------------------------------------------------------------------------------------------------

  *pull(reference: Reference, options: PullOptions = {}): Task<PullResult> {
    const result = yield* pullImage(this, reference, options);
    if (!isFailure(result)) this.#publish({ topic: "/images/create", name: referenceString(reference) });
    return result;
  }

  /** Puts an image here as if it had been pulled: under its tags, and under its digest in each repository. */
  importImage(image: Image, names: readonly string[] = []): void {
    this.images.add(image);
    for (const name of names) {
      const reference = parseReference(name);
      if (!reference.ok) throw new Error(`${name}: ${reference.error}`);
      this.images.tag(referenceString(withDefaultTag(reference.value)), image.id);
      this.images.tag(`${repositoryOf(reference.value)}@${image.manifestDigest}`, image.id);
    }
  }

  *reach(host: string): Task<string | undefined> {
    if (this.#options.reach) return yield* this.#options.reach(host);
    const name = host.replace(/:\d+$/, "");
    if (/^\d+\.\d+\.\d+\.\d+$|^\[|^localhost$/.test(name)) {
      if (this.registries.get(host)) return undefined;
      return `dial tcp ${host}${/:\d+$/.test(host) ? "" : ":443"}: connect: connection refused`;
    }
    if (this.#hostFile("/etc/hosts").split(/\s+/).includes(name)) return undefined;
    const server = /^\s*nameserver\s+(\S+)/m.exec(this.#hostFile("/etc/resolv.conf"))?.[1] ?? "127.0.0.1";
    // A name server on the host itself that is not there refuses; any other is taken to know the registries.
    if (server.startsWith("127.")) {
      const port = this.kernel.random.stream("registry-lookup").integer(32_768, 60_999);
      return `dial tcp: lookup ${name} on ${server}:53: read udp 127.0.0.1:${port}->${server}:53: read: connection refused`;
    }
    const domain = host === "registry-1.docker.io" || host === "index.docker.io" ? "docker.io" : host;
    return this.registries.get(domain) ? undefined : `dial tcp: lookup ${name} on ${server}:53: no such host`;
  }

  #hostFile(path: string): string {
    const node = this.hostMounts.find(path);
    return node?.kind === "file" ? decodeUtf8(node.read()) : "";
  }

  // ---- containers --------------------------------------------------------------------------------------------------

  create(spec: ContainerSpec): Container {
    const container = new Container(this, spec);
    this.containers.set(spec.id, container);
    this.#publish({ topic: "/containers/create", id: spec.id });
    return container;
  }

  /** Starts a created or stopped container's task. Throws RuntimeFailure. */
  start(id: string, io: IoSinks, size?: { readonly columns: number; readonly rows: number }): StartedProcess {
    const container = this.containers.get(id)!;
    const main = container.start(io, size);
    this.#publish({ topic: "/tasks/create", id, pid: main.pid });
    this.#publish({ topic: "/tasks/start", id, pid: main.pid });
    return main;
  }

  exec(id: string, spec: ExecSpec): StartedProcess {
    return this.containers.get(id)!.exec(spec);
  }

  pause(id: string): void {
    this.containers.get(id)!.pause();
    this.#publish({ topic: "/tasks/paused", id });
  }

  resume(id: string): void {
    this.containers.get(id)!.resume();
    this.#publish({ topic: "/tasks/resumed", id });
  }

  /** Forgets a container that does not run. Its writable tree goes with it. */
  delete(id: string): void {
    if (this.containers.delete(id)) this.#publish({ topic: "/containers/delete", id });
  }

  container(id: string): Container | undefined {
    return this.containers.get(id);
  }

  /** The control group at a path below the root, made where it is missing. */
  cgroup(path: string): Cgroup {
    let group: Cgroup = this.kernel.rootCgroup;
    for (const name of path.split("/")) if (name !== "") group = group.children.get(name) ?? group.child(name);
    return group;
  }

  onExit(container: Container, status: ExitStatus): void {
    this.#publish({
      topic: "/tasks/exit",
      id: container.id,
      pid: container.main?.pid ?? 0,
      status,
      at: this.kernel.loop.now(),
    });
  }

  onOom(container: Container): void {
    this.#publish({ topic: "/tasks/oom", id: container.id });
  }
}
