/** The journal of one host: what its units write, with times, bounded. `journalctl` reads it. */
import type { Clock, Instant } from "../../base/clock";
import { Signal } from "../../base/task";

export interface JournalEntry {
  readonly at: Instant;
  readonly unit: string;
  /** `kubelet[1234]` or `systemd[1]`, as lines show it. */
  readonly source: string;
  readonly text: string;
}

const ENTRIES_MAX = 5000;

export class Journal {
  readonly #clock: Clock;
  readonly #entries: JournalEntry[] = [];
  /** How many entries were dropped: positions of readers stay valid. */
  dropped = 0;
  readonly changed = new Signal();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  write(unit: string, source: string, text: string): void {
    if (this.#entries.length >= ENTRIES_MAX) {
      this.#entries.splice(0, ENTRIES_MAX / 5);
      this.dropped += ENTRIES_MAX / 5;
    }
    this.#entries.push({ at: this.#clock.now(), unit, source, text });
    this.changed.ring();
  }

  get end(): number {
    return this.dropped + this.#entries.length;
  }

  /** Entries from a position on. */
  read(from: number): readonly JournalEntry[] {
    return this.#entries.slice(Math.max(0, from - this.dropped));
  }
}
