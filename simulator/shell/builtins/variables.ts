/** export, readonly, declare, local, unset, set, shopt, let, read, mapfile, getopts. */
import { evaluateArithmetic } from "../arithmetic";
import { NO_BYTES, Utf8Decoder, decodeUtf8 } from "../../base/bytes";
import { Interrupted } from "../../os/process";
import { ExpansionError, ShellExit } from "../control";
import { quoteForReuse, doubleQuote, singleQuote } from "../quoting";
import { assign } from "../simple-command";
import { type Argument, type Builtin, type DeclarationBuiltin, type Shell, optionNames } from "../state";
import { type Variable, isName, keysOf, newVariable } from "../variables";

const nameOf = (arg: Argument): string => (typeof arg === "string" ? arg : arg.name);

function attributeFlags(variable: Variable): string {
  let flags = "";
  if (variable.list) flags += "a";
  if (variable.map) flags += "A";
  if (variable.integer) flags += "i";
  if (variable.letters === "lower") flags += "l";
  if (variable.reference) flags += "n";
  if (variable.readonly) flags += "r";
  if (variable.letters === "upper") flags += "u";
  if (variable.exported) flags += "x";
  return flags;
}

/** `declare -x A="b"` */
export function declaration(name: string, variable: Variable): string {
  const flags = attributeFlags(variable) || "-";
  if (variable.list || variable.map) {
    const items = keysOf(variable).map((key) => {
      const value = variable.map ? variable.map.get(key)! : variable.list!.get(Number(key))!;
      return `[${variable.map && !/^[\w.-]+$/.test(key) ? doubleQuote(key) : key}]=${doubleQuote(value)}`;
    });
    return `declare -${flags} ${name}=(${items.join(" ")}${variable.map && items.length > 0 ? " " : ""})`;
  }
  return variable.value === undefined
    ? `declare -${flags} ${name}`
    : `declare -${flags} ${name}=${doubleQuote(variable.value)}`;
}

function* listVariables(shell: Shell, accept: (variable: Variable) => boolean, style: "bash" | "export" | "readonly") {
  for (const name of [...shell.variables.keys()].sort()) {
    const variable = shell.variables.get(name)!;
    if (!accept(variable)) continue;
    if (shell.flavour === "bash") yield* shell.print(`${declaration(name, variable)}\n`);
    else
      yield* shell.print(
        variable.value === undefined ? `${style} ${name}\n` : `${style} ${name}=${singleQuote(variable.value)}\n`,
      );
  }
}

function* badName(shell: Shell, builtin: string, arg: Argument) {
  const text = typeof arg === "string" ? arg : `${arg.name}=${typeof arg.value === "string" ? arg.value : ""}`;
  yield* shell.error(
    shell.flavour === "bash"
      ? `${builtin}: \`${text}': not a valid identifier`
      : `${builtin}: ${text}: bad variable name`,
  );
  endIfSpecial(shell);
}

/** In dash and ash a special builtin that fails ends a shell that is not interactive. */
function endIfSpecial(shell: Shell): void {
  if (shell.flavour !== "bash" && !shell.interactive) throw new ShellExit(2);
}

export const exportVariables: DeclarationBuiltin = function* (shell, args) {
  let remove = false;
  let functions = false;
  const rest: Argument[] = [];
  for (const arg of args) {
    if (typeof arg === "string" && /^-[fnp]+$/.test(arg) && rest.length === 0) {
      if (arg.includes("n")) remove = true;
      if (arg.includes("f")) functions = true;
    } else if (arg !== "--") rest.push(arg);
  }
  if (functions) return 0;
  if (rest.length === 0) {
    yield* listVariables(shell, (variable) => variable.exported, "export");
    return 0;
  }
  let status = 0;
  for (const arg of rest) {
    if (!isName(nameOf(arg))) {
      yield* badName(shell, "export", arg);
      status = 1;
      continue;
    }
    if (typeof arg !== "string") assign(shell, arg);
    if (remove) {
      const variable = shell.variables.get(nameOf(arg));
      if (variable) variable.exported = false;
    } else shell.export(nameOf(arg));
  }
  return status;
};

