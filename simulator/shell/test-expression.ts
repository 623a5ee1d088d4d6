/** `test`, `[` and the primaries they share with `[[ ]]`. */
import type { Inode } from "../os/inode";
import type { Process } from "../os/process";

/** A malformed expression; the message is worded for `test`. */
export class TestSyntaxError {
  constructor(
    readonly message: string,
    /** The argument that dash names. */
    readonly operand?: string,
  ) {}
}

export interface TestScope {
  readonly process: Process;
  isSet(name: string): boolean;
  isReference(name: string): boolean;
  isOption(name: string): boolean;
}

export const unaryOperators = new Set("abcdefghknoprstuvwxzGLNORS".split("").map((letter) => `-${letter}`));
export const binaryOperators = new Set([
  "=",
  "==",
  "!=",
  "<",
  ">",
  "-eq",
  "-ne",
  "-lt",
  "-le",
  "-gt",
  "-ge",
  "-nt",
  "-ot",
  "-ef",
]);

export function testUnary(scope: TestScope, operator: string, value: string): boolean {
  const { process } = scope;
  const node = (followLast = true): Inode | undefined =>
    value === "" ? undefined : process.fs.find(process.path(value), { followLast });
  switch (operator) {
    case "-n":
      return value !== "";
    case "-z":
      return value === "";
    case "-a":
    case "-e":
      return node() !== undefined || isOpenDescriptor(process, value);
    case "-f":
      return node()?.kind === "file";
    case "-d":
      return node()?.kind === "dir";
    case "-h":
    case "-L":
      return node(false)?.kind === "symlink";
    case "-p":
      return node()?.kind === "fifo";
    case "-c":
      return node()?.kind === "device";
    case "-b":
    case "-S":
      return false;
    case "-s": {
      const found = node();
      return found?.kind === "dir" || (found?.kind === "file" && (found.size > 0 || found.read().length > 0));
    }
    case "-r":
      return allowed(process, node(), 4);
    case "-w":
      return allowed(process, node(), 2) && !process.fs.mountOf(process.fs.realPath(process.path(value))).readOnly;
    case "-x":
      return allowed(process, node(), 1);
    case "-u":
      return ((node()?.mode ?? 0) & 0o4000) !== 0;
    case "-g":
      return ((node()?.mode ?? 0) & 0o2000) !== 0;
    case "-k":
      return ((node()?.mode ?? 0) & 0o1000) !== 0;
    case "-O":
      return node()?.uid === process.context.uid;
    case "-G":
      return node()?.gid === process.context.gid;
    case "-N":
      return false;
    case "-t":
      return process.files.get(Number(value))?.isTerminal ?? false;
    case "-v":
      return scope.isSet(value);
    case "-R":
      return scope.isReference(value);
    case "-o":
      return scope.isOption(value);
    default:
      return false;
  }
}

const isOpenDescriptor = (process: Process, path: string): boolean => {
  const match = /^\/dev\/(?:fd\/(\d+)|stdin|stdout|stderr)$/.exec(path);
  return match !== null && process.files.has(match[1] === undefined ? 0 : Number(match[1]));
};

/** Whether this process's user may read (4), write (2) or execute (1). */
export function allowed(process: Process, node: Inode | undefined, bit: 1 | 2 | 4): boolean {
  if (!node) return false;
  const { uid, gid } = process.context;
  if (uid === 0) return bit !== 1 || node.kind === "dir" || (node.mode & 0o111) !== 0;
  const shift = node.uid === uid ? 6 : node.gid === gid ? 3 : 0;
  return ((node.mode >> shift) & bit) !== 0;
}

/** File comparisons and string comparisons; numbers are given by the caller. */
export function testBinary(process: Process, left: string, operator: string, right: string): boolean {
  switch (operator) {
    case "=":
    case "==":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case ">":
      return left > right;
  }
  const a = process.fs.find(process.path(left || "."));
  const b = process.fs.find(process.path(right || "."));
  const exists = { a: left !== "" && a !== undefined, b: right !== "" && b !== undefined };
  if (operator === "-ef") return exists.a && exists.b && a === b;
  if (operator === "-nt") return exists.a && (!exists.b || a!.mtime > b!.mtime);
  return exists.b && (!exists.a || a!.mtime < b!.mtime);
}

