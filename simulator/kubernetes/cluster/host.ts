/** One machine of the cluster: kernel, files, network, service manager, journal and container runtime. */
import type { Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import { suspend } from "../../base/task";
import { encodeUtf8 } from "../../base/bytes";
import type { Image } from "../../containerd/api";
import { Containerd } from "../../containerd/containerd";
import { CriImages } from "../../containerd/cri-images";
import { type CriOptions, CriRuntime } from "../../containerd/cri-service";
import type { ImageService, RuntimeService } from "../../containerd/cri";
import type { Registries } from "../../containerd/registry";
import type { Network } from "../../net/network";
import { Netns } from "../../net/netns";
import { attach, type Segment } from "../../net/segment";
import { DirInode } from "../../os/inode";
import { Kernel } from "../../os/kernel";
import { MountNamespace } from "../../os/mounts";
import { NullDevice, type OpenFile, SinkFile } from "../../os/open-file";
import type { Process, ProcessContext, Program } from "../../os/process";
import type { NodeCni } from "./cni";
import { Journal } from "./journal";
import { Systemd } from "./systemd";

export interface HostSpecs {
  readonly name: string;
  readonly address: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

export interface HostOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly network: Network;
  readonly lan: Segment;
  readonly programs: ReadonlyMap<string, Program>;
  readonly registries: Registries;
  readonly specs: HostSpecs;
  readonly kernelRelease: string;
  /** The host's file tree; absent: an almost empty one. */
  readonly root?: DirInode;
  /** Default gateway on the LAN. */
  readonly lanPrefix: number;
  readonly gateway?: string;
  /** Names of the cluster's machines, for /etc/hosts. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** containerd's CRI plugin says whether a CNI configuration is there. */
class NodeRuntime extends CriRuntime {
  readonly #cni: NodeCni;

  constructor(options: CriOptions & { readonly cni: NodeCni }) {
    super(options);
    this.#cni = options.cni;
  }

  override status() {
    const networkReady = this.#cni.network.isReady;
    return { runtimeReady: true, networkReady, networkMessage: networkReady ? "" : "cni plugin not initialized" };
  }
}

/** systemd's sinks: a daemon's output goes to the journal through its own log calls. */
const silent = (): SinkFile => new SinkFile("journal", () => {});

export class Host {
  readonly specs: HostSpecs;
  readonly kernel: Kernel;
  readonly netns: Netns;
  readonly mounts: MountNamespace;
  readonly context: ProcessContext;
  readonly journal: Journal;
  readonly systemd: Systemd;
  readonly containerd: Containerd;
  /** Bytes that a fault pretends to be on the disk. */
  extraDiskBytes = 0;
  /** The node's CNI chain, where it is one. */
  cni: NodeCni | undefined;
  #cri: { readonly runtime: NodeRuntime; readonly images: CriImages } | undefined;
  readonly #options: HostOptions;

  constructor(options: HostOptions) {
    this.#options = options;
    const { specs, loop, network } = options;
    this.specs = specs;
    this.kernel = new Kernel({
      loop,
      random: options.random,
      hostname: specs.name,
      cpuCount: specs.cpuCount,
      memoryBytes: specs.memoryBytes,
      release: options.kernelRelease,
      programs: options.programs,
    });
    this.netns = new Netns(network, specs.name);
    attach(this.netns, options.lan, {
      name: "eth0",
      address: specs.address,
      prefix: options.lanPrefix,
      ...(options.gateway ? { gateway: options.gateway } : {}),
    });
    this.mounts = new MountNamespace(loop, {
      path: "/",
      root: options.root ?? new DirInode(),
      readOnly: false,
      source: "/dev/vda1",
      type: "ext4",
      options: "rw,relatime",
    });
    for (const dir of ["/etc", "/var/lib", "/var/log", "/tmp", "/root", "/opt", "/mnt"]) this.mounts.makeDirs(dir);
    const hosts = [...options.hosts].map(([name, address]) => `${address}\t${name}\n`).join("");
    this.write("/etc/hosts", `127.0.0.1\tlocalhost\n${hosts}`);
    this.write("/etc/hostname", `${specs.name}\n`);
    if (options.gateway && !this.mounts.exists("/etc/resolv.conf"))
      this.write("/etc/resolv.conf", `nameserver ${options.gateway}\n`);
    this.context = {
      kernel: this.kernel,
      pids: this.kernel.hostPids,
      mounts: this.mounts,
      net: this.netns,
      hostname: () => this.kernel.hostname,
      cgroup: this.kernel.rootCgroup,
      uid: 0,
      gid: 0,
      user: "root",
    };
    this.journal = new Journal(loop);
    this.systemd = new Systemd({
      loop,
      journal: this.journal,
      spawn: (definition) => this.spawn(definition.argv, definition.program),
    });
    this.containerd = new Containerd({ kernel: this.kernel, mounts: this.mounts, registries: options.registries });
  }

  get name(): string {
    return this.specs.name;
  }

  /** Whether the LAN is reached: link up, host on. */
  get isConnected(): boolean {
    return this.netns.up && (this.netns.interface("eth0")?.up ?? false) && this.#options.lan.up;
  }

  write(path: string, content: string): void {
    this.mounts.makeDirs(path.slice(0, path.lastIndexOf("/")) || "/");
    this.mounts.writeFile(path, encodeUtf8(content));
  }

  /** A daemon of this host. */
  spawn(argv: readonly string[], program: Program): Process {
    return this.kernel.spawn(this.context, undefined, {
      argv,
      program,
      group: "new",
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
      files: new Map<number, OpenFile>([
        [0, new NullDevice("null")],
        [1, silent()],
        [2, silent()],
      ]),
    });
  }

  /** containerd as a unit, with its CRI plugin. Containers outlive it, as their shims do. */
  installContainerd(cni: NodeCni, pauseImage: Image): void {
    this.cni = cni;
    const { random, network } = this.#options;
    const runtime = new NodeRuntime({
      containerd: this.containerd,
      random: random.stream(`containerd/${this.name}`),
      cni,
      makeNetwork: (name) => new Netns(network, name),
      hostNetwork: this.netns,
      pauseImage,
    });
    this.#cri = { runtime, images: new CriImages(this.containerd) };
    this.systemd.add({
      name: "containerd.service",
      description: "containerd container runtime",
      documentation: "https://containerd.io",
      path: "/lib/systemd/system/containerd.service",
      argv: ["/usr/bin/containerd"],
      restartSeconds: 5,
      program: function* () {
        yield* suspend(() => undefined);
        return 0;
      },
    });
  }

  get isRuntimeUp(): boolean {
    return this.systemd.unit("containerd")?.state === "active";
  }

  runtime(): RuntimeService | undefined {
    return this.isRuntimeUp ? this.#cri?.runtime : undefined;
  }

  images(): ImageService | undefined {
    return this.isRuntimeUp ? this.#cri?.images : undefined;
  }

  /** The power goes: every process ends, nothing is written any more. */
  powerOff(): void {
    this.systemd.isOff = true;
    this.netns.up = false;
    for (const unit of this.systemd.units()) {
      unit.timer?.();
      unit.timer = undefined;
    }
    for (const process of [...this.kernel.processes.values()].reverse()) process.signal("KILL", { fromOutside: true });
    for (const unit of this.systemd.units()) {
      unit.state = "inactive";
      unit.process = undefined;
    }
  }

  /** And comes back: enabled units start. */
  powerOn(): void {
    this.systemd.isOff = false;
    this.netns.up = true;
    for (const unit of this.systemd.units()) if (unit.enabled) this.systemd.start(unit);
  }
}
