/** break, continue, return, exit, eval, source, shift, trap, wait, exec … */
import { firstOf, suspend } from "../../base/task";
import { SysError } from "../../os/errno";
import { Interrupted } from "../../os/process";
import { parseSignal, signalNames } from "../../os/signals";
import { BreakLoop, ContinueLoop, ReturnFromFunction, ShellExit } from "../control";
import type { Job } from "../jobs";
import { singleQuote } from "../quoting";
import { execProgram, findProgram } from "../simple-command";
import type { Builtin, Shell } from "../state";
import { catchSignal } from "../traps";

function* numberOf(shell: Shell, name: string, text: string | undefined, fallback: number) {
  if (text === undefined) return fallback;
  if (/^-?\d+$/.test(text)) return Number(text);
  yield* shell.error(`${name}: ${text}: numeric argument required`);
  return undefined;
}

const loop = (name: string, make: (levels: number) => unknown): Builtin =>
  function* (shell, args) {
    const levels = yield* numberOf(shell, name, args[0], 1);
    if (levels === undefined) throw new ShellExit(128);
    if (shell.loopDepth === 0) {
      if (shell.flavour === "bash")
        yield* shell.error(`${name}: only meaningful in a \`for', \`while', or \`until' loop`);
      return 0;
    }
    if (levels < 1) {
      yield* shell.error(`${name}: ${levels}: loop count out of range`);
      throw new BreakLoop(shell.loopDepth);
    }
    throw make(levels);
  };

export const breakLoop = loop("break", (levels) => new BreakLoop(levels));
export const continueLoop = loop("continue", (levels) => new ContinueLoop(levels));

export const returnFrom: Builtin = function* (shell, args) {
  const status = yield* numberOf(shell, "return", args[0], shell.status);
  if (shell.frames.length === 0 && shell.sourceDepth === 0) {
    if (shell.flavour !== "bash") throw new ShellExit((status ?? 2) & 255);
    yield* shell.error("return: can only `return' from a function or sourced script");
    return 2;
  }
  throw new ReturnFromFunction(status === undefined ? 2 : status & 255);
};

export const exit: Builtin = function* (shell, args) {
  if (shell.interactive && shell.subshellDepth === 0) {
    if (shell.flavour === "bash") yield* shell.process.printError("exit\n");
    const stopped = [...(shell.jobs?.jobs.values() ?? [])].some((job) => job.state === "Stopped");
    if (stopped && !shell.warnedOfJobs) {
      shell.warnedOfJobs = true;
      yield* shell.process.printError("There are stopped jobs.\n");
      return 1;
    }
  }
  const status = yield* numberOf(shell, "exit", args[0], shell.status);
  throw new ShellExit(status === undefined ? 2 : status & 255);
};

export const evalText: Builtin = function* (shell, args) {
  const text = args.join(" ");
  if (text.trim() === "") return 0;
  shell.traceDepth++;
  try {
    return yield* shell.engine.runText(shell, text, shell.line);
  } finally {
    shell.traceDepth--;
  }
};

