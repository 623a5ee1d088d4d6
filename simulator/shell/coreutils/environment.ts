/** env, printenv, timeout, nice, nohup, time, watch, test, expr, which, uname, hostname, uptime, tty, stty, tput, getconf. */
import { decodeUtf8 } from "../../base/bytes";
import { type Task, suspend } from "../../base/task";
import { SysError } from "../../os/errno";
import { makePipe, NullDevice, type OpenFile, RegularFile } from "../../os/open-file";
import { Interrupted, type Process } from "../../os/process";
import { parseSignal, signalNumber } from "../../os/signals";
import { posixToRegExp } from "../regex";
import { strftime } from "../strftime";
import { TestSyntaxError, evaluateTest } from "../test-expression";
import { formatTimes } from "../time-format";
import { type Tool, type ToolRun, quoteName } from "../tool";
import { parseInterval } from "./basic";

/** Starts a command as a child; a missing one is told of. */
function* start(
  tool: Tool,
  argv: readonly string[],
  options: { readonly env?: Record<string, string>; readonly cwd?: string; readonly group?: "new" } = {},
): Task<Process | number> {
  try {
    yield* tool.flush();
    yield* tool.process.compute(0.6);
    return tool.process.spawn({ argv, files: new Map(tool.process.files), ...options });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* tool.error(
      tool.flavour === "gnu"
        ? `${tool.name === "timeout" || tool.name === "nice" || tool.name === "nohup" ? `failed to run command ${tool.quote(argv[0]!)}` : tool.quote(argv[0]!)}: ${error.text}`
        : `can't execute '${argv[0]}': ${error.text}`,
    );
    return error.code === "ENOENT" ? 127 : 126;
  }
}

/** Replaces this process with a command. */
function* become(tool: Tool, argv: readonly string[], env: Record<string, string>): Task<number> {
  yield* tool.flush();
  const { process } = tool;
  const path = process.kernel.which(process.context, argv[0]!, env["PATH"], process.cwd);
  try {
    if (path === undefined) throw new SysError("ENOENT");
    return process.exec(path, argv, env);
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    yield* tool.error(
      tool.flavour === "gnu"
        ? `${tool.name === "env" ? tool.quote(argv[0]!) : `failed to run command ${tool.quote(argv[0]!)}`}: ${error.text}`
        : `can't execute '${argv[0]}': ${error.text}`,
    );
    return error.code === "ENOENT" ? 127 : 126;
  }
}

export const env: ToolRun = function* (tool) {
  tool.usageStatus = 125;
  const options = yield* tool.options({
    short: "i0u:C:S:v",
    long: { "ignore-environment": "i", null: "0", "unset=": "u", "chdir=": "C", "split-string=": "S" },
    posix: true,
  });
  const operands = [...(options.value("S")?.trim().split(/\s+/) ?? []), ...options.operands];
  let variables: Record<string, string> = options.has("i") || operands[0] === "-" ? {} : { ...tool.process.env };
  if (operands[0] === "-") operands.shift();
  for (const name of options.values("u")) {
    const { [name]: _gone, ...rest } = variables;
    variables = rest;
  }
  while (operands[0]?.includes("=")) {
    const text = operands.shift()!;
    const at = text.indexOf("=");
    variables[text.slice(0, at)] = text.slice(at + 1);
  }
  if (options.has("C")) tool.process.cwd = tool.process.path(options.value("C")!);
  if (operands.length === 0) {
    for (const [name, value] of Object.entries(variables))
      yield* tool.text(`${name}=${value}${options.has("0") ? "\0" : "\n"}`);
    return 0;
  }
  return yield* become(tool, operands, variables);
};

export const printenv: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "0", long: { null: "0" } });
  if (options.operands.length === 0)
    for (const [name, value] of Object.entries(tool.process.env)) yield* tool.text(`${name}=${value}\n`);
  let status = 0;
  for (const name of options.operands) {
    const value = tool.process.env[name];
    if (value === undefined) status = 1;
    else yield* tool.text(`${value}\n`);
  }
  return status;
};