export const readonlyVariables: DeclarationBuiltin = function* (shell, args) {
  const flags = args.filter((arg): arg is string => typeof arg === "string" && /^-[aAfp]+$/.test(arg));
  const rest = args.filter((arg) => !flags.includes(arg as string) && arg !== "--");
  if (rest.length === 0) {
    yield* listVariables(shell, (variable) => variable.readonly, "readonly");
    return 0;
  }
  let status = 0;
  for (const arg of rest) {
    if (!isName(nameOf(arg))) {
      yield* badName(shell, "readonly", arg);
      status = 1;
      continue;
    }
    if (typeof arg !== "string") assign(shell, arg);
    let variable = shell.variables.get(nameOf(arg));
    if (!variable) {
      variable = newVariable();
      shell.variables.set(nameOf(arg), variable);
    }
    variable.readonly = true;
  }
  return status;
};

export const local: DeclarationBuiltin = function* (shell, args) {
  if (shell.frames.length === 0) {
    yield* shell.error(shell.flavour === "dash" ? "local: not in a function" : "local: can only be used in a function");
    endIfSpecial(shell);
    return 1;
  }
  return yield* declareIn(shell, args, true, "local");
};

export const declare: DeclarationBuiltin = function* (shell, args) {
  return yield* declareIn(shell, args, shell.frames.length > 0, "declare");
};

function* declareIn(shell: Shell, args: readonly Argument[], isLocal: boolean, builtin: string) {
  const on = new Set<string>();
  const off = new Set<string>();
  const rest: Argument[] = [];
  for (const arg of args) {
    if (typeof arg === "string" && /^[-+][a-zA-Z]+$/.test(arg) && rest.length === 0)
      for (const flag of arg.slice(1)) (arg[0] === "-" ? on : off).add(flag);
    else if (arg !== "--") rest.push(arg);
  }
  for (const flag of on) {
    if ("aAfFgiIlnrtuxp".includes(flag)) continue;
    yield* shell.error(`${builtin}: -${flag}: invalid option`);
    yield* shell.process.printError(
      `${builtin}: usage: ${builtin === "local" ? "local [option] name[=value] ..." : "declare [-aAfFgiIlnrtux] [name[=value] ...] or declare -p [-aAfFilnrtux] [name ...]"}\n`,
    );
    return 2;
  }
  if (on.has("f") || on.has("F")) return yield* showFunctions(shell, rest.map(nameOf), on.has("F"));
  if (on.has("p") || rest.length === 0) return yield* showVariables(shell, rest.map(nameOf), on, builtin);
  let status = 0;
  for (const arg of rest) {
    const name = nameOf(arg);
    if (!isName(name)) {
      yield* badName(shell, builtin, arg);
      status = 1;
      continue;
    }
    if (isLocal && !on.has("g")) {
      if (shell.variables.get(name)?.readonly) {
        yield* shell.error(`${builtin}: ${name}: readonly variable`);
        status = 1;
        continue;
      }
      shell.makeLocal(name);
    }
    let variable =
      on.has("n") || off.has("n")
        ? shell.variables.get(name)
        : (shell.variables.get(shell.resolveName(name)) ?? shell.variables.get(name));
    if (!variable) {
      variable = newVariable();
      shell.variables.set(name, variable);
    }
    if (variable.readonly && (typeof arg !== "string" || off.has("r")))
      throw new ExpansionError(
        `${builtin === "local" ? "local: " : builtin === "declare" && typeof arg === "string" ? "declare: " : ""}${name}: readonly variable`,
        1,
        false,
      );
    if (on.has("i")) variable.integer = true;
    if (off.has("i")) variable.integer = false;
    if (on.has("l")) variable.letters = "lower";
    if (on.has("u")) variable.letters = "upper";
    if (off.has("l") || off.has("u")) variable.letters = undefined;
    if (on.has("x")) variable.exported = true;
    if (off.has("x")) variable.exported = false;
    if (on.has("A") && !variable.map) {
      variable.map = new Map();
      variable.value = undefined;
    }
    if (on.has("a") && !variable.list && !variable.map) {
      variable.list = new Map(variable.value === undefined ? [] : [[0, variable.value]]);
      variable.value = undefined;
    }
    if (on.has("n")) {
      variable.reference = false;
      if (typeof arg !== "string" && typeof arg.value === "string") variable.value = arg.value;
      variable.reference = true;
    } else if (typeof arg !== "string") assign(shell, arg);
    if (off.has("n")) variable.reference = false;
    if (on.has("r")) variable.readonly = true;
  }
  return status;
}

