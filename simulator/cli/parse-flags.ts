/** pflag's grammar: `--name value`, `--name=value`, `-abc`, `-n5`, `-n=5`, `--`, in pflag's own words when wrong. */
import type { Result } from "../base/result";
import { quote } from "../text/strconv";
import type { Flag, FlagSet } from "./flags";

export interface ParsedFlags {
  readonly values: Readonly<Record<string, unknown>>;
  /** Names that were given. */
  readonly changed: ReadonlySet<string>;
  readonly args: readonly string[];
  /** How many arguments stood before `--`; -1 without one. */
  readonly argsLenAtDash: number;
  /** "Flag --x has been deprecated, …", for standard error. */
  readonly notices: readonly string[];
}

export type FlagFailure =
  /** --help or -h where the command does not define them. */
  { readonly kind: "help" } | { readonly kind: "error"; readonly message: string };

export interface GrammarOptions {
  /** Flags may follow arguments. Default true; `docker run IMAGE …` stops at the image. */
  readonly interspersed?: boolean;
  /** Turns what was typed into a flag's name (kubectl: `_` is `-`). */
  readonly normalize?: (name: string) => string;
}

export function parseFlags(
  flags: FlagSet,
  argv: readonly string[],
  options: GrammarOptions = {},
): Result<ParsedFlags, FlagFailure> & { readonly partial: ParsedFlags } {
  const parser = new Parser(flags, argv, options);
  const problem = parser.run();
  const parsed = parser.result();
  return problem ? { ok: false, error: problem, partial: parsed } : { ok: true, value: parsed, partial: parsed };
}

class Parser {
  readonly #flags: FlagSet;
  readonly #byShorthand = new Map<string, string>();
  readonly #options: GrammarOptions;
  #rest: string[];
  readonly #values: Record<string, unknown> = {};
  readonly #changed = new Set<string>();
  readonly #args: string[] = [];
  readonly #notices: string[] = [];
  #argsLenAtDash = -1;

  constructor(flags: FlagSet, argv: readonly string[], options: GrammarOptions) {
    this.#flags = flags;
    this.#options = options;
    this.#rest = [...argv];
    for (const [name, flag] of Object.entries(flags)) {
      this.#values[name] = flag.initial;
      if (flag.shorthand) this.#byShorthand.set(flag.shorthand, name);
    }
  }

  result(): ParsedFlags {
    return {
      values: this.#values,
      changed: this.#changed,
      args: this.#args,
      argsLenAtDash: this.#argsLenAtDash,
      notices: this.#notices,
    };
  }

  run(): FlagFailure | undefined {
    while (this.#rest.length > 0) {
      const arg = this.#rest.shift()!;
      if (arg.length < 2 || arg[0] !== "-") {
        this.#args.push(arg);
        if (this.#options.interspersed === false) {
          this.#args.push(...this.#rest);
          return undefined;
        }
        continue;
      }
      if (arg === "--") {
        this.#argsLenAtDash = this.#args.length;
        this.#args.push(...this.#rest);
        return undefined;
      }
      const problem = arg[1] === "-" ? this.#long(arg) : this.#short(arg.slice(1));
      if (problem) return problem;
    }
    return undefined;
  }

  #long(arg: string): FlagFailure | undefined {
    const text = arg.slice(2);
    if (text[0] === "-" || text[0] === "=") return error(`bad flag syntax: ${arg}`);
    const at = text.indexOf("=");
    const typed = at < 0 ? text : text.slice(0, at);
    const name = this.#options.normalize?.(typed) ?? typed;
    const flag = Object.hasOwn(this.#flags, name) ? this.#flags[name] : undefined;
    if (!flag) return name === "help" ? { kind: "help" } : error(`unknown flag: --${typed}`);
    if (at >= 0) return this.#set(name, flag, text.slice(at + 1));
    if (flag.noOptDefVal !== undefined) return this.#set(name, flag, flag.noOptDefVal);
    const value = this.#rest.shift();
    return value === undefined ? error(`flag needs an argument: --${typed}`) : this.#set(name, flag, value);
  }

  #short(group: string): FlagFailure | undefined {
    let letters = group;
    while (letters !== "") {
      const letter = letters[0]!;
      const name = this.#byShorthand.get(letter);
      if (name === undefined) {
        if (letter === "h") return { kind: "help" };
        return error(`unknown shorthand flag: '${letter}' in -${letters}`);
      }
      const flag = this.#flags[name]!;
      if (flag.shorthandDeprecated) {
        this.#notices.push(`Flag shorthand -${letter} has been deprecated, ${flag.shorthandDeprecated}`);
      }
      let value: string | undefined;
      let left = "";
      if (letters.length > 2 && letters[1] === "=") value = letters.slice(2);
      else if (flag.noOptDefVal !== undefined) {
        value = flag.noOptDefVal;
        left = letters.slice(1);
      } else if (letters.length > 1) value = letters.slice(1);
      else value = this.#rest.shift();
      if (value === undefined) return error(`flag needs an argument: '${letter}' in -${letters}`);
      const problem = this.#set(name, flag, value);
      if (problem) return problem;
      letters = left;
    }
    return undefined;
  }

  #set(name: string, flag: Flag<unknown>, text: string): FlagFailure | undefined {
    const read = flag.read(text, this.#changed.has(name) ? this.#values[name] : undefined);
    if (!read.ok) {
      const shown = flag.shorthand && !flag.shorthandDeprecated ? `-${flag.shorthand}, --${name}` : `--${name}`;
      return error(`invalid argument ${quote(text)} for ${quote(shown)} flag: ${read.error}`);
    }
    if (flag.deprecated) this.#notices.push(`Flag --${name} has been deprecated, ${flag.deprecated}`);
    this.#values[name] = read.value;
    this.#changed.add(name);
    return undefined;
  }
}

const error = (message: string): FlagFailure => ({ kind: "error", message });
