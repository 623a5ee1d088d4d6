/** kubectl run: one Pod from an image. */
import type { Task } from "../../../base/task";
import { boolFlag, durationFlag, stringArrayFlag, stringFlag } from "../../../cli/flags";
import { parseYaml } from "../../../text/yaml";
import { structOfKind } from "../../api/schema";
import type { KubeObject } from "../../apimachinery/object";
import { jsonPatch, mergePatch, strategicMergePatch } from "../../apimachinery/patch";
import { fieldManagerFlag } from "../common-flags";
import { createAndPrint } from "../create-object";
import { deleteObject, FOREVER_MS, waitUntilGone } from "../deletion";
import type { Part } from "../describe/page";
import { resourcePath, type ResourceMapping } from "../discovery";
import type { Factory } from "../factory";
import { ApiFailure, CommandFailure, fail, isFailure, UsageFailure } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../kubectl-command";
import { dryRunFlag, dryRunOf, printFlags } from "../output";
import { runRemote } from "../remote-command";
import { StreamReader, watchReader } from "../rest";
import { POD, SERVICE } from "./create/made-kinds";

const flags = {
  ...printFlags,
  annotations: stringArrayFlag([], "Annotations to apply to the pod."),
  attach: boolFlag(
    false,
    "If true, wait for the Pod to start running, and then attach to the Pod as if 'kubectl attach ...' were called.  Default false, unless '-i/--stdin' is set, in which case the default is true. With '--restart=Never' the exit code of the container process is returned.",
  ),
  command: boolFlag(
    false,
    "If true and extra arguments are present, use them as the 'command' field in the container, rather than the 'args' field which is the default.",
  ),
  "dry-run": dryRunFlag,
  env: stringArrayFlag([], "Environment variables to set in the container."),
  expose: boolFlag(false, "If true, create a ClusterIP service associated with the pod.  Requires `--port`."),
  "field-manager": fieldManagerFlag("kubectl-run"),
  "grace-period": stringFlag(
    "-1",
    "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative.",
  ),
  image: stringFlag("", "The image for the container to run.", { required: true }),
  "image-pull-policy": stringFlag(
    "",
    "The image pull policy for the container.  If left empty, this value will not be specified by the client and defaulted by the server.",
  ),
  labels: stringFlag("", "Comma separated labels to apply to the pod. Will override previous values.", {
    shorthand: "l",
  }),
  "leave-stdin-open": boolFlag(
    false,
    "If the pod is started in interactive mode or with stdin, leave stdin open after the first attach completes. By default, stdin will be closed after the first attach completes.",
  ),
  "override-type": stringFlag("merge", "The method used to override the generated object: json, merge, or strategic."),
  overrides: stringFlag(
    "",
    "An inline JSON override for the generated object. If this is non-empty, it is used to override the generated object. Requires that the object supply a valid apiVersion field.",
  ),
  "pod-running-timeout": durationFlag(
    60_000,
    "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
  ),
  port: stringFlag("", "The port that this container exposes."),
  privileged: boolFlag(false, "If true, run the container in privileged mode."),
  quiet: boolFlag(false, "If true, suppress prompt messages.", { shorthand: "q" }),
  restart: stringFlag("Always", "The restart policy for this Pod.  Legal values [Always, OnFailure, Never]."),
  rm: boolFlag(
    false,
    "If true, delete the pod after it exits.  Only valid when attaching to the container, e.g. with '--attach' or with '-i/--stdin'.",
  ),
  "save-config": boolFlag(false, "If true, the configuration of current object will be saved in its annotation."),
  stdin: boolFlag(false, "Keep stdin open on the container in the pod, even if nothing is attached.", {
    shorthand: "i",
  }),
  tty: boolFlag(false, "Allocate a TTY for the container in the pod.", { shorthand: "t" }),
};

type Run = KubectlInvocation<typeof flags>;

export const run = defineKubectlCommand<typeof flags>({
  use: 'run NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]',
  short: "Run a particular image on the cluster",
  group: "Basic Commands (Beginner)",
  long: "Create and run a particular image in a pod.",
  example:
    "  # A pod that runs nginx\n  kubectl run web --image=nginx\n  \n  # A shell in a pod that is gone afterwards\n  kubectl run -it --rm sh --image=busybox --restart=Never -- sh",
  flags,
  *run(invocation) {
    const { flags: given, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 || invocation.argsLenAtDash === 0) throw new UsageFailure("NAME is required for run");
    const name = args[0]!;
    const attach = invocation.changed("attach") ? given.attach : given.stdin;
    if (!["Always", "OnFailure", "Never"].includes(given.restart))
      throw new UsageFailure(`invalid restart policy: ${given.restart}`);
    if (given.rm && !attach) throw new UsageFailure("--rm should only be used for attached containers");
    const dryRun = yield* dryRunOf(process, given);
    if (attach && dryRun !== "none")
      throw new UsageFailure(
        "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
      );
    if (given.tty && !given.stdin) throw new UsageFailure("-i/--stdin is required for containers with -t/--tty=true");
    if (given.expose && given.port === "") throw new UsageFailure("--port must be set when exposing a service");
    let pod = podFor(name, given, args.slice(1));
    if (given.overrides !== "") pod = overridden(pod, given.overrides, given["override-type"]);
    if (given.expose) {
      yield* createAndPrint(invocation, factory, SERVICE, serviceFor(name, given.port));
      // run prints YAML documents with a separator of its own besides the printer's.
      if (given.output === "yaml") yield* process.print("---\n---\n");
    }
    if (!attach) {
      yield* createAndPrint(invocation, factory, POD, pod);
      return 0;
    }
    return yield* runAttached(invocation, factory, pod);
  },
});

