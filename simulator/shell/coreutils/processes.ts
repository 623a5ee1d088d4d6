/** ps, top, kill, killall, pkill, pgrep, pidof, free, uptime, w, lsof: views of what runs, from the kernel's own tables. */
import { NO_BYTES } from "../../base/bytes";
import { civilTime } from "../../base/clock";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { Interrupted, type Process } from "../../os/process";
import { type SignalName, parseSignal, signalNames, signalNumber } from "../../os/signals";
import { sendSignal } from "../signal-processes";
import { strftime } from "../strftime";
import type { Tool, ToolRun } from "../tool";
import { signalTable } from "../builtins/flow";
import { userName } from "./users";

/** Processes that the caller's pid namespace shows, by number there. */
function visible(tool: Tool): { readonly pid: number; readonly process: Process }[] {
  return [...tool.process.context.pids.processes.entries()]
    .map(([pid, process]) => ({ pid, process }))
    .sort((a, b) => a.pid - b.pid);
}

const stateLetter = (process: Process, tool: Tool): string =>
  process === tool.process
    ? "R"
    : process.state === "stopped"
      ? "T"
      : process.state === "zombie"
        ? "Z"
        : process.cgroup.frozen
          ? "D"
          : "S";

function states(process: Process, tool: Tool): string {
  const leader = process.session === process.pid ? "s" : "";
  const front = process.tty && process.tty.foregroundGroup === process.group ? "+" : "";
  return stateLetter(process, tool) + leader + front;
}

const parentPid = (process: Process): number =>
  process.parent?.context.pids === process.context.pids ? (process.parent?.nsPid ?? 0) : 0;
const ttyName = (process: Process): string => process.tty?.name.replace("/dev/", "") ?? "?";
const cpuClock = (ms: number): string =>
  `${String(Math.floor(ms / 3_600_000)).padStart(2, "0")}:${String(Math.floor(ms / 60_000) % 60).padStart(2, "0")}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
const shortClock = (ms: number): string =>
  `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
const command = (process: Process): string => process.argv.join(" ");
const startText = (tool: Tool, process: Process): string => {
  const now = civilTime(tool.process.now());
  const then = civilTime(process.startedAt);
  return now.year === then.year && now.month === then.month && now.day === then.day
    ? strftime("%H:%M", process.startedAt)
    : strftime("%b%d", process.startedAt);
};
const cpuPercent = (tool: Tool, process: Process): number => {
  const age = tool.process.now() - process.startedAt;
  return age >= 10 ? (process.cpuMs / age) * 100 : 0;
};
const memoryPercent = (tool: Tool, process: Process): number =>
  (process.memoryBytes / tool.process.kernel.memoryBytes) * 100;
const virtualKb = (process: Process): number => Math.round(process.memoryBytes / 1024) + 3500;

const columns: Readonly<
  Record<
    string,
    {
      readonly title: string;
      readonly width: number;
      readonly left?: boolean;
      readonly value: (tool: Tool, pid: number, process: Process) => string;
    }
  >
