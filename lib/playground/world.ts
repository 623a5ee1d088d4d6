/** One lesson's world inside the worker: the machine, its session, its clock, and the log on disk that it can be rebuilt from. */
import { GRID_MS, type GoalState, LessonSession } from "@/lib/checker/session";
import {
  bytesToArray,
  createMachine,
  type Input,
  type LogEntry,
  type Machine,
  SIMULATOR_VERSION,
} from "@/simulator/core";
import { fetchPart } from "./parts";
import type { FromWorker, Skip, TerminalChunk, WorldSpec } from "./protocol";
import { type AttemptRecord, appendEntry, deleteEntries, mergeProgress, readEntries, type Store } from "./store";
import { VirtualClock } from "./virtual-clock";

/** How long the worker computes, in wall ms, before it looks at its messages again. */
const SLICE_MS = 12;
/** Virtual ms run between two looks at the wall clock. */
const STRIDE_MS = 25;
const TICK_MS_MAX = 200;
const SAVE_END_EVERY_MS = 3000;
/** How long a skip waits for something to change, in virtual ms. */
const CHANGE_WAIT_MS_MAX = 10 * 60_000;

export type Tell = (message: FromWorker, transfer?: Transferable[]) => void;

export class World {
  readonly #spec: WorldSpec;
  readonly #store: Store | undefined;
  readonly #tell: Tell;
  readonly #onProof: () => void;
  readonly attempt: string;
  readonly #machine: Machine;
  readonly #session: LessonSession;
  readonly #clock: VirtualClock;
  #entries = 0;
  #chunks: TerminalChunk[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #skipTo: number | undefined;
  /** The skip under way ends when something is printed or a goal's state changes. */
  #stopsAtChange = false;
  #hints: number;
  #isPathTold = false;
  #savedEnd = 0;
  #savedAt = 0;
  #goalsMet = 0;
  #goalsChanged = true;
  #isStopped = false;
  #clockSaid = "";

