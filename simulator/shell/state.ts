/** The state of one shell: variables, functions, options, traps, jobs. A subshell is a copy of it in another process. */
import type { CompoundCommand, CompoundList, ParsedScript, Redirected } from "unbash";
import { encodeUtf8 } from "../base/bytes";
import { limits } from "../base/limits";
import type { Task } from "../base/task";
import type { OpenFile } from "../os/open-file";
import type { Process } from "../os/process";
import type { SignalName } from "../os/signals";
import { evaluateArithmetic } from "./arithmetic";
import { ExpansionError } from "./control";
import type { History } from "./history";
import type { JobTable } from "./jobs";
import { type Variable, bashHashOrder, copyVariable, newVariable, scalarOf } from "./variables";

/** Whose messages and habits: bash, Debian's dash, BusyBox's ash. */
export type Flavour = "bash" | "dash" | "ash";

/** Text that nodes' positions refer to. */
export interface Source {
  readonly text: string;
  /** The number of its first line. */
  readonly firstLine: number;
}

export interface ShellFunction {
  readonly name: string;
  readonly body: CompoundCommand | Redirected | CompoundList;
  readonly source: Source;
  readonly pos: number;
  readonly end: number;
}

/** An assignment given to declare, export, local, readonly: expanded, not yet made. */
export interface AssignmentArgument {
  readonly name: string;
  readonly index: string | undefined;
  readonly append: boolean;
  readonly value: string | readonly ArrayElement[];
}

export interface ArrayElement {
  readonly index: string | undefined;
  readonly value: string;
  readonly append?: boolean;
}

export type Argument = string | AssignmentArgument;
export type Builtin = (shell: Shell, args: readonly string[]) => Task<number>;
export type DeclarationBuiltin = (shell: Shell, args: readonly Argument[]) => Task<number>;

/** What expansions and builtins ask of the interpreter, which stands above them. */
export interface Engine {
  /** Parses and runs text in this shell, as eval, source and traps do. */
  runText(shell: Shell, text: string, firstLine?: number): Task<number>;
  /** Runs a command by name with arguments: function, builtin or program. */
  runCommand(
    shell: Shell,
    argv: readonly string[],
    options?: { readonly skipFunctions?: boolean; readonly env?: ReadonlyMap<string, string> },
  ): Task<number>;
  callFunction(shell: Shell, name: string, args: readonly string[]): Task<number>;
  /** The output of a command substitution, without its trailing newlines. */
  substitute(shell: Shell, script: ParsedScript): Task<string>;
  /** Starts a process substitution and answers the path it is open at. */
  processSubstitution(shell: Shell, script: ParsedScript, operator: "<" | ">"): string;
  readonly builtins: ReadonlyMap<string, Builtin>;
  readonly declarations: ReadonlyMap<string, DeclarationBuiltin>;
}

interface Frame {
  readonly name: string;
  readonly positional: readonly string[];
  /** Variables as they were before `local` hid them. */
  readonly saved: Map<string, Variable | undefined>;
}

const optionLetters: Readonly<Record<string, string>> = {
  allexport: "a",
  notify: "b",
  errexit: "e",
  noglob: "f",
  hashall: "h",
  keyword: "k",
  monitor: "m",
  noexec: "n",
  nounset: "u",
  verbose: "v",
  xtrace: "x",
  braceexpand: "B",
  noclobber: "C",
  errtrace: "E",
  histexpand: "H",
  physical: "P",
  functrace: "T",
};

/** In the order `set -o` lists them. */
export const optionNames: readonly string[] = [
  "allexport",
  "braceexpand",
  "emacs",
  "errexit",
  "errtrace",
  "functrace",
  "hashall",
  "histexpand",
  "history",
  "ignoreeof",
  "interactive-comments",
  "keyword",
  "monitor",
  "noclobber",
  "noexec",
  "noglob",
  "nolog",
  "notify",
  "nounset",
  "onecmd",
  "physical",
  "pipefail",
  "posix",
  "privileged",
  "verbose",
  "vi",
  "xtrace",
];

/** From here on a variable is counted as memory: smaller ones are part of what every shell takes. */
const LARGE_TEXT = 64 * 1024;
const LARGE_LIST = 2000;
const ELEMENT_BYTES = 64;
const COPIED_BYTES_PER_MS = 1_000_000;

function lastIndex(list: ReadonlyMap<number, string>): number {
  let last = -1;
  for (const index of list.keys()) if (index > last) last = index;
  return last;
}

