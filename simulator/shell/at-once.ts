/**
 * Commands that need no waiting, done without a generator: an assignment, `echo`, `test` and their like with plain words.
 * That is most of what scripts do. Where anything is out of the ordinary nothing is done, and the long way is gone.
 */
import type { Command, Statement, Word } from "unbash";
import type { Bytes } from "../base/bytes";
import { SysError } from "../os/errno";
import { echoBytes } from "./builtins/output";
import { expandAtOnce, stringAtOnce } from "./expand";
import type { Shell } from "./state";
import { TestSyntaxError, evaluateTest } from "./test-expression";
import { testScope } from "./test-scope";

/** The exit status; undefined where it cannot be done at once. */
type BuiltinAtOnce = (shell: Shell, args: readonly string[]) => number | undefined;

const test: BuiltinAtOnce = (shell, args) => {
  try {
    return evaluateTest(testScope(shell), args) ? 0 : 1;
  } catch (error) {
    if (error instanceof TestSyntaxError) return undefined;
    throw error;
  }
};

const builtins: ReadonlyMap<string, BuiltinAtOnce> = new Map<string, BuiltinAtOnce>([
  [":", () => 0],
  ["true", () => 0],
  ["false", () => 1],
  ["test", test],
  ["[", (shell, args) => (args.at(-1) === "]" ? test(shell, args.slice(0, -1)) : undefined)],
  [
    "echo",
    (shell, args) => {
      const bytes = echoBytes(args, shell.flavour === "dash" || shell.shopt.has("xpg_echo")) as Bytes;
      try {
        return bytes === "" || shell.process.writeNow(1, bytes) ? 0 : undefined;
      } catch (error) {
        if (error instanceof SysError) return undefined;
        throw error;
      }
    },
  ],
]);

const mayFail = new Set(["false", "test", "["]);

/**
 * Runs a statement and answers its status; undefined, with nothing done, where it may have to wait. `isWatched`: what
 * may fail is left to the long way, which acts on it (`set -e`, the ERR trap).
 */
export function statementAtOnce(shell: Shell, statement: Statement, isWatched: boolean): number | undefined {
  const { command } = statement;
  if (command.type !== "Command" || statement.background) return undefined;
  const { name, prefix, redirects } = command;
  if (redirects.length > 0 || shell.options.has("xtrace") || shell.options.has("noexec")) return undefined;
  if (name === undefined) return assignAtOnce(shell, command);
  if (prefix.length > 0) return undefined;
  const run = builtins.get(name.text);
  if (isWatched && mayFail.has(name.text)) return undefined;
  if (!run || shell.functions.has(name.text) || !shell.canOwe(0.02)) return undefined;
  const { args } = command;
  if (!args.every((arg): arg is Word => arg.type === "Word")) return undefined;
  const words = expandAtOnce(shell, args);
  if (!words) return undefined;
  shell.position = command.pos;
  const status = run(shell, words);
  if (status === undefined) return undefined;
  shell.substitutionStatus = undefined;
  shell.owes(0.02);
  shell.lastArgument = words.at(-1) ?? name.text;
  return status;
}

function assignAtOnce(shell: Shell, { prefix, pos }: Command): number | undefined {
  const assignment = prefix[0];
  if (prefix.length !== 1 || assignment?.type !== "Assignment") return undefined;
  const { value: source, name } = assignment;
  if (source.type !== "Word" || assignment.index || !shell.canOwe(0.01)) return undefined;
  const known = shell.variables.get(name);
  if (known && (known.readonly || known.integer || known.reference)) return undefined;
  const value = stringAtOnce(shell, source);
  if (value === undefined) return undefined;
  shell.position = pos;
  shell.substitutionStatus = undefined;
  shell.owes(0.01);
  shell.set(name, value, assignment.append ?? false);
  return 0;
}
