/** The kubernetes plugin's records: names of Services, endpoints and Pods, as the DNS specification of Kubernetes has them. */
import { isIpv4 } from "../../../net/address";
import type { DnsAnswer } from "../../../net/dns";
import type { Question, RecordType, ResourceRecord } from "../../../net/dns-message";
import type { EndpointSlice, Namespace, Pod, Service } from "../../api/types.generated";
import type { Lister } from "../../client/lister";

export interface ClusterState {
  readonly services: Lister<Service>;
  readonly slices: Lister<EndpointSlice>;
  readonly namespaces: Lister<Namespace>;
  /** With `pods verified` only. */
  readonly pods: Lister<Pod> | undefined;
}

export interface KubernetesPlugin {
  /** `cluster.local` */
  readonly zone: string;
  readonly reverseZones: readonly string[];
  readonly pods: "disabled" | "insecure" | "verified";
  readonly ttl: number;
  /** Zones for which an unknown name goes on to the next plugin; "all" for every one. */
  readonly fallthrough: "all" | readonly string[];
}

interface Endpoint {
  readonly address: string;
  readonly hostname: string;
  readonly ready: boolean;
}

interface SlicePort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

/** Undefined: not ours, or falls through. */
export function answerCluster(
  question: Question,
  plugin: KubernetesPlugin,
  state: ClusterState,
  now: number,
): (DnsAnswer & { readonly external?: string }) | undefined {
  const name = question.name.toLowerCase();
  const soa: ResourceRecord = {
    name: plugin.zone,
    type: "SOA",
    ttl: plugin.ttl,
    data: `ns.dns.${plugin.zone} hostmaster.${plugin.zone} ${Math.floor(now / 1000)} 7200 1800 86400 ${plugin.ttl}`,
  };
  if (name.endsWith(".in-addr.arpa") && plugin.reverseZones.some((zone) => name.endsWith(zone))) {
    const names = question.type === "PTR" ? reverse(name, plugin, state) : [];
    if (names.length === 0) {
      if (plugin.fallthrough === "all" || plugin.fallthrough.some((zone) => name.endsWith(zone))) return undefined;
      return { code: "NXDOMAIN", answers: [], authority: [soa], authoritative: true };
    }
    return {
      code: "NOERROR",
      authoritative: true,
      answers: names.map((data) => ({ name: question.name, type: "PTR", ttl: plugin.ttl, data })),
    };
  }
  if (name !== plugin.zone && !name.endsWith(`.${plugin.zone}`)) return undefined;
  const found = forward(name, question, plugin, state, soa);
  if (!found) {
    if (plugin.fallthrough === "all" || plugin.fallthrough.some((zone) => name.endsWith(zone))) return undefined;
    return { code: "NXDOMAIN", answers: [], authority: [soa], authoritative: true };
  }
  if (found.external !== undefined)
    return {
      code: "NOERROR",
      authoritative: true,
      external: found.external,
      answers: [{ name: question.name, type: "CNAME", ttl: plugin.ttl, data: found.external }],
    };
  return {
    code: "NOERROR",
    authoritative: true,
    answers: found.records,
    // The name exists, but not with this type.
    ...(found.records.length === 0 ? { authority: [soa] } : {}),
  };
}

interface Found {
  readonly records: readonly ResourceRecord[];
  readonly external?: string;
}

const nothing: Found = { records: [] };

