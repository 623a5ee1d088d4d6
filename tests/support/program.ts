/** One laptop with one program on it, for tests of command lines: run argv, get what it wrote and its exit code. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "@/simulator/base/bytes";
import type { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { DirInode, FileInode } from "@/simulator/os/inode";
import { executable, Kernel } from "@/simulator/os/kernel";
import { MountNamespace } from "@/simulator/os/mounts";
import { NullDevice, type OpenFile, PipeReader, PipeBuffer, SinkFile } from "@/simulator/os/open-file";
import type { Process, ProcessContext, Program } from "@/simulator/os/process";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

export class Laptop {
  readonly loop: Loop;
  readonly #kernel: Kernel;
  readonly #context: ProcessContext;

  constructor(loop: Loop, programs: Readonly<Record<string, Program>>, seed = "laptop") {
    this.loop = loop;
    this.#kernel = new Kernel({
      loop,
      random: new Random(seed),
      hostname: "laptop",
      cpuCount: 2,
      memoryBytes: 1 << 30,
      release: "6.1.0",
      programs: new Map(Object.entries(programs)),
    });
    const bin = new DirInode();
    for (const name of Object.keys(programs)) bin.entries.set(name, new FileInode(executable(name), { mode: 0o755 }));
    const root = new DirInode({}, new Map([["bin", bin]]));
    const mounts = new MountNamespace(loop, {
      path: "/",
      root,
      readOnly: false,
      source: "overlay",
      type: "overlay",
      options: "rw",
    });
    this.#context = {
      kernel: this.#kernel,
      pids: this.#kernel.hostPids,
      mounts,
      net: { name: "host" },
      hostname: () => "laptop",
      cgroup: this.#kernel.rootCgroup,
      uid: 0,
      gid: 0,
      user: "root",
    };
    mounts.makeDirs("/root/lab");
  }

  write(path: string, text: string): void {
    const absolute = path.startsWith("/") ? path : `/root/lab/${path}`;
    this.#context.mounts.makeDirs(absolute.slice(0, absolute.lastIndexOf("/")));
    this.#context.mounts.writeFile(absolute, encodeUtf8(text));
  }

  read(path: string): string {
    return decodeUtf8(this.#context.mounts.readFile(path));
  }

  /** Runs to the end, or sends Ctrl-C after `interruptAfterMs`. */
  run(
    argv: readonly string[],
    options: {
      readonly stdin?: string;
      readonly interruptAfterMs?: number;
      readonly env?: Readonly<Record<string, string>>;
    } = {},
  ): Ran {
    let stdout = "";
    let stderr = "";
    const input = new PipeBuffer();
    input.push(encodeUtf8(options.stdin ?? ""));
    input.end();
    const files = new Map<number, OpenFile>([
      [0, options.stdin === undefined ? new NullDevice("null") : new PipeReader(input)],
      [1, new SinkFile("stdout", (bytes) => (stdout += bytes))],
      [2, new SinkFile("stderr", (bytes) => (stderr += bytes))],
    ]);
    const child: Process = this.#kernel.spawn(this.#context, undefined, {
      argv,
      cwd: "/root/lab",
      env: { PATH: "/bin", HOME: "/root", ...options.env },
      files,
    });
    if (options.interruptAfterMs !== undefined) this.loop.after(options.interruptAfterMs, () => child.signal("INT"));
    const limit = this.loop.now() + 600_000;
    while (child.ended.peek() === undefined && this.loop.now() < limit && this.loop.step(limit)) {}
    const status = child.ended.peek();
    return { stdout: decodeUtf8(stdout as Bytes), stderr: decodeUtf8(stderr as Bytes), exit: status?.code ?? -1 };
  }
}

/** A shell's words, as far as transcripts need them: quotes and backslashes. */
export function words(line: string): string[] {
  const found: string[] = [];
  for (const m of line.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/g)) {
    found.push(
      m[0].replace(
        /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
        (_, single?: string, double?: string, escaped?: string) =>
          single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? "",
      ),
    );
  }
  return found;
}
