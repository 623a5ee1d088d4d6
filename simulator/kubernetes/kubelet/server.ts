/**
 * The kubelet's own server (port 10250): container logs, exec, attach, port-forward and usage figures. Answers with
 * upstream's words where a container has no log or cannot be entered.
 */
import { type Bytes, decodeUtf8, encodeUtf8, NO_BYTES } from "../../base/bytes";
import { type Instant, parseRfc3339, rfc3339Nano } from "../../base/clock";
import type { ApiResponse, ApiStream, ClientFrame, StreamReceiver } from "../../base/door";
import { failure, ok, type Result } from "../../base/result";
import { suspend, type Task, type TaskHandle } from "../../base/task";
import { CriError, type StreamIo, type StreamSession } from "../../containerd/cri";
import type { LogLine } from "../../containerd/logs";
import type { Connection } from "../../net/tcp";
import { Netns } from "../../net/netns";
import { SysError } from "../../os/errno";
import { badRequest, statusResponse } from "../apimachinery/status";
import type { ContainerStatus, Pod } from "../api/types.generated";
import type { Kubelet } from "./kubelet";
import type { RuntimeContainer } from "./runtime-status";

/** As the API server asks: see apiserver/kubelet-proxy.ts. */
export interface ServerRequest {
  readonly verb: "log" | "exec" | "attach" | "portforward";
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
}

const text = (status: number, body: string): ApiResponse => ({
  status,
  headers: { "content-type": "text/plain" },
  body,
});
const flag = (request: ServerRequest, name: string): boolean => {
  const value = request.query[name]?.[0];
  return value === "true" || value === "1";
};

export class KubeletServer {
  readonly #kubelet: Kubelet;

  constructor(kubelet: Kubelet) {
    this.#kubelet = kubelet;
  }

  handle(request: ServerRequest): ApiResponse {
    const pod = this.#kubelet.podByName(request.namespace, request.pod);
    if (!pod) return text(404, `pod "${request.pod}" not found`);
    try {
      switch (request.verb) {
        case "log":
          return this.#log(pod, request);
        case "exec":
          return this.#exec(pod, request);
        case "attach":
          return this.#attach(pod, request);
        case "portforward":
          return this.#portForward(pod, request);
      }
    } catch (error) {
      if (error instanceof CriError) return text(500, error.message);
      throw error;
    }
  }

  // ---- what it says of itself ----------------------------------------------------------------------------------------------