export const source: Builtin = function* (shell, args) {
  const name = args[0];
  if (name === undefined) {
    yield* shell.error(".: filename argument required");
    yield* shell.process.printError(".: usage: . filename [arguments]\n");
    return 2;
  }
  let path = shell.process.path(name);
  if (!name.includes("/")) {
    const inPath = (shell.get("PATH") ?? "").split(":").map((dir) => shell.process.path(`${dir || "."}/${name}`));
    path = inPath.find((candidate) => shell.process.fs.find(candidate)?.kind === "file") ?? path;
  }
  let text: string;
  try {
    text = shell.process.readText(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (shell.flavour === "bash")
      yield* shell.error(error.code === "EISDIR" ? `${name}: is a directory` : `${name}: ${error.text}`);
    else
      yield* shell.error(
        shell.flavour === "dash" ? `.: cannot open ${name}: No such file` : `.: can't open '${name}': ${error.text}`,
      );
    if (shell.flavour !== "bash" && !shell.interactive) throw new ShellExit(2);
    return 1;
  }
  const positional = shell.positional;
  const scriptName = shell.sourceName;
  if (args.length > 1) shell.positional = args.slice(1);
  shell.sourceDepth++;
  shell.sourceName = name;
  const wasCommandString = shell.fromCommandString;
  try {
    return yield* shell.engine.runText(shell, text);
  } catch (error) {
    if (!(error instanceof ReturnFromFunction)) throw error;
    return error.status;
  } finally {
    shell.sourceDepth--;
    shell.sourceName = scriptName;
    shell.fromCommandString = wasCommandString;
    if (args.length > 1) shell.positional = positional;
  }
};

export const shift: Builtin = function* (shell, args) {
  const count = yield* numberOf(shell, "shift", args[0], 1);
  if (count === undefined) return 1;
  if (count < 0) {
    yield* shell.error(`shift: ${count}: shift count out of range`);
    return 1;
  }
  if (count > shell.positional.length) {
    if (shell.flavour === "dash") {
      yield* shell.error("shift: can't shift that many");
      if (!shell.interactive) throw new ShellExit(2);
    }
    return 1;
  }
  shell.positional = shell.positional.slice(count);
  return 0;
};

export const trap: Builtin = function* (shell, args) {
  let rest = [...args];
  if (rest[0] === "-l") {
    yield* shell.print(signalTable());
    return 0;
  }
  const prints = rest[0] === "-p";
  if (prints || rest[0] === "--") rest = rest.slice(1);
  if (prints || rest.length === 0) {
    const order = ["EXIT", ...signalNames, "DEBUG", "ERR", "RETURN"];
    const wanted = rest.length ? rest.map((name) => trapName(name) ?? name) : order;
    for (const name of order) {
      const action = shell.traps.get(name);
      if (action !== undefined && wanted.includes(name))
        yield* shell.print(
          `trap -- ${singleQuote(action)} ${signalNames.includes(name as never) ? (shell.flavour === "bash" ? `SIG${name}` : name) : name}\n`,
        );
    }
    return 0;
  }
  let action: string | undefined = rest[0];
  let names = rest.slice(1);
  if (names.length === 0 || action === "-") {
    if (action !== "-") names = rest;
    action = undefined;
  }
  let status = 0;
  for (const text of names) {
    const name = trapName(text);
    if (name === undefined) {
      if (shell.flavour === "dash") yield* shell.process.printError(`trap: ${text}: bad trap\n`);
      else yield* shell.error(`trap: ${text}: invalid signal specification`);
      status = 1;
      continue;
    }
    setTrap(shell, name, action);
  }
  return status;
};

function trapName(text: string): string | undefined {
  const upper = text.toUpperCase().replace(/^SIG/, "");
  if (upper === "0" || upper === "EXIT") return "EXIT";
  if (upper === "ERR" || upper === "DEBUG" || upper === "RETURN") return upper;
  return parseSignal(text);
}

function setTrap(shell: Shell, name: string, action: string | undefined): void {
  if (action === undefined) shell.traps.delete(name);
  else shell.traps.set(name, action);
  const signal = parseSignal(name);
  if (!signal || name === "EXIT") return;
  if (action === undefined) {
    if (shell.interactive || signal === "INT") catchSignal(shell, signal);
    else shell.process.onSignal(signal, "default");
  } else if (action === "") shell.process.onSignal(signal, "ignore");
  else catchSignal(shell, signal);
}

/** As `kill -l` and `trap -l` list them. */
export function signalTable(): string {
  const names = [...signalNames.map((name, index) => ({ number: index + 1, name: `SIG${name}` }))];
  for (let n = 34; n <= 64; n++)
    names.push({
      number: n,
      name: n === 34 ? "SIGRTMIN" : n === 64 ? "SIGRTMAX" : n < 50 ? `SIGRTMIN+${n - 34}` : `SIGRTMAX-${64 - n}`,
    });
  let out = "";
  names.forEach(({ number, name }, index) => {
    out += `${String(number).padStart(2)}) ${name}`;
    out += index % 5 === 4 || index === names.length - 1 ? "\n" : "\t";
  });
  return out;
}

export const wait: Builtin = function* (shell, args) {
  const any = args[0] === "-n";
  const specs = args.filter((arg) => !arg.startsWith("-"));
  const table = shell.jobs;
  if (!table) return 0;
  let status = 0;
  shell.interruptible = true;
  try {
    if (any) {
      const jobs = table.own().filter((job) => job.background);
      if (jobs.length === 0) return 127;
      let done = jobs.find((job) => job.state === "Done");
      while (!done) {
        yield* suspend(firstOf(jobs.map((job) => job.last.changed.wait)));
        done = jobs.find((job) => job.state === "Done");
      }
      return endOf(shell, done);
    }
    if (specs.length === 0) {
      for (const job of table.own()) {
        yield* job.settled();
        if (job.state === "Done" && !shell.interactive) table.remove(job);
      }
      return 0;
    }
    for (const spec of specs) {
      let job: Job | undefined;
      if (spec.startsWith("%")) {
        const found = table.find(spec);
        if (typeof found === "string") {
          yield* shell.error(`wait: ${spec}: ${found}`);
          status = 127;
          continue;
        }
        job = found;
      } else {
        if (!/^\d+$/.test(spec)) {
          yield* shell.error(`wait: \`${spec}': not a pid or valid job spec`);
          status = 1;
          continue;
        }
        job = table.byPid(Number(spec));
        if (!job) {
          const known = shell.endedPids.get(Number(spec));
          if (known !== undefined) {
            status = known;
            continue;
          }
          yield* shell.error(`wait: pid ${spec} is not a child of this shell`);
          status = 127;
          continue;
        }
      }
      yield* job.settled();
      status = endOf(shell, job);
    }
    return status;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    const signal = shell.pendingSignals[0];
    return signal ? 128 + signalNames.indexOf(signal) + 1 : 130;
  } finally {
    shell.interruptible = false;
  }
};

function endOf(shell: Shell, job: Job): number {
  const status = job.status?.code ?? 0;
  shell.endedPids.set(job.last.nsPid, status);
  shell.jobs?.remove(job);
  return status;
}

export const exec: Builtin = function* (shell, args) {
  let rest = [...args];
  let name: string | undefined;
  let clean = false;
  while (rest[0]?.startsWith("-") && rest[0] !== "-") {
    const flag = rest.shift()!;
    if (flag === "-a") name = rest.shift();
    else if (flag === "-c") clean = true;
    else if (flag === "--") break;
    else if (flag !== "-l") {
      yield* shell.error(`exec: ${flag}: invalid option`);
      yield* shell.process.printError("exec: usage: exec [-cl] [-a name] [command [argument ...]] [redirection ...]\n");
      return 2;
    }
  }
  if (rest.length === 0) return 0;
  if (name !== undefined) rest = [rest[0]!, ...rest.slice(1)];
  shell.process.ttyOf(0)?.resetMode();
  if (shell.interactive)
    for (const signal of ["INT", "TERM", "QUIT", "TSTP", "TTIN", "TTOU"] as const)
      shell.process.onSignal(signal, "default");
  if (shell.flavour !== "ash" && !rest[0]!.includes("/") && findProgram(shell, rest[0]!) === undefined) {
    yield* shell.error(`exec: ${rest[0]}: not found`);
    if (!shell.interactive) throw new ShellExit(127);
    return 127;
  }
  const status = yield* execProgram(shell, rest, clean ? {} : shell.environment());
  if (!shell.interactive || status === 0) throw new ShellExit(status);
  return status;
};

export const command: Builtin = function* (shell, args) {
  const rest = [...args];
  let describe: "v" | "V" | undefined;
  while (rest[0]?.startsWith("-") && rest[0].length > 1) {
    const flag = rest.shift()!;
    if (flag === "--") break;
    if (flag.includes("v")) describe = "v";
    if (flag.includes("V")) describe = "V";
  }
  if (rest.length === 0) return 0;
  if (describe) {
    let status = 0;
    for (const name of rest)
      if ((yield* shell.engine.runCommand(shell, describe === "v" ? ["type", "-v", name] : ["type", "-V", name])) !== 0)
        status = shell.flavour === "bash" ? 1 : 127;
    return status;
  }
  return yield* shell.engine.runCommand(shell, rest, { skipFunctions: true });
};

export const builtinCommand: Builtin = function* (shell, args) {
  const name = args[0];
  if (name === undefined) return 0;
  if (!shell.engine.builtins.has(name) && !shell.engine.declarations.has(name)) {
    yield* shell.error(`builtin: ${name}: not a shell builtin`);
    return 1;
  }
  return yield* shell.engine.runCommand(shell, args, { skipFunctions: true });
};

export const times: Builtin = function* (shell) {
  const clock = (ms: number): string => `${Math.floor(ms / 60_000)}m${((ms % 60_000) / 1000).toFixed(3)}s`;
  yield* shell.print(`${clock(shell.cpuMs)} ${clock(0)}\n${clock(shell.childrenCpuMs)} ${clock(0)}\n`);
  return 0;
};
