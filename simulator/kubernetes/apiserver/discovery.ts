/** Discovery: /api, /apis, their group versions, and the aggregated form that kubectl asks for first. */
import type { ApiRequest, ApiResponse } from "../../base/door";
import { sha256Hex } from "../../base/hash";
import { deepFreeze } from "../../base/json";
import type { Bytes } from "../../base/bytes";
import { encodeBase64 } from "../apimachinery/base64";
import { formatApiVersion } from "../apimachinery/group-version-kind";
import { HEALTH_PATHS } from "./health";
import { SELF_PATHS } from "./self";
import type { Scheme, ServedResource } from "../apimachinery/scheme";

/** Groups in the order in which /apis lists them: the aggregator's priorities. */
const GROUP_ORDER = [
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

interface ApiResource {
  readonly name: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly storageVersionHash?: string;
}

const virtual = (
  name: string,
  kind: string,
  namespaced: boolean,
  verbs: readonly string[] = ["create"],
  extra: Partial<ApiResource> = {},
): ApiResource => ({
  name,
  singularName: kind.toLowerCase(),
  namespaced,
  kind,
  verbs,
  ...extra,
});

/** Resources that are answered but not stored. */
const VIRTUAL: Readonly<Record<string, readonly ApiResource[]>> = {
  v1: [
    virtual("bindings", "Binding", true),
    virtual("componentstatuses", "ComponentStatus", false, ["get", "list"], { shortNames: ["cs"] }),
  ],
  "authentication.k8s.io/v1": [
    virtual("selfsubjectreviews", "SelfSubjectReview", false),
    virtual("tokenreviews", "TokenReview", false),
  ],
  "authorization.k8s.io/v1": [
    virtual("localsubjectaccessreviews", "LocalSubjectAccessReview", true),
    virtual("selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
    virtual("selfsubjectrulesreviews", "SelfSubjectRulesReview", false),
    virtual("subjectaccessreviews", "SubjectAccessReview", false),
  ],
};

const METRICS: readonly ApiResource[] = [
  { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] },
  { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] },
];

/** What a subresource takes and which verbs it has, where it is not get, patch and update of the kind itself. */
const SUBRESOURCES: Readonly<
  Record<
    string,
    { readonly kind: string; readonly group?: string; readonly version?: string; readonly verbs: readonly string[] }
  >
> = {
  "pods/attach": { kind: "PodAttachOptions", verbs: ["create", "get"] },
  "pods/binding": { kind: "Binding", verbs: ["create"] },
  "pods/eviction": { kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
  "pods/exec": { kind: "PodExecOptions", verbs: ["create", "get"] },
  "pods/log": { kind: "Pod", verbs: ["get"] },
  "pods/portforward": { kind: "PodPortForwardOptions", verbs: ["create", "get"] },
  "pods/proxy": { kind: "PodProxyOptions", verbs: ["create", "delete", "get", "patch", "update"] },
  "services/proxy": { kind: "ServiceProxyOptions", verbs: ["create", "delete", "get", "patch", "update"] },
  "nodes/proxy": { kind: "NodeProxyOptions", verbs: ["create", "delete", "get", "patch", "update"] },
  "namespaces/finalize": { kind: "Namespace", verbs: ["update"] },
  "serviceaccounts/token": { kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] },
};

export class Discovery {
  readonly #scheme: Scheme;
  readonly #address: string;
  readonly #hasMetrics: () => boolean;
  /** Documents as they were last sent: every kubectl asks for the same ones. */
  readonly #sent = new Map<string, ApiResponse>();
  #sentAt = "";

  constructor(scheme: Scheme, address: string, hasMetrics: () => boolean) {
    this.#scheme = scheme;
    this.#address = address;
    this.#hasMetrics = hasMetrics;
  }

