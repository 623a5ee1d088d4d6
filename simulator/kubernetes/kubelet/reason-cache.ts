/** Why the last start of each container failed, until it succeeds: what statuses show as the reason for waiting. */
import type { StartFailure } from "./container-status";
import type { StartResult } from "./pod-runtime";

export class ReasonCache {
  readonly #failures = new Map<string, Map<string, StartFailure>>();

  get(podUid: string, container: string): StartFailure | undefined {
    return this.#failures.get(podUid)?.get(container);
  }

  update(podUid: string, starts: readonly StartResult[]): void {
    for (const { container, failure } of starts) {
      let known = this.#failures.get(podUid);
      if (failure) {
        if (!known) this.#failures.set(podUid, (known = new Map()));
        known.set(container, failure);
      } else if (known?.delete(container) && known.size === 0) this.#failures.delete(podUid);
    }
  }

  forget(podUid: string): void {
    this.#failures.delete(podUid);
  }
}
