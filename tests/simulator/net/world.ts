/** A small world for network tests: hosts on a LAN, containers on bridges, and programs that run in them. */
import "@/simulator/parts/net-tools";
import "@/simulator/parts/tools";
import { decodeUtf8, encodeUtf8 } from "@/simulator/base/bytes";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import type { Task } from "@/simulator/base/task";
import { parseCidr } from "@/simulator/net/address";
import { Netns } from "@/simulator/net/netns";
import { Network } from "@/simulator/net/network";
import { Segment, attach } from "@/simulator/net/segment";
import { DeviceInode, DirInode, FileInode } from "@/simulator/os/inode";
import { Kernel, executable } from "@/simulator/os/kernel";
import { MountNamespace } from "@/simulator/os/mounts";
import { SinkFile } from "@/simulator/os/open-file";
import { PidNamespace, type Process, type ProcessContext, type Program } from "@/simulator/os/process";

export interface Host {
  readonly kernel: Kernel;
  readonly netns: Netns;
  readonly context: ProcessContext;
}

export interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number | undefined;
}

export function makeWorld(programs: ReadonlyMap<string, Program> = new Map()) {
  const loop = new Loop(1_700_000_000_000);
  const random = new Random("test");
  const network = new Network({ loop, random });
  const lan = new Segment(network, { name: "lan" });

  function contextOf(
    kernel: Kernel,
    netns: Netns,
    files: Record<string, string>,
    pids = kernel.hostPids,
  ): ProcessContext {
    const root = new DirInode();
    const bin = new DirInode();
    root.entries.set("bin", bin);
    for (const name of programs.keys()) bin.entries.set(name, new FileInode(executable(name), { mode: 0o755 }));
    root.entries.set("tmp", new DirInode());
    root.entries.set("dev", new DirInode({}, new Map([["null", new DeviceInode("null")]])));
    const mounts = new MountNamespace(loop, {
      path: "/",
      root,
      readOnly: false,
      source: "overlay",
      type: "overlay",
      options: "rw",
    });
    for (const [path, content] of Object.entries(files)) {
      mounts.makeDirs(path.slice(0, path.lastIndexOf("/")) || "/");
      mounts.writeFile(path, encodeUtf8(content));
    }
    return {
      kernel,
      pids,
      mounts,
      net: netns,
      hostname: () => netns.name,
      cgroup: kernel.rootCgroup,
      uid: 0,
      gid: 0,
      user: "root",
    };
  }

  const makeKernel = (hostname: string): Kernel =>
    new Kernel({ loop, random, hostname, cpuCount: 2, memoryBytes: 1 << 30, release: "6.1.0", programs });

  function host(name: string, address?: string, files: Record<string, string> = {}): Host {
    const kernel = makeKernel(name);
    const netns = new Netns(network, name);
    if (address) attach(netns, lan, { name: "eth0", address, prefix: 24, gateway: address.replace(/\d+$/, "1") });
    return { kernel, netns, context: contextOf(kernel, netns, files) };
  }

  /** A bridge on a host, with the host's address on it. */
  function bridge(on: Host, name: string, address: string, prefix = 16): Segment {
    const segment = new Segment(network, { name, host: on.netns });
    attach(on.netns, segment, { name, address, prefix, kind: "bridge" });
    on.netns.sysctls.ipForward = true;
    return segment;
  }

  function container(
    on: Host,
    segment: Segment,
    name: string,
    address: string,
    files: Record<string, string> = {},
  ): Host {
    const netns = new Netns(network, name);
    const gateway = segment.ports().find((port) => port.netns === on.netns)!.interface.addresses[0]!;
    attach(netns, segment, { name: "eth0", address, prefix: gateway.prefix, gateway: gateway.address });
    return { kernel: on.kernel, netns, context: contextOf(on.kernel, netns, files, new PidNamespace(true)) };
  }

  /** Starts a program that goes on; its output is thrown away. */
  function start(
    on: Host,
    program: (process: Process) => Task<unknown>,
    argv: readonly string[] = ["server"],
  ): Process {
    const sink = new SinkFile("sink", () => {});
    const process = on.kernel.spawn(on.context, undefined, {
      argv,
      files: new Map([
        [0, sink],
        [1, sink],
        [2, sink],
      ]),
      program: function* (self) {
        yield* program(self);
        return 0;
      },
    });
    loop.runUntil(loop.now());
    return process;
  }

  /** Runs a program to its end, at most `seconds`. */
  function run(
    on: Host,
    argv: readonly string[] | ((process: Process) => Task<number>),
    seconds = 300,
    stdin = "",
  ): Ran & { readonly ms: number } {
    let out = "";
    let err = "";
    const began = loop.now();
    let ended = began;
    const input = [encodeUtf8(stdin)];
    const stdinFile = new (class extends SinkFile {
      override *read(): Task<never> {
        return (input.shift() ?? "") as never;
      }
    })("stdin", () => {});
    const process = on.kernel.spawn(on.context, undefined, {
      argv: typeof argv === "function" ? ["test"] : argv,
      ...(typeof argv === "function" ? { program: argv } : {}),
      env: { PATH: "/bin" },
      files: new Map([
        [0, stdinFile],
        [1, new SinkFile("out", (bytes) => (out += bytes))],
        [2, new SinkFile("err", (bytes) => (err += bytes))],
      ]),
    });
    process.atExit(() => (ended = loop.now()));
    const limit = began + seconds * 1000;
    while (process.alive && loop.nextAt() !== undefined && loop.nextAt()! <= limit) loop.step(limit);
    return {
      out: decodeUtf8(out as never),
      err: decodeUtf8(err as never),
      code: process.ended.peek()?.code,
      ms: ended - began,
    };
  }

  return { loop, random, network, lan, host, bridge, container, start, run, parseCidr, contextOf };
}
