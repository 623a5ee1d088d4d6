/** Lifecycle hooks: postStart and preStop, run through the runtime, over HTTP, or as a pause. */
import { decodeUtf8 } from "../../base/bytes";
import { failure, ok, type Result } from "../../base/result";
import type { Task } from "../../base/task";
import { CriError, type RuntimeService } from "../../containerd/cri";
import { netOf } from "../../net/netns";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import type { Container, LifecycleHandler } from "../api/types.generated";
import { dialFailure, httpGet } from "./http-get";
import { portOf } from "./prober";

export interface HookContext {
  readonly process: Process;
  runtime(): RuntimeService;
  readonly podIp: string;
}

/** Runs a hook to its end. The error is what the event's message says. */
export function* runHook(
  { process, runtime, podIp }: HookContext,
  container: Container,
  containerId: string,
  handler: LifecycleHandler,
): Task<Result<void, string>> {
  if (handler.exec) {
    const command = handler.exec.command ?? [];
    try {
      const { stdout, stderr, exitCode } = yield* runtime().execSync(containerId, command, 0);
      if (exitCode === 0) return ok();
      const output = decodeUtf8((stdout + stderr) as never);
      return failure(
        `Exec lifecycle hook ([${command.join(" ")}]) for Container "${container.name}" failed - error: command '${command.join(" ")}' exited with ${exitCode}: ${output}, message: "${output.replaceAll("\n", "\\n")}"`,
      );
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      return failure(
        `Exec lifecycle hook ([${command.join(" ")}]) for Container "${container.name}" failed - error: ${error.message}, message: ""`,
      );
    }
  }
  if (handler.httpGet) {
    const { path = "/", host, port: named, scheme, httpHeaders = [] } = handler.httpGet;
    const port = portOf(container, named);
    if (port === undefined) return failure(`couldn't find named port ${named}`);
    const target = {
      scheme: scheme === "HTTPS" ? ("https" as const) : ("http" as const),
      host: host || podIp,
      port,
      path,
      headers: [{ name: "User-Agent", value: "kube-lifecycle/1.36" }, ...httpHeaders],
    };
    const answer = yield* httpGet(process, target, 600_000);
    return answer.ok
      ? ok()
      : failure(
          `HTTP lifecycle hook (${path}) for Container "${container.name}" failed - error: ${answer.error}, message: ""`,
        );
  }
  if (handler.sleep) {
    yield* process.sleep(handler.sleep.seconds * 1000);
    return ok();
  }
  if (handler.tcpSocket) {
    const port = portOf(container, handler.tcpSocket.port);
    const address = handler.tcpSocket.host || podIp;
    if (port === undefined) return failure(`couldn't find named port ${handler.tcpSocket.port}`);
    try {
      const connection = yield* netOf(process).connect(process, { address, port });
      connection.close();
      return ok();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      return failure(dialFailure(error, `${address}:${port}`));
    }
  }
  return failure("invalid handler: nil");
}
