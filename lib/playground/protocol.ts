/** The messages between a lesson's page and the worker that holds its world. Plain data both ways. */
import type { GoalState } from "@/lib/checker/session";
import type { LessonData } from "@/lib/lessons/schema";
import type { Input, LineRun, MachineLog, StartState } from "@/simulator";

export type { LineRun };

/** Which world a lesson page asks for. */
export interface WorldSpec {
  /** What the world is kept under: `<course>/<lesson>`, for a review with "/review" behind it. */
  readonly key: string;
  readonly start: StartState;
  readonly startHash: string;
  readonly lesson: Pick<LessonData, "tasks">;
  /** Present when this is a round of a lesson's review. */
  readonly review?: { readonly lesson: string; readonly round: number };
}

/** How far a skip goes: some virtual time, or until something is printed or a goal's state changes. */
export type Skip = number | "change";

export type ToWorker =
  /** `steal` takes the world over from another tab. */
  | { readonly kind: "start"; readonly world: WorldSpec; readonly steal: boolean }
  | { readonly kind: "input"; readonly input: Input }
  | { readonly kind: "speed"; readonly speed: number }
  /** Runs as far as fast as it can. */
  | { readonly kind: "skip"; readonly skip: Skip }
  /** A hint was shown. */
  | { readonly kind: "hint" }
  | { readonly kind: "visible"; readonly visible: boolean }
  /** A new world; the one before can be had back with "undoReset" until the next reset. */
  | { readonly kind: "reset" }
  | { readonly kind: "undoReset" };

export type FromWorker =
  | {
      readonly kind: "ready";
      readonly terminals: readonly number[];
      readonly isRestored: boolean;
      readonly isOutdated: boolean;
      readonly canUndoReset: boolean;
    }
  /** The terminals shown so far belong to a world that is gone. */
  | { readonly kind: "cleared" }
  | { readonly kind: "output"; readonly chunks: readonly TerminalChunk[] }
  | { readonly kind: "goals"; readonly goals: readonly GoalState[] }
  /** Every goal is met: the lines that led there. */
  | { readonly kind: "path"; readonly path: readonly LineRun[] }
  | { readonly kind: "clock"; readonly clock: ClockState }
  | { readonly kind: "editor"; readonly path: string; readonly content: string }
  /** Another tab has this world. */
  | { readonly kind: "held" }
  | { readonly kind: "saved"; readonly saving: SavingState }
  | { readonly kind: "failure"; readonly message: string; readonly log?: MachineLog };

/** Output of a terminal, or (while a world is restored) the size it had from here on. */
export type TerminalChunk =
  | { readonly terminal: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly terminal: number; readonly columns: number; readonly rows: number };

export interface ClockState {
  /** Virtual ms since arrival. */
  readonly at: number;
  readonly speed: number;
  /** Nobody has typed for a while: time stands still until the next key. */
  readonly isResting: boolean;
  /** A skip is under way, to this time. */
  readonly skippingTo?: number;
}

/** `browser`: kept here. `waiting`: to be sent when there is a connection. `proved`: the server has replayed it. */
export type SavingState = "browser" | "waiting" | "proved" | "refused" | "failed";

export const SPEEDS: readonly number[] = [0.25, 1, 5, 20];