export class Shell {
  process: Process;
  readonly engine: Engine;
  readonly flavour: Flavour;
  /** `$0` */
  name: string;
  positional: readonly string[] = [];
  variables = new Map<string, Variable>();
  functions = new Map<string, ShellFunction>();
  aliases = new Map<string, string>();
  options = new Set<string>(["braceexpand", "hashall", "interactive-comments"]);
  shopt = new Set<string>([
    "cmdhist",
    "extquote",
    "force_fignore",
    "hostcomplete",
    "progcomp",
    "promptvars",
    "sourcepath",
  ]);
  traps = new Map<string, string>();
  /** Commands found in PATH: name to path and hits. */
  hashed = new Map<string, { path: string; hits: number }>();
  frames: Frame[] = [];
  status = 0;
  pipeStatus: readonly number[] = [];
  lastBackground: number | undefined;
  lastArgument = "";
  directoryStack: string[] = [];
  interactive = false;
  /** A script given with -c or by name has a line number in its messages. */
  fromCommandString = false;
  /** A BusyBox whose messages about -c strings name the line, counted from 0. */
  numbersStrings = false;
  source: Source = { text: "", firstLine: 1 };
  position = 0;
  /** > 0 inside a condition, where errexit does not act. */
  conditionDepth = 0;
  loopDepth = 0;
  sourceDepth = 0;
  subshellDepth = 0;
  /** How often the first character of PS4 is repeated: eval and substitutions nest. */
  traceDepth = 1;
  /** Statuses of commands that expansions ran: what an assignment without command answers. */
  substitutionStatus: number | undefined;
  history: History | undefined;
  jobs: JobTable | undefined;
  /** Terminal programs may change the hint shown with the next prompt. */
  prefill = "";
  pendingSignals: SignalName[] = [];
  /** Set while a builtin waits in a way that a signal may end. */
  interruptible = false;
  exitTrapRuns = false;
  /** Set while a foreground child runs: signals wait for it. */
  waitsForChild = false;
  /** A child died of Ctrl-C: so does this shell, unless it is interactive. */
  diesOfInterrupt = false;
  /** `exit` has told of stopped jobs: the next one goes. */
  warnedOfJobs = false;
  /** The file being sourced. */
  sourceName: string | undefined;
  /** Statuses of background processes waited for already. */
  readonly endedPids = new Map<number, number>();
  /** CPU of children waited for, ms. */
  childrenCpuMs = 0;
  /** Descriptors of process substitutions, closed when the command is over. */
  substitutionFiles: number[] = [];
  getoptsPlace = { index: 1, offset: 0 };
  randomSeed: number | undefined;
  startedAt: number;
  /** `$$`: the first shell's process number, in subshells too. */
  mainPid: number;
  #computeDebt = 0;
  /** Of the process's memory, what large variables take. */
  #heldBytes = 0;
  #cpuBase: number;

  constructor(process: Process, engine: Engine, flavour: Flavour, name: string) {
    this.process = process;
    this.engine = engine;
    this.flavour = flavour;
    this.name = name;
    this.startedAt = process.now();
    this.mainPid = process.nsPid;
    this.#cpuBase = process.cpuMs;
  }

  /** The copy that a subshell starts with; `process` is set when its process begins. */
  fork(): Shell {
    const copy = new Shell(this.process, this.engine, this.flavour, this.name);
    copy.positional = this.positional;
    for (const [name, variable] of this.variables) copy.variables.set(name, copyVariable(variable));
    copy.functions = new Map(this.functions);
    copy.aliases = new Map(this.aliases);
    copy.options = new Set(this.options);
    copy.shopt = new Set(this.shopt);
    copy.hashed = new Map(this.hashed);
    copy.frames = this.frames.map((frame) => ({ ...frame, saved: new Map(frame.saved) }));
    // Ignored signals stay ignored in a subshell; other traps are reset, though `trap` still lists them in bash.
    for (const [signal, action] of this.traps) if (action === "") copy.traps.set(signal, action);
    copy.status = this.status;
    copy.pipeStatus = this.pipeStatus;
    copy.lastBackground = this.lastBackground;
    copy.lastArgument = this.lastArgument;
    copy.directoryStack = [...this.directoryStack];
    copy.fromCommandString = this.fromCommandString;
    copy.numbersStrings = this.numbersStrings;
    copy.source = this.source;
    copy.position = this.position;
    copy.conditionDepth = this.conditionDepth;
    copy.loopDepth = this.loopDepth;
    copy.sourceDepth = this.sourceDepth;
    copy.subshellDepth = this.subshellDepth + 1;
    copy.traceDepth = this.traceDepth;
    copy.history = this.history;
    copy.jobs = this.jobs?.forSubshell();
    copy.getoptsPlace = { ...this.getoptsPlace };
    copy.randomSeed = this.randomSeed;
    copy.startedAt = this.startedAt;
    copy.mainPid = this.mainPid;
    copy.options.delete("monitor");
    copy.interactiveParent = this.interactive || this.interactiveParent;
    return copy;
  }

