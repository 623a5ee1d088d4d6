/** The ingress controller, in ingress-nginx's words: routes by host and path straight to endpoints. */
import { type Bytes, encodeUtf8 } from "../../base/bytes";
import { civilTime } from "../../base/clock";
import type { Task } from "../../base/task";
import {
  type Header,
  HttpFailure,
  type ServerRequest,
  type ServerResponse,
  headerOf,
  httpRequest,
  serveHttp,
  textResponse,
} from "../../net/http";
import { reasonOf } from "../../net/http-message";
import { netOf } from "../../net/netns";
import type { Certificate } from "../../net/tls";
import type { Process, Program } from "../../os/process";
import type { HTTPIngressPath, Ingress, IngressBackend } from "../api/types.generated";
import type { Informer } from "../client/informer";
import type { EndpointSlice, IngressClass, Service } from "../api/types.generated";
import { EventRecorder } from "../client/event-recorder";
import { ENDPOINT_SLICES, INGRESSES, INGRESS_CLASSES, NODES, SERVICES } from "../client/resources";
import { type AddonDependencies, type AddonRun, addonRun, startInformers, untilTerminated } from "./addon-process";

const CONTROLLER = "k8s.io/ingress-nginx";
const PREFIX = "nginx.ingress.kubernetes.io";

/** nginx words two statuses its own way. */
const nginxReason = (status: number): string =>
  status === 503 ? "Service Temporarily Unavailable" : status === 504 ? "Gateway Time-out" : reasonOf(status);

/** nginx's own error pages. */
const page = (status: number): ServerResponse => {
  const title = `${status} ${nginxReason(status)}`;
  const response = textResponse(
    status,
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
    [["Content-Type", "text/html"]],
  );
  return { ...response, reason: nginxReason(status) };
};

interface Route {
  readonly ingress: Ingress;
  readonly host: string;
  readonly path: HTTPIngressPath;
}

export function ingressNginx(dependencies: AddonDependencies): Program {
  return function* (process) {
    return yield* new IngressNginx(process, dependencies).run();
  };
}

class IngressNginx {
  readonly #process: Process;
  readonly #run: AddonRun;
  readonly #ingresses: Informer<Ingress>;
  readonly #classes: Informer<IngressClass>;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #next = new Map<string, number>();
  readonly #recorder: EventRecorder;
  readonly #seen = new Map<string, string>();

  constructor(process: Process, dependencies: AddonDependencies) {
    this.#process = process;
    this.#run = addonRun(process, dependencies, "nginx-ingress-controller", "v1.12.1");
    const { informers, client, scope } = this.#run;
    this.#ingresses = informers.informer(INGRESSES);
    this.#classes = informers.informer(INGRESS_CLASSES);
    this.#services = informers.informer(SERVICES);
    this.#slices = informers.informer(ENDPOINT_SLICES);
    informers.informer(NODES);
    this.#recorder = new EventRecorder({ client, clock: scope, component: "nginx-ingress-controller" });
  }

