/** A small laptop for shell tests: one host with the shell room's programs, a home folder, and a terminal when asked for. */
import "@/simulator/parts/tools";
import { type Bytes, decodeUtf8, encodeUtf8 } from "@/simulator/base/bytes";
import { instantOf } from "@/simulator/base/clock";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { DeviceInode, DirInode, FileInode } from "@/simulator/os/inode";
import { Kernel } from "@/simulator/os/kernel";
import { MountNamespace } from "@/simulator/os/mounts";
import { NullDevice, SinkFile, type OpenFile } from "@/simulator/os/open-file";
import type { ProcessContext, Program } from "@/simulator/os/process";
import { type Tty, TtyFile } from "@/simulator/os/tty";
import { busyboxBin, gnuToolNames, shellPrograms, toolFiles } from "@/simulator/shell/index";

export const START = instantOf(2026, 3, 2, 9, 0, 0);

export function makeLaptop(extra: Record<string, Program> = {}, files: Record<string, string> = {}) {
  const loop = new Loop(START);
  const kernel = new Kernel({
    loop,
    random: new Random("shell-test"),
    hostname: "laptop",
    cpuCount: 4,
    memoryBytes: 8 * 2 ** 30,
    release: "6.1.0-18-amd64",
    programs: new Map([...shellPrograms, ...Object.entries(extra)]),
  });
  const at = { mtime: START };
  const dir = (entries: Record<string, DirInode | FileInode | DeviceInode> = {}): DirInode =>
    new DirInode(at, new Map(Object.entries(entries)));
  const bin = new DirInode(at, new Map([...toolFiles([...gnuToolNames, "busybox"]), ...toolFiles(Object.keys(extra))]));
  const root = dir({
    usr: dir({ bin }),
    bin,
    busybox: dir({ bin: busyboxBin() }),
    tmp: new DirInode({ ...at, mode: 0o1777 }),
    root: dir(),
    etc: dir({
      passwd: new FileInode(
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n" as Bytes,
        at,
      ),
      group: new FileInode("root:x:0:\nnogroup:x:65534:\n" as Bytes, at),
    }),
    dev: dir({
      null: new DeviceInode("null"),
      zero: new DeviceInode("zero"),
      full: new DeviceInode("full"),
      urandom: new DeviceInode("urandom"),
      tty: new DeviceInode("tty"),
    }),
  });
  const mounts = new MountNamespace(loop, {
    path: "/",
    root,
    readOnly: false,
    source: "/dev/sda1",
    type: "ext4",
    options: "rw",
  });
  for (const [path, content] of Object.entries(files)) mounts.writeFile(path, encodeUtf8(content));
  const context: ProcessContext = {
    kernel,
    pids: kernel.hostPids,
    mounts,
    net: { name: "host" },
    hostname: () => kernel.hostname,
    cgroup: kernel.rootCgroup,
    uid: 0,
    gid: 0,
    user: "root",
  };
  return { loop, kernel, mounts, context };
}

export const ENV = { PATH: "/usr/bin:/bin", HOME: "/root", LC_ALL: "C.UTF-8", TZ: "UTC", SHLVL: "0" };

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number | undefined;
  readonly ms: number;
  readonly steps: number;
}

export interface RunOptions {
  readonly argv?: readonly string[];
  readonly extra?: Record<string, Program>;
  readonly files?: Record<string, string>;
  readonly maxSteps?: number;
  readonly untilMs?: number;
  readonly env?: Record<string, string>;
}

/** Runs `bash -c script` in /tmp/case and waits for its end. */
export function runScript(script: string, options: RunOptions = {}): Outcome {
  const { loop, kernel, mounts, context } = makeLaptop(options.extra, options.files);
  mounts.makeDir("/tmp/case");
  let stdout = "";
  let stderr = "";
  const process = kernel.spawn(context, undefined, {
    argv: options.argv ?? ["bash", "-c", script],
    env: { ...ENV, ...options.env },
    cwd: "/tmp/case",
    files: new Map<number, OpenFile>([
      [0, new NullDevice("null")],
      [1, new SinkFile("stdout", (bytes) => (stdout += bytes))],
      [2, new SinkFile("stderr", (bytes) => (stderr += bytes))],
    ]),
  });
  const until = loop.now() + (options.untilMs ?? 600_000);
  let steps = 0;
  while (!process.ended.settled && loop.step(until)) if (++steps > (options.maxSteps ?? 3_000_000)) break;
  return {
    stdout: decodeUtf8(stdout as Bytes),
    stderr: decodeUtf8(stderr as Bytes),
    exit: process.ended.peek()?.code,
    ms: loop.now() - START,
    steps,
  };
}

/** An interactive terminal with a shell on it. */
export function openTerminal(
  options: {
    readonly argv?: readonly string[];
    readonly extra?: Record<string, Program>;
    readonly columns?: number;
    readonly rows?: number;
    readonly env?: Record<string, string>;
    readonly files?: Record<string, string>;
  } = {},
) {
  const { loop, kernel, mounts, context } = makeLaptop(options.extra, options.files);
  let output = "";
  const tty: Tty = kernel.makeTty(
    { columns: options.columns ?? 80, rows: options.rows ?? 24 },
    (bytes) => (output += bytes),
  );
  const file = new TtyFile(tty);
  const process = kernel.spawn(context, undefined, {
    argv: options.argv ?? ["bash"],
    env: { ...ENV, TERM: "xterm-256color", ...options.env },
    cwd: "/root",
    files: new Map([
      [0, file],
      [1, file],
      [2, file],
    ] as const),
    session: { tty },
  });
  tty.session = process.pid;
  tty.foregroundGroup = process.group;
  const settle = (ms = 1000): void => void loop.runUntil(loop.now() + ms, 5_000_000);
  settle(100);
  return {
    loop,
    kernel,
    mounts,
    tty,
    process,
    /** Types text and lets things happen; answers what appeared. */
    type(text: string, ms = 1000): string {
      const before = output.length;
      tty.input(encodeUtf8(text));
      settle(ms);
      return decodeUtf8(output.slice(before) as Bytes);
    },
    settle,
    get output(): string {
      return decodeUtf8(output as Bytes);
    },
  };
}
