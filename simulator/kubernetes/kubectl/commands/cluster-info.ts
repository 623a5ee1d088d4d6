/** kubectl cluster-info and its dump */
import { boolFlag, durationFlag, stringFlag, stringSliceFlag } from "../../../cli/flags";
import { goJson } from "../../../text/go-json";
import { type Bytes, decodeUtf8, encodeUtf8 } from "../../../base/bytes";
import type { Task } from "../../../base/task";
import type { KubeList } from "../../apimachinery/object";
import { allNamespacesFlag } from "../common-flags";
import type { Part } from "../describe/page";
import { ApiFailure } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { StreamReader } from "../rest";

/** An item as a typed client prints it: its kind is known from the list, who wrote which field is left out. */
function bare(item: Part): Part {
  const { kind: _kind, apiVersion: _version, metadata, ...rest } = item;
  const { managedFields: _fields, ...kept } = metadata;
  for (const field of ["labels", "annotations"]) if (kept[field]) kept[field] = sorted(kept[field]);
  return { metadata: kept, ...rest };
}

const sorted = (map: Part): Part => Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

const dump = defineKubectlCommand({
  use: "dump",
  short: "Dump relevant information for debugging and diagnosis",
  flags: {
    "all-namespaces": allNamespacesFlag,
    namespaces: stringSliceFlag([], "A comma separated list of namespaces to dump."),
    output: stringFlag("json", "Output format.", { shorthand: "o" }),
    "output-directory": stringFlag(
      "",
      "Where to output the files.  If empty or '-' uses stdout, otherwise creates a directory hierarchy in that directory",
    ),
    "pod-running-timeout": durationFlag(
      20_000,
      "The length of time (like 5s, 2m, or 3h, higher than zero) to wait until at least one pod is running",
    ),
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    const print = (value: unknown): string => `${goJson(value, { indent: "    ", sortKeys: false })}\n`;
    const typed = (list: KubeList, kind: string): unknown => ({
      kind,
      apiVersion: list.apiVersion,
      metadata: list.metadata,
      items: list.items.map(bare),
    });
    const directory = flags["output-directory"];
    const isFiles = directory !== "" && directory !== "-";
    const write = function* (path: string, text: string): Task<void> {
      if (!isFiles) {
        yield* process.print(text);
        return;
      }
      const file = process.path(`${directory}/${path}`);
      process.fs.makeDirs(file.slice(0, file.lastIndexOf("/")));
      process.fs.writeFile(file, encodeUtf8((process.fs.exists(file) ? process.readText(file) : "") + text));
    };
    yield* write("nodes.json", print(typed(yield* factory.client.get<KubeList>("/api/v1/nodes"), "NodeList")));
    let namespaces: readonly string[] =
      flags.namespaces.length > 0 ? flags.namespaces : ["kube-system", factory.namespace];
    if (flags["all-namespaces"])
      namespaces = (yield* factory.client.get<KubeList>("/api/v1/namespaces")).items.map((item) => item.metadata.name);
    for (const namespace of namespaces) {
      const core = `/api/v1/namespaces/${namespace}`;
      const apps = `/apis/apps/v1/namespaces/${namespace}`;
      for (const [path, kind] of [
        [`${core}/events`, "EventList"],
        [`${core}/replicationcontrollers`, "ReplicationControllerList"],
        [`${core}/services`, "ServiceList"],
        [`${apps}/daemonsets`, "DaemonSetList"],
        [`${apps}/deployments`, "DeploymentList"],
        [`${apps}/replicasets`, "ReplicaSetList"],
        [`${core}/pods`, "PodList"],
      ] as const) {
        const list = yield* factory.client.get<KubeList>(path);
        yield* write(`${namespace}/${FILES[kind]}.json`, print(typed(list, kind)));
        if (kind !== "PodList") continue;
        for (const pod of list.items as readonly Part[]) {
          for (const container of pod.spec.containers) {
            const title = `container ${container.name} of pod ${namespace}/${pod.metadata.name}`;
            const logs = `${namespace}/${pod.metadata.name}/logs.txt`;
            yield* write(logs, `==== START logs for ${title} ====\n`);
            try {
              const stream = yield* factory.client.stream("GET", `${core}/pods/${pod.metadata.name}/log`, {
                query: { container: container.name },
              });
              const reader = new StreamReader<Bytes>(stream, (frame) =>
                frame.channel === "stdout" ? frame.bytes : undefined,
              );
              for (let bytes = yield* reader.next(process); bytes !== undefined; bytes = yield* reader.next(process))
                yield* write(logs, decodeUtf8(bytes));
            } catch (error) {
              if (!(error instanceof ApiFailure)) throw error;
              yield* write(logs, `Request log error: ${error.message}\n`);
            }
            yield* write(logs, `==== END logs for ${title} ====\n`);
          }
        }
      }
    }
    if (isFiles) yield* process.print(`Cluster info dumped to ${directory}\n`);
    return 0;
  },
});

/** What upstream calls the files of a folder. */
const FILES = {
  EventList: "events",
  ReplicationControllerList: "replication-controllers",
  ServiceList: "services",
  DaemonSetList: "daemonsets",
  DeploymentList: "deployments",
  ReplicaSetList: "replicasets",
  PodList: "pods",
} as const;

export const clusterInfo = defineKubectlCommand({
  use: "cluster-info",
  short: "Display cluster information",
  group: "Cluster Management Commands",
  long: "Display addresses of the control plane and of services with the label kubernetes.io/cluster-service=true.",
  flagsInUseLine: true,
  flags: { "color-off": boolFlag(true, "Colours are off here.", { hidden: true }) },
  commands: [dump],
  *run(invocation) {
    const { process } = invocation;
    const factory = factoryOf(invocation);
    const list = yield* factory.client.get<KubeList>("/api/v1/namespaces/kube-system/services", {
      labelSelector: "kubernetes.io/cluster-service=true",
    });
    const isColoured = process.ttyOf(1) !== undefined;
    const paint = (code: number, text: string): string => (isColoured ? `\u001b[0;${code}m${text}\u001b[0m` : text);
    const line = (name: string, url: string): string => `${paint(32, name)} is running at ${paint(33, url)}\n`;
    yield* process.print(line("Kubernetes control plane", factory.client.server));
    for (const service of list.items as readonly Part[]) {
      const name = service.metadata.labels?.["kubernetes.io/name"] ?? service.metadata.name;
      const port = service.spec.ports?.[0]?.name;
      const url = `${factory.client.server}/api/v1/namespaces/${service.metadata.namespace}/services/${service.metadata.name}${port ? `:${port}` : ""}/proxy`;
      yield* process.print(line(name, url));
    }
    yield* process.print("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
    return 0;
  },
});
