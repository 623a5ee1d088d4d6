/** Cluster IPs and node ports of Services: chosen at random from the free ones, as upstream's allocators do. */
import type { Random } from "../../base/random";
import { invalid } from "../apimachinery/field-path";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import { internalError, invalidStatus } from "../apimachinery/status";
import type { ResourceHooks } from "./registry";
import type { Scope } from "./scope";
import type { CacheEvent, ResourceStorage } from "./storage";

const SERVICE = { group: "", kind: "Service" };

export class ServiceAllocator implements ResourceHooks {
  readonly #random: Random;
  readonly #base: number;
  readonly #size: number;
  readonly #ports: { readonly from: number; readonly to: number };
  readonly #addresses = new Set<string>();
  /** `port/protocol`, since a TCP and a UDP port may share a number; the count lets services give it back. */
  readonly #nodePorts = new Map<number, number>();

  constructor(
    services: ResourceStorage,
    random: Random,
    cidr: string,
    ports: { readonly from: number; readonly to: number },
  ) {
    this.#random = random;
    const [address, bits] = cidr.split("/");
    this.#base = parseAddress(address!) ?? 0;
    this.#size = 2 ** (32 - Number(bits));
    this.#ports = ports;
    services.onEvent((event) => this.#track(event));
    for (const service of services.list()) this.#take(service);
  }

  /** Of the Service `kubernetes`. */
  get firstAddress(): string {
    return formatAddress(this.#base + 1);
  }

  beforeCreate(draft: Draft, scope: Scope): Status | undefined {
    return this.#allocate(draft, undefined, scope);
  }

  beforeUpdate(draft: Draft, old: KubeObject, scope: Scope): Status | undefined {
    if (scope.subresource === "status" || draft.spec === old.spec) return undefined;
    return this.#allocate(draft, old, scope);
  }

  #track(event: CacheEvent): void {
    if (event.previous) this.#give(event.previous);
    if (event.type !== "DELETED") this.#take(event.object);
  }

  #take(service: KubeObject): void {
    for (const ip of service.spec?.clusterIPs ?? []) if (ip !== "None") this.#addresses.add(ip);
    for (const port of portsOf(service)) this.#nodePorts.set(port, (this.#nodePorts.get(port) ?? 0) + 1);
  }

  #give(service: KubeObject): void {
    for (const ip of service.spec?.clusterIPs ?? []) this.#addresses.delete(ip);
    for (const port of portsOf(service)) {
      const left = (this.#nodePorts.get(port) ?? 1) - 1;
      if (left > 0) this.#nodePorts.set(port, left);
      else this.#nodePorts.delete(port);
    }
  }

