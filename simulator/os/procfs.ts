/** /proc: files made from the kernel's own tables at the moment they are read. */
import { type Bytes, encodeUtf8 } from "../base/bytes";
import { civilTime } from "../base/clock";
import { DirInode, FileInode, type Inode, SymlinkInode } from "./inode";
import type { Mount, MountNamespace } from "./mounts";
import type { PidNamespace, Process, ProcessHost } from "./process";
import { signalNames } from "./signals";

/** What one /proc shows: a kernel, the processes of one pid namespace, the mounts of one file tree. */
export interface ProcView {
  readonly kernel: ProcessHost;
  readonly pids: PidNamespace;
  readonly mounts: () => MountNamespace;
  readonly hostname: () => string;
}

/** A mount of /proc for one view. */
export function procMount(view: ProcView): Mount {
  return {
    path: "/proc",
    root: procTree(view),
    readOnly: false,
    source: "proc",
    type: "proc",
    options: "rw,nosuid,nodev,noexec,relatime",
  };
}

export function procTree(view: ProcView): DirInode {
  const root = new DirInode({ mode: 0o555, mtime: view.kernel.bootedAt });
  const fixed = new Map<string, Inode>([
    ["cpuinfo", generated(view, () => cpuinfo(view))],
    ["meminfo", generated(view, () => meminfo(view))],
    ["loadavg", generated(view, () => loadavg(view))],
    ["uptime", generated(view, () => uptime(view))],
    [
      "version",
      generated(
        view,
        () =>
          `Linux version ${view.kernel.release} (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC\n`,
      ),
    ],
    ["mounts", new SymlinkInode("self/mounts")],
    ["cmdline", generated(view, () => `BOOT_IMAGE=/boot/vmlinuz-${view.kernel.release} root=/dev/sda1 ro quiet\n`)],
    [
      "filesystems",
      generated(
        view,
        () =>
          "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tcgroup2\nnodev\tdevpts\nnodev\tmqueue\n\text4\nnodev\toverlay\n",
      ),
    ],
    ["stat", generated(view, () => stat(view))],
    ["swaps", generated(view, () => "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")],
    ["sys", sysTree(view)],
  ]);
  root.dynamic = {
    names: () => [...fixed.keys(), "self", ...[...view.pids.processes.keys()].map(String)],
    lookup: (name) => {
      if (name === "self") return selfDir(view);
      const known = fixed.get(name);
      if (known) return known;
      const process = /^\d+$/.test(name) ? view.pids.processes.get(Number(name)) : undefined;
      return process && processDir(view, Number(name), process);
    },
  };
  return root;
}

function generated(view: ProcView, make: () => string): FileInode {
  const file = new FileInode("" as Bytes, { mode: 0o444, mtime: view.kernel.bootedAt });
  file.generate = () => encodeUtf8(make());
  return file;
}

/**
 * `self`: the file tree does not know who looks, so this is the directory of the process that started last and still
 * runs; a program that reads /proc/self has just been started.
 */
function selfDir(view: ProcView): Inode | undefined {
  let newest: [number, Process] | undefined;
  for (const entry of view.pids.processes) if (!newest || entry[0] > newest[0]) newest = entry;
  return newest && processDir(view, newest[0], newest[1]);
}

function processDir(view: ProcView, pid: number, process: Process): DirInode {
  const dir = new DirInode({
    mode: 0o555,
    uid: process.context.uid,
    gid: process.context.gid,
    mtime: process.startedAt,
  });
  const fd = new DirInode({ mode: 0o500, mtime: process.startedAt });
  fd.dynamic = {
    names: () => [...process.files.keys()].sort((a, b) => a - b).map(String),
    lookup: (name) => {
      const file = process.files.get(Number(name));
      return file && new SymlinkInode(file.name, { mtime: process.startedAt });
    },
  };
  const entries: [string, Inode][] = [
    ["cgroup", generated(view, () => `0::${process.cgroup.path}\n`)],
    ["cmdline", generated(view, () => process.argv.map((arg) => `${arg}\0`).join(""))],
    ["comm", generated(view, () => `${process.comm.slice(0, 15)}\n`)],
    ["cwd", new SymlinkInode(process.cwd)],
    [
      "environ",
      generated(view, () =>
        Object.entries(process.env)
          .map(([name, value]) => `${name}=${value}\0`)
          .join(""),
      ),
    ],
    ["fd", fd],
    [
      "mounts",
      generated(view, () =>
        process.fs
          .mounts()
          .map((mount) => `${mount.source} ${mount.path} ${mount.type} ${mount.options} 0 0\n`)
          .join(""),
      ),
    ],
    ["oom_score", generated(view, () => `${Math.round((process.memoryBytes / view.kernel.memoryBytes) * 1000)}\n`)],
    ["stat", generated(view, () => processStat(view, pid, process))],
    ["status", generated(view, () => processStatus(pid, process))],
  ];
  for (const [name, node] of entries) dir.entries.set(name, node);
  return dir;
}

const parentOf = (process: Process): number =>
  process.parent?.context.pids === process.context.pids ? process.parent.nsPid : 0;

function stateOf(process: Process): string {
  if (process.state === "stopped") return "T (stopped)";
  if (process.state === "zombie") return "Z (zombie)";
  return "S (sleeping)";
}

/** Bit n-1 stands for signal n. */
function signalMask(process: Process, wanted: "ignore" | "handled"): string {
  let mask = 0n;
  signalNames.forEach((name, index) => {
    const how = process.disposition(name);
    if (wanted === "ignore" ? how === "ignore" : typeof how === "function") mask |= 1n << BigInt(index);
  });
  return mask.toString(16).padStart(16, "0");
}