export const timeout: ToolRun = function* (tool) {
  tool.usageStatus = 125;
  const options = yield* tool.options({
    short: "k:s:v",
    long: { "kill-after=": "k", "signal=": "s", foreground: "f", "preserve-status": "p", verbose: "v" },
    posix: true,
  });
  const [limit, ...argv] = options.operands;
  if (limit === undefined || argv.length === 0) {
    yield* tool.process.printError("Try 'timeout --help' for more information.\n");
    return 125;
  }
  const ms = parseInterval(limit!);
  if (ms === undefined) yield* tool.usage(`invalid time interval ${tool.quote(limit!)}`, 125);
  const signal = parseSignal(options.value("s") ?? "TERM");
  if (!signal) yield* tool.usage(`${tool.quote(options.value("s")!)}: invalid signal`, 125);
  const child = yield* start(tool, argv);
  if (typeof child === "number") return child;
  for (const name of ["TERM", "INT", "HUP"] as const) tool.process.onSignal(name, (which) => child.signal(which));
  const { process } = tool;
  const ended =
    ms === 0 || ms === Number.POSITIVE_INFINITY
      ? { value: yield* suspend(child.ended.wait) }
      : yield* process.waitFor(child.ended.wait, ms!);
  if (ended) {
    process.reap(child);
    return ended.value.code;
  }
  if (options.has("v")) yield* tool.error(`sending signal ${signal} to command ${tool.quote(argv[0]!)}`);
  child.signal(signal!);
  child.signal("CONT");
  const grace = options.value("k") === undefined ? undefined : parseInterval(options.value("k")!);
  if (grace !== undefined) {
    const late = yield* process.waitFor(child.ended.wait, grace);
    if (!late) {
      child.signal("KILL");
      yield* process.wait(child);
      return 137;
    }
  }
  const status = yield* process.wait(child);
  return options.has("p")
    ? status.code
    : signal === "KILL"
      ? 137
      : tool.flavour === "busybox"
        ? 128 + signalNumber(signal!)
        : 124;
};

export const nice: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "n:", long: { "adjustment=": "n" }, posix: true });
  if (options.operands.length === 0) {
    yield* tool.text("0\n");
    return 0;
  }
  return yield* become(tool, options.operands, tool.process.env);
};

export const nohup: ToolRun = function* (tool) {
  if (tool.args.length === 0) yield* tool.usage("missing operand", 125);
  const { process } = tool;
  process.onSignal("HUP", "ignore");
  if (process.files.get(1)?.isTerminal) {
    yield* tool.error(
      process.files.get(0)?.isTerminal
        ? "ignoring input and appending output to 'nohup.out'"
        : "appending output to 'nohup.out'",
    );
    const path = process.path("nohup.out");
    const file = process.fs.openFile(path, { create: true, attributes: { mode: 0o600 } });
    const open = new RegularFile(path, file, { read: false, write: true, append: true }, () => process.now());
    process.install(open, 1);
    if (process.files.get(2)?.isTerminal) process.install(open, 2);
    if (process.files.get(0)?.isTerminal) process.install(new NullDevice("null"), 0);
  }
  return yield* become(tool, tool.args, process.env);
};

export const time: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "pvf:o:a", posix: true });
  const before = tool.process.now();
  const child = yield* start(tool, options.operands);
  if (typeof child === "number") return child;
  const status = yield* tool.process.wait(child);
  yield* tool.process.printError(formatTimes(tool.process.now() - before, child.cpuMs, true, undefined));
  return status.code;
};

export const watch: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "n:dtegbcx",
    long: {
      "interval=": "n",
      "differences=?": "d",
      "no-title": "t",
      errexit: "e",
      chgexit: "g",
      beep: "b",
      color: "c",
      exec: "x",
    },
    posix: true,
  });
  if (options.operands.length === 0) {
    yield* tool.process.printError(
      'Usage:\n watch [options] command\n\nOptions:\n  -d, --differences[=<permanent>]\n                         highlight changes between updates\n  -e, --errexit          exit if command has a non-zero exit\n  -g, --chgexit          exit when output from command changes\n  -n, --interval <secs>  seconds to wait between updates\n  -t, --no-title         turn off header\n  -x, --exec             pass command to exec instead of "sh -c"\n',
    );
    return 1;
  }
  const interval = Math.max(0.1, Number(options.value("n") ?? 2) || 2);
  const { process } = tool;
  const tty = process.ttyOf(1);
  const command = options.operands.join(" ");
  const argv = options.has("x") ? options.operands : ["sh", "-c", command];
  let before: string | undefined;
  let left = false;
  process.onSignal("INT", () => {
    left = true;
    process.interrupt();
  });
  if (tty) yield* tool.text("\x1b[?1049h\x1b[22;0;0t\x1b[H\x1b[2J");
  try {
    for (;;) {
      const pipe = makePipe();
      pipe.reader.retain();
      const child = process.spawn({
        argv,
        files: new Map<number, OpenFile>([
          [0, new NullDevice("null")],
          [1, pipe.writer],
          [2, pipe.writer],
        ]),
      });
      const chunks: string[] = [];
      for (let chunk = yield* pipe.reader.read(65_536); chunk !== ""; chunk = yield* pipe.reader.read(65_536))
        chunks.push(chunk);
      pipe.reader.release();
      const status = yield* process.wait(child);
      const text = decodeUtf8(chunks.join("") as never);
      const columns = tty?.columns ?? 80;
      const rows = tty?.rows ?? 24;
      const title = `Every ${interval.toFixed(1)}s: ${command}`;
      const right = `${process.context.hostname()}: ${strftime("%a %b %e %T %Y", process.now())}`;
      const header = options.has("t")
        ? []
        : [`${title.slice(0, Math.max(0, columns - right.length - 1)).padEnd(columns - right.length)}${right}`, ""];
      const lines = [
        ...header,
        ...text
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => (options.has("c") ? line : line.replace(/\x1b\[[0-9;]*m/g, "")).slice(0, columns)),
      ].slice(0, rows);
      yield* tool.text(
        tty ? `\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J` : `${lines.join("\n")}\n`,
      );
      yield* tool.flush();
      if (options.has("e") && status.code !== 0) return 8;
      if (options.has("g") && before !== undefined && before !== text) return 0;
      before = text;
      yield* process.sleep(interval * 1000);
    }
  } catch (error) {
    if (!(error instanceof Interrupted) || !left) throw error;
    return 0;
  } finally {
    if (tty && !tty.hungUp) tty.write("\x1b[?1049l\x1b[23;0;0t" as never).next();
  }
};

