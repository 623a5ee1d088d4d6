/** diff: the normal form, -u, -q, -r; exit 0, 1 or 2. */
import { structuredPatch } from "diff";
import { decodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { byCodePoint } from "../glob";
import { strftime } from "../strftime";
import type { Tool, ToolRun } from "../tool";

interface View {
  readonly unified: number | undefined;
  readonly brief: boolean;
  readonly recursive: boolean;
  readonly newFile: boolean;
  readonly sameToo: boolean;
  readonly normalize: (line: string) => string;
  readonly ignoreBlank: boolean;
  readonly side: boolean;
  readonly labels: readonly string[];
  readonly color: boolean;
  readonly flags: string;
}

export const diff: ToolRun = function* (tool) {
  tool.usageStatus = 2;
  const args = tool.args.map((arg) => (/^-\d+$/.test(arg) ? `-U${arg.slice(1)}` : arg));
  const options = yield* tool.options(
    {
      short: "abBc::dEiNqrsTtuU:wyL:W:Z",
      long: {
        "unified=?": "u2",
        brief: "q",
        recursive: "r",
        "new-file": "N",
        "report-identical-files": "s",
        "ignore-case": "i",
        "ignore-all-space": "w",
        "ignore-space-change": "b",
        "ignore-blank-lines": "B",
        "side-by-side": "y",
        "label=": "L",
        "color=?": "color",
        "suppress-common-lines": "S",
        "width=": "W",
        text: "a",
        "strip-trailing-cr": "cr",
      },
    },
    args,
  );
  const [first, second] = options.operands;
  const wrong =
    first === undefined
      ? "missing operand after 'diff'"
      : second === undefined
        ? `missing operand after '${first}'`
        : options.operands.length > 2
          ? `extra operand '${options.operands[2]}'`
          : undefined;
  if (wrong !== undefined) {
    yield* tool.error(wrong);
    return yield* tool.fail("Try 'diff --help' for more information.", 2);
  }
  const colorOption = options.all.find((option) => option.key === "color");
  const unified = options.has("u") || options.has("U") || options.has("u2");
  if (options.has("y")) yield* tool.fail("side-by-side output is not simulated; use -u", 2);
  const view: View = {
    unified: unified ? Number(options.value("U") ?? options.value("u2") ?? 3) : undefined,
    brief: options.has("q"),
    recursive: options.has("r"),
    newFile: options.has("N"),
    sameToo: options.has("s"),
    ignoreBlank: options.has("B"),
    side: options.has("y"),
    labels: options.values("L"),
    color:
      colorOption !== undefined &&
      (colorOption.value === "always" || (colorOption.value !== "never" && tool.isTerminal)),
    flags: tool.args.filter((arg) => arg.startsWith("-")).join(" "),
    normalize: (line) => {
      let text = options.has("i") ? line.toLowerCase() : line;
      if (options.has("w")) text = text.replace(/\s+/g, "");
      else if (options.has("b")) text = text.replace(/\s+$/, "").replace(/\s+/g, " ");
      return text;
    },
  };
  return yield* compare(tool, first!, second!, view, false);
};

function* compare(tool: Tool, a: string, b: string, view: View, inTree: boolean): Task<number> {
  const { fs } = tool.process;
  const nodeA = a === "-" ? undefined : fs.find(tool.process.path(a));
  const nodeB = b === "-" ? undefined : fs.find(tool.process.path(b));
  if (nodeA?.kind === "dir" && nodeB?.kind === "dir") return yield* compareDirs(tool, a, b, view);
  if (nodeA?.kind === "dir" && b !== "-")
    return yield* compare(tool, `${a.replace(/\/$/, "")}/${b.slice(b.lastIndexOf("/") + 1)}`, b, view, inTree);
  if (nodeB?.kind === "dir" && a !== "-")
    return yield* compare(tool, a, `${b.replace(/\/$/, "")}/${a.slice(a.lastIndexOf("/") + 1)}`, view, inTree);
  const texts: string[] = [];
  let failed = false;
  for (const path of [a, b]) {
    try {
      texts.push(decodeUtf8(yield* tool.readAllOf(path)));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (view.newFile && error.code === "ENOENT") {
        texts.push("");
        continue;
      }
      yield* tool.error(tool.flavour === "gnu" ? `${path}: ${error.text}` : `can't stat '${path}': ${error.text}`);
      failed = true;
      texts.push("");
    }
  }
  if (failed) return 2;
  return yield* compareTexts(tool, a, b, texts[0]!, texts[1]!, view, inTree);
}

function* compareDirs(tool: Tool, a: string, b: string, view: View): Task<number> {
  const { fs } = tool.process;
  const names = [...new Set([...fs.readDir(tool.process.path(a)), ...fs.readDir(tool.process.path(b))])].sort(
    byCodePoint,
  );
  let status = 0;
  for (const name of names) {
    const left = `${a.replace(/\/$/, "")}/${name}`;
    const right = `${b.replace(/\/$/, "")}/${name}`;
    const nodeA = fs.find(tool.process.path(left));
    const nodeB = fs.find(tool.process.path(right));
    if ((!nodeA || !nodeB) && !(view.newFile && (nodeA ?? nodeB)?.kind === "file")) {
      yield* tool.text(`Only in ${nodeA ? a.replace(/\/$/, "") : b.replace(/\/$/, "")}: ${name}\n`);
      status = Math.max(status, 1);
    } else if (nodeA?.kind === "dir" && nodeB?.kind === "dir") {
      if (view.recursive) status = Math.max(status, yield* compareDirs(tool, left, right, view));
      else yield* tool.text(`Common subdirectories: ${left} and ${right}\n`);
    } else status = Math.max(status, yield* compare(tool, left, right, view, true));
  }
  return status;
}

function* compareTexts(
  tool: Tool,
  a: string,
  b: string,
  textA: string,
  textB: string,
  view: View,
  inTree: boolean,
): Task<number> {
  const same = (): Task<number> =>
    (function* () {
      if (view.sameToo) yield* tool.text(`Files ${a} and ${b} are identical\n`);
      return 0;
    })();
  if (textA === textB) return yield* same();
  if (textA.includes("\0") || textB.includes("\0")) {
    yield* tool.text(`Binary files ${a} and ${b} differ\n`);
    return 2;
  }
  const linesA = splitLines(textA);
  const linesB = splitLines(textB);
  const patch = structuredPatch(
    "a",
    "b",
    linesA.map(view.normalize).join("\n") + (textA.endsWith("\n") ? "\n" : ""),
    linesB.map(view.normalize).join("\n") + (textB.endsWith("\n") ? "\n" : ""),
    "",
    "",
    { context: view.unified ?? 0 },
  );
  if (patch.hunks.length === 0) return yield* same();
  if (
    view.ignoreBlank &&
    patch.hunks.every((hunk) => hunk.lines.every((line) => !/^[-+]/.test(line) || line.slice(1).trim() === ""))
  )
    return yield* same();
  if (view.brief) {
    yield* tool.text(`Files ${a} and ${b} differ\n`);
    return 1;
  }
  if (inTree) yield* tool.text(`diff ${view.flags} ${a} ${b}\n`.replace("  ", " "));
  const paint = (code: string, text: string): string => (view.color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const noEnd = { a: textA !== "" && !textA.endsWith("\n"), b: textB !== "" && !textB.endsWith("\n") };
  if (view.unified !== undefined) {
    const stamp = (path: string): string => {
      const node = path === "-" ? undefined : tool.process.fs.find(tool.process.path(path));
      return strftime("%F %T.%N %z", node?.mtime ?? (path === "-" ? tool.process.now() : 0));
    };
    yield* tool.text(
      `${paint("1", `--- ${view.labels[0] ?? `${a}\t${stamp(a)}`}`)}\n${paint("1", `+++ ${view.labels[1] ?? `${b}\t${stamp(b)}`}`)}\n`,
    );
  }
  for (const hunk of patch.hunks) {
    let atA = hunk.oldStart - 1;
    let atB = hunk.newStart - 1;
    if (view.unified !== undefined) {
      const range = (start: number, count: number): string =>
        count === 1 ? String(start) : `${count === 0 ? start - 1 : start},${count}`;
      yield* tool.text(
        `${paint("36", `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`)}\n`,
      );
      for (const line of hunk.lines) {
        if (line.startsWith("\\")) continue;
        const fromA = line[0] !== "+";
        const source = fromA ? linesA[atA]! : linesB[atB]!;
        const last = fromA ? atA === linesA.length - 1 && noEnd.a : atB === linesB.length - 1 && noEnd.b;
        if (line[0] !== "+") atA++;
        if (line[0] !== "-") atB++;
        yield* tool.text(
          `${line[0] === "-" ? paint("31", `-${source}`) : line[0] === "+" ? paint("32", `+${source}`) : ` ${source}`}\n${last ? "\\ No newline at end of file\n" : ""}`,
        );
      }
      continue;
    }
    const removed = hunk.lines.filter((line) => line.startsWith("-")).length;
    const added = hunk.lines.filter((line) => line.startsWith("+")).length;
    const startA = removed === 0 ? hunk.oldStart - 1 : hunk.oldStart;
    const startB = added === 0 ? hunk.newStart - 1 : hunk.newStart;
    const span = (start: number, count: number): string =>
      count <= 1 ? String(start) : `${start},${start + count - 1}`;
    yield* tool.text(
      `${paint("36", `${span(startA, removed)}${removed === 0 ? "a" : added === 0 ? "d" : "c"}${span(startB, added)}`)}\n`,
    );
    for (let i = 0; i < removed; i++)
      yield* tool.text(
        `${paint("31", `< ${linesA[startA - 1 + i]}`)}\n${startA - 1 + i === linesA.length - 1 && noEnd.a ? "\\ No newline at end of file\n" : ""}`,
      );
    if (removed > 0 && added > 0) yield* tool.text("---\n");
    for (let i = 0; i < added; i++)
      yield* tool.text(
        `${paint("32", `> ${linesB[startB - 1 + i]}`)}\n${startB - 1 + i === linesB.length - 1 && noEnd.b ? "\\ No newline at end of file\n" : ""}`,
      );
  }
  return 1;
}

const splitLines = (text: string): string[] =>
  text === "" ? [] : (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