function processStatus(pid: number, process: Process): string {
  const kb = Math.round(process.memoryBytes / 1024);
  const { uid, gid } = process.context;
  return [
    `Name:\t${process.comm.slice(0, 15)}`,
    `Umask:\t${process.umask.toString(8).padStart(4, "0")}`,
    `State:\t${stateOf(process)}`,
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    `PPid:\t${parentOf(process)}`,
    "TracerPid:\t0",
    `Uid:\t${uid}\t${uid}\t${uid}\t${uid}`,
    `Gid:\t${gid}\t${gid}\t${gid}\t${gid}`,
    `FDSize:\t${Math.max(64, process.files.size)}`,
    `VmPeak:\t${String(kb + 3500).padStart(8)} kB`,
    `VmSize:\t${String(kb + 3500).padStart(8)} kB`,
    `VmRSS:\t${String(kb).padStart(8)} kB`,
    "Threads:\t1",
    `SigIgn:\t${signalMask(process, "ignore")}`,
    `SigCgt:\t${signalMask(process, "handled")}`,
    "",
  ].join("\n");
}

function processStat(view: ProcView, pid: number, process: Process): string {
  const ticks = Math.floor(process.cpuMs / 10);
  const start = Math.floor((process.startedAt - view.kernel.bootedAt) / 10);
  return `${pid} (${process.comm.slice(0, 15)}) ${stateOf(process)[0]} ${parentOf(process)} ${process.group} ${process.session} 0 -1 4194304 0 0 0 0 ${ticks} 0 0 0 20 0 1 0 ${start} ${process.memoryBytes + 3_584_000} ${Math.round(process.memoryBytes / 4096)}\n`;
}

function cpuinfo(view: ProcView): string {
  let out = "";
  for (let cpu = 0; cpu < view.kernel.cpuCount; cpu++)
    out += `processor\t: ${cpu}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R) Processor @ 2.50GHz\nstepping\t: 7\ncpu MHz\t\t: 2500.000\ncache size\t: 36608 KB\nphysical id\t: 0\nsiblings\t: ${view.kernel.cpuCount}\ncore id\t\t: ${cpu}\ncpu cores\t: ${view.kernel.cpuCount}\nbogomips\t: 5000.00\naddress sizes\t: 46 bits physical, 48 bits virtual\n\n`;
  return out;
}

function meminfo(view: ProcView): string {
  const total = Math.floor(view.kernel.memoryBytes / 1024);
  const used = Math.min(total, Math.ceil(view.kernel.rootCgroup.memoryBytes / 1024) + Math.floor(total * 0.06));
  const cached = Math.min(total - used, Math.floor(total * 0.2));
  const row = (name: string, kb: number): string => `${`${name}:`.padEnd(15)} ${String(kb).padStart(8)} kB\n`;
  return (
    row("MemTotal", total) +
    row("MemFree", total - used - cached) +
    row("MemAvailable", total - used) +
    row("Buffers", 0) +
    row("Cached", cached) +
    row("SwapCached", 0) +
    row("SwapTotal", 0) +
    row("SwapFree", 0)
  );
}

function loadavg(view: ProcView): string {
  const load = view.kernel.rootCgroup.computing.toFixed(2);
  const last = Math.max(0, ...view.pids.processes.keys());
  return `${load} ${load} ${load} ${view.kernel.rootCgroup.computing}/${view.pids.processes.size} ${last}\n`;
}

function uptime(view: ProcView): string {
  const seconds = (view.kernel.loop.now() - view.kernel.bootedAt) / 1000;
  const idle = seconds * view.kernel.cpuCount - view.kernel.rootCgroup.cpuUsageMs / 1000;
  return `${seconds.toFixed(2)} ${Math.max(0, idle).toFixed(2)}\n`;
}

function stat(view: ProcView): string {
  const ticks = Math.floor(view.kernel.rootCgroup.cpuUsageMs / 10);
  const idle = Math.max(
    0,
    Math.floor(((view.kernel.loop.now() - view.kernel.bootedAt) / 10) * view.kernel.cpuCount) - ticks,
  );
  return `cpu  ${ticks} 0 0 ${idle} 0 0 0 0 0 0\nbtime ${Math.floor(view.kernel.bootedAt / 1000)}\nprocesses ${Math.max(0, ...view.pids.processes.keys())}\nprocs_running ${view.kernel.rootCgroup.computing}\nprocs_blocked 0\n`;
}

function sysTree(view: ProcView): DirInode {
  const dir = (entries: Record<string, Inode>): DirInode =>
    new DirInode({ mode: 0o555, mtime: view.kernel.bootedAt }, new Map(Object.entries(entries)));
  const setting = (initial: string): FileInode => {
    let value = initial;
    const file = generated(view, () => value);
    file.mode = 0o644;
    file.accept = (content) => {
      value = content;
    };
    return file;
  };
  return dir({
    kernel: dir({
      hostname: generated(view, () => `${view.hostname()}\n`),
      osrelease: generated(view, () => `${view.kernel.release}\n`),
      ostype: generated(view, () => "Linux\n"),
      version: generated(view, () => `#1 SMP PREEMPT_DYNAMIC Debian ${civilTime(view.kernel.bootedAt).year}\n`),
      pid_max: generated(view, () => "4194304\n"),
    }),
    net: dir({ ipv4: dir({ ip_forward: setting("1\n") }), core: dir({ somaxconn: setting("4096\n") }) }),
    vm: dir({ max_map_count: setting("65530\n"), overcommit_memory: setting("0\n"), swappiness: setting("60\n") }),
  });
}