> = {
  pid: { title: "PID", width: 7, value: (_tool, pid) => String(pid) },
  ppid: { title: "PPID", width: 7, value: (_tool, _pid, process) => String(parentPid(process)) },
  user: {
    title: "USER",
    width: 8,
    left: true,
    value: (tool, _pid, process) => userName(tool.process, process.context.uid),
  },
  uid: { title: "UID", width: 5, value: (_tool, _pid, process) => String(process.context.uid) },
  comm: { title: "COMMAND", width: 15, left: true, value: (_tool, _pid, process) => process.comm },
  args: { title: "COMMAND", width: 27, left: true, value: (_tool, _pid, process) => command(process) },
  stat: { title: "STAT", width: 4, left: true, value: (tool, _pid, process) => states(process, tool) },
  s: { title: "S", width: 1, left: true, value: (tool, _pid, process) => stateLetter(process, tool) },
  tty: { title: "TT", width: 8, left: true, value: (_tool, _pid, process) => ttyName(process) },
  time: { title: "TIME", width: 8, value: (_tool, _pid, process) => cpuClock(process.cpuMs) },
  pcpu: { title: "%CPU", width: 4, value: (tool, _pid, process) => cpuPercent(tool, process).toFixed(1) },
  pmem: { title: "%MEM", width: 4, value: (tool, _pid, process) => memoryPercent(tool, process).toFixed(1) },
  rss: { title: "RSS", width: 5, value: (_tool, _pid, process) => String(Math.round(process.memoryBytes / 1024)) },
  vsz: { title: "VSZ", width: 6, value: (_tool, _pid, process) => String(virtualKb(process)) },
  pgid: { title: "PGID", width: 7, value: (_tool, _pid, process) => String(process.group) },
  sid: { title: "SID", width: 7, value: (_tool, _pid, process) => String(process.session) },
  etime: {
    title: "ELAPSED",
    width: 11,
    value: (tool, _pid, process) => elapsed(tool.process.now() - process.startedAt),
  },
  ni: { title: "NI", width: 3, value: () => "0" },
  start: { title: "STARTED", width: 8, value: (_tool, _pid, process) => strftime("%T", process.startedAt) },
};
const aliases: Readonly<Record<string, string>> = {
  cmd: "args",
  command: "args",
  "%cpu": "pcpu",
  "%mem": "pmem",
  tt: "tty",
  state: "s",
  cputime: "time",
  nice: "ni",
  euser: "user",
  vsize: "vsz",
  rssize: "rss",
  ucmd: "comm",
  lstart: "start",
};

function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, "0");
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return days > 0 ? `${days}-${two(hours)}:${rest}` : hours > 0 ? `${two(hours)}:${rest}` : rest;
}

export const ps: ToolRun = function* (tool) {
  if (tool.flavour === "busybox") return yield* busyboxPs(tool);
  const words = tool.args.filter(
    (_arg, index) => !(index > 0 && /^-?[opCugt]$|^--(pid|sort|format)$/.test(tool.args[index - 1]!)),
  );
  const bsd = words.filter((arg) => !arg.startsWith("-")).join("");
  const unix = words
    .filter((arg) => /^-[a-zA-Z]/.test(arg))
    .map((arg) => arg.slice(1))
    .join("");
  const after = (pattern: RegExp): string | undefined => {
    for (let i = 0; i < tool.args.length; i++) {
      const match = pattern.exec(tool.args[i]!);
      if (match) return match[1] || tool.args[i + 1];
    }
    return undefined;
  };
  const pids = after(/^(?:-?p|--pid=?)(\d[\d,]*)?$/)
    ?.split(",")
    .map(Number);
  const byName = after(/^-C(.*)$/)?.split(",");
  const format = tool.args.flatMap((arg, index) =>
    /^(-?[a-zA-Z]*o|--format)$/.test(arg) && !/^[^-].*[^o]$/.test(arg)
      ? [tool.args[index + 1] ?? ""]
      : /^-o(.+)/.test(arg)
        ? [arg.slice(2)]
        : /^--format=/.test(arg)
          ? [arg.slice(9)]
          : [],
  );
  const everything =
    /[eA]/.test(unix) ||
    (bsd.includes("a") && bsd.includes("x")) ||
    (unix.includes("a") && (unix.includes("x") || unix.includes("u")));
  let list = visible(tool);
  if (pids) list = list.filter(({ pid }) => pids.includes(pid));
  else if (byName) list = list.filter(({ process }) => byName.includes(process.comm));
  else if (!everything) {
    if (bsd.includes("a")) list = list.filter(({ process }) => process.tty !== undefined);
    else if (bsd.includes("x")) list = list.filter(({ process }) => process.context.uid === tool.process.context.uid);
    else
      list = list.filter(
        ({ process }) => process.tty === tool.process.tty && process.context.uid === tool.process.context.uid,
      );
  }
  const sort = after(/^--sort=?(.*)$/);
  if (sort) {
    const key = sort.replace(/^[-+]/, "");
    const value = (process: Process): number =>
      ({
        "%mem": process.memoryBytes,
        rss: process.memoryBytes,
        "%cpu": cpuPercent(tool, process),
        pcpu: cpuPercent(tool, process),
        pmem: process.memoryBytes,
        time: process.cpuMs,
      })[key] ?? process.nsPid;
    list.sort((a, b) => (sort.startsWith("-") ? -1 : 1) * (value(a.process) - value(b.process)));
  }
  if (format.length > 0) return yield* psFormat(tool, list, format);
  if (bsd.includes("u") || (unix.includes("u") && unix.includes("a"))) {
    yield* tool.text("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n");
    for (const { pid, process } of list)
      yield* tool.text(
        `${userName(tool.process, process.context.uid).padEnd(8)} ${String(pid).padStart(7)} ${cpuPercent(tool, process).toFixed(1).padStart(4)} ${memoryPercent(tool, process).toFixed(1).padStart(4)} ${String(virtualKb(process)).padStart(6)} ${String(Math.round(process.memoryBytes / 1024)).padStart(5)} ${ttyName(process).padEnd(8)} ${states(process, tool).padEnd(4)} ${startText(tool, process)} ${shortClock(process.cpuMs).padStart(6)} ${command(process)}\n`,
      );
  } else if (unix.includes("f") || unix.includes("F")) {
    yield* tool.text("UID          PID    PPID  C STIME TTY          TIME CMD\n");
    for (const { pid, process } of list)
      yield* tool.text(
        `${userName(tool.process, process.context.uid).padEnd(8)} ${String(pid).padStart(7)} ${String(parentPid(process)).padStart(7)} ${String(Math.floor(cpuPercent(tool, process))).padStart(2)} ${startText(tool, process)} ${ttyName(process).padEnd(8)} ${cpuClock(process.cpuMs)} ${command(process)}\n`,
      );
  } else if (bsd.includes("a") || bsd.includes("x")) {
    yield* tool.text("    PID TTY      STAT   TIME COMMAND\n");
    for (const { pid, process } of list)
      yield* tool.text(
        `${String(pid).padStart(7)} ${ttyName(process).padEnd(8)} ${states(process, tool).padEnd(4)} ${shortClock(process.cpuMs).padStart(6)} ${command(process)}\n`,
      );
  } else {
    yield* tool.text("    PID TTY          TIME CMD\n");
    for (const { pid, process } of list)
      yield* tool.text(
        `${String(pid).padStart(7)} ${ttyName(process).padEnd(8)} ${cpuClock(process.cpuMs)} ${process.comm}\n`,
      );
  }
  return list.length > 0 ? 0 : 1;
};

