/** Published ports: a rule that turns packets to the container, and a docker-proxy process for what rules do not see. */
import type { Bytes } from "../../base/bytes";
import type { Random } from "../../base/random";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, ProcessContext } from "../../os/process";
import type { Netns } from "../../net/netns";
import { ApiFailure } from "../api/failure";
import type { PortBinding, PortMap } from "../api/types";

/** Upstream takes free host ports from here on, one after the other. */
const FIRST_FREE_PORT = 32_768;
const LAST_FREE_PORT = 60_999;

export interface PublishRequest {
  readonly containerName: string;
  readonly endpointId: string;
  readonly address: string;
  readonly device: string;
  readonly bindings: PortMap;
}

interface Held {
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

export interface Published {
  readonly ports: ReadonlyMap<string, readonly PortBinding[]>;
  /** Takes rules, listeners and reservations back. */
  release(): void;
}

const overlap = (a: string, b: string): boolean => {
  const wild = (address: string): boolean => address === "0.0.0.0" || address === "::";
  if (a.includes(":") !== b.includes(":")) return false;
  return a === b || wild(a) || wild(b);
};

export class PortPublisher {
  readonly #context: ProcessContext;
  readonly #host: Netns;
  readonly #held: Held[] = [];
  #next = FIRST_FREE_PORT;

  constructor(context: ProcessContext, host: Netns, _random: Random) {
    this.#context = context;
    this.#host = host;
  }

  /** Publishes every binding or none: a failure takes back what was done and throws. */
  publish(request: PublishRequest): Published {
    const undo: (() => void)[] = [];
    const release = (): void => {
      for (const step of undo.splice(0).reverse()) step();
    };
    const ports = new Map<string, PortBinding[]>();
    try {
      for (const [key, bindings] of Object.entries(request.bindings)) {
        const [portText = "", protocol = "tcp"] = key.split("/");
        for (const binding of bindings ?? []) {
          const addresses = binding.HostIp === "" ? ["0.0.0.0", "::"] : [binding.HostIp];
          const hostPort = this.#choose(binding.HostPort, protocol, addresses);
          for (const address of addresses) {
            undo.push(this.#publishOne(request, { address, port: hostPort, protocol }, Number(portText)));
            const list = ports.get(key) ?? [];
            list.push({ HostIp: address, HostPort: String(hostPort) });
            ports.set(key, list);
          }
        }
      }
    } catch (error) {
      release();
      throw error;
    }
    return { ports, release };
  }

  #isHeld(address: string, port: number, protocol: string): boolean {
    return this.#held.some(
      (held) => held.port === port && held.protocol === protocol && overlap(held.address, address),
    );
  }

  #choose(wanted: string, protocol: string, addresses: readonly string[]): number {
    const range = /^(\d+)-(\d+)$/.exec(wanted);
    if (wanted !== "" && wanted !== "0" && !range) return Number(wanted);
    const first = range ? Number(range[1]) : this.#next;
    const count = range ? Number(range[2]) - Number(range[1]) + 1 : LAST_FREE_PORT - FIRST_FREE_PORT + 1;
    for (let i = 0; i < count; i++) {
      const port = range ? first + i : FIRST_FREE_PORT + ((first - FIRST_FREE_PORT + i) % count);
      if (addresses.some((address) => this.#isHeld(address, port, protocol) || this.#inUse(address, port, protocol)))
        continue;
      if (!range) this.#next = port + 1 > LAST_FREE_PORT ? FIRST_FREE_PORT : port + 1;
      return port;
    }
    throw new ApiFailure(500, "all ports are allocated");
  }

  #inUse(address: string, port: number, protocol: string): boolean {
    if (protocol !== "tcp") return false;
    for (const listener of this.#host.listeners)
      if (listener.port === port && overlap(listener.address, address)) return true;
    return false;
  }

  #publishOne(request: PublishRequest, host: Held, containerPort: number): () => void {
    const failed = (why: string): ApiFailure =>
      new ApiFailure(
        500,
        `failed to set up container networking: driver failed programming external connectivity on endpoint ${request.containerName} (${request.endpointId}): ${why}`,
      );
    const shown = host.address.includes(":") ? `[${host.address}]` : host.address;
    if (this.#isHeld(host.address, host.port, host.protocol))
      throw failed(`Bind for ${shown}:${host.port} failed: port is already allocated`);
    // A UDP socket on every IPv4 address holds the port for IPv6 as well: one proxy serves both.
    const isSecondUdp = host.protocol === "udp" && host.address === "::";
    const stopProxy = isSecondUdp
      ? () => {}
      : this.#startProxy(request, host, containerPort, (error) =>
          failed(
            `failed to bind host port for ${shown}:${host.port}:${request.address}:${containerPort}/${host.protocol}: ${error.text.toLowerCase()}`,
          ),
        );
    this.#held.push(host);
    const { iptables } = this.#host;
    const isV4 = !host.address.includes(":");
    const destination = host.address === "0.0.0.0" ? "" : `-d ${host.address}/32 `;
    const nat = `DOCKER ${destination}! -i ${request.device} -p ${host.protocol} -m ${host.protocol} --dport ${host.port} -j DNAT --to-destination ${request.address}:${containerPort}`;
    const filter = `DOCKER -d ${request.address}/32 ! -i ${request.device} -o ${request.device} -p ${host.protocol} -m ${host.protocol} --dport ${containerPort} -j ACCEPT`;
    if (isV4) {
      iptables.apply("nat", `-A ${nat}`);
      iptables.apply("filter", `-I ${filter}`);
    }
    return () => {
      if (isV4) {
        iptables.apply("nat", `-D ${nat}`);
        iptables.apply("filter", `-D ${filter}`);
      }
      const at = this.#held.indexOf(host);
      if (at >= 0) this.#held.splice(at, 1);
      stopProxy();
    };
  }

