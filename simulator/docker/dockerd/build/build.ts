/** POST /build (in the making). */
import type { ApiResponse } from "../../../base/door";
import type { Task } from "../../../base/task";
import { notImplemented } from "../../api/failure";
import type { Daemon } from "../daemon";
import type { RouteRequest } from "../route";

export function* buildRoute(_daemon: Daemon, _request: RouteRequest): Task<ApiResponse> {
  throw notImplemented("docker build is not there yet");
}
