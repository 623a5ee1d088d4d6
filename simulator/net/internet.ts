/** The world outside: a router to it, a resolver, and a few hosts that answer as the real ones would, far shorter. */
import type { Random } from "../base/random";
import type { Task } from "../base/task";
import { DirInode } from "../os/inode";
import { Kernel } from "../os/kernel";
import { MountNamespace } from "../os/mounts";
import { NullDevice } from "../os/open-file";
import type { Process, ProcessContext } from "../os/process";
import { parseCidr } from "./address";
import { reverseName, serveDns } from "./dns";
import type { ResourceRecord } from "./dns-message";
import {
  type HttpHandler,
  type ServerRequest,
  type ServerResponse,
  jsonResponse,
  serveHttp,
  textResponse,
} from "./http";
import { Netns } from "./netns";
import type { Network } from "./network";
import { Segment, attach } from "./segment";
import { publicIssuer } from "./tls";

export interface InternetHost {
  /** The first name is the one that its address resolves back to. */
  readonly names: readonly string[];
  readonly address: string;
  /** Serves HTTP on 80 and HTTPS on 443. Absent: the host answers pings only. */
  readonly handler?: HttpHandler;
}

export interface InternetOptions {
  readonly random: Random;
  /** The home or office network that the router connects. */
  readonly lan: Segment;
  /** The router's address there. It also resolves names. */
  readonly gateway: { readonly address: string; readonly prefix: number };
  /** Hosts besides the standard ones. */
  readonly hosts?: readonly InternetHost[];
}

const WAN_ADDRESS = "203.0.113.10";
const RESOLVERS = ["1.1.1.1", "8.8.8.8"];
const ONE_WAY_MS = 10;

const html = (title: string, body: string): ServerResponse =>
  textResponse(
    200,
    `<!doctype html>\n<html>\n<head>\n    <title>${title}</title>\n    <meta charset="utf-8" />\n</head>\n<body>\n<div>\n    <h1>${title}</h1>\n    <p>${body}</p>\n</div>\n</body>\n</html>\n`,
    [["Content-Type", "text/html; charset=UTF-8"]],
  );

const page = (title: string, body: string): HttpHandler =>
  function* () {
    return html(title, body);
  };

/** Sends plain HTTP to HTTPS, as most sites do. */
const securely = (handler: HttpHandler): HttpHandler =>
  function* (request) {
    if (request.isTls) return yield* handler(request);
    return {
      status: 301,
      headers: [
        ["Location", `https://${request.host}${request.target}`],
        ["Content-Type", "text/html"],
      ],
    };
  };

