import { type Bytes, encodeUtf8 } from "@/simulator/base/bytes";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { FileInode, DirInode, freezeTree, thaw } from "@/simulator/os/inode";
import { Kernel, executable } from "@/simulator/os/kernel";
import { MountNamespace } from "@/simulator/os/mounts";
import { SinkFile } from "@/simulator/os/open-file";
import type { Task } from "@/simulator/base/task";
import type { OpenFile } from "@/simulator/os/open-file";
import { PidNamespace, type Process, type ProcessContext, type Program } from "@/simulator/os/process";
import { expect, test } from "vitest";

function host(programs: Record<string, Program>) {
  const loop = new Loop(1_000_000);
  const random = new Random("test");
  const kernel = new Kernel({
    loop,
    random,
    hostname: "laptop",
    cpuCount: 2,
    memoryBytes: 1 << 30,
    release: "6.1.0",
    programs: new Map(Object.entries(programs)),
  });
  const bin = new DirInode();
  for (const name of Object.keys(programs)) bin.entries.set(name, new FileInode(executable(name), { mode: 0o755 }));
  const root = thaw(freezeTree(new DirInode({}, new Map([["bin", bin]]))));
  const mounts = new MountNamespace(loop, {
    path: "/",
    root,
    readOnly: false,
    source: "overlay",
    type: "overlay",
    options: "rw",
  });
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
  return { loop, kernel, context, root };
}

function* yes(process: Process): Task<number> {
  for (;;) yield* process.print("y\n");
}

function* firstLine(process: Process) {
  const chunk = yield* process.read(0, 2);
  yield* process.print(chunk);
  return 0;
}

test("a writer whose reader leaves dies of SIGPIPE, and what was read came through", () => {
  const { loop, kernel, context } = host({ yes, firstLine });
  let out = "";
  const sink = new SinkFile("out", (bytes) => (out += bytes));
  const shell = kernel.spawn(context, undefined, {
    argv: ["shell"],
    program: function* (process) {
      const { reader, writer } = process.pipe();
      const left = process.spawn({ argv: ["yes"], files: new Map<number, OpenFile>([[1, writer]]) });
      const right = process.spawn({
        argv: ["firstLine"],
        files: new Map<number, OpenFile>([
          [0, reader],
          [1, sink],
        ]),
      });
      const codes = [(yield* process.wait(left)).code, (yield* process.wait(right)).code];
      return codes[0] === 141 && codes[1] === 0 ? 0 : 1;
    },
  });
  loop.runUntil(loop.now() + 1000);
  expect(out).toBe("y\n");
  expect(shell.ended.peek()).toEqual({ code: 0 });
  expect(kernel.processes.size).toBe(0);
});

test.each([
  { name: "TERM ends a program", signal: "TERM", container: false, ended: 143 },
  {
    name: "the first process of a container ignores TERM by default",
    signal: "TERM",
    container: true,
    ended: undefined,
  },
  { name: "KILL from outside ends it all the same", signal: "KILL", container: true, ended: 137 },
] as const)("$name", ({ signal, container, ended }) => {
  const { loop, kernel, context } = host({});
  const process = kernel.spawn({ ...context, pids: container ? new PidNamespace(true) : kernel.hostPids }, undefined, {
    argv: ["sleep"],
    program: function* (self) {
      yield* self.sleep(1e9);
      return 0;
    },
  });
  loop.runUntil(loop.now() + 10);
  process.signal(signal, { fromOutside: true });
  expect(process.ended.peek()?.code).toBe(ended);
});

test("a write copies up: the shared layer keeps its content, the origin is known", () => {
  const layer = freezeTree(
    new DirInode({}, new Map([["etc", new DirInode({}, new Map([["motd", new FileInode("old" as Bytes)]]))]])),
  );
  const loop = new Loop(0);
  const one = new MountNamespace(loop, {
    path: "/",
    root: thaw(layer),
    readOnly: false,
    source: "a",
    type: "overlay",
    options: "",
  });
  const two = new MountNamespace(loop, {
    path: "/",
    root: thaw(layer),
    readOnly: false,
    source: "b",
    type: "overlay",
    options: "",
  });
  one.writeFile("/etc/motd", encodeUtf8("new"));
  expect([one.readFile("/etc/motd"), two.readFile("/etc/motd")]).toEqual(["new", "old"]);
  expect(one.lookup("/etc/motd").origin).toBe(two.lookup("/etc/motd"));
});

test("half a CPU makes computing take twice as long", () => {
  const { loop, kernel, context } = host({});
  const cgroup = kernel.rootCgroup.child("half", { cpuMax: 0.5 });
  const process = kernel.spawn({ ...context, cgroup }, undefined, {
    argv: ["burn"],
    program: function* (self) {
      yield* self.compute(1000);
      return 0;
    },
  });
  const start = loop.now();
  while (process.alive) loop.step();
  expect(loop.now() - start).toBe(2000);
  expect(cgroup.cpuUsageMs).toBe(1000);
});

test("a stopped process holds what it waited for until it continues", () => {
  const { loop, kernel, context } = host({});
  const seen: number[] = [];
  const process = kernel.spawn(context, undefined, {
    argv: ["tick"],
    program: function* (self) {
      for (;;) {
        yield* self.sleep(10);
        seen.push(self.now() - 1_000_000);
      }
    },
  });
  loop.runUntil(1_000_025);
  process.signal("STOP");
  loop.runUntil(1_000_100);
  process.signal("CONT");
  loop.runUntil(1_000_111);
  expect(seen).toEqual([10, 20, 100, 110]);
});

test("memory past the limit wakes the OOM killer", () => {
  const { loop, kernel, context } = host({});
  const cgroup = kernel.rootCgroup.child("small", { memoryMax: 8 << 20 });
  const process = kernel.spawn({ ...context, cgroup, pids: new PidNamespace(true) }, undefined, {
    argv: ["hog"],
    program: function* (self) {
      for (let mib = 1; ; mib++) {
        self.resizeMemory(mib << 20);
        yield* self.sleep(1);
      }
    },
  });
  loop.runUntil(loop.now() + 100);
  expect(process.ended.peek()).toEqual({ code: 137, signal: "KILL", oomKilled: true });
  expect(cgroup.memoryBytes).toBe(0);
});
