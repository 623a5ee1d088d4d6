/** kubectl logs */
import { type Bytes, encodeUtf8 } from "../../../base/bytes";
import { parseRfc3339, rfc3339 } from "../../../base/clock";
import { suspend, type Task, firstOf } from "../../../base/task";
import { boolFlag, durationFlag, intFlag, stringFlag } from "../../../cli/flags";
import { selectorFlag } from "../common-flags";
import { completeNames } from "../completion";
import { resourcePath } from "../discovery";
import type { Part } from "../describe/page";
import type { Factory } from "../factory";
import { ApiFailure, CommandFailure, fail } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../kubectl-command";
import { chooseContainer, podFor, podsOf } from "../pod-selection";
import { StreamReader } from "../rest";
import { findAll, getObject, type Target } from "../targets";

const flags = {
  "all-containers": boolFlag(false, "Get all containers' logs in the pod(s)."),
  "all-pods": boolFlag(false, "Get logs from all pod(s). Sets prefix to true."),
  container: stringFlag("", "Print the logs of this container", { shorthand: "c" }),
  follow: boolFlag(false, "Specify if the logs should be streamed.", { shorthand: "f" }),
  "ignore-errors": boolFlag(false, "If watching / following pod logs, allow for any errors that occur to be non-fatal"),
  "insecure-skip-tls-verify-backend": boolFlag(
    false,
    "Skip verifying the identity of the kubelet that logs are requested from.",
  ),
  "limit-bytes": intFlag(0, "Maximum bytes of logs to return. Defaults to no limit."),
  "max-log-requests": intFlag(
    5,
    "Specify maximum number of concurrent logs to follow when using by a selector. Defaults to 5.",
  ),
  "pod-running-timeout": durationFlag(
    20_000,
    "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
  ),
  prefix: boolFlag(false, "Prefix each log line with the log source (pod name and container name)"),
  previous: boolFlag(
    false,
    "If true, print the logs for the previous instance of the container in a pod if it exists.",
    { shorthand: "p" },
  ),
  selector: selectorFlag,
  since: durationFlag(
    0,
    "Only return logs newer than a relative duration like 5s, 2m, or 3h. Defaults to all logs. Only one of since-time / since may be used.",
  ),
  "since-time": stringFlag(
    "",
    "Only return logs after a specific date (RFC3339). Defaults to all logs. Only one of since-time / since may be used.",
  ),
  tail: intFlag(
    -1,
    "Lines of recent log file to display. Defaults to -1 with no selector, showing all log lines otherwise 10, if a selector is provided.",
  ),
  timestamps: boolFlag(false, "Include timestamps on each line in the log output"),
};

type Logs = KubectlInvocation<typeof flags>;

const USAGE = "logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]";

export const logs = defineKubectlCommand<typeof flags>({
  use: USAGE,
  short: "Print the logs for a container in a pod",
  group: "Troubleshooting and Debugging Commands",
  long: "Print the logs for a container in a pod or specified resource. If the pod has only one container, the container name is optional.",
  example:
    "  # Logs of a pod\n  kubectl logs web\n  \n  # Follow them\n  kubectl logs -f web\n  \n  # Of the container before the last restart\n  kubectl logs -p web",
  flags,
  completeArgs: completeNames("pods"),
  *run(invocation) {
    const { flags: given, args } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && given.selector === "") {
      return yield* invocation.usageError({
        kind: "usage",
        message: `expected '${USAGE}'.\nPOD or TYPE/NAME is a required argument for the logs command`,
      });
    }
    if (args.length > 2)
      return yield* invocation.usageError({
        kind: "usage",
        message: `expected '${USAGE}'.\nPOD or TYPE/NAME is a required argument for the logs command`,
      });
    if (args.length === 2 && given.container !== "") {
      return yield* invocation.usageError({
        kind: "usage",
        message: "only one of -c or an inline [CONTAINER] arg is allowed",
      });
    }
    checkOptions(invocation);
    const wanted = args[1] ?? given.container;
    const sources = yield* sourcesOf(invocation, factory, wanted);
    if (given.follow && sources.length > given["max-log-requests"]) {
      fail(
        `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${given["max-log-requests"]}, use --max-log-requests to increase the limit`,
      );
    }
    if (given.follow && sources.length > 1) return yield* followAll(invocation, factory, sources);
    for (const source of sources) yield* printOne(invocation, factory, source);
    return 0;
  },
});

interface Source {
  readonly pod: Part;
  readonly container: string;
}

function checkOptions({ flags: given, changed, args }: Logs): void {
  if (given.since !== 0 && given["since-time"] !== "")
    fail("at most one of `sinceTime` or `sinceSeconds` may be specified");
  if (given["since-time"] !== "" && parseRfc3339(given["since-time"]) === undefined) {
    fail(
      `parsing time "${given["since-time"]}" as "2006-01-02T15:04:05Z07:00": cannot parse "${given["since-time"]}" as "2006"`,
    );
  }
  if (given.since < 0) fail("--since must be greater than 0");
  if (given.tail < -1) fail("--tail must be greater than or equal to -1");
  if (changed("limit-bytes") && given["limit-bytes"] <= 0) fail("--limit-bytes must be greater than 0");
  if (given["all-containers"] && (given.container !== "" || args.length === 2))
    fail("--all-containers=true should not be specified with container name");
  if (given.selector !== "" && args.length > 0) fail("only a selector (-l) or a POD name is allowed");
}

