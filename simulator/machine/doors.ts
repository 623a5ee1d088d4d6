/**
 * The ways from outside to a machine's two servers, for adapters that serve them to real clients. What comes in here is
 * no learner's input and is not in the log: a machine that is used so cannot be replayed from its log.
 */
import type { ApiRequest, ApiResponse } from "../base/door";
import type { Cancel } from "../base/loop";
import { startTask } from "../base/task";
import type { NoAnswer, OutsideKubernetesRequest } from "./api";
import type { World } from "./world";

/** The API server takes effect at once; what goes on comes as a stream, on the loop. */
export function askKubernetes(world: World, request: OutsideKubernetesRequest): ApiResponse | NoAnswer {
  if (!world.cluster) return { failure: "dial tcp 127.0.0.1:6443: connect: connection refused" };
  return world.cluster.cluster.api.request(request);
}

/** The engine may take its time: `answer` gets its response, or undefined when no daemon listens. */
export function askDocker(
  world: World,
  request: ApiRequest,
  answer: (response: ApiResponse | undefined) => void,
): Cancel {
  const { engine } = world;
  if (!engine?.daemon.process.alive) {
    answer(undefined);
    return () => {};
  }
  const handle = startTask(
    world.loop,
    engine.handle(request),
    (response) => {
      world.history.dockerRequest(request, response);
      answer(response);
    },
    (error) => {
      world.faults.push(
        `${request.method} ${request.path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      answer({ status: 500, body: { message: "the simulator failed; its report has the details" } });
    },
  );
  return () => handle.cancel();
}
