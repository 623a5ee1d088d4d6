/** A machine: a world, the inputs it has had, and what outsiders may see of it. */
import { type Bytes, decodeUtf8 } from "../base/bytes";
import { instantOf } from "../base/clock";
import type { ApiRequest, ApiResponse } from "../base/door";
import { RollingHash } from "../base/hash";
import { limits } from "../base/limits";
import type { Cancel } from "../base/loop";
import {
  type CommandOptions,
  type CommandRun,
  type Input,
  type LogEntry,
  type Machine,
  type MachineLog,
  MissingPart,
  type NoAnswer,
  type Observation,
  type OutsideKubernetesRequest,
  SIMULATOR_VERSION,
  type StartState,
} from "./api";
import { startCommand } from "./commands";
import { askDocker, askKubernetes } from "./doors";
import { applyFault } from "./faults";
import { observe } from "./observe";
import { findScenario } from "./scenarios";
import { hashTree } from "./state-hash";
import { Terminals } from "./terminals";
import { World } from "./world";

/** When every world begins, before it boots. */
const BEGINNING = instantOf(2026, 3, 2, 8);

/** Throws an Error with a sentence for the author when the start state cannot be made. */
export function createMachine(start: StartState): Machine {
  return new SimulatedMachine(start);
}

class SimulatedMachine implements Machine {
  readonly start: StartState;
  readonly epoch: number;
  readonly observe: Observation;
  readonly #world: World;
  readonly #terminals: Terminals;
  readonly #entries: LogEntry[] = [];
  readonly #outputHash = new RollingHash();
  #outputListener: ((terminal: number, bytes: Bytes) => void) | undefined;
  #inputCount = 0;

  constructor(start: StartState) {
    const scenario = findScenario(start.scenario);
    this.start = start;
    this.#world = new World(BEGINNING, start.seed, scenario);
    this.#terminals = new Terminals(this.#world.laptop, (terminal, bytes) => {
      this.#outputHash.feed(bytes);
      this.#outputListener?.(terminal, bytes);
    });
    for (const [path, content] of Object.entries(start.files ?? {})) this.#world.laptop.writeFile(path, content);
    for (const command of start.commands ?? []) this.#prepare(command);
    // The learner arrives at a whole millisecond.
    this.epoch = Math.ceil(this.#world.loop.now());
    this.#world.loop.runUntil(this.epoch);
    if (this.#world.loop.missing !== undefined) throw new MissingPart(this.#world.loop.missing);
    this.#world.arrive(this.epoch);
    this.observe = observe(this.#world, this.epoch);
  }

  #prepare(line: string): void {
    const run = startCommand(this.#world.laptop, line, {});
    const loop = this.#world.loop;
    const firstStep = loop.stepCount;
    while (run.exitCode === undefined) {
      const isOver = loop.stepCount - firstStep > limits.stepsPerInputMax || !loop.step();
      if (loop.missing !== undefined) throw new MissingPart(loop.missing);
      if (isOver) throw new Error(`start state: "${line}" does not end`);
    }
    if (run.exitCode !== 0) {
      throw new Error(
        `start state: "${line}" ended with ${run.exitCode}: ${decodeUtf8(run.stderr) || decodeUtf8(run.stdout)}`,
      );
    }
  }

  now(): number {
    return this.#world.loop.now() - this.epoch;
  }

  runUntil(until: number, maxSteps?: number): boolean {
    return this.#world.loop.runUntil(this.epoch + until, maxSteps);
  }

  get missing(): string | undefined {
    return this.#world.loop.missing;
  }

  nextAt(): number | undefined {
    const next = this.#world.loop.nextAt();
    return next === undefined ? undefined : next - this.epoch;
  }

  apply(input: Input): void {
    // Inputs fall on whole milliseconds, so that a log's numbers are exact.
    const at = Math.ceil(this.now());
    this.runUntil(at);
    if (this.missing !== undefined) throw new MissingPart(this.missing);
    this.#entries.push({ at, ...input });
    this.#inputCount++;
    switch (input.kind) {
      case "open":
        this.#terminals.open(input.terminal, input.columns, input.rows);
        return;
      case "type":
        this.#terminals.type(input.terminal, input.text);
        return;
      case "resize":
        this.#terminals.resize(input.terminal, input.columns, input.rows);
        return;
      case "close":
        this.#terminals.close(input.terminal);
        return;
      case "save":
        this.#world.laptop.writeFile(input.path, input.content);
        this.#world.editorClosed(input.path, true);
        return;
      case "close-editor":
        this.#world.editorClosed(input.path, false);
        return;
      case "fault":
        applyFault(this.#world, input.name, input.arguments ?? {});
        return;
    }
  }

  command(line: string, options: CommandOptions = {}): CommandRun {
    return startCommand(this.#world.laptop, line, options);
  }

  kubernetes(request: OutsideKubernetesRequest): ApiResponse | NoAnswer {
    return askKubernetes(this.#world, request);
  }

  docker(request: ApiRequest, answer: (response: ApiResponse | undefined) => void): Cancel {
    return askDocker(this.#world, request, answer);
  }

  onOutput(listener: (terminal: number, bytes: Bytes) => void): void {
    this.#outputListener = listener;
  }

  isAtPrompt(terminal: number): boolean {
    return this.#terminals.isAtPrompt(terminal);
  }

  onEditor(listener: (request: { readonly path: string; readonly content: string }) => void): void {
    this.#world.onEditor = listener;
  }

  log(): MachineLog {
    return { version: SIMULATOR_VERSION, start: this.start, entries: [...this.#entries], end: this.now() };
  }

  get faults(): readonly string[] {
    return this.#world.faults;
  }

  get steps(): number {
    return this.#world.loop.stepCount;
  }

  get revision(): number {
    return this.#inputCount + this.#world.revision;
  }

  stateHash(): string {
    const hash = new RollingHash();
    hash.feed(`${this.now()} ${this.#world.loop.stepCount}`);
    hash.feed(this.#outputHash.digest());
    hashTree(hash, this.#world.laptop.root);
    this.#world.feedHash(hash);
    return hash.digest();
  }
}
