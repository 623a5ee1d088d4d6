/** jobs, fg, bg, kill, disown. */
import { SysError } from "../../os/errno";
import { parseSignal, signalNames, signalNumber } from "../../os/signals";
import type { Job } from "../jobs";
import { jobControl, waitForeground } from "../processes";
import type { Builtin, Shell } from "../state";
import { sendSignal } from "../signal-processes";
import { signalTable } from "./flow";

export const jobs: Builtin = function* (shell, args) {
  const table = shell.jobs;
  if (!table) return 0;
  const flags = args.filter((arg) => arg.startsWith("-")).join("");
  for (const job of [...table.jobs.values()]) {
    if (flags.includes("r") && job.state !== "Running") continue;
    if (flags.includes("s") && job.state !== "Stopped") continue;
    if (flags.includes("p")) yield* shell.print(`${job.leader.nsPid}\n`);
    else yield* shell.print(`${table.line(job, flags.includes("l"))}\n`);
    job.toldState = job.state;
    if (job.state === "Done") table.remove(job);
  }
  return 0;
};

function* named(shell: Shell, builtin: string, spec: string | undefined) {
  const table = shell.jobs;
  if (!table || !jobControl(shell)) {
    yield* shell.error(`${builtin}: no job control`);
    return undefined;
  }
  const found = table.find(spec ?? "%+");
  if (typeof found === "string") {
    yield* shell.error(`${builtin}: ${spec ?? "current"}: ${found}`);
    return undefined;
  }
  return found;
}

const wake = (shell: Shell, job: Job): void => {
  if (job.group !== undefined) shell.process.kernel.signalGroup(job.group, "CONT");
  else job.signal("CONT");
};

export const fg: Builtin = function* (shell, args) {
  const job = yield* named(shell, "fg", args[0]);
  if (!job) return 1;
  if (job.state === "Done") {
    yield* shell.error("fg: job has terminated");
    shell.jobs?.remove(job);
    return 1;
  }
  yield* shell.print(`${job.text}\n`);
  job.background = false;
  job.toldState = "Running";
  const tty = shell.jobs?.tty;
  if (tty) {
    if (job.ttyMode) tty.setMode(job.ttyMode);
    tty.foregroundGroup = job.leader.group;
  }
  wake(shell, job);
  return yield* waitForeground(shell, job, job.processes.length > 1);
};

export const bg: Builtin = function* (shell, args) {
  let status = 0;
  for (const spec of args.length ? args : [undefined]) {
    const job = yield* named(shell, "bg", spec);
    if (!job) {
      status = 1;
      continue;
    }
    if (job.state === "Running") {
      yield* shell.error(`bg: job ${job.number} already in background`);
      continue;
    }
    job.background = true;
    job.toldState = "Running";
    yield* shell.print(`[${job.number}]${shell.jobs!.mark(job)} ${job.text} &\n`);
    wake(shell, job);
  }
  return status;
};

export const disown: Builtin = function* (shell, args) {
  const keeps = args.includes("-h");
  const all = args.some((arg) => /^-[ar]+$/.test(arg));
  const specs = args.filter((arg) => !arg.startsWith("-"));
  const chosen: Job[] = [];
  if (all) chosen.push(...(shell.jobs?.jobs.values() ?? []));
  for (const spec of specs.length || all ? specs : [undefined]) {
    const found =
      spec !== undefined && /^\d+$/.test(spec)
        ? (shell.jobs?.byPid(Number(spec)) ?? "no such job")
        : shell.jobs?.find(spec ?? "%+");
    if (!found || typeof found === "string") {
      yield* shell.error(`disown: ${spec ?? "current"}: no such job`);
      return 1;
    }
    chosen.push(found);
  }
  for (const job of chosen) {
    job.disowned = true;
    if (!keeps) shell.jobs?.jobs.delete(job.number);
  }
  return 0;
};

const killUsage = "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]";

export const kill: Builtin = function* (shell, args) {
  const rest = [...args];
  let signalText = "TERM";
  if (rest[0] === "-l" || rest[0] === "-L") {
    rest.shift();
    if (rest.length === 0) {
      yield* shell.print(shell.flavour === "bash" ? signalTable() : signalNames.map((name) => `${name}\n`).join(""));
      return 0;
    }
    for (const text of rest) {
      const name = parseSignal(/^\d+$/.test(text) && Number(text) > 128 ? String(Number(text) - 128) : text);
      if (!name) {
        yield* shell.error(`kill: ${text}: invalid signal specification`);
        return 1;
      }
      yield* shell.print(`${/^\d+$/.test(text) ? name : signalNumber(name)}\n`);
    }
    return 0;
  }
  if (rest[0] === "-s" || rest[0] === "-n") {
    rest.shift();
    signalText = rest.shift() ?? "";
  } else if (rest[0] !== undefined && /^-[A-Za-z0-9]+$/.test(rest[0])) signalText = rest.shift()!.slice(1);
  if (rest[0] === "--") rest.shift();
  if (rest.length === 0) {
    yield* shell.process.printError(
      shell.flavour === "bash"
        ? `${killUsage}\n`
        : `${shell.messagePrefix}kill: Usage: kill [-s sigspec | -signum | -sigspec] [pid | job]... or\nkill -l [exitstatus]\n`,
    );
    return 2;
  }
  const isProbe = signalText === "0";
  const signal = parseSignal(signalText);
  if (!signal && !isProbe) {
    yield* shell.error(`kill: ${signalText}: invalid signal specification`);
    return 1;
  }
  let status = 0;
  for (const target of rest) {
    if (target.startsWith("%")) {
      const job = shell.jobs?.find(target) ?? "no such job";
      if (typeof job === "string") {
        yield* shell.error(`kill: ${target}: ${job}`);
        status = 1;
        continue;
      }
      if (!signal) continue;
      if (job.group !== undefined) shell.process.kernel.signalGroup(job.group, signal);
      else job.signal(signal);
      // A stopped job must run to notice that it is to end.
      if (job.state === "Stopped" && (signal === "TERM" || signal === "HUP")) wake(shell, job);
      continue;
    }
    if (!/^-?\d+$/.test(target)) {
      yield* shell.error(`kill: ${target}: arguments must be process or job IDs`);
      status = 1;
      continue;
    }
    try {
      sendSignal(shell.process, Number(target), signal);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* shell.error(`kill: (${target}) - ${error.text}`);
      status = 1;
    }
  }
  return status;
};