function* psFormat(
  tool: Tool,
  list: readonly { readonly pid: number; readonly process: Process }[],
  formats: readonly string[],
): Task<number> {
  const chosen: NonNullable<(typeof columns)[string]>[] = [];
  for (const item of formats.flatMap((format) => format.split(/[ ,]+/)).filter(Boolean)) {
    const [name, title] = item.split("=") as [string, string | undefined];
    const column = columns[aliases[name] ?? name];
    if (!column) {
      yield* tool.process.printError(
        `error: unknown user-defined format specifier "${name}"\n\nUsage:\n ps [options]\n`,
      );
      return 1;
    }
    const shown = title ?? (name === "cmd" ? "CMD" : column.title);
    chosen.push({ ...column, title: shown, width: Math.max(column.width, shown.length) });
  }
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        index === cells.length - 1 && chosen[index]!.left
          ? cell
          : chosen[index]!.left
            ? cell.padEnd(chosen[index]!.width)
            : cell.padStart(chosen[index]!.width),
      )
      .join(" ");
  if (chosen.some((column) => column.title !== "")) yield* tool.text(`${row(chosen.map((column) => column.title))}\n`);
  for (const { pid, process } of list)
    yield* tool.text(`${row(chosen.map((column) => column.value(tool, pid, process)))}\n`);
  return list.length > 0 ? 0 : 1;
}

/** `ps` of a BusyBox that was built without CPU times. */
export const psWithoutTime: ToolRun = (tool) => busyboxPs(tool, false);