  /** A GET of the kubelet's own paths, as the API server's node proxy asks. */
  http(path: string): ApiResponse {
    switch (path.replace(/\/$/, "")) {
      case "/healthz":
        return text(200, "ok");
      case "/pods":
      case "/runningpods": {
        const items = [...this.#kubelet.workers.values()].map(({ pod, uid }) => ({
          metadata: pod.metadata,
          spec: pod.spec,
          status: this.#kubelet.statuses.get(uid) ?? pod.status ?? {},
        }));
        return {
          status: 200,
          headers: { "content-type": "application/json" },
          body: { kind: "PodList", apiVersion: "v1", metadata: {}, items },
        };
      }
      default:
        return text(404, "404 page not found\n");
    }
  }

  // ---- logs ------------------------------------------------------------------------------------------------------------

  #log(pod: Pod, request: ServerRequest): ApiResponse {
    const status = this.#kubelet.statuses.get(pod.metadata.uid) ?? pod.status ?? {};
    const all = [
      ...(status.containerStatuses ?? []),
      ...(status.initContainerStatuses ?? []),
      ...(status.ephemeralContainerStatuses ?? []),
    ];
    const found = all.find((c) => c.name === request.container);
    if (!found)
      return statusResponse(badRequest(`container "${request.container}" in pod "${request.pod}" is not available`));
    const id = loggedContainer(found, request.pod, flag(request, "previous"));
    if (!id.ok) return statusResponse(badRequest(id.error));
    const log = this.#kubelet.runtime().containerLog(id.value);
    if (!log) return text(200, `unable to retrieve container logs for containerd://${id.value}`);
    const select = new LogSelection(request, this.#kubelet.scope.now());
    const tail = request.query["tailLines"]?.[0];
    let position = tail === undefined ? 0 : log.tail(Math.max(0, Number(tail)));
    const first = log.read(position, Number.POSITIVE_INFINITY);
    position = first.next;
    const begin = select.take(first.lines);
    if (!flag(request, "follow")) return text(200, decodeUtf8(begin));
    const kubelet = this.#kubelet;
    return {
      status: 200,
      headers: { "content-type": "text/plain" },
      stream: taskStream(kubelet, function* (receiver) {
        if (begin !== "") receiver.frame({ channel: "stdout", bytes: begin });
        while (!select.isFull) {
          const more = log.read(position);
          position = more.next;
          const bytes = select.take(more.lines);
          if (bytes !== "") receiver.frame({ channel: "stdout", bytes });
          else if (log.closed) break;
          else yield* suspend(log.changed.wait);
        }
        receiver.end();
      }),
    };
  }

  // ---- exec and attach ---------------------------------------------------------------------------------------------------

  #running(pod: Pod, name: string): RuntimeContainer | undefined {
    const found = this.#kubelet.cache.status(pod.metadata.uid).containers.find((c) => c.name === name);
    return found?.state === "running" ? found : undefined;
  }

  #exec(pod: Pod, request: ServerRequest): ApiResponse {
    const found = this.#running(pod, request.container);
    if (!found) return text(500, `container not found ("${request.container}")`);
    const command = request.query["command"] ?? [];
    const tty = flag(request, "tty");
    const stdin = flag(request, "stdin");
    const kubelet = this.#kubelet;
    return {
      status: 101,
      stream: sessionStream(kubelet, command, (io) =>
        kubelet.runtime().exec(found.id, { cmd: command, tty, stdin, io }),
      ),
    };
  }

  #attach(pod: Pod, request: ServerRequest): ApiResponse {
    const kubelet = this.#kubelet;
    const found = kubelet.cache.status(pod.metadata.uid).containers.find((c) => c.name === request.container);
    if (!found) return text(500, `container ${request.container} not found in pod ${request.pod}`);
    if (found.state !== "running") {
      const state = found.state === "created" ? "CONTAINER_CREATED" : "CONTAINER_EXITED";
      const stream = taskStream(kubelet, function* (receiver) {
        const status = internalError(`error attaching to container: container is in ${state} state`);
        receiver.frame({ channel: "error", bytes: encodeUtf8(JSON.stringify(status)) });
        receiver.end();
      });
      return { status: 101, stream };
    }
    const stdin = flag(request, "stdin");
    return {
      status: 101,
      stream: sessionStream(kubelet, [], function* (io) {
        return kubelet.runtime().attach(found.id, { stdin, io });
      }),
    };
  }

  // ---- port-forward --------------------------------------------------------------------------------------------------------

  /** One connection to a port of the Pod: what comes as stdin is written to it, what it answers is stdout. */
  #portForward(pod: Pod, request: ServerRequest): ApiResponse {
    const port = Number(request.query["ports"]?.[0] ?? request.query["port"]?.[0]);
    const sandbox = this.#kubelet.cache.status(pod.metadata.uid).sandboxes.find((s) => s.ready);
    if (!sandbox) return text(500, `pod not found ("${pod.metadata.name}_${pod.metadata.namespace}")`);
    const kubelet = this.#kubelet;
    const network = kubelet.runtime().portForwardNetwork(sandbox.id);
    const queue: (Bytes | "end")[] = [];
    let connection: Connection | undefined;
    const pump = (): void => {
      if (!connection) return;
      const open = connection;
      for (const item of queue.splice(0)) {
        if (item === "end") open.shutdown();
        else kubelet.process.thread(open.write(item));
      }
    };
    return {
      status: 101,
      stream: taskStream(
        kubelet,
        function* (receiver) {
          try {
            if (!(network instanceof Netns)) throw new SysError("ENETUNREACH");
            connection = yield* network.connect(kubelet.process, { address: "127.0.0.1", port });
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
            const message = `error forwarding port ${port} to pod ${sandbox.id}, uid : failed to execute portforward in network namespace "/var/run/netns/${network.name}": failed to connect to localhost:${port} inside namespace "${sandbox.id}", IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused IPv6 dial tcp6 [::1]:${port}: connect: connection refused `;
            receiver.frame({ channel: "error", bytes: encodeUtf8(message) });
            receiver.end();
            return;
          }
          pump();
          try {
            for (;;) {
              const bytes = yield* connection.read();
              if (bytes === NO_BYTES) break;
              receiver.frame({ channel: "stdout", bytes });
            }
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
          } finally {
            connection.close();
          }
          receiver.end();
        },
        (frame) => {
          if (frame.channel === "stdin") queue.push(frame.bytes);
          else if (frame.channel === "stdin-end") queue.push("end");
          pump();
        },
      ),
    };
  }

  // ---- figures ---------------------------------------------------------------------------------------------------------------

  /** /metrics/resource: running totals of the node and of each container. */
  usage() {
    const { kernel } = this.#kubelet.process;
    const runtime = this.#kubelet.runtime();
    const pods = this.#kubelet.pods().flatMap((pod) => {
      const containers = this.#kubelet.cache
        .status(pod.metadata.uid)
        .containers.filter((container) => container.state === "running")
        .map((container) => {
          const stats = runtime.containerStats(container.id);
          return { name: container.name, cpuMs: stats.usageCoreNanoSeconds / 1e6, memoryBytes: stats.workingSetBytes };
        });
      return containers.length > 0
        ? [{ namespace: pod.metadata.namespace ?? "default", name: pod.metadata.name, containers }]
        : [];
    });
    return { node: { cpuMs: kernel.rootCgroup.cpuUsageMs, memoryBytes: kernel.rootCgroup.memoryBytes }, pods };
  }
}

