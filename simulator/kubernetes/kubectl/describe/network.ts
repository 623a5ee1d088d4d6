/** Describes Services, Endpoints, EndpointSlices, Ingresses and NetworkPolicies. */
import type { Task } from "../../../base/task";
import { compareStrings } from "../../../text/strconv";
import { formatLabelSelector, formatLabels } from "../../apimachinery/labels";
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { type Part, rfc1123, stringOrNone, writeAnnotations, writeLabels, type Writer } from "./page";

export const serviceDescriber: Describer = {
  group: "",
  kind: "Service",
  *describe(w, service, context) {
    const { metadata, spec, status = {} } = service;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Selector:\t${formatLabels(spec.selector)}\n`);
    w.write(0, `Type:\t${spec.type}\n`);
    if (spec.ipFamilyPolicy) w.write(0, `IP Family Policy:\t${spec.ipFamilyPolicy}\n`);
    w.write(0, `IP Families:\t${spec.ipFamilies?.length ? spec.ipFamilies.join(",") : "<none>"}\n`);
    w.write(0, `IP:\t${spec.clusterIP ?? ""}\n`);
    w.write(0, `IPs:\t${spec.clusterIPs?.length ? spec.clusterIPs.join(",") : "<none>"}\n`);
    if (spec.externalIPs?.length) w.write(0, `External IPs:\t${spec.externalIPs.join(",")}\n`);
    if (spec.loadBalancerIP) w.write(0, `Desired LoadBalancer IP:\t${spec.loadBalancerIP}\n`);
    if (spec.externalName) w.write(0, `External Name:\t${spec.externalName}\n`);
    const ingress: readonly Part[] = status.loadBalancer?.ingress ?? [];
    if (ingress.length > 0) w.write(0, `LoadBalancer Ingress:\t${ingress.map(ingressText).join(", ")}\n`);
    const slices = (yield* context.list(`/apis/discovery.k8s.io/v1/namespaces/${metadata.namespace}/endpointslices`, {
      labelSelector: `kubernetes.io/service-name=${metadata.name}`,
    })) as readonly Part[];
    for (const port of spec.ports ?? []) {
      const name = port.name || "<unset>";
      w.write(0, `Port:\t${name}\t${port.port}/${port.protocol}\n`);
      w.write(0, `TargetPort:\t${port.targetPort}/${port.protocol}\n`);
      if (port.nodePort) w.write(0, `NodePort:\t${name}\t${port.nodePort}/${port.protocol}\n`);
      w.write(0, `Endpoints:\t${endpointsOfPort(slices, port.name ?? "")}\n`);
    }
    w.write(0, `Session Affinity:\t${spec.sessionAffinity}\n`);
    if (spec.externalTrafficPolicy) w.write(0, `External Traffic Policy:\t${spec.externalTrafficPolicy}\n`);
    if (spec.internalTrafficPolicy) w.write(0, `Internal Traffic Policy:\t${spec.internalTrafficPolicy}\n`);
    if (spec.trafficDistribution) w.write(0, `Traffic Distribution:\t${spec.trafficDistribution}\n`);
    if (spec.healthCheckNodePort) w.write(0, `HealthCheck NodePort:\t${spec.healthCheckNodePort}\n`);
    if (spec.loadBalancerSourceRanges?.length)
      w.write(0, `LoadBalancer Source Ranges:\t${spec.loadBalancerSourceRanges.join(",")}\n`);
    writeEvents(w, context.events, context.now);
  },
};

const ingressText = (entry: Part): string =>
  entry.ip ? `${entry.ip} (${entry.ipMode ?? "VIP"})` : (entry.hostname ?? "");

/** Ready addresses with the port of this name: three, then how many more. */
export function endpointsOfPort(slices: readonly Part[], portName: string): string {
  const found: string[] = [];
  let count = 0;
  let more = false;
  for (const slice of slices) {
    for (const port of slice.ports ?? []) {
      if (portName !== "" && (port.name ?? "") !== portName) continue;
      for (const endpoint of slice.endpoints ?? []) {
        if (endpoint.conditions?.ready === false) continue;
        for (const address of endpoint.addresses ?? []) {
          if (found.length === 3) more = true;
          else found.push(address.includes(":") ? `[${address}]:${port.port}` : `${address}:${port.port}`);
          count++;
        }
      }
    }
  }
  const text = found.join(",");
  return more ? `${text} + ${count - 3} more...` : text;
}

export const endpointsDescriber: Describer = {
  group: "",
  kind: "Endpoints",
  *describe(w, endpoints, context) {
    const { metadata } = endpoints;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, "Subsets:\n");
    for (const subset of endpoints.subsets ?? []) {
      const ips = (list: readonly Part[] | undefined): string =>
        stringOrNone((list ?? []).map((each) => each.ip).join(","));
      w.write(1, `Addresses:\t${ips(subset.addresses)}\n`);
      w.write(1, `NotReadyAddresses:\t${ips(subset.notReadyAddresses)}\n`);
      if (subset.ports?.length) {
        w.write(1, "Ports:\n");
        w.write(2, "Name\tPort\tProtocol\n");
        w.write(2, "----\t----\t--------\n");
        for (const port of subset.ports) w.write(2, `${port.name || "<unset>"}\t${port.port}\t${port.protocol}\n`);
      }
      w.write(0, "\n");
    }
    writeEvents(w, context.events, context.now);
  },
};

export const endpointSliceDescriber: Describer = {
  group: "discovery.k8s.io",
  kind: "EndpointSlice",
  *describe(w, slice, context) {
    const { metadata } = slice;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `AddressType:\t${slice.addressType}\n`);
    if (!slice.ports?.length) w.write(0, "Ports: <unset>\n");
    else {
      w.write(0, "Ports:\n");
      w.write(1, "Name\tPort\tProtocol\n");
      w.write(1, "----\t----\t--------\n");
      for (const port of slice.ports)
        w.write(1, `${port.name || "<unset>"}\t${port.port ?? "<unset>"}\t${port.protocol}\n`);
    }
    if (!slice.endpoints?.length) w.write(0, "Endpoints: <none>\n");
    else {
      w.write(0, "Endpoints:\n");
      for (const endpoint of slice.endpoints) writeEndpoint(w, endpoint);
    }
    writeEvents(w, context.events, context.now);
  },
};

function writeEndpoint(w: Writer, endpoint: Part): void {
  w.write(1, `- Addresses:\t${(endpoint.addresses ?? []).join(",") || "<none>"}\n`);
  w.write(2, "Conditions:\n");
  w.write(3, `Ready:\t${endpoint.conditions?.ready ?? "<unset>"}\n`);
  w.write(2, `Hostname:\t${endpoint.hostname ?? "<unset>"}\n`);
  if (endpoint.targetRef) w.write(2, `TargetRef:\t${endpoint.targetRef.kind}/${endpoint.targetRef.name}\n`);
  w.write(2, `NodeName:\t${endpoint.nodeName ?? "<unset>"}\n`);
  w.write(2, `Zone:\t${endpoint.zone ?? "<unset>"}\n`);
}

export const ingressDescriber: Describer = {
  group: "networking.k8s.io",
  kind: "Ingress",
  *describe(w, ingress, context) {
    const { metadata, spec = {}, status = {} } = ingress;
    w.write(0, `Name:\t${metadata.name}\n`);
    writeLabels(w, "Labels", metadata.labels);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    const addresses = (status.loadBalancer?.ingress ?? []).map((each: Part) => each.ip || each.hostname).join(",");
    w.write(0, `Address:\t${addresses}\n`);
    w.write(0, `Ingress Class:\t${spec.ingressClassName ?? "<none>"}\n`);
    const endpoints = function* (backend: Part): Task<string> {
      const service = backend?.service;
      if (!service) return "";
      const slices = yield* context.list(`/apis/discovery.k8s.io/v1/namespaces/${metadata.namespace}/endpointslices`, {
        labelSelector: `kubernetes.io/service-name=${service.name}`,
      });
      if (slices.length === 0) return `<error: services "${service.name}" not found>`;
      return endpointsOfPort(slices, service.port?.name ?? "");
    };
    const fallback = spec.defaultBackend;
    w.write(
      0,
      `Default backend:\t${fallback ? `${backendText(fallback)} (${yield* endpoints(fallback)})` : "<default>"}\n`,
    );
    if (spec.tls?.length) {
      w.write(0, "TLS:\n");
      for (const entry of spec.tls) {
        if (entry.secretName) w.write(1, `${entry.secretName} terminates ${(entry.hosts ?? []).join(",")}\n`);
        else w.write(1, `SNI routes ${(entry.hosts ?? []).join(",")}\n`);
      }
    }
    w.write(0, "Rules:\n  Host\tPath\tBackends\n");
    w.write(1, "----\t----\t--------\n");
    let count = 0;
    for (const rule of spec.rules ?? []) {
      if (!rule.http) continue;
      count++;
      w.write(1, `${rule.host || "*"}\t\n`);
      for (const path of rule.http.paths) {
        w.write(2, `\t${path.path ?? ""} \t${backendText(path.backend)} (${yield* endpoints(path.backend)})\n`);
      }
    }
    if (count === 0)
      w.write(1, `*\t*\t${fallback ? `${backendText(fallback)} (${yield* endpoints(fallback)})` : "<default>"}\n`);
    writeAnnotations(w, "Annotations", metadata.annotations);
    writeEvents(w, context.events, context.now);
  },
};

function backendText(backend: Part): string {
  if (backend?.service)
    return `${backend.service.name}:${backend.service.port?.number || backend.service.port?.name || ""}`;
  if (backend?.resource)
    return `APIGroup: ${backend.resource.apiGroup ?? "<none>"}, Kind: ${backend.resource.kind}, Name: ${backend.resource.name}`;
  return "";
}

export const networkPolicyDescriber: Describer = {
  group: "networking.k8s.io",
  kind: "NetworkPolicy",
  withoutEvents: true,
  *describe(w, policy) {
    const { metadata, spec = {} } = policy;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    w.write(
      0,
      `Created on:\t${rfc1123(metadata.creationTimestamp).replace(/^\w+, (\d\d) (\w+) (\d+) (.*) \+0000$/, (_, d, m, y, t) => `${y}-${String(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].indexOf(m) + 1).padStart(2, "0")}-${d} ${t} +0000 UTC`)}\n`,
    );
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, "Spec:\n");
    const selector = formatLabelSelector(spec.podSelector);
    const isEmpty = !spec.podSelector || Object.keys(spec.podSelector).length === 0;
    w.write(
      1,
      `PodSelector: ${isEmpty ? "    <none> (Allowing the specific traffic to all pods in this namespace)" : `    ${selector}`}\n`,
    );
    const types: readonly string[] = spec.policyTypes ?? [];
    if (types.includes("Ingress")) {
      w.write(1, "Allowing ingress traffic:\n");
      writeRules(w, spec.ingress, "From", "from");
    } else w.write(1, "Not affecting ingress traffic\n");
    if (types.includes("Egress")) {
      w.write(1, "Allowing egress traffic:\n");
      writeRules(w, spec.egress, "To", "to");
    } else w.write(1, "Not affecting egress traffic\n");
    w.write(1, `Policy Types: ${types.join(", ")}\n`);
  },
};

function writeRules(w: Writer, rules: readonly Part[] | undefined, title: string, key: "from" | "to"): void {
  const all = key === "from" ? "(traffic allowed to all sources)" : "(traffic allowed to all destinations)";
  if (!rules?.length) {
    w.write(2, `<none> (Selected pods are isolated for ${key === "from" ? "ingress" : "egress"} connectivity)\n`);
    return;
  }
  rules.forEach((rule, i) => {
    if (!rule.ports?.length) w.write(2, "To Port: <any> (traffic allowed to all ports)\n");
    for (const port of rule.ports ?? []) {
      const range = port.endPort ? `${port.port}-${port.endPort}` : (port.port ?? "<any>");
      w.write(2, `To Port: ${range}/${port.protocol ?? "TCP"}\n`);
    }
    const peers: readonly Part[] = rule[key] ?? [];
    if (peers.length === 0) w.write(2, `${title}: <any> ${all}\n`);
    for (const peer of peers) {
      w.write(2, `${title}:\n`);
      if (peer.ipBlock) {
        w.write(3, "IPBlock:\n");
        w.write(4, `CIDR: ${peer.ipBlock.cidr}\n`);
        w.write(4, `Except: ${(peer.ipBlock.except ?? []).sort(compareStrings).join(", ")}\n`);
        continue;
      }
      if (peer.namespaceSelector) w.write(3, `NamespaceSelector: ${formatLabelSelector(peer.namespaceSelector)}\n`);
      if (peer.podSelector) w.write(3, `PodSelector: ${formatLabelSelector(peer.podSelector)}\n`);
    }
    if (i !== rules.length - 1) w.write(2, "----------\n");
  });
}