function* busyboxPs(tool: Tool, withTime = true): Task<number> {
  const at = tool.args.indexOf("-o");
  if (at >= 0) return yield* psFormat(tool, visible(tool), [tool.args[at + 1] ?? ""]);
  yield* tool.text(`PID   USER     ${withTime ? "TIME  " : ""}COMMAND\n`);
  for (const { pid, process } of visible(tool))
    yield* tool.text(
      `${String(pid).padStart(5)} ${userName(tool.process, process.context.uid).slice(0, 8).padEnd(8)} ${withTime ? `${shortClock(process.cpuMs).padStart(5)} ` : ""}${command(process)}\n`,
    );
  return 0;
}

export const kill: ToolRun = function* (tool) {
  const args = [...tool.args];
  if (args[0] === "-l" || args[0] === "-L") {
    yield* tool.text(
      args[1]
        ? `${/^\d+$/.test(args[1]) ? (signalNames[(Number(args[1]) & 127) - 1] ?? "") : parseSignal(args[1]) ? signalNumber(parseSignal(args[1])!) : ""}\n`
        : tool.flavour === "gnu"
          ? signalTable()
          : signalNames.map((name, index) => `${String(index + 1).padStart(2)}) ${name}\n`).join(""),
    );
    return 0;
  }
  let text = "TERM";
  if (args[0] === "-s" || args[0] === "--signal") {
    args.shift();
    text = args.shift() ?? "";
  } else if (/^-[A-Za-z0-9]+$/.test(args[0] ?? "")) text = args.shift()!.slice(1);
  if (args[0] === "--") args.shift();
  const signal = text === "0" ? undefined : parseSignal(text);
  if (!signal && text !== "0")
    yield* tool.fail(tool.flavour === "gnu" ? `unknown signal ${text}` : `bad signal name '${text}'`);
  if (args.length === 0) {
    yield* tool.process.printError(
      tool.flavour === "gnu" ? "\nUsage:\n kill [options] <pid> [...]\n" : "kill: you need to specify whom to kill\n",
    );
    return 1;
  }
  let status = 0;
  for (const arg of args) {
    if (!/^-?\d+$/.test(arg)) {
      yield* tool.error(tool.flavour === "gnu" ? `failed to parse argument: '${arg}'` : `invalid number '${arg}'`);
      status = 1;
      continue;
    }
    try {
      sendSignal(tool.process, Number(arg), signal);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* tool.error(tool.flavour === "gnu" ? `(${arg}): ${error.text}` : `can't kill pid ${arg}: ${error.text}`);
      status = 1;
    }
  }
  return status;
};

function takeSignal(args: string[], fallback: SignalName = "TERM"): SignalName | undefined {
  const at = args.findIndex((arg) => /^-(?:s|-signal)$/.test(arg));
  if (at >= 0) return parseSignal(args.splice(at, 2)[1] ?? "");
  const short = args.findIndex(
    (arg) => /^-(?:\d+|(?:SIG)?[A-Z][A-Z0-9]+)$/.test(arg) && parseSignal(arg.slice(1)) !== undefined,
  );
  return short >= 0 ? parseSignal(args.splice(short, 1)[0]!.slice(1)) : fallback;
}

export const killall: ToolRun = function* (tool) {
  const args = [...tool.args];
  const signal = takeSignal(args);
  const quiet = args.includes("-q");
  const names = args.filter((arg) => !arg.startsWith("-"));
  if (names.length === 0) {
    yield* tool.process.printError("Usage: killall [OPTION]... [--] NAME...\n");
    return 1;
  }
  let status = 0;
  for (const name of names) {
    const targets = visible(tool).filter(({ process }) => process.comm === name && process !== tool.process);
    if (targets.length === 0) {
      if (!quiet)
        yield* tool.process.printError(
          tool.flavour === "gnu" ? `${name}: no process found\n` : `killall: ${name}: no process killed\n`,
        );
      status = 1;
    }
    for (const { process } of targets) process.signal(signal ?? "TERM");
  }
  return status;
};

