/** What the server tells of itself besides health: metrics, flags, status pages, its issuer and its keys. */
import type { ApiRequest, ApiResponse } from "../../base/door";
import type { Scheme } from "../apimachinery/scheme";
import type { AuditEntry } from "./audit";
import { VERSION } from "./health";

export interface SelfState {
  readonly now: number;
  readonly startedAt: number;
  readonly address: string;
  readonly scheme: Scheme;
  readonly requests: readonly AuditEntry[];
  /** Objects stored, by resource: `pods`, `deployments.apps`. */
  readonly objects: readonly (readonly [string, number])[];
  readonly keyId: string;
}

/** For the root's list of paths. */
export const SELF_PATHS: readonly string[] = [
  "/flagz",
  "/metrics",
  "/metrics/slis",
  "/openapi/v2",
  "/openid/v1/jwks",
  "/statusz",
];

const ISSUER = "https://kubernetes.default.svc.cluster.local";

export function self(request: ApiRequest, state: SelfState): ApiResponse | undefined {
  switch (request.path.replace(/\/$/, "")) {
    case "/metrics":
      return text(metrics(state), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    case "/metrics/slis":
      return text(
        '# TYPE kubernetes_healthcheck gauge\nkubernetes_healthcheck{name="etcd",type="healthz"} 1\nkubernetes_healthcheck{name="etcd",type="livez"} 1\nkubernetes_healthcheck{name="etcd-readiness",type="readyz"} 1\nkubernetes_healthcheck{name="ping",type="healthz"} 1\n',
      );
    case "/.well-known/openid-configuration":
      return json({
        issuer: ISSUER,
        jwks_uri: `https://${state.address}/openid/v1/jwks`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      });
    case "/openid/v1/jwks":
      return json({ keys: [{ use: "sig", kty: "RSA", kid: state.keyId, alg: "RS256", n: state.keyId, e: "AQAB" }] });
    case "/flagz":
      return text(
        "\nkube-apiserver flagz\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n\nadvertise-address=" +
          `${state.address.split(":")[0]}\nauthorization-mode=[Node,RBAC]\nsecure-port=${state.address.split(":")[1]}\n`,
      );
    case "/statusz": {
      const up = Math.floor((state.now - state.startedAt) / 1000);
      const clock = [Math.floor(up / 3600), Math.floor(up / 60) % 60, up % 60]
        .map((part) => String(part).padStart(2, "0"))
        .join(":");
      return text(
        `\nkube-apiserver statusz\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n\nUp: 0 hr ${Math.floor(up / 60)} min ${up % 60} sec (${clock})\nGo version: ${VERSION.goVersion}\nBinary version: ${VERSION.gitVersion.slice(1)}\nEmulation version: 1.36\n`,
      );
    }
    default:
      return undefined;
  }
}

const text = (body: string, type = "text/plain; charset=utf-8"): ApiResponse => ({
  status: 200,
  headers: { "content-type": type },
  body,
});
const json = (body: unknown): ApiResponse => ({ status: 200, headers: { "content-type": "application/json" }, body });

/** In Prometheus's text format: what this server really counts. */
function metrics({ requests, objects, startedAt }: SelfState): string {
  const counts = new Map<string, number>();
  for (const { verb, resource, subresource = "", code } of requests) {
    const [plural = "", ...group] = resource.startsWith("/") ? [""] : resource.split(".");
    const labels = `code="${code}",component="apiserver",group="${group.join(".")}",resource="${plural}",subresource="${subresource}",verb="${verb.toUpperCase()}"`;
    counts.set(labels, (counts.get(labels) ?? 0) + 1);
  }
  const lines = [
    "# HELP apiserver_request_total [STABLE] Requests served, as far as the audit log remembers them.",
    "# TYPE apiserver_request_total counter",
    ...[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([labels, n]) => `apiserver_request_total{${labels}} ${n}`),
    "# HELP apiserver_storage_objects [STABLE] Objects stored at present, by resource.",
    "# TYPE apiserver_storage_objects gauge",
    ...objects.map(([resource, n]) => `apiserver_storage_objects{resource="${resource}"} ${n}`),
    "# HELP kubernetes_build_info [ALPHA] The build of this program, as labels of a constant.",
    "# TYPE kubernetes_build_info gauge",
    `kubernetes_build_info{build_date="${VERSION.buildDate}",compiler="${VERSION.compiler}",git_commit="${VERSION.gitCommit}",git_tree_state="${VERSION.gitTreeState}",git_version="${VERSION.gitVersion}",go_version="${VERSION.goVersion}",major="${VERSION.major}",minor="${VERSION.minor}",platform="${VERSION.platform}"} 1`,
    "# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.",
    "# TYPE process_start_time_seconds gauge",
    `process_start_time_seconds ${startedAt / 1000}`,
  ];
  return `${lines.join("\n")}\n`;
}