  #allocate(draft: Draft, old: KubeObject | undefined, scope: Scope): Status | undefined {
    const { spec } = draft;
    const name = scope.name || draft.metadata.name;
    if (spec.type === "ExternalName") {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      delete spec.ipFamilies;
      delete spec.ipFamilyPolicy;
      delete spec.internalTrafficPolicy;
      for (const port of spec.ports ?? []) delete port.nodePort;
      return undefined;
    }
    const previous: string | undefined = old?.spec.clusterIP;
    // A client that leaves the address out on update keeps it.
    if (!spec.clusterIP && previous) spec.clusterIP = previous;
    if (!spec.clusterIP && spec.clusterIPs?.length) spec.clusterIP = spec.clusterIPs[0];
    if (!spec.clusterIP) {
      const ip = this.#freeAddress();
      if (!ip) return internalError("failed to allocate a serviceIP: range is full");
      spec.clusterIP = ip;
    } else if (spec.clusterIP !== "None" && spec.clusterIP !== previous) {
      const number = parseAddress(spec.clusterIP);
      if (number === undefined) {
        return invalidStatus(SERVICE, name, [
          invalid(
            "spec.clusterIPs[0]",
            spec.clusterIP,
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
          ),
        ]);
      }
      if (number <= this.#base || number >= this.#base + this.#size - 1) {
        return invalidStatus(SERVICE, name, [
          invalid(
            "spec.clusterIPs",
            [spec.clusterIP],
            `failed to allocate IP ${spec.clusterIP}: the provided network does not match the current range`,
          ),
        ]);
      }
      if (this.#addresses.has(spec.clusterIP)) {
        return invalidStatus(SERVICE, name, [
          invalid(
            "spec.clusterIPs",
            [spec.clusterIP],
            `failed to allocate IP ${spec.clusterIP}: provided IP is already allocated`,
          ),
        ]);
      }
    }
    spec.clusterIPs = [spec.clusterIP];
    spec.ipFamilies ??= ["IPv4"];
    spec.ipFamilyPolicy ??= "SingleStack";
    return this.#allocatePorts(spec, old, name);
  }

  #allocatePorts(spec: Draft, old: KubeObject | undefined, name: string): Status | undefined {
    const exposes =
      spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
    const before: readonly Draft[] = old?.spec.ports ?? [];
    if (!exposes) {
      // Ports that an earlier type had go with it, unless the client insists.
      if (spec.type === "ClusterIP" || spec.type === undefined)
        for (const port of spec.ports ?? []) delete port.nodePort;
      return undefined;
    }
    const mine = new Set(before.map((port) => port.nodePort).filter((port) => port !== undefined));
    const taken = new Map<number, string>();
    let index = 0;
    for (const port of spec.ports ?? []) {
      const field = `spec.ports[${index++}].nodePort`;
      if (!port.nodePort) {
        // A port without a number keeps the one that it had under the same name, or port and protocol.
        const same = before.find(
          (b) => b.port === port.port && b.protocol === port.protocol && (b.name ?? "") === (port.name ?? ""),
        );
        if (same?.nodePort && !taken.has(same.nodePort)) port.nodePort = same.nodePort;
      }
      if (port.nodePort) {
        const { from, to } = this.#ports;
        if (port.nodePort < from || port.nodePort > to) {
          return invalidStatus(SERVICE, name, [
            invalid(
              field,
              port.nodePort,
              `provided port is not in the valid range. The range of valid ports is ${from}-${to}`,
            ),
          ]);
        }
        const sibling = taken.get(port.nodePort);
        if (!mine.has(port.nodePort) && this.#nodePorts.has(port.nodePort) && sibling === undefined) {
          return invalidStatus(SERVICE, name, [invalid(field, port.nodePort, "provided port is already allocated")]);
        }
      } else {
        const free = this.#freePort(taken);
        if (free === undefined) return internalError("failed to allocate a nodePort: range is full");
        port.nodePort = free;
      }
      taken.set(port.nodePort, port.protocol);
    }
    return undefined;
  }

  /** Upstream draws from the upper part first: the lower is meant for addresses that people choose. */
  #freeAddress(): string | undefined {
    const offset = Math.min(Math.max(16, Math.floor(this.#size / 16)), 256);
    const hosts = this.#size - 2;
    for (let i = 0; i < 64; i++) {
      const ip = formatAddress(this.#base + this.#random.integer(offset + 1, hosts));
      if (!this.#addresses.has(ip)) return ip;
    }
    for (let n = 1; n <= hosts; n++) {
      const ip = formatAddress(this.#base + n);
      if (!this.#addresses.has(ip)) return ip;
    }
    return undefined;
  }

  #freePort(taken: ReadonlyMap<number, string>): number | undefined {
    const { from, to } = this.#ports;
    const isFree = (port: number): boolean => !this.#nodePorts.has(port) && !taken.has(port);
    const reserved = Math.min(Math.max(16, Math.floor((to - from + 1) / 32)), 128, to - from);
    for (let i = 0; i < 64; i++) {
      const port = this.#random.integer(from + reserved, to);
      if (isFree(port)) return port;
    }
    for (let port = from; port <= to; port++) if (isFree(port)) return port;
    return undefined;
  }
}

function portsOf(service: KubeObject): number[] {
  const ports = new Set<number>();
  for (const port of service.spec?.ports ?? []) if (port.nodePort) ports.add(port.nodePort);
  if (service.spec?.healthCheckNodePort) ports.add(service.spec.healthCheckNodePort);
  return [...ports];
}

function parseAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((p) => !/^(0|[1-9]\d{0,2})$/.test(p) || Number(p) > 255)) return undefined;
  return parts.reduce((n, p) => n * 256 + Number(p), 0);
}

const formatAddress = (n: number): string =>
  [n / 2 ** 24, n / 2 ** 16, n / 256, n].map((v) => Math.floor(v) % 256).join(".");