export const pgrep: ToolRun = function* (tool) {
  const args = [...tool.args];
  const signal = tool.name === "pkill" ? takeSignal(args) : undefined;
  const options = yield* tool.options(
    {
      short: "fxlnoavcu:P:t:id:eU:",
      long: {
        full: "f",
        exact: "x",
        "list-name": "l",
        newest: "n",
        oldest: "o",
        "list-full": "a",
        inverse: "v",
        count: "c",
        "parent=": "P",
        "ignore-case": "i",
        "delimiter=": "d",
        echo: "e",
      },
    },
    args,
  );
  const pattern = options.operands[0];
  if (pattern === undefined && !options.has("P") && !options.has("u")) {
    yield* tool.usage("no matching criteria specified", 2);
  }
  const regexp = new RegExp(options.has("x") ? `^(?:${pattern ?? ""})$` : (pattern ?? ""), options.has("i") ? "i" : "");
  let list = visible(tool).filter(
    ({ process }) =>
      process !== tool.process &&
      regexp.test(options.has("f") ? command(process) : process.comm.slice(0, 15)) !== options.has("v"),
  );
  if (options.has("P")) list = list.filter(({ process }) => String(parentPid(process)) === options.value("P"));
  if (options.has("n")) list = list.slice(-1);
  if (options.has("o")) list = list.slice(0, 1);
  if (tool.name === "pkill") {
    for (const { pid, process } of list) {
      if (options.has("e")) yield* tool.text(`${process.comm} killed (pid ${pid})\n`);
      process.signal(signal ?? "TERM");
    }
  } else if (options.has("c")) yield* tool.text(`${list.length}\n`);
  else
    for (const { pid, process } of list)
      yield* tool.text(
        `${pid}${options.has("a") ? ` ${command(process)}` : options.has("l") ? ` ${process.comm}` : ""}\n`,
      );
  return list.length > 0 ? 0 : 1;
};

export const pidof: ToolRun = function* (tool) {
  const names = tool.args.filter((arg) => !arg.startsWith("-"));
  const found = visible(tool)
    .filter(({ process }) => names.includes(process.comm))
    .map(({ pid }) => pid)
    .reverse();
  if (found.length > 0) yield* tool.text(`${(tool.args.includes("-s") ? found.slice(0, 1) : found).join(" ")}\n`);
  return found.length > 0 ? 0 : 1;
};

/** Memory of a host in KiB: what the kernel and caches would hold is a fixed share. */
export function memoryUse(process: Process): {
  readonly total: number;
  readonly used: number;
  readonly free: number;
  readonly shared: number;
  readonly cache: number;
  readonly available: number;
} {
  const total = Math.floor(process.kernel.memoryBytes / 1024);
  const programs = Math.ceil(process.kernel.rootCgroup.memoryBytes / 1024);
  const used = Math.min(total, programs + Math.floor(total * 0.06));
  const cache = Math.min(total - used, Math.floor(total * 0.2));
  const free = total - used - cache;
  return { total, used, free, shared: 1204, cache, available: total - used };
}

export const free: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "bkmghtws:c:",
    long: { bytes: "b", kibi: "k", mebi: "m", gibi: "g", human: "h", total: "t", wide: "w" },
  });
  const use = memoryUse(tool.process);
  const human = (kb: number): string => {
    const units = ["Ki", "Mi", "Gi", "Ti"];
    let value = kb;
    let unit = 0;
    while (value >= 1024 && unit < 3) {
      value /= 1024;
      unit++;
    }
    return kb === 0 ? "0B" : `${value < 10 && unit > 0 ? value.toFixed(1) : Math.floor(value)}${units[unit]}`;
  };
  const show = (kb: number): string =>
    options.has("h")
      ? human(kb)
      : options.has("b")
        ? String(kb * 1024)
        : options.has("m")
          ? String(Math.floor(kb / 1024))
          : options.has("g")
            ? String(Math.floor(kb / 1048576))
            : String(kb);
  const row = (values: readonly number[]): string => values.map((value) => show(value).padStart(11)).join(" ");
  yield* tool.text(
    `               total        used        free      shared  buff/cache   available\nMem:    ${row([use.total, use.used, use.free, use.shared, use.cache, use.available])}\nSwap:   ${row([0, 0, 0])}\n`,
  );
  if (options.has("t")) yield* tool.text(`Total:  ${row([use.total, use.used, use.free])}\n`);
  return 0;
};

