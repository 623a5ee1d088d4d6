/** Everything a machine holds, joined: the one place that knows all the rooms. Behaviour lives in them, not here. */
import { type Bytes, decodeUtf8 } from "../base/bytes";
import type { Instant } from "../base/clock";
import type { ApiRequest, ApiResponse } from "../base/door";
import type { RollingHash } from "../base/hash";
import { Loop } from "../base/loop";
import { Random } from "../base/random";
import { Deferred, type Task, suspend } from "../base/task";
import type { Image } from "../containerd/api";
import { Containerd } from "../containerd/containerd";
import { parseReference } from "../containerd/reference";
import { Registries, STORE_FILE, setStore } from "../containerd/registry";
import { Engine } from "../docker/dockerd/engine";
import { rememberSource } from "../docker/dockerd/layer-sources";
import { isSocketOf, listenOnSocket } from "../docker/dockerd/socket";
import type { KubectlHost } from "../kubernetes/kubectl/factory";
import { Internet } from "../net/internet";
import { Network } from "../net/network";
import { netPrograms } from "../net/programs/index";
import { Segment, attach } from "../net/segment";
import { laterProgram } from "../os/later";
import type { Process, Program } from "../os/process";
import { type Completer, makeShellPrograms } from "../shell/index";
import { imagePrograms, publishImages } from "../images/index";
import type { ClusterOfWorld } from "./cluster-of-world";
import { cobraCompleter } from "./completion";
import { History } from "./history";
import { lanPrefixFor } from "../kubernetes/cluster/lan-size";
import { LAN_GATEWAY } from "./lan";
import { Laptop } from "./laptop";
import { apiTexts, dockerCli, kubectlCli, kubernetesPart } from "./parts";
import { needsKubernetes, type Scenario } from "./scenarios";

function referenceOf(name: string): { readonly domain: string; readonly path: string; readonly tag: string } {
  const reference = parseReference(name);
  if (!reference.ok) throw new Error(reference.error);
  return { domain: reference.value.domain, path: reference.value.path, tag: reference.value.tag ?? "latest" };
}

export class World {
  readonly loop: Loop;
  readonly random: Random;
  readonly network: Network;
  readonly lan: Segment;
  readonly laptop: Laptop;
  /** What lies beyond the LAN's gateway: a resolver and a few hosts. */
  readonly internet: Internet;
  readonly registries = new Registries();
  readonly engine: Engine | undefined;
  readonly cluster: ClusterOfWorld | undefined;
  readonly history: History;
  /** Bugs of ours that programs ran into, as text for a report. */
  readonly faults: string[] = [];
  /** Told when a program opens a file in the page's editor. */
  onEditor: ((request: { readonly path: string; readonly content: string }) => void) | undefined;
  readonly #programs = new Map<string, Program>();
  readonly #edited = new Map<string, Deferred<boolean>>();
  #arrivedAt: Instant | undefined;
  #eventCount = 0;

