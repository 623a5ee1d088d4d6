/** A machine small enough to be read at a glance: it echoes, it answers each line after a while, and it can be hashed. */
import type { Bytes, Input, LogEntry, Machine, StartState } from "@/simulator";
import { encodeUtf8, SIMULATOR_VERSION } from "@/simulator";

const ANSWER_AFTER_MS = 40;
const PROMPT = "learner@laptop:~$ ";

export function createFakeMachine(start: StartState): Machine {
  let now = 0;
  let steps = 0;
  let revision = 1;
  let hash = start.seed;
  let output: ((terminal: number, bytes: Bytes) => void) | undefined;
  const entries: LogEntry[] = [];
  const due: { at: number; run: () => void }[] = [];
  const lines = new Map<number, string>();
  const containers: { Id: string; Names: string[]; Image: string; State: string; Status: string }[] = [];
  const print = (terminal: number, text: string) => {
    for (const ch of text) hash = (Math.imul(hash ^ ch.charCodeAt(0), 16777619) + now) >>> 0;
    output?.(terminal, encodeUtf8(text));
  };
  const soon = (ms: number, run: () => void) => {
    due.push({ at: now + ms, run });
    due.sort((a, b) => a.at - b.at);
  };
  const answer = (terminal: number, line: string) => {
    revision++;
    const image = /^docker run .*?([\w./-]+)(?::\S+)?$/.exec(line)?.[1];
    if (image)
      containers.push({
        Id: String(containers.length),
        Names: [`/c${containers.length}`],
        Image: image,
        State: "running",
        Status: "Up",
      });
    print(terminal, line === "" ? PROMPT : `you said: ${line}\r\n${PROMPT}`);
  };
  return {
    start,
    epoch: 1_780_000_000_000,
    now: () => now,
    get steps() {
      return steps;
    },
    get revision() {
      return revision;
    },
    missing: undefined,
    nextAt: () => due[0]?.at,
    runUntil(until, maxSteps = Number.POSITIVE_INFINITY) {
      const stop = steps + maxSteps;
      while (due[0] && due[0].at <= until) {
        if (steps >= stop) return false;
        const task = due.shift()!;
        now = Math.max(now, task.at);
        steps++;
        task.run();
      }
      now = Math.max(now, until);
      return true;
    },
    apply(input: Input) {
      entries.push({ at: now, ...input });
      if (input.kind === "open") soon(0, () => print(input.terminal, PROMPT));
      if (input.kind !== "type") return;
      for (const ch of input.text) {
        const line = lines.get(input.terminal) ?? "";
        if (ch === "\r") {
          lines.set(input.terminal, "");
          soon(0, () => print(input.terminal, "\r\n"));
          soon(ANSWER_AFTER_MS, () => answer(input.terminal, line));
        } else if (ch === "\x7f") {
          lines.set(input.terminal, line.slice(0, -1));
          soon(0, () => print(input.terminal, "\b \b"));
        } else {
          lines.set(input.terminal, line + ch);
          soon(0, () => print(input.terminal, ch));
        }
      }
    },
    onOutput(listener) {
      output = listener;
    },
    command() {
      throw new Error("this machine runs no commands of its own");
    },
    kubernetes: () => ({ failure: "this machine has no cluster" }),
    docker(_request, done) {
      done(undefined);
      return () => {};
    },
    isAtPrompt: () => due.length === 0,
    faults: [],
    onEditor() {},
    log: () => ({ version: SIMULATOR_VERSION, start, entries, end: now }),
    stateHash: () => `${hash.toString(16)}-${revision}-${now}`,
    observe: {
      kubernetes: () => undefined,
      docker: () => undefined,
      audit: () => [],
      dockerRequests: () => [],
      dockerEvents: () => [],
      exchanges: () => [],
      programs: () => [],
      lines: () => [],
      readFile: () => undefined,
      node: () => undefined,
    },
  };
}
