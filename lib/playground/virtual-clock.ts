/** Maps wall time to virtual time: speed, rest when nobody is there, and no jump after the computer slept. Pure. */

/** A gap longer than this was not watched (sleep, a throttled tab): virtual time does not run through it. */
const GAP_MS_MAX = 1000;
/** Without a key for so long, the world waits for the learner instead of running on. */
const REST_AFTER_MS = 10 * 60_000;
const HIDDEN_REST_AFTER_MS = 2 * 60_000;

export class VirtualClock {
  speed = 1;
  #virtual: number;
  #wall: number;
  #busyAt: number;
  #isVisible = true;

  constructor(wallNow: number, virtualStart: number) {
    this.#virtual = virtualStart;
    this.#wall = wallNow;
    this.#busyAt = wallNow;
  }

  /** Where virtual time should be now, in whole ms. */
  at(wallNow: number): number {
    const gap = Math.min(Math.max(0, wallNow - this.#wall), GAP_MS_MAX);
    if (!this.isResting(wallNow)) this.#virtual += gap * this.speed;
    this.#wall = wallNow;
    return Math.floor(this.#virtual);
  }

  /** The simulator could not keep up, or was sent ahead: go on from where it is. */
  rebase(virtual: number): void {
    this.#virtual = virtual;
  }

  /** The learner did something. */
  wake(wallNow: number): void {
    this.at(wallNow);
    this.#busyAt = wallNow;
  }

  show(isVisible: boolean, wallNow: number): void {
    this.at(wallNow);
    this.#isVisible = isVisible;
    this.#busyAt = wallNow;
  }

  isResting(wallNow: number): boolean {
    return wallNow - this.#busyAt > (this.#isVisible ? REST_AFTER_MS : HIDDEN_REST_AFTER_MS);
  }
}
