/** A compose command at work: the project, the client, what is said on the way, and the containers there are. */
import { rfc3339 } from "../../../base/clock";
import { Deferred, type Task, suspend } from "../../../base/task";
import type { DockerClient } from "../client";
import { label } from "./bodies";
import type { Progress } from "./progress";
import type { Project } from "./types";

/** A failure that ends the command; `message` goes to standard error. */
export class ComposeFailure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export interface Session {
  readonly client: DockerClient;
  readonly project: Project;
  readonly progress: Progress;
}

export interface OwnContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  readonly Created: number;
  readonly State: string;
  readonly Status: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Ports: readonly {
    readonly IP?: string;
    readonly PrivatePort: number;
    readonly PublicPort?: number;
    readonly Type: string;
  }[];
  readonly Mounts: readonly {
    readonly Name?: string;
    readonly Source: string;
    readonly Type: string;
    readonly Driver?: string;
  }[];
  readonly NetworkSettings?: { readonly Networks: Readonly<Record<string, unknown>> };
}

export const nameOf = (container: OwnContainer): string => container.Names[0]!.replace(/^\//, "");
export const serviceOf = (container: OwnContainer): string => container.Labels[label("service")] ?? "";
export const numberOf = (container: OwnContainer): number => Number(container.Labels[label("container-number")] ?? 1);
export const isRunning = (container: OwnContainer): boolean =>
  ["running", "paused", "restarting"].includes(container.State);

/** The project's containers; one-offs only where they are asked for. By name, or as the engine lists them: newest first. */
export function* containersOf(
  client: DockerClient,
  project: string,
  options: {
    readonly all: boolean;
    readonly oneOffs?: boolean;
    readonly services?: readonly string[];
    readonly newestFirst?: boolean;
  },
): Task<OwnContainer[]> {
  const filters = {
    label: {
      [`${label("project")}=${project}`]: true,
      ...(options.oneOffs ? {} : { [`${label("oneoff")}=False`]: true }),
    },
  };
  const answer = yield* client.fetch<readonly OwnContainer[]>("/containers/json", {
    all: options.all,
    filters: JSON.stringify(filters),
  });
  if (!answer.ok) throw new ComposeFailure(answer.error.message.replace(/^Error response from daemon: /, ""));
  const wanted = options.services ?? [];
  const found = answer.value.filter((each) => wanted.length === 0 || wanted.includes(serviceOf(each)));
  return options.newestFirst ? found : found.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/**
 * Runs tasks at the same time; the first failure counts once all are done. The one given last begins, then the others in
 * turn: the order in which Go's scheduler takes up goroutines, and so the order of what compose says.
 */
export function* together<T>(
  client: DockerClient,
  tasks: readonly (() => Task<T>)[],
  order: "last-first" | "as-given" = "last-first",
): Task<T[]> {
  const results = tasks.map(() => new Deferred<{ readonly value?: T; readonly error?: unknown }>());
  const turns = tasks.map((task, i) => ({ task, result: results[i]! }));
  if (order === "last-first" && turns.length > 1) turns.unshift(turns.pop()!);
  for (const { task, result } of turns)
    client.process.thread(
      (function* (): Task<void> {
        try {
          result.resolve({ value: yield* task() });
        } catch (error) {
          if (!(error instanceof ComposeFailure)) throw error;
          result.resolve({ error });
        }
      })(),
    );
  const values: T[] = [];
  let failed: unknown;
  for (const result of results) {
    const { value, error } = yield* suspend(result.wait);
    failed ??= error;
    values.push(value as T);
  }
  if (failed !== undefined) throw failed;
  return values;
}

/** A request that must succeed. */
export function* must(
  { client }: Pick<Session, "client">,
  method: "GET" | "POST" | "DELETE",
  path: string,
  options: Parameters<DockerClient["call"]>[2] = {},
): Task<unknown> {
  const answer = yield* client.call(method, path, options);
  if (!answer.ok) throw new ComposeFailure(answer.error.message);
  return answer.value.body;
}

/** logrus's line, plain or on a terminal. */
export function* warn(client: DockerClient, message: string): Task<void> {
  const { process } = client;
  yield* process.printError(
    process.ttyOf(2)
      ? `\x1b[33mWARN\x1b[0m[0000] ${message} \n`
      : `time="${rfc3339(process.now())}" level=warning msg=${JSON.stringify(message)}\n`,
  );
}
