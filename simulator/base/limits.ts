/** Every bound of the simulator in one list, so that nothing grows without one. */
export const limits = {
  /** Bytes a pipe holds before its writer waits (Linux: 64 KiB). */
  pipeBytesMax: 65_536,
  /** Bytes a terminal's output may hold before the program that writes waits. */
  ttyOutputBytesMax: 262_144,
  /** Bytes of one container's log kept on disk; older lines are dropped. */
  containerLogBytesMax: 64 * 1024 * 1024,
  /** Size of one file in the simulated file system. */
  fileBytesMax: 256 * 1024 * 1024,
  /** Depth of symbolic links followed (Linux: 40). */
  symlinkDepthMax: 40,
  /** Processes alive at once on one host (pid limit of a small machine). */
  processesMax: 4096,
  /** Characters of one shell variable: who doubles a text for ever has used up any machine's memory by then. */
  shellTextMax: 64 * 1024 * 1024,
  /** Words that one shell command may have: as with text, more is more than any machine holds. */
  shellWordsMax: 1024 * 1024,
  /** Shell function and substitution nesting. */
  shellDepthMax: 200,
  /** Lines of history a terminal keeps. */
  historyLinesMax: 2000,
  /** Revisions the etcd store keeps before it compacts by itself. */
  etcdRevisionsMax: 200_000,
  /** Loop steps that one input may cause before the machine calls it stuck. */
  stepsPerInputMax: 20_000_000,
} as const;
