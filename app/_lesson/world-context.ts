"use client";
/** What the parts of a lesson share: its world, and the ways to act on its terminal. */
import { createContext, useContext } from "react";
import type { Language } from "@/lib/i18n/languages";
import type { DebriefStep, Quiz, Task } from "@/lib/lessons/schema";
import type { WorldView } from "@/lib/playground/worker-host";

export interface LessonWorld {
  readonly language: Language;
  readonly tasks: readonly Task[];
  readonly quiz: readonly Quiz[];
  /** The short path, where the lesson ends with a look back. */
  readonly debrief: readonly DebriefStep[];
  readonly view: WorldView;
  /** Types a command at a terminal's prompt; `isRun` presses Enter, too. */
  readonly type: (command: string, isRun: boolean, terminal?: number) => void;
  /** A hint is shown. */
  readonly onHint?: () => void;
}

export const WorldContext = createContext<LessonWorld | undefined>(undefined);

export function useWorld(): LessonWorld {
  const world = useContext(WorldContext);
  if (world === undefined) throw new Error("a lesson's component outside a lesson");
  return world;
}
