/** Images of a project: pulled or built. */
import type { Task } from "../../../base/task";
import { solve, assignments } from "../build/solve";
import { buildContext } from "../build/context";
import { type SolveDisplay, solveDisplay } from "../build/solve-display";
import { sourceExcerpt } from "../build/source";
import { parseReference } from "../reference";
import { registryAuth } from "../registry-auth";
import { eachMessage } from "../stream";
import type { ProgressMessage } from "../progress";
import { imageOf } from "./bodies";
import { ComposeFailure, type Session } from "./session";
import type { BuildConfig } from "./types";

export interface BuildOptions {
  readonly noCache?: boolean;
  readonly pull?: boolean;
  readonly quiet?: boolean;
  readonly progress?: string;
  readonly args?: readonly string[];
}

/** The id of an image that is here. */
export function* imageId(session: Session, name: string): Task<string | undefined> {
  const answer = yield* session.client.fetch<{ Id: string }>(`/images/${name}/json`);
  if (answer.ok) return answer.value.Id;
  if (answer.error.status === 404) return undefined;
  throw new ComposeFailure(answer.error.message.replace(/^Error response from daemon: /, ""));
}

/** Makes sure that every service has its image; answers their ids. */
export function* ensureImages(
  session: Session,
  names: readonly string[],
  options: { readonly build: boolean; readonly noBuild: boolean; readonly pull: string; readonly quietPull?: boolean },
): Task<Map<string, string>> {
  const { project } = session;
  const ids = new Map<string, string>();
  const toBuild: string[] = [];
  const toPull: string[] = [];
  for (const name of names) {
    const service = project.services[name]!;
    const policy = options.pull === "policy" ? String(service["pull_policy"] ?? "missing") : options.pull;
    const id = yield* imageId(session, imageOf(project, name));
    if (id !== undefined) ids.set(name, id);
    if (service.build && !options.noBuild && (options.build || id === undefined || policy === "build"))
      toBuild.push(name);
    else if (!service.build && policy !== "never" && (id === undefined || policy === "always")) toPull.push(name);
    else if (id === undefined) throw new ComposeFailure(`No such image: ${imageOf(project, name)}`);
  }
  const failures: string[] = [];
  for (const name of toPull) {
    const problem = yield* pullService(session, name);
    if (problem !== undefined) failures.push(problem);
  }
  if (failures.length > 0) throw new ComposeFailure(failures[0]!);
  yield* session.progress.end();
  if (toBuild.length > 0) yield* buildServices(session, toBuild, {});
  for (const name of [...toPull, ...toBuild]) ids.set(name, (yield* imageId(session, imageOf(project, name)))!);
  return ids;
}

/** Pulls one service's image; a text is why it could not be. */
export function* pullService(session: Session, name: string): Task<string | undefined> {
  const { client, project, progress } = session;
  const image = imageOf(project, name);
  const reference = parseReference(image);
  if (!reference.ok) return reference.error;
  yield* progress.event(name, "", "working", "Pulling");
  const answer = yield* client.post("/images/create", {
    query: { fromImage: reference.value.familiar, tag: reference.value.digest ?? reference.value.tag ?? "latest" },
    headers: registryAuth(client.process, reference.value.name),
  });
  let problem = answer.ok ? undefined : answer.error.message;
  if (answer.ok && answer.value.stream) {
    const broken = yield* eachMessage<ProgressMessage>(answer.value.stream, function* (message) {
      if (message.error !== undefined) problem ??= message.errorDetail?.message ?? message.error;
      else if (message.id !== undefined && /^[0-9a-f]{12}$/.test(message.id) && progressLine(message))
        yield* progress.event(
          `${message.id}`,
          message.status ?? "",
          /complete|exists/.test(message.status ?? "") ? "done" : "working",
        );
    });
    problem ??= broken;
  }
  yield* progress.event(
    name,
    problem === undefined ? "" : "Error",
    problem === undefined ? "done" : "error",
    problem === undefined ? "Pulled" : "",
  );
  return problem;
}

