/** crictl: the container runtime of its machine, as the kubelet sees it. */
import { decodeUtf8 } from "../../../base/bytes";
import { rfc3339Nano } from "../../../base/clock";
import { suspend, type Task } from "../../../base/task";
import {
  CriError,
  type Container,
  type ImageService,
  type PodSandbox,
  type RuntimeService,
} from "../../../containerd/cri";
import type { Process, Program } from "../../../os/process";
import { goJson } from "../../../text/go-json";
import { humanSizeWithPrecision } from "../../../text/human-size";
import { type NodeTools, readArguments } from "./node-tools";
import { table } from "./table";

const HELP = `NAME:
   crictl - client for CRI

USAGE:
   crictl [global options] command [command options]

COMMANDS:
   exec, images, info, inspect, inspecti, inspectp, logs, pods, ps, pull, rm, rmi, rmp, stats, stop, stopp, version
`;

export const crictl =
  (tools: NodeTools): Program =>
  (process) =>
    run(tools, process);

interface Context {
  readonly process: Process;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
}

function* run(tools: NodeTools, process: Process): Task<number> {
  const argv = [...process.argv.slice(1)];
  while (argv[0]?.startsWith("-") && argv[0] !== "--help" && argv[0] !== "-h") {
    const word = argv.shift()!;
    if (/^--?(r|runtime-endpoint|i|image-endpoint|c|config|t|timeout)$/.test(word)) argv.shift();
  }
  const [command, ...rest] = argv;
  if (command === undefined || command === "help" || command === "--help" || command === "-h") {
    yield* process.print(HELP);
    return 0;
  }
  const host = tools.hostOf(process);
  const runtime = host?.runtime();
  const images = host?.images();
  if (!runtime || !images) {
    yield* process.printError(
      `FATA[0000] validate CRI v1 runtime API for endpoint "unix:///run/containerd/containerd.sock": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: ${host ? "connection refused" : "no such file or directory"}"\n`,
    );
    return 1;
  }
  try {
    return yield* apply({ process, runtime, images }, command, rest);
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    yield* process.printError(`FATA[0000] ${error.message}\n`);
    return 1;
  }
}

function* apply(context: Context, command: string, rest: readonly string[]): Task<number> {
  switch (command) {
    case "ps":
      return yield* listContainers(context, rest);
    case "pods":
      return yield* listPods(context, rest);
    case "images":
    case "image":
    case "img":
      return yield* listImages(context, rest);
    case "inspect":
    case "inspectp":
    case "inspecti":
      return yield* inspect(context, command, rest);
    case "logs":
      return yield* logs(context, rest);
    case "exec":
      return yield* exec(context, rest);
    case "pull":
      return yield* pull(context, rest);
    case "rmi":
    case "rm":
    case "rmp":
    case "stop":
    case "stopp":
      return yield* remove(context, command, rest);
    case "stats":
      return yield* stats(context);
    case "version": {
      const v = context.runtime.version();
      yield* context.process.print(
        `Version:  ${v.version}\nRuntimeName:  ${v.runtimeName}\nRuntimeVersion:  ${v.runtimeVersion}\nRuntimeApiVersion:  ${v.runtimeApiVersion}\n`,
      );
      return 0;
    }
    case "info": {
      const { runtimeReady, networkReady, networkMessage } = context.runtime.status();
      yield* context.process.print(
        `${goJson(
          {
            status: {
              conditions: [
                { message: "", reason: "", status: runtimeReady, type: "RuntimeReady" },
                {
                  message: networkMessage,
                  reason: networkReady ? "" : "NetworkPluginNotReady",
                  status: networkReady,
                  type: "NetworkReady",
                },
              ],
            },
          },
          { indent: "  " },
        )}\n`,
      );
      return 0;
    }
    default:
      yield* context.process.printError(`No help topic for '${command}'\n`);
      return 3;
  }
}

/** go-units' HumanDuration and "ago". */
function ago(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 1) return "Less than a second ago";
  if (s < 60) return `${s} second${s === 1 ? "" : "s"} ago`;
  const m = Math.floor(s / 60);
  if (m === 1) return "About a minute ago";
  if (m < 46) return `${m} minutes ago`;
  const h = Math.floor(s / 3600 + 0.5);
  if (h === 1) return "About an hour ago";
  if (h < 48) return `${h} hours ago`;
  return `${Math.floor(h / 24)} days ago`;
}

const size = (bytes: number): string => humanSizeWithPrecision(bytes, 3);

const short = (id: string): string => id.replace(/^sha256:/, "").slice(0, 13);

function sandboxOf(runtime: RuntimeService, id: string): PodSandbox | undefined {
  return runtime.listPodSandbox({ id })[0];
}

