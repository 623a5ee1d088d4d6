/** kubectl debug: an ephemeral container in a Pod, a copy of a Pod, or a Pod on a node. */
import type { Task } from "../../../base/task";
import { boolFlag, stringArrayFlag, stringFlag, stringToStringFlag } from "../../../cli/flags";
import type { KubeObject } from "../../apimachinery/object";
import { fileFlags } from "../common-flags";
import { completeNames } from "../completion";
import type { Part } from "../describe/page";
import { resourcePath } from "../discovery";
import type { Factory } from "../factory";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../kubectl-command";
import { sendPatch } from "../patching";
import { PATCH_TYPES, watchReader } from "../rest";
import { runRemote } from "../remote-command";
import { findAll, type Target } from "../targets";

const flags = {
  ...fileFlags,
  "arguments-only": boolFlag(
    false,
    "If specified, everything after -- will be passed to the new container as Args instead of Command.",
  ),
  attach: boolFlag(
    false,
    "If true, wait for the container to start running, and then attach as if 'kubectl attach ...' were called.  Default false, unless '-i/--stdin' is set, in which case the default is true.",
  ),
  container: stringFlag("", "Container name to use for debug container.", { shorthand: "c" }),
  "copy-to": stringFlag("", "Create a copy of the target Pod with this name."),
  custom: stringFlag(
    "",
    "Path to a JSON or YAML file containing a partial container spec to customize built-in debug profiles.",
  ),
  env: stringArrayFlag([], "Environment variables to set in the container."),
  image: stringFlag("", "Container image to use for debug container."),
  "image-pull-policy": stringFlag(
    "",
    "The image pull policy for the container. If left empty, this value will not be specified by the client and defaulted by the server.",
  ),
  "keep-labels": boolFlag(
    false,
    "If true, keep the original pod labels.(This flag only works when used with '--copy-to')",
  ),
  "keep-liveness": boolFlag(
    false,
    "If true, keep the original pod liveness probes.(This flag only works when used with '--copy-to')",
  ),
  "keep-readiness": boolFlag(
    false,
    "If true, keep the original pod readiness probes.(This flag only works when used with '--copy-to')",
  ),
  profile: stringFlag(
    "general",
    'Options are "legacy", "general", "baseline", "netadmin", "restricted" or "sysadmin".',
  ),
  quiet: boolFlag(false, "If true, suppress informational messages.", { shorthand: "q" }),
  replace: boolFlag(false, "When used with '--copy-to', delete the original Pod."),
  "same-node": boolFlag(false, "When used with '--copy-to', schedule the copy of target Pod on the same node."),
  "set-image": stringToStringFlag(
    "When used with '--copy-to', a list of name=image pairs for changing container images, similar to how 'kubectl set image' works.",
  ),
  "share-processes": boolFlag(true, "When used with '--copy-to', enable process namespace sharing in the copy."),
  stdin: boolFlag(false, "Keep stdin open on the container(s) in the pod, even if nothing is attached.", {
    shorthand: "i",
  }),
  target: stringFlag("", "When using an ephemeral container, target processes in this container name."),
  tty: boolFlag(false, "Allocate a TTY for the debugging container.", { shorthand: "t" }),
};

type Debug = KubectlInvocation<typeof flags>;

export const debug = defineKubectlCommand<typeof flags>({
  use: "debug (POD | TYPE[[.VERSION].GROUP]/NAME) [ -- COMMAND [args...] ]",
  short: "Create debugging sessions for troubleshooting workloads and nodes",
  group: "Troubleshooting and Debugging Commands",
  long: "Debug cluster resources using interactive debugging containers: beside the containers of a running pod, in a copy of it (--copy-to), or on a node.",
  flags,
  completeArgs: completeNames("pods"),
  *run(invocation) {
    const { flags: given, args, argsLenAtDash } = invocation;
    const factory = factoryOf(invocation);
    const words = argsLenAtDash >= 0 ? args.slice(argsLenAtDash) : args.slice(1);
    const names = argsLenAtDash >= 0 ? args.slice(0, argsLenAtDash) : args.slice(0, 1);
    if (names.length === 0) fail("NAME or filename is required for debug");
    if (given.image === "" && given["copy-to"] === "") fail("you must specify --image or --copy-to");
    if (
      given.image === "" &&
      given["copy-to"] !== "" &&
      Object.keys(given["set-image"]).length === 0 &&
      given.container === ""
    )
      fail("you must specify --container or create a new container using --image.");
    if (given.tty && !given.stdin) fail("-i/--stdin is required for containers with -t/--tty=true");
    const targets = yield* findAll(factory, { args: names[0]!.includes("/") ? names : ["pods", ...names] });
    for (const target of targets) {
      if (target.object.kind === "Node") yield* debugNode(invocation, factory, target, words);
      else if (target.object.kind === "Pod")
        yield* given["copy-to"]
          ? debugCopy(invocation, factory, target, words)
          : debugInside(invocation, factory, target, words);
      else fail(`"${target.mapping.resource}" not supported by debug`);
    }
    return 0;
  },
});