  *run(): Task<number> {
    const process = this.#process;
    yield* process.printError(
      "-------------------------------------------------------------------------------\nNGINX Ingress controller\n  Release:       v1.12.1\n  Build:         51c2b819690bbf1709b844dbf321a9acf6eda5a7\n  Repository:    https://github.com/kubernetes/ingress-nginx\n  nginx version: nginx/1.25.5\n\n-------------------------------------------------------------------------------\n\n",
    );
    const changed = (): void => void this.#run.scope.after(300, () => this.#sync());
    this.#ingresses.handle({ added: changed, updated: changed });
    this.#services.handle({ added: changed, updated: changed });
    yield* startInformers(this.#run.informers);
    this.#sync();
    const handler = (request: ServerRequest): Task<ServerResponse> => this.#serve(request);
    process.thread(serveHttp(process, { port: 80 }, handler));
    process.thread(
      serveHttp(process, { port: 443, tls: (name) => this.#certificate(name), plainOnTls: page(400) }, handler),
    );
    process.thread(
      serveHttp(process, 10_254, function* (request) {
        return request.path === "/healthz" ? textResponse(200, "ok") : page(404);
      }),
    );
    return yield* untilTerminated(process);
  }

  /** Ingresses of our class, or of none when ours is the default one. */
  #mine(): readonly Ingress[] {
    const classes = [...this.#classes.cache.list()].filter((candidate) => candidate.spec.controller === CONTROLLER);
    const names = new Set(classes.map(({ metadata }) => metadata.name));
    return [...this.#ingresses.cache.list()]
      .filter((ingress) => {
        const name = ingress.spec.ingressClassName ?? ingress.metadata.annotations?.["kubernetes.io/ingress.class"];
        return name === undefined ? false : names.has(name) || (names.size === 0 && name === "nginx");
      })
      .sort((a, b) =>
        a.metadata.creationTimestamp + a.metadata.name < b.metadata.creationTimestamp + b.metadata.name ? -1 : 1,
      );
  }

  #sync(): void {
    const addresses = this.#addresses();
    for (const ingress of this.#mine()) {
      const key = `${ingress.metadata.namespace}/${ingress.metadata.name}`;
      if (this.#seen.get(key) !== ingress.metadata.resourceVersion) {
        if (!this.#seen.has(key)) this.#recorder.event(ingress, "Normal", "Sync", "Scheduled for sync");
        this.#seen.set(key, ingress.metadata.resourceVersion);
      }
      const have = (ingress.status?.loadBalancer?.ingress ?? [])
        .map((entry) => entry.ip ?? entry.hostname ?? "")
        .join();
      if (addresses.length === 0 || have === addresses.join()) continue;
      const updated = this.#run.client.updateStatus(INGRESSES, {
        ...ingress,
        status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
      });
      if (updated.ok) this.#seen.set(key, updated.value.metadata.resourceVersion);
    }
  }

  /** What ingresses show as their address: the published Service's load balancer, else the node that runs us. */
  #addresses(): readonly string[] {
    const flag = this.#process.argv
      .find((word) => word.startsWith("--publish-service="))
      ?.split("=")[1]
      ?.replace("$(POD_NAMESPACE)", this.#process.env["POD_NAMESPACE"] ?? "ingress-nginx");
    const service = flag === undefined ? undefined : this.#services.cache.get(flag);
    const published = (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
    if (published.length > 0) return published;
    if (service && service.spec.type !== "LoadBalancer" && service.spec.clusterIP) return [service.spec.clusterIP];
    const own = netOf(this.#process).address;
    return flag === undefined && own !== undefined ? [own] : [];
  }

  #certificate(serverName: string): Certificate {
    const now = this.#process.now();
    const own = this.#mine().some((ingress) => ingress.spec.tls?.some((tls) => tls.hosts?.includes(serverName)));
    const name = own ? serverName : "Kubernetes Ingress Controller Fake Certificate";
    return {
      commonName: name,
      names: own ? [serverName] : ["ingress.local"],
      issuer: name,
      notBefore: now - 86_400_000,
      notAfter: now + 31_536_000_000,
    };
  }

  /** Exact host before wildcard before none; exact path before the longest prefix. */
  #route(host: string, path: string): Route | undefined {
    const candidates: { route: Route; rank: readonly number[] }[] = [];
    for (const ingress of this.#mine())
      for (const rule of ingress.spec.rules ?? []) {
        const ruleHost = rule.host ?? "";
        const isWildcard = ruleHost.startsWith("*.");
        if (
          ruleHost !== "" &&
          ruleHost !== host &&
          !(isWildcard && host.slice(host.indexOf(".")) === ruleHost.slice(1))
        )
          continue;
        for (const candidate of rule.http?.paths ?? []) {
          if (!pathMatches(candidate, path, ingress)) continue;
          const hostRank = ruleHost === "" ? 0 : isWildcard ? 1 : 2;
          candidates.push({
            route: { ingress, host: ruleHost, path: candidate },
            rank: [hostRank, candidate.pathType === "Exact" ? 1 : 0, (candidate.path ?? "/").length],
          });
        }
      }
    candidates.sort((a, b) => b.rank[0]! - a.rank[0]! || b.rank[1]! - a.rank[1]! || b.rank[2]! - a.rank[2]!);
    return candidates[0]?.route;
  }

  *#serve(request: ServerRequest): Task<ServerResponse> {
    const began = this.#process.now();
    const host = request.host.replace(/:\d+$/, "").toLowerCase();
    const route = this.#route(host, request.path);
    const backend =
      route?.path.backend ?? this.#mine().find((ingress) => ingress.spec.defaultBackend)?.spec.defaultBackend;
    const owner = route?.ingress ?? this.#mine().find((ingress) => ingress.spec.defaultBackend);
    let response: ServerResponse;
    let upstream = "-";
    if (!backend?.service || !owner) response = page(404);
    else if (!request.isTls && this.#redirectsToTls(owner, host))
      response = {
        ...page(308),
        headers: [
          ["Content-Type", "text/html"],
          ["Location", `https://${host}${request.target}`],
        ],
      };
    else {
      const endpoint = this.#endpoint(owner, backend);
      if (!endpoint) response = page(503);
      else {
        upstream = endpoint;
        response = yield* this.#proxy(request, route, endpoint, host);
      }
    }
    const size = typeof response.body === "string" ? response.body.length : 0;
    const name = backend?.service
      ? `${owner?.metadata.namespace}-${backend.service.name}-${backend.service.port?.number ?? backend.service.port?.name ?? 80}`
      : "upstream-default-backend";
    const agent = headerOf(request.headers, "user-agent") ?? "-";
    const seconds = ((this.#process.now() - began) / 1000).toFixed(3);
    yield* this.#process.print(
      `${request.remoteAddress} - - [${accessTime(began)}] "${request.method} ${request.target} ${request.version}" ${response.status} ${size} "-" "${agent}" ${request.target.length + 60} ${seconds} [${name}] [] ${upstream} ${size} ${seconds} ${response.status} ${this.#process.kernel.random.stream("ingress").hex(32)}\n`,
    );
    return response;
  }

  #redirectsToTls(ingress: Ingress, host: string): boolean {
    if (ingress.metadata.annotations?.[`${PREFIX}/force-ssl-redirect`] === "true") return true;
    const hasTls = ingress.spec.tls?.some((tls) => !tls.hosts || tls.hosts.includes(host)) ?? false;
    return hasTls && ingress.metadata.annotations?.[`${PREFIX}/ssl-redirect`] !== "false";
  }

  /** The next ready endpoint of a backend. */
  #endpoint(ingress: Ingress, backend: IngressBackend): string | undefined {
    const namespace = ingress.metadata.namespace ?? "";
    const service = this.#services.cache.get(`${namespace}/${backend.service!.name}`);
    const wanted = backend.service!.port;
    const port = service?.spec.ports?.find((candidate) =>
      wanted?.name !== undefined ? candidate.name === wanted.name : candidate.port === wanted?.number,
    );
    if (!service || !port) return undefined;
    const found: string[] = [];
    for (const slice of this.#slices.cache.inNamespace(namespace)) {
      if (slice.metadata.labels?.["kubernetes.io/service-name"] !== service.metadata.name) continue;
      const target = slice.ports?.find((candidate) => (candidate.name ?? "") === (port.name ?? ""))?.port;
      if (target === undefined) continue;
      for (const endpoint of slice.endpoints ?? [])
        if (endpoint.conditions?.ready ?? true) found.push(`${endpoint.addresses[0]}:${target}`);
    }
    found.sort();
    const key = `${namespace}/${service.metadata.name}/${port.port}`;
    const turn = this.#next.get(key) ?? 0;
    this.#next.set(key, turn + 1);
    return found[turn % Math.max(1, found.length)];
  }

  *#proxy(request: ServerRequest, route: Route | undefined, endpoint: string, host: string): Task<ServerResponse> {
    const target = route ? rewritten(request.target, request.path, route) : request.target;
    const headers: Record<string, string> = {};
    for (const [name, value] of request.headers)
      if (!/^(connection|host|content-length|transfer-encoding)$/i.test(name)) headers[name] = value;
    try {
      const answer = yield* httpRequest(this.#process, {
        method: request.method,
        url: `http://${endpoint}${target}`,
        headers: {
          ...headers,
          Host: request.host || host,
          "X-Request-ID": this.#process.kernel.random.stream("ingress").hex(32),
          "X-Real-IP": request.remoteAddress,
          "X-Forwarded-For": request.remoteAddress,
          "X-Forwarded-Host": request.host,
          "X-Forwarded-Port": String(request.isTls ? 443 : 80),
          "X-Forwarded-Proto": request.isTls ? "https" : "http",
          "X-Forwarded-Scheme": request.isTls ? "https" : "http",
          "X-Scheme": request.isTls ? "https" : "http",
        },
        ...(request.body.length > 0 ? { body: request.body } : {}),
        timeoutMs: 60_000,
      });
      const kept: Header[] = answer.headers.filter(
        ([name]) => !/^(connection|transfer-encoding|server|date|content-length)$/i.test(name),
      );
      const body: Bytes = request.method === "HEAD" ? encodeUtf8("") : answer.body;
      return { status: answer.status, ...(answer.reason ? { reason: answer.reason } : {}), headers: kept, body };
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      return page(error.kind === "timeout" ? 504 : 502);
    }
  }
}

