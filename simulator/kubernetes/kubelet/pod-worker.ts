/**
 * Pod workers: one explicit state machine a Pod (sync → terminating → terminated → finished), one step at a time. A
 * step that failed comes again after its back-off, one that went well after the resync interval; each step sees a
 * state of the runtime that is newer than the step before it (upstream's podWorkers with podCache.GetNewerThan).
 */
import type { Instant } from "../../base/clock";
import type { Cancel } from "../../base/loop";
import type { Random } from "../../base/random";
import type { Task, TaskHandle } from "../../base/task";
import type { Process } from "../../os/process";
import type { Pod, PodStatus } from "../api/types.generated";
import type { Scope } from "../client/scope";
import type { SyncFailure } from "./pod-runtime";

export type WorkerState = "sync" | "terminating" | "terminated" | "finished";

/** What one step came to. */
export interface StepResult {
  readonly failures: readonly SyncFailure[];
  /** The step's phase is over: go on to the next. */
  readonly transition: boolean;
}

export interface WorkerSteps {
  sync(worker: PodWorker): Task<StepResult>;
  terminate(worker: PodWorker): Task<StepResult>;
  cleanUp(worker: PodWorker): Task<StepResult>;
  /** Nothing of the Pod is left to do. */
  finished(worker: PodWorker): void;
  /** The first instant after `since` at which the runtime will have been looked at again. */
  nextRelist(since: Instant): Instant;
  /** Calls back at the relist at or after that instant. */
  atRelist(instant: Instant, run: () => void): void;
  failed(worker: PodWorker, failures: readonly SyncFailure[]): void;
}

export interface PodWorkerOptions {
  readonly process: Process;
  readonly scope: Scope;
  readonly random: Random;
  readonly steps: WorkerSteps;
}

export interface TerminateOptions {
  readonly graceSeconds?: number;
  /** Eviction and active deadlines end a Pod with a status of their own. */
  readonly status?: Pick<PodStatus, "phase" | "reason" | "message"> & { readonly disruption?: string };
}

const RESYNC_MS = 60_000;
const BACKOFF_MS = 10_000;
const JITTER = 0.5;

export class PodWorker {
  pod: Pod;
  state: WorkerState = "sync";
  readonly startedAt: Instant;
  /** How the Pod ends, where something else than its deletion ends it. */
  override: TerminateOptions["status"] | undefined;
  graceSeconds: number | undefined;
  /** The API has no such Pod any more. */
  isRemoved = false;
  readonly #options: PodWorkerOptions;
  #busy = false;
  #again = false;
  #waiting = false;
  #lastStep: Instant | undefined;
  #handle: TaskHandle | undefined;
  #timer: Cancel | undefined;

  constructor(pod: Pod, options: PodWorkerOptions) {
    this.pod = pod;
    this.#options = options;
    this.startedAt = options.scope.now();
  }

  get uid(): string {
    return this.pod.metadata.uid;
  }

  get isEnding(): boolean {
    return this.state !== "sync";
  }

  /** Something has changed: take a step as soon as one may be taken. */
  wake(): void {
    if (this.state === "finished" || this.#options.scope.ended) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    if (this.#waiting) return;
    this.#waiting = true;
    const { steps, scope } = this.#options;
    if (this.#lastStep === undefined) scope.soon(() => this.#step());
    else steps.atRelist(steps.nextRelist(this.#lastStep), () => this.#step());
  }

  /** Ends the Pod. A step under way is given up. Grace can only become shorter. */
  terminate(options: TerminateOptions = {}): void {
    const asked =
      options.graceSeconds ??
      this.pod.metadata.deletionGracePeriodSeconds ??
      this.pod.spec.terminationGracePeriodSeconds ??
      30;
    const grace = Math.max(1, asked);
    const isShorter = this.graceSeconds !== undefined && grace < this.graceSeconds;
    if (this.graceSeconds === undefined || isShorter) this.graceSeconds = grace;
    if (options.status) this.override = options.status;
    const wasSync = this.state === "sync";
    if (wasSync) this.state = "terminating";
    if (!wasSync && !(isShorter && this.state === "terminating")) return;
    this.#giveUp();
    this.wake();
  }

  /** Forgets timers and steps: the worker is dropped. */
  stop(): void {
    this.#giveUp();
    this.#timer?.();
    this.state = "finished";
  }

  #giveUp(): void {
    if (!this.#busy || !this.#handle) return;
    this.#handle.cancel();
    this.#busy = false;
    this.#lastStep = this.#options.scope.now();
  }

  #step(): void {
    this.#waiting = false;
    if (this.#busy || this.state === "finished" || this.#options.scope.ended) return;
    this.#timer?.();
    this.#timer = undefined;
    this.#busy = true;
    this.#again = false;
    const self = this;
    const { process } = this.#options;
    this.#handle = process.thread(
      (function* () {
        const result = yield* self.#run();
        self.#complete(result);
      })(),
    );
  }

  #run(): Task<StepResult> {
    const { steps } = this.#options;
    if (this.state === "sync") return steps.sync(this);
    return this.state === "terminating" ? steps.terminate(this) : steps.cleanUp(this);
  }

  #complete({ failures, transition }: StepResult): void {
    const { scope, steps, random } = this.#options;
    this.#busy = false;
    this.#lastStep = scope.now();
    if (failures.length > 0) steps.failed(this, failures);
    if (transition) {
      this.state = this.state === "sync" ? "terminating" : this.state === "terminating" ? "terminated" : "finished";
      if (this.state === "finished") {
        steps.finished(this);
        return;
      }
      this.wake();
      return;
    }
    if (this.#again) {
      this.wake();
      return;
    }
    let delay = RESYNC_MS;
    if (failures.length > 0) {
      const known = failures.flatMap((failure) => (failure.at === undefined ? [] : [failure.at - scope.now()]));
      delay = known.length > 0 ? Math.min(Math.max(0, Math.min(...known)), RESYNC_MS) : BACKOFF_MS;
    }
    this.#timer = scope.after(delay * (1 + JITTER * random.float()), () => this.wake());
  }
}
