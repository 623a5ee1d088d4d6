/** mkdir, rmdir, rm, cp, mv, ln, touch, readlink, realpath, basename, dirname, pwd, chmod, chown, mktemp, link, unlink. */
import { NO_BYTES } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { type Inode, cloneTree } from "../../os/inode";
import { absolute, basename as baseOf, dirname as dirOf } from "../../os/path";
import type { Tool, ToolRun } from "../tool";
import { quoteName } from "../tool";
import { parseDate } from "./date";
import { groupId, userId } from "./users";

const gnu = (tool: Tool): boolean => tool.flavour === "gnu";

export const mkdir: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "m:pvZ", long: { "mode=": "m", parents: "p", verbose: "v" } });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  const { process } = tool;
  const mode =
    options.value("m") === undefined
      ? 0o777 & ~process.umask
      : (applyMode(options.value("m")!, 0o777, true, process.umask) ?? 0o755);
  const attributes = { mode, uid: process.context.uid, gid: process.context.gid };
  let status = 0;
  for (const path of options.operands) {
    try {
      const full = process.path(path);
      if (options.has("p")) {
        const made: string[] = [];
        for (let at = full; !process.fs.exists(at); at = dirOf(at)) made.unshift(at);
        process.fs.makeDirs(full, attributes);
        if (options.has("v"))
          for (const each of made)
            yield* tool.text(
              `mkdir: created directory ${quoteName(path.startsWith("/") ? each : each.slice(full.length - path.replace(/\/+$/, "").length))}\n`,
            );
      } else {
        process.fs.makeDir(full, attributes);
        if (options.has("v")) yield* tool.text(`mkdir: created directory ${quoteName(path)}\n`);
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
      yield* tool.error(
        gnu(tool)
          ? `cannot create directory ${tool.quote(path)}: ${error.text}`
          : `can't create directory '${path}': ${error.text}`,
      );
    }
  }
  return status;
};

export const rmdir: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "pv",
    long: { parents: "p", verbose: "v", "ignore-fail-on-non-empty": "I" },
  });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  let status = 0;
  for (const operand of options.operands) {
    let path = operand;
    try {
      for (;;) {
        if (options.has("v")) yield* tool.text(`rmdir: removing directory, ${quoteName(path)}\n`);
        tool.process.fs.removeDir(tool.process.path(path));
        path = dirOf(path);
        if (!options.has("p") || path === "." || path === "/") break;
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.code === "ENOTEMPTY" && options.has("I")) continue;
      status = 1;
      yield* tool.error(gnu(tool) ? `failed to remove ${quoteName(path)}: ${error.text}` : `'${path}': ${error.text}`);
    }
  }
  return status;
};