export const test: ToolRun = function* (tool) {
  let args = tool.args;
  if (tool.name === "[" || tool.name === "[[") {
    if (args.at(-1) !== (tool.name === "[" ? "]" : "]]")) yield* tool.fail("missing ']'", 2);
    args = args.slice(0, -1);
  }
  try {
    return evaluateTest(
      {
        process: tool.process,
        isSet: (name) => tool.process.env[name] !== undefined,
        isReference: () => false,
        isOption: () => false,
      },
      args,
    )
      ? 0
      : 1;
  } catch (error) {
    if (!(error instanceof TestSyntaxError)) throw error;
    return yield* tool.fail(error.message, 2);
  }
};

class ExprError {
  constructor(readonly message: string) {}
}

export const expr: ToolRun = function* (tool) {
  const args = tool.args[0] === "--" ? tool.args.slice(1) : [...tool.args];
  if (args.length === 0) yield* tool.usage("missing operand", 2);
  let at = 0;
  const integer = (text: string): bigint => {
    if (!/^-?\d+$/.test(text)) throw new ExprError("non-integer argument");
    return BigInt(text);
  };
  const truthy = (text: string): boolean => text !== "" && !/^-?0+$/.test(text);
  const primary = (): string => {
    const token = args[at++];
    if (token === undefined)
      throw new ExprError(`syntax error: missing argument after ${tool.quote(args[at - 2] ?? "")}`);
    if (token === "(") {
      const value = or();
      if (args[at++] !== ")")
        throw new ExprError(`syntax error: expecting ')' after ${tool.quote(args[at - 2] ?? "")}`);
      return value;
    }
    if (token === "length" && at < args.length) return String([...primary()].length);
    if (token === "index" && at + 1 < args.length) {
      const text = [...primary()];
      const set = primary();
      return String(text.findIndex((ch) => set.includes(ch)) + 1);
    }
    if (token === "substr" && at + 2 < args.length) {
      const text = [...primary()];
      const from = Number(primary());
      const length = Number(primary());
      return from < 1 || length < 1 || Number.isNaN(from + length)
        ? ""
        : text.slice(from - 1, from - 1 + length).join("");
    }
    if (token === "match" && at + 1 < args.length) return match(primary(), primary());
    return token;
  };
  const match = (text: string, pattern: string): string => {
    const regexp = posixToRegExp(`^${pattern.replace(/^\^/, "")}`, { extended: false });
    if (typeof regexp === "string") throw new ExprError(regexp);
    const found = regexp.exec(text);
    const hasGroup = /\\\(/.test(pattern);
    return hasGroup ? (found?.[1] ?? "") : String(found ? [...found[0]].length : 0);
  };
  const level =
    (operators: readonly string[], next: () => string, apply: (operator: string, a: string, b: string) => string) =>
    (): string => {
      let left = next();
      while (at < args.length && operators.includes(args[at]!)) {
        const operator = args[at++]!;
        left = apply(operator, left, next());
      }
      return left;
    };
  const colon = level([":"], primary, (_operator, a, b) => match(a, b));
  const product = level(["*", "/", "%"], colon, (operator, a, b) => {
    const [x, y] = [integer(a), integer(b)];
    if (operator !== "*" && y === 0n) throw new ExprError("division by zero");
    return String(operator === "*" ? x * y : operator === "/" ? x / y : x % y);
  });
  const sum = level(["+", "-"], product, (operator, a, b) =>
    String(operator === "+" ? integer(a) + integer(b) : integer(a) - integer(b)),
  );
  const compare = level(["<", "<=", "=", "==", "!=", ">=", ">"], sum, (operator, a, b) => {
    const numeric = /^-?\d+$/.test(a) && /^-?\d+$/.test(b);
    const order = numeric ? Number(BigInt(a) - BigInt(b)) : a < b ? -1 : a > b ? 1 : 0;
    return ({
      "<": order < 0,
      "<=": order <= 0,
      "=": order === 0,
      "==": order === 0,
      "!=": order !== 0,
      ">=": order >= 0,
      ">": order > 0,
    }[operator] ?? false)
      ? "1"
      : "0";
  });
  const and = level(["&"], compare, (_operator, a, b) => (truthy(a) && truthy(b) ? a : "0"));
  const or = level(["|"], and, (_operator, a, b) => (truthy(a) ? a : truthy(b) ? b : "0"));
  try {
    const value = or();
    if (at < args.length) throw new ExprError(`syntax error: unexpected argument ${tool.quote(args[at]!)}`);
    yield* tool.text(`${value}\n`);
    return truthy(value) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ExprError)) throw error;
    return yield* tool.fail(error.message, 2);
  }
};

