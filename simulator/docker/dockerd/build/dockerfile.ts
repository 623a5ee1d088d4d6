/** Reads Dockerfiles: instructions with their lines, flags and here-documents, and what is wrong with them. */
import { editDistance } from "../../../text/closest";

export interface Instruction {
  /** In capitals. */
  readonly name: string;
  /** As it was written. */
  readonly keyword: string;
  /** Everything after the keyword, continuation lines joined. */
  readonly rest: string;
  /** Leading `--name=value` options. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows the flags. */
  readonly args: string;
  /** The logical line, as the classic builder prints it. */
  readonly original: string;
  /** From 1. */
  readonly start: number;
  readonly end: number;
  readonly heredocs: readonly Heredoc[];
}

export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** Quoted names switch variables off. */
  readonly expands: boolean;
}

export interface Stage {
  readonly index: number;
  /** Lower case; empty without AS. */
  readonly name: string;
  readonly base: string;
  readonly platform: string | undefined;
  readonly from: Instruction;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  readonly text: string;
  readonly stages: readonly Stage[];
  /** ARG before the first FROM. */
  readonly globalArgs: readonly Instruction[];
  readonly all: readonly Instruction[];
}

/** A mistake in a Dockerfile. `isSyntax`: found while reading lines, before instructions are looked at. */
export class DockerfileFailure extends Error {
  readonly start: number;
  readonly end: number;
  /** ENV and LABEL words are read by the lower parser, whose failures the classic builder introduces differently. */
  readonly isSyntax: boolean;

  constructor(message: string, start: number, end = start, isSyntax = false) {
    super(message);
    this.start = start;
    this.end = end;
    this.isSyntax = isSyntax;
  }
}

export const instructionNames = [
  "ADD",
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "FROM",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "ONBUILD",
  "RUN",
  "SHELL",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
] as const;

const flagged = new Set(["ADD", "COPY", "FROM", "HEALTHCHECK", "RUN"]);