export const rm: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "dfiIrRv",
    long: {
      dir: "d",
      force: "f",
      "interactive=?": "i",
      recursive: "r",
      verbose: "v",
      "one-file-system": "O",
      "no-preserve-root": "N",
      "preserve-root=?": "P",
    },
  });
  const force = options.has("f");
  if (options.operands.length === 0) {
    if (force) return 0;
    yield* tool.usage("missing operand");
  }
  const recursive = options.has("r") || options.has("R");
  let status = 0;
  for (const path of options.operands) {
    if (/(^|\/)\.{1,2}\/*$/.test(path)) {
      yield* tool.error(`refusing to remove '.' or '..' directory: skipping ${quoteName(path)}`);
      status = 1;
      continue;
    }
    const full = tool.process.path(path);
    if (full === "/" && recursive && !options.has("N")) {
      yield* tool.error("it is dangerous to operate recursively on '/'");
      yield* tool.error("use --no-preserve-root to override this failsafe");
      status = 1;
      continue;
    }
    try {
      const node = tool.process.fs.lookup(full, { followLast: false });
      if (node.kind === "dir" && !recursive) {
        if (options.has("d")) tool.process.fs.removeDir(full);
        else {
          yield* tool.error(
            gnu(tool) ? `cannot remove ${quoteName(path)}: Is a directory` : `'${path}' is a directory`,
          );
          status = 1;
        }
        continue;
      }
      if (options.has("i") && !force && !(yield* confirm(tool, `rm: remove ${describe(node)} ${quoteName(path)}? `)))
        continue;
      if (node.kind === "dir") {
        if (options.has("v")) yield* sayRemoved(tool, full, path, node);
        tool.process.fs.removeTree(full);
      } else {
        tool.process.fs.unlink(full);
        if (options.has("v")) yield* tool.text(`removed ${quoteName(path)}\n`);
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (force && (error.code === "ENOENT" || error.code === "ENOTDIR")) continue;
      status = 1;
      yield* tool.error(
        gnu(tool) ? `cannot remove ${quoteName(path)}: ${error.text}` : `can't remove '${path}': ${error.text}`,
      );
    }
  }
  return status;
};

function* sayRemoved(tool: Tool, full: string, shown: string, node: Inode): Task<void> {
  if (node.kind !== "dir") {
    yield* tool.text(`removed ${quoteName(shown)}\n`);
    return;
  }
  for (const name of node.names()) yield* sayRemoved(tool, `${full}/${name}`, `${shown}/${name}`, node.get(name)!);
  yield* tool.text(`removed directory ${quoteName(shown)}\n`);
}

const describe = (node: Inode): string =>
  node.kind === "dir"
    ? "directory"
    : node.kind === "symlink"
      ? "symbolic link"
      : node.kind === "fifo"
        ? "fifo"
        : node.kind === "device"
          ? "character special file"
          : node.size === 0
            ? "regular empty file"
            : "regular file";

function* confirm(tool: Tool, question: string): Task<boolean> {
  yield* tool.flush();
  yield* tool.process.printError(question);
  const answer = yield* tool.process.read(0, 1024);
  return /^[yY]/.test(answer);
}

export const cp: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "abdfHiLlnPprRst:TuvxZ",
    long: {
      archive: "a",
      force: "f",
      interactive: "i",
      link: "l",
      dereference: "L",
      "no-clobber": "n",
      "no-dereference": "P",
      "preserve=?": "p",
      recursive: "r",
      "symbolic-link": "s",
      "target-directory=": "t",
      "no-target-directory": "T",
      update: "u",
      verbose: "v",
    },
  });
  const archive = options.has("a");
  return yield* transfer(tool, options, {
    recursive: options.has("r") || options.has("R") || archive,
    preserve: options.has("p") || archive,
    follow: !(
      options.has("P") ||
      options.has("d") ||
      archive ||
      ((options.has("r") || options.has("R")) && !options.has("L"))
    ),
    move: false,
  });
};

export const mv: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "bfint:Tuv",
    long: {
      force: "f",
      interactive: "i",
      "no-clobber": "n",
      "target-directory=": "t",
      "no-target-directory": "T",
      update: "u",
      verbose: "v",
    },
  });
  return yield* transfer(tool, options, { recursive: true, preserve: true, follow: false, move: true });
};

interface TransferKind {
  readonly recursive: boolean;
  readonly preserve: boolean;
  readonly follow: boolean;
  readonly move: boolean;
}

type Options = {
  readonly operands: readonly string[];
  has(key: string): boolean;
  value(key: string): string | undefined;
};

function* transfer(tool: Tool, options: Options, kind: TransferKind): Task<number> {
  const { process } = tool;
  const sources = [...options.operands];
  let target = options.value("t");
  if (sources.length === 0) yield* tool.usage("missing file operand");
  if (target === undefined) {
    if (sources.length === 1) yield* tool.usage(`missing destination file operand after ${quoteName(sources[0]!)}`);
    target = sources.pop()!;
  }
  const intoDir = !options.has("T") && process.fs.isDir(process.path(target));
  if (!intoDir && sources.length > 1)
    yield* tool.fail(
      gnu(tool)
        ? process.fs.exists(process.path(target))
          ? `target ${quoteName(target)} is not a directory`
          : `target ${quoteName(target)}: No such file or directory`
        : `can't stat '${target}': No such file or directory`,
    );
  let status = 0;
  for (const source of sources) {
    const name = baseOf(process.path(source));
    const to = intoDir
      ? `${target.replace(/\/+$/, target === "/" ? "/" : "")}${target === "/" ? "" : "/"}${name}`
      : target;
    if (!(yield* transferOne(tool, options, kind, source, to))) status = 1;
  }
  return status;
}

function* transferOne(tool: Tool, options: Options, kind: TransferKind, source: string, to: string): Task<boolean> {
  const { process } = tool;
  const from = process.path(source);
  const destination = process.path(to);
  const node = process.fs.find(from, { followLast: kind.follow });
  if (!node) {
    const missing = process.fs.find(from) ?? "ENOENT";
    yield* tool.error(
      gnu(tool)
        ? `cannot stat ${quoteName(source)}: ${missing === "ENOENT" ? reason(process, from) : "No such file or directory"}`
        : kind.move
          ? `can't rename '${source}': No such file or directory`
          : `can't stat '${source}': No such file or directory`,
    );
    return false;
  }
  if (node.kind === "dir" && !kind.recursive) {
    yield* tool.error(
      gnu(tool) ? `-r not specified; omitting directory ${quoteName(source)}` : `omitting directory '${source}'`,
    );
    return false;
  }
  const existing = process.fs.find(destination);
  const realDestination = process.fs.find(destination, { followLast: false })
    ? process.fs.realPath(destination)
    : destination;
  if (existing && process.fs.realPath(from) === realDestination && node.kind !== "symlink") {
    yield* tool.error(
      gnu(tool)
        ? `${quoteName(source)} and ${quoteName(to)} are the same file`
        : `'${source}' and '${to}' are the same file`,
    );
    return false;
  }
  if (existing && options.has("n")) return true;
  if (existing && options.has("u") && existing.mtime >= node.mtime) return true;
  if (
    existing?.kind === "file" &&
    options.has("i") &&
    !(yield* confirm(tool, `${tool.name}: overwrite ${quoteName(to)}? `))
  )
    return true;
  if (existing && existing.kind === "dir" && node.kind !== "dir") {
    yield* tool.error(
      `cannot overwrite directory ${quoteName(to)} with non-directory${kind.move ? "" : ` ${quoteName(source)}`}`.replace(
        / with non-directory .*/,
        " with non-directory",
      ),
    );
    return false;
  }
  if (existing && existing.kind !== "dir" && node.kind === "dir") {
    yield* tool.error(`cannot overwrite non-directory ${quoteName(to)} with directory ${quoteName(source)}`);
    return false;
  }
  if (node.kind === "dir" && `${destination}/`.startsWith(`${process.fs.realPath(from)}/`)) {
    yield* tool.error(
      kind.move
        ? `cannot move ${quoteName(source)} to a subdirectory of itself, ${quoteName(to)}`
        : `cannot copy a directory, ${quoteName(source)}, into itself, ${quoteName(to)}`,
    );
    return false;
  }
  try {
    if (kind.move) yield* moveOne(tool, from, destination);
    else if (options.has("l") || options.has("s")) {
      if (existing && options.has("f")) process.fs.unlink(destination);
      if (options.has("s")) process.fs.symlink(source, destination);
      else process.fs.link(from, destination);
    } else copyTree(tool, node, destination, kind);
    yield* tool.charge(node.kind === "file" ? node.read().length : 0);
    if (options.has("v"))
      yield* tool.text(
        kind.move ? `renamed ${quoteName(source)} -> ${quoteName(to)}\n` : `${quoteName(source)} -> ${quoteName(to)}\n`,
      );
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (kind.move)
      yield* tool.error(
        gnu(tool)
          ? `cannot move ${quoteName(source)} to ${quoteName(to)}: ${error.text}`
          : `can't rename '${source}': ${error.text}`,
      );
    else
      yield* tool.error(
        gnu(tool)
          ? `cannot create ${node.kind === "dir" ? "directory" : "regular file"} ${quoteName(to)}: ${error.text}`
          : `can't create '${to}': ${error.text}`,
      );
    return false;
  }
}