function* listContainers({ process, runtime, images }: Context, rest: readonly string[]): Task<number> {
  const { flags } = readArguments(
    rest,
    ["name", "pod", "state", "image", "label", "id", "output", "last"],
    ["all", "quiet", "no-trunc", "latest", "verbose"],
    {
      a: "all",
      q: "quiet",
      p: "pod",
      s: "state",
      n: "last",
      l: "latest",
      o: "output",
    },
  );
  const state = flags.get("state")?.toUpperCase();
  const name = flags.get("name");
  const pod = flags.get("pod");
  const all = [...runtime.listContainers()]
    .filter((c) => (state ? c.state === `CONTAINER_${state}` : flags.has("all") || c.state === "CONTAINER_RUNNING"))
    .filter((c) => name === undefined || new RegExp(name).test(c.metadata.name))
    .filter((c) => pod === undefined || c.podSandboxId.startsWith(pod))
    .sort((a, b) => b.createdAt - a.createdAt);
  if (flags.has("quiet")) {
    yield* process.print(all.map((c) => `${c.id}\n`).join(""));
    return 0;
  }
  if (flags.get("output") === "json") {
    yield* process.print(`${goJson({ containers: all.map(withTime) }, { indent: "  ", sortKeys: false })}\n`);
    return 0;
  }
  const full = flags.has("no-trunc");
  const rows = all.map((c) => {
    const sandbox = sandboxOf(runtime, c.podSandboxId);
    const found = images.imageStatus(c.imageRef);
    return [
      full ? c.id : short(c.id),
      full ? c.imageRef : found ? short(c.imageRef) : c.image,
      ago(process.now() - c.createdAt),
      STATES[c.state]!,
      c.metadata.name,
      String(c.metadata.attempt),
      full ? c.podSandboxId : short(c.podSandboxId),
      sandbox?.metadata.name ?? "unknown",
      sandbox?.metadata.namespace ?? "unknown",
    ];
  });
  yield* process.print(
    table(["CONTAINER", "IMAGE", "CREATED", "STATE", "NAME", "ATTEMPT", "POD ID", "POD", "NAMESPACE"], rows, 20),
  );
  return 0;
}

const STATES: Readonly<Record<Container["state"], string>> = {
  CONTAINER_CREATED: "Created",
  CONTAINER_RUNNING: "Running",
  CONTAINER_EXITED: "Exited",
  CONTAINER_UNKNOWN: "Unknown",
};

const withTime = <T extends { readonly createdAt: number }>(object: T) => ({
  ...object,
  createdAt: String(Math.floor(object.createdAt * 1e6)),
});

function* listPods({ process, runtime }: Context, rest: readonly string[]): Task<number> {
  const { flags } = readArguments(
    rest,
    ["name", "namespace", "state", "label", "id", "output"],
    ["quiet", "no-trunc", "latest", "verbose"],
    {
      q: "quiet",
      s: "state",
      o: "output",
    },
  );
  const { name, namespace, state } = Object.fromEntries(flags) as Record<string, string | undefined>;
  const all = [...runtime.listPodSandbox()]
    .filter((s) => name === undefined || new RegExp(name).test(s.metadata.name))
    .filter((s) => namespace === undefined || s.metadata.namespace === namespace)
    .filter(
      (s) =>
        state === undefined || s.state === (state.toLowerCase() === "ready" ? "SANDBOX_READY" : "SANDBOX_NOTREADY"),
    )
    .sort((a, b) => b.createdAt - a.createdAt);
  if (flags.has("quiet")) {
    yield* process.print(all.map((s) => `${s.id}\n`).join(""));
    return 0;
  }
  if (flags.get("output") === "json") {
    yield* process.print(`${goJson({ items: all.map(withTime) }, { indent: "  ", sortKeys: false })}\n`);
    return 0;
  }
  const rows = all.map((s) => [
    flags.has("no-trunc") ? s.id : short(s.id),
    ago(process.now() - s.createdAt),
    s.state === "SANDBOX_READY" ? "Ready" : "NotReady",
    s.metadata.name,
    s.metadata.namespace,
    String(s.metadata.attempt),
    "(default)",
  ]);
  yield* process.print(table(["POD ID", "CREATED", "STATE", "NAME", "NAMESPACE", "ATTEMPT", "RUNTIME"], rows, 20));
  return 0;
}

