/** What one replay may cost. A learner's hour is far below every one of these; a forged log meets them early. */
export const replayLimits = {
  /** Inputs in one log. */
  entriesMax: 20_000,
  /** Characters typed or saved in one log, all together. */
  textMax: 512 * 1024,
  /** Virtual time: a week of a world's life. */
  endMsMax: 7 * 24 * 3600 * 1000,
  stepsMax: 60_000_000,
  wallMsMax: 30_000,
  heapMbMax: 768,
  /** Replays at once, and how many may wait for their turn. */
  threadsMax: 2,
  queueMax: 32,
} as const;