function reason(process: Tool["process"], path: string): string {
  try {
    process.fs.lookup(path);
    return "No such file or directory";
  } catch (error) {
    return error instanceof SysError ? error.text : "No such file or directory";
  }
}

function* moveOne(tool: Tool, from: string, to: string): Task<void> {
  const { fs } = tool.process;
  try {
    fs.rename(from, to);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== "EXDEV") throw error;
    const node = fs.lookup(from, { followLast: false });
    if (fs.find(to, { followLast: false })) fs.removeTree(to);
    fs.put(to, node);
    fs.removeTree(from);
  }
}

function copyTree(tool: Tool, node: Inode, to: string, kind: TransferKind): void {
  const { process } = tool;
  const { fs } = process;
  const owner =
    kind.preserve && process.context.uid === 0
      ? { uid: node.uid, gid: node.gid }
      : { uid: process.context.uid, gid: process.context.gid };
  const times = kind.preserve ? { mtime: node.mtime } : { mtime: process.now() };
  const mode = kind.preserve ? node.mode : node.mode & ~process.umask;
  switch (node.kind) {
    case "dir": {
      if (!fs.isDir(to)) fs.makeDir(to, { ...owner, mode });
      for (const name of node.names()) copyTree(tool, node.get(name)!, `${to}/${name}`, kind);
      if (kind.preserve) fs.setAttributes(to, { ...owner, ...times, mode });
      return;
    }
    case "symlink":
      if (!kind.follow) {
        if (fs.find(to, { followLast: false })) fs.unlink(to);
        fs.symlink(node.target, to);
      }
      return;
    case "file": {
      const exists = fs.find(to);
      if (exists?.kind === "file") {
        fs.writeFile(to, node.read());
        if (kind.preserve) fs.setAttributes(to, { ...owner, ...times, mode });
      } else if (exists?.kind === "device") return;
      else fs.writeFile(to, node.read(), { ...owner, mode });
      if (node.apparentSize !== undefined) {
        const copy = fs.lookup(to);
        if (copy.kind === "file") copy.apparentSize = node.apparentSize;
      }
      if (kind.preserve) fs.setAttributes(to, times);
      return;
    }
    default:
      fs.put(to, cloneTree(node));
  }
}