function* sourcesOf(invocation: Logs, factory: Factory, wanted: string): Task<Source[]> {
  const { flags: given, args, process } = invocation;
  const pods: Part[] = [];
  if (given.selector !== "") {
    const targets = yield* findAll(factory, { args: ["pods"], selector: given.selector });
    if (targets.length === 0) {
      yield* process.printError(`No resources found in ${factory.namespace} namespace.\n`);
      return [];
    }
    pods.push(...targets.map((target) => target.object));
  } else {
    const target = yield* namedTarget(factory, args[0]!);
    if (given["all-pods"]) pods.push(...(yield* podsOf(factory, target, "cannot get the logs from")));
    else {
      const { pod, count } = yield* podFor(factory, target, given["pod-running-timeout"], "cannot get the logs from");
      if (count > 1) yield* process.printError(`Found ${count} pods, using pod/${pod.metadata.name}\n`);
      pods.push(pod);
    }
  }
  const sources: Source[] = [];
  for (const pod of pods) {
    if (given["all-containers"]) {
      const all = [
        ...(pod.spec.initContainers ?? []),
        ...(pod.spec.containers ?? []),
        ...(pod.spec.ephemeralContainers ?? []),
      ];
      for (const container of all) sources.push({ pod, container: container.name });
    } else sources.push({ pod, container: yield* chooseContainer(factory, pod, wanted) });
  }
  return sources;
}

function* namedTarget(factory: Factory, argument: string): Task<Pick<Target, "object" | "namespace">> {
  if (argument.includes("/")) return (yield* findAll(factory, { args: [argument] }))[0]!;
  const mapping = (yield* factory.discovery()).forArgument("pods");
  try {
    return { object: yield* getObject(factory, mapping, factory.namespace, argument), namespace: factory.namespace };
  } catch (error) {
    if (error instanceof ApiFailure && error.isNotFound) {
      throw new CommandFailure(
        `error from server (NotFound): pods "${argument}" not found in namespace "${factory.namespace}"`,
        { raw: false },
      );
    }
    throw error;
  }
}

function query({ flags: given, changed }: Logs, source: Source): Record<string, string | undefined> {
  const tail = given.tail === -1 && given.selector !== "" && !changed("tail") && !given.follow ? 10 : given.tail;
  return {
    container: source.container,
    follow: given.follow ? "true" : undefined,
    previous: given.previous ? "true" : undefined,
    timestamps: given.timestamps ? "true" : undefined,
    sinceSeconds: given.since > 0 ? String(Math.ceil(given.since / 1000)) : undefined,
    sinceTime: given["since-time"] ? rfc3339(parseRfc3339(given["since-time"])!) : undefined,
    tailLines: tail >= 0 ? String(tail) : undefined,
    limitBytes: given["limit-bytes"] > 0 ? String(given["limit-bytes"]) : undefined,
  };
}

function* open(invocation: Logs, factory: Factory, source: Source): Task<StreamReader<Bytes>> {
  const mapping = (yield* factory.discovery()).forArgument("pods");
  const path = resourcePath(mapping, source.pod.metadata.namespace, source.pod.metadata.name, "log");
  const stream = yield* factory.client.stream("GET", path, {
    query: query(invocation, source),
    accept: "application/json, */*",
  });
  return new StreamReader(stream, (frame) => (frame.channel === "stdout" ? frame.bytes : undefined));
}

const prefixOf = (invocation: Logs, source: Source): Bytes =>
  invocation.flags.prefix || invocation.flags["all-pods"]
    ? encodeUtf8(`[pod/${source.pod.metadata.name}/${source.container}] `)
    : ("" as Bytes);

function* printOne(invocation: Logs, factory: Factory, source: Source): Task<void> {
  const reader = yield* open(invocation, factory, source);
  const lines = new Prefixer(prefixOf(invocation, source));
  try {
    for (;;) {
      const bytes = yield* reader.next(factory.process);
      if (bytes === undefined) break;
      yield* factory.process.write(1, lines.push(bytes));
    }
  } finally {
    reader.close();
  }
}

/** Several followed logs at once, in the order in which lines arrive. */
function* followAll(invocation: Logs, factory: Factory, sources: readonly Source[]): Task<number> {
  const streams: { reader: StreamReader<Bytes>; lines: Prefixer }[] = [];
  for (const source of sources) {
    streams.push({
      reader: yield* open(invocation, factory, source),
      lines: new Prefixer(prefixOf(invocation, source)),
    });
  }
  try {
    while (streams.some(({ reader }) => !reader.finished)) {
      for (const { reader, lines } of streams) {
        for (;;) {
          const bytes = yield* reader.next(factory.process, 0);
          if (bytes === undefined) break;
          yield* factory.process.write(1, lines.push(bytes));
        }
      }
      const waiting = streams.filter(({ reader }) => !reader.finished);
      if (waiting.length > 0) yield* suspend(firstOf(waiting.map(({ reader }) => reader.changed.wait)));
    }
  } finally {
    for (const { reader } of streams) reader.close();
  }
  return 0;
}

/** Puts a prefix before every line of a byte stream. */
class Prefixer {
  readonly #prefix: string;
  #atStart = true;

  constructor(prefix: Bytes) {
    this.#prefix = prefix;
  }

  push(bytes: Bytes): Bytes {
    if (this.#prefix === "") return bytes;
    let out = "";
    for (const line of bytes.split(/(?<=\n)/)) {
      if (this.#atStart) out += this.#prefix;
      out += line;
      this.#atStart = line.endsWith("\n");
    }
    return out as Bytes;
  }
}
