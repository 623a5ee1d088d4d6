/** echo, printf, true, false, `:`. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Builtin } from "../state";
import { interpretEscapes } from "../quoting";
import { formatPrintf } from "../printf";

/** The bytes `echo` writes; dash and `xpg_echo` always interpret escapes. */
export function echoBytes(args: readonly string[], always: boolean): string {
  let newline = true;
  let escapes = always;
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i]!;
    if (always ? arg !== "-n" : !/^-[neE]+$/.test(arg)) break;
    for (const flag of arg.slice(1)) {
      if (flag === "n") newline = false;
      else escapes = flag === "e";
    }
    if (always) {
      i++;
      break;
    }
  }
  const bytes = encodeUtf8(args.slice(i).join(" "));
  if (!escapes || !bytes.includes("\\")) return newline ? `${bytes}\n` : bytes;
  const { text, stop } = interpretEscapes(bytes, true);
  return newline && !stop ? `${text}\n` : text;
}

export const echo: Builtin = function* (shell, args) {
  const bytes = echoBytes(args, shell.flavour === "dash" || shell.shopt.has("xpg_echo"));
  if (bytes !== "") yield* shell.process.write(1, bytes as Bytes);
  return 0;
};

export const printf: Builtin = function* (shell, args) {
  let rest = args;
  let variable: string | undefined;
  if (rest[0] === "-v" && shell.flavour === "bash") {
    variable = rest[1];
    rest = rest.slice(2);
  }
  if (rest[0] === "--") rest = rest.slice(1);
  if (rest.length === 0) {
    yield* shell.process.printError(`${shell.messagePrefix}printf: usage: printf [-v var] format [arguments]\n`);
    return 2;
  }
  const result = formatPrintf(rest[0]!, rest.slice(1), shell.process.now());
  for (const message of result.errors) yield* shell.error(`printf: ${message}`);
  if (variable !== undefined) {
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(variable);
    if (indexed) shell.setElement(indexed[1]!, indexed[2]!, decodeUtf8(result.bytes));
    else shell.set(variable, decodeUtf8(result.bytes));
  } else if (result.bytes !== "") yield* shell.process.write(1, result.bytes);
  return result.errors.length > 0 ? 1 : 0;
};

export const yes: Builtin = function* () {
  return 0;
};

export const no: Builtin = function* () {
  return 1;
};
