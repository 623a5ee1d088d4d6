/** Networks and the endpoints of containers in them: bridges with their addresses and rules, host, none. */
import type { Random } from "../../base/random";
import {
  AddressPool,
  addressAt,
  cidrHas,
  cidrsOverlap,
  formatCidr,
  isIpv4,
  macOfHex,
  parseCidr,
  type Cidr,
} from "../../net/address";
import type { Netns } from "../../net/netns";
import type { Network as Wires } from "../../net/network";
import { Segment, attach, detach } from "../../net/segment";
import { ApiFailure, badRequest, conflict, forbidden, notFound } from "../api/failure";
import type { CreateNetworkBody, EndpointSettings } from "../api/types";
import type { DockerContainer, Endpoint } from "./container";
import type { EventLog } from "./events";

export interface DockerNetwork {
  readonly id: string;
  readonly name: string;
  readonly driver: "bridge" | "host" | "null";
  readonly created: number;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIPv6: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** null for the predefined ones. */
  readonly ipamOptions: Readonly<Record<string, string>> | null;
  readonly ipamConfig: readonly { readonly Subnet: string; readonly Gateway: string; readonly IPRange?: string }[];
  readonly isPredefined: boolean;
  /** A subnet of its own was asked for: only then may containers choose addresses. */
  readonly hasOwnSubnet: boolean;
  readonly bridge: Bridge | undefined;
  /** Containers that run in it, by id. */
  readonly active: Map<string, DockerContainer>;
}

interface Bridge {
  readonly device: string;
  readonly segment: Segment;
  readonly pool: AddressPool;
  readonly cidr: Cidr;
  readonly gateway: string;
}

export interface NetworksOptions {
  readonly wires: Wires;
  readonly host: Netns;
  readonly random: Random;
  readonly now: () => number;
  readonly events: EventLog;
  readonly containers: () => Iterable<DockerContainer>;
}

/** The address spaces that new networks get, in upstream's order. */
const defaultPools: readonly Cidr[] = [
  ...Array.from({ length: 15 }, (_, i) => parseCidr(`172.${17 + i}.0.0/16`)!),
  ...Array.from({ length: 16 }, (_, i) => parseCidr(`192.168.${i * 16}.0/20`)!),
];

export class Networks {
  readonly #options: NetworksOptions;
  readonly #networks = new Map<string, DockerNetwork>();

