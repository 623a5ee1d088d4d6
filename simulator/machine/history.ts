/** What happened on the machine since the learner arrived, where no server keeps it: bounded lists for checks and panels. */
import type { ApiRequest, ApiResponse } from "../base/door";
import type { Instant } from "../base/clock";
import type { DockerRequest, LineRun, ProgramRun } from "./api";

const ENTRIES_MAX = 5000;

class Bounded<T> {
  readonly entries: T[] = [];
  /** How many there ever were. */
  count = 0;

  add(entry: T): void {
    if (this.entries.length >= ENTRIES_MAX) this.entries.splice(0, ENTRIES_MAX / 4);
    this.entries.push(entry);
    this.count++;
  }
}

export class History {
  readonly dockerRequests = new Bounded<DockerRequest>();
  readonly programs = new Bounded<ProgramRun>();
  readonly lines = new Bounded<LineRun>();
  readonly #now: () => Instant;

  /** `now`: ms since arrival; negative before. */
  constructor(now: () => Instant) {
    this.#now = now;
  }

  dockerRequest(request: ApiRequest, response: ApiResponse): void {
    const at = this.#now();
    if (at < 0) return;
    this.dockerRequests.add({
      at,
      method: request.method,
      path: request.path.replace(/^\/v\d+\.\d+(?=\/)/, ""),
      query: request.query ?? {},
      status: response.status,
    });
  }

  lineEntered(host: string, text: string): void {
    const at = this.#now();
    if (at >= 0) this.lines.add({ at, host, text });
  }

  programEnded(host: string, argv: readonly string[], exitCode: number): void {
    const at = this.#now();
    if (at >= 0) this.programs.add({ at, host, argv, exitCode });
  }
}