const registry: HttpHandler = function* (request) {
  if (!request.path.startsWith("/v2")) return textResponse(404, "404 page not found\n");
  return {
    ...jsonResponse(401, { errors: [{ code: "UNAUTHORIZED", message: "authentication required", detail: null }] }),
    headers: [
      ["Content-Type", "application/json"],
      ["Docker-Distribution-Api-Version", "registry/2.0"],
      ["Www-Authenticate", 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'],
    ],
  };
};

function* httpbin(request: ServerRequest): Task<ServerResponse> {
  const headers = Object.fromEntries(request.headers);
  const url = `${request.isTls ? "https" : "http"}://${request.host}${request.target}`;
  const status = /^\/status\/(\d{3})$/.exec(request.path);
  if (status) return textResponse(Number(status[1]), "");
  const delay = /^\/delay\/(\d+)$/.exec(request.path);
  if (delay) yield* request.connection.owner!.sleep(Math.min(10, Number(delay[1])) * 1000);
  const origin = request.remoteAddress;
  if (request.path === "/ip") return jsonResponse(200, { origin });
  if (request.path === "/headers") return jsonResponse(200, { headers });
  if (["/get", "/post", "/put", "/delete", "/anything"].includes(request.path) || delay)
    return jsonResponse(200, {
      args: Object.fromEntries(request.query),
      ...(request.method === "GET" ? {} : { data: request.body }),
      headers,
      origin,
      url,
    });
  return textResponse(404, "404 Not Found\n");
}

export const standardHosts: readonly InternetHost[] = [
  {
    names: ["example.com", "www.example.com", "example.org", "example.net"],
    address: "93.184.215.14",
    handler: page(
      "Example Domain",
      'This domain is for use in illustrative examples in documents. You may use this domain in literature without prior coordination or asking for permission.</p>\n    <p><a href="https://www.iana.org/domains/example">More information...</a>',
    ),
  },
  { names: ["registry-1.docker.io", "index.docker.io", "docker.io"], address: "54.198.86.24", handler: registry },
  {
    names: ["auth.docker.io"],
    address: "54.236.113.205",
    *handler(request) {
      return request.path === "/token"
        ? jsonResponse(200, { token: "anonymous", expires_in: 300 })
        : textResponse(404, "404 page not found\n");
    },
  },
  {
    names: ["hub.docker.com"],
    address: "44.193.181.103",
    handler: securely(page("Docker Hub", "Container Image Library")),
  },
  {
    names: ["docs.docker.com"],
    address: "13.35.93.20",
    handler: securely(page("Docker Docs", "Docker Documentation")),
  },
  { names: ["registry.k8s.io"], address: "34.96.108.209", handler: registry },
  {
    names: ["kubernetes.io"],
    address: "15.197.167.90",
    handler: securely(page("Kubernetes", "Production-Grade Container Orchestration")),
  },
  { names: ["github.com"], address: "140.82.121.4", handler: securely(page("GitHub", "Build and ship software")) },
  { names: ["google.com", "www.google.com"], address: "142.250.74.46", handler: page("Google", "Search") },
  { names: ["httpbin.org"], address: "54.164.188.66", handler: httpbin },
  {
    names: ["deb.debian.org", "security.debian.org"],
    address: "151.101.2.132",
    handler: page("Debian", "Package archive"),
  },
  { names: ["dl-cdn.alpinelinux.org"], address: "151.101.66.132", handler: page("Alpine", "Package archive") },
  { names: ["one.one.one.one"], address: "1.1.1.1" },
  { names: ["dns.google"], address: "8.8.8.8" },
];

export class Internet {
  /** The router between the LAN and the rest. Switch its `up` off to be offline. */
  readonly router: Netns;
  readonly segment: Segment;
  readonly #network: Network;
  readonly #kernel: Kernel;
  readonly #mounts: MountNamespace;
  readonly #records = new Map<string, string>();
  readonly #reverse = new Map<string, string>();

  constructor(network: Network, options: InternetOptions) {
    this.#network = network;
    const { loop } = network;
    this.#kernel = new Kernel({
      loop,
      random: options.random.stream("internet"),
      hostname: "internet",
      cpuCount: 64,
      memoryBytes: 2 ** 38,
      release: "6.1.0",
      programs: new Map(),
    });
    this.#mounts = new MountNamespace(loop, {
      path: "/",
      root: new DirInode(),
      readOnly: true,
      source: "none",
      type: "tmpfs",
      options: "ro",
    });
    this.segment = new Segment(network, { name: "internet", latencyMs: ONE_WAY_MS, silent: true });
    this.router = new Netns(network, "router");
    this.router.sysctls.ipForward = true;
    attach(this.router, options.lan, { name: "lan", address: options.gateway.address, prefix: options.gateway.prefix });
    this.#plug(this.router, "wan", WAN_ADDRESS);
    this.router.iptables.apply("nat", "-A POSTROUTING -o wan -j MASQUERADE");
    // Private addresses do not exist out there.
    for (const cidr of ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"])
      this.router.iptables.apply("filter", `-A FORWARD -o wan -d ${cidr} -j DROP`);
    for (const host of [...standardHosts, ...(options.hosts ?? [])]) this.addHost(host);
    this.#serveNames(this.router);
  }

  /** Adds a host with its names, and serves its pages. */
  addHost(host: InternetHost): Netns {
    const netns = new Netns(this.#network, host.names[0]!);
    this.#plug(netns, "eth0", host.address);
    for (const name of host.names) this.addName(name, host.address);
    this.#reverse.set(reverseName(host.address), host.names[0]!);
    const { handler, names } = host;
    if (handler) {
      const now = this.#kernel.loop.now();
      const certificate = {
        commonName: names[0]!,
        names,
        issuer: publicIssuer,
        notBefore: now - 2_592_000_000,
        notAfter: now + 31_536_000_000,
      };
      this.#spawn(netns, (process) => serveHttp(process, { port: 80 }, handler));
      this.#spawn(netns, (process) => serveHttp(process, { port: 443, tls: () => certificate }, handler));
    }
    if (RESOLVERS.includes(host.address)) this.#serveNames(netns);
    return netns;
  }

  /** A name for an address; undefined takes it away. */
  addName(name: string, address: string | undefined): void {
    if (address === undefined) this.#records.delete(name);
    else this.#records.set(name, address);
  }

  /** An address on the segment; everything else is reached over it too. */
  #plug(netns: Netns, device: string, address: string): void {
    attach(netns, this.segment, { name: device, address, prefix: 32, kind: "ethernet" });
    netns.addRoute({ destination: parseCidr("0.0.0.0/0")!, device, scope: "link" });
  }

  #spawn(netns: Netns, run: (process: Process) => Task<unknown>): void {
    const kernel = this.#kernel;
    const context: ProcessContext = {
      kernel,
      pids: kernel.hostPids,
      mounts: this.#mounts,
      net: netns,
      hostname: () => netns.name,
      cgroup: kernel.rootCgroup,
      uid: 0,
      gid: 0,
      user: "root",
    };
    const nothing = new NullDevice("null");
    kernel.spawn(context, undefined, {
      argv: ["server"],
      files: new Map([
        [0, nothing],
        [1, nothing],
        [2, nothing],
      ]),
      program: function* (process) {
        yield* run(process);
        return 0;
      },
    });
  }

  #serveNames(netns: Netns): void {
    const records = this.#records;
    const reverse = this.#reverse;
    this.#spawn(netns, (process) =>
      serveDns(process, {}, function* (question) {
        const name = question.name.toLowerCase();
        const make = (data: string): ResourceRecord => ({ name: question.name, type: question.type, ttl: 300, data });
        const pointer = reverse.get(name);
        if (pointer !== undefined) return { code: "NOERROR", answers: question.type === "PTR" ? [make(pointer)] : [] };
        const address = records.get(name);
        if (address === undefined) return { code: "NXDOMAIN", answers: [] };
        return { code: "NOERROR", answers: question.type === "A" ? [make(address)] : [] };
      }),
    );
  }
}
