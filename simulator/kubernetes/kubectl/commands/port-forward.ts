/** kubectl port-forward */
import { decodeUtf8, NO_BYTES } from "../../../base/bytes";
import type { ApiStream } from "../../../base/door";
import type { Task } from "../../../base/task";
import { durationFlag, stringSliceFlag } from "../../../cli/flags";
import { SysError } from "../../../os/errno";
import { completeNames } from "../completion";
import type { Part } from "../describe/page";
import { resourcePath } from "../discovery";
import type { Factory } from "../factory";
import { ApiFailure, ConnectionFailure, CommandFailure, fail, UsageFailure } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import type { LocalConnection, LocalListener } from "../local-listener";
import { podFor } from "../pod-selection";
import { klog, StreamReader } from "../rest";
import { findAll, type Target } from "../targets";

interface PortPair {
  readonly local: number;
  readonly remote: number;
}

export const portForward = defineKubectlCommand({
  use: "port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]",
  short: "Forward one or more local ports to a pod",
  group: "Troubleshooting and Debugging Commands",
  long: "Forward one or more local ports to a pod. For a service or a deployment one of its pods is chosen, once: when that pod ends, so does the forwarding.",
  example: "  # Local port 8080 leads to port 80 of the pod\n  kubectl port-forward pod/web 8080:80",
  flags: {
    address: stringSliceFlag(
      ["localhost"],
      "Addresses to listen on (comma separated). Only accepts IP addresses or localhost as a value. When localhost is supplied, kubectl will try to bind on both 127.0.0.1 and ::1 and will fail if neither of these addresses are available to bind.",
    ),
    "pod-running-timeout": durationFlag(
      60_000,
      "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
    ),
  },
  completeArgs: completeNames("pods"),
  *run(invocation) {
    const { args, flags, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length < 2) throw new UsageFailure("TYPE/NAME and list of ports are required for port-forward");
    const name = args[0]!;
    const [target] = yield* findAll(factory, { args: name.includes("/") ? [name] : ["pods", name] });
    const { pod } = yield* podFor(factory, target!, flags["pod-running-timeout"]);
    const pairs = args.slice(1).map((text) => portPair(text, target!, pod));
    if (pod.status?.phase !== "Running")
      fail(`unable to forward port because pod is not running. Current status=${pod.status?.phase}`);
    const listeners: { listener: LocalListener; pair: PortPair }[] = [];
    for (const pair of pairs) listeners.push(...(yield* listen(factory, flags.address, pair)));
    const problems: string[] = [];
    const mapping = (yield* factory.discovery()).forArgument("pods");
    const path = resourcePath(mapping, pod.metadata.namespace, pod.metadata.name, "portforward");
    for (const { listener, pair } of listeners) process.thread(serve(factory, listener, pair, path, problems));
    process.onSignal("INT", () => process.interrupt());
    // The forwarding lasts until the Pod is lost or somebody stops it.
    for (;;) {
      yield* process.sleep(250);
      if (problems.length > 0) {
        for (const { listener } of listeners) listener.close();
        fail("lost connection to pod");
      }
    }
  },
});

function portPair(text: string, target: Target, pod: Part): PortPair {
  const parts = text.split(":");
  if (parts.length > 2) fail(`invalid port format '${text}'`);
  const [localText, remoteText] = parts.length === 1 ? [parts[0]!, parts[0]!] : (parts as [string, string]);
  const remote = remotePort(remoteText, target, pod);
  // A number given alone is the port on both sides, but for a service whose port leads elsewhere.
  const local =
    localText === ""
      ? 0
      : /^\d+$/.test(localText)
        ? parsePort(localText, "local")
        : parts.length === 1
          ? remote
          : parsePort(localText, "local");
  return { local, remote };
}

