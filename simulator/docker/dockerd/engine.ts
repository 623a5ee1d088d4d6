/** The Docker Engine API: one door, upstream's paths and JSON. */
import type { ApiRequest, ApiResponse } from "../../base/door";
import type { Task } from "../../base/task";
import { ApiFailure } from "../api/failure";
import { Daemon, type DaemonOptions } from "./daemon";
import { type Route, RouteRequest } from "./route";
import { containerRoutes } from "./routes-containers";
import { imageRoutes } from "./routes-images";
import { systemRoutes } from "./routes-system";

export type { DaemonOptions as EngineOptions, EngineFacts } from "./daemon";

const routes: readonly Route[] = [...systemRoutes, ...containerRoutes, ...imageRoutes];

export class Engine {
  /** False while dockerd is stopped: its socket then refuses everyone. */
  isRunning = true;
  /** State, for whoever joins the parts (observation, faults). Clients use handle(). */
  readonly daemon: Daemon;

  constructor(options: DaemonOptions) {
    this.daemon = new Daemon(options);
  }

  /** Answers one request. `/v1.xx/` in front is negotiated; without it the newest version is meant. */
  *handle(request: ApiRequest): Task<ApiResponse> {
    const versioned = /^\/v(\d+)\.(\d+)(\/.*)$/.exec(request.path);
    const path = versioned ? versioned[3]! : request.path;
    if (versioned) {
      const refusal = this.#refuseVersion(Number(versioned[1]), Number(versioned[2]));
      if (refusal) return refusal.response();
    }
    let sawPath = false;
    for (const { method, pattern, handle } of routes) {
      const match = pattern.exec(path);
      if (!match) continue;
      sawPath = true;
      if (method !== request.method) continue;
      try {
        return yield* handle(this.daemon, new RouteRequest(request, match.slice(1)));
      } catch (error) {
        if (error instanceof ApiFailure) return error.response();
        throw error;
      }
    }
    if (/^\/(swarm|nodes|services|tasks|secrets|configs)(\/|$)/.test(path))
      return new ApiFailure(
        503,
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      ).response();
    if (/^\/plugins(\/|$)/.test(path))
      return new ApiFailure(501, "engine plugins are not simulated; the built-in drivers are").response();
    return new ApiFailure(sawPath ? 405 : 404, sawPath ? "Method Not Allowed" : "page not found").response();
  }

  /** Answers a read for an observer, at once and leaving no trace; undefined for what would wait or stream. */
  observe(request: ApiRequest): ApiResponse | undefined {
    if (request.method !== "GET") return undefined;
    this.daemon.isObserved = true;
    try {
      const task = this.handle(request);
      const result = task.next();
      if (result.done) return result.value;
      task.return({ status: 499 });
      return undefined;
    } finally {
      this.daemon.isObserved = false;
    }
  }

  #refuseVersion(major: number, minor: number): ApiFailure | undefined {
    const compare = (text: string): number => {
      const [otherMajor = 0, otherMinor = 0] = text.split(".").map(Number);
      return major - otherMajor || minor - otherMinor;
    };
    const { apiVersion, minApiVersion } = this.daemon.facts;
    if (compare(apiVersion) > 0)
      return new ApiFailure(
        400,
        `client version ${major}.${minor} is too new. Maximum supported API version is ${apiVersion}`,
      );
    if (compare(minApiVersion) < 0)
      return new ApiFailure(
        400,
        `client version ${major}.${minor} is too old. Minimum supported API version is ${minApiVersion}, please upgrade your client to a newer version`,
      );
    return undefined;
  }
}
