/** kubectl expose: a Service for what runs. */
import { boolFlag, stringFlag } from "../../../cli/flags";
import { goJson } from "../../../text/go-json";
import type { KubeObject } from "../../apimachinery/object";
import { mergePatch } from "../../apimachinery/patch";
import { parseYaml } from "../../../text/yaml";
import { fieldManagerFlag, fileFlags, selectorFlag } from "../common-flags";
import { completeResources } from "../completion";
import { createAndPrint } from "../create-object";
import type { Part } from "../describe/page";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { NOTHING_NAMED } from "../messages";
import { dryRunFlag, printFlags } from "../output";
import { podSpecOf } from "../set-command";
import { findAll } from "../targets";
import { SERVICE } from "./create/made-kinds";

export const expose = defineKubectlCommand({
  use: "expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]",
  short: "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
  group: "Basic Commands (Beginner)",
  long: "Expose a resource as a new Kubernetes service.\n\n The service takes the selector of the deployment, replica set, service or pod it is made for.",
  example:
    "  # Port 80 of a service leads to port 8080 of the pods\n  kubectl expose deployment web --port=80 --target-port=8080",
  flags: {
    ...fileFlags,
    ...printFlags,
    "cluster-ip": stringFlag(
      "",
      "ClusterIP to be assigned to the service. Leave empty to auto-allocate, or set to 'None' to create a headless service.",
    ),
    "dry-run": dryRunFlag,
    "external-ip": stringFlag(
      "",
      "Additional external IP address (not managed by Kubernetes) to accept for the service. If this IP is routed to a node, the service can be accessed by this IP in addition to its generated service IP.",
    ),
    "field-manager": fieldManagerFlag("kubectl-expose"),
    labels: stringFlag("", "Labels to apply to the service created by this call.", { shorthand: "l" }),
    "load-balancer-ip": stringFlag(
      "",
      "IP to assign to the LoadBalancer. If empty, an ephemeral IP will be created and used (cloud-provider specific).",
    ),
    name: stringFlag("", "The name for the newly created object."),
    "override-type": stringFlag(
      "merge",
      "The method used to override the generated object: json, merge, or strategic.",
    ),
    overrides: stringFlag(
      "",
      "An inline JSON override for the generated object. If this is non-empty, it is used to override the generated object. Requires that the object supply a valid apiVersion field.",
    ),
    port: stringFlag(
      "",
      "The port that the service should serve on. Copied from the resource being exposed, if unspecified",
    ),
    protocol: stringFlag("", "The network protocol for the service to be created. Default is 'TCP'."),
    "save-config": boolFlag(false, "If true, the configuration of current object will be saved in its annotation."),
    selector: { ...selectorFlag, shorthand: undefined },
    "session-affinity": stringFlag(
      "",
      "If non-empty, set the session affinity for the service to this; legal values: 'None', 'ClientIP'",
    ),
    "target-port": stringFlag(
      "",
      "Name or number for the port on the container that the service should direct traffic to. Optional.",
    ),
    type: stringFlag(
      "",
      "Type for this service: ClusterIP, NodePort, LoadBalancer, or ExternalName. Default is 'ClusterIP'.",
    ),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && flags.filename.length === 0) fail(NOTHING_NAMED);
    const targets = yield* findAll(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      latest: true,
    });
    for (const target of targets) {
      const { object } = target;
      const { group, kind } = target.mapping;
      if (!EXPOSABLE.has(`${group}/${kind}`)) fail(`cannot expose a ${group ? `${kind}.${group}` : kind}`);
      const service = serviceFor(object, flags);
      const final =
        flags.overrides === ""
          ? service
          : (mergePatch(service, overridesOf(flags.overrides)) as Record<string, unknown>);
      yield* createAndPrint(invocation, factory, SERVICE, final, undefined, "exposed");
    }
    return 0;
  },
});

const EXPOSABLE = new Set(["/ReplicationController", "/Service", "/Pod", "apps/Deployment", "apps/ReplicaSet"]);

