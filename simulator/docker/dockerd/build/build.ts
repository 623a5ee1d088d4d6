/** POST /build: reads the request and hands it to the builder that was asked for. */
import type { ApiResponse } from "../../../base/door";
import type { Task } from "../../../base/task";
import type { Credentials } from "../../../containerd/api";
import type { Daemon } from "../daemon";
import type { RouteRequest } from "../route";
import { streamResponse } from "../streams";
import { buildWithBuildKit } from "./buildkit";
import { buildClassic, checkClassic } from "./classic";
import { readBuildRequest } from "./context";

export function* buildRoute(
  daemon: Daemon,
  request: RouteRequest,
  credentials: Credentials | undefined,
): Task<ApiResponse> {
  const build = readBuildRequest(request, credentials);
  if (request.query("version") === "2")
    return streamResponse(daemon.loop, (writer) =>
      buildWithBuildKit(daemon, build, writer, { checkOnly: request.flag("check") }),
    );
  const dockerfile = checkClassic(build);
  return streamResponse(daemon.loop, (writer) => buildClassic(daemon, build, dockerfile, writer));
}
