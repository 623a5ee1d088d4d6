/** The page's side of a world: starts the worker, keeps what it said, and outlives a change of language or page. Browser only. */
import type { GoalState } from "@/lib/checker/session";
import type { Input, LineRun } from "@/simulator";
import type { ClockState, FromWorker, SavingState, Skip, TerminalChunk, ToWorker, WorldSpec } from "./protocol";

export type WorldPhase = "starting" | "ready" | "held" | "failed";

/** Everything the page shows of a world but the terminals' text. Replaced, never changed. */
export interface WorldView {
  readonly phase: WorldPhase;
  readonly goals: readonly GoalState[];
  /** The lines that led to the last goal, once every goal is met. */
  readonly path?: readonly LineRun[];
  readonly clock: ClockState;
  readonly saving: SavingState;
  readonly terminals: readonly number[];
  readonly isRestored: boolean;
  readonly isOutdated: boolean;
  readonly canUndoReset: boolean;
  readonly editor?: { readonly path: string; readonly content: string };
  readonly failure?: { readonly message: string; readonly log?: unknown };
  /** Grows with every new world: terminals start over when it does. */
  readonly generation: number;
}

/** How much of a terminal's past is kept to draw it again. */
const KEPT_BYTES_MAX = 2 * 1024 * 1024;

/** A world nobody has asked for yet. */
export const NEW_VIEW: WorldView = {
  phase: "starting",
  goals: [],
  clock: { at: 0, speed: 1, isResting: false },
  saving: "browser",
  terminals: [],
  isRestored: false,
  isOutdated: false,
  canUndoReset: false,
  generation: 0,
};

export class WorldHost {
  readonly spec: WorldSpec;
  #worker: Worker;
  #view: WorldView = NEW_VIEW;
  #listeners = new Set<() => void>();
  #output = new Map<number, TerminalChunk[]>();
  #outputListeners = new Map<number, (chunk: TerminalChunk) => void>();
  #sizes = new Map<number, string>();

  constructor(spec: WorldSpec) {
    this.spec = spec;
    this.#worker = this.#launch(false);
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly view = (): WorldView => this.#view;

  input(input: Input): void {
    this.#send({ kind: "input", input });
  }

  /** Opens a terminal, or tells an open one its new size; says nothing that is known already. */
  size(terminal: number, columns: number, rows: number): void {
    const size = `${columns}x${rows}`;
    if (this.#sizes.get(terminal) === size) return;
    this.#sizes.set(terminal, size);
    const isOpen = this.#view.terminals.includes(terminal);
    if (!isOpen) this.#show({ terminals: [...this.#view.terminals, terminal].sort((a, b) => a - b) });
    this.input({ kind: isOpen ? "resize" : "open", terminal, columns, rows });
  }

  close(terminal: number): void {
    this.#sizes.delete(terminal);
    this.#output.delete(terminal);
    this.#show({ terminals: this.#view.terminals.filter((open) => open !== terminal) });
    this.input({ kind: "close", terminal });
  }

  setSpeed(speed: number): void {
    this.#send({ kind: "speed", speed });
  }

  skip(skip: Skip): void {
    this.#send({ kind: "skip", skip });
  }

  /** A hint was shown: a review notes it. */
  hint(): void {
    this.#send({ kind: "hint" });
  }

  setVisible(visible: boolean): void {
    this.#send({ kind: "visible", visible });
  }

  reset(): void {
    this.#send({ kind: "reset" });
  }

  undoReset(): void {
    this.#send({ kind: "undoReset" });
  }

  /** Takes the world over from the other tab. */
  takeOver(): void {
    this.#worker.terminate();
    this.#forgetTerminals();
    this.#show({ phase: "starting" });
    this.#worker = this.#launch(true);
  }

  closeEditor(): void {
    const { editor: _closed, ...view } = this.#view;
    this.#view = view;
    this.#changed();
  }

  /** The terminal's past at once, then what comes. One listener a terminal. */
  listen(terminal: number, listener: (chunk: TerminalChunk) => void): () => void {
    for (const chunk of this.#output.get(terminal) ?? []) listener(chunk);
    this.#outputListeners.set(terminal, listener);
    return () => {
      if (this.#outputListeners.get(terminal) === listener) this.#outputListeners.delete(terminal);
    };
  }

  dispose(): void {
    this.#worker.terminate();
  }

  #launch(steal: boolean): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "world" });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    worker.onerror = (event) =>
      this.#show({ phase: "failed", failure: { message: event.message || "The simulator could not be loaded." } });
    worker.postMessage({ kind: "start", world: this.spec, steal } satisfies ToWorker);
    return worker;
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #hear(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        this.#show({
          phase: "ready",
          terminals: message.terminals,
          isRestored: message.isRestored,
          isOutdated: message.isOutdated,
          canUndoReset: message.canUndoReset,
        });
        break;
      case "cleared":
        this.#forgetTerminals();
        break;
      case "output":
        for (const chunk of message.chunks) this.#keep(chunk);
        break;
      case "goals":
        this.#show({ goals: message.goals });
        break;
      case "path":
        this.#show({ path: message.path });
        break;
      case "clock":
        this.#show({ clock: message.clock });
        break;
      case "saved":
        this.#show({ saving: message.saving });
        break;
      case "editor":
        this.#show({ editor: { path: message.path, content: message.content } });
        break;
      case "held":
        this.#show({ phase: "held" });
        break;
      case "failure":
        this.#show({ phase: "failed", failure: { message: message.message, log: message.log } });
        break;
    }
  }

  #keep(chunk: TerminalChunk): void {
    const kept = this.#output.get(chunk.terminal) ?? [];
    kept.push(chunk);
    let bytes = 0;
    for (const part of kept) bytes += "bytes" in part ? part.bytes.length : 0;
    while (bytes > KEPT_BYTES_MAX && kept.length > 1) {
      const dropped = kept.shift()!;
      bytes -= "bytes" in dropped ? dropped.bytes.length : 0;
    }
    this.#output.set(chunk.terminal, kept);
    this.#outputListeners.get(chunk.terminal)?.(chunk);
  }

  #forgetTerminals(): void {
    this.#output.clear();
    this.#sizes.clear();
    const { editor: _gone, failure: _past, path: _walked, ...view } = this.#view;
    this.#view = { ...view, terminals: [], generation: view.generation + 1 };
    this.#changed();
  }

  #show(change: Partial<WorldView>): void {
    this.#view = { ...this.#view, ...change };
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

let current: WorldHost | undefined;

/** The host of a lesson's world: the one that is running already, when it is the same. */
export function hostFor(spec: WorldSpec): WorldHost {
  if (current?.spec.key === spec.key && current.spec.startHash === spec.startHash) return current;
  current?.dispose();
  current = new WorldHost(spec);
  return current;
}
