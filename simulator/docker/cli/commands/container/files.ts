/** docker cp and docker export: archives between a container and the laptop. */
import { type Bytes, decodeUtf8 } from "../../../../base/bytes";
import type { Task } from "../../../../base/task";
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs } from "../../../../cli/style-docker";
import { DirInode, type Inode } from "../../../../os/inode";
import { basename, dirname } from "../../../../os/path";
import { decodeTar, encodeTar, treeEntries, treeOfTar } from "../../../../os/tar";
import { decodeBase64 } from "../../../../text/base64";
import { humanSizeWithPrecision } from "../../../../text/human-size";
import { completeContainers } from "../../complete";
import { type DockerInvocation, docker, fail, failCall } from "../../run-command";
import { writeArchive } from "../image/more";

export const exportContainer = docker({
  use: "export [OPTIONS] CONTAINER",
  aliases: ["docker container export, docker export"],
  short: "Export a container's filesystem as a tar archive",
  flags: { output: stringFlag("", "Write to a file, instead of STDOUT", { shorthand: "o" }) },
  args: exactArgs(1),
  completeArgs: completeContainers({ all: true, first: true }),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    if (!flags.output && process.ttyOf(1))
      return yield* fail(invocation, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const answer = yield* client.get(`/containers/${args[0]}/export`);
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    return yield* writeArchive(invocation, answer.value.body as Bytes, flags.output);
  },
});

interface Stat {
  readonly name: string;
  readonly mode: number;
  readonly size: number;
  readonly linkTarget?: string;
}

/** Go's os.ModeDir, as the X-Docker-Container-Path-Stat header has it. */
const MODE_DIR = 0x8000_0000;

export const cp = docker({
  use: "cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  aliases: ["docker container cp, docker cp"],
  short: "Copy files/folders between a container and the local filesystem",
  flags: {
    archive: boolFlag(false, "Archive mode (copy all uid/gid information)", { shorthand: "a" }),
    "follow-link": boolFlag(false, "Always follow symbol link in SRC_PATH", { shorthand: "L" }),
    quiet: boolFlag(
      false,
      "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached",
      { shorthand: "q" },
    ),
  },
  args: exactArgs(2),
  *run(invocation) {
    const { args } = invocation;
    const [source, target] = args as [string, string];
    if (source === "") return yield* fail(invocation, "source can not be empty");
    if (target === "") return yield* fail(invocation, "destination can not be empty");
    const from = splitPath(source);
    const to = splitPath(target);
    if (from.container && to.container) return yield* fail(invocation, "copying between containers is not supported");
    if (from.container) return yield* copyFrom(invocation as never, from.container, from.path, to.path);
    if (to.container) return yield* copyTo(invocation as never, from.path, to.container, to.path);
    return yield* fail(invocation, "must specify at least one container source");
  },
});

/** `container:path`; a path that begins with `/` or `.` is local. */
function splitPath(text: string): { container: string; path: string } {
  if (/^[/.]/.test(text)) return { container: "", path: text };
  const at = text.indexOf(":");
  if (at <= 0) return { container: "", path: text };
  return { container: text.slice(0, at), path: text.slice(at + 1) };
}