function* showFunctions(shell: Shell, names: readonly string[], namesOnly: boolean) {
  let status = 0;
  for (const name of names.length ? names : [...shell.functions.keys()].sort()) {
    const definition = shell.functions.get(name);
    if (!definition) status = 1;
    else if (namesOnly) yield* shell.print(names.length ? `${name}\n` : `declare -f ${name}\n`);
    else yield* shell.print(`${definition.source.text.slice(definition.pos, definition.end)}\n`);
  }
  return status;
}

function* showVariables(shell: Shell, names: readonly string[], flags: ReadonlySet<string>, builtin: string) {
  if (names.length === 0) {
    const wanted = [...flags].filter((flag) => flag !== "p");
    for (const name of [...shell.variables.keys()].sort()) {
      const variable = shell.variables.get(name)!;
      const has = attributeFlags(variable);
      if (!wanted.every((flag) => has.includes(flag))) continue;
      if (flags.size > 0) yield* shell.print(`${declaration(name, variable)}\n`);
      else yield* shell.print(setLine(name, variable));
    }
    return 0;
  }
  let status = 0;
  for (const name of names) {
    const variable = shell.variables.get(name);
    if (variable) yield* shell.print(`${declaration(name, variable)}\n`);
    else {
      yield* shell.error(`${builtin}: ${name}: not found`);
      status = 1;
    }
  }
  return status;
}

function setLine(name: string, variable: Variable): string {
  if (variable.list || variable.map) return `${declaration(name, variable).replace(/^declare -\S+ /, "")}\n`;
  if (variable.value === undefined) return "";
  const plain = quoteForReuse(variable.value);
  return `${name}=${variable.value === "" ? "" : plain === variable.value ? plain : singleQuote(variable.value)}\n`;
}