export const ln: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "finsrTt:v",
    long: {
      force: "f",
      symbolic: "s",
      relative: "r",
      verbose: "v",
      "no-dereference": "n",
      "target-directory=": "t",
      "no-target-directory": "T",
    },
  });
  const { process } = tool;
  const sources = [...options.operands];
  if (sources.length === 0) yield* tool.usage("missing file operand");
  let target = options.value("t") ?? (sources.length > 1 ? sources.pop()! : ".");
  let status = 0;
  if (sources.length > 1 && !process.fs.isDir(process.path(target)))
    yield* tool.fail(
      process.fs.exists(process.path(target))
        ? `target ${quoteName(target)} is not a directory`
        : `target ${quoteName(target)}: No such file or directory`,
    );
  const asDir =
    !options.has("T") &&
    process.fs.isDir(process.path(target)) &&
    !(options.has("n") && process.fs.find(process.path(target), { followLast: false })?.kind === "symlink");
  for (const source of sources) {
    const path = asDir
      ? `${target.replace(/\/$/, "")}/${baseOf(source)}`.replace(
          /^\.\//,
          target === "." && options.operands.length === 1 ? "" : "./",
        )
      : target;
    const full = process.path(path);
    try {
      if (options.has("f") && process.fs.find(full, { followLast: false })) process.fs.unlink(full);
      if (options.has("s"))
        process.fs.symlink(options.has("r") ? relative(dirOf(full), process.path(source)) : source, full);
      else process.fs.link(process.path(source), full);
      if (options.has("v"))
        yield* tool.text(`${quoteName(path)} ${options.has("s") ? "->" : "=>"} ${quoteName(source)}\n`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
      if (!gnu(tool)) yield* tool.error(`${path}: ${error.text}`);
      else if (options.has("s")) yield* tool.error(`failed to create symbolic link ${quoteName(path)}: ${error.text}`);
      else if (error.code === "EPERM") yield* tool.error(`${source}: hard link not allowed for directory`);
      else if (error.code === "ENOENT") yield* tool.error(`failed to access ${quoteName(source)}: ${error.text}`);
      else yield* tool.error(`failed to create hard link ${quoteName(path)}: ${error.text}`);
    }
  }
  target = "";
  return status;
};

/** The way from one folder to a path. */
export function relative(fromDir: string, to: string): string {
  const a = fromDir.split("/").filter(Boolean);
  const b = to.split("/").filter(Boolean);
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/") || ".";
}

