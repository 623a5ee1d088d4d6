/** docker events: what happened, kept for `--since` and pushed to whoever listens. */
import type { Cancel, Loop } from "../../base/loop";
import type { EngineEvent } from "../api/types";

/** Upstream keeps 256; lessons look further back. */
const EVENTS_MAX = 4096;

export interface RecordedEvent {
  /** ms */
  readonly at: number;
  readonly event: EngineEvent;
}

export class EventLog {
  readonly #loop: Loop;
  readonly #events: RecordedEvent[] = [];
  readonly #listeners = new Set<(recorded: RecordedEvent) => void>();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  publish(type: string, action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    const at = this.#loop.now();
    const sorted = Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const legacy =
      type === "container"
        ? { status: action, id, from: attributes["image"] ?? "" }
        : type === "image"
          ? { status: action, id }
          : {};
    const event: EngineEvent = Object.freeze({
      ...legacy,
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: sorted },
      scope: "local" as const,
      time: Math.floor(at / 1000),
      timeNano: Math.floor(at * 1e6),
    });
    const recorded = { at, event };
    this.#events.push(recorded);
    if (this.#events.length > EVENTS_MAX) this.#events.splice(0, EVENTS_MAX / 4);
    for (const listener of [...this.#listeners]) listener(recorded);
  }

  all(): readonly RecordedEvent[] {
    return this.#events;
  }

  subscribe(listener: (recorded: RecordedEvent) => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
