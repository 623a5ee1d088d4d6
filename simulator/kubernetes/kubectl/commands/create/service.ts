/** kubectl create service clusterip | nodeport | loadbalancer | externalname */
import { intFlag, stringFlag, stringSliceFlag } from "../../../../cli/flags";
import { portName, validPort } from "../../../apimachinery/validation";
import { defineCreateCommand } from "../../create-object";
import { fail } from "../../failure";
import { defineKubectlCommand } from "../../kubectl-command";
import { SERVICE } from "./made-kinds";

const tcp = stringSliceFlag([], "Port pairs can be specified as '<port>:<targetPort>'.");

interface ServicePort {
  name: string;
  protocol: string;
  port: number;
  targetPort: number | string;
  nodePort?: number;
}

function portOf(pair: string): ServicePort {
  const [portText = "", targetText = portText] = pair.split(":", 2);
  const number = (text: string): number => {
    if (!/^-?\d+$/.test(text)) fail(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    const problems = validPort(Number(text));
    if (problems.length > 0) fail(problems.join(","));
    return Number(text);
  };
  const port = number(portText);
  let target: number | string = port;
  if (/^-?\d+$/.test(targetText)) target = number(targetText);
  else {
    const problems = portName(targetText);
    if (problems.length > 0) fail(problems.join(","));
    target = targetText;
  }
  return { name: pair.replace(":", "-"), protocol: "TCP", port, targetPort: target };
}

interface ServiceParts {
  readonly ports?: readonly ServicePort[];
  readonly clusterIP?: string;
  readonly externalName?: string;
}

const serviceObject = (name: string, type: string, parts: ServiceParts): Record<string, unknown> => ({
  kind: "Service",
  apiVersion: "v1",
  metadata: { name, labels: { app: name } },
  spec: {
    ...(parts.ports?.length ? { ports: parts.ports } : {}),
    selector: { app: name },
    ...(parts.clusterIP ? { clusterIP: parts.clusterIP } : {}),
    type,
    ...(parts.externalName ? { externalName: parts.externalName } : {}),
  },
  status: { loadBalancer: {} },
});

const clusterIp = defineCreateCommand({
  use: "clusterip NAME [--tcp=<port>:<targetPort>] [--dry-run=server|client|none]",
  short: "Create a ClusterIP service",
  made: SERVICE,
  failure: "failed to create ClusterIP service",
  flags: {
    tcp,
    clusterip: stringFlag(
      "",
      "Assign your own ClusterIP or set to 'None' for a 'headless' service (no loadbalancing).",
    ),
  },
  *build({ flags }, name) {
    if (flags.clusterip === "None" && flags.tcp.length === 0)
      return serviceObject(name, "ClusterIP", { clusterIP: "None" });
    if (flags.tcp.length === 0) fail("at least one tcp port specifier must be provided");
    return serviceObject(name, "ClusterIP", { ports: flags.tcp.map(portOf), clusterIP: flags.clusterip });
  },
});

const nodePort = defineCreateCommand({
  use: "nodeport NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
  short: "Create a NodePort service",
  made: SERVICE,
  failure: "failed to create NodePort service",
  flags: { tcp, "node-port": intFlag(0, "Port used to expose the service on each node in a cluster.") },
  *build({ flags }, name) {
    if (flags.tcp.length === 0) fail("at least one tcp port specifier must be provided");
    const ports = flags.tcp
      .map(portOf)
      .map((port) => ({ ...port, ...(flags["node-port"] ? { nodePort: flags["node-port"] } : {}) }));
    return serviceObject(name, "NodePort", { ports });
  },
});

const loadBalancer = defineCreateCommand({
  use: "loadbalancer NAME [--tcp=port:targetPort] [--dry-run=server|client|none]",
  short: "Create a LoadBalancer service",
  made: SERVICE,
  failure: "failed to create LoadBalancer service",
  flags: { tcp },
  *build({ flags }, name) {
    if (flags.tcp.length === 0) fail("at least one tcp port specifier must be provided");
    return serviceObject(name, "LoadBalancer", { ports: flags.tcp.map(portOf) });
  },
});

const externalName = defineCreateCommand({
  use: "externalname NAME --external-name external.name [--dry-run=server|client|none]",
  short: "Create an ExternalName service",
  made: SERVICE,
  failure: "failed to create ExternalName service",
  flags: { tcp, "external-name": stringFlag("", "External name of service", { required: true }) },
  *build({ flags }, name) {
    return serviceObject(name, "ExternalName", { ports: flags.tcp.map(portOf), externalName: flags["external-name"] });
  },
});

export const createService = defineKubectlCommand({
  use: "service",
  aliases: ["svc"],
  short: "Create a service using a specified subcommand",
  commands: [clusterIp, externalName, loadBalancer, nodePort],
});