function* copyFrom(invocation: DockerInvocation, container: string, path: string, target: string): Task<number> {
  const { client, process } = invocation;
  const answer = yield* client.get(`/containers/${container}/archive`, { path });
  if (!answer.ok) return yield* failCall(invocation, answer.error);
  const archive = answer.value.body as Bytes;
  if (target === "-") {
    if (process.ttyOf(1))
      return yield* fail(invocation, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    yield* process.write(1, archive);
    return 0;
  }
  const stat = statOf(answer.value.headers?.["x-docker-container-path-stat"]);
  const isDir = (stat.mode & MODE_DIR) !== 0 || stat.mode >= MODE_DIR;
  const absolute = process.path(target);
  const existing = process.fs.find(absolute);
  if (existing?.kind === "file" && isDir) return yield* fail(invocation, "cannot copy directory");
  if (!existing && target.endsWith("/") && !isDir)
    return yield* fail(invocation, `invalid output path: directory ${JSON.stringify(absolute)} does not exist`);
  if (!existing && !process.fs.isDir(dirname(absolute)))
    return yield* fail(
      invocation,
      `invalid output path: directory ${JSON.stringify(dirname(absolute))} does not exist`,
    );
  const tree = treeOfTar(decodeTar(archive));
  const name = [...tree.entries.keys()][0];
  const node = name === undefined ? undefined : tree.entries.get(name)!;
  if (!node) return 0;
  const contentsOnly = path.endsWith("/.");
  if (existing?.kind === "dir" && !contentsOnly) place(process, `${absolute}/${name}`, node);
  else if (contentsOnly && existing?.kind === "dir" && node.kind === "dir")
    for (const [child, one] of node.entries) place(process, `${absolute}/${child}`, one);
  else place(process, absolute, node);
  if (process.ttyOf(2))
    yield* process.printError(`Successfully copied ${humanSizeWithPrecision(archive.length, 3)} to ${absolute}\n`);
  return 0;
}

function place(process: DockerInvocation["process"], path: string, node: Inode): void {
  const existing = process.fs.find(path);
  if (existing?.kind === "dir" && node.kind === "dir") {
    for (const [name, child] of node.entries) place(process, `${path}/${name}`, child);
    return;
  }
  if (existing?.kind === "dir") process.fs.removeTree(path);
  process.fs.put(path, node);
}

function* copyTo(invocation: DockerInvocation, source: string, container: string, target: string): Task<number> {
  const { client, process } = invocation;
  let archive: Bytes;
  let folder: string;
  const head = yield* client.call("HEAD", `/containers/${container}/archive`, { query: { path: target } });
  if (!head.ok && head.error.status !== 404 && head.error.status !== 400)
    return yield* failCall(invocation, head.error);
  if (!head.ok && /No such container/.test(head.error.message)) return yield* failCall(invocation, head.error);
  const stat = head.ok ? statOf(head.value.headers?.["x-docker-container-path-stat"]) : undefined;
  const targetIsDir = stat !== undefined && stat.mode >= MODE_DIR;
  if (source === "-") {
    archive = yield* process.readAll(0);
    folder = target;
    if (!targetIsDir) return yield* fail(invocation, `destination "${container}:${target}" must be a directory`);
  } else {
    const absolute = process.path(source);
    const node = process.fs.find(absolute);
    if (!node) return yield* fail(invocation, `lstat ${absolute}: no such file or directory`);
    if (source.endsWith("/") && node.kind !== "dir")
      return yield* fail(invocation, `stat ${absolute}/: not a directory`);
    const contentsOnly = source.endsWith("/.");
    if (!stat && (target === "" || /\/$|(?:^|\/)\.$/.test(target)) && node.kind !== "dir")
      return yield* fail(invocation, "no such directory");
    if (stat && !targetIsDir && node.kind === "dir") return yield* fail(invocation, "cannot copy directory");
    const root = new DirInode();
    if (contentsOnly && node.kind === "dir" && targetIsDir)
      for (const [name, child] of node.entries) root.entries.set(name, child);
    else root.entries.set(targetIsDir ? basename(absolute) : basename(target), node);
    archive = encodeTar(treeEntries(root, ""));
    folder = targetIsDir ? target : dirname(target) || "/";
  }
  const answer = yield* client.call("PUT", `/containers/${container}/archive`, {
    query: { path: folder, noOverwriteDirNonDir: true },
    body: archive,
  });
  if (!answer.ok) return yield* failCall(invocation, answer.error);
  if (process.ttyOf(2) && source !== "-")
    yield* process.printError(
      `Successfully copied ${humanSizeWithPrecision(archive.length, 3)} to ${container}:${target}\n`,
    );
  return 0;
}

function statOf(header: string | undefined): Stat {
  if (!header) return { name: "", mode: 0, size: 0 };
  return JSON.parse(header.startsWith("{") ? header : decodeUtf8(decodeBase64(header))) as Stat;
}