/** Bars that move are left to terminals. */
const progressLine = (message: ProgressMessage): boolean =>
  !(message.progressDetail?.total ?? 0) || /complete|exists/.test(message.status ?? "");

/** `compose build`: through bake, which reads what it is to build from standard input. */
export function* buildServices(session: Session, names: readonly string[], options: BuildOptions): Task<void> {
  const { client, project, progress } = session;
  const { process } = client;
  const mode = options.quiet ? "quiet" : options.progress === "plain" || !process.ttyOf(2) ? "plain" : "tty";
  const display = solveDisplay(process, mode, { fd: mode === "plain" ? 1 : 2, builder: "docker:default" });
  const definition = bakeDefinition(session, names);
  yield* clientVertex(
    display,
    process.now(),
    "[internal] load local bake definitions",
    `reading from stdin`,
    definition.length,
  );
  for (const name of names) {
    const build = project.services[name]!.build!;
    const problem = yield* buildOne(session, name, build, options, display, names.length > 1);
    if (problem !== undefined) throw new ComposeFailure(problem);
  }
  yield* clientVertex(display, process.now(), "resolving provenance for metadata file");
  yield* display.end();
  for (const name of names) yield* progress.event(imageOf(project, name), "Built", "done");
}

function bakeDefinition({ project }: Session, names: readonly string[]): string {
  return JSON.stringify({
    group: { default: { targets: names } },
    target: Object.fromEntries(
      names.map((name) => {
        const build = project.services[name]!.build!;
        return [
          name,
          {
            context: build.context,
            dockerfile: build.dockerfile,
            ...(build.args ? { args: build.args } : {}),
            tags: [imageOf(project, name)],
            output: ["type=docker"],
          },
        ];
      }),
    ),
  });
}

function* clientVertex(display: SolveDisplay, now: number, name: string, status?: string, bytes = 0): Task<void> {
  const digest = `client ${name}`;
  yield* display.update({
    vertexes: [{ digest, name, started: now }],
    ...(status ? { statuses: [{ id: status, vertex: digest, current: bytes, started: now, completed: now }] } : {}),
  });
  yield* display.update({ vertexes: [{ digest, name, started: now, completed: now }] });
}

function* buildOne(
  session: Session,
  name: string,
  build: BuildConfig,
  options: BuildOptions,
  display: SolveDisplay,
  isOneOfMany: boolean,
): Task<string | undefined> {
  const { client, project } = session;
  const { process } = client;
  const file =
    build.dockerfile === undefined ? "" : `${build.context}/${build.dockerfile}`.replace(/^.*?(?=\/)(.*)\/\//, "$1/");
  const context = yield* buildContext(
    process,
    build.context,
    build.dockerfile?.startsWith("/") ? build.dockerfile : file,
    { classic: false },
  );
  if (!context.ok) return `unable to prepare context: ${context.error}`;
  const named: SolveDisplay = isOneOfMany
    ? {
        ...display,
        trace: display.trace,
        update: (status) =>
          display.update({
            ...status,
            ...(status.vertexes && {
              vertexes: status.vertexes.map((each) => ({ ...each, name: each.name.replace(/^\[/, `[${name} `) })),
            }),
          }),
        *end() {},
      }
    : { trace: display.trace, update: (status) => display.update(status), *end() {} };
  const args = Object.fromEntries(
    Object.entries(build.args ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
  const built = yield* solve(
    client,
    build.dockerfile_inline === undefined
      ? context.value
      : { ...context.value, outside: build.dockerfile_inline, dockerfile: "Dockerfile" },
    {
      tags: [imageOf(project, name), ...(build.tags ?? [])],
      target: build.target ?? "",
      args: { ...args, ...assignments(options.args ?? [], process.env) },
      labels: build.labels ?? {},
      noCache: options.noCache ?? build.no_cache ?? false,
      pull: options.pull ?? build.pull ?? false,
    },
    named,
  );
  if (built.ok) return undefined;
  yield* display.end();
  if (built.error.source) yield* process.printError(sourceExcerpt(built.error.source));
  return `target ${name}: ${built.error.message}`;
}