export const touch: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "acd:fhmr:t:",
    long: { "no-create": "c", "date=": "d", "reference=": "r", "no-dereference": "h", "time=": "T" },
  });
  if (options.operands.length === 0) yield* tool.usage("missing file operand");
  const { process } = tool;
  let mtime = process.now();
  const dateText = options.value("d");
  if (dateText !== undefined) {
    const parsed = parseDate(dateText, process.now());
    if (parsed === undefined) yield* tool.fail(`invalid date format ${quoteName(dateText)}`);
    mtime = parsed!;
  }
  const stamp = options.value("t");
  if (stamp !== undefined) {
    const match = /^(?:(\d{2})?(\d{2}))?(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{2}))?$/.exec(stamp);
    const parsed =
      match &&
      parseDate(
        `${match[1] ?? "20"}${match[2] ?? "00"}-${match[3]}-${match[4]} ${match[5]}:${match[6]}:${match[7] ?? "00"}`,
        process.now(),
      );
    if (!parsed) yield* tool.fail(`invalid date format ${quoteName(stamp)}`);
    mtime = parsed!;
  }
  const reference = options.value("r");
  if (reference !== undefined) {
    const node = process.fs.find(process.path(reference));
    if (!node) yield* tool.fail(`failed to get attributes of ${quoteName(reference)}: No such file or directory`);
    mtime = node!.mtime;
  }
  let status = 0;
  for (const path of options.operands) {
    try {
      const full = process.path(path);
      if (!process.fs.find(full)) {
        if (options.has("c")) continue;
        process.fs.writeFile(full, NO_BYTES, {
          mode: 0o666 & ~process.umask,
          uid: process.context.uid,
          gid: process.context.gid,
          mtime,
        });
      }
      process.fs.setAttributes(full, { mtime });
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
      yield* tool.error(gnu(tool) ? `cannot touch ${quoteName(path)}: ${error.text}` : `${path}: ${error.text}`);
    }
  }
  return status;
};

export const readlink: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "efmnqsvz",
    long: { canonicalize: "f", "canonicalize-existing": "e", "canonicalize-missing": "m", "no-newline": "n" },
  });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  let status = 0;
  for (const path of options.operands) {
    try {
      let text: string;
      if (options.has("f") || options.has("e") || options.has("m")) {
        text = resolve(tool, path, options.has("m"));
        if (options.has("e")) tool.process.fs.lookup(text);
      } else text = tool.process.fs.readLink(tool.process.path(path));
      yield* tool.text(`${text}${options.has("n") ? "" : "\n"}`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
    }
  }
  return status;
};

/** The canonical path; the last name may be missing (all names, when `lax`). */
function resolve(tool: Tool, path: string, lax: boolean): string {
  try {
    return tool.process.fs.realPath(path.startsWith("/") ? path : `${tool.process.cwd}/${path}`);
  } catch (error) {
    if (!lax) throw error;
    return absolute(tool.process.cwd, path);
  }
}

export const realpath: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "emLPqsz",
    long: {
      "canonicalize-existing": "e",
      "canonicalize-missing": "m",
      "no-symlinks": "s",
      strip: "s",
      "relative-to=": "R",
      quiet: "q",
    },
  });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  let status = 0;
  for (const path of options.operands) {
    try {
      let full = options.has("s") ? tool.process.path(path) : resolve(tool, path, options.has("m"));
      if (options.has("e")) tool.process.fs.lookup(full);
      const base = options.value("R");
      if (base !== undefined) full = relative(tool.process.path(base), full);
      yield* tool.text(`${full}\n`);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
      if (!options.has("q")) yield* tool.error(`${path}: ${error.text}`);
    }
  }
  return status;
};

export const basename: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "as:z",
    long: { multiple: "a", "suffix=": "s", zero: "z" },
    posix: true,
  });
  const names = options.operands;
  if (names.length === 0) yield* tool.usage("missing operand");
  const many = options.has("a") || options.has("s");
  if (!many && names.length > 2) yield* tool.usage(`extra operand ${quoteName(names[2]!)}`);
  const suffix = options.value("s") ?? (many ? undefined : names[1]);
  for (const name of many ? names : names.slice(0, 1)) {
    let base = baseOf(name);
    if (suffix && base.endsWith(suffix) && base !== suffix) base = base.slice(0, -suffix.length);
    yield* tool.text(`${base}${options.has("z") ? "\0" : "\n"}`);
  }
  return 0;
};

export const dirname: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "z", long: { zero: "z" } });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  for (const name of options.operands) yield* tool.text(`${dirOf(name)}\n`);
  return 0;
};

