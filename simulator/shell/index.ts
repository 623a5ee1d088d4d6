/** The shell's door: programs by name, and how to lay them into a root file system. */
import { DirInode, FileInode, SymlinkInode } from "../os/inode";
import { executable } from "../os/kernel";
import type { Program } from "../os/process";
import { coreutilNames, makeCoreutils, psWithoutTime } from "./coreutils/index";
import type { ShellHost } from "./host";
import { type AshBuild, shellProgram } from "./shell-program";
import { type ToolRun, runTool, toolProgram } from "./tool";

/** BusyBox as one distribution builds it: what its build options change of what is seen. */
interface BusyboxBuild {
  readonly version: string;
  readonly shell: AshBuild;
  /** Applets that are built otherwise than usual. */
  readonly tools: ReadonlyMap<string, ToolRun>;
}

/** The build of the official busybox and alpine images. */
const OFFICIAL: BusyboxBuild = { version: "v1.36.1 (2024-06-10 07:11:47 UTC)", shell: {}, tools: new Map() };

/** Debian's busybox-static. */
const DEBIAN: BusyboxBuild = {
  version: "v1.38.0 (Debian 1:1.38.0-3+b1)",
  shell: { banner: "BusyBox v1.38.0 (Debian 1:1.38.0-3+b1) built-in shell (ash)", numbersStrings: true },
  tools: new Map([["ps", psWithoutTime]]),
};

/** BusyBox: one program that is many, chosen by the name it is called with. */
const busyboxProgram = (host: ShellHost, build: BusyboxBuild): Program =>
  function* (process) {
    let args = process.argv;
    let name = process.comm.replace(/^-/, "");
    if (name === "busybox") {
      args = args.slice(1);
      name = args[0] ?? "";
      if (name === "" || name === "--help") {
        yield* process.print(
          `BusyBox ${build.version} multi-call binary.\n\nUsage: busybox [function [arguments]...]\n\nCurrently defined functions:\n\t${busyboxApplets.join(", ")}\n`,
        );
        return 0;
      }
      if (name === "--list") {
        yield* process.print(busyboxApplets.map((each) => `${each}\n`).join(""));
        return 0;
      }
      process.argv = args;
    }
    if (name === "sh" || name === "ash") return yield* shellProgram("ash", host, build.shell)(process);
    const run = build.tools.get(name) ?? makeCoreutils(host).get(name === "[" || name === "[[" ? "test" : name);
    if (!run || !busyboxApplets.includes(name)) {
      yield* process.printError(`${name}: applet not found\n`);
      return 127;
    }
    return yield* runTool(process, name, run, "busybox", args.slice(1));
  };

/** Programs that GNU systems have and BusyBox has not. */
const gnuOnly = new Set([
  "jq",
  "yq",
  "dpkg",
  "column",
  "join",
  "numfmt",
  "gawk",
  "mawk",
  "pr",
  "file",
  "man",
  "lscpu",
  "stress",
  "view",
  "nano",
  "vim",
  "editor",
  "sha224sum",
  "free2",
]);

const busyboxApplets: readonly string[] = [...coreutilNames, "ash", "sh", "[["]
  .filter((name) => !gnuOnly.has(name))
  .sort();

/** Every program of this room by name: shells, `busybox`, coreutils; joined to the world by `host`. */
export function makeShellPrograms(host: ShellHost = {}): ReadonlyMap<string, Program> {
  return new Map<string, Program>([
    ["bash", shellProgram("bash", host)],
    ["sh", shellProgram("dash", host)],
    ["dash", shellProgram("dash", host)],
    ["ash", shellProgram("ash", host)],
    ["busybox", busyboxProgram(host, OFFICIAL)],
    ["busybox-debian", busyboxProgram(host, DEBIAN)],
    ...[...makeCoreutils(host)].map(([name, run]) => [name, toolProgram(name, run)] as const),
  ]);
}

/** The programs without completers or a page's editor: for images and tests. */
export const shellPrograms: ReadonlyMap<string, Program> = makeShellPrograms();

/** Names for a Debian-like system: `sh` is dash, `bash` is there, tools are GNU's. */
export const gnuToolNames: readonly string[] = ["bash", "sh", "dash", ...coreutilNames];

/** Executable files for programs, by name: entries for a `bin` folder. */
export function toolFiles(names: readonly string[]): Map<string, FileInode> {
  return new Map(names.map((name) => [name, new FileInode(executable(name), { mode: 0o755 })]));
}

/** A `/bin` as alpine and busybox images have it: one binary, and a link for each applet. */
export function busyboxBin(): DirInode {
  const bin = new DirInode();
  const binary = new FileInode(executable("busybox"), { mode: 0o755 });
  bin.entries.set("busybox", binary);
  for (const name of busyboxApplets) bin.entries.set(name, new SymlinkInode("/bin/busybox"));
  return bin;
}

export type { Completer, CompletionRequest, EditorHost, ShellHost } from "./host";
export { unTelex } from "./telex";
export { busyboxApplets, shellProgram };