function parsePort(text: string, side: "local" | "remote"): number {
  if (!/^\d+$/.test(text))
    fail(`error parsing ${side} port '${text}': strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  if (Number(text) > 65_535)
    fail(
      `error parsing ${side} port '${text}': strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`,
    );
  return Number(text);
}

/** A service's port becomes the Pod's; names are looked up. */
function remotePort(text: string, target: Target, pod: Part): number {
  const named = (name: string): number => {
    for (const container of pod.spec.containers) {
      const port = container.ports?.find((each: Part) => each.name === name);
      if (port) return port.containerPort;
    }
    return fail(`Pod '${pod.metadata.name}' does not have a named port '${name}'`);
  };
  if (target.object.kind !== "Service")
    return /^\d+$/.test(text) ? checkRemote(parsePort(text, "remote")) : named(text);
  const ports: readonly Part[] = target.object["spec"]?.ports ?? [];
  const port = ports.find((each) => (/^\d+$/.test(text) ? each.port === Number(text) : each.name === text));
  if (!port)
    return fail(
      /^\d+$/.test(text)
        ? `Service ${target.name} does not have a service port ${text}`
        : `Service '${target.name}' does not have a named port '${text}'`,
    );
  if (target.object["spec"]?.clusterIP === "None") return port.port;
  return typeof port.targetPort === "number" ? port.targetPort : named(String(port.targetPort ?? port.port));
}

const checkRemote = (port: number): number => (port === 0 ? fail("remote port must be > 0") : port);

function* listen(
  factory: Factory,
  addresses: readonly string[],
  pair: PortPair,
): Task<{ listener: LocalListener; pair: PortPair }[]> {
  const found: { listener: LocalListener; pair: PortPair }[] = [];
  const problems: string[] = [];
  let port = pair.local;
  for (const address of addresses.flatMap((each) => (each === "localhost" ? ["127.0.0.1", "::1"] : [each]))) {
    const shown = address.includes(":") ? `[${address}]` : address;
    const answer = factory.listen(address, port);
    if ("failure" in answer) {
      problems.push(
        `unable to create listener: Error listen tcp${address.includes(":") ? "6" : "4"} ${shown}:${port}: ${answer.failure}`,
      );
      continue;
    }
    port = answer.port;
    yield* factory.process.print(`Forwarding from ${shown}:${answer.port} -> ${pair.remote}\n`);
    found.push({ listener: answer, pair });
  }
  if (found.length === 0) {
    yield* factory.process.printError(
      `Unable to listen on port ${pair.local}: Listeners failed to create with the following errors: [${problems.join(" ")}]\n`,
    );
    throw new CommandFailure(`unable to listen on any of the requested ports: [{${pair.local} ${pair.remote}}]`);
  }
  return found;
}

function* serve(
  factory: Factory,
  listener: LocalListener,
  pair: PortPair,
  path: string,
  problems: string[],
): Task<void> {
  for (;;) {
    const connection = yield* listener.accept();
    yield* factory.process.print(`Handling connection for ${listener.port}\n`);
    factory.process.thread(forward(factory, connection, pair, path, problems));
  }
}

/** A client that goes away in the middle ends its connection and nothing else. */
function* quietly(work: () => Task<void>): Task<void> {
  try {
    yield* work();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

function* forward(
  factory: Factory,
  connection: LocalConnection,
  pair: PortPair,
  path: string,
  problems: string[],
): Task<void> {
  const { process } = factory;
  let stream: ApiStream;
  try {
    stream = yield* factory.client.stream("POST", path, { query: { ports: String(pair.remote) } });
  } catch (error) {
    connection.close();
    if (error instanceof ApiFailure || error instanceof ConnectionFailure) {
      problems.push(error.message);
      return;
    }
    throw error;
  }
  const reader = new StreamReader(stream, (frame) => (frame.channel === "message" ? undefined : frame));
  const pump = process.thread(
    quietly(function* () {
      for (;;) {
        const bytes = yield* connection.read(65_536);
        if (bytes === NO_BYTES) break;
        stream.send({ channel: "stdin", bytes });
      }
      stream.send({ channel: "stdin-end" });
    }),
  );
  yield* quietly(function* () {
    for (;;) {
      const frame = yield* reader.next(process);
      if (!frame) break;
      if (frame.channel === "error") {
        const text = `an error occurred forwarding ${pair.local} -> ${pair.remote}: ${decodeUtf8(frame.bytes)}`;
        const quoted = JSON.stringify(text);
        yield* process.printError(klog("E", process, `portforward.go:424] "Unhandled Error" err=${quoted}`));
        problems.push(text);
        break;
      }
      yield* connection.write(frame.bytes);
    }
  });
  pump.cancel();
  reader.close();
  connection.close();
}
