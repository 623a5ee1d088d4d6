/** Turns a lesson's `start` into the plain start state a machine takes; `from` continues another lesson's solved world. */
import { createHash } from "node:crypto";
import type { StartState } from "@/simulator";
import type { LessonCommand, LessonData } from "./schema";

export type FindLesson = (id: string) => LessonData | undefined;

/** Throws an Error with a sentence for the author when `from` cannot be followed. */
export function resolveStart(lesson: LessonData, find: FindLesson, seen: readonly string[] = []): StartState {
  const { scenario, seed, files, commands, from } = lesson.start;
  if (from === undefined) return { scenario, seed, files, commands };
  if (seen.includes(from)) throw new Error(`start.from goes in a circle: ${[...seen, from].join(" → ")}`);
  const before = find(from);
  if (before === undefined) throw new Error(`start.from: no lesson of this course is called "${from}"`);
  const base = resolveStart(before, find, [...seen, lesson.id]);
  return {
    scenario,
    seed,
    files: { ...base.files, ...files },
    commands: [...(base.commands ?? []), ...asScript(before.solution), ...commands],
  };
}

/** A solution as lines of shell. A command that Ctrl-C ends in the lesson is ended by `timeout` here. */
export function asScript(solution: readonly LessonCommand[]): string[] {
  const script: string[] = [];
  for (const [index, step] of solution.entries()) {
    if (typeof step === "string") {
      const [next, afterNext] = [solution[index + 1], solution[index + 2]];
      const waits = typeof next === "object" && "wait" in next ? next.wait : 0;
      const stop = waits > 0 ? afterNext : next;
      const stopped = typeof stop === "object" && "keys" in stop && stop.keys.includes("\u0003");
      script.push(stopped ? `timeout -s INT ${Math.max(1, waits)} ${step}` : step);
    } else if ("wait" in step) {
      script.push(`sleep ${step.wait}`);
    } else if ("save" in step) {
      const { path, content } = step.save;
      const body = content === "" || content.endsWith("\n") ? content : `${content}\n`;
      script.push(`mkdir -p ${quote(path.slice(0, path.lastIndexOf("/")) || "/")}`);
      script.push(`cat > ${quote(path)} <<'END_OF_FILE'\n${body}END_OF_FILE`);
    }
  }
  return script;
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Names a start state: a log is only comparable with a server whose lesson starts the same. */
export function startHash(start: StartState): string {
  const files = Object.entries(start.files ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const plain = JSON.stringify([start.scenario, start.seed, files, start.commands ?? []]);
  return createHash("sha256").update(plain).digest("hex").slice(0, 16);
}