  constructor(options: NetworksOptions) {
    this.#options = options;
    this.#setUpFirewall();
    this.#predefine("none", "null");
    this.#predefine("host", "host");
    this.#makeBridge({
      name: "bridge",
      device: "docker0",
      cidr: parseCidr("172.17.0.0/16")!,
      gateway: "172.17.0.1",
      isPredefined: true,
      options: {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        "com.docker.network.bridge.name": "docker0",
        "com.docker.network.driver.mtu": "1500",
      },
      body: { Name: "bridge" },
    });
  }

  // ---- lookups -----------------------------------------------------------------------------------------------------

  all(): readonly DockerNetwork[] {
    return [...this.#networks.values()];
  }

  /** By name, id or the beginning of an id. */
  find(text: string): DockerNetwork | undefined {
    const byId = this.#networks.get(text);
    if (byId) return byId;
    for (const network of this.#networks.values()) if (network.name === text) return network;
    if (text === "") return undefined;
    const matching = this.all().filter((network) => network.id.startsWith(text));
    return matching.length === 1 ? matching[0] : undefined;
  }

  get(text: string): DockerNetwork {
    const network = this.find(text);
    if (!network) throw notFound(`network ${text} not found`);
    return network;
  }

  // ---- making and removing -------------------------------------------------------------------------------------------

  create(body: CreateNetworkBody): { readonly network: DockerNetwork; readonly warning: string } {
    const { events } = this.#options;
    const name = body.Name ?? "";
    if (name.trim() === "") throw badRequest("network name is required" /* upstream: validated by the CLI first */);
    if (["bridge", "host", "none", "default"].includes(name))
      throw forbidden(`operation is not permitted on predefined ${name} network`);
    if (name.startsWith("container:")) throw badRequest(`invalid network name: ${name}`);
    for (const network of this.#networks.values())
      if (network.name === name) throw conflict(`network with name ${name} already exists`);
    const driver = body.Driver || "bridge";
    if (driver === "host") throw forbidden('only one instance of "host" network is allowed');
    if (driver === "null") throw forbidden('only one instance of "null" network is allowed');
    if (driver === "overlay")
      throw forbidden(
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      );
    if (driver === "macvlan" || driver === "ipvlan")
      throw new ApiFailure(501, `the ${driver} network driver is not simulated; bridge, host and null are`);
    if (driver !== "bridge") throw notFound(`plugin "${driver}" not found`);
    const config = body.IPAM?.Config?.[0];
    let cidr: Cidr | undefined;
    if (config?.Subnet) {
      cidr =
        isIpv4(config.Subnet.split("/")[0] ?? "") && config.Subnet.includes("/") ? parseCidr(config.Subnet) : undefined;
      if (!cidr)
        throw badRequest(`invalid network config:\ninvalid subnet ${config.Subnet}: invalid CIDR block notation`);
      for (const used of this.#used())
        if (cidrsOverlap(cidr, used) || cidrsOverlap(used, cidr))
          throw forbidden("invalid pool request: Pool overlaps with other one on this address space");
    } else {
      const used = this.#used();
      cidr = defaultPools.find((pool) => !used.some((other) => cidrsOverlap(pool, other) || cidrsOverlap(other, pool)));
      if (!cidr) throw new ApiFailure(500, "all predefined address pools have been fully subnetted");
    }
    if (config?.Gateway && !cidrHas(cidr, config.Gateway))
      throw badRequest(
        `invalid network config:\ninvalid gateway ${config.Gateway}: parent subnet ${formatCidr(cidr)} doesn't contain gateway address`,
      );
    const network = this.#makeBridge({
      name,
      device: body.Options?.["com.docker.network.bridge.name"],
      cidr,
      gateway: config?.Gateway || addressAt(cidr, 1),
      isPredefined: false,
      options: body.Options ?? {},
      body,
    });
    events.publish("network", "create", network.id, { name, type: "bridge" });
    return { network, warning: "" };
  }

  #used(): Cidr[] {
    const own = this.all().flatMap((network) => (network.bridge ? [network.bridge.cidr] : []));
    const hosts = this.#options.host
      .routes()
      .flatMap((route) => (route.destination.prefix > 0 ? [route.destination] : []));
    return [...own, ...hosts];
  }

  remove(text: string): void {
    const network = this.get(text);
    if (network.isPredefined) throw forbidden(`${network.name} is a pre-defined network and cannot be removed`);
    if (network.active.size > 0) {
      const users = [...network.active.values()].map(
        (container) =>
          `name:"${container.name}" id:"${container.endpoints.get(network.name)?.live?.endpointId.slice(0, 12)}"`,
      );
      throw forbidden(
        `error while removing network: network ${network.name} has active endpoints (${users.join(", ")})`,
      );
    }
    this.#networks.delete(network.id);
    const bridge = network.bridge!;
    this.#bridgeRules(bridge, network.internal, "-D");
    detach(this.#options.host, bridge.device);
    this.#options.events.publish("network", "destroy", network.id, { name: network.name, type: network.driver });
  }

  /** Networks that no container is in, neither running nor stopped. */
  unused(): DockerNetwork[] {
    const used = new Set<string>();
    for (const container of this.#options.containers()) for (const name of container.endpoints.keys()) used.add(name);
    return this.all().filter(
      (network) => !network.isPredefined && network.active.size === 0 && !used.has(network.name),
    );
  }

  #predefine(name: string, driver: "host" | "null"): void {
    const id = this.#options.random.hex(64);
    this.#networks.set(id, {
      id,
      name,
      driver,
      created: this.#options.now(),
      internal: false,
      attachable: false,
      enableIPv6: false,
      labels: {},
      options: {},
      ipamOptions: null,
      ipamConfig: [],
      isPredefined: true,
      hasOwnSubnet: false,
      bridge: undefined,
      active: new Map(),
    });
  }

  #makeBridge(options: {
    readonly name: string;
    readonly device: string | undefined;
    readonly cidr: Cidr;
    readonly gateway: string;
    readonly isPredefined: boolean;
    readonly options: Readonly<Record<string, string>>;
    readonly body: CreateNetworkBody;
  }): DockerNetwork {
    const { wires, host, random, now } = this.#options;
    const id = random.hex(64);
    const device = options.device ?? `br-${id.slice(0, 12)}`;
    const segment = new Segment(wires, { name: device, host });
    attach(host, segment, {
      name: device,
      address: options.gateway,
      prefix: options.cidr.prefix,
      kind: "bridge",
      mac: macOfHex(random.hex(10)),
    });
    const range = options.body.IPAM?.Config?.[0]?.IPRange;
    const rangeCidr = range ? parseCidr(range) : undefined;
    const pool = new AddressPool(options.cidr, rangeCidr ? { range: rangeCidr } : {});
    pool.reserve(options.gateway);
    const bridge: Bridge = { device, segment, pool, cidr: options.cidr, gateway: options.gateway };
    const network: DockerNetwork = {
      id,
      name: options.name,
      driver: "bridge",
      created: now(),
      internal: options.body.Internal ?? false,
      attachable: options.body.Attachable ?? false,
      enableIPv6: options.body.EnableIPv6 ?? false,
      labels: options.body.Labels ?? {},
      options: options.options,
      ipamOptions: options.isPredefined ? null : (options.body.IPAM?.Options ?? {}),
      ipamConfig: [
        { Subnet: formatCidr(options.cidr), Gateway: options.gateway, ...(range ? { IPRange: range } : {}) },
      ],
      isPredefined: options.isPredefined,
      hasOwnSubnet: Boolean(options.body.IPAM?.Config?.[0]?.Subnet),
      bridge,
      active: new Map(),
    };
    this.#networks.set(id, network);
    this.#bridgeRules(bridge, network.internal, "-A");
    return network;
  }

  // ---- rules -------------------------------------------------------------------------------------------------------

  #setUpFirewall(): void {
    const { host } = this.#options;
    host.sysctls.ipForward = true;
    const { iptables } = host;
    for (const chain of [
      "DOCKER",
      "DOCKER-BRIDGE",
      "DOCKER-CT",
      "DOCKER-FORWARD",
      "DOCKER-ISOLATION-STAGE-1",
      "DOCKER-ISOLATION-STAGE-2",
      "DOCKER-USER",
    ])
      iptables.ensureChain("filter", chain);
    iptables.ensureChain("nat", "DOCKER");
    iptables.setPolicy("filter", "FORWARD", "DROP");
    for (const rule of [
      "-A FORWARD -j DOCKER-USER",
      "-A FORWARD -j DOCKER-FORWARD",
      "-A DOCKER-FORWARD -j DOCKER-CT",
      "-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1",
      "-A DOCKER-FORWARD -j DOCKER-BRIDGE",
    ])
      iptables.apply("filter", rule, { unique: true });
    for (const rule of [
      "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
      "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    ])
      iptables.apply("nat", rule, { unique: true });
  }

  #bridgeRules(bridge: Bridge, isInternal: boolean, action: "-A" | "-D"): void {
    const { iptables } = this.#options.host;
    const { device } = bridge;
    const subnet = formatCidr(bridge.cidr);
    const filter = isInternal
      ? [
          `${action} DOCKER-ISOLATION-STAGE-1 ! -s ${subnet} -o ${device} -j DROP`,
          `${action} DOCKER-ISOLATION-STAGE-1 ! -d ${subnet} -i ${device} -j DROP`,
          `${action} DOCKER-FORWARD -i ${device} -o ${device} -j ACCEPT`,
        ]
      : [
          `${action} DOCKER-CT -o ${device} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
          `${action} DOCKER-ISOLATION-STAGE-1 -i ${device} ! -o ${device} -j DOCKER-ISOLATION-STAGE-2`,
          `${action} DOCKER-ISOLATION-STAGE-2 -o ${device} -j DROP`,
          `${action} DOCKER-BRIDGE -o ${device} -j DOCKER`,
          `${action} DOCKER-FORWARD -i ${device} -j ACCEPT`,
          `${action} DOCKER ! -i ${device} -o ${device} -j DROP`,
        ];
    for (const rule of filter) iptables.apply("filter", rule);
    if (!isInternal) iptables.apply("nat", `${action} POSTROUTING -s ${subnet} ! -o ${device} -j MASQUERADE`);
  }

  // ---- endpoints ---------------------------------------------------------------------------------------------------

  /** Says what is wrong with the address a container asks for, in upstream's words. */
  checkRequest(network: DockerNetwork, request: EndpointSettings): void {
    const address = request.IPAMConfig?.IPv4Address;
    if (!address) return;
    const prefix = `invalid config for network ${network.name}: invalid endpoint settings:\n`;
    if (network.isPredefined)
      throw badRequest(`${prefix}user specified IP address is supported on user defined networks only`);
    if (!network.hasOwnSubnet)
      throw badRequest(
        `${prefix}user specified IP address is supported only when connecting to networks with user configured subnets`,
      );
    if (!network.bridge || !cidrHas(network.bridge.cidr, address))
      throw badRequest(`${prefix}no configured subnet or ip-range contain the IP address ${address}`);
  }

  /** Gives a container that runs (or is about to) its interface and address in a network. */
  connect(container: DockerContainer, endpoint: Endpoint, netns: Netns): void {
    const network = this.get(endpoint.networkName);
    const { random, events } = this.#options;
    const endpointId = random.hex(64);
    const bridge = network.bridge;
    if (bridge) {
      const wanted = endpoint.request.IPAMConfig?.IPv4Address;
      const address = wanted ? (bridge.pool.reserve(wanted) ? wanted : undefined) : bridge.pool.allocate();
      if (address === undefined)
        throw new ApiFailure(
          wanted ? 403 : 500,
          wanted
            ? "Address already in use"
            : "no available IPv4 addresses on this network's address pools: " + `${network.name} (${network.id})`,
        );
      const mac = endpoint.request.MacAddress || macOfHex(random.hex(10));
      const taken = new Set(netns.interfaces.map((candidate) => candidate.name));
      let index = 0;
      while (taken.has(`eth${index}`)) index++;
      const device = `eth${index}`;
      const hasGateway = netns.routes().some((route) => route.destination.prefix === 0);
      attach(netns, bridge.segment, {
        name: device,
        address,
        prefix: bridge.cidr.prefix,
        mac,
        ...(network.internal || hasGateway ? {} : { gateway: bridge.gateway }),
      });
      endpoint.live = {
        networkId: network.id,
        endpointId,
        address,
        prefix: bridge.cidr.prefix,
        gateway: network.internal ? "" : bridge.gateway,
        mac,
        device,
      };
    } else
      endpoint.live = { networkId: network.id, endpointId, address: "", prefix: 0, gateway: "", mac: "", device: "" };
    network.active.set(container.id, container);
    events.publish("network", "connect", network.id, {
      container: container.id,
      name: network.name,
      type: network.driver,
    });
  }

  /** Takes the interface away and frees the address. */
  disconnect(container: DockerContainer, endpoint: Endpoint): void {
    const live = endpoint.live;
    if (!live) return;
    endpoint.live = undefined;
    const network = this.#networks.get(live.networkId);
    if (live.device !== "" && container.netns) detach(container.netns, live.device);
    if (!network) return;
    network.bridge?.pool.release(live.address);
    network.active.delete(container.id);
    this.#options.events.publish("network", "disconnect", network.id, {
      container: container.id,
      name: network.name,
      type: network.driver,
    });
  }

  /** The names that a container answers to in a user-defined network. */
  dnsNames(container: DockerContainer, endpoint: Endpoint): string[] {
    const names = [container.name, ...(endpoint.request.Aliases ?? []), container.shortId];
    const hostname = container.config.Hostname;
    if (hostname && !names.includes(hostname)) names.push(hostname);
    return [...new Set(names)];
  }

  /** Addresses of a name as seen from a container: what its embedded name server answers. */
  resolve(asker: DockerContainer, name: string): string[] {
    const wanted = name.toLowerCase();
    const addresses: string[] = [];
    for (const endpoint of asker.endpoints.values()) {
      const network = this.find(endpoint.networkName);
      if (!network || network.isPredefined) continue;
      for (const container of network.active.values()) {
        const other = container.endpoints.get(network.name);
        if (!other?.live || other.live.address === "") continue;
        const names = this.dnsNames(container, other).flatMap((own) => [
          own.toLowerCase(),
          `${own.toLowerCase()}.${network.name.toLowerCase()}`,
        ]);
        for (const link of asker.hostConfig.Links ?? []) {
          const [target, alias] = link.split(":");
          if (alias && target === container.name) names.push(alias.toLowerCase());
        }
        if (names.includes(wanted)) addresses.push(other.live.address);
      }
    }
    return addresses;
  }

  /** The name behind an address, for reverse lookups. */
  reverse(asker: DockerContainer, address: string): string | undefined {
    for (const endpoint of asker.endpoints.values()) {
      const network = this.find(endpoint.networkName);
      if (!network || network.isPredefined) continue;
      for (const container of network.active.values())
        if (container.endpoints.get(network.name)?.live?.address === address)
          return `${container.name}.${network.name}`;
    }
    return undefined;
  }
}
