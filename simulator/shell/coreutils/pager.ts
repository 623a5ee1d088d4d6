/** less and more on a terminal (elsewhere they are cat), man, and the editors, which the page opens. */
import { NO_BYTES, decodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { TtyFile, type Tty } from "../../os/tty";
import type { EditorHost } from "../host";
import { type Tool, type ToolRun, runTool } from "../tool";
import { cat } from "./basic";

export const less: ToolRun = function* (tool) {
  const tty = tool.process.ttyOf(1);
  const keyboard = tool.process.ttyOf(0) ?? tool.process.tty;
  const paths = tool.args.filter((arg) => !/^[-+]./.test(arg));
  if (!tty || !keyboard) return yield* runTool(tool.process, "cat", cat, tool.flavour, paths);
  let text = "";
  try {
    if (paths.length === 0 && tool.process.ttyOf(0)) {
      yield* tool.process.printError('Missing filename ("less --help" for help)\n');
      return 1;
    }
    for (const path of paths.length ? paths : ["-"]) text += decodeUtf8(yield* tool.readAllOf(path));
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* tool.process.printError(`${paths[0]}: ${error.text}\n`);
    return 1;
  }
  return yield* page(tool, tty, keyboard, text, paths[0] ?? "");
};

function* page(tool: Tool, tty: Tty, keyboard: Tty, text: string, name: string): Task<number> {
  const mode = { ...keyboard.mode };
  const lines = text.replace(/\n$/, "").split("\n");
  const file = new TtyFile(keyboard);
  keyboard.setMode({ canonical: false, echo: false, signals: false });
  yield* tool.text("\x1b[?1049h\x1b[?1h\x1b=");
  let top = 0;
  let search = "";
  let message = name;
  try {
    for (;;) {
      const height = Math.max(1, tty.rows - 1);
      const last = Math.max(0, lines.length - height);
      top = Math.max(0, Math.min(top, last));
      const shown = lines
        .slice(top, top + height)
        .map((line) => (search ? line.replaceAll(search, (match) => `\x1b[7m${match}\x1b[27m`) : line));
      while (shown.length < height) shown.push("~");
      const status = message !== "" ? `\x1b[7m${message}\x1b[27m` : top >= last ? "\x1b[7m(END)\x1b[27m" : ":";
      message = "";
      yield* tool.text(`\x1b[H\x1b[J${shown.map((line) => `${line}\n`).join("")}${status}`);
      yield* tool.flush();
      let key = yield* file.read(1);
      if (key === NO_BYTES) return 0;
      if (key === "\x1b") key = (key + (yield* file.read(8))) as typeof key;
      switch (key as string) {
        case "q":
        case "Q":
        case "\x03":
          return 0;
        case " ":
        case "f":
        case "\x06":
        case "\x1b[6~":
          top += height;
          break;
        case "b":
        case "\x02":
        case "\x1b[5~":
          top -= height;
          break;
        case "d":
          top += Math.floor(height / 2);
          break;
        case "u":
          top -= Math.floor(height / 2);
          break;
        case "j":
        case "\n":
        case "\x1b[B":
        case "\x1bOB":
          top++;
          break;
        case "k":
        case "\x1b[A":
        case "\x1bOA":
          top--;
          break;
        case "g":
        case "<":
          top = 0;
          break;
        case "G":
        case ">":
          top = last;
          break;
        case "/": {
          search = "";
          for (;;) {
            yield* tool.text(`\r\x1b[K/${search}`);
            yield* tool.flush();
            const ch = yield* file.read(1);
            if (ch === NO_BYTES) return 0;
            if (ch === "\n") break;
            search = ch === "\x7f" ? search.slice(0, -1) : search + ch;
          }
          search = decodeUtf8(search as never);
          const at = lines.findIndex((line, index) => index >= top && line.includes(search));
          if (at >= 0) top = at;
          else message = "Pattern not found  (press RETURN)";
          break;
        }
        case "n": {
          const at = lines.findIndex((line, index) => index > top && line.includes(search));
          if (at >= 0) top = at;
          break;
        }
        case "N": {
          const at = lines.slice(0, top).findLastIndex((line) => line.includes(search));
          if (at >= 0) top = at;
          break;
        }
      }
    }
  } finally {
    keyboard.setMode(mode);
    if (!tty.hungUp) tty.write("\r\x1b[K\x1b[?1l\x1b>\x1b[?1049l" as never).next();
  }
}

export const man: ToolRun = function* (tool) {
  const name = tool.args.filter((arg) => !/^-|^\d$/.test(arg))[0];
  if (name === undefined) {
    yield* tool.process.printError("What manual page do you want?\nFor example, try 'man man'.\n");
    return 1;
  }
  yield* tool.process.printError(
    `No manual entry for ${name}\nManual pages are not simulated: try ${name} --help, or the lesson page.\n`,
  );
  return 16;
};

/** vi, vim, nano: the page's own editor; without one, a plain line editor of the `ed` kind says what to do. */
export const editorTool = (host: EditorHost | undefined): ToolRun =>
  function* (tool) {
    const path = tool.args.filter((arg) => !/^[-+]/.test(arg))[0];
    const { process } = tool;
    if (!host || !process.ttyOf(1)) {
      yield* tool.process.printError(
        `${tool.name}: no full-screen editor in this terminal; write files with cat > file, echo or sed -i instead\n`,
      );
      return 1;
    }
    if (path === undefined) {
      yield* tool.process.printError(`${tool.name}: name a file to edit\n`);
      return 1;
    }
    const full = process.path(path);
    const node = process.fs.find(full);
    if (node?.kind === "dir") {
      yield* tool.process.printError(`${path}: Is a directory\n`);
      return 1;
    }
    const before = node?.kind === "file" ? node.read() : NO_BYTES;
    const saved = yield* host.edit(process, { path: full, content: before });
    if (saved === undefined || tool.name === "view") return 0;
    try {
      process.fs.writeFile(full, saved, {
        mode: 0o666 & ~process.umask,
        uid: process.context.uid,
        gid: process.context.gid,
      });
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* tool.process.printError(`${path}: ${error.text}\n`);
      return 1;
    }
    return 0;
  };