/** Logical lines: comments dropped, continuations joined, here-documents taken in. */
function readInstructions(text: string): Instruction[] {
  const lines = text.replace(/\r\n/g, "\n").split("\n");
  const escapeChar = /^#\s*escape\s*=\s*(`)/im.test(lines[0] ?? "") ? "`" : "\\";
  const found: Instruction[] = [];
  const continuation = new RegExp(`${escapeChar === "\\" ? "\\\\" : "`"}[ \\t]*$`);
  for (let i = 0; i < lines.length; i++) {
    if (/^\s*(#|$)/.test(lines[i]!)) continue;
    const start = i + 1;
    let logical = lines[i]!.trimStart();
    while (continuation.test(logical) && i + 1 < lines.length) {
      logical = logical.replace(continuation, "");
      let next = lines[++i]!;
      while (/^\s*#/.test(next) && i + 1 < lines.length) next = lines[++i]!;
      if (/^\s*#/.test(next)) next = "";
      logical += next;
    }
    logical = logical.replace(continuation, "").trimEnd();
    const [, keyword = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(logical) ?? [];
    const name = keyword.toUpperCase();
    const heredocs: Heredoc[] = [];
    if (["RUN", "COPY", "ADD"].includes(name))
      for (const m of rest.matchAll(/<<(-?)(["']?)(\w+)\2/g)) {
        const body: string[] = [];
        while (i + 1 < lines.length && (m[1] ? lines[i + 1]!.replace(/^\t+/, "") : lines[i + 1]!) !== m[3]) {
          body.push(m[1] ? lines[++i]!.replace(/^\t+/, "") : lines[++i]!);
        }
        i++;
        heredocs.push({ name: m[3]!, content: body.map((line) => `${line}\n`).join(""), expands: m[2] === "" });
      }
    let args = rest;
    const flags: Record<string, string> = {};
    if (flagged.has(name))
      for (
        let m = /^--([\w-]+)(?:=("[^"]*"|\S*))?\s*/.exec(args);
        m;
        m = /^--([\w-]+)(?:=("[^"]*"|\S*))?\s*/.exec(args)
      ) {
        flags[m[1]!] = (m[2] ?? "").replace(/^"|"$/g, "");
        args = args.slice(m[0].length);
      }
    found.push({ name, keyword, rest, flags, args, original: logical, start, end: i + 1, heredocs });
  }
  return found;
}

/** Throws DockerfileFailure. */
export function parseDockerfile(text: string): Dockerfile {
  const all = readInstructions(text);
  const at = (instruction: Instruction, message: string): DockerfileFailure =>
    new DockerfileFailure(
      `dockerfile parse error on line ${instruction.start}: ${message}`,
      instruction.start,
      instruction.end,
    );
  for (const each of all)
    if (each.name === "ENV" || each.name === "LABEL") {
      const words = each.rest.trim();
      if (words !== "" && !/\s/.test(words) && !words.includes("="))
        throw new DockerfileFailure(`${each.name} must have two arguments`, each.start, each.end, true);
    }
  const stages: Stage[] = [];
  const globalArgs: Instruction[] = [];
  for (const instruction of all) {
    const { name } = instruction;
    if (!(instructionNames as readonly string[]).includes(name)) {
      const close = closestInstruction(name);
      throw at(instruction, `unknown instruction: ${instruction.keyword}${close ? ` (did you mean ${close}?)` : ""}`);
    }
    if (name === "FROM") {
      const words = instruction.args.split(/\s+/).filter(Boolean);
      if (words.length !== 1 && !(words.length === 3 && words[1]!.toUpperCase() === "AS"))
        throw at(instruction, "FROM requires either one or three arguments");
      const stageName = words[2] ?? "";
      if (stageName !== "" && !/^[a-z][a-z0-9-_.]*$/i.test(stageName))
        throw at(
          instruction,
          `invalid name for build stage: ${JSON.stringify(stageName)}, name can't start with a number or contain symbols`,
        );
      stages.push({
        index: stages.length,
        name: stageName.toLowerCase(),
        base: words[0]!,
        platform: instruction.flags["platform"],
        from: instruction,
        instructions: [],
      });
      continue;
    }
    check(instruction, (message) => at(instruction, message));
    const stage = stages.at(-1);
    if (stage) (stage.instructions as Instruction[]).push(instruction);
    else if (name === "ARG") globalArgs.push(instruction);
    else throw new DockerfileFailure("no build stage in current context", instruction.start, instruction.end);
  }
  return { text, stages, globalArgs, all };
}

/** What was probably meant: at most two letters away. */
function closestInstruction(name: string): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of instructionNames) {
    const distance = editDistance(name, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function check(instruction: Instruction, failure: (message: string) => DockerfileFailure): void {
  const { name, args } = instruction;
  const words = args.split(/\s+/).filter(Boolean);
  const needsOne = ["ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "ONBUILD", "VOLUME", "HEALTHCHECK"];
  if (["WORKDIR", "USER", "STOPSIGNAL", "MAINTAINER"].includes(name) && args.trim() === "")
    throw failure(`${name} requires exactly one argument`);
  if (needsOne.includes(name) && args.trim() === "" && name !== "CMD" && name !== "ENTRYPOINT")
    throw failure(`${name} requires at least one argument`);
  if (
    (name === "COPY" || name === "ADD") &&
    words.length - instruction.heredocs.length < 1 + (instruction.heredocs.length > 0 ? 0 : 1)
  )
    throw failure(
      `${name} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  if (name === "SHELL" && !args.trimStart().startsWith("["))
    throw failure("SHELL requires the arguments to be in JSON form");
  if (name === "HEALTHCHECK" && !/^(NONE|CMD)\b/i.test(args))
    throw failure(`unknown type ${JSON.stringify(words[0] ?? "")} in HEALTHCHECK (try CMD)`);
  if (name === "ONBUILD" && /^(ONBUILD|FROM|MAINTAINER)\b/i.test(args))
    throw failure(
      /^ONBUILD/i.test(args)
        ? "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"
        : `${words[0]!.toUpperCase()} isn't allowed as an ONBUILD trigger`,
    );
  const known: Readonly<Record<string, readonly string[]>> = {
    COPY: ["from", "chown", "chmod", "link", "parents", "exclude"],
    ADD: ["chown", "chmod", "link", "keep-git-dir", "checksum", "exclude", "unpack"],
    RUN: ["mount", "network", "security", "device"],
    FROM: ["platform"],
    HEALTHCHECK: ["interval", "timeout", "start-period", "start-interval", "retries"],
  };
  for (const flag of Object.keys(instruction.flags))
    if (!known[name]?.includes(flag)) throw failure(`unknown flag: --${flag}`);
}

/** One instruction of its own: what ONBUILD stored. */
export function parseInstruction(text: string): Instruction | undefined {
  return readInstructions(text)[0];
}

/** A JSON list of strings, or undefined. */
export function jsonForm(text: string): string[] | undefined {
  if (!text.trimStart().startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string") ? (parsed as string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Puts variables into a word or line: `$A`, `${A}`, `${A:-x}`, `${A-x}`, `${A:+x}`, `${A:?x}`; single quotes keep them. */
export function substitute(text: string, variables: ReadonlyMap<string, string>): string {
  let out = "";
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\" && quote !== "'") {
      out += c + (text[++i] ?? "");
      continue;
    }
    if (c === "'" && quote !== '"') quote = quote === "'" ? "" : "'";
    else if (c === '"' && quote !== "'") quote = quote === '"' ? "" : '"';
    if (c !== "$" || quote === "'") {
      out += c;
      continue;
    }
    const plain = /^\$(\w+)/.exec(text.slice(i));
    if (plain && /^[A-Za-z_]/.test(plain[1]!)) {
      out += variables.get(plain[1]!) ?? "";
      i += plain[0].length - 1;
      continue;
    }
    const braced = /^\$\{(\w+)(?:(:?[-+?])((?:[^{}]|\{[^{}]*\})*))?\}/.exec(text.slice(i));
    if (!braced) {
      out += c;
      continue;
    }
    const [whole, name = "", operator, word = ""] = braced;
    const value = variables.get(name);
    const isSet = value !== undefined && !(operator?.startsWith(":") && value === "");
    if (operator?.endsWith("-")) out += isSet ? value : substitute(word, variables);
    else if (operator?.endsWith("+")) out += isSet ? substitute(word, variables) : "";
    else out += value ?? "";
    i += whole.length - 1;
  }
  return out;
}

/** Takes quotes and backslashes off a word. */
export const unquote = (text: string): string =>
  text.replace(
    /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/g,
    (_, escaped: string | undefined, single: string | undefined, double: string | undefined) =>
      escaped !== undefined ? escaped : single !== undefined ? single : (double ?? "").replace(/\\(["\\$])/g, "$1"),
  );
