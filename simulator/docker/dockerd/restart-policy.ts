/** Restart policies: whether a container that ended starts again, and after how long. */
import { type Task, startTask } from "../../base/task";
import { ApiFailure } from "../api/failure";
import type { DockerContainer } from "./container";
import type { Daemon } from "./daemon";

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 60_000;
/** A run at least this long starts the delays over. */
const STEADY_MS = 10_000;

const delays = new WeakMap<DockerContainer, number>();

function wantsRestart(container: DockerContainer, exitCode: number): boolean {
  const policy = container.hostConfig.RestartPolicy;
  if (container.removing || container.manuallyStopped) return false;
  switch (policy?.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return exitCode !== 0 && (policy.MaximumRetryCount === 0 || container.restartCount < policy.MaximumRetryCount);
    default:
      return false;
  }
}

/** Called when a container has ended; `start` brings it up again. Answers whether it will. */
export function restartAfterExit(
  daemon: Daemon,
  container: DockerContainer,
  run: { readonly exitCode: number; readonly ms: number },
  start: () => Task<void>,
): boolean {
  const { exitCode, ms: ranMs } = run;
  if (!wantsRestart(container, exitCode)) {
    delays.delete(container);
    return false;
  }
  const last = delays.get(container);
  const delay = last === undefined || ranMs >= STEADY_MS ? FIRST_DELAY_MS : Math.min(last * 2, LAST_DELAY_MS);
  delays.set(container, delay);
  container.restarting = true;
  container.restartCount++;
  let isOver = false;
  const cancelTimer = daemon.loop.after(delay, () => {
    if (isOver || !container.restarting) return;
    container.cancelRestart.current = undefined;
    startTask(
      daemon.loop,
      start(),
      () => {},
      (error) => {
        if (!(error instanceof ApiFailure)) throw error;
        // A start that fails counts as a run that failed.
        container.finishedAt = daemon.now();
        if (daemon.containers.get(container.id) === container)
          restartAfterExit(daemon, container, { exitCode: container.exitCode, ms: 0 }, start);
      },
    );
  });
  container.cancelRestart.current = () => {
    isOver = true;
    cancelTimer();
    container.cancelRestart.current = undefined;
  };
  return true;
}
