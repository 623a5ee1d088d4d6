/** docker create, and making a container for docker run. */
import { encodeUtf8 } from "../../../../base/bytes";
import { failure, ok, type Result } from "../../../../base/result";
import type { Task } from "../../../../base/task";
import { minArgs } from "../../../../cli/style-docker";
import { type ContainerFlags, type ContainerRequest, containerFlags, containerRequest } from "../../container-options";
import { parseReference } from "../../reference";
import { pullImage } from "../../pull-image";
import { type DockerInvocation, docker, fail } from "../../run-command";

/** Creates; pulls first where the image is missing and that is allowed. The error is in the CLI's words. */
export function* createContainer(
  invocation: DockerInvocation,
  request: ContainerRequest,
  flags: ContainerFlags,
): Task<Result<{ readonly id: string }, string>> {
  const { client, process } = invocation;
  const reference = parseReference(request.image);
  const isId = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(request.image);
  if (!reference.ok && !isId) return reference;
  if (flags.cidfile && process.fs.exists(process.path(flags.cidfile)))
    return failure(`container ID file found, make sure the other container isn't running or delete ${flags.cidfile}`);
  const shown = reference.ok
    ? `${reference.value.familiar}${reference.value.digest ? `@${reference.value.digest}` : `:${reference.value.tag ?? "latest"}`}`
    : request.image;
  const pull = (): Task<Result<void, string>> =>
    pullImage(client, request.image, {
      fd: 2,
      quiet: flags.quiet,
      ...(request.platform ? { platform: request.platform } : {}),
    });
  if (flags.pull === "always") {
    const pulled = yield* pull();
    if (!pulled.ok) return pulled;
  }
  const create = () =>
    client.post("/containers/create", {
      query: { name: request.name || undefined, platform: request.platform || undefined },
      body: request.body,
    });
  let answer = yield* create();
  if (
    !answer.ok &&
    answer.error.status === 404 &&
    !/No such container/.test(answer.error.message) &&
    reference.ok &&
    flags.pull === "missing"
  ) {
    if (!flags.quiet) yield* process.printError(`Unable to find image '${shown}' locally\n`);
    const pulled = yield* pull();
    if (!pulled.ok) return pulled;
    answer = yield* create();
  }
  if (!answer.ok) return failure(answer.error.message);
  const body = answer.value.body as { readonly Id: string; readonly Warnings?: readonly string[] | null };
  for (const warning of body.Warnings ?? []) yield* process.printError(`WARNING: ${warning}\n`);
  if (flags.cidfile) process.fs.writeFile(process.path(flags.cidfile), encodeUtf8(body.Id));
  return ok({ id: body.Id });
}

/** Values that are checked with all flags at hand, and reported as one flag's. */
export const isFlagError = (message: string): boolean => message.startsWith("invalid argument ");

export const create = docker({
  use: "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
  aliases: ["docker container create, docker create"],
  short: "Create a new container",
  flags: containerFlags,
  interspersed: false,
  args: minArgs(1),
  *run(invocation) {
    const { process, flags, args } = invocation;
    const request = containerRequest(process, flags, invocation.changed, args);
    if (!request.ok) {
      if (isFlagError(request.error)) return yield* invocation.usageError({ kind: "flag", message: request.error });
      return yield* fail(invocation, request.error, 125);
    }
    const streams =
      flags.attach.length > 0 ? flags.attach : ["stdout", "stderr", ...(flags.interactive ? ["stdin"] : [])];
    const body = {
      ...request.value.body,
      AttachStdin: streams.includes("stdin"),
      AttachStdout: streams.includes("stdout"),
      AttachStderr: streams.includes("stderr"),
      StdinOnce: streams.includes("stdin"),
    };
    const created = yield* createContainer(invocation as never, { ...request.value, body }, flags);
    if (!created.ok) return yield* fail(invocation, created.error);
    yield* process.print(`${created.value.id}\n`);
    return 0;
  },
});