  respond(request: ApiRequest): ApiResponse | undefined {
    if (request.path !== "/" && !request.path.startsWith("/api")) return undefined;
    const at = `${this.#scheme.revision} ${this.#hasMetrics()}`;
    if (at !== this.#sentAt) this.#sent.clear();
    this.#sentAt = at;
    const key = `${request.path} ${request.headers?.accept ?? ""}`;
    const known = this.#sent.get(key);
    if (known) return known;
    const response = this.#respond(request);
    if (response && this.#sent.size < 200) this.#sent.set(key, deepFreeze(response));
    return response;
  }

  #respond(request: ApiRequest): ApiResponse | undefined {
    const path = request.path.replace(/\/+$/, "") || "/";
    const accept = request.headers?.accept ?? "";
    const aggregated =
      accept.includes("g=apidiscovery.k8s.io") &&
      accept.includes("as=APIGroupDiscoveryList") &&
      accept.includes("v=v2");
    const json = (body: unknown, contentType = "application/json"): ApiResponse => ({
      status: 200,
      headers: { "content-type": contentType },
      body,
    });
    if (aggregated && (path === "/api" || path === "/apis")) {
      return json(
        this.#aggregated(path === "/api"),
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
      );
    }
    if (path === "/") return json({ paths: this.#paths() });
    if (path === "/api") {
      return json({
        kind: "APIVersions",
        versions: ["v1"],
        serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: this.#address }],
      });
    }
    if (path === "/apis")
      return json({ kind: "APIGroupList", apiVersion: "v1", groups: this.groups().map((g) => this.#group(g)) });
    const parts = path.split("/").slice(1);
    if (parts[0] === "api" && parts.length === 2 && parts[1] === "v1") return json(this.#resourceList("v1"));
    if (parts[0] !== "apis") return undefined;
    if (parts.length === 2 && this.groups().includes(parts[1]!))
      return json({ kind: "APIGroup", apiVersion: "v1", ...this.#group(parts[1]!) });
    const groupVersion = `${parts[1]}/${parts[2]}`;
    if (parts.length === 3 && this.#versions(parts[1]!).includes(parts[2]!))
      return json(this.#resourceList(groupVersion));
    return undefined;
  }

  /** Named groups: upstream's order, then those that custom kinds brought, by name. */
  groups(): readonly string[] {
    const present = new Set(
      this.#scheme
        .groupVersions()
        .filter((gv) => gv.includes("/"))
        .map((gv) => gv.split("/")[0]!),
    );
    present.add("authentication.k8s.io");
    present.add("authorization.k8s.io");
    const known = GROUP_ORDER.filter((g) => present.has(g));
    const others = [...present].filter((g) => !GROUP_ORDER.includes(g));
    if (this.#hasMetrics()) others.push("metrics.k8s.io");
    return [...known, ...others.sort()];
  }

  #versions(group: string): readonly string[] {
    if (group === "metrics.k8s.io") return this.#hasMetrics() ? ["v1beta1"] : [];
    if (group === "authentication.k8s.io" || group === "authorization.k8s.io") return ["v1"];
    const versions = this.#scheme
      .groupVersions()
      .filter((gv) => gv.startsWith(`${group}/`))
      .map((gv) => gv.split("/")[1]!);
    return versions.sort(compareVersions);
  }

  #group(name: string): { readonly name: string } & Record<string, unknown> {
    const versions = this.#versions(name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions, preferredVersion: versions[0] };
  }

  #resourceList(groupVersion: string): unknown {
    const resources: ApiResource[] = [];
    for (const entry of this.#entries(groupVersion)) resources.push(entry.resource, ...entry.subresources);
    return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
  }

  #entries(groupVersion: string): { readonly resource: ApiResource; readonly subresources: readonly ApiResource[] }[] {
    if (groupVersion === "metrics.k8s.io/v1beta1") return METRICS.map((resource) => ({ resource, subresources: [] }));
    const entries = this.#scheme
      .servedIn(groupVersion)
      .map((served) => ({ resource: describe(served), subresources: subresourcesOf(served) }));
    for (const resource of VIRTUAL[groupVersion] ?? []) entries.push({ resource, subresources: [] });
    return entries.sort((a, b) => (a.resource.name < b.resource.name ? -1 : 1));
  }

  #aggregated(isCore: boolean): unknown {
    const groups = isCore ? [""] : this.groups();
    return {
      kind: "APIGroupDiscoveryList",
      apiVersion: "apidiscovery.k8s.io/v2",
      metadata: {},
      items: groups.map((group) => ({
        metadata: { ...(group ? { name: group } : {}), creationTimestamp: null },
        versions: (group === "" ? ["v1"] : this.#versions(group)).map((version) => ({
          version,
          resources: this.#entries(formatApiVersion(group, version)).map(({ resource, subresources }) => ({
            resource: resource.name,
            responseKind: { group: resource.group ?? group, version: resource.version ?? version, kind: resource.kind },
            scope: resource.namespaced ? "Namespaced" : "Cluster",
            singularResource: resource.singularName,
            verbs: resource.verbs,
            ...(resource.shortNames ? { shortNames: resource.shortNames } : {}),
            ...(resource.categories ? { categories: resource.categories } : {}),
            ...(subresources.length > 0
              ? {
                  subresources: subresources.map((sub) => ({
                    subresource: sub.name.split("/")[1],
                    responseKind: { group: sub.group ?? group, version: sub.version ?? version, kind: sub.kind },
                    verbs: sub.verbs,
                  })),
                }
              : {}),
          })),
          freshness: "Current",
        })),
      })),
    };
  }

  #paths(): readonly string[] {
    const paths = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/"];
    for (const group of [...this.groups()].sort()) {
      paths.push(`/apis/${group}`);
      for (const version of [...this.#versions(group)].sort()) paths.push(`/apis/${group}/${version}`);
    }
    return [...paths, ...HEALTH_PATHS, ...SELF_PATHS, "/openapi/v3", "/openapi/v3/", "/version"].sort();
  }
}

function describe({ resource: r }: ServedResource): ApiResource {
  return {
    name: r.plural,
    singularName: r.singular,
    namespaced: r.namespaced,
    kind: r.kind,
    verbs: r.verbs,
    ...(r.shortNames.length > 0 ? { shortNames: r.shortNames } : {}),
    ...(r.categories.length > 0 ? { categories: r.categories } : {}),
    storageVersionHash: storageVersionHash(r.group, r.version, r.kind),
  };
}

/** The first eight bytes of the storage version's digest, in Base64. */
function storageVersionHash(group: string, version: string, kind: string): string {
  const hex = sha256Hex(`${group}/${version}/${kind}`).slice(0, 16);
  let bytes = "";
  for (let i = 0; i < 16; i += 2) bytes += String.fromCharCode(Number.parseInt(hex.slice(i, i + 2), 16));
  return encodeBase64(bytes as Bytes);
}

function subresourcesOf({ resource: r }: ServedResource): ApiResource[] {
  return [...r.subresources].sort().map((name) => {
    const known =
      SUBRESOURCES[`${r.plural}/${name}`] ??
      (name === "scale"
        ? { kind: "Scale", group: "autoscaling", version: "v1", verbs: ["get", "patch", "update"] }
        : { kind: r.kind, verbs: ["get", "patch", "update"] });
    return {
      name: `${r.plural}/${name}`,
      singularName: "",
      namespaced: r.namespaced,
      ...(known.group ? { group: known.group, version: known.version! } : {}),
      kind: known.kind,
      verbs: known.verbs,
    };
  });
}

/** Kubernetes' version order: v2 before v1 before v1beta1 before v1alpha1. */
export function compareVersions(a: string, b: string): number {
  const read = (v: string): readonly [number, number, number] => {
    const m = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(v);
    if (!m) return [-1, 0, 0];
    return [m[2] === undefined ? 2 : m[2] === "beta" ? 1 : 0, Number(m[1]), Number(m[3] ?? 0)];
  };
  const left = read(a);
  const right = read(b);
  for (let i = 0; i < 3; i++) if (left[i] !== right[i]) return right[i]! - left[i]!;
  return a < b ? -1 : a > b ? 1 : 0;
}