function uptimeLine(tool: Tool): string {
  const { process } = tool;
  const seconds = Math.floor((process.now() - process.kernel.bootedAt) / 1000);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  const up = `${days > 0 ? `${days} day${days === 1 ? "" : "s"}, ` : ""}${hours > 0 ? `${String(hours).padStart(2)}:${String(minutes).padStart(2, "0")}` : `${minutes} min`}`;
  return ` ${strftime("%T", process.now())} up ${up},  ${tool.flavour === "gnu" ? "1 user" : "0 users"},  load average: ${loadAverage(
    process,
  )
    .map((value) => value.toFixed(2))
    .join(", ")}\n`;
}

/** Programs computing at this moment stand for all three averages. */
export function loadAverage(process: Process): readonly [number, number, number] {
  const load = process.kernel.rootCgroup.computing;
  return [load, load, load];
}

export const uptime: ToolRun = function* (tool) {
  yield* tool.text(uptimeLine(tool));
  return 0;
};

export const lsof: ToolRun = function* (tool) {
  const at = tool.args.indexOf("-p");
  const only = at >= 0 ? Number(tool.args[at + 1]) : undefined;
  yield* tool.text("COMMAND     PID USER   FD      TYPE DEVICE SIZE/OFF  NODE NAME\n");
  for (const { pid, process } of visible(tool)) {
    if (only !== undefined && pid !== only) continue;
    const row = (fd: string, type: string, name: string): string =>
      `${process.comm.slice(0, 9).padEnd(9)} ${String(pid).padStart(5)} ${userName(tool.process, process.context.uid)}  ${fd.padStart(4)}   ${type.padStart(6)}   0,25      0t0     1 ${name}\n`;
    yield* tool.text(row("cwd", "DIR", process.cwd));
    for (const fd of [...process.files.keys()].sort((a, b) => a - b)) {
      const file = process.files.get(fd)!;
      yield* tool.text(
        row(
          `${fd}u`,
          file.isTerminal || file.name.startsWith("/dev/") ? "CHR" : file.name.startsWith("pipe:") ? "FIFO" : "REG",
          file.name,
        ),
      );
    }
  }
  return 0;
};

export const top: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "bn:d:p:o:cHiu:1" });
  const { process } = tool;
  const tty = process.ttyOf(0);
  const batch = options.has("b") || !process.ttyOf(1);
  const count = options.value("n") === undefined ? Number.POSITIVE_INFINITY : Number(options.value("n"));
  const delay = Number(options.value("d") ?? 3) * 1000;
  const mode = tty && { ...tty.mode };
  let before = new Map<Process, { cpu: number; at: number }>();
  if (!batch && tty) {
    tty.setMode({ canonical: false, echo: false });
    yield* tool.text("\x1b[?1049h\x1b[H\x1b[2J\x1b[?25l");
  }
  process.onSignal("INT", () => process.interrupt());
  let byMemory = false;
  try {
    for (let round = 0; round < count; round++) {
      if (round > 0 || !batch) yield* tool.flush();
      const screen = topScreen(tool, before, byMemory, batch ? undefined : tty?.rows);
      before = new Map(visible(tool).map(({ process: each }) => [each, { cpu: each.cpuMs, at: process.now() }]));
      yield* tool.text(
        batch
          ? `${screen.join("\n")}\n${round + 1 < count ? "\n" : ""}`
          : `\x1b[H${screen.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`,
      );
      yield* tool.flush();
      if (round + 1 >= count) break;
      if (batch || !tty) yield* process.sleep(delay);
      else {
        if (!tty.readable) yield* process.waitFor(tty.changed.wait, delay);
        while (tty.readable) {
          const key = yield* process.read(0, 1);
          if (key === "q" || key === NO_BYTES) return 0;
          if (key === "M") byMemory = true;
          if (key === "P") byMemory = false;
        }
      }
    }
    return 0;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return 0;
  } finally {
    if (!batch && tty && !tty.hungUp) {
      if (mode) tty.setMode(mode);
      tty.write("\x1b[?25h\x1b[?1049l" as never).next();
    }
  }
};

