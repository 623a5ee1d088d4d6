/** What the shell's programs may ask of the world around them; the machine hands it in. */
import type { Bytes } from "../base/bytes";
import type { Task } from "../base/task";
import type { Process } from "../os/process";

export interface CompletionRequest {
  readonly process: Process;
  /** Words of the command, the command's own name first; the one being typed may be empty. */
  readonly words: readonly string[];
  /** Which word is being typed. */
  readonly index: number;
}

/** Candidates for the word being typed (whole words); undefined: files are meant. */
export type Completer = (request: CompletionRequest) => Task<readonly string[] | undefined>;

/** The page's editor, for vi, nano and `kubectl edit`. */
export interface EditorHost {
  /** Opens a file and waits until it is closed. Answers the saved content, or undefined when nothing was saved. */
  edit(process: Process, request: { readonly path: string; readonly content: Bytes }): Task<Bytes | undefined>;
}

export interface ShellHost {
  /** By command name. */
  readonly completers?: ReadonlyMap<string, Completer>;
  readonly editor?: EditorHost;
  /** Told of each line that an interactive shell takes from its prompt. */
  readonly onLine?: (process: Process, text: string) => void;
}
