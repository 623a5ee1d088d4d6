/** kubectl top node and top pod: what metrics-server measured. */
import type { Task } from "../../../base/task";
import { boolFlag, stringFlag } from "../../../cli/flags";
import { compareStrings } from "../../../text/strconv";
import { KUBECTL_TABLE, tabulate } from "../../../text/tabwriter";
import type { KubeList } from "../../apimachinery/object";
import { milliValue, wholeValue } from "../../apimachinery/quantity";
import { allNamespacesFlag, fieldSelectorFlag, selectorFlag } from "../common-flags";
import { completeNames } from "../completion";
import type { Part } from "../describe/page";
import type { Factory } from "../factory";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";

const MIB = 1024 * 1024;

function* requireMetrics(factory: Factory): Task<void> {
  const discovery = yield* factory.discovery();
  if (!discovery.groups.some((group) => group.group === "metrics.k8s.io")) fail("Metrics API not available");
}

interface Usage {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

const usageOf = (usage: Part): Usage => ({
  cpuMilli: Math.ceil(milliValue(usage?.cpu)),
  memoryBytes: wholeValue(usage?.memory),
});

const bySort =
  <T extends { readonly name: string; readonly usage: Usage }>(sortBy: string) =>
  (a: T, b: T): number => {
    if (sortBy === "cpu") return b.usage.cpuMilli - a.usage.cpuMilli;
    if (sortBy === "memory") return b.usage.memoryBytes - a.usage.memoryBytes;
    return compareStrings(a.name, b.name);
  };

const sortByFlag = stringFlag(
  "",
  "If non-empty, sort list using specified field. The field can be either 'cpu' or 'memory'.",
);

const checkSort = (sortBy: string): void => {
  if (sortBy !== "" && sortBy !== "cpu" && sortBy !== "memory") fail("--sort-by accepts only cpu or memory");
};

const topNode = defineKubectlCommand({
  use: "node [NAME | -l label]",
  aliases: ["nodes", "no"],
  short: "Display resource (CPU/memory) usage of nodes",
  flags: {
    "no-headers": boolFlag(false, "If present, print output without headers"),
    selector: selectorFlag,
    "show-capacity": boolFlag(
      false,
      "Print node resources based on Capacity instead of Allocatable(default) of the nodes.",
    ),
    "sort-by": sortByFlag,
    "use-protocol-buffers": boolFlag(true, "Enables using protocol-buffers to access Metrics API."),
  },
  completeArgs: completeNames("nodes"),
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    checkSort(flags["sort-by"]);
    if (args.length > 1) return yield* invocation.usageError({ kind: "usage", message: "" });
    yield* requireMetrics(factory);
    const query = { labelSelector: flags.selector || undefined };
    const path = "/apis/metrics.k8s.io/v1beta1/nodes";
    const metrics = args[0]
      ? [yield* factory.client.get<Part>(`${path}/${args[0]}`)]
      : ((yield* factory.client.get<KubeList>(path, query)).items as readonly Part[]);
    if (metrics.length === 0) fail("metrics not available yet");
    const nodes = (yield* factory.client.get<KubeList>("/api/v1/nodes", query)).items as readonly Part[];
    const rows = metrics
      .map((each) => ({ name: String(each.metadata.name), usage: usageOf(each.usage) }))
      .sort(bySort(flags["sort-by"]));
    const lines = rows.map(({ name, usage }) => {
      const node = nodes.find((each) => each.metadata.name === name);
      const available: Part = (flags["show-capacity"] ? node?.status?.capacity : node?.status?.allocatable) ?? {};
      const percent = (used: number, total: number): string =>
        total > 0 ? `${Math.trunc((used * 100) / total)}%` : "<unknown>";
      return `${name}\t${usage.cpuMilli}m\t${percent(usage.cpuMilli, milliValue(available.cpu))}\t${Math.floor(usage.memoryBytes / MIB)}Mi\t${percent(usage.memoryBytes, wholeValue(available.memory))}\n`;
    });
    for (const node of nodes) {
      if (args.length === 0 && !rows.some((row) => row.name === node.metadata.name))
        lines.push(`${node.metadata.name}\t<unknown>\t<unknown>\t<unknown>\t<unknown>\n`);
    }
    const head = flags["no-headers"] ? "" : "NAME\tCPU(cores)\tCPU(%)\tMEMORY(bytes)\tMEMORY(%)\n";
    yield* process.print(tabulate(head + lines.join(""), KUBECTL_TABLE));
    return 0;
  },
});