function topScreen(
  tool: Tool,
  before: ReadonlyMap<Process, { cpu: number; at: number }>,
  byMemory: boolean,
  rows: number | undefined,
): string[] {
  const { process } = tool;
  const now = process.now();
  const list = visible(tool).map(({ pid, process: each }) => {
    const old = before.get(each);
    const percent = old && now > old.at ? ((each.cpuMs - old.cpu) / (now - old.at)) * 100 : cpuPercent(tool, each);
    return { pid, each, percent };
  });
  list.sort((a, b) => (byMemory ? b.each.memoryBytes - a.each.memoryBytes : b.percent - a.percent) || a.pid - b.pid);
  const use = memoryUse(process);
  const busy = Math.min(100, list.reduce((sum, { percent }) => sum + percent, 0) / process.kernel.cpuCount);
  const count = (letter: string): number => list.filter(({ each }) => stateLetter(each, tool) === letter).length;
  const mib = (kb: number): string => (kb / 1024).toFixed(1).padStart(8);
  if (tool.flavour === "busybox") {
    return [
      `Mem: ${use.used}K used, ${use.free}K free, ${use.shared}K shrd, 0K buff, ${use.cache}K cached`,
      `CPU: ${String(Math.round(busy)).padStart(3)}% usr   0% sys   0% nic ${String(Math.round(100 - busy)).padStart(3)}% idle   0% io   0% irq   0% sirq`,
      `Load average: ${loadAverage(process)
        .map((value) => value.toFixed(2))
        .join(" ")} ${count("R")}/${list.length} ${process.nsPid}`,
      "  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND",
      ...list.map(
        ({ pid, each, percent }) =>
          `${String(pid).padStart(5)} ${String(parentPid(each)).padStart(5)} ${userName(process, each.context.uid).padEnd(8)} ${stateLetter(each, tool).padEnd(4)} ${String(virtualKb(each)).padStart(5)} ${Math.round(memoryPercent(tool, each)).toString().padStart(3)}%   0 ${Math.round(percent).toString().padStart(3)}% ${command(each)}`,
      ),
    ].slice(0, rows);
  }
  return [
    `top -${uptimeLine(tool).trimEnd()}`,
    `Tasks: ${String(list.length).padStart(3)} total, ${String(count("R")).padStart(3)} running, ${String(count("S")).padStart(3)} sleeping, ${String(count("T")).padStart(3)} stopped, ${String(count("Z")).padStart(3)} zombie`,
    `%Cpu(s): ${busy.toFixed(1).padStart(4)} us,  0.0 sy,  0.0 ni, ${(100 - busy).toFixed(1).padStart(4)} id,  0.0 wa,  0.0 hi,  0.0 si,  0.0 st`,
    `MiB Mem : ${mib(use.total)} total, ${mib(use.free)} free, ${mib(use.used)} used, ${mib(use.cache)} buff/cache`,
    `MiB Swap: ${mib(0)} total, ${mib(0)} free, ${mib(0)} used. ${mib(use.available)} avail Mem`,
    "",
    "    PID USER      PR  NI    VIRT    RES    SHR S  %CPU  %MEM     TIME+ COMMAND",
    ...list.map(({ pid, each, percent }) => {
      const hundredths = Math.floor(each.cpuMs / 10);
      const clock = `${Math.floor(hundredths / 6000)}:${String(Math.floor(hundredths / 100) % 60).padStart(2, "0")}.${String(hundredths % 100).padStart(2, "0")}`;
      return `${String(pid).padStart(7)} ${userName(process, each.context.uid).slice(0, 8).padEnd(8)}  20   0 ${String(virtualKb(each)).padStart(7)} ${String(Math.round(each.memoryBytes / 1024)).padStart(6)} ${String(Math.min(3200, Math.round(each.memoryBytes / 2048))).padStart(6)} ${stateLetter(each, tool)} ${percent.toFixed(1).padStart(5)} ${memoryPercent(tool, each).toFixed(1).padStart(5)} ${clock.padStart(9)} ${each.comm}`;
    }),
  ].slice(0, rows);
}