export const unset: Builtin = function* (shell, args) {
  let kind: "v" | "f" | undefined;
  let reference = false;
  let status = 0;
  for (const arg of args) {
    if (/^-[fvn]+$/.test(arg)) {
      if (arg.includes("f")) kind = "f";
      if (arg.includes("v")) kind = "v";
      if (arg.includes("n")) reference = true;
      continue;
    }
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(arg);
    const name = reference ? arg : shell.resolveName(indexed?.[1] ?? arg);
    const variable = shell.variables.get(name);
    if (kind === "f" || (kind === undefined && !variable && shell.functions.has(arg))) {
      shell.functions.delete(arg);
      continue;
    }
    if (!isName(indexed?.[1] ?? arg)) {
      yield* shell.error(
        shell.flavour === "bash" ? `unset: \`${arg}': not a valid identifier` : `unset: ${arg}: bad variable name`,
      );
      endIfSpecial(shell);
      status = 1;
      continue;
    }
    if (variable?.readonly) {
      yield* shell.error(
        shell.flavour === "bash" ? `unset: ${name}: cannot unset: readonly variable` : `unset: ${name}: is read only`,
      );
      status = shell.flavour === "bash" ? 1 : 2;
      continue;
    }
    if (!indexed) shell.unset(name);
    else if (variable?.map) variable.map.delete(indexed[2]!.replace(/^(["'])(.*)\1$/s, "$2"));
    else if (indexed[2] === "@" || indexed[2] === "*") shell.unset(name);
    else if (variable?.list) variable.list.delete(shell.arrayIndex(variable, indexed[2]!, name));
    else if (variable) shell.unset(name);
  }
  return status;
};

const letters: Readonly<Record<string, string>> = {
  a: "allexport",
  b: "notify",
  e: "errexit",
  f: "noglob",
  h: "hashall",
  k: "keyword",
  m: "monitor",
  n: "noexec",
  u: "nounset",
  v: "verbose",
  x: "xtrace",
  B: "braceexpand",
  C: "noclobber",
  E: "errtrace",
  H: "histexpand",
  P: "physical",
  T: "functrace",
  p: "privileged",
  t: "onecmd",
};

/** Reads options as `set` and the shell's own command line take them. Answers how many arguments were used, or what is wrong. */
export function applySetOptions(
  shell: Shell,
  args: readonly string[],
): { readonly used: number; readonly error?: string; readonly listOptions?: "o" | "+o" } {
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i]!;
    if (!/^[-+]./.test(arg) || arg === "--") break;
    const isOn = arg[0] === "-";
    for (const letter of arg.slice(1)) {
      if (letter === "o") {
        const name = args[i + 1];
        if (name === undefined || /^[-+]/.test(name)) return { used: i + 1, listOptions: isOn ? "o" : "+o" };
        i++;
        if (!optionNames.includes(name))
          return {
            used: i,
            error: shell.flavour === "dash" ? `Illegal option -o ${name}` : `${name}: invalid option name`,
          };
        if (isOn) shell.options.add(name);
        else shell.options.delete(name);
        continue;
      }
      const name = letters[letter];
      if (name === undefined)
        return {
          used: i,
          error: shell.flavour === "dash" ? `Illegal option ${arg[0]}${letter}` : `${arg[0]}${letter}: invalid option`,
        };
      if (isOn) shell.options.add(name);
      else shell.options.delete(name);
    }
  }
  return { used: i };
}

export const set: Builtin = function* (shell, args) {
  if (args.length === 0) {
    for (const name of [...shell.variables.keys()].sort())
      yield* shell.print(setLine(name, shell.variables.get(name)!));
    return 0;
  }
  const { used, error, listOptions } = applySetOptions(shell, args);
  if (error !== undefined) {
    yield* shell.error(`set: ${error}`);
    if (/invalid option$/.test(error))
      yield* shell.process.printError("set: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n");
    return 2;
  }
  if (listOptions)
    for (const name of optionNames)
      yield* shell.print(
        listOptions === "o"
          ? `${name.padEnd(15)}\t${shell.options.has(name) ? "on" : "off"}\n`
          : `set ${shell.options.has(name) ? "-" : "+"}o ${name}\n`,
      );
  const rest = args.slice(used);
  if (rest[0] === "--") shell.positional = rest.slice(1);
  else if (rest[0] === "-") {
    shell.options.delete("xtrace");
    shell.options.delete("verbose");
    if (rest.length > 1) shell.positional = rest.slice(1);
  } else if (rest.length > 0) shell.positional = rest;
  return 0;
};

const shoptNames = [
  "autocd",
  "assoc_expand_once",
  "cdable_vars",
  "cdspell",
  "checkhash",
  "checkjobs",
  "checkwinsize",
  "cmdhist",
  "complete_fullquote",
  "direxpand",
  "dirspell",
  "dotglob",
  "execfail",
  "expand_aliases",
  "extdebug",
  "extglob",
  "extquote",
  "failglob",
  "force_fignore",
  "globasciiranges",
  "globskipdots",
  "globstar",
  "gnu_errfmt",
  "histappend",
  "histreedit",
  "histverify",
  "hostcomplete",
  "huponexit",
  "inherit_errexit",
  "interactive_comments",
  "lastpipe",
  "lithist",
  "localvar_inherit",
  "localvar_unset",
  "login_shell",
  "mailwarn",
  "no_empty_cmd_completion",
  "nocaseglob",
  "nocasematch",
  "noexpand_translation",
  "nullglob",
  "patsub_replacement",
  "progcomp",
  "progcomp_alias",
  "promptvars",
  "restricted_shell",
  "shift_verbose",
  "sourcepath",
  "varredir_close",
  "xpg_echo",
];

export const shopt: Builtin = function* (shell, args) {
  let mode: "s" | "u" | undefined;
  let quiet = false;
  let prints = false;
  const names: string[] = [];
  for (const arg of args) {
    if (/^-[suqpo]+$/.test(arg)) {
      if (arg.includes("s")) mode = "s";
      if (arg.includes("u")) mode = "u";
      if (arg.includes("q")) quiet = true;
      if (arg.includes("p")) prints = true;
    } else names.push(arg);
  }
  let status = 0;
  for (const name of names) {
    if (!shoptNames.includes(name)) {
      yield* shell.error(`shopt: ${name}: invalid shell option name`);
      status = 1;
    } else if (mode === "s") shell.shopt.add(name);
    else if (mode === "u") shell.shopt.delete(name);
    else {
      const isOn = shell.shopt.has(name);
      if (!isOn) status = 1;
      if (prints) yield* shell.print(`shopt -${isOn ? "s" : "u"} ${name}\n`);
      else if (!quiet) yield* shell.print(`${name.padEnd(15)}\t${isOn ? "on" : "off"}\n`);
    }
  }
  if (names.length === 0)
    for (const name of shoptNames) {
      const isOn = shell.shopt.has(name);
      if ((mode === "s" && !isOn) || (mode === "u" && isOn)) continue;
      yield* shell.print(
        prints ? `shopt -${isOn ? "s" : "u"} ${name}\n` : `${name.padEnd(15)}\t${isOn ? "on" : "off"}\n`,
      );
    }
  return status;
};

export const letValues: Builtin = function* (shell, args) {
  if (args.length === 0) {
    yield* shell.error("let: expression expected");
    return 1;
  }
  let value = 0n;
  for (const arg of args) {
    try {
      value = evaluateArithmetic(arg, shell);
    } catch (error) {
      if (!(error instanceof ExpansionError)) throw error;
      yield* shell.error(`let: ${error.message}`);
      return 1;
    }
  }
  return value === 0n ? 1 : 0;
};

export const read: Builtin = function* (shell, args) {
  let raw = false;
  let prompt = "";
  let delimiter = "\n";
  let arrayName: string | undefined;
  let count: number | undefined;
  let exact = false;
  let silent = false;
  let timeoutMs: number | undefined;
  let fd = 0;
  const rest = [...args];
  while (rest[0]?.startsWith("-") && rest[0].length > 1) {
    const flag = rest.shift()!;
    if (flag === "--") break;
    for (let i = 1; i < flag.length; i++) {
      const letter = flag[i]!;
      if (letter === "r") raw = true;
      else if (letter === "s") silent = true;
      else if (letter === "e") continue;
      else if ("pdanNtui".includes(letter)) {
        const value = flag.slice(i + 1) || rest.shift() || "";
        if (letter === "p") prompt = value;
        else if (letter === "d") delimiter = value === "" ? "\0" : value[0]!;
        else if (letter === "a") arrayName = value;
        else if (letter === "n" || letter === "N") {
          count = Number(value);
          exact = letter === "N";
        } else if (letter === "t") timeoutMs = Number(value) * 1000;
        else if (letter === "u") fd = Number(value);
        break;
      } else {
        yield* shell.error(`read: -${letter}: invalid option`);
        yield* shell.process.printError(
          "read: usage: read [-ers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] [-t timeout] [-u fd] [name ...]\n",
        );
        return 2;
      }
    }
  }
  if (!shell.process.files.has(fd)) {
    yield* shell.error(`read: ${fd}: invalid file descriptor: Bad file descriptor`);
    return 1;
  }
  for (const name of rest)
    if (!isName(name.replace(/\[.*\]$/s, ""))) {
      yield* shell.error(`read: \`${name}': not a valid identifier`);
      return 1;
    }
  const tty = shell.process.ttyOf(fd);
  if (prompt !== "" && tty) yield* shell.process.printError(prompt);
  if (timeoutMs === 0) return shell.process.file(fd).readable ? 0 : 1;
  const mode = tty && { ...tty.mode };
  if (tty && (silent || count !== undefined))
    tty.setMode({
      ...(silent ? { echo: false } : {}),
      ...(count !== undefined || delimiter !== "\n" ? { canonical: false } : {}),
    });
  shell.interruptible = true;
  let line: { text: string; ended: boolean; timedOut: boolean };
  try {
    line = yield* readLine(shell, fd, { delimiter: exact ? undefined : delimiter, count, raw, timeoutMs });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return 130;
  } finally {
    shell.interruptible = false;
    if (tty && mode) tty.setMode(mode);
  }
  const ifs = shell.get("IFS") ?? " \t\n";
  if (arrayName !== undefined) {
    shell.setArray(
      arrayName,
      splitFields(line.text, ifs, Number.POSITIVE_INFINITY).map((value) => ({ index: undefined, value })),
    );
  } else if (rest.length === 0) {
    shell.set("REPLY", unescapeMarks(line.text));
  } else if (exact) {
    for (const [index, name] of rest.entries()) shell.set(name, index === 0 ? unescapeMarks(line.text) : "");
  } else {
    const fields = splitFields(line.text, ifs, rest.length);
    for (const [index, name] of rest.entries()) shell.set(name, fields[index] ?? "");
  }
  if (line.timedOut) return 142;
  return line.ended ? 0 : 1;
};

/** In the text, a character that a backslash quoted is marked with \u0001 before it. */
const MARK = "\u0001";
const unescapeMarks = (text: string): string => text.replaceAll(MARK, "");

function* readLine(
  shell: Shell,
  fd: number,
  options: {
    readonly delimiter: string | undefined;
    readonly count: number | undefined;
    readonly raw: boolean;
    readonly timeoutMs: number | undefined;
  },
) {
  const file = shell.process.file(fd);
  const decoder = new Utf8Decoder();
  let text = "";
  let length = 0;
  let escaped = false;
  const deadline = options.timeoutMs === undefined ? undefined : shell.process.now() + options.timeoutMs;
  for (;;) {
    if (options.count !== undefined && length >= options.count) return { text, ended: true, timedOut: false };
    if (deadline !== undefined && !file.readable) {
      // Waits in small steps: files have no common bell for "readable".
      if (shell.process.now() >= deadline) return { text, ended: false, timedOut: true };
      yield* shell.process.sleep(Math.min(10, deadline - shell.process.now()));
      continue;
    }
    // One byte at a time: what follows the line belongs to the next reader.
    const byte = yield* shell.process.read(fd, 1);
    if (byte === NO_BYTES) return { text, ended: false, timedOut: false };
    const ch = decoder.push(byte);
    if (ch === "") continue;
    if (escaped) {
      escaped = false;
      if (ch !== "\n") {
        text += MARK + ch;
        length++;
      }
      continue;
    }
    if (ch === "\\" && !options.raw) {
      escaped = true;
      continue;
    }
    if (options.delimiter !== undefined && ch === options.delimiter) return { text, ended: true, timedOut: false };
    if (ch === "\0") continue;
    text += ch;
    length++;
  }
}

/** Splits at IFS; the last of `max` fields takes the rest. */
function splitFields(text: string, ifs: string, max: number): string[] {
  const fields: string[] = [];
  const isSpace = (ch: string): boolean => /[ \t\n]/.test(ch) && ifs.includes(ch);
  let i = 0;
  const skip = (): void => {
    while (i < text.length && isSpace(text[i]!)) i++;
  };
  skip();
  while (i < text.length) {
    if (fields.length === max - 1) {
      let rest = text.slice(i);
      let end = rest.length;
      while (end > 0 && isSpace(rest[end - 1]!) && rest[end - 2] !== MARK) end--;
      rest = rest.slice(0, end);
      // A single trailing separator is dropped.
      if (
        rest.length > 0 &&
        ifs.includes(rest.at(-1)!) &&
        rest.at(-2) !== MARK &&
        ![...rest.slice(0, -1)].some((ch, at) => ifs.includes(ch) && rest[at - 1] !== MARK)
      )
        rest = rest.slice(0, -1);
      fields.push(unescapeMarks(rest));
      return fields;
    }
    let field = "";
    while (i < text.length && !ifs.includes(text[i]!)) {
      if (text[i] === MARK) {
        field += text[i + 1] ?? "";
        i += 2;
      } else field += text[i++];
    }
    fields.push(field);
    skip();
    if (i < text.length && ifs.includes(text[i]!) && !isSpace(text[i]!)) {
      i++;
      skip();
    }
  }
  return fields;
}

export const mapfile: Builtin = function* (shell, args) {
  let trim = false;
  let count = 0;
  let skip = 0;
  let origin = 0;
  let delimiter = "\n";
  let fd = 0;
  const rest = [...args];
  while (rest[0]?.startsWith("-")) {
    const flag = rest.shift()!;
    if (flag === "--") break;
    for (let i = 1; i < flag.length; i++) {
      if (flag[i] === "t") trim = true;
      else {
        const value = flag.slice(i + 1) || rest.shift() || "";
        if (flag[i] === "n") count = Number(value);
        else if (flag[i] === "s") skip = Number(value);
        else if (flag[i] === "O") origin = Number(value);
        else if (flag[i] === "d") delimiter = value === "" ? "\0" : value[0]!;
        else if (flag[i] === "u") fd = Number(value);
        break;
      }
    }
  }
  const text = decodeUtf8(yield* shell.process.readAll(fd));
  const lines = text.split(delimiter);
  const last = lines.pop()!;
  let items = lines.map((line) => (trim ? line : line + delimiter));
  if (last !== "") items.push(last);
  items = items.slice(skip, count > 0 ? skip + count : undefined);
  shell.setArray(
    rest[0] ?? "MAPFILE",
    items.map((value, index) => ({ index: String(origin + index), value })),
  );
  return 0;
};

export const getopts: Builtin = function* (shell, args) {
  const [spec, name] = args;
  if (spec === undefined || name === undefined) {
    yield* shell.process.printError(`${shell.messagePrefix}getopts: usage: getopts optstring name [arg]\n`);
    return 2;
  }
  const silent = spec.startsWith(":");
  const list = args.length > 2 ? args.slice(2) : shell.positional;
  const place = shell.getoptsPlace;
  const finish = (): number => {
    setOptind(shell, place.index);
    shell.set(name, "?");
    shell.unset("OPTARG");
    return 1;
  };
  const word = list[place.index - 1];
  if (place.offset === 0) {
    if (word === undefined || !/^-./.test(word)) return finish();
    if (word === "--") {
      place.index++;
      return finish();
    }
    place.offset = 1;
  }
  if (word === undefined) return finish();
  const letter = word[place.offset]!;
  place.offset++;
  const at = spec.indexOf(letter, silent ? 1 : 0);
  const wants = at >= 0 && spec[at + 1] === ":";
  const isEnd = place.offset >= word.length;
  if (letter === ":" || at < 0) {
    if (isEnd) Object.assign(place, { index: place.index + 1, offset: 0 });
    setOptind(shell, place.index);
    shell.set(name, "?");
    if (silent) shell.set("OPTARG", letter);
    else {
      shell.unset("OPTARG");
      yield* shell.process.printError(
        shell.flavour === "bash" ? `${shell.name}: illegal option -- ${letter}\n` : `Illegal option -${letter}\n`,
      );
    }
    return 0;
  }
  if (!wants) {
    if (isEnd) Object.assign(place, { index: place.index + 1, offset: 0 });
    setOptind(shell, place.index);
    shell.unset("OPTARG");
    shell.set(name, letter);
    return 0;
  }
  let value: string | undefined = isEnd ? list[place.index] : word.slice(place.offset);
  Object.assign(place, { index: place.index + (isEnd ? 2 : 1), offset: 0 });
  if (value === undefined) {
    place.index = list.length + 1;
    setOptind(shell, place.index);
    if (silent) {
      shell.set(name, ":");
      shell.set("OPTARG", letter);
    } else {
      shell.set(name, "?");
      shell.unset("OPTARG");
      yield* shell.process.printError(
        shell.flavour === "bash"
          ? `${shell.name}: option requires an argument -- ${letter}\n`
          : `No arg for -${letter} option\n`,
      );
    }
    return 0;
  }
  value ??= "";
  setOptind(shell, place.index);
  shell.set("OPTARG", value);
  shell.set(name, letter);
  return 0;
};

function setOptind(shell: Shell, index: number): void {
  const offset = shell.getoptsPlace.offset;
  shell.set("OPTIND", String(index));
  shell.getoptsPlace = { index, offset };
}