function* listImages({ process, images }: Context, rest: readonly string[]): Task<number> {
  const { flags, words } = readArguments(rest, ["output", "filter"], ["quiet", "digests", "no-trunc", "verbose"], {
    q: "quiet",
    o: "output",
    f: "filter",
  });
  const all = images.listImages();
  if (flags.has("quiet")) {
    yield* process.print(all.map((image) => `${image.id}\n`).join(""));
    return 0;
  }
  if (flags.get("output") === "json") {
    yield* process.print(`${goJson({ images: all }, { indent: "  ", sortKeys: false })}\n`);
    return 0;
  }
  const rows = all
    .flatMap((image) => {
      const tags = image.repoTags.length > 0 ? image.repoTags : ["<none>:<none>"];
      return tags.map((tag) => {
        const at = tag.lastIndexOf(":");
        const id = flags.has("no-trunc") ? image.id : short(image.id);
        const digest = image.repoDigests[0]?.split("@sha256:")[1]?.slice(0, 13) ?? "<none>";
        const row = [
          tag.slice(0, at),
          tag.slice(at + 1),
          ...(flags.has("digests") ? [digest] : []),
          id,
          size(image.size),
        ];
        return words.length === 0 || tag.includes(words[0]!) ? [row] : [];
      });
    })
    .flat();
  rows.sort((a, b) => (a[0]! < b[0]! ? -1 : a[0]! > b[0]! ? 1 : 0));
  yield* process.print(
    table(["IMAGE", "TAG", ...(flags.has("digests") ? ["DIGEST"] : []), "IMAGE ID", "SIZE"], rows, 20),
  );
  return 0;
}

/** The one container (sandbox) whose id begins so. */
function pick<T extends { readonly id: string }>(all: readonly T[], id: string, what: string): T {
  const found = all.filter((each) => each.id.startsWith(id));
  if (found.length === 1) return found[0]!;
  if (found.length > 1) throw new CriError("Unknown", `multiple ${what}s found with the ID prefix: ${id}`);
  throw new CriError("NotFound", `an error occurred when try to find ${what} ${JSON.stringify(id)}: not found`);
}

function* inspect({ process, runtime, images }: Context, command: string, rest: readonly string[]): Task<number> {
  const { words } = readArguments(rest, ["output", "template"], ["quiet"], { o: "output" });
  if (words.length === 0) {
    yield* process.printError("FATA[0000] ID cannot be empty\n");
    return 1;
  }
  for (const id of words) {
    let value: unknown;
    if (command === "inspecti") {
      const image = images.imageStatus(id);
      if (!image) throw new CriError("NotFound", `no such image ${JSON.stringify(id)} present`);
      value = {
        status: {
          ...image,
          size: String(image.size),
          uid: image.uid === undefined ? null : { value: String(image.uid) },
        },
      };
    } else if (command === "inspectp") {
      const status = runtime.podSandboxStatus(pick(runtime.listPodSandbox(), id, "sandbox").id);
      value = {
        status: {
          id: status.id,
          metadata: status.metadata,
          state: status.state,
          createdAt: rfc3339Nano(status.createdAt),
          network: { additionalIps: [], ip: status.ip ?? "" },
          labels: status.labels,
          annotations: status.annotations,
        },
      };
    } else {
      const { createdAt, startedAt, finishedAt, ...status } = runtime.containerStatus(
        pick(runtime.listContainers(), id, "container").id,
      );
      const time = (at: number): string => (at === 0 ? "0001-01-01T00:00:00Z" : rfc3339Nano(at));
      value = {
        status: {
          ...status,
          image: { image: status.image },
          createdAt: time(createdAt),
          startedAt: time(startedAt),
          finishedAt: time(finishedAt),
        },
      };
    }
    yield* process.print(`${goJson(value, { indent: "  ", sortKeys: false })}\n`);
  }
  return 0;
}

function* logs({ process, runtime }: Context, rest: readonly string[]): Task<number> {
  const { flags, words } = readArguments(rest, ["tail", "since", "limit-bytes"], ["follow", "timestamps", "previous"], {
    f: "follow",
    t: "timestamps",
    p: "previous",
  });
  if (!words[0]) {
    yield* process.printError("FATA[0000] ID cannot be empty\n");
    return 1;
  }
  const log = runtime.containerLog(pick(runtime.listContainers(), words[0], "container").id);
  if (!log) return 0;
  const tail = flags.get("tail");
  let position = tail === undefined || tail === "-1" ? 0 : log.tail(Number(tail));
  for (;;) {
    const { lines, next } = log.read(position);
    position = next;
    for (const line of lines) {
      const text = decodeUtf8(line.text);
      const whole = flags.has("timestamps") ? `${rfc3339Nano(line.at)} ${text}` : text;
      if (line.stream === "stdout") yield* process.print(whole);
      else yield* process.printError(whole);
    }
    if (lines.length > 0) continue;
    if (!flags.has("follow") || log.closed) return 0;
    yield* suspend(log.changed.wait);
  }
}

