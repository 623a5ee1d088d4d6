/** A build by BuildKit over the Engine API: the request, and its messages handed to a display. */
import { failure, ok, type Result } from "../../../base/result";
import type { Task } from "../../../base/task";
import type { BuildErrorSource, BuildMessage, SolveStatus } from "../../api/build";
import type { DockerClient } from "../client";
import { registryAuth } from "../registry-auth";
import { eachMessage } from "../stream";
import type { BuildContext } from "./context";
import type { SolveDisplay } from "./solve-display";

export interface SolveOptions {
  readonly tags: readonly string[];
  readonly target: string;
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  readonly pull: boolean;
  /** Only the linter. */
  readonly check?: boolean;
  readonly networkMode?: string;
}

export interface SolveFailure {
  /** "failed to solve: …" */
  readonly message: string;
  readonly source?: BuildErrorSource;
}

/** Builds; the result is the image's id (empty for a check). */
export function* solve(
  client: DockerClient,
  context: BuildContext,
  options: SolveOptions,
  display: SolveDisplay,
): Task<Result<string, SolveFailure>> {
  const answer = yield* client.post("/build", {
    query: {
      version: "2",
      t: options.tags,
      dockerfile: context.dockerfile,
      dockerfilesource: context.outside,
      sharedkey: context.folder,
      sources: context.isEmpty ? "none" : undefined,
      target: options.target || undefined,
      buildargs: JSON.stringify(options.args),
      labels: JSON.stringify(options.labels),
      nocache: options.noCache || undefined,
      pull: options.pull || undefined,
      networkmode: options.networkMode,
      check: options.check || undefined,
    },
    headers: { "content-type": "application/x-tar", ...registryAuth(client.process, "docker.io") },
    body: context.archive,
  });
  if (!answer.ok) return failure({ message: answer.error.message });
  let id = "";
  let failed: SolveFailure | undefined;
  if (answer.value.stream) {
    const broken = yield* eachMessage<BuildMessage>(answer.value.stream, function* (message) {
      if (message.error !== undefined) {
        const { errorDetail } = message;
        failed = {
          message: errorDetail?.message ?? message.error,
          ...(errorDetail?.source && { source: errorDetail.source }),
        };
      } else if (message.id === "moby.image.id") id = (message.aux as { ID: string }).ID;
      else if (message.aux) yield* display.update(message.aux as SolveStatus);
    });
    if (broken !== undefined) failed ??= { message: broken };
  }
  yield* display.end();
  return failed ? failure(failed) : ok(id);
}

/** Name=value lists; a name alone takes its value from the environment, or is left out. */
export function assignments(words: readonly string[], env: Readonly<Record<string, string>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    const value = at < 0 ? env[name] : word.slice(at + 1);
    if (value !== undefined) result[name] = value;
  }
  return result;
}
