/** The audit log: one entry a request, bounded. */

/** Same shape as the machine's AuditEntry, which is what reads it. */
export interface AuditEntry {
  readonly at: number;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly code: number;
}

export class AuditLog {
  readonly #max: number;
  #entries: AuditEntry[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  add(entry: AuditEntry): void {
    this.#entries.push(entry);
    // Dropped in halves, so that adding stays cheap.
    if (this.#entries.length >= this.#max * 2) this.#entries = this.#entries.slice(-this.#max);
  }

  /** Oldest first. `at` is an instant of the loop's clock. */
  entries(): readonly AuditEntry[] {
    return this.#entries;
  }
}