const topPod = defineKubectlCommand({
  use: "pod [NAME | -l label]",
  aliases: ["pods", "po"],
  short: "Display resource (CPU/memory) usage of pods",
  flags: {
    "all-namespaces": allNamespacesFlag,
    containers: boolFlag(false, "If present, print usage of containers within a pod."),
    "field-selector": fieldSelectorFlag,
    "no-headers": boolFlag(false, "If present, print output without headers."),
    selector: selectorFlag,
    "sort-by": sortByFlag,
    sum: boolFlag(false, "Print the sum of the resource usage"),
    "use-protocol-buffers": boolFlag(true, "Enables using protocol-buffers to access Metrics API."),
  },
  completeArgs: completeNames("pods"),
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    checkSort(flags["sort-by"]);
    if (args.length > 0 && (flags.selector !== "" || flags["field-selector"] !== ""))
      fail("only one of NAME or selector can be provided");
    yield* requireMetrics(factory);
    const all = flags["all-namespaces"];
    const root = "/apis/metrics.k8s.io/v1beta1";
    const path = all ? `${root}/pods` : `${root}/namespaces/${factory.namespace}/pods`;
    const query = { labelSelector: flags.selector || undefined, fieldSelector: flags["field-selector"] || undefined };
    const metrics = args[0]
      ? [yield* factory.client.get<Part>(`${path}/${args[0]}`)]
      : ((yield* factory.client.get<KubeList>(path, query)).items as readonly Part[]);
    if (metrics.length === 0) {
      yield* process.printError(
        all ? "No resources found\n" : `No resources found in ${factory.namespace} namespace.\n`,
      );
      return 0;
    }
    const rows = metrics
      .map((pod) => {
        const containers = (pod.containers ?? []).map((each: Part) => ({
          name: String(each.name),
          usage: usageOf(each.usage),
        })) as { name: string; usage: Usage }[];
        const usage = containers.reduce(
          (sum, each) => ({
            cpuMilli: sum.cpuMilli + each.usage.cpuMilli,
            memoryBytes: sum.memoryBytes + each.usage.memoryBytes,
          }),
          { cpuMilli: 0, memoryBytes: 0 },
        );
        return { namespace: String(pod.metadata.namespace ?? ""), name: String(pod.metadata.name), usage, containers };
      })
      .sort(
        (a, b) =>
          (flags["sort-by"] === "" && all ? compareStrings(a.namespace, b.namespace) : 0) ||
          bySort<typeof a>(flags["sort-by"])(a, b),
      );
    const text = (usage: Usage): string => `${usage.cpuMilli}m\t${Math.floor(usage.memoryBytes / MIB)}Mi\n`;
    let out = flags["no-headers"]
      ? ""
      : `${all ? "NAMESPACE\t" : ""}${flags.containers ? "POD\tNAME" : "NAME"}\tCPU(cores)\tMEMORY(bytes)\n`;
    for (const row of rows) {
      const head = all ? `${row.namespace}\t` : "";
      if (!flags.containers) out += `${head}${row.name}\t${text(row.usage)}`;
      else
        for (const container of [...row.containers].sort(bySort(flags["sort-by"])))
          out += `${head}${row.name}\t${container.name}\t${text(container.usage)}`;
    }
    if (flags.sum) {
      const total = rows.reduce(
        (sum, row) => ({
          cpuMilli: sum.cpuMilli + row.usage.cpuMilli,
          memoryBytes: sum.memoryBytes + row.usage.memoryBytes,
        }),
        { cpuMilli: 0, memoryBytes: 0 },
      );
      const gap = "\t".repeat((all ? 1 : 0) + (flags.containers ? 1 : 0));
      out += `${gap}\t________\t________\n${gap}\t${text(total)}`;
    }
    yield* process.print(tabulate(out, KUBECTL_TABLE));
    return 0;
  },
});

export const top = defineKubectlCommand({
  use: "top",
  short: "Display resource (CPU/memory) usage",
  group: "Cluster Management Commands",
  long: "Display resource (CPU/memory) usage, as Metrics Server gathered it from the nodes' kubelets. It must run in the cluster.",
  flagsInUseLine: true,
  commands: [topNode, topPod],
});
