/** systemctl: looks at and changes the units of its machine. */
import { civilTime, type Instant } from "../../../base/clock";
import type { Task } from "../../../base/task";
import type { Process, Program } from "../../../os/process";
import type { Host } from "../host";
import type { Unit } from "../systemd";
import { journalLine } from "./journalctl";
import { type NodeTools, readArguments } from "./node-tools";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const pad = (value: number): string => String(value).padStart(2, "0");

const stamp = (at: Instant): string => {
  const t = civilTime(at);
  return `${DAYS[t.weekday]} ${t.year}-${pad(t.month)}-${pad(t.day)} ${pad(t.hour)}:${pad(t.minute)}:${pad(t.second)} UTC`;
};

/** systemd's relative times: `5min ago`, `1h 2min ago`, `12s ago`. */
function ago(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s ago`;
  if (s < 3600) return s < 600 && s % 60 ? `${Math.floor(s / 60)}min ${s % 60}s ago` : `${Math.floor(s / 60)}min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}min ago`;
  return `${Math.floor(s / 86_400)} day${s < 172_800 ? "" : "s"} ago`;
}

export const systemctl =
  (tools: NodeTools): Program =>
  (process) =>
    run(tools, process);

function* run(tools: NodeTools, process: Process): Task<number> {
  const host = tools.hostOf(process);
  if (!host) {
    yield* process.printError(
      "System has not been booted with systemd as init system (PID 1). Can't operate.\nFailed to connect to bus: Host is down\n",
    );
    return 1;
  }
  const { flags, words } = readArguments(
    process.argv.slice(1),
    ["lines", "type", "state"],
    ["no-pager", "now", "quiet", "full", "all", "no-legend"],
    {
      n: "lines",
      q: "quiet",
      l: "full",
      a: "all",
      t: "type",
    },
  );
  const [command = "list-units", ...names] = words;
  if (command === "daemon-reload" || command === "daemon-reexec") return 0;
  if (command === "list-units" || command === "list-unit-files") return yield* listUnits(process, host);
  const known = [
    "status",
    "start",
    "stop",
    "restart",
    "reload-or-restart",
    "try-restart",
    "enable",
    "disable",
    "is-active",
    "is-enabled",
    "is-failed",
    "cat",
    "kill",
    "reset-failed",
    "show",
  ];
  if (!known.includes(command)) {
    yield* process.printError(`Unknown command verb '${command}'.\n`);
    return 1;
  }
  if (names.length === 0) {
    if (command === "status") return yield* listUnits(process, host);
    yield* process.printError("Too few arguments.\n");
    return 1;
  }
  let code = 0;
  for (const name of names) {
    const unit = host.systemd.unit(name);
    const full = name.includes(".") ? name : `${name}.service`;
    if (!unit) {
      code = yield* missing(process, command, full);
      continue;
    }
    code = (yield* apply(process, host, command, unit, flags)) || code;
  }
  return code;
}

function* missing(process: Process, command: string, name: string): Task<number> {
  switch (command) {
    case "status":
      yield* process.printError(`Unit ${name} could not be found.\n`);
      return 4;
    case "is-active":
      yield* process.print("inactive\n");
      return 4;
    case "is-enabled":
    case "enable":
    case "disable":
      yield* process.printError(
        `Failed to ${command === "is-enabled" ? "get unit file state for" : `${command} unit: Unit file`} ${name}${command === "is-enabled" ? ": No such file or directory" : " does not exist."}\n`,
      );
      return 1;
    default:
      yield* process.printError(`Failed to ${command} ${name}: Unit ${name} not found.\n`);
      return 5;
  }
}

function* apply(
  process: Process,
  host: Host,
  command: string,
  unit: Unit,
  flags: ReadonlyMap<string, string>,
): Task<number> {
  const { systemd } = host;
  switch (command) {
    case "status":
      return yield* status(process, host, unit, Number(flags.get("lines") ?? 10));
    case "start":
      systemd.start(unit);
      yield* process.sleep(60);
      return 0;
    case "stop":
      systemd.stop(unit);
      yield* process.sleep(60);
      return 0;
    case "restart":
    case "reload-or-restart":
      systemd.restart(unit);
      yield* process.sleep(120);
      return 0;
    case "try-restart":
      if (unit.state === "active") systemd.restart(unit);
      return 0;
    case "kill":
      unit.process?.signal("TERM");
      return 0;
    case "reset-failed":
      if (unit.state === "failed") unit.state = "inactive";
      return 0;
    case "enable":
      if (!unit.enabled)
        yield* process.printError(
          `Created symlink /etc/systemd/system/multi-user.target.wants/${unit.definition.name} → ${unit.definition.path}.\n`,
        );
      unit.enabled = true;
      if (flags.has("now")) systemd.start(unit);
      return 0;
    case "disable":
      if (unit.enabled)
        yield* process.printError(`Removed "/etc/systemd/system/multi-user.target.wants/${unit.definition.name}".\n`);
      unit.enabled = false;
      if (flags.has("now")) systemd.stop(unit);
      return 0;
    case "is-active":
      if (!flags.has("quiet")) yield* process.print(`${unit.state}\n`);
      return unit.state === "active" ? 0 : 3;
    case "is-failed":
      if (!flags.has("quiet")) yield* process.print(`${unit.state}\n`);
      return unit.state === "failed" ? 0 : 1;
    case "is-enabled":
      if (!flags.has("quiet")) yield* process.print(unit.enabled ? "enabled\n" : "disabled\n");
      return unit.enabled ? 0 : 1;
    case "cat": {
      const { definition } = unit;
      yield* process.print(
        `# ${definition.path}\n[Unit]\nDescription=${definition.description}\n\n[Service]\nExecStart=${definition.argv.join(" ")}\n${definition.restartSeconds === undefined ? "" : `Restart=always\nRestartSec=${definition.restartSeconds}\n`}\n[Install]\nWantedBy=multi-user.target\n`,
      );
      return 0;
    }
    default: {
      yield* process.print(
        `Id=${unit.definition.name}\nDescription=${unit.definition.description}\nMainPID=${unit.process?.pid ?? 0}\nActiveState=${unit.state}\nSubState=${subState(unit)}\nUnitFileState=${unit.enabled ? "enabled" : "disabled"}\nNRestarts=${unit.restarts}\n`,
      );
      return 0;
    }
  }
}