export const pwd: ToolRun = function* (tool) {
  yield* tool.text(`${tool.process.fs.realPath(tool.process.cwd)}\n`);
  return 0;
};

/** A mode text (`755`, `u+x,go-w`) applied to a mode; undefined when it is none. */
export function applyMode(text: string, before: number, isDir: boolean, umask: number): number | undefined {
  if (/^[0-7]{1,5}$/.test(text)) return Number.parseInt(text, 8) & 0o7777;
  let mode = before;
  for (const clause of text.split(",")) {
    const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause);
    if (!match) return undefined;
    const who = match[1]! || "a";
    const limited = match[1] === "" ? ~umask : -1;
    for (const action of match[2]!.match(/[-+=][^-+=]*/g)!) {
      const letters = action.slice(1);
      let bits = 0;
      for (const place of who.includes("a") ? "ugo" : who) {
        const shift = place === "u" ? 6 : place === "g" ? 3 : 0;
        let three = 0;
        if (/^[ugo]$/.test(letters)) three = (mode >> (letters === "u" ? 6 : letters === "g" ? 3 : 0)) & 7;
        else {
          if (letters.includes("r")) three |= 4;
          if (letters.includes("w")) three |= 2;
          if (letters.includes("x") || (letters.includes("X") && (isDir || (before & 0o111) !== 0))) three |= 1;
          if (letters.includes("s")) bits |= place === "u" ? 0o4000 : place === "g" ? 0o2000 : 0;
        }
        bits |= three << shift;
        if (action[0] === "=") mode &= ~(7 << shift);
      }
      if (letters.includes("t")) bits |= 0o1000;
      bits &= limited;
      if (action[0] === "-") mode &= ~bits;
      else mode |= bits;
    }
  }
  return mode;
}

function* eachPath(
  tool: Tool,
  path: string,
  recursive: boolean,
  change: (full: string, node: Inode, shown: string) => void,
  words: string,
): Task<boolean> {
  const visit = (full: string, shown: string): void => {
    const node = tool.process.fs.lookup(full, { followLast: !recursive });
    if (node.kind === "symlink" && recursive) return;
    change(full, node, shown);
    if (recursive && node.kind === "dir") for (const name of node.names()) visit(`${full}/${name}`, `${shown}/${name}`);
  };
  try {
    visit(tool.process.path(path), path);
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* tool.error(
      gnu(tool)
        ? error.code === "ENOENT"
          ? `cannot access ${quoteName(path)}: ${error.text}`
          : `${words} ${quoteName(path)}: ${error.text}`
        : `${path}: ${error.text}`,
    );
    return false;
  }
}

export const chmod: ToolRun = function* (tool) {
  // `-x` and the like are modes, not options.
  const args = tool.args.map((arg) => (/^-[rwxXstugo,=+-]+$/.test(arg) && !/^-R/.test(arg) ? `\0${arg}` : arg));
  const options = yield* tool.options(
    { short: "cfRv", long: { recursive: "R", verbose: "v", changes: "c", quiet: "f", "reference=": "r" } },
    args,
  );
  const [rawMode, ...paths] = options.operands;
  const text = rawMode?.replace("\0", "");
  if (text === undefined) yield* tool.usage("missing operand");
  if (paths.length === 0) yield* tool.usage(`missing operand after ${tool.quote(text!)}`);
  const { process } = tool;
  if (applyMode(text!, 0, false, 0) === undefined) yield* tool.usage(`invalid mode: ${tool.quote(text!)}`);
  let status = 0;
  for (const path of paths) {
    const lines: string[] = [];
    const fine = yield* eachPath(
      tool,
      path,
      options.has("R"),
      (full, node, shown) => {
        if (process.context.uid !== 0 && node.uid !== process.context.uid) throw new SysError("EPERM");
        const mode = applyMode(text!, node.mode, node.kind === "dir", process.umask)!;
        if (options.has("v") || (options.has("c") && mode !== node.mode))
          lines.push(
            mode === node.mode
              ? `mode of ${quoteName(shown)} retained as ${octal(mode)} (${permissions(mode)})\n`
              : `mode of ${quoteName(shown)} changed from ${octal(node.mode)} (${permissions(node.mode)}) to ${octal(mode)} (${permissions(mode)})\n`,
          );
        process.fs.setAttributes(full, { mode });
      },
      "changing permissions of",
    );
    yield* tool.text(lines.join(""));
    if (!fine) status = 1;
  }
  return status;
};