function overridesOf(text: string): unknown {
  const parsed = parseYaml(text);
  return parsed.ok ? parsed.value.value : fail(`unable to decode overrides: ${parsed.error}`);
}

type Flags = Readonly<
  Record<
    | "name"
    | "labels"
    | "selector"
    | "port"
    | "target-port"
    | "protocol"
    | "type"
    | "cluster-ip"
    | "external-ip"
    | "load-balancer-ip"
    | "session-affinity",
    string
  >
>;

function serviceFor(object: KubeObject, flags: Flags): Record<string, unknown> {
  const name = flags.name || object.metadata.name;
  const selector = flags.selector ? labelsFrom(flags.selector) : selectorOf(object);
  const labels = flags.labels ? labelsFrom(flags.labels) : object.metadata.labels;
  const protocols = portProtocols(object);
  let portText = flags.port;
  if (portText === "") {
    const found = [...protocols.keys()];
    if (found.length === 0) fail("couldn't find port via --port flag or introspection");
    portText = found.join(",");
  }
  const portTexts = portText.split(",");
  const ports = portTexts.map((text, i) => {
    if (!/^\d+$/.test(text)) fail(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    const target = flags["target-port"];
    return {
      ...(portTexts.length > 1 ? { name: `port-${i + 1}` } : {}),
      protocol: flags.protocol || protocols.get(text) || "TCP",
      port: Number(text),
      targetPort: target === "" ? Number(text) : /^\d+$/.test(target) ? Number(target) : target,
    };
  });
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: { name, ...(labels && Object.keys(labels).length > 0 ? { labels } : {}) },
    spec: {
      ports,
      selector,
      ...(flags["cluster-ip"] ? { clusterIP: flags["cluster-ip"] } : {}),
      ...(flags.type ? { type: flags.type } : {}),
      ...(flags["external-ip"] ? { externalIPs: [flags["external-ip"]] } : {}),
      ...(flags["session-affinity"] ? { sessionAffinity: flags["session-affinity"] } : {}),
      ...(flags["load-balancer-ip"] ? { loadBalancerIP: flags["load-balancer-ip"] } : {}),
    },
    status: { loadBalancer: {} },
  };
}

function labelsFrom(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of text.split(",")) {
    const [key, value, ...more] = pair.split("=");
    if (!key || value === undefined || more.length > 0) fail(`unexpected label spec: ${pair}`);
    labels[key!] = value!;
  }
  return labels;
}

function selectorOf(object: KubeObject): Record<string, string> {
  const spec: Part = object["spec"] ?? {};
  if (object.kind === "Pod") {
    const labels = object.metadata.labels ?? {};
    if (Object.keys(labels).length === 0)
      fail(
        "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
      );
    return { ...labels };
  }
  if (object.kind === "Service") {
    if (!spec.selector || Object.keys(spec.selector).length === 0)
      fail("couldn't retrieve selectors via --selector flag or introspection: the service has no pod selector set");
    return spec.selector;
  }
  if (object.kind === "ReplicationController") return spec.selector;
  if (spec.selector?.matchExpressions?.length) {
    fail(
      `couldn't retrieve selectors via --selector flag or introspection: couldn't convert expressions - "${goJson(spec.selector.matchExpressions)}" to map-based selector format`,
    );
  }
  return spec.selector?.matchLabels ?? {};
}

/** Container ports and their protocols, in order. */
function portProtocols(object: KubeObject): Map<string, string> {
  const found = new Map<string, string>();
  const ports: readonly Part[] =
    object.kind === "Service"
      ? (object["spec"]?.ports ?? []).map((each: Part) => ({ containerPort: each.port, protocol: each.protocol }))
      : (podSpecOf(object)?.spec.containers ?? []).flatMap((container: Part) => container.ports ?? []);
  for (const port of ports) found.set(String(port.containerPort), port.protocol ?? "TCP");
  return found;
}