function* exec({ process, runtime }: Context, rest: readonly string[]): Task<number> {
  // Flags end at the container: what follows belongs to the command.
  let at = 0;
  let tty = false;
  let stdin = false;
  while (rest[at]?.startsWith("-")) {
    const word = rest[at++]!;
    if (word.includes("t") && !word.startsWith("--")) tty = true;
    if (word.includes("i") && !word.startsWith("--")) stdin = true;
    if (word === "--tty") tty = true;
    if (word === "--interactive") stdin = true;
  }
  const [id, ...cmd] = rest.slice(at);
  if (!id || cmd.length === 0) {
    yield* process.printError("FATA[0000] CONTAINER-ID and COMMAND are required\n");
    return 1;
  }
  const container = pick(runtime.listContainers(), id, "container");
  const out = process.file(1);
  const err = process.file(2);
  const session = yield* runtime.exec(container.id, {
    cmd,
    tty,
    stdin,
    io: {
      stdout: (bytes) => void process.thread(out.write(bytes)),
      stderr: (bytes) => void process.thread(err.write(bytes)),
    },
  });
  if (stdin)
    process.thread(
      (function* () {
        for (;;) {
          const bytes = yield* process.read(0);
          if (bytes === "") break;
          session.stdin(bytes);
        }
        session.closeStdin();
      })(),
    );
  const code = yield* session.wait();
  if (code !== 0)
    yield* process.printError(`FATA[0000] execing command in container: command terminated with exit code ${code}\n`);
  return code === 0 ? 0 : 1;
}

function* pull({ process, images }: Context, rest: readonly string[]): Task<number> {
  const { words, flags } = readArguments(rest, ["creds", "auth"], []);
  const name = words[0];
  if (!name) {
    yield* process.printError("FATA[0000] Image name cannot be empty\n");
    return 1;
  }
  const [username, password] = (flags.get("creds") ?? "").split(":");
  const id = yield* images.pullImage(name, username ? { username, password: password ?? "" } : undefined);
  yield* process.print(`Image is up to date for ${id}\n`);
  return 0;
}

function* remove({ process, runtime, images }: Context, command: string, rest: readonly string[]): Task<number> {
  const { words, flags } = readArguments(rest, ["timeout"], ["force", "all", "prune"], {
    f: "force",
    a: "all",
    q: "prune",
    t: "timeout",
  });
  if (command === "rmi" && (flags.has("prune") || flags.has("all"))) {
    const used = new Set(runtime.listContainers().map((c) => c.imageRef));
    for (const image of images.listImages()) {
      if (flags.has("prune") && (used.has(image.id) || image.repoTags.some((tag) => tag.includes("/pause:")))) continue;
      images.removeImage(image.id);
      for (const tag of image.repoTags) yield* process.print(`Deleted: ${tag}\n`);
    }
    return 0;
  }
  if (words.length === 0) {
    yield* process.printError("FATA[0000] ID cannot be empty\n");
    return 1;
  }
  for (const word of words) {
    if (command === "rmi") {
      const image = images.imageStatus(word);
      if (!image) {
        yield* process.printError(
          `ERRO[0000] no such image ${JSON.stringify(word)} present\nFATA[0000] unable to remove the image(s)\n`,
        );
        return 1;
      }
      images.removeImage(image.id);
      for (const tag of image.repoTags) yield* process.print(`Deleted: ${tag}\n`);
    } else if (command === "rmp" || command === "stopp") {
      const { id, state } = pick(runtime.listPodSandbox(), word, "sandbox");
      if (command === "stopp") {
        yield* runtime.stopPodSandbox(id);
        yield* process.print(`Stopped sandbox ${word}\n`);
        continue;
      }
      if (state === "SANDBOX_READY" && !flags.has("force"))
        throw new CriError("Unknown", `pod sandbox ${word} is running, please stop it first`);
      yield* runtime.removePodSandbox(id);
      yield* process.print(`Removed sandbox ${word}\n`);
    } else {
      const { id, state } = pick(runtime.listContainers(), word, "container");
      if (command === "stop") {
        yield* runtime.stopContainer(id, Number(flags.get("timeout") ?? 0));
        yield* process.print(`${word}\n`);
        continue;
      }
      if (state === "CONTAINER_RUNNING" && !flags.has("force"))
        throw new CriError("Unknown", `container ${JSON.stringify(word)} is running, please stop it first`);
      yield* runtime.removeContainer(id);
      yield* process.print(`${word}\n`);
    }
  }
  return 0;
}

function* stats({ process, runtime }: Context): Task<number> {
  const first = new Map(runtime.listContainerStats().map((s) => [s.id, s]));
  yield* process.sleep(1000);
  const rows = runtime.listContainerStats().map((s) => {
    const before = first.get(s.id);
    const cpu = before
      ? ((s.usageCoreNanoSeconds - before.usageCoreNanoSeconds) / ((s.timestamp - before.timestamp) * 1e6)) * 100
      : 0;
    return [short(s.id), s.metadata.name, cpu.toFixed(2), size(s.workingSetBytes), size(s.writableLayerBytes), "1"];
  });
  yield* process.print(table(["CONTAINER", "NAME", "CPU %", "MEM", "DISK", "INODES"], rows, 20));
  return 0;
}
