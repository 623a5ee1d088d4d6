/** IPVS: virtual servers in front of real ones, with a scheduler each, as `ipvsadm -Ln` lists them. */
import { fnv1a } from "../base/hash";
import type { Protocol, Tuple } from "./packet";

export type IpvsScheduler = "rr" | "wrr" | "lc" | "wlc" | "sh" | "dh" | "sed" | "nq" | "mh";

export interface RealServer {
  readonly address: string;
  readonly port: number;
  weight: number;
  activeConnections: number;
  inactiveConnections: number;
}

export interface VirtualServer {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  scheduler: IpvsScheduler;
  /** Seconds a client stays with its real server; undefined: not at all. */
  persistentSeconds: number | undefined;
  readonly reals: RealServer[];
  next: number;
  readonly clients: Map<string, { readonly real: string; readonly until: number }>;
}

const realKey = (real: { readonly address: string; readonly port: number }): string => `${real.address}:${real.port}`;

export class Ipvs {
  readonly #services = new Map<string, VirtualServer>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isEmpty(): boolean {
    return this.#services.size === 0;
  }

  services(): readonly VirtualServer[] {
    return [...this.#services.values()];
  }

  find(protocol: Protocol, address: string, port: number): VirtualServer | undefined {
    return this.#services.get(`${protocol} ${address}:${port}`);
  }

  /** Adds a virtual server, or changes the one there is. */
  set(
    protocol: Protocol,
    address: string,
    port: number,
    options: { readonly scheduler?: IpvsScheduler; readonly persistentSeconds?: number } = {},
  ): VirtualServer {
    const key = `${protocol} ${address}:${port}`;
    let service = this.#services.get(key);
    if (!service) {
      service = {
        protocol,
        address,
        port,
        scheduler: "wlc",
        persistentSeconds: undefined,
        reals: [],
        next: 0,
        clients: new Map(),
      };
      this.#services.set(key, service);
    }
    service.scheduler = options.scheduler ?? service.scheduler;
    service.persistentSeconds = options.persistentSeconds;
    this.#changed();
    return service;
  }

  delete(protocol: Protocol, address: string, port: number): boolean {
    this.#changed();
    return this.#services.delete(`${protocol} ${address}:${port}`);
  }

  clear(): void {
    this.#services.clear();
    this.#changed();
  }

  /** Makes the real servers exactly these; the counters of those that stay are kept. */
  setReals(
    service: VirtualServer,
    reals: readonly { readonly address: string; readonly port: number; readonly weight?: number }[],
  ): void {
    const kept = new Map(service.reals.map((real) => [realKey(real), real]));
    service.reals.length = 0;
    for (const { address, port, weight = 1 } of reals) {
      const old = kept.get(realKey({ address, port }));
      if (old) old.weight = weight;
      service.reals.push(old ?? { address, port, weight, activeConnections: 0, inactiveConnections: 0 });
    }
    this.#changed();
  }

  /** The real server for a new connection; undefined when there is none with a weight. */
  schedule(service: VirtualServer, client: Tuple, now: number): RealServer | undefined {
    const live = service.reals.filter((real) => real.weight > 0);
    if (live.length === 0) return undefined;
    if (service.persistentSeconds !== undefined) {
      const sticky = service.clients.get(client.source);
      const real =
        sticky && sticky.until > now ? live.find((candidate) => realKey(candidate) === sticky.real) : undefined;
      const chosen = real ?? this.#pick(service, live, client);
      service.clients.set(client.source, { real: realKey(chosen), until: now + service.persistentSeconds * 1000 });
      return chosen;
    }
    return this.#pick(service, live, client);
  }

  #pick(service: VirtualServer, live: readonly RealServer[], client: Tuple): RealServer {
    switch (service.scheduler) {
      case "rr":
        return live[service.next++ % live.length]!;
      case "wrr": {
        const slots = live.flatMap((real) => Array.from({ length: Math.min(real.weight, 100) }, () => real));
        return slots[service.next++ % slots.length]!;
      }
      case "sh":
      case "mh":
        return live[fnv1a(client.source) % live.length]!;
      case "dh":
        return live[fnv1a(client.destination) % live.length]!;
      default: {
        // lc, wlc, sed, nq: fewest connections for its weight (active ones weigh 256 times an inactive one).
        const weighted = service.scheduler !== "lc";
        const load = (real: RealServer): number =>
          (real.activeConnections * 256 + real.inactiveConnections) / (weighted ? real.weight : 1);
        return live.reduce((best, real) => (load(real) < load(best) ? real : best));
      }
    }
  }
}