function forward(
  name: string,
  question: Question,
  plugin: KubernetesPlugin,
  state: ClusterState,
  soa: ResourceRecord,
): Found | undefined {
  const ttl = plugin.ttl;
  const make = (type: RecordType, data: string, owner = question.name): ResourceRecord => ({
    name: owner,
    type,
    ttl,
    data,
  });
  const labels = name === plugin.zone ? [] : name.slice(0, -plugin.zone.length - 1).split(".");
  if (labels.length === 0) return question.type === "SOA" ? { records: [soa] } : nothing;
  if (labels.join(".") === "dns-version")
    return question.type === "TXT" ? { records: [make("TXT", "1.1.0")] } : nothing;
  const kind = labels.pop()!;
  if (kind === "pod") {
    if (plugin.pods === "disabled") return undefined;
    const namespace = labels.pop();
    if (namespace === undefined) return nothing;
    if (!state.namespaces.get(namespace)) return undefined;
    if (labels.length === 0) return nothing;
    const address = labels[0]!.replace(/-/g, ".");
    if (labels.length !== 1 || !isIpv4(address)) return undefined;
    if (
      plugin.pods === "verified" &&
      ![...(state.pods?.inNamespace(namespace) ?? [])].some((pod) => pod.status?.podIP === address)
    )
      return undefined;
    return question.type === "A" ? { records: [make("A", address)] } : nothing;
  }
  if (kind !== "svc") return undefined;
  const namespace = labels.pop();
  if (namespace === undefined) return nothing;
  if (!state.namespaces.get(namespace)) return undefined;
  const serviceName = labels.pop();
  if (serviceName === undefined) return nothing;
  const service = state.services.get(`${namespace}/${serviceName}`);
  if (!service) return undefined;
  const owner = `${serviceName}.${namespace}.svc.${plugin.zone}`;
  if (service.spec.type === "ExternalName") {
    if (labels.length > 0 || !service.spec.externalName) return undefined;
    return { records: [], external: service.spec.externalName };
  }
  const isHeadless = service.spec.clusterIP === "None";
  const { endpoints, ports } = endpointsOf(service, state);

  // _port._protocol.
  let portName: string | undefined;
  let protocol: string | undefined;
  if (labels.length >= 2 && labels[0]!.startsWith("_") && labels[1]!.startsWith("_")) {
    portName = labels.shift()!.slice(1);
    protocol = labels.shift()!.slice(1);
  }
  if (labels.length > 1) return undefined;
  const hostname = labels[0];
  const chosenPorts = (
    isHeadless
      ? ports
      : (service.spec.ports ?? []).map((port) => ({
          name: port.name ?? "",
          protocol: (port.protocol ?? "TCP").toLowerCase(),
          port: port.port,
        }))
  ).filter(
    (port) =>
      portName === undefined ||
      ((portName === "*" || port.name === portName) && (protocol === "*" || port.protocol === protocol)),
  );
  if (portName !== undefined && chosenPorts.length === 0) return undefined;

  if (hostname === undefined && !isHeadless) {
    if (question.type === "A") return { records: [make("A", service.spec.clusterIP!)] };
    if (question.type === "SRV")
      return { records: chosenPorts.map((port) => make("SRV", `0 100 ${port.port} ${owner}`)) };
    return nothing;
  }
  const chosen = endpoints.filter((endpoint) => hostname === undefined || endpoint.hostname === hostname);
  if (chosen.length === 0) return undefined;
  if (question.type === "A")
    return { records: [...new Set(chosen.map(({ address }) => address))].map((address) => make("A", address)) };
  if (question.type === "SRV") {
    const weight = Math.max(1, Math.floor(100 / chosen.length));
    return {
      records: chosenPorts.flatMap((port) =>
        chosen.map((endpoint) => make("SRV", `0 ${weight} ${port.port} ${endpoint.hostname}.${owner}`)),
      ),
    };
  }
  return nothing;
}

function endpointsOf(
  service: Service,
  state: ClusterState,
): { readonly endpoints: readonly Endpoint[]; readonly ports: readonly SlicePort[] } {
  const endpoints = new Map<string, Endpoint>();
  const ports = new Map<string, SlicePort>();
  for (const slice of state.slices.inNamespace(service.metadata.namespace ?? "")) {
    if (slice.metadata.labels?.["kubernetes.io/service-name"] !== service.metadata.name || slice.addressType !== "IPv4")
      continue;
    for (const endpoint of slice.endpoints ?? []) {
      const ready = endpoint.conditions?.ready ?? true;
      if (!ready && !service.spec.publishNotReadyAddresses) continue;
      for (const address of endpoint.addresses)
        endpoints.set(address, { address, ready, hostname: endpoint.hostname || address.replace(/\./g, "-") });
    }
    for (const port of slice.ports ?? [])
      if (port.port !== undefined) {
        const protocol = (port.protocol ?? "TCP").toLowerCase();
        ports.set(`${port.name ?? ""}/${protocol}/${port.port}`, { name: port.name ?? "", protocol, port: port.port });
      }
  }
  return { endpoints: [...endpoints.values()], ports: [...ports.values()] };
}

function reverse(name: string, plugin: KubernetesPlugin, state: ClusterState): readonly string[] {
  const address = name
    .replace(/\.in-addr\.arpa$/, "")
    .split(".")
    .reverse()
    .join(".");
  if (!isIpv4(address)) return [];
  for (const service of state.services.list())
    if (service.spec.clusterIP === address)
      return [`${service.metadata.name}.${service.metadata.namespace}.svc.${plugin.zone}`];
  const found: string[] = [];
  for (const slice of state.slices.list()) {
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (service === undefined) continue;
    for (const endpoint of slice.endpoints ?? [])
      if (endpoint.addresses.includes(address))
        found.push(
          `${endpoint.hostname || address.replace(/\./g, "-")}.${service}.${slice.metadata.namespace}.svc.${plugin.zone}`,
        );
  }
  return found;
}
