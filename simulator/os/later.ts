/** Programs whose code is a part that may be loaded later (see base/part.ts). */
import type { Part } from "../base/part";
import type { Program } from "./process";

/** The program that `pick` finds in the part, fetched when it is first executed. */
export const laterProgram = <T>(part: Part<T>, pick: (code: T) => Program): Program =>
  function* (process) {
    const code = yield* part.use(process.kernel.loop);
    return yield* pick(code)(process);
  };