/** Uses CPU and memory for real: what polinux/stress and the stress package do. */
export const stress: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "?vqnt:c:i:m:d:",
    long: {
      help: "?",
      version: "V",
      verbose: "v",
      quiet: "q",
      "dry-run": "n",
      "timeout=": "t",
      "cpu=": "c",
      "io=": "i",
      "vm=": "m",
      "vm-bytes=": "vm-bytes",
      "vm-stride=": "vm-stride",
      "vm-hang=": "vm-hang",
      "vm-keep": "vm-keep",
      "hdd=": "d",
      "hdd-bytes=": "hdd-bytes",
      "backoff=": "backoff",
    },
  });
  const number = (key: string): number => Number(options.value(key) ?? 0);
  const bytes = ((): number => {
    const match = /^(\d+)([bkmg]?)$/i.exec(options.value("vm-bytes") ?? "256M");
    return match
      ? Number(match[1]) * { "": 1, b: 1, k: 1024, m: 1 << 20, g: 1 << 30 }[match[2]!.toLowerCase() as ""]
      : 256 << 20;
  })();
  const [cpu, io, vm, hdd] = [number("c"), number("i"), number("m"), number("d")];
  if (cpu + io + vm + hdd === 0) {
    yield* tool.text(
      "`stress' imposes certain types of compute stress on your system\n\nUsage: stress [OPTION [ARG]] ...\n",
    );
    return 0;
  }
  const { process } = tool;
  const pid = process.nsPid;
  yield* tool.text(`stress: info: [${pid}] dispatching hogs: ${cpu} cpu, ${io} io, ${vm} vm, ${hdd} hdd\n`);
  yield* tool.flush();
  const started = process.now();
  const children: Process[] = [];
  const worker = (memory: number, hang: number | undefined): void => {
    children.push(
      process.spawn({
        argv: process.argv,
        program: function* (self) {
          for (;;) {
            if (memory > 0) self.resizeMemory(memory);
            if (memory > 0) yield* self.compute(Math.max(50, (memory / (1 << 20)) * 0.5));
            else yield* self.compute(1000);
            if (hang !== undefined) {
              if (hang === 0) for (;;) yield* self.sleep(3_600_000);
              yield* self.sleep(hang * 1000);
            }
            if (memory > 0 && !options.has("vm-keep")) self.resizeMemory(512 * 1024);
          }
        },
      }),
    );
  };
  for (let i = 0; i < cpu + io + hdd; i++) worker(0, undefined);
  for (let i = 0; i < vm; i++) worker(bytes, options.has("vm-hang") ? number("vm-hang") : undefined);
  const limit = options.value("t");
  const match = limit === undefined ? undefined : /^(\d+)([smhd]?)$/.exec(limit);
  const until = match
    ? Number(match[1]) * { "": 1000, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as ""]
    : Number.POSITIVE_INFINITY;
  for (;;) {
    const failed = children.find((child) => !child.alive);
    if (failed) {
      const status = failed.ended.peek()!;
      yield* tool.process.printError(
        status.signal
          ? `stress: FAIL: [${pid}] (415) <-- worker ${failed.nsPid} got signal ${signalNumber(status.signal)}\nstress: WARN: [${pid}] (417) now reaping child worker processes\n`
          : `stress: FAIL: [${pid}] (422) <-- worker ${failed.nsPid} returned error ${status.code}\nstress: WARN: [${pid}] (424) now reaping child worker processes\n`,
      );
      for (const child of children) child.signal("KILL");
      for (const child of children) yield* process.wait(child);
      yield* tool.process.printError(
        `stress: FAIL: [${pid}] (451) failed run completed in ${Math.round((process.now() - started) / 1000)}s\n`,
      );
      return 1;
    }
    const left = until - (process.now() - started);
    if (left <= 0) break;
    yield* process.sleep(Math.min(left, 100));
  }
  for (const child of children) child.signal("KILL");
  for (const child of children) yield* process.wait(child);
  yield* tool.text(
    `stress: info: [${pid}] successful run completed in ${Math.round((process.now() - started) / 1000)}s\n`,
  );
  return 0;
};