function pathMatches(candidate: HTTPIngressPath, path: string, ingress: Ingress): boolean {
  const wanted = candidate.path ?? "/";
  if (
    ingress.metadata.annotations?.[`${PREFIX}/use-regex`] === "true" ||
    (candidate.pathType === "ImplementationSpecific" && /[()[\]*+^$|]/.test(wanted))
  ) {
    try {
      return new RegExp(`^${wanted}`, "i").test(path);
    } catch {
      return false;
    }
  }
  if (candidate.pathType === "Exact") return path === wanted;
  // Prefix goes element by element: /foo matches /foo/bar and not /foobar.
  const trimmed = wanted.replace(/\/+$/, "");
  return path === trimmed || path.startsWith(`${trimmed}/`) || trimmed === "";
}

function rewritten(target: string, path: string, route: Route): string {
  const to = route.ingress.metadata.annotations?.[`${PREFIX}/rewrite-target`];
  if (to === undefined) return target;
  const query = target.includes("?") ? target.slice(target.indexOf("?")) : "";
  const match = new RegExp(`^${route.path.path ?? "/"}`, "i").exec(path);
  return to.replace(/\$(\d)/g, (_, n: string) => match?.[Number(n)] ?? "") + query;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function accessTime(instant: number): string {
  const t = civilTime(instant);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(t.day)}/${months[t.month - 1]}/${t.year}:${two(t.hour)}:${two(t.minute)}:${two(t.second)} +0000`;
}