  /** Below an interactive shell: messages have no line number. */
  interactiveParent = false;

  // ---- variables -----------------------------------------------------------------------------------------------------

  /** The variable behind a name, references followed. */
  variable(name: string): Variable | undefined {
    const variable = this.variables.get(name);
    if (!variable?.reference || variable.value === undefined || variable.value === name) return variable;
    return this.variable(variable.value.replace(/\[.*$/s, ""));
  }

  /** The name a reference leads to. */
  resolveName(name: string): string {
    for (let depth = 0, at = name; depth < 8; depth++) {
      const variable = this.variables.get(at);
      if (!variable?.reference || !variable.value) return at;
      at = variable.value;
    }
    return name;
  }

  /** The value of a scalar or special variable; undefined when unset. */
  get(name: string): string | undefined {
    switch (name) {
      case "RANDOM":
        return String(this.#random());
      case "SRANDOM":
        return String(this.process.kernel.random.stream("shell").uint32());
      case "SECONDS":
        return String(Math.floor((this.process.now() - this.startedAt) / 1000));
      case "EPOCHSECONDS":
        return String(Math.floor(this.process.now() / 1000));
      case "EPOCHREALTIME":
        return (this.process.now() / 1000).toFixed(6);
      case "LINENO":
        return String(this.line);
      case "BASHPID":
        return String(this.process.nsPid);
      case "BASH_SUBSHELL":
        return String(this.subshellDepth);
      case "BASH_COMMAND":
        return this.source.text.slice(this.position).split("\n")[0];
    }
    return scalarOf(this.variable(name));
  }

  /** Elements of the arrays that bash keeps itself. */
  specialArray(name: string): string[] | undefined {
    if (name === "PIPESTATUS") return this.pipeStatus.map(String);
    if (name === "FUNCNAME")
      return this.frames.length
        ? [
            ...this.frames.map((frame) => frame.name).reverse(),
            ...(this.fromCommandString || this.interactive ? [] : ["main"]),
          ]
        : [];
    if (name === "DIRSTACK") return [this.process.cwd, ...this.directoryStack];
    if (name === "GROUPS") return [String(this.process.context.gid)];
    return undefined;
  }

  #random(): number {
    if (this.randomSeed === undefined) return this.process.kernel.random.stream("shell").integer(0, 32_767);
    // The linear congruence of bash 5 for a seeded RANDOM.
    const h = Math.floor(this.randomSeed / 127_773);
    let next = 16_807 * (this.randomSeed % 127_773) - 2836 * h;
    if (next < 0) next += 2_147_483_647;
    this.randomSeed = next;
    return ((next >>> 16) ^ (next & 65_535)) & 32_767;
  }

  /** Assigns a scalar (element 0 of an array); honours readonly, integer and letter-case attributes. */
  set(name: string, value: string, append = false): void {
    const target = this.resolveName(name);
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(target);
    if (indexed) {
      this.setElement(indexed[1]!, indexed[2]!, value, append);
      return;
    }
    if (target === "RANDOM") {
      this.randomSeed = (Number.parseInt(value, 10) || 0) & 0x7fffffff || 123_459_876;
      return;
    }
    if (target === "SECONDS") {
      this.startedAt = this.process.now() - (Number.parseInt(value, 10) || 0) * 1000;
      return;
    }
    const variable = this.#writable(target);
    if (variable.list) variable.list.set(0, this.#adapt(variable, append ? variable.list.get(0) : undefined, value));
    else if (variable.map)
      variable.map.set("0", this.#adapt(variable, append ? variable.map.get("0") : undefined, value));
    else {
      const before = variable.value;
      const after = this.#adapt(variable, append ? before : undefined, value);
      variable.value = after;
      if (after.length >= LARGE_TEXT || (before !== undefined && before.length >= LARGE_TEXT))
        this.#hold(after.length, before?.length ?? 0);
    }
    if (target === "OPTIND") this.getoptsPlace = { index: Number(value) || 1, offset: 0 };
    if (target === "PATH") this.hashed.clear();
  }

  /** Large texts count as the process's memory, and copying them takes time. */
  #hold(after: number, before: number): void {
    if (after > limits.shellTextMax) this.process.exhaustMemory();
    const held = Math.max(0, this.#heldBytes + after - before);
    const memory = this.process.memoryBytes + held - this.#heldBytes;
    this.#heldBytes = held;
    this.#computeDebt += after / COPIED_BYTES_PER_MS;
    this.process.resizeMemory(memory);
  }

  setElement(name: string, index: string, value: string, append = false): void {
    const variable = this.#writable(this.resolveName(name));
    if (variable.map) {
      variable.map.set(index, this.#adapt(variable, append ? variable.map.get(index) : undefined, value));
      return;
    }
    const list = (variable.list ??= new Map());
    if (variable.value !== undefined) {
      list.set(0, variable.value);
      variable.value = undefined;
    }
    const at = this.arrayIndex(variable, index, name);
    list.set(at, this.#adapt(variable, append ? list.get(at) : undefined, value));
  }

  /** The number behind an index text; negative ones count from the end. */
  arrayIndex(variable: Variable | undefined, index: string, name: string): number {
    const at = Number(evaluateArithmetic(index, this));
    if (at >= 0) return at;
    const last = variable?.list ? lastIndex(variable.list) : 0;
    const real = last + 1 + at;
    if (real < 0) throw new ExpansionError(`${name}[${index}]: bad array subscript`, 1, false);
    return real;
  }

  /** Makes or replaces a whole array. */
  setArray(name: string, elements: readonly ArrayElement[], append = false): void {
    const variable = this.#writable(this.resolveName(name));
    if (variable.map) {
      const map = append ? variable.map : new Map<string, string>();
      if (elements.length > 0 && elements.every((element) => element.index === undefined)) {
        for (let i = 0; i < elements.length; i += 2) map.set(elements[i]!.value, elements[i + 1]?.value ?? "");
      } else {
        for (const element of elements)
          if (element.index !== undefined)
            map.set(
              element.index,
              this.#adapt(variable, element.append ? map.get(element.index) : undefined, element.value),
            );
      }
      variable.map = map;
      return;
    }
    const sizeBefore = variable.list?.size ?? 0;
    const list = append && variable.list ? variable.list : new Map<number, string>();
    if (append && variable.value !== undefined) list.set(0, variable.value);
    variable.value = undefined;
    let next = append ? lastIndex(list) + 1 : 0;
    variable.list = list;
    for (const element of elements) {
      const at = element.index === undefined ? next : this.arrayIndex(variable, element.index, name);
      list.set(at, this.#adapt(variable, element.append ? list.get(at) : undefined, element.value));
      next = at + 1;
    }
    if (list.size >= LARGE_LIST || sizeBefore >= LARGE_LIST)
      this.#hold(list.size * ELEMENT_BYTES, sizeBefore * ELEMENT_BYTES);
  }

  #writable(name: string): Variable {
    let variable = this.variables.get(name);
    if (!variable) {
      variable = newVariable();
      if (this.options.has("allexport")) variable.exported = true;
      this.variables.set(name, variable);
    }
    if (variable.readonly)
      throw this.flavour === "bash"
        ? new ExpansionError(`${name}: readonly variable`, 1, true)
        : new ExpansionError(`${name}: is read only`, 2, true, true);
    if (this.options.has("allexport")) variable.exported = true;
    return variable;
  }

  #adapt(variable: Variable, before: string | undefined, value: string): string {
    if (variable.integer) {
      const number = evaluateArithmetic(value === "" ? "0" : value, this);
      return String(
        before === undefined ? number : BigInt.asIntN(64, evaluateArithmetic(before || "0", this) + number),
      );
    }
    const joined = (before ?? "") + value;
    if (variable.letters) return variable.letters === "lower" ? joined.toLowerCase() : joined.toUpperCase();
    return joined;
  }

  export(name: string): void {
    const variable = this.variables.get(name) ?? newVariable();
    variable.exported = true;
    this.variables.set(name, variable);
  }

  unset(name: string): void {
    const held = this.variables.get(name)?.value?.length ?? 0;
    if (held >= LARGE_TEXT) this.#hold(0, held);
    this.variables.delete(name);
    if (name === "PATH") this.hashed.clear();
  }

  /** The element of an array (or of a scalar, as element 0). */
  element(name: string, index: string): string | undefined {
    const special = this.specialArray(name);
    if (special) return special.at(Number(evaluateArithmetic(index, this)));
    const variable = this.variable(name);
    if (variable?.map) return variable.map.get(index);
    const at = this.arrayIndex(variable, index, name);
    if (variable?.list) return variable.list.get(at);
    return at === 0 ? this.get(name) : undefined;
  }

  /** Hides a variable until the function returns. */
  makeLocal(name: string): Variable {
    const frame = this.frames.at(-1)!;
    if (!frame.saved.has(name)) {
      const before = this.variables.get(name);
      frame.saved.set(name, before);
      const variable = newVariable();
      if (before?.exported) variable.exported = true;
      this.variables.set(name, variable);
    }
    return this.variables.get(name)!;
  }

  pushFrame(name: string, positional: readonly string[]): void {
    if (this.frames.length >= limits.shellDepthMax)
      throw new ExpansionError(`${name}: maximum function nesting level exceeded (${limits.shellDepthMax})`, 1, true);
    this.frames.push({ name, positional: this.positional, saved: new Map() });
    this.positional = positional;
  }

  popFrame(): void {
    const frame = this.frames.pop()!;
    this.positional = frame.positional;
    for (const [name, variable] of frame.saved) {
      if (variable) this.variables.set(name, variable);
      else this.variables.delete(name);
    }
  }

  /** The environment that programs get. */
  environment(extra?: ReadonlyMap<string, string>): Record<string, string> {
    const env: Record<string, string> = {};
    for (const [name, variable] of this.variables) {
      const value = variable.exported ? scalarOf(variable) : undefined;
      if (value !== undefined && !variable.list && !variable.map) env[name] = value;
    }
    for (const [name, value] of extra ?? []) env[name] = value;
    return env;
  }

  /** `$-` */
  get optionFlags(): string {
    let flags = "";
    for (const [name, letter] of Object.entries(optionLetters)) if (this.options.has(name)) flags += letter;
    const order = [...flags].sort();
    const lower = order.filter((letter) => letter >= "a");
    const upper = order.filter((letter) => letter < "a");
    return `${lower.join("")}${this.interactive ? "i" : ""}${upper.join("")}${this.fromCommandString ? "c" : ""}`;
  }

  // ---- messages --------------------------------------------------------------------------------------------------------

  /** The number of the line being run. */
  get line(): number {
    const { text, firstLine } = this.source;
    let line = firstLine;
    for (let at = text.indexOf("\n"); at >= 0 && at < this.position; at = text.indexOf("\n", at + 1)) line++;
    return line;
  }

  /** What stands before a message: `bash: line 3: `. */
  get messagePrefix(): string {
    const hasNoLine = this.interactive || (this.interactiveParent && this.subshellDepth > 0);
    if (this.flavour === "dash") return hasNoLine ? `${this.name}: ${this.line}: ` : `${this.name}: ${this.line}: `;
    if (this.flavour === "ash" && this.fromCommandString && this.numbersStrings && !hasNoLine)
      return `${this.name}: line ${this.line - 1}: `;
    if (this.flavour === "ash")
      return hasNoLine || this.fromCommandString ? `${this.name}: ` : `${this.name}: line ${this.line}: `;
    return hasNoLine ? `${this.name}: ` : `${this.name}: line ${this.line}: `;
  }

  *error(message: string): Task<void> {
    yield* this.process.printError(`${this.messagePrefix}${message}\n`);
  }

  *print(text: string): Task<void> {
    if (text !== "") yield* this.process.write(1, encodeUtf8(text));
  }

  // ---- time ------------------------------------------------------------------------------------------------------------

  /** Uses CPU; small amounts are gathered, so that a loop of builtins costs one task of the loop a millisecond. */
  *charge(ms: number): Task<void> {
    if (this.owes(ms)) yield* this.pay();
  }

  /** Notes CPU used; true: it is time to pay(). The two halves of charge(), for code that runs at every command. */
  owes(ms: number): boolean {
    this.#computeDebt += ms;
    return this.#computeDebt >= 1;
  }

  /** Whether that much more may be owed: nothing has to be paid yet. */
  canOwe(ms: number): boolean {
    return this.#computeDebt + ms < 1;
  }

  *pay(): Task<void> {
    const due = this.#computeDebt;
    this.#computeDebt = 0;
    yield* this.process.compute(due);
  }

  /** CPU used by this shell so far, ms. */
  get cpuMs(): number {
    return this.process.cpuMs - this.#cpuBase + this.#computeDebt;
  }

  /** An open file by descriptor, for redirections. */
  fileAt(fd: number): OpenFile | undefined {
    return this.process.files.get(fd);
  }

  associativeKeys(name: string): string[] {
    const map = this.variable(name)?.map;
    return map ? bashHashOrder(map) : [];
  }
}
