/** /proc as one pid namespace shows it: made when it is read, so that it costs nothing while nobody looks. */
import { type Bytes, encodeUtf8 } from "../base/bytes";
import { DirInode, type DynamicEntries, FileInode, type Inode, SymlinkInode } from "../os/inode";
import type { MountNamespace } from "../os/mounts";
import type { PidNamespace, Process, ProcessHost } from "../os/process";

const generated = (make: () => string): FileInode => {
  const file = new FileInode(undefined, { mode: 0o444 });
  file.generate = (): Bytes => encodeUtf8(make());
  return file;
};

/** The root of a proc file system. `mounts` is what /proc/mounts lists. */
export function makeProcfs(host: ProcessHost, pids: PidNamespace, mounts: () => MountNamespace): DirInode {
  const root = new DirInode({ mode: 0o555 });
  root.dynamic = new ProcRoot(host, pids, mounts);
  return root;
}

class ProcRoot implements DynamicEntries {
  readonly #host: ProcessHost;
  readonly #pids: PidNamespace;
  readonly #mounts: () => MountNamespace;

  constructor(host: ProcessHost, pids: PidNamespace, mounts: () => MountNamespace) {
    this.#host = host;
    this.#pids = pids;
    this.#mounts = mounts;
  }

  names(): readonly string[] {
    return [...Object.keys(this.#files()), "self", ...[...this.#pids.processes.keys()].map(String)];
  }

  lookup(name: string): Inode | undefined {
    // The reader is not known here: PID 1 stands for itself, which is what lessons look at.
    if (name === "self") return new SymlinkInode("1");
    if (/^\d+$/.test(name)) {
      const process = this.#pids.processes.get(Number(name));
      return process && processDir(process);
    }
    const files = this.#files();
    return Object.hasOwn(files, name) ? generated(files[name]!) : undefined;
  }

  #files(): Record<string, () => string> {
    return rootFiles(this.#host, this.#pids, this.#mounts);
  }
}

function rootFiles(host: ProcessHost, pids: PidNamespace, mounts: () => MountNamespace): Record<string, () => string> {
  return {
    mounts: () =>
      mounts()
        .mounts()
        .map((mount) => `${mount.source} ${mount.path} ${mount.type} ${mount.options} 0 0\n`)
        .join(""),
    meminfo: () => {
      const total = Math.floor(host.memoryBytes / 1024);
      const free = Math.max(0, Math.floor((host.memoryBytes - host.rootCgroup.memoryBytes) / 1024));
      const row = (name: string, value: number): string => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`;
      return (
        row("MemTotal", total) +
        row("MemFree", free) +
        row("MemAvailable", free) +
        row("SwapTotal", 0) +
        row("SwapFree", 0)
      );
    },
    cpuinfo: () =>
      Array.from(
        { length: host.cpuCount },
        (_, i) => `processor\t: ${i}\nvendor_id\t: GenuineIntel\nmodel name\t: Virtual CPU\n\n`,
      ).join(""),
    version: () => `Linux version ${host.release} (builder@simulator) #1 SMP\n`,
    uptime: () => `${((host.loop.now() - host.bootedAt) / 1000).toFixed(2)} 0.00\n`,
    loadavg: () => {
      const load = host.rootCgroup.computing.toFixed(2);
      return `${load} ${load} ${load} ${Math.max(1, host.rootCgroup.computing)}/${pids.processes.size} ${Math.max(0, ...pids.processes.keys())}\n`;
    },
    cmdline: () => "quiet\n",
  };
}

function processDir(process: Process): DirInode {
  const state = process.state === "stopped" ? "T (stopped)" : "S (sleeping)";
  const kib = Math.floor(process.memoryBytes / 1024);
  const files: Record<string, () => string> = {
    cmdline: () => process.argv.map((word) => `${word}\0`).join(""),
    comm: () => `${process.comm.slice(0, 15)}\n`,
    environ: () =>
      Object.entries(process.env)
        .map(([key, value]) => `${key}=${value}\0`)
        .join(""),
    status: () =>
      `Name:\t${process.comm}\nState:\t${state}\nPid:\t${process.nsPid}\nPPid:\t${process.parent?.nsPid ?? 0}\nUid:\t${`${process.context.uid}\t`.repeat(4).trim()}\nGid:\t${`${process.context.gid}\t`.repeat(4).trim()}\nVmRSS:\t${kib} kB\n`,
    stat: () =>
      `${process.nsPid} (${process.comm}) ${state[0]} ${process.parent?.nsPid ?? 0} ${process.group} ${process.session} 0 -1 0 0 0 0 0 ${Math.floor(process.cpuMs / 10)} 0 0 0 20 0 1 0 0\n`,
    cgroup: () => `0::${process.cgroup.path}\n`,
    mounts: () =>
      process.fs
        .mounts()
        .map((mount) => `${mount.source} ${mount.path} ${mount.type} ${mount.options} 0 0\n`)
        .join(""),
  };
  const dir = new DirInode({ mode: 0o555 });
  dir.dynamic = {
    names: () => [...Object.keys(files), "cwd"],
    lookup: (name) =>
      name === "cwd" ? new SymlinkInode(process.cwd) : Object.hasOwn(files, name) ? generated(files[name]!) : undefined,
  };
  return dir;
}