export const which: ToolRun = function* (tool) {
  const all = tool.args.includes("-a");
  let status = 0;
  for (const name of tool.args.filter((arg) => !arg.startsWith("-"))) {
    let found = false;
    const dirs = name.includes("/") ? [""] : (tool.process.env["PATH"] ?? "").split(":");
    for (const dir of dirs) {
      const path = dir === "" ? name : `${dir}/${name}`;
      const node = tool.process.fs.find(tool.process.path(path));
      if (node?.kind !== "file" || (node.mode & 0o111) === 0) continue;
      yield* tool.text(`${path}\n`);
      found = true;
      if (!all) break;
    }
    if (!found) status = 1;
  }
  return status;
};

export const uname: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "asnrvmpio",
    long: {
      all: "a",
      "kernel-name": "s",
      nodename: "n",
      "kernel-release": "r",
      "kernel-version": "v",
      machine: "m",
      processor: "p",
      "hardware-platform": "i",
      "operating-system": "o",
    },
  });
  const { process } = tool;
  const values: Record<string, string> = {
    s: "Linux",
    n: process.context.hostname(),
    r: process.kernel.release,
    v: "#1 SMP PREEMPT_DYNAMIC",
    m: "x86_64",
    p: "unknown",
    i: "unknown",
    o: tool.flavour === "gnu" ? "GNU/Linux" : "Linux",
  };
  const keys = options.has("a")
    ? tool.flavour === "gnu"
      ? ["s", "n", "r", "v", "m", "o"]
      : ["s", "n", "r", "v", "m", "o"]
    : Object.keys(values).filter((key) => options.has(key));
  yield* tool.text(`${(keys.length ? keys : ["s"]).map((key) => values[key]).join(" ")}\n`);
  return 0;
};

export const hostname: ToolRun = function* (tool) {
  const name = tool.process.context.hostname();
  const flag = tool.args.find((arg) => arg.startsWith("-"));
  if (flag === undefined && tool.args.length > 0)
    yield* tool.fail(
      "you must be root to change the host name".replace(
        "you must be root to change the host name",
        `sethostname: Operation not permitted`,
      ),
    );
  if (flag !== undefined && /[iI]/.test(flag)) {
    const node = tool.process.fs.find("/etc/hosts");
    const row =
      node?.kind === "file"
        ? node
            .read()
            .split("\n")
            .find((line) => line.split(/\s+/).slice(1).includes(name))
        : undefined;
    yield* tool.text(`${row?.split(/\s+/)[0] ?? "127.0.1.1"}${flag.includes("I") ? " " : ""}\n`);
    return 0;
  }
  yield* tool.text(`${flag?.includes("s") ? name.split(".")[0] : name}\n`);
  return 0;
};

export const tty: ToolRun = function* (tool) {
  const device = tool.process.ttyOf(0);
  yield* tool.text(device ? `${device.name}\n` : "not a tty\n");
  return device ? 0 : 1;
};