const subState = (unit: Unit): string =>
  unit.state === "active"
    ? "running"
    : unit.state === "activating"
      ? "auto-restart"
      : unit.state === "failed"
        ? "failed"
        : "dead";

function* status(process: Process, host: Host, unit: Unit, lines: number): Task<number> {
  const { definition, state } = unit;
  const now = process.now();
  const mark = state === "active" ? "●" : state === "failed" ? "×" : "○";
  const out = [
    `${mark} ${definition.name} - ${definition.description}`,
    `     Loaded: loaded (${definition.path}; ${unit.enabled ? "enabled" : "disabled"}; preset: enabled)`,
  ];
  if (definition.dropIns?.length) {
    const [first] = definition.dropIns;
    const slash = first!.lastIndexOf("/");
    out.push(`    Drop-In: ${first!.slice(0, slash)}`, `             └─${first!.slice(slash + 1)}`);
  }
  const reason =
    state === "failed" || state === "activating" ? ` (Result: ${unit.result?.signal ? "signal" : "exit-code"})` : "";
  out.push(
    `     Active: ${state} (${subState(unit)})${state === "active" ? "" : reason}${unit.since ? ` since ${stamp(unit.since)}; ${ago(now - unit.since)}` : ""}`,
  );
  if (definition.documentation) out.push(`       Docs: ${definition.documentation}`);
  const main = unit.process;
  if (main) {
    out.push(`   Main PID: ${main.pid} (${main.comm})`);
    out.push(`      Tasks: ${9 + host.kernel.cpuCount} (limit: 4647)`);
    out.push(`     Memory: ${(main.memoryBytes / 1024 / 1024).toFixed(1)}M`);
    out.push(
      `        CPU: ${main.cpuMs >= 1000 ? `${(main.cpuMs / 1000).toFixed(3)}s` : `${Math.floor(main.cpuMs)}ms`}`,
    );
    out.push(`     CGroup: /system.slice/${definition.name}`, `             └─${main.pid} ${main.argv.join(" ")}`);
  } else if (unit.result)
    out.push(
      `   Main PID: ${unit.lastPid} (code=${unit.result.signal ? `killed, signal=${unit.result.signal}` : `exited, status=${unit.result.code}${unit.result.code === 0 ? "/SUCCESS" : "/FAILURE"}`})`,
    );
  const entries = host.journal.read(0).filter((entry) => entry.unit === definition.name);
  if (entries.length > 0 && lines > 0) {
    out.push("");
    for (const entry of entries.slice(-lines)) out.push(journalLine(host, entry));
  }
  yield* process.print(`${out.join("\n")}\n`);
  return state === "active" || state === "activating" ? 0 : 3;
}

function* listUnits(process: Process, host: Host): Task<number> {
  const units = host.systemd.units();
  const width = Math.max(4, ...units.map((unit) => unit.definition.name.length));
  const rows = units.map((unit) => {
    const mark = unit.state === "failed" ? "●" : " ";
    return `${mark} ${unit.definition.name.padEnd(width)} loaded ${unit.state.padEnd(8)} ${subState(unit).padEnd(7)} ${unit.definition.description}`;
  });
  yield* process.print(
    `  ${"UNIT".padEnd(width)} LOAD   ACTIVE   SUB     DESCRIPTION\n${rows.join("\n")}\n\n${units.length} loaded units listed.\n`,
  );
  return 0;
}