  constructor(spec: WorldSpec, attempt: string, store: Store | undefined, tell: Tell, onProof: () => void, hints = 0) {
    this.#hints = hints;
    this.#spec = spec;
    this.#store = store;
    this.#tell = tell;
    this.#onProof = onProof;
    this.attempt = attempt;
    this.#machine = createMachine(spec.start);
    this.#machine.onOutput((terminal, bytes) =>
      this.#chunks.push({ terminal, bytes: bytesToArray(bytes) as Uint8Array<ArrayBuffer> }),
    );
    this.#session = new LessonSession(this.#machine, spec.lesson);
    this.#session.onGoals(() => {
      this.#goalsChanged = true;
    });
    this.#clock = new VirtualClock(performance.now(), 0);
  }

  /** Replays a log, showing its output as it goes. Returns the terminals that are open at its end. */
  async restore(entries: readonly LogEntry[], end: number): Promise<number[]> {
    const open = new Set<number>();
    for (const { at, ...input } of entries) {
      await this.#runTo(at);
      await this.#completeInstant();
      if (input.kind === "open" || input.kind === "resize") {
        this.#chunks.push({ terminal: input.terminal, columns: input.columns, rows: input.rows });
      }
      if (input.kind === "open") open.add(input.terminal);
      if (input.kind === "close") open.delete(input.terminal);
      this.#session.apply(input);
      this.#entries++;
    }
    await this.#runTo(Math.max(end, entries.at(-1)?.at ?? 0));
    this.#goalsMet = this.#met().length;
    this.#clock.rebase(this.#machine.now());
    this.#savedEnd = this.#machine.now();
    return [...open].sort((a, b) => a - b);
  }

  /** From now on time runs. A fresh world's editor requests are only heard from here: a restored one's were answered. */
  begin(): void {
    this.#machine.onEditor(({ path, content }) => {
      this.#flush();
      this.#tell({ kind: "editor", path, content });
    });
    this.#clock.rebase(this.#machine.now());
    this.#clock.wake(performance.now());
    this.#flush();
    this.#schedule(0);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async apply(input: Input): Promise<void> {
    if (this.#isStopped) return;
    const now = performance.now();
    this.#clock.wake(now);
    if (this.#skipTo === undefined) this.#advance(this.#clock.at(now));
    if (this.#machine.missing !== undefined) await this.#completeInstant();
    this.#session.apply(input);
    this.#remember({ at: this.#machine.now(), ...input });
    // One ms on, so that the echo is in this very message's answer.
    this.#session.advanceTo(this.#machine.now() + 1);
    this.#flush();
    this.#schedule(0);
  }

  setSpeed(speed: number): void {
    this.#clock.wake(performance.now());
    this.#clock.speed = speed;
    this.#flush();
    this.#schedule(0);
  }

  skip(skip: Skip): void {
    this.#clock.wake(performance.now());
    this.#flush();
    this.#stopsAtChange = skip === "change";
    const ms = skip === "change" ? CHANGE_WAIT_MS_MAX : skip;
    this.#skipTo = Math.max(skip === "change" ? 0 : (this.#skipTo ?? 0), this.#machine.now()) + ms;
    this.#schedule(0);
  }

  /** Kept with the world, so that a reload does not forget it. */
  noteHint(): void {
    this.#hints++;
    const { attempt } = this;
    const save = async (store: Store) => {
      const tx = store.transaction("worlds", "readwrite");
      const world = await tx.store.get(this.#spec.key);
      if (world?.attempt === attempt) await tx.store.put({ ...world, hints: this.#hints });
      await tx.done;
    };
    if (this.#store !== undefined) save(this.#store).catch(() => this.#tell({ kind: "saved", saving: "failed" }));
  }

  show(isVisible: boolean): void {
    this.#clock.show(isVisible, performance.now());
    if (!isVisible) this.#saveEnd(true);
    this.#schedule(0);
  }

  /** What a proof says about the world as it is now. */
  snapshot(): AttemptRecord & { readonly entries: number; readonly hash: string } {
    return { ...this.record(), entries: this.#entries, hash: this.#machine.stateHash() };
  }

  record(): AttemptRecord {
    return {
      attempt: this.attempt,
      version: SIMULATOR_VERSION,
      startHash: this.#spec.startHash,
      end: this.#machine.now(),
    };
  }

  log() {
    return this.#machine.log();
  }

  #tick(): void {
    if (this.#isStopped) return;
    const now = performance.now();
    const target = this.#skipTo ?? this.#clock.at(now);
    const hasChanged = () => this.#stopsAtChange && (this.#chunks.length > 0 || this.#goalsChanged);
    const isThere = this.#advance(target, this.#skipTo === undefined ? undefined : hasChanged);
    if (isThere && this.#skipTo !== undefined) {
      this.#stopsAtChange = false;
      this.#skipTo = undefined;
      this.#clock.at(now);
      this.#clock.rebase(this.#machine.now());
    }
    // Rather late than in a burst: what could not be run in time is not caught up with.
    if (!isThere && this.#skipTo === undefined) this.#clock.rebase(this.#machine.now());
    this.#flush();
    this.#saveEnd(false);
    this.#schedule(isThere ? this.#untilNext() : 0);
  }

  #untilNext(): number {
    if (this.#clock.isResting(performance.now())) return TICK_MS_MAX * 5;
    const due = this.#machine.nextAt();
    const wait = due === undefined ? TICK_MS_MAX : (due - this.#machine.now()) / this.#clock.speed;
    return Math.min(Math.max(wait, 8), TICK_MS_MAX);
  }

  #schedule(ms: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.#tick();
      } catch (error) {
        this.fail(error);
      }
    }, ms);
  }

  /** Our bug: the world stops, and the page is given what is needed to report it. */
  fail(error: unknown): void {
    this.stop();
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#tell({ kind: "failure", message, log: this.#machine.log() });
  }

  /**
   * Runs towards `target` for a slice of wall time. It stops between instants only, never inside one: an input comes
   * after everything that was due at its time, and a replay would see it so.
   */
  #advance(target: number, isEnough?: () => boolean): boolean {
    const stopAt = performance.now() + SLICE_MS;
    while (this.#machine.now() < target) {
      const from = this.#machine.now();
      const due = Math.min(this.#machine.nextAt() ?? target, isEnough === undefined ? target : from + GRID_MS);
      this.#session.advanceTo(Math.min(target, Math.max(from + STRIDE_MS, due)));
      if (isEnough?.()) return true;
      if (this.#machine.missing !== undefined) return false;
      if (performance.now() > stopAt) return this.#machine.now() >= target;
    }
    return true;
  }

  /** Fetches what the world waits for, while its time stands, and runs the rest of the instant it stopped in. */
  async #completeInstant(): Promise<void> {
    for (let part = this.#machine.missing; part !== undefined; part = this.#machine.missing) {
      await fetchPart(part);
      this.#session.advanceTo(this.#machine.now());
    }
    this.#clock.rebase(this.#machine.now());
  }

  async #runTo(at: number): Promise<void> {
    while (!this.#advance(at)) {
      this.#flush();
      await this.#completeInstant();
      await new Promise((turn) => setTimeout(turn, 0));
    }
  }

  #remember(entry: LogEntry): void {
    const index = this.#entries++;
    if (this.#store === undefined) return;
    appendEntry(this.#store, this.attempt, index, entry).catch(() => this.#tell({ kind: "saved", saving: "failed" }));
    this.#saveEnd(false);
  }

  #saveEnd(isUrgent: boolean): void {
    const end = this.#machine.now();
    const now = performance.now();
    if (this.#store === undefined || end === this.#savedEnd || (!isUrgent && now - this.#savedAt < SAVE_END_EVERY_MS))
      return;
    this.#savedAt = now;
    this.#savedEnd = end;
    const { attempt } = this;
    const save = async (store: Store) => {
      const tx = store.transaction("worlds", "readwrite");
      const world = await tx.store.get(this.#spec.key);
      if (world?.attempt === attempt) await tx.store.put({ ...world, end });
      await tx.done;
    };
    save(this.#store).catch(() => this.#tell({ kind: "saved", saving: "failed" }));
  }

  #met(): GoalState[] {
    return this.#session.goals.filter((goal) => goal.met);
  }

  #flush(): void {
    if (this.#chunks.length > 0) {
      const chunks = joinChunks(this.#chunks);
      this.#chunks = [];
      this.#tell(
        { kind: "output", chunks },
        chunks.flatMap((chunk) => ("bytes" in chunk ? [chunk.bytes.buffer] : [])),
      );
    }
    if (this.#goalsChanged) {
      this.#goalsChanged = false;
      this.#tell({ kind: "goals", goals: this.#session.goals });
      const met = this.#met();
      if (met.length > this.#goalsMet) {
        this.#goalsMet = met.length;
        void this.#prove(met);
      }
      if (this.#session.solved && !this.#isPathTold) {
        this.#isPathTold = true;
        const last = Math.max(...met.map((goal) => goal.metAt ?? 0));
        const path = this.#machine.observe.lines().filter((line) => line.at <= last);
        this.#tell({ kind: "path", path });
      }
    }
    const clock = {
      at: this.#machine.now(),
      speed: this.#clock.speed,
      isResting: this.#clock.isResting(performance.now()),
      ...(this.#skipTo === undefined ? {} : { skippingTo: this.#skipTo }),
    };
    // The page shows whole seconds: no need to wake it more often.
    const said = `${Math.floor(clock.at / 1000)} ${clock.speed} ${clock.isResting} ${clock.skippingTo}`;
    if (said === this.#clockSaid) return;
    this.#clockSaid = said;
    this.#tell({ kind: "clock", clock });
  }

  async #prove(met: readonly GoalState[]): Promise<void> {
    const store = this.#store;
    if (store === undefined) return;
    const proof = this.snapshot();
    const { key, review } = this.#spec;
    if (review !== undefined) {
      const { lesson, round } = review;
      await store.put("outbox", { ...proof, lesson, review: { round, hints: this.#hints } });
      this.#saveEnd(true);
      this.#onProof();
      return;
    }
    const goals = Object.fromEntries(met.map((goal) => [goal.id, goal.metAt ?? proof.end]));
    const total = this.#spec.lesson.tasks.reduce((sum, task) => sum + task.goals.length, 0);
    await mergeProgress(store, key, total, goals, new Date().toISOString());
    await store.put("outbox", { ...proof, lesson: key });
    this.#saveEnd(true);
    this.#onProof();
  }
}

/** Joins what one terminal printed in a row: one message, one write, one repaint. */
function joinChunks(chunks: readonly TerminalChunk[]): TerminalChunk[] {
  const joined: TerminalChunk[] = [];
  let run: Uint8Array[] = [];
  const end = (terminal: number) => {
    if (run.length === 0) return;
    const bytes = new Uint8Array(run.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of run) {
      bytes.set(part, at);
      at += part.length;
    }
    joined.push({ terminal, bytes });
    run = [];
  };
  let current = -1;
  for (const chunk of chunks) {
    if (chunk.terminal !== current) end(current);
    current = chunk.terminal;
    if ("bytes" in chunk) run.push(chunk.bytes);
    else {
      end(current);
      joined.push(chunk);
    }
  }
  end(current);
  return joined;
}

/** The log a world record points to, if it still leads to this lesson's world. */
export async function storedLog(
  store: Store,
  record: AttemptRecord,
  spec: WorldSpec,
): Promise<readonly LogEntry[] | undefined> {
  if (record.version !== SIMULATOR_VERSION || record.startHash !== spec.startHash) return undefined;
  return readEntries(store, record.attempt);
}

/** Inputs that neither a world nor a waiting proof refers to any more. */
export async function dropAttempt(store: Store, attempt: string): Promise<void> {
  if ((await store.get("outbox", attempt)) === undefined) await deleteEntries(store, attempt);
}
