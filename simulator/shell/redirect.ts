/** Redirections: `<`, `>`, `>>`, `2>&1`, `&>`, here-documents, here-strings. */
import type { Redirection } from "unbash";
import { type Bytes, encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { SysError } from "../os/errno";
import { type OpenFile, PipeReader, PipeBuffer } from "../os/open-file";
import { expandBody, expandString, expandWords } from "./expand";
import type { Shell } from "./state";

/** Descriptors as they were before, to put back. */
export type SavedFiles = { readonly fd: number; readonly file: OpenFile | undefined }[];

/** A redirection that failed; the text is worded for the shell's message. */
export class RedirectionError {
  constructor(readonly message: string) {}
}

/** Applies redirections to the shell's own process; what was there before goes to `saved`, if given. */
export function* applyRedirections(shell: Shell, redirections: readonly Redirection[], saved?: SavedFiles): Task<void> {
  for (const redirection of redirections) yield* applyOne(shell, redirection, saved);
}

export function restoreFiles(shell: Shell, saved: SavedFiles): void {
  for (const { fd, file } of saved.reverse()) {
    if (file) {
      shell.process.install(file, fd);
      file.release();
    } else shell.process.close(fd);
  }
  saved.length = 0;
}

function put(shell: Shell, fd: number, file: OpenFile, saved: SavedFiles | undefined): void {
  saved?.push({ fd, file: shell.process.files.get(fd)?.retain() });
  shell.process.install(file, fd);
}

function* applyOne(shell: Shell, redirection: Redirection, saved: SavedFiles | undefined): Task<void> {
  const process = shell.process;
  let fd = redirection.descriptor?.type === "FileDescriptor" ? redirection.descriptor.value : undefined;
  const variable = redirection.descriptor?.type === "FileDescriptorVariable" ? redirection.descriptor.name : undefined;
  if (variable !== undefined) {
    const target = redirection.type === "Redirect" ? redirection.target?.text : undefined;
    if (target === "-") fd = Number(shell.get(variable));
    else {
      fd = process.lowestFreeFd(10);
      shell.set(variable, String(fd));
      saved = undefined;
    }
  }
  if (redirection.type === "HereDoc") {
    const raw = redirection.operator === "<<-" ? stripTabs(redirection.body.text) : redirection.body.text;
    const text = redirection.delimiter?.quoted
      ? raw
      : yield* expandBody(
          shell,
          raw,
          redirection.body.parts && stripPartTabs(redirection.body.parts, redirection.operator),
        );
    // A document that the end of the file cut off still ends its last line.
    const ended = redirection.closing || text === "" || text.endsWith("\n") ? text : `${text}\n`;
    put(shell, fd ?? 0, documentFile(encodeUtf8(ended)), saved);
    return;
  }
  if (redirection.type === "HereString") {
    const text = redirection.target ? yield* expandString(shell, redirection.target) : "";
    put(shell, fd ?? 0, documentFile(encodeUtf8(`${text}\n`)), saved);
    return;
  }
  const { operator, target } = redirection;
  if (!target) return;
  let words = yield* expandWords(shell, [target]);
  if (words.length !== 1) {
    if (words.length > 1 || shell.flavour === "bash") throw new RedirectionError(`${target.text}: ambiguous redirect`);
    words = [""];
  }
  const word = words[0]!;
  if ((operator === "<&" || operator === ">&") && /^(\d+-?|-)$/.test(word)) {
    duplicate(shell, word, fd ?? (operator === "<&" ? 0 : 1), saved);
    return;
  }
  if (operator === "<&") throw new RedirectionError(`${word}: ambiguous redirect`);
  const both = operator === "&>" || operator === "&>>" || (operator === ">&" && fd === undefined);
  if (operator === ">&" && !both) throw new RedirectionError(`${word}: ambiguous redirect`);
  const file = openTarget(shell, word, operator);
  put(shell, both ? 1 : (fd ?? (operator === "<" || operator === "<>" ? 0 : 1)), file, saved);
  if (both) put(shell, 2, file, saved);
}

function stripPartTabs(
  parts: NonNullable<Extract<Redirection, { type: "HereDoc" }>["body"]["parts"]>,
  operator: string,
): typeof parts {
  if (operator !== "<<-") return parts;
  let lineStart = true;
  return parts.map((part) => {
    if (part.type !== "Literal") {
      lineStart = false;
      return part;
    }
    let value = part.value;
    if (lineStart) value = value.replace(/^\t+/, "");
    value = value.replace(/\n\t+/g, "\n");
    lineStart = part.value.endsWith("\n");
    return { ...part, type: "Literal" as const, pos: part.pos, end: part.end, text: part.text, value };
  });
}

const stripTabs = (text: string): string => text.replace(/^\t+/gm, "");

/** A file that holds a here-document. */
function documentFile(bytes: Bytes): OpenFile {
  const buffer = new PipeBuffer();
  buffer.push(bytes);
  buffer.end();
  return new PipeReader(buffer, "/tmp/sh-thd (deleted)");
}

function duplicate(shell: Shell, word: string, fd: number, saved: SavedFiles | undefined): void {
  if (word === "-") {
    saved?.push({ fd, file: shell.process.files.get(fd)?.retain() });
    shell.process.close(fd);
    return;
  }
  const from = Number(word.replace("-", ""));
  const file = shell.process.files.get(from);
  if (!file)
    throw new RedirectionError(
      shell.flavour === "bash" ? `${from}: Bad file descriptor` : `${from}: Bad file descriptor`,
    );
  put(shell, fd, file, saved);
  if (word.endsWith("-") && from !== fd) {
    saved?.push({ fd: from, file: file.retain() });
    shell.process.close(from);
  }
}

function openTarget(shell: Shell, word: string, operator: string): OpenFile {
  const process = shell.process;
  const path = process.path(word);
  try {
    if (word === "") throw new SysError("ENOENT");
    if (operator === "<") return process.kernel.openPath(process, path, { read: true, write: false });
    if (operator === "<>") return process.kernel.openPath(process, path, { read: true, write: true, create: true });
    const node = process.fs.find(path);
    if (node?.kind === "dir") throw new SysError("EISDIR");
    if (operator === ">" && shell.options.has("noclobber") && node?.kind === "file")
      throw new RedirectionError(`${word}: cannot overwrite existing file`);
    const append = operator === ">>" || operator === "&>>";
    return process.kernel.openPath(process, path, {
      read: false,
      write: true,
      create: true,
      append,
      truncate: !append,
    });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    throw new RedirectionError(wordOpenFailure(shell, word, operator, error));
  }
}

/** dash and ash say what they could not do; bash only why. */
function wordOpenFailure(shell: Shell, word: string, operator: string, error: SysError): string {
  if (shell.flavour === "bash") return `${word}: ${error.text}`;
  const verb = operator === "<" ? "open" : "create";
  const why =
    error.code === "ENOENT"
      ? verb === "open"
        ? "No such file"
        : shell.flavour === "ash"
          ? "nonexistent directory"
          : "Directory nonexistent"
      : error.text;
  if (shell.flavour === "ash")
    return `can't ${verb} ${word}: ${verb === "open" && error.code === "ENOENT" ? "no such file" : why}`;
  return `cannot ${verb} ${word}: ${why}`;
}
