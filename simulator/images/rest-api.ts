/** The course's own applications: hello-world-rest-api and todo-rest-api-h2, small HTTP servers with a version. */
import type { Task } from "../base/task";
import { type ServerResponse, serveHttp, textResponse } from "../net/http";
import type { Process, Program } from "../os/process";
import { busybox } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";
import { slashTime, untilSignal, waitSignal } from "./programs";

/** How much memory a real one of these takes once it runs. */
const MEMORY = 1_000_000;

/** The last five characters of the host name: the part of a Pod's name that tells it from its siblings. */
const suffix = (process: Process): string => process.context.hostname().slice(-5);

const json = (text: string, status = 200): ServerResponse =>
  textResponse(status, text, [["Content-Type", "application/json"]]);

/**
 * The application finds out where it runs, as cloud-ready ones do: in a Pod it listens on 8080 and logs one line, in a
 * plain container on 5000 with Spring Boot's lines.
 */
export function restApi(version: string): Program {
  return function* (process) {
    process.resizeMemory(MEMORY);
    const inPod = process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
    const ended = untilSignal(process, ["TERM", "INT"]);
    const port = Number(process.env["SERVER_PORT"] ?? process.env["PORT"]) || (inPod ? 8080 : 5000);
    const greeting = process.env["HELLO_MESSAGE"] ?? "Hello World";
    process.thread(
      (function* (): Task<void> {
        yield* serveHttp(process, port, function* (request) {
          const answer = respond(request.path, greeting, inPod ? version : version.toUpperCase(), suffix(process));
          if (!inPod) yield* process.print(`${request.method} ${request.path} ${answer.status}\n`);
          return answer;
        });
      })(),
    );
    if (inPod)
      yield* process.print(`${slashTime(process.now())} Started hello-world-rest-api ${version} on port ${port}\n`);
    else
      yield* process.print(
        `Tomcat started on port(s): ${port} (http) with context path ''\nStarted RestfulWebServicesApplication\n`,
      );
    const signal = yield* waitSignal(ended);
    if (!inPod) yield* process.print("shutting down\n");
    return signal === "INT" ? 130 : 143;
  };
}

function respond(path: string, greeting: string, version: string, pod: string): ServerResponse {
  if (path === "/") return textResponse(200, "{healthy:true}");
  if (path === "/hello-world") return textResponse(200, `${greeting} ${version} ${pod}`);
  if (path === "/hello-world-bean") return json(`{"message":"${greeting}"}`);
  if (path.startsWith("/hello-world/path-variable/"))
    return json(`{"message":"${greeting}, ${path.split("/").at(-1)}"}`);
  if (path.startsWith("/actuator/health") || path === "/health" || path === "/healthz") return json('{"status":"UP"}');
  return json(`{"status":404,"error":"Not Found","path":"${path}"}`, 404);
}

const versions = [
  { tag: "0.0.1.RELEASE", version: "v1" },
  { tag: "0.0.2.RELEASE", version: "v2" },
  { tag: "0.0.3.RELEASE", version: "v3" },
  { tag: "0.0.4.RELEASE", version: "v4" },
] as const;

const programName = (version: string): string => `rest-api-${version}`;

export const restApiPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ...versions.map(({ version }) => [programName(version), restApi(version)] as const),
  // A bare executable, as lessons lay it beside their Dockerfiles.
  ["rest-api", restApi("v1")],
  ["todo-rest-api", restApi("v1")],
]);

function define(tag: string, version: string, second: number): ImageDefinition {
  return defineImage({
    repository: "in28min/hello-world-rest-api",
    tags: [tag],
    base: busybox,
    created: `2026-02-24T10:34:${second}.401328115Z`,
    layers: [
      { createdBy: "ENV JAVA_VERSION=8u212" },
      { createdBy: "VOLUME [/tmp]" },
      { createdBy: "EXPOSE [5000/tcp]" },
      {
        createdBy: `COPY server-${version.toUpperCase()} /app # buildkit`,
        files: { "/app": { program: programName(version) } },
        size: 821_992,
      },
      { createdBy: 'ENTRYPOINT ["/app"]' },
    ],
    config: {
      Env: [PATH_ENV, "JAVA_VERSION=8u212"],
      Entrypoint: ["/app"],
      Cmd: undefined as never,
      ExposedPorts: { "5000/tcp": {} },
      Volumes: { "/tmp": {} },
    },
  });
}

// Newer seconds first: the recordings list 0.0.1 above 0.0.2.
const own = versions.map(({ tag, version }, i) => define(tag, version, i === 0 ? 35 : 32 + i));

/** hello-world-rest-api under both of its owners' names, and the todo application. */
export const restApiImages: readonly ImageDefinition[] = [
  ...own,
  ...own.map((definition) => ({ ...definition, repository: "minhta/hello-world-rest-api" })),
  defineImage({
    repository: "in28min/todo-rest-api-h2",
    tags: ["1.0.0.RELEASE", "0.0.1-SNAPSHOT"],
    base: busybox,
    created: "2026-02-24T10:34:38.401328115Z",
    layers: [
      { createdBy: "EXPOSE [5000/tcp]" },
      {
        createdBy: "COPY todo-rest-api-h2 /app # buildkit",
        files: { "/app": { program: "todo-rest-api" } },
        size: 822_100,
      },
      { createdBy: 'ENTRYPOINT ["/app"]' },
    ],
    config: { Env: [PATH_ENV], Entrypoint: ["/app"], Cmd: undefined as never, ExposedPorts: { "5000/tcp": {} } },
  }),
];
