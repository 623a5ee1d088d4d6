/** The worker thread that replays one log and answers once. Bundled by lib/tools/bundle.mjs. */
import { parentPort, workerData } from "node:worker_threads";
import { createMachine, type StartState } from "@/simulator";
import { prove, type ReplayJob } from "./prove";

const { start, job } = workerData as { readonly start: StartState; readonly job: ReplayJob };
parentPort?.postMessage(prove(createMachine(start), job) ?? "too many steps");