  /** The userland proxy: it holds the port, and serves connections from the host itself. */
  #startProxy(
    request: PublishRequest,
    host: Held,
    containerPort: number,
    failure: (error: SysError) => ApiFailure,
  ): () => void {
    const argv = [
      "/usr/bin/docker-proxy",
      "-proto",
      host.protocol,
      "-host-ip",
      host.address,
      "-host-port",
      String(host.port),
      "-container-ip",
      request.address,
      "-container-port",
      String(containerPort),
      "-use-listen-fd",
    ];
    const { kernel } = this.#context;
    const target = { address: request.address, port: containerPort };
    const proxy = kernel.spawn(this.#context, undefined, {
      argv,
      env: {},
      files: new Map(),
      program: (process) =>
        host.protocol === "udp" ? proxyUdp(process, this.#host, target) : proxyTcp(process, this.#host, target),
    });
    try {
      if (host.protocol === "udp") this.#host.bindUdp({ address: host.address, port: host.port, owner: proxy });
      else
        this.#host.listen({
          address: host.address,
          port: host.port,
          owner: proxy,
          ...(host.address === "::" ? { v6only: true } : {}),
        });
    } catch (error) {
      proxy.signal("KILL", { fromOutside: true });
      if (error instanceof SysError) throw failure(error);
      throw error;
    }
    return () => proxy.signal("KILL", { fromOutside: true });
  }
}

interface Target {
  readonly address: string;
  readonly port: number;
}

/** Accepts on the listener that the process was given and copies both ways. */
function* proxyTcp(process: Process, netns: Netns, target: Target): Task<number> {
  const listener = [...netns.listeners].find((candidate) => candidate.owner === process);
  if (!listener) return 1;
  for (;;) {
    const client = yield* (listener as unknown as { accept(process: Process): Task<Stream> }).accept(process);
    process.thread(
      (function* () {
        let server: Stream;
        try {
          server = (yield* netns.connect(process, target)) as unknown as Stream;
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
          client.reset();
          return;
        }
        process.thread(pump(client, server));
        yield* pump(server, client);
      })(),
    );
  }
}

interface Stream {
  read(max?: number): Task<Bytes>;
  write(bytes: Bytes): Task<void>;
  shutdown(): void;
  close(): void;
  reset(): void;
}

function* pump(from: Stream, to: Stream): Task<void> {
  try {
    for (;;) {
      const bytes = yield* from.read();
      if (bytes === "") break;
      yield* to.write(bytes);
    }
    to.shutdown();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    to.reset();
  }
}

/** One upstream socket for each client address, as the real proxy keeps them. */
function* proxyUdp(process: Process, netns: Netns, target: Target): Task<number> {
  const socket = [...netns.datagramSockets].find((candidate) => candidate.owner === process) as unknown as
    | DatagramSocket
    | undefined;
  if (!socket) return 1;
  const upstreams = new Map<string, DatagramSocket>();
  for (;;) {
    const datagram = yield* socket.receive();
    const key = `${datagram.from.address}:${datagram.from.port}`;
    let upstream = upstreams.get(key);
    if (!upstream) {
      upstream = netns.bindUdp({ owner: process }) as unknown as DatagramSocket;
      upstreams.set(key, upstream);
      const back = upstream;
      process.thread(
        (function* (): Task<void> {
          for (;;) {
            try {
              socket.sendTo((yield* back.receive()).bytes, datagram.from);
            } catch (error) {
              if (!(error instanceof SysError)) throw error;
            }
          }
        })(),
      );
    }
    upstream.sendTo(datagram.bytes, target);
  }
}

interface DatagramSocket {
  receive(): Task<{ readonly bytes: Bytes; readonly from: Target }>;
  sendTo(bytes: Bytes, to: Target): void;
}
