/** The course's own applications: hello-world-rest-api and todo-rest-api-h2, small HTTP servers with a version. */
import { Deferred, firstOf, suspend, type Task, type Wait } from "../base/task";
import { type ServerResponse, serveHttp, textResponse } from "../net/http";
import type { Process, Program } from "../os/process";
import { busybox, MINIMAL_PASSWD } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";
import { slashTime, untilSignal, waitSignal } from "./programs";

/** How much memory a real one of these takes once it runs. */
const MEMORY = 1_000_000;

/** The last five characters of the host name: the part of a Pod's name that tells it from its siblings. */
const suffix = (process: Process): string => process.context.hostname().slice(-5);

const json = (text: string, status = 200): ServerResponse =>
  textResponse(status, text, [["Content-Type", "application/json"]]);

/**
 * The application finds out where it runs, as cloud-ready ones do: in a Pod it is the small server that logs in Go's
 * way and ends well, in a plain container it listens on 5000 and prints Spring Boot's lines. `always` is for worlds
 * whose registries hold only the small server.
 */
export function restApi(version: string, always = false): Program {
  return (process) => {
    process.resizeMemory(MEMORY);
    const isSmall = always || process.env["KUBERNETES_SERVICE_HOST"] !== undefined;
    return isSmall ? smallServer(process, version) : springServer(process, version.toUpperCase());
  };
}

const portOf = (process: Process, usual: number): number =>
  Number(process.env["SERVER_PORT"] ?? process.env["PORT"]) || usual;

const greetingOf = (process: Process): string => process.env["HELLO_MESSAGE"] ?? "Hello World";

function* smallServer(process: Process, version: string): Task<number> {
  const ended = untilSignal(process, ["TERM", "INT"]);
  const exit = new Deferred<number>();
  const log = (text: string): Task<void> => process.print(`${slashTime(process.now())} ${text}\n`);
  const port = portOf(process, 8080);
  process.thread(
    (function* (): Task<void> {
      yield* serveHttp(process, port, function* (request) {
        // Probes ask for "/" every few seconds: not worth a line each.
        if (request.path !== "/") yield* log(`${request.method} ${request.path}`);
        const code = /^\/exit(?:\/(\d+))?$/.exec(request.path);
        if (code) {
          const status = Number(code[1] ?? 1);
          yield* log(`exiting ${status}`);
          exit.resolve(status);
          // The connection breaks with the process.
          yield* suspend(() => undefined);
        }
        return respond(request.path, greetingOf(process), version, suffix(process));
      });
    })(),
  );
  yield* log(`Started hello-world-rest-api ${version} on port ${port}`);
  const { index, value } = yield* suspend(firstOf([ended.wait as Wait<unknown>, exit.wait as Wait<unknown>]));
  if (index === 1) return value as number;
  yield* log(`received ${value === "INT" ? "interrupt" : "terminated"}, shutting down`);
  return 0;
}

function* springServer(process: Process, version: string): Task<number> {
  const ended = untilSignal(process, ["TERM", "INT"]);
  const port = portOf(process, 5000);
  process.thread(
    (function* (): Task<void> {
      yield* serveHttp(process, port, function* (request) {
        const answer = respond(request.path, greetingOf(process), version, suffix(process));
        yield* process.print(`${request.method} ${request.path} ${answer.status}\n`);
        return answer;
      });
    })(),
  );
  yield* process.print(
    `Tomcat started on port(s): ${port} (http) with context path ''\nStarted RestfulWebServicesApplication\n`,
  );
  const signal = yield* waitSignal(ended);
  yield* process.print("shutting down\n");
  return signal === "INT" ? 130 : 143;
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
const smallProgramName = (version: string): string => `small-rest-api-${version}`;

export const restApiPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ...versions.map(({ version }) => [programName(version), restApi(version)] as const),
  ...versions.map(({ version }) => [smallProgramName(version), restApi(version, true)] as const),
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

/** BusyBox as the recorded cluster had it: its binary, and two accounts. */
export const smallBusybox: ImageDefinition = defineImage({
  repository: "busybox",
  tags: ["latest", "1.28", "1.36"],
  base: busybox,
  created: "2026-11-23T10:34:30.401328115Z",
  layers: [{ createdBy: "COPY passwd /etc/ # buildkit", files: { "/etc/passwd": MINIMAL_PASSWD } }],
});

/** The same names in a world whose registries hold the small server: it listens on 8080 wherever it runs. */
export const smallRestApiImages: readonly ImageDefinition[] = versions
  .filter(({ version }) => version !== "v4")
  .flatMap(({ tag, version }) =>
    ["in28min/hello-world-rest-api", "minhta/hello-world-rest-api"].map((repository) =>
      smallImage(repository, [tag], smallProgramName(version)),
    ),
  )
  .concat(smallImage("in28min/todo-rest-api-h2", ["1.0.0.RELEASE", "0.0.1-SNAPSHOT"], smallProgramName("v1")));

function smallImage(repository: string, tags: readonly string[], program: string): ImageDefinition {
  return defineImage({
    repository,
    tags,
    base: smallBusybox,
    created: "2026-11-23T10:34:38.401328115Z",
    layers: [
      { createdBy: "COPY server /app # buildkit", files: { "/app": { program } }, size: 4_392_000 },
      { createdBy: "EXPOSE [8080/tcp]" },
      { createdBy: 'ENTRYPOINT ["/app"]' },
    ],
    config: { Env: [PATH_ENV], Entrypoint: ["/app"], Cmd: undefined as never, ExposedPorts: { "8080/tcp": {} } },
  });
}
