/** dockerd's state and the parts that share it. Operations on containers are in create.ts, lifecycle.ts and exec.ts. */
import type { Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import type { Task } from "../../base/task";
import type { Containerd } from "../../containerd/containerd";
import type { Image } from "../../containerd/api";
import {
  familiarName,
  familiarString,
  parseReference,
  referenceString,
  withDefaultTag,
} from "../../containerd/reference";
import type { Netns } from "../../net/netns";
import type { MountNamespace } from "../../os/mounts";
import type { Process, ProcessContext } from "../../os/process";
import { badRequest, noSuchContainer, noSuchImage, notFound } from "../api/failure";
import type { DockerContainer, ExecRecord } from "./container";
import { EventLog } from "./events";
import { Networks } from "./networks";
import { PortPublisher } from "./ports";
import { probeRegistry } from "./probe";
import { Volumes } from "./volumes";

/** What differs between hosts and is not simulated behaviour: versions, names, paths. */
export interface EngineFacts {
  readonly version: string;
  readonly apiVersion: string;
  readonly minApiVersion: string;
  readonly gitCommit: string;
  readonly goVersion: string;
  /** As `docker version` shows it: RFC 3339 nano. */
  readonly buildTime: string;
  readonly containerdVersion: string;
  readonly runcVersion: string;
  readonly runcCommit: string;
  readonly initVersion: string;
  readonly operatingSystem: string;
  readonly cgroupVersion: "1" | "2";
  readonly cgroupDriver: "cgroupfs" | "systemd";
}

export const recordedFacts: EngineFacts = {
  version: "28.5.2+dfsg4",
  apiVersion: "1.51",
  minApiVersion: "1.24",
  gitCommit: "3ef3c07c883be49a2e8097bcf6d2952fce1d70eb",
  goVersion: "go1.27.1",
  buildTime: "2026-09-15T11:02:57.000000000+00:00",
  containerdVersion: "2.1.9+unknown",
  runcVersion: "1.3.6+ds1",
  runcCommit: "1.3.6+ds1-1",
  initVersion: "0.19.0",
  operatingSystem: "Debian GNU/Linux forky/sid (containerized)",
  cgroupVersion: "1",
  cgroupDriver: "cgroupfs",
};

export interface DaemonOptions {
  readonly containerd: Containerd;
  /** The host's context: its files, its network (a Netns), root. dockerd and its proxies run in it. */
  readonly context: ProcessContext;
  readonly random: Random;
  readonly facts?: Partial<EngineFacts>;
  /** /var/lib/docker */
  readonly dataRoot?: string;
}

/** Time that operations take, ms: what a small machine needs. */
export const COST = {
  create: 16,
  start: 140,
  /** A start beside another one: they share the machine. */
  startBeside: 70,
  /** From a process's end to the container's. */
  stop: 10,
  exec: 45,
  remove: 12,
  network: 60,
  attach: 12,
  small: 2,
} as const;

const FIRST_PID = 700;

export class Daemon {
  /** An observer asks: reads answer at once, without the time they would take. */
  isObserved = false;
  readonly containerd: Containerd;
  readonly context: ProcessContext;
  readonly host: Netns;
  readonly random: Random;
  readonly facts: EngineFacts;
  readonly dataRoot: string;
  readonly id: string;
  readonly events: EventLog;
  readonly containers = new Map<string, DockerContainer>();
  readonly execs = new Map<string, ExecRecord>();
  readonly networks: Networks;
  readonly ports: PortPublisher;
  readonly volumes: Volumes;
  /** The daemon itself, as a process of the host. */
  readonly process: Process;
  /** When an image was last tagged: name to ms. */
  readonly lastTagged = new Map<string, number>();
  /** Images made from another by the classic builder or commit: child to parent, and parent to children. */
  readonly parentOf = new Map<string, string>();
  readonly parents = new Map<string, Set<string>>();
  /** Images of the classic builder: inspect names the engine that made them. */
  readonly classicBuilt = new Set<string>();
  /** Containers on their way up. */
  starting = 0;
  readonly #names = new Map<string, DockerContainer>();

  constructor(options: DaemonOptions) {
    this.containerd = options.containerd;
    this.context = options.context;
    this.host = options.context.net as Netns;
    this.random = options.random.stream("dockerd");
    this.facts = { ...recordedFacts, ...options.facts };
    this.dataRoot = options.dataRoot ?? "/var/lib/docker";
    this.id = this.random.uuid();
    this.events = new EventLog(this.loop);
    // What booting the host used up: process numbers of a host that has been up for a while have three digits.
    const { hostPids } = options.context.kernel;
    while (hostPids.take() < FIRST_PID) {
      // Taken and gone.
    }
    this.process = options.context.kernel.spawn(options.context, undefined, {
      argv: ["/usr/bin/dockerd", "-H", "unix:///var/run/docker.sock"],
      env: {},
      files: new Map(),
      *program(process): Task<number> {
        for (;;) yield* process.sleep(86_400_000);
      },
    });
    this.containerd.probe = (domain) => probeRegistry(this.process, domain);
    this.networks = new Networks({
      wires: this.host.network,
      host: this.host,
      random: this.random.stream("networks"),
      now: () => this.now(),
      events: this.events,
      containers: () => this.containers.values(),
    });
    this.ports = new PortPublisher(options.context, this.host, this.random);
    this.volumes = new Volumes({
      loop: this.loop,
      random: this.random.stream("volumes"),
      fs: this.fs,
      events: this.events,
      root: this.dataRoot,
      users: (name) =>
        [...this.containers.values()]
          .filter((container) => container.mounts.some((mount) => mount.type === "volume" && mount.name === name))
          .map((container) => container.id),
    });
  }

  get loop(): Loop {
    return this.containerd.loop;
  }

  get fs(): MountNamespace {
    return this.containerd.hostMounts;
  }

  now(): number {
    return this.loop.now();
  }

  *wait(ms: number): Task<void> {
    if (this.isObserved) return;
    yield (resume) => this.loop.after(ms, () => resume(undefined));
  }

  // ---- containers --------------------------------------------------------------------------------------------------

  /** By name, id or the beginning of an id. */
  container(text: string): DockerContainer {
    if (text === "") throw badRequest("invalid container name or ID: value is empty");
    const byId = this.containers.get(text);
    if (byId) return byId;
    const byName = this.#names.get(text.startsWith("/") ? text.slice(1) : text);
    if (byName) return byName;
    let found: DockerContainer | undefined;
    if (/^[0-9a-f]+$/.test(text))
      for (const container of this.containers.values())
        if (container.id.startsWith(text)) {
          if (found) throw badRequest(`multiple IDs found with provided prefix: ${text}`);
          found = container;
        }
    if (!found) throw noSuchContainer(text);
    return found;
  }

  byName(name: string): DockerContainer | undefined {
    return this.#names.get(name);
  }

  add(container: DockerContainer): void {
    this.containers.set(container.id, container);
    this.#names.set(container.name, container);
  }

  forget(container: DockerContainer): void {
    this.containers.delete(container.id);
    if (this.#names.get(container.name) === container) this.#names.delete(container.name);
    for (const id of container.execs.keys()) this.execs.delete(id);
  }

  rename(container: DockerContainer, name: string): void {
    this.#names.delete(container.name);
    container.name = name;
    this.#names.set(name, container);
  }

  publish(container: DockerContainer, action: string, attributes: Readonly<Record<string, string>> = {}): void {
    this.events.publish("container", action, container.id, { ...container.attributes(), ...attributes });
  }

  setParent(child: string, parent: string): void {
    this.parentOf.set(child, parent);
    const children = this.parents.get(parent) ?? new Set();
    this.parents.set(parent, children.add(child));
  }

  exec(id: string): ExecRecord {
    const record = this.execs.get(id);
    if (!record) throw notFound(`No such exec instance: ${id}`);
    return record;
  }

  // ---- images ------------------------------------------------------------------------------------------------------

  /** An image by name, digest reference, id or the beginning of an id. */
  findImage(text: string): Image | undefined {
    const { images } = this.containerd;
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(text)) return images.byPrefix(text)[0];
    const reference = parseReference(text);
    if (reference.ok) {
      const name = images.byName(referenceString(withDefaultTag(reference.value)));
      if (name) return name;
      if (reference.value.digest) {
        const image = images.byName(referenceString({ ...reference.value, tag: undefined }));
        if (image) return image;
      }
    }
    if (/^(?:sha256:)?[0-9a-f]{4,64}$/.test(text) || /^[0-9a-f]+$/.test(text)) {
      const matching = images.byPrefix(text);
      if (matching.length === 1) return matching[0];
    }
    return undefined;
  }

  image(text: string): Image {
    const image = this.findImage(text);
    if (!image) throw this.noSuchImage(text);
    return image;
  }

  noSuchImage(text: string) {
    const reference = parseReference(text);
    if (!reference.ok) return badRequest(reference.error);
    return noSuchImage(familiarString(withDefaultTag(reference.value)));
  }

  /** Names of an image as Docker shows them: `nginx:latest`, `nginx@sha256:…`. */
  familiarNames(imageId: string): { readonly tags: string[]; readonly digests: string[] } {
    const tags: string[] = [];
    const digests: string[] = [];
    for (const name of this.containerd.images.namesOf(imageId)) {
      const reference = parseReference(name);
      if (!reference.ok) continue;
      if (reference.value.digest) digests.push(`${familiarName(reference.value)}@${reference.value.digest}`);
      else tags.push(familiarString(reference.value));
    }
    return { tags: tags.sort(), digests: digests.sort() };
  }
}