  constructor(beginning: Instant, seed: number, scenario: Scenario) {
    this.loop = new Loop(beginning);
    this.random = new Random(`world/${seed}`);
    this.network = new Network({ loop: this.loop, random: this.random });
    this.lan = new Segment(this.network, { name: "lan" });
    this.history = new History(() => (this.#arrivedAt === undefined ? -1 : this.loop.now() - this.#arrivedAt));
    publishImages(this.registries, scenario.name);
    this.#joinPrograms(scenario);
    this.laptop = new Laptop({
      loop: this.loop,
      random: this.random,
      network: this.network,
      hostname: scenario.hostname,
      programs: this.#programs,
      hasKubectl: needsKubernetes(scenario),
      cpuCount: 2,
      memoryBytes: scenario.memoryBytes,
      ...(scenario.kernelRelease === undefined ? {} : { kernelRelease: scenario.kernelRelease }),
      ...(scenario.environment ? { environment: scenario.environment } : {}),
    });
    const prefix = lanPrefixFor(scenario.cluster?.workers);
    attach(this.laptop.netns, this.lan, { name: "eth0", address: scenario.address, prefix, gateway: LAN_GATEWAY });
    this.internet = new Internet(this.network, {
      random: this.random,
      lan: this.lan,
      gateway: { address: LAN_GATEWAY, prefix },
    });
    this.laptop.kernel.onProcessEnd = (process, status) => {
      if (process.context === this.laptop.context)
        this.history.programEnded(scenario.hostname, process.argv, status.code);
    };
    this.laptop.kernel.onFault = (process, error) => this.#fault(process, error);
    if (scenario.docker) {
      const containerd = new Containerd({
        kernel: this.laptop.kernel,
        mounts: this.laptop.mounts,
        registries: this.registries,
      });
      this.engine = new Engine({
        containerd,
        context: this.laptop.context,
        random: this.random,
        ...(scenario.docker.facts ? { facts: scenario.docker.facts } : {}),
      });
      this.engine.daemon.events.subscribe(() => this.#eventCount++);
      listenOnSocket(this.engine.daemon, this.#served(this.engine));
    }
    if (scenario.cluster) {
      this.cluster = new (kubernetesPart().ClusterOfWorld)(this, scenario.cluster, this.#programs);
      this.cluster.boot();
    }
    for (const host of this.cluster?.cluster.hosts.values() ?? []) {
      host.kernel.onFault = (process, error) => this.#fault(process, error);
      host.kernel.onProcessEnd = (process, status) => {
        if (process.context === host.context) this.history.programEnded(host.name, process.argv, status.code);
      };
    }
    scenario.prepare?.(this);
  }

  #fault(process: Process, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.faults.push(`${process.argv.join(" ")}: ${text}`);
  }

  #joinPrograms(scenario: Scenario): void {
    const docker = laterProgram(dockerCli, (code) =>
      code.dockerProgram((process, socket) => this.#engineDoor(process, socket)),
    );
    const completers = new Map<string, Completer>(["docker", "kubectl"].map((name) => [name, cobraCompleter(name)]));
    const shell = makeShellPrograms({
      completers,
      editor: { edit: (process, request) => this.#edit(process, request) },
      onLine: (process, text) => this.history.lineEntered(process.context.hostname(), text),
    });
    for (const shelf of [shell, netPrograms, imagePrograms])
      for (const [name, program] of shelf) this.#programs.set(name, program);
    if (needsKubernetes(scenario)) {
      const kubectl = laterProgram(kubectlCli, (code) =>
        code.makeKubectl({
          connect: (process, server) => this.#connect(process, server),
          apiTexts: (process) => apiTexts.use(process.kernel.loop),
        }),
      );
      this.#programs.set("kubectl", kubectl);
    }
    this.#programs.set("docker", docker);
    for (const [name, other] of Object.entries(scenario.standIns ?? {}))
      this.#programs.set(name, this.#programs.get(other)!);
  }

  /** The engine, as processes reach it: through the socket that dockerd listens on, where their file system has it. */
  #engineDoor(process: Process, socket: string): ((request: ApiRequest) => Task<ApiResponse>) | undefined {
    const { engine } = this;
    if (!engine?.daemon.process.alive) return undefined;
    // /run and /var/run are one folder on a Debian host.
    const path = socket.replace(/^\/run\//, "/var/run/");
    return isSocketOf(engine.daemon, process.fs.find(path)) ? this.#served(engine) : undefined;
  }

  #served(engine: Engine): (request: ApiRequest) => Task<ApiResponse> {
    const { history } = this;
    return function* (request) {
      const response = yield* engine.handle(request);
      history.dockerRequest(request, response);
      return response;
    };
  }

  #connect(process: Process, server: string): ReturnType<KubectlHost["connect"]> {
    if (this.cluster) return this.cluster.connect(process, server);
    const address = server.replace(/^https?:\/\//, "");
    return { failure: `dial tcp ${address}: connect: connection refused` };
  }

  /** Images that the laptop's engine has from the start. */
  preloadImages(names: readonly string[]): void {
    for (const name of names) {
      const { domain, path, tag } = referenceOf(name);
      const image = this.registries.get(domain)?.manifest(path, tag);
      if (!image || !("layers" in image)) throw new Error(`no image "${name}" in any registry of this world`);
      this.engine?.daemon.containerd.importImage(image, [`${domain}/${path}:${tag}`]);
      this.#remember(name, image);
    }
  }

  serveRegistry(domain: string): void {
    const registry = this.registries.get(domain);
    if (registry) setStore(this.loop, domain, registry);
    this.laptop.writeFile(STORE_FILE, domain);
    this.laptop.spawn({ argv: ["registry", "serve"], program: imagePrograms.get("registry")! });
  }

  rememberPushes(pushes: Readonly<Record<string, string>>): void {
    for (const [repository, name] of Object.entries(pushes)) {
      const image = this.engine?.daemon.findImage(name);
      if (image) this.#remember(repository, image);
    }
  }

  #remember(name: string, image: Image): void {
    const reference = parseReference(name);
    if (reference.ok && this.engine) rememberSource(this.engine.daemon, reference.value, image);
  }

  // ---- the page's editor ---------------------------------------------------------------------------------------------

  *#edit(process: Process, request: { readonly path: string; readonly content: Bytes }): Task<Bytes | undefined> {
    const closed = new Deferred<boolean>();
    this.#edited.get(request.path)?.resolve(false);
    this.#edited.set(request.path, closed);
    this.onEditor?.({ path: request.path, content: decodeUtf8(request.content) });
    const saved = yield* suspend(closed.wait);
    this.#edited.delete(request.path);
    return saved ? process.fs.readFile(request.path) : undefined;
  }

  /** The page's editor was closed, with or without saving. */
  editorClosed(path: string, saved: boolean): void {
    this.#edited.get(path)?.resolve(saved);
  }

  // ---- observation -----------------------------------------------------------------------------------------------------

  arrive(at: Instant): void {
    this.#arrivedAt = at;
  }

  get arrivedAt(): Instant {
    return this.#arrivedAt ?? this.loop.now();
  }

  /** Grows whenever anything that checks or panels look at has changed. */
  get revision(): number {
    return (
      this.#eventCount +
      this.history.dockerRequests.count +
      this.history.programs.count +
      this.network.exchanges.length +
      (this.cluster?.revision ?? 0)
    );
  }

  feedHash(hash: RollingHash): void {
    hash.feed(String(this.revision));
    for (const kernel of [this.laptop.kernel])
      for (const process of kernel.processes.values())
        hash.feed(`${process.pid} ${process.state} ${process.argv.join(" ")}`);
    if (this.engine)
      for (const { event } of this.engine.daemon.events.all())
        hash.feed(`${event.timeNano} ${event.Type} ${event.Action} ${event.Actor.ID}`);
    this.cluster?.feedHash(hash);
  }
}
