/** Editing a text in the learner's editor: $KUBE_EDITOR, $EDITOR, else vi, on a temporary file. */
import { encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { CommandFailure } from "./failure";

export interface Edited {
  readonly text: string;
  /** The temporary file, which the caller removes or names in a message. */
  readonly path: string;
}

export function* editText(process: Process, text: string, prefix: string): Task<Edited> {
  const path = `/tmp/${prefix}${process.kernel.random.stream("kubectl").integer(100_000_000, 4_000_000_000)}.yaml`;
  process.fs.makeDirs("/tmp");
  process.fs.writeFile(path, encodeUtf8(text));
  const editor = process.env["KUBE_EDITOR"] || process.env["EDITOR"] || "vi";
  // An editor with arguments is run by the shell, as kubectl runs it.
  const argv = /\s/.test(editor) ? ["sh", "-c", `${editor} "${path}"`] : [editor, path];
  try {
    const child = process.spawn({ argv });
    const status = yield* process.wait(child);
    if (status.code !== 0) throw new CommandFailure(`there was a problem with the editor ${JSON.stringify(editor)}`);
  } catch (error) {
    if (error instanceof SysError) throw new CommandFailure(`unable to launch the editor ${JSON.stringify(editor)}`);
    throw error;
  }
  return { text: process.readText(path), path };
}

/** The text without the comment lines at its head. */
export function withoutComments(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n");
}