export function compareNumbers(a: bigint, operator: string, b: bigint): boolean {
  switch (operator) {
    case "-eq":
      return a === b;
    case "-ne":
      return a !== b;
    case "-lt":
      return a < b;
    case "-le":
      return a <= b;
    case "-gt":
      return a > b;
    default:
      return a >= b;
  }
}

/** Evaluates the arguments of `test`. */
export function evaluateTest(scope: TestScope, args: readonly string[]): boolean {
  return new TestParser(scope, args).whole();
}

class TestParser {
  #at = 0;
  readonly #scope: TestScope;
  readonly #args: readonly string[];

  constructor(scope: TestScope, args: readonly string[]) {
    this.#scope = scope;
    this.#args = args;
  }

  whole(): boolean {
    const args = this.#args;
    const [a, b, c, d] = args;
    switch (args.length) {
      case 0:
        return false;
      case 1:
        return a !== "";
      case 2:
        if (a === "!") return b === "";
        if (unaryOperators.has(a!)) return this.#unary(a!, b!);
        throw new TestSyntaxError(`${a}: unary operator expected`);
      case 3:
        return this.#three(a!, b!, c!);
      case 4:
        if (a === "!") return !this.#three(b!, c!, d!);
        if (a === "(" && d === ")") return new TestParser(this.#scope, [b!, c!]).whole();
    }
    const value = this.#or();
    if (this.#at < args.length) throw new TestSyntaxError("too many arguments");
    return value;
  }

  #three(a: string, b: string, c: string): boolean {
    if (binaryOperators.has(b)) return this.#binary(a, b, c);
    if (b === "-a") return a !== "" && c !== "";
    if (b === "-o") return a !== "" || c !== "";
    if (a === "!") return !new TestParser(this.#scope, [b, c]).whole();
    if (a === "(" && c === ")") return b !== "";
    throw new TestSyntaxError(`${b}: binary operator expected`, a);
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#args[this.#at] === "-o") {
      this.#at++;
      const right = this.#and();
      value = value || right;
    }
    return value;
  }

  #and(): boolean {
    let value = this.#not();
    while (this.#args[this.#at] === "-a") {
      this.#at++;
      const right = this.#not();
      value = value && right;
    }
    return value;
  }

  #not(): boolean {
    if (this.#args[this.#at] === "!") {
      this.#at++;
      return !this.#not();
    }
    return this.#primary();
  }

  #primary(): boolean {
    const arg = this.#args[this.#at];
    if (arg === undefined) throw new TestSyntaxError("argument expected");
    if (arg === "(") {
      this.#at++;
      const value = this.#or();
      if (this.#args[this.#at] !== ")") throw new TestSyntaxError("`)' expected");
      this.#at++;
      return value;
    }
    const operator = this.#args[this.#at + 1];
    if (operator !== undefined && binaryOperators.has(operator) && this.#args[this.#at + 2] !== undefined) {
      const right = this.#args[this.#at + 2]!;
      this.#at += 3;
      return this.#binary(arg, operator, right);
    }
    if (unaryOperators.has(arg) && operator !== undefined) {
      this.#at += 2;
      return this.#unary(arg, operator);
    }
    this.#at++;
    return arg !== "";
  }

  #unary(operator: string, value: string): boolean {
    if (operator === "-t" && !/^-?\d+$/.test(value)) throw new TestSyntaxError(`${value}: integer expression expected`);
    return testUnary(this.#scope, operator, value);
  }

  #binary(left: string, operator: string, right: string): boolean {
    if (!/^-(eq|ne|lt|le|gt|ge)$/.test(operator)) return testBinary(this.#scope.process, left, operator, right);
    const number = (text: string): bigint => {
      if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new TestSyntaxError(`${text}: integer expression expected`);
      return BigInt(text.trim().replace(/^\+/, ""));
    };
    return compareNumbers(number(left), operator, number(right));
  }
}
