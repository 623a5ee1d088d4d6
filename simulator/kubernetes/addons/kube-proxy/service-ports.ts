/** What kube-proxy makes rules of: each port of each Service with the endpoints that may serve it. Pure. */
import type { EndpointSlice, Service } from "../../api/types.generated";

export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

export interface ProxyServicePort {
  /** `default/web:http`, or `default/web` when the port has no name. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceName: string;
  readonly portName: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly clusterIP: string;
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly loadBalancerIPs: readonly string[];
  readonly externalIPs: readonly string[];
  readonly sourceRanges: readonly string[];
  /** Seconds of ClientIP affinity. */
  readonly affinitySeconds: number | undefined;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly endpoints: readonly ProxyEndpoint[];
}

/** Which endpoints serve a port, by where the traffic comes from. */
export interface UsableEndpoints {
  readonly cluster: readonly ProxyEndpoint[];
  readonly local: readonly ProxyEndpoint[];
  /** Endpoints anywhere, even ones this node's traffic may not use. */
  readonly hasAny: boolean;
}

const SERVICE_NAME = "kubernetes.io/service-name";
const PROXY_NAME = "service.kubernetes.io/service-proxy-name";

export const endpointName = (endpoint: ProxyEndpoint): string => `${endpoint.address}:${endpoint.port}`;

/** All ports of all Services, ordered by name: the order of rules must not depend on the order of events. */
export function servicePorts(
  services: Iterable<Service>,
  slices: Iterable<EndpointSlice>,
  nodeName: string,
): readonly ProxyServicePort[] {
  const byService = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[SERVICE_NAME];
    if (service === undefined || slice.addressType !== "IPv4") continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const list = byService.get(key);
    if (list) list.push(slice);
    else byService.set(key, [slice]);
  }
  const found: ProxyServicePort[] = [];
  for (const service of services) {
    const { spec, metadata } = service;
    if (!spec.clusterIP || spec.clusterIP === "None" || spec.type === "ExternalName") continue;
    if (metadata.labels?.[PROXY_NAME] !== undefined) continue;
    const key = `${metadata.namespace}/${metadata.name}`;
    for (const port of spec.ports ?? []) {
      const protocol = (port.protocol ?? "TCP").toLowerCase() as ProxyServicePort["protocol"];
      const portName = port.name ?? "";
      const isExternal = spec.type === "NodePort" || spec.type === "LoadBalancer";
      found.push({
        name: portName ? `${key}:${portName}` : key,
        namespace: metadata.namespace ?? "",
        serviceName: metadata.name,
        portName,
        protocol,
        clusterIP: spec.clusterIP,
        port: port.port,
        nodePort: isExternal ? port.nodePort || undefined : undefined,
        loadBalancerIPs:
          spec.type === "LoadBalancer"
            ? (service.status?.loadBalancer?.ingress ?? [])
                .filter((ingress) => ingress.ip && ingress.ipMode !== "Proxy")
                .map((ingress) => ingress.ip!)
            : [],
        externalIPs: spec.externalIPs ?? [],
        sourceRanges: spec.loadBalancerSourceRanges ?? [],
        affinitySeconds:
          spec.sessionAffinity === "ClientIP"
            ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
            : undefined,
        internalLocal: spec.internalTrafficPolicy === "Local",
        externalLocal: spec.externalTrafficPolicy === "Local",
        endpoints: endpointsOf(byService.get(key) ?? [], portName, protocol, nodeName),
      });
    }
  }
  return found.sort((a, b) => order(`${a.name} ${a.protocol}`, `${b.name} ${b.protocol}`));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function endpointsOf(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol: string,
  nodeName: string,
): readonly ProxyEndpoint[] {
  const found = new Map<string, ProxyEndpoint>();
  for (const slice of slices)
    for (const port of slice.ports ?? []) {
      if (
        (port.name ?? "") !== portName ||
        (port.protocol ?? "TCP").toLowerCase() !== protocol ||
        port.port === undefined
      )
        continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = endpoint.addresses[0];
        if (address === undefined) continue;
        const ready = endpoint.conditions?.ready ?? true;
        const made: ProxyEndpoint = {
          address,
          port: port.port,
          isLocal: endpoint.nodeName === nodeName,
          ready,
          serving: endpoint.conditions?.serving ?? ready,
          terminating: endpoint.conditions?.terminating ?? false,
        };
        const old = found.get(endpointName(made));
        // The same address in two slices: a ready one wins.
        if (!old || (made.ready && !old.ready)) found.set(endpointName(made), made);
      }
    }
  return [...found.values()].sort((a, b) => order(endpointName(a), endpointName(b)));
}

/** Ready endpoints, or else those that still serve while they terminate (upstream's CategorizeEndpoints). */
function preferReady(endpoints: readonly ProxyEndpoint[]): readonly ProxyEndpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
}

export function usableEndpoints(port: ProxyServicePort): UsableEndpoints {
  const cluster = preferReady(port.endpoints);
  const local = preferReady(port.endpoints.filter((endpoint) => endpoint.isLocal));
  return { cluster, local, hasAny: cluster.length > 0 || local.length > 0 };
}
