/** Tab for programs built with cobra: they are asked as the real bash completion asks them. */
import { type Bytes, decodeUtf8 } from "../base/bytes";
import { NullDevice, type OpenFile, SinkFile } from "../os/open-file";
import type { Completer } from "../shell/index";

/** No file names: cobra's ShellCompDirectiveNoFileComp. */
const NO_FILES = 4;

export const cobraCompleter = (name: string): Completer =>
  function* ({ process, words, index }) {
    let out = "";
    const sink = new SinkFile("completion", (bytes) => {
      out += bytes;
    });
    const child = process.spawn({
      argv: [name, "__complete", ...words.slice(1, index), words[index] ?? ""],
      files: new Map<number, OpenFile>([
        [0, new NullDevice("null")],
        [1, sink],
        [2, new NullDevice("null")],
      ]),
    });
    yield* process.wait(child);
    const lines = decodeUtf8(out as Bytes)
      .trimEnd()
      .split("\n");
    const directive = Number(/^:(\d+)$/.exec(lines.pop() ?? "")?.[1] ?? 0);
    const candidates = lines.filter((line) => line !== "").map((line) => line.split("\t")[0]!);
    return candidates.length === 0 && (directive & NO_FILES) === 0 ? undefined : candidates;
  };
