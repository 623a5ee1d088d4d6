/** Build contexts: which files `docker build` sends, from a folder, an archive or a Dockerfile on standard input. */
import { type Bytes, decodeUtf8 } from "../../../base/bytes";
import { failure, ok, type Result } from "../../../base/result";
import type { Task } from "../../../base/task";
import { DirInode, FileInode, type Inode } from "../../../os/inode";
import { basename, dirname } from "../../../os/path";
import type { Process } from "../../../os/process";
import { encodeTar, type TarEntry, treeEntries } from "../../../os/tar";
import { parseDockerignore } from "../../api/dockerignore";

export interface BuildContext {
  readonly archive: Bytes;
  /** The folder it came from: the builder keeps a copy of it for the next build. */
  readonly folder?: string;
  /** The Dockerfile's path inside the archive. */
  readonly dockerfile: string;
  /** The Dockerfile itself, where it stands outside of the context. */
  readonly outside?: string;
  /** The archive came on standard input, or nothing did. */
  readonly isEmpty?: boolean;
}

const REMOTE = /^(?:https?:\/\/|git:\/\/|git@|github\.com\/)/;

/** Reads what PATH and --file say. Errors follow "unable to prepare context: ". */
export function* buildContext(
  process: Process,
  path: string,
  file: string,
  options: { readonly classic: boolean },
): Task<Result<BuildContext, string>> {
  if (path === "-") return yield* fromInput(process, file, options.classic);
  if (REMOTE.test(path))
    return failure(`contexts at an address are not part of this simulator; download ${path} and build its folder`);
  const folder = process.path(path);
  const root = process.fs.find(folder);
  if (!root) return failure(`path ${JSON.stringify(path)} not found`);
  if (root.kind !== "dir")
    return failure(
      options.classic ? `context must be a directory: ${folder}` : `path ${JSON.stringify(path)} is not a directory`,
    );
  let dockerfile = "Dockerfile";
  let outside: string | undefined;
  if (file === "-") outside = decodeUtf8(yield* process.readAll(0));
  else if (file !== "") {
    const absolute = process.path(file);
    const inside = absolute.startsWith(folder === "/" ? "/" : `${folder}/`);
    dockerfile = inside ? absolute.slice(folder === "/" ? 1 : folder.length + 1) : basename(absolute);
    const node = process.fs.find(absolute);
    if (options.classic && !node)
      return failure(`unable to evaluate symlinks in Dockerfile path: lstat ${absolute}: no such file or directory`);
    if (!inside && node?.kind === "file") outside = decodeUtf8(node.read());
    if (!inside && !node && !process.fs.isDir(dirname(absolute)))
      return failure(
        `unable to evaluate symlinks in Dockerfile path: lstat ${dirname(absolute)}: no such file or directory`,
      );
  } else if (options.classic && !process.fs.find(`${folder}/Dockerfile`))
    return failure(
      `unable to evaluate symlinks in Dockerfile path: lstat ${folder}/Dockerfile: no such file or directory`,
    );
  const ignore =
    readText(process, `${folder}/${dockerfile}.dockerignore`) ?? readText(process, `${folder}/.dockerignore`);
  const rules = ignore === undefined ? undefined : parseDockerignore(ignore);
  // The Dockerfile and the list itself are sent even when they are named in it.
  const kept = new Set([dockerfile, ".dockerignore", `${dockerfile}.dockerignore`]);
  const entries: TarEntry[] = [];
  for (const entry of treeEntries(root, "")) {
    const plain = entry.name.replace(/\/$/, "");
    if (entry.name === "" || (rules?.ignores(plain) && !kept.has(plain) && !isAboveKept(entry, kept, rules))) continue;
    entries.push(entry.node ? { ...entry, node: ownedByRoot(entry.node) } : entry);
  }
  return ok({ archive: encodeTar(entries), folder, dockerfile, ...(outside === undefined ? {} : { outside }) });
}

/** Folders stay when something below them does. */
function isAboveKept(entry: TarEntry, kept: ReadonlySet<string>, rules: ReturnType<typeof parseDockerignore>): boolean {
  if (entry.node?.kind !== "dir") return false;
  const at = entry.name;
  const below = (node: Inode, path: string): boolean =>
    node.kind === "dir"
      ? [...node.entries].some(([name, child]) => below(child, `${path}/${name}`))
      : kept.has(path) || !rules.ignores(path);
  return below(entry.node, at.replace(/\/$/, ""));
}

/** What is sent belongs to root: who built an image cannot be read from it. */
function ownedByRoot(node: Inode): Inode {
  if (node.uid === 0 && node.gid === 0) return node;
  const copy = Object.create(Object.getPrototypeOf(node) as object) as Inode;
  return Object.assign(copy, node, { uid: 0, gid: 0 });
}

function readText(process: Process, path: string): string | undefined {
  const node = process.fs.find(path);
  return node?.kind === "file" ? decodeUtf8(node.read()) : undefined;
}

function* fromInput(process: Process, file: string, classic: boolean): Task<Result<BuildContext, string>> {
  if (file === "-") return failure("invalid argument: can't use stdin for both build context and dockerfile");
  const bytes = yield* process.readAll(0);
  if (bytes.slice(257, 262) === "ustar") return ok({ archive: bytes, dockerfile: file || "Dockerfile" });
  if (bytes === "" && !classic) return ok({ archive: encodeTar([]), dockerfile: "Dockerfile", isEmpty: true });
  if (file !== "" && !classic)
    return failure(`ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles`);
  const root = new DirInode();
  root.entries.set("Dockerfile", new FileInode(bytes, { mode: 0o644 }));
  return ok({ archive: encodeTar(treeEntries(root, "")), dockerfile: "Dockerfile" });
}