function podFor(name: string, given: Run["flags"], words: readonly string[]): Record<string, unknown> {
  const labels: Record<string, string> = {};
  if (given.labels === "") labels["run"] = name;
  for (const pair of given.labels === "" ? [] : given.labels.split(",")) {
    const [key, value] = pair.split("=");
    if (!key || value === undefined) fail(`unexpected label spec: ${pair}`);
    labels[key!] = value!;
  }
  const annotations: Record<string, string> = {};
  for (const pair of given.annotations) {
    const at = pair.indexOf("=");
    if (at <= 0) fail(`unexpected annotation spec: ${pair}`);
    annotations[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const env = given.env.map((pair) => {
    const at = pair.indexOf("=");
    if (at <= 0) fail(`invalid env: ${pair}`);
    return { name: pair.slice(0, at), value: pair.slice(at + 1) };
  });
  if (given.port !== "" && !/^\d+$/.test(given.port))
    fail(`strconv.Atoi: parsing ${JSON.stringify(given.port)}: invalid syntax`);
  const container = {
    name,
    image: given.image,
    ...(words.length > 0 ? (given.command ? { command: words } : { args: words }) : {}),
    ...(given.port ? { ports: [{ containerPort: Number(given.port) }] } : {}),
    ...(env.length > 0 ? { env } : {}),
    resources: {},
    ...(given["image-pull-policy"] ? { imagePullPolicy: given["image-pull-policy"] } : {}),
    ...(given.privileged ? { securityContext: { privileged: true } } : {}),
    ...(given.stdin ? { stdin: true } : {}),
    ...(given.stdin && !given["leave-stdin-open"] ? { stdinOnce: true } : {}),
    ...(given.tty ? { tty: true } : {}),
  };
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name, labels, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: { containers: [container], restartPolicy: given.restart, dnsPolicy: "ClusterFirst" },
    status: {},
  };
}

const serviceFor = (name: string, port: string): Record<string, unknown> => ({
  kind: "Service",
  apiVersion: "v1",
  metadata: { name },
  spec: { ports: [{ protocol: "TCP", port: Number(port), targetPort: Number(port) }], selector: { run: name } },
  status: { loadBalancer: {} },
});

function overridden(pod: Record<string, unknown>, text: string, type: string): Record<string, unknown> {
  const parsed = parseYaml(text);
  if (!parsed.ok) return fail(`Invalid JSON Patch`);
  const patch = parsed.value.value;
  if (type === "merge") return mergePatch(pod, patch) as Record<string, unknown>;
  const result =
    type === "json"
      ? jsonPatch(pod, patch as never)
      : type === "strategic"
        ? strategicMergePatch(pod, patch, structOfKind("v1", "Pod"))
        : fail(`invalid override type: ${type}`);
  return result.ok ? (result.value as Record<string, unknown>) : fail(result.error);
}

// --- attached ---------------------------------------------------------------------------------------------------------

/** Creates the Pod, joins its streams, and removes it afterwards where --rm says so. */
function* runAttached(invocation: Run, factory: Factory, pod: Record<string, unknown>): Task<number> {
  const { flags: given } = invocation;
  const mapping = (yield* factory.discovery()).forArgument("pods");
  const created = yield* factory.client.json<KubeObject>("POST", resourcePath(mapping, factory.namespace), {
    query: { fieldManager: given["field-manager"], fieldValidation: "Strict" },
    body: pod,
  });
  const target = { mapping, namespace: factory.namespace, name: created.metadata.name };
  let exitCode: number;
  try {
    const running = yield* waitForStart(factory, target, given["pod-running-timeout"]);
    exitCode = yield* attachTo(invocation, factory, mapping, running);
    if (given.restart !== "Always")
      exitCode = yield* exitOf(invocation, yield* waitForEnd(factory, target, given["pod-running-timeout"]));
  } catch (error) {
    if (given.rm && isFailure(error)) yield* removeAfterwards(factory, target);
    throw error;
  }
  if (given.rm) yield* removeAfterwards(factory, target);
  return exitCode;
}

function* attachTo(invocation: Run, factory: Factory, mapping: ResourceMapping, pod: Part): Task<number> {
  const { flags: given, process } = invocation;
  const { namespace, name } = pod.metadata;
  const container: string = pod.spec.containers[0].name;
  if (pod.status.phase === "Succeeded" || pod.status.phase === "Failed") {
    yield* announce(invocation, given.stdin);
    yield* streamLogs(factory, mapping, namespace, name, container);
    return 0;
  }
  yield* announce(invocation, given.stdin);
  const tty = given.tty && process.ttyOf(0) !== undefined;
  if (given.tty && !tty)
    yield* process.printError("Unable to use a TTY - input is not a terminal or the right kind of file\n");
  try {
    yield* runRemote(factory, {
      path: resourcePath(mapping, namespace, name, "attach"),
      query: {
        container,
        stdin: given.stdin ? "true" : undefined,
        stdout: "true",
        stderr: tty ? undefined : "true",
        tty: tty ? "true" : undefined,
      },
      stdin: given.stdin,
      tty,
      quiet: true,
    });
  } catch (error) {
    if (!(error instanceof CommandFailure || error instanceof ApiFailure)) throw error;
    yield* process.printError(
      `warning: couldn't attach to pod/${name}, falling back to streaming logs: ${error.message}\n`,
    );
    yield* streamLogs(factory, mapping, namespace, name, container);
  }
  return 0;
}

function* announce(invocation: Run, stdin: boolean): Task<void> {
  if (invocation.flags.quiet) return;
  yield* invocation.process.printError(
    "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\n",
  );
  if (stdin) yield* invocation.process.printError("If you don't see a command prompt, try pressing enter.\n");
}

function* streamLogs(
  factory: Factory,
  mapping: ResourceMapping,
  namespace: string,
  name: string,
  container: string,
): Task<void> {
  const stream = yield* factory.client.stream("GET", resourcePath(mapping, namespace, name, "log"), {
    query: { container, follow: "true" },
  });
  const reader = new StreamReader(stream, (frame) => (frame.channel === "stdout" ? frame.bytes : undefined));
  for (
    let bytes = yield* reader.next(factory.process);
    bytes !== undefined;
    bytes = yield* reader.next(factory.process)
  ) {
    yield* factory.process.write(1, bytes);
  }
}

type Named = { readonly mapping: ResourceMapping; readonly namespace: string; readonly name: string };

/** Waits until the Pod runs (or has ended). */
function* waitForStart(factory: Factory, target: Named, timeoutMs: number): Task<Part> {
  return yield* waitForPod(factory, target, timeoutMs, (pod) => {
    const phase = pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") return true;
    return (
      phase === "Running" &&
      (pod.status.containerStatuses ?? []).some((each: Part) => each.state?.running || each.state?.terminated)
    );
  });
}

const waitForEnd = (factory: Factory, target: Named, timeoutMs: number): Task<Part> =>
  waitForPod(factory, target, timeoutMs, (pod) => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed");

function* waitForPod(factory: Factory, target: Named, timeoutMs: number, isDone: (pod: Part) => boolean): Task<Part> {
  const path = resourcePath(target.mapping, target.namespace);
  const selector = { fieldSelector: `metadata.name=${target.name}` };
  const list = yield* factory.client.get<KubeObject>(path, selector);
  const first = (list["items"] as Part[])[0];
  if (first && isDone(first)) return first;
  const deadline = factory.process.now() + timeoutMs;
  const events = watchReader(
    yield* factory.client.stream("GET", path, {
      query: { ...selector, resourceVersion: list.metadata.resourceVersion, watch: "true" },
    }),
  );
  try {
    for (;;) {
      const event = yield* events.next(factory.process, deadline - factory.process.now());
      if (!event) return fail("timed out waiting for the condition");
      if (event.type === "DELETED") return fail(`pods ${JSON.stringify(target.name)} not found`);
      if (isDone(event.object)) return event.object;
    }
  } finally {
    events.close();
  }
}

/** --rm deletes the Pod; the container's exit code is the command's. */
function* exitOf(invocation: Run, pod: Part): Task<number> {
  const code: number =
    pod.status.phase === "Succeeded" ? 0 : (pod.status.containerStatuses?.[0]?.state?.terminated?.exitCode ?? 1);
  if (code !== 0)
    yield* invocation.process.printError(
      `pod ${invocation.context.factoryFor(invocation).namespace}/${pod.metadata.name} terminated (${pod.status.containerStatuses?.[0]?.state?.terminated?.reason ?? "Error"})\n`,
    );
  return code;
}

/** Removes what --rm asked to remove. */
function* removeAfterwards(factory: Factory, target: Named): Task<void> {
  const uid = yield* deleteObject(factory, target, {});
  yield* factory.process.print(`pod "${target.name}" deleted from ${target.namespace} namespace\n`);
  yield* waitUntilGone(factory, target, uid, FOREVER_MS);
}
