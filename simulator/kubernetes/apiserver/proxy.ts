/**
 * The proxy subresources of Pods, Services and nodes: the API server asks in the client's stead and hands the answer on.
 * Where to is decided here; `cluster` passes in how a request leaves the API server's machine.
 */
import type { ApiResponse } from "../../base/door";
import type { Cancel } from "../../base/loop";
import type { Random } from "../../base/random";
import { failure, ok, type Result } from "../../base/result";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import { badRequest, notFound, statusFailure, statusResponse } from "../apimachinery/status";
import type { KubeRequest, LaterResponse } from "../apimachinery/transport";
import { groupResource, type Scope } from "./scope";

export interface ProxiedRequest {
  readonly method: string;
  /** `http://10.244.1.5:8080/hello?x=1` */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export type ProxiedAnswer =
  | { readonly status: number; readonly contentType: string; readonly body: string }
  | { readonly failure: string };

/** Sends a request from the API server's machine; calls back once. */
export type ProxyDialer = (request: ProxiedRequest, done: (answer: ProxiedAnswer) => void) => Cancel;

/** What a kubelet answers on its own paths; undefined when it does not answer at all. */
export type NodeDialer = (node: string, path: string) => ApiResponse | undefined;

export interface ProxyDependencies {
  readonly dial: ProxyDialer | undefined;
  readonly node: NodeDialer | undefined;
  readonly random: Random;
  storageOf(group: string, plural: string): { get(namespace: string, name: string): KubeObject | undefined };
}

interface Target {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
}

export class ApiProxy {
  readonly #d: ProxyDependencies;

  constructor(dependencies: ProxyDependencies) {
    this.#d = dependencies;
  }

  handle(scope: Scope, request: KubeRequest): ApiResponse {
    const path = request.path.slice(request.path.indexOf("/proxy", request.path.indexOf(`/${scope.name}/`)) + 6);
    if (scope.resource.plural === "nodes") return this.#node(scope, path || "/");
    // Upstream sends browsers on to the path with a slash, so that relative links work.
    if (path === "") return { status: 301, headers: { location: `${request.path}/` }, body: "" };
    const name = splitName(scope.name);
    if (!name)
      return statusResponse(badRequest(`invalid ${scope.resource.kind.toLowerCase()} request "${scope.name}"`));
    const target = scope.resource.plural === "pods" ? this.#pod(scope, name) : this.#service(scope, name);
    if (!target.ok) return statusResponse(target.error);
    return this.#send(request, target.value, path);
  }

  #node(scope: Scope, path: string): ApiResponse {
    const name = splitName(scope.name)?.name ?? scope.name;
    if (!this.#d.storageOf("", "nodes").get("", name))
      return statusResponse(notFound(groupResource(scope.resource), name));
    return (
      this.#d.node?.(name, path) ??
      statusResponse(
        statusFailure(
          503,
          "ServiceUnavailable",
          `error trying to reach service: dial tcp: lookup ${name}: no such host`,
        ),
      )
    );
  }

  #pod(scope: Scope, { scheme, name, port }: Named): Result<Target, Status> {
    const pod: Draft | undefined = this.#d.storageOf("", "pods").get(scope.namespace, name);
    if (!pod) return failure(notFound(groupResource(scope.resource), name));
    const host = pod.status?.podIP;
    if (!host) return failure(statusFailure(500, "InternalError", "address not allowed"));
    const first = pod.spec.containers.flatMap((c: Draft) => c.ports ?? [])[0]?.containerPort;
    return ok({ scheme, host, port: Number(port) || (first ?? (scheme === "https" ? 443 : 80)) });
  }

  #service(scope: Scope, { scheme, name, port }: Named): Result<Target, Status> {
    const service: Draft | undefined = this.#d.storageOf("", "services").get(scope.namespace, name);
    if (!service) return failure(notFound(groupResource(scope.resource), name));
    const ports: readonly Draft[] = service.spec.ports ?? [];
    // One port needs no name; otherwise it is found by its name or its number.
    const wanted =
      port === "" && ports.length === 1
        ? ports[0]
        : ports.find((each) => (each.name ?? "") === port || String(each.port) === port);
    if (!wanted) return failure(unavailable(`no service port "${port}" found for service "${name}"`));
    const endpoints: Draft | undefined = this.#d.storageOf("", "endpoints").get(scope.namespace, name);
    if (!endpoints) return failure(notFound({ group: "", resource: "endpoints" }, name));
    const found: Target[] = [];
    for (const subset of endpoints.subsets ?? [])
      for (const each of subset.ports ?? [])
        if ((each.name ?? "") === (wanted.name ?? ""))
          for (const { ip } of subset.addresses ?? []) found.push({ scheme, host: ip, port: each.port });
    if (found.length === 0) return failure(unavailable(`no endpoints available for service "${name}"`));
    return ok(this.#d.random.pick(found));
  }

  #send(request: KubeRequest, target: Target, path: string): ApiResponse {
    const { dial } = this.#d;
    if (!dial) return statusResponse(unavailable("error trying to reach service: no network"));
    const query = Object.entries(request.query ?? {})
      .flatMap(([key, values]) => values.map((value) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`))
      .join("&");
    const { body } = request;
    const accept = request.headers?.accept;
    const later: LaterResponse = {
      status: 200,
      later: (done) =>
        dial(
          {
            method: request.method,
            url: `${target.scheme}://${target.host}:${target.port}${path}${query ? `?${query}` : ""}`,
            headers: {
              ...(accept ? { accept } : {}),
              "user-agent": request.headers?.["user-agent"] ?? "",
              "x-forwarded-uri": request.path,
            },
            body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
          },
          (answer) =>
            done(
              "failure" in answer
                ? statusResponse(unavailable(`error trying to reach service: ${answer.failure}`))
                : { status: answer.status, headers: { "content-type": answer.contentType }, body: answer.body },
            ),
        ),
    };
    return later;
  }
}

interface Named {
  readonly scheme: "http" | "https";
  readonly name: string;
  readonly port: string;
}

/** `web`, `web:8080`, `https:web:8443`. */
function splitName(text: string): Named | undefined {
  const parts = text.split(":");
  if (parts.length === 1) return { scheme: "http", name: text, port: "" };
  if (parts.length === 2) return { scheme: "http", name: parts[0]!, port: parts[1]! };
  const [scheme, name = "", port = ""] = parts;
  if (parts.length !== 3 || (scheme !== "http" && scheme !== "https" && scheme !== "")) return undefined;
  return { scheme: scheme === "https" ? "https" : "http", name, port };
}

const unavailable = (message: string): Status => statusFailure(503, "ServiceUnavailable", message);
