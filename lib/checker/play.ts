/** Plays a lesson's commands as a learner would: typed into terminal 1, each after the one before has finished. */
import type { LessonCommand } from "@/lib/lessons/schema";
import type { LessonSession } from "./session";

export const TERMINAL = 1;

/** How long a command may keep the prompt, in virtual ms, before the next thing is typed all the same. */
const PATIENCE_MS = 90_000;
/** How long a command that is to be watched or interrupted is left alone before that. */
const GLANCE_MS = 250;
const STEP_MS = 50;
const STEPS_MAX = 50_000_000;

export class PlayError extends Error {
  override name = "PlayError";
}

/** Opens a terminal, if none is open, and waits for its prompt. */
export function openTerminal(session: LessonSession, columns = 100, rows = 30): void {
  session.apply({ kind: "open", terminal: TERMINAL, columns, rows });
  waitForPrompt(session, "the first prompt");
}

export function play(session: LessonSession, commands: readonly LessonCommand[]): void {
  for (const [index, command] of commands.entries()) {
    const next = commands[index + 1];
    if (typeof command === "string") {
      session.apply({ kind: "type", terminal: TERMINAL, text: `${command}\r` });
      const isWatched = typeof next === "object" && ("wait" in next || "keys" in next);
      if (isWatched) advance(session, GLANCE_MS);
      else waitForPrompt(session, command);
    } else if ("wait" in command) {
      advance(session, command.wait * 1000);
      if (typeof next === "string") waitForPrompt(session, "the command before");
    } else if ("keys" in command) {
      session.apply({ kind: "type", terminal: TERMINAL, text: command.keys });
      // Keys for a program in front, such as a shell on another machine: a pause after them says how long they take.
      if (typeof next === "object" && "wait" in next) advance(session, GLANCE_MS);
      else waitForPrompt(session, JSON.stringify(command.keys));
    } else {
      session.apply({ kind: "save", path: command.save.path, content: command.save.content });
      advance(session, STEP_MS);
    }
  }
  // The last command's consequences fall on a later grid point.
  advance(session, 1000);
}

function advance(session: LessonSession, ms: number): void {
  if (!session.advanceTo(session.machine.now() + Math.ceil(ms), STEPS_MAX)) {
    throw new PlayError(`more than ${STEPS_MAX} steps in ${ms} ms of virtual time`);
  }
}

function waitForPrompt(session: LessonSession, what: string): void {
  const until = session.machine.now() + PATIENCE_MS;
  advance(session, STEP_MS);
  while (!session.machine.isAtPrompt(TERMINAL)) {
    if (session.machine.now() >= until) throw new PlayError(`no prompt ${PATIENCE_MS / 1000} s after: ${what}`);
    advance(session, STEP_MS);
  }
}
