import { expect, test } from "vitest";
import { LessonSession } from "@/lib/checker/session";
import type { LogEntry } from "@/simulator";
import { prove } from "@/lib/replay/prove";
import { createFakeMachine } from "../playground/fake-machine";

const start = { scenario: "docker", seed: 7 };
const lesson = { tasks: [] };

/** A learner who types at odd moments, while time runs in uneven steps. */
function live(): { entries: LogEntry[]; end: number; hash: string } {
  const machine = createFakeMachine(start);
  const session = new LessonSession(machine, lesson);
  const entries: LogEntry[] = [];
  const apply = (input: Parameters<typeof machine.apply>[0]) => {
    session.apply(input);
    entries.push({ at: machine.now(), ...input });
    session.advanceTo(machine.now() + 1);
  };
  apply({ kind: "open", terminal: 1, columns: 80, rows: 24 });
  for (const [index, ch] of [..."docker ps\rls\r"].entries()) {
    session.advanceTo(machine.now() + 3 + ((index * 37) % 90));
    apply({ kind: "type", terminal: 1, text: ch });
  }
  session.advanceTo(2345);
  return { entries, end: machine.now(), hash: machine.stateHash() };
}

test("a replay leads to the same state", () => {
  const { entries, end, hash } = live();
  expect(prove(createFakeMachine(start), { lesson, entries, end, stepsMax: 1000 })?.hash).toBe(hash);
});

test("another log, or another time, does not", () => {
  const { entries, end, hash } = live();
  const job = { lesson, entries, end, stepsMax: 1000 };
  expect(prove(createFakeMachine(start), { ...job, entries: entries.slice(0, -1) })?.hash).not.toBe(hash);
  expect(prove(createFakeMachine(start), { ...job, end: end + 1 })?.hash).not.toBe(hash);
});

test("a replay that costs too much is given up", () => {
  const { entries, end } = live();
  expect(prove(createFakeMachine(start), { lesson, entries, end, stepsMax: 5 })).toBeUndefined();
});