function containerFor(given: Debug["flags"], name: string, words: readonly string[]): Part {
  const env = given.env.map((pair) => ({
    name: pair.slice(0, pair.indexOf("=")),
    value: pair.slice(pair.indexOf("=") + 1),
  }));
  return {
    name,
    image: given.image,
    ...(words.length > 0 ? (given["arguments-only"] ? { args: words } : { command: words }) : {}),
    ...(env.length > 0 ? { env } : {}),
    ...(given["image-pull-policy"] ? { imagePullPolicy: given["image-pull-policy"] } : {}),
    ...(given.stdin ? { stdin: true } : {}),
    terminationMessagePolicy: "File",
    ...(given.tty ? { tty: true } : {}),
  };
}

function* chooseName(invocation: Debug, factory: Factory, pod: Part): Task<string> {
  const { flags: given, process } = invocation;
  if (given.container !== "") return given.container;
  if (given.image === "") return given.container;
  const taken = [
    ...(pod.spec.containers ?? []),
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ].map((each: Part) => each.name);
  const random = process.kernel.random.stream("kubectl");
  let name = `debugger-${random.suffix(5)}`;
  while (taken.includes(name)) name = `debugger-${random.suffix(5)}`;
  if (!given.quiet) yield* process.print(`Defaulting debug container name to ${name}.\n`);
  void factory;
  return name;
}

/** SYS_PTRACE is what the general profile adds. */
const withProfile = (container: Part, profile: string): Part => {
  if (profile === "general" || profile === "baseline")
    return profile === "general"
      ? { ...container, securityContext: { capabilities: { add: ["SYS_PTRACE"] } } }
      : container;
  if (profile === "sysadmin") return { ...container, securityContext: { privileged: true } };
  if (profile === "netadmin")
    return { ...container, securityContext: { capabilities: { add: ["NET_ADMIN", "NET_RAW"] } } };
  if (profile === "restricted")
    return {
      ...container,
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" },
      },
    };
  return container;
};

function* debugInside(invocation: Debug, factory: Factory, target: Target, words: readonly string[]): Task<void> {
  const { flags: given } = invocation;
  const pod: Part = target.object;
  if (!given.quiet && given.target !== "")
    yield* invocation.process.print(
      `Targeting container ${JSON.stringify(given.target)}. If you don't see processes from this container it may be because the container runtime doesn't support this feature.\n`,
    );
  const name = yield* chooseName(invocation, factory, pod);
  const container = withProfile(
    { ...containerFor(given, name, words), ...(given.target ? { targetContainerName: given.target } : {}) },
    given.profile,
  );
  const body = { spec: { ephemeralContainers: [...(pod.spec.ephemeralContainers ?? []), container] } };
  yield* sendPatch(factory, target, { contentType: PATCH_TYPES.strategic, body }, {}, "ephemeralcontainers");
  yield* attachIfAsked(invocation, factory, target, name, "ephemeralContainerStatuses");
}

