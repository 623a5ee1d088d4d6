/** Pulling an image for `docker pull`, `run` and `create`. */
import { failure, ok, type Result } from "../../base/result";
import type { Task } from "../../base/task";
import type { DockerClient } from "./client";
import { parseReference } from "./reference";
import { showProgress } from "./progress";

export function* pullImage(
  client: DockerClient,
  image: string,
  options: { readonly fd: 1 | 2; readonly quiet?: boolean; readonly platform?: string; readonly allTags?: boolean },
): Task<Result<void, string>> {
  const reference = parseReference(image);
  if (!reference.ok) return reference;
  const { familiar, tag, digest } = reference.value;
  const answer = yield* client.post("/images/create", {
    query: {
      fromImage: digest ? `${familiar}` : familiar,
      tag: options.allTags ? "" : (digest ?? tag ?? "latest"),
      ...(options.platform ? { platform: options.platform } : {}),
    },
  });
  if (!answer.ok) return failure(answer.error.message);
  const stream = answer.value.stream;
  if (!stream) return ok();
  const failed = yield* showProgress(client.process, stream, options);
  return failed ? failure(failed.message) : ok();
}
