/** Replays logs in worker threads, within limits of time, memory and steps, a few at a time. Server only. */
import "server-only";
import { Worker } from "node:worker_threads";
import { bundle } from "@/lib/tools/bundle.mjs";
import type { StartState } from "@/simulator";
import { replayLimits } from "./limits";
import type { ReplayJob, ReplayOutcome } from "./prove";

export type ReplayRefusal = "busy" | "too long" | "too many steps" | "too much memory" | "crashed";
export type ReplayResult =
  | { readonly ok: true; readonly outcome: ReplayOutcome }
  | { readonly ok: false; readonly why: ReplayRefusal; readonly detail?: string };

let running = 0;
const waiting: (() => void)[] = [];

export async function replay(
  start: StartState,
  job: Omit<ReplayJob, "stepsMax">,
  limits: { readonly wallMsMax: number; readonly heapMbMax: number; readonly stepsMax: number } = replayLimits,
): Promise<ReplayResult> {
  if (running >= replayLimits.threadsMax) {
    if (waiting.length >= replayLimits.queueMax) return { ok: false, why: "busy" };
    await new Promise<void>((turn) => waiting.push(turn));
  }
  running++;
  try {
    return await runThread(await bundle("lib/replay/thread.ts"), start, { ...job, stepsMax: limits.stepsMax }, limits);
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function runThread(
  path: string,
  start: StartState,
  job: ReplayJob,
  limits: { readonly wallMsMax: number; readonly heapMbMax: number },
): Promise<ReplayResult> {
  return new Promise((answer) => {
    // An options object that a bundler does not read as a worker of the page's: this one is made at run time.
    const thread = new Worker(path, {
      workerData: { start, job },
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMbMax, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 },
      env: {},
      execArgv: [],
    });
    const finish = (result: ReplayResult) => {
      clearTimeout(alarm);
      answer(result);
      void thread.terminate();
    };
    const alarm = setTimeout(() => finish({ ok: false, why: "too long" }), limits.wallMsMax);
    thread.once("message", (message: ReplayOutcome | "too many steps") =>
      finish(message === "too many steps" ? { ok: false, why: message } : { ok: true, outcome: message }),
    );
    thread.once("error", (error: NodeJS.ErrnoException) =>
      finish(
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? { ok: false, why: "too much memory" }
          : { ok: false, why: "crashed", detail: error.stack ?? error.message },
      ),
    );
    thread.once("exit", () => finish({ ok: false, why: "crashed", detail: "the thread ended without an answer" }));
  });
}