function* debugCopy(invocation: Debug, factory: Factory, target: Target, words: readonly string[]): Task<void> {
  const { flags: given } = invocation;
  const source: Part = target.object;
  const name = yield* chooseName(invocation, factory, source);
  const strip = (container: Part): Part => {
    const { livenessProbe, readinessProbe, startupProbe: _, ...rest } = container;
    const image = given["set-image"][container.name] ?? given["set-image"]["*"];
    return {
      ...rest,
      ...(given["keep-liveness"] && livenessProbe ? { livenessProbe } : {}),
      ...(given["keep-readiness"] && readinessProbe ? { readinessProbe } : {}),
      ...(image ? { image } : {}),
    };
  };
  let containers: Part[] = source.spec.containers.map(strip);
  const existing = containers.findIndex((each) => each.name === name);
  if (existing >= 0) {
    containers = containers.map((each, i) =>
      i === existing
        ? {
            ...each,
            ...(given.image ? { image: given.image } : {}),
            ...(words.length > 0 ? { command: words } : {}),
            ...(given.stdin ? { stdin: true } : {}),
            ...(given.tty ? { tty: true } : {}),
          }
        : each,
    );
  } else containers.push({ ...withProfile(containerFor(given, name, words), given.profile), resources: {} });
  const { nodeName, ephemeralContainers: _, ...spec } = source.spec;
  const copy = {
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      name: given["copy-to"],
      namespace: target.namespace,
      ...(given["keep-labels"] && source.metadata.labels ? { labels: source.metadata.labels } : {}),
      ...(source.metadata.annotations ? { annotations: source.metadata.annotations } : {}),
    },
    spec: {
      ...spec,
      containers,
      ...(given["share-processes"] ? { shareProcessNamespace: true } : {}),
      ...(given["same-node"] ? { nodeName } : {}),
    },
  };
  if (given.replace)
    yield* factory.client.json("DELETE", resourcePath(target.mapping, target.namespace, target.name), {
      body: { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 },
    });
  yield* factory.client.json("POST", resourcePath(target.mapping, target.namespace), { body: copy });
  yield* attachIfAsked(invocation, factory, { ...target, name: given["copy-to"] }, name, "containerStatuses");
}

function* debugNode(invocation: Debug, factory: Factory, target: Target, words: readonly string[]): Task<void> {
  const { flags: given, process } = invocation;
  const container = given.container || "debugger";
  const name = `node-debugger-${target.name}-${process.kernel.random.stream("kubectl").suffix(5)}`;
  if (!given.quiet)
    yield* process.print(`Creating debugging pod ${name} with container ${container} on node ${target.name}.\n`);
  const mapping = (yield* factory.discovery()).forArgument("pods");
  const pod = {
    kind: "Pod",
    apiVersion: "v1",
    metadata: { name, namespace: factory.namespace, labels: { "app.kubernetes.io/managed-by": "kubectl-debug" } },
    spec: {
      volumes: [{ name: "host-root", hostPath: { path: "/" } }],
      containers: [
        {
          ...containerFor(given, container, words),
          resources: {},
          volumeMounts: [{ name: "host-root", mountPath: "/host" }],
        },
      ],
      restartPolicy: "Never",
      nodeName: target.name,
      hostNetwork: true,
      hostPID: true,
      hostIPC: true,
      tolerations: [{ operator: "Exists" }],
    },
  };
  yield* factory.client.json("POST", resourcePath(mapping, factory.namespace), { body: pod });
  yield* attachIfAsked(
    invocation,
    factory,
    { mapping, namespace: factory.namespace, name, object: target.object },
    container,
    "containerStatuses",
  );
}

function* attachIfAsked(
  invocation: Debug,
  factory: Factory,
  target: Target,
  container: string,
  statuses: string,
): Task<void> {
  const { flags: given, process } = invocation;
  if (!(invocation.changed("attach") ? given.attach : given.stdin)) return;
  const path = resourcePath(target.mapping, target.namespace);
  const selector = { fieldSelector: `metadata.name=${target.name}` };
  const isUp = (pod: Part): boolean =>
    (pod.status?.[statuses] ?? []).some(
      (each: Part) => each.name === container && (each.state?.running || each.state?.terminated),
    );
  const list = yield* factory.client.get<KubeObject>(path, selector);
  if (!isUp((list["items"] as Part[])[0] ?? {})) {
    const events = watchReader(
      yield* factory.client.stream("GET", path, {
        query: { ...selector, resourceVersion: list.metadata.resourceVersion, watch: "true" },
      }),
    );
    try {
      for (;;) {
        const event = yield* events.next(process);
        if (!event) return fail("watch closed before UntilWithoutRetry timeout");
        if (isUp(event.object)) break;
      }
    } finally {
      events.close();
    }
  }
  if (!given.quiet)
    yield* process.printError(
      "All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.\nIf you don't see a command prompt, try pressing enter.\n",
    );
  const tty = given.tty && process.ttyOf(0) !== undefined;
  yield* runRemote(factory, {
    path: resourcePath(target.mapping, target.namespace, target.name, "attach"),
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
}
