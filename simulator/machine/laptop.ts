/** The learner's laptop: a host with a kernel, a file tree, a network namespace and everything on its PATH. */
import { encodeUtf8 } from "../base/bytes";
import type { Loop } from "../base/loop";
import type { Random } from "../base/random";
import { Netns } from "../net/netns";
import type { Network } from "../net/network";
import { DirInode } from "../os/inode";
import { executable, Kernel } from "../os/kernel";
import { MountNamespace } from "../os/mounts";
import type { Process, ProcessContext, Program, SpawnOptions } from "../os/process";
import { makeProcfs } from "../containerd/procfs";
import { layRoot } from "./laptop-files";

export interface LaptopOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly network: Network;
  readonly hostname: string;
  readonly programs: ReadonlyMap<string, Program>;
  readonly hasKubectl: boolean;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly kernelRelease?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class Laptop {
  readonly kernel: Kernel;
  readonly netns: Netns;
  readonly mounts: MountNamespace;
  readonly context: ProcessContext;
  readonly root: DirInode;
  readonly home = "/root";
  readonly #environment: Readonly<Record<string, string>>;

  constructor(options: LaptopOptions) {
    this.#environment = options.environment ?? {};
    this.kernel = new Kernel({
      loop: options.loop,
      random: options.random.stream("laptop"),
      hostname: options.hostname,
      cpuCount: options.cpuCount,
      memoryBytes: options.memoryBytes,
      release: options.kernelRelease ?? "6.1.0-37-amd64",
      programs: options.programs,
    });
    this.netns = new Netns(options.network, options.hostname);
    this.root = new DirInode({ mtime: options.loop.now() });
    this.mounts = new MountNamespace(options.loop, {
      path: "/",
      root: this.root,
      readOnly: false,
      source: "/dev/sda1",
      type: "ext4",
      options: "rw,relatime",
    });
    layRoot(this.mounts, options.hostname, options.hasKubectl ? ["docker", "kubectl"] : ["docker"]);
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
    this.mounts.mount({
      path: "/proc",
      root: makeProcfs(this.kernel, this.kernel.hostPids, () => this.mounts),
      readOnly: false,
      source: "proc",
      type: "proc",
      options: "rw,nosuid,nodev,noexec,relatime",
    });
    // The first process of a host: orphans come to it.
    this.kernel.spawn(this.context, undefined, {
      argv: ["/sbin/init"],
      env: this.environment,
      cwd: "/",
      program: function* (process: Process) {
        for (;;) yield* process.sleep(1e12);
      },
    });
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      HOME: this.home,
      USER: "root",
      LOGNAME: "root",
      SHELL: "/bin/bash",
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      PWD: this.home,
      ...this.#environment,
    };
  }

  spawn(options: SpawnOptions): Process {
    const cwd = options.cwd ?? this.home;
    return this.kernel.spawn(this.context, this.kernel.processes.get(1), {
      env: { ...this.environment, PWD: cwd },
      ...options,
      cwd,
    });
  }

  /** Puts a program of the world on the PATH. */
  install(name: string): void {
    this.mounts.makeDirs("/usr/local/bin");
    this.mounts.writeFile(`/usr/local/bin/${name}`, executable(name), { mode: 0o755 });
  }

  writeFile(path: string, content: string, mode = 0o644): void {
    this.mounts.makeDirs(path.slice(0, path.lastIndexOf("/")) || "/");
    this.mounts.writeFile(path, encodeUtf8(content), { mode });
  }
}