export const stty: ToolRun = function* (tool) {
  const device = tool.process.ttyOf(0);
  if (!device) yield* tool.fail(`'standard input': Inappropriate ioctl for device`);
  const terminal = device!;
  if (tool.args[0] === "size") {
    yield* tool.text(`${terminal.rows} ${terminal.columns}\n`);
    return 0;
  }
  const shown = tool.args.length === 0 || tool.args[0] === "-a";
  if (shown) {
    const flag = (on: boolean, name: string): string => (on ? name : `-${name}`);
    yield* tool.text(
      `speed 38400 baud; rows ${terminal.rows}; columns ${terminal.columns}; line = 0;\n${flag(terminal.mode.signals, "isig")} ${flag(terminal.mode.canonical, "icanon")} ${flag(terminal.mode.echo, "echo")} ${flag(terminal.mode.inputCrToNl, "icrnl")} ${flag(terminal.mode.outputCrlf, "onlcr")}\n`,
    );
    return 0;
  }
  for (const arg of tool.args) {
    const on = !arg.startsWith("-");
    switch (arg.replace("-", "")) {
      case "sane":
        terminal.resetMode();
        break;
      case "raw":
        terminal.setMode(
          on
            ? { canonical: false, signals: false, outputCrlf: false, inputCrToNl: false }
            : { canonical: true, signals: true, outputCrlf: true, inputCrToNl: true },
        );
        break;
      case "cbreak":
        terminal.setMode({ canonical: !on });
        break;
      case "echo":
        terminal.setMode({ echo: on });
        break;
      case "icanon":
        terminal.setMode({ canonical: on });
        break;
      case "isig":
        terminal.setMode({ signals: on });
        break;
      case "onlcr":
        terminal.setMode({ outputCrlf: on });
        break;
      case "icrnl":
        terminal.setMode({ inputCrToNl: on });
        break;
      default:
        yield* tool.usage(`invalid argument ${quoteName(arg)}`);
    }
  }
  return 0;
};

export const tput: ToolRun = function* (tool) {
  const device = tool.process.ttyOf(1) ?? tool.process.ttyOf(2);
  const [name, argument] = tool.args;
  const colors = ["0", "1", "2", "3", "4", "5", "6", "7"];
  switch (name) {
    case "cols":
      yield* tool.text(`${device?.columns ?? 80}\n`);
      return 0;
    case "lines":
      yield* tool.text(`${device?.rows ?? 24}\n`);
      return 0;
    case "colors":
      yield* tool.text("256\n");
      return 0;
    case "setaf":
      yield* tool.text(`\x1b[3${colors.includes(argument ?? "") ? argument : `8;5;${argument}`}m`);
      return 0;
    case "setab":
      yield* tool.text(`\x1b[4${colors.includes(argument ?? "") ? argument : `8;5;${argument}`}m`);
      return 0;
    case "cup":
      yield* tool.text(`\x1b[${Number(argument ?? 0) + 1};${Number(tool.args[2] ?? 0) + 1}H`);
      return 0;
  }
  const sequence = {
    bold: "\x1b[1m",
    sgr0: "\x1b(B\x1b[m",
    smul: "\x1b[4m",
    rmul: "\x1b[24m",
    rev: "\x1b[7m",
    dim: "\x1b[2m",
    clear: "\x1b[H\x1b[2J\x1b[3J",
    civis: "\x1b[?25l",
    cnorm: "\x1b[?12l\x1b[?25h",
    el: "\x1b[K",
    ed: "\x1b[J",
    home: "\x1b[H",
    smcup: "\x1b[?1049h",
    rmcup: "\x1b[?1049l",
    bel: "\x07",
  }[name ?? ""];
  if (sequence === undefined) yield* tool.fail(`unknown terminfo capability '${name}'`, 4);
  yield* tool.text(sequence!);
  return 0;
};

export const getconf: ToolRun = function* (tool) {
  const value = {
    PAGE_SIZE: "4096",
    PAGESIZE: "4096",
    _NPROCESSORS_ONLN: String(tool.process.kernel.cpuCount),
    _NPROCESSORS_CONF: String(tool.process.kernel.cpuCount),
    ARG_MAX: "2097152",
    CLK_TCK: "100",
    LONG_BIT: "64",
    NAME_MAX: "255",
    PATH_MAX: "4096",
  }[tool.args[0] ?? ""];
  if (value === undefined) yield* tool.fail(`Unrecognized variable \`${tool.args[0] ?? ""}'`, 2);
  yield* tool.text(`${value}\n`);
  return 0;
};