const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

/** `rwxr-xr-x` */
export function permissions(mode: number): string {
  const three = (bits: number, special: boolean, letter: string): string =>
    `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${special ? (bits & 1 ? letter : letter.toUpperCase()) : bits & 1 ? "x" : "-"}`;
  return (
    three(mode >> 6, (mode & 0o4000) !== 0, "s") +
    three(mode >> 3, (mode & 0o2000) !== 0, "s") +
    three(mode, (mode & 0o1000) !== 0, "t")
  );
}

export const chown: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "cfhRv",
    long: { recursive: "R", verbose: "v", changes: "c", quiet: "f", "no-dereference": "h", "reference=": "r" },
  });
  const [spec, ...paths] = options.operands;
  if (spec === undefined) yield* tool.usage("missing operand");
  if (paths.length === 0) yield* tool.usage(`missing operand after ${tool.quote(spec!)}`);
  const { process } = tool;
  const match = tool.name === "chgrp" ? [undefined, "", spec!] : /^([^:.]*)(?:[:.](.*))?$/.exec(spec!)!;
  const uid = match[1] ? userId(process, match[1]) : undefined;
  const gid = match[2] ? groupId(process, match[2]) : undefined;
  if (match[1] && uid === undefined)
    yield* tool.fail(gnu(tool) ? `invalid user: ${tool.quote(spec!)}` : `unknown user ${match[1]}`);
  if (match[2] && gid === undefined)
    yield* tool.fail(gnu(tool) ? `invalid group: ${tool.quote(spec!)}` : `unknown group ${match[2]}`);
  let status = 0;
  for (const path of paths) {
    const fine = yield* eachPath(
      tool,
      path,
      options.has("R"),
      (full) => {
        if (process.context.uid !== 0) throw new SysError("EPERM");
        process.fs.setAttributes(full, {
          ...(uid === undefined ? {} : { uid }),
          ...(gid === undefined ? {} : { gid }),
        });
      },
      tool.name === "chgrp" ? "changing group of" : "changing ownership of",
    );
    if (!fine) status = 1;
  }
  return status;
};

export const mktemp: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "dp:qtu",
    long: { directory: "d", "tmpdir=?": "p", quiet: "q", "dry-run": "u", "suffix=": "S" },
  });
  const { process } = tool;
  const template = options.operands[0] ?? "tmp.XXXXXXXXXX";
  const marks = /X{3,}(?=[^X]*$)/.exec(template);
  if (!marks) yield* tool.fail(`too few X's in template ${quoteName(template)}`);
  const random = process.kernel.random.stream("mktemp");
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const name =
    template.slice(0, marks!.index) +
    [...marks![0]].map(() => alphabet[random.integer(0, alphabet.length - 1)]).join("") +
    template.slice(marks!.index + marks![0].length) +
    (options.value("S") ?? "");
  const dir =
    options.has("p") || options.has("t") || options.operands.length === 0
      ? (options.value("p") ?? process.env["TMPDIR"] ?? "/tmp")
      : "";
  const path = dir ? `${dir.replace(/\/$/, "")}/${name}` : name;
  try {
    const owner = { uid: process.context.uid, gid: process.context.gid };
    if (!options.has("u")) {
      if (options.has("d")) process.fs.makeDir(process.path(path), { mode: 0o700, ...owner });
      else
        process.fs.openFile(process.path(path), {
          create: true,
          exclusive: true,
          attributes: { mode: 0o600, ...owner },
        });
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* tool.fail(
      `failed to create ${options.has("d") ? "directory" : "file"} via template ${quoteName(dir ? `${dir}/${template}` : template)}: ${error.text}`,
    );
  }
  yield* tool.text(`${path}\n`);
  return 0;
};

export const mkfifo: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "m:", long: { "mode=": "m" } });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  let status = 0;
  for (const path of options.operands) {
    try {
      tool.process.fs.makeFifo(tool.process.path(path));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      status = 1;
      yield* tool.error(`cannot create fifo ${quoteName(path)}: ${error.text}`);
    }
  }
  return status;
};
