/** The service manager of one host: units that are started, stopped, crash and are restarted. `systemctl` talks to it. */
import type { Instant } from "../../base/clock";
import type { Cancel, Loop } from "../../base/loop";
import type { Process, Program } from "../../os/process";
import type { Journal } from "./journal";

export interface UnitDefinition {
  /** With its suffix: `kubelet.service`. */
  readonly name: string;
  readonly description: string;
  readonly argv: readonly string[];
  readonly program: Program;
  /** Seconds after an unwanted end; undefined: it stays down. */
  readonly restartSeconds?: number;
  readonly documentation?: string;
  /** Files that `systemctl status` shows. */
  readonly path: string;
  readonly dropIns?: readonly string[];
}

export type UnitState = "active" | "inactive" | "failed" | "activating";

export class Unit {
  readonly definition: UnitDefinition;
  state: UnitState = "inactive";
  enabled = true;
  since: Instant = 0;
  process: Process | undefined;
  lastPid = 0;
  /** How the last process ended. */
  result: { readonly code: number; readonly signal?: string } | undefined;
  restarts = 0;
  timer: Cancel | undefined;

  constructor(definition: UnitDefinition) {
    this.definition = definition;
  }

  /** `kubelet` */
  get shortName(): string {
    return this.definition.name.replace(/\.service$/, "");
  }
}

export interface SystemdOptions {
  readonly loop: Loop;
  readonly journal: Journal;
  spawn(definition: UnitDefinition): Process;
}

export class Systemd {
  readonly #options: SystemdOptions;
  readonly #units = new Map<string, Unit>();
  /** The host is off: nothing starts. */
  isOff = false;

  constructor(options: SystemdOptions) {
    this.#options = options;
  }

  add(definition: UnitDefinition): Unit {
    const unit = new Unit(definition);
    this.#units.set(definition.name, unit);
    return unit;
  }

  /** By name, with or without `.service`. */
  unit(name: string): Unit | undefined {
    return this.#units.get(name.endsWith(".service") ? name : `${name}.service`);
  }

  units(): readonly Unit[] {
    return [...this.#units.values()];
  }

  start(unit: Unit): void {
    if (unit.state === "active" || this.isOff) return;
    unit.timer?.();
    unit.timer = undefined;
    this.#say(unit, `Started ${unit.definition.name} - ${unit.definition.description}.`);
    const { loop } = this.#options;
    const process = this.#options.spawn(unit.definition);
    unit.process = process;
    unit.lastPid = process.pid;
    unit.state = "active";
    unit.since = loop.now();
    process.ended.wait((status) => {
      if (unit.process !== process) return;
      unit.process = undefined;
      unit.result = status.signal ? { code: status.code, signal: status.signal } : { code: status.code };
      this.#ended(unit);
    });
  }

  #ended(unit: Unit): void {
    const { loop } = this.#options;
    const { name, restartSeconds } = unit.definition;
    const { code, signal } = unit.result!;
    unit.since = loop.now();
    this.#say(
      unit,
      signal
        ? `${name}: Main process exited, code=killed, status=${code - 128}/${signal}`
        : `${name}: Main process exited, code=exited, status=${code}/${code === 0 ? "SUCCESS" : "FAILURE"}`,
    );
    if (code !== 0) this.#say(unit, `${name}: Failed with result '${signal ? "signal" : "exit-code"}'.`);
    if (restartSeconds === undefined || this.isOff) {
      unit.state = code === 0 ? "inactive" : "failed";
      return;
    }
    unit.state = "activating";
    unit.timer = loop.after(restartSeconds * 1000, () => {
      unit.restarts++;
      this.#say(unit, `${name}: Scheduled restart job, restart counter is at ${unit.restarts}.`);
      this.start(unit);
    });
  }

  /** SIGTERM and no restart. Components end at once; their children too. */
  stop(unit: Unit): void {
    unit.timer?.();
    unit.timer = undefined;
    const process = unit.process;
    if (unit.state === "inactive") return;
    unit.process = undefined;
    unit.state = "inactive";
    unit.since = this.#options.loop.now();
    if (process?.alive) {
      this.#say(unit, `Stopping ${unit.definition.name} - ${unit.definition.description}...`);
      process.signal("TERM");
      if (process.alive) process.signal("KILL", { fromOutside: true });
      unit.result = { code: 0 };
      this.#say(unit, `${unit.definition.name}: Deactivated successfully.`);
      this.#say(unit, `Stopped ${unit.definition.name} - ${unit.definition.description}.`);
    }
  }

  restart(unit: Unit): void {
    this.stop(unit);
    this.start(unit);
  }

  #say(unit: Unit, text: string): void {
    this.#options.journal.write(unit.definition.name, "systemd[1]", text);
  }
}