/** Which container's log is meant: the present one's, or the one before. The error is the server's. */
function loggedContainer(status: ContainerStatus, pod: string, previous: boolean): Result<string, string> {
  const { state = {}, lastState = {}, name } = status;
  const bare = (id: string): Result<string, string> => ok(id.replace(/^containerd:\/\//, ""));
  if (previous) {
    const id = lastState.terminated?.containerID;
    return id ? bare(id) : failure(`previous terminated container "${name}" in pod "${pod}" not found`);
  }
  if (state.running && status.containerID) return bare(status.containerID);
  const ended = state.terminated?.containerID || lastState.terminated?.containerID;
  if (ended) return bare(ended);
  if (state.terminated || lastState.terminated) return failure(`container "${name}" in pod "${pod}" is terminated`);
  const start = `container "${name}" in pod "${pod}" is waiting to start`;
  switch (state.waiting?.reason) {
    case undefined:
      return failure(`${start} - no logs yet`);
    case "ErrImagePull":
      return failure(`${start}: image can't be pulled`);
    case "ImagePullBackOff":
      return failure(`${start}: trying and failing to pull image`);
    default:
      return failure(`${start}: ${state.waiting!.reason}`);
  }
}

/** sinceTime, sinceSeconds, timestamps and limitBytes. */
class LogSelection {
  readonly #since: Instant;
  readonly #timestamps: boolean;
  #left: number;

  constructor(request: ServerRequest, now: Instant) {
    const seconds = request.query["sinceSeconds"]?.[0];
    const time = request.query["sinceTime"]?.[0];
    this.#since = seconds !== undefined ? now - Number(seconds) * 1000 : time ? (parseRfc3339(time) ?? 0) : 0;
    this.#timestamps = flag(request, "timestamps");
    const limit = request.query["limitBytes"]?.[0];
    this.#left = limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  take(lines: readonly LogLine[]): Bytes {
    let out = "";
    for (const line of lines) {
      if (line.at < this.#since || this.#left <= 0) continue;
      const whole = this.#timestamps ? `${rfc3339Nano(line.at)} ${line.text}` : line.text;
      const part = whole.slice(0, this.#left);
      this.#left -= part.length;
      out += part;
    }
    return out as Bytes;
  }
}

/** A stream whose server side is a task of the kubelet: it ends with it, and with the client. */
function taskStream(
  kubelet: Kubelet,
  serve: (receiver: StreamReceiver) => Task<void>,
  send: (frame: ClientFrame) => void = () => {},
): ApiStream {
  let handle: TaskHandle | undefined;
  let over = false;
  return {
    open(receiver) {
      const guarded: StreamReceiver = {
        frame: (frame) => {
          if (!over) receiver.frame(frame);
        },
        end: (error) => {
          if (over) return;
          over = true;
          receiver.end(error);
        },
      };
      if (!kubelet.process.alive) {
        kubelet.scope.loop.soon(() => guarded.end("unexpected EOF"));
        return;
      }
      kubelet.process.atExit(() => guarded.end("unexpected EOF"));
      kubelet.scope.loop.soon(() => {
        if (!over && kubelet.process.alive) handle = kubelet.process.thread(serve(guarded));
      });
    },
    send(frame) {
      if (!over) send(frame);
    },
    cancel: () => {
      over = true;
      handle?.cancel();
    },
  };
}

/** exec and attach: output as frames, the end as a Status on the error channel. */
/** What the streaming server of the runtime says when it cannot begin. */
const internalError = (message: string) => ({
  metadata: {},
  status: "Failure",
  message: `Internal error occurred: ${message}`,
  reason: "InternalError",
  details: { causes: [{ message }] },
  code: 500,
});

function sessionStream(
  kubelet: Kubelet,
  command: readonly string[],
  begin: (io: StreamIo) => Task<StreamSession>,
): ApiStream {
  let session: StreamSession | undefined;
  const early: ClientFrame[] = [];
  const deliver = (frame: ClientFrame): void => {
    if (!session) early.push(frame);
    else if (frame.channel === "stdin") session.stdin(frame.bytes);
    else if (frame.channel === "stdin-end") session.closeStdin();
    else session.resize(frame.columns, frame.rows);
  };
  const stream = taskStream(
    kubelet,
    function* (receiver) {
      const finish = (status: unknown): void => {
        receiver.frame({ channel: "error", bytes: encodeUtf8(JSON.stringify(status)) });
        receiver.end();
      };
      try {
        session = yield* begin({
          stdout: (bytes) => receiver.frame({ channel: "stdout", bytes }),
          stderr: (bytes) => receiver.frame({ channel: "stderr", bytes }),
        });
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        finish(internalError(`error executing command in container: ${error.description}`));
        return;
      }
      for (const frame of early.splice(0)) deliver(frame);
      const code = yield* session.wait();
      if (code === 0) finish({ metadata: {}, status: "Success" });
      else
        finish({
          metadata: {},
          status: "Failure",
          message: `command terminated with non-zero exit code: error executing command [${command.join(" ")}], exit code ${code}`,
          reason: "NonZeroExitCode",
          details: { causes: [{ reason: "ExitCode", message: String(code) }] },
        });
    },
    deliver,
  );
  return {
    ...stream,
    cancel: () => {
      session?.detach();
      stream.cancel();
    },
  };
}
