/** /version and the health endpoints. */
import type { ApiRequest, ApiResponse } from "../../base/door";

export const VERSION = Object.freeze({
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: "v1.36.2",
  gitCommit: "0000000000000000000000000000000000000000",
  gitTreeState: "clean",
  buildDate: "2026-07-01T00:00:00Z",
  goVersion: "go1.26.10",
  compiler: "gc",
  platform: "linux/amd64",
});

const HOOKS = [
  "start-apiserver-admission-initializer",
  "generic-apiserver-start-informers",
  "priority-and-fairness-config-consumer",
  "priority-and-fairness-filter",
  "storage-object-count-tracker-hook",
  "start-apiextensions-informers",
  "start-apiextensions-controllers",
  "crd-informer-synced",
  "start-system-namespaces-controller",
  "peer-endpoint-reconciler-controller",
  "start-cluster-authentication-info-controller",
  "start-kube-apiserver-identity-lease-controller",
  "start-kube-apiserver-identity-lease-garbage-collector",
  "storage-readiness",
  "start-legacy-token-tracking-controller",
  "start-service-ip-repair-controllers",
  "rbac/bootstrap-roles",
  "scheduling/bootstrap-system-priority-classes",
  "priority-and-fairness-config-producer",
  "bootstrap-controller",
  "start-kubernetes-service-cidr-controller",
  "aggregator-reload-proxy-client-cert",
  "start-kube-aggregator-informers",
  "apiservice-status-local-available-controller",
  "apiservice-status-remote-available-controller",
  "apiservice-registration-controller",
  "apiservice-wait-for-first-sync",
  "apiservice-discovery-controller",
  "kube-apiserver-autoregistration",
].map((name) => `poststarthook/${name}`);
const LATE_HOOKS = [
  "autoregister-completion",
  "poststarthook/apiservice-openapi-controller",
  "poststarthook/apiservice-openapiv3-controller",
];

const CHECKS: Readonly<Record<string, readonly string[]>> = {
  healthz: ["ping", "log", "etcd", "loopback-serving-certificate", ...HOOKS, ...LATE_HOOKS],
  livez: ["ping", "log", "etcd", "loopback-serving-certificate", ...HOOKS, ...LATE_HOOKS],
  readyz: ["ping", "log", "informer-sync", ...HOOKS, ...LATE_HOOKS, "shutdown"],
};

/** For the root's list of paths. */
export const HEALTH_PATHS: readonly string[] = Object.entries(CHECKS).flatMap(([endpoint, checks]) => [
  `/${endpoint}`,
  ...checks.map((check) => `/${endpoint}/${check}`).sort(),
]);

export interface HealthState {
  readonly etcdReady: boolean;
  readonly startedAt: number;
}

/** Whether `path` is one of these, and the answer. */
export function health(request: ApiRequest, state: HealthState): ApiResponse | undefined {
  const path = request.path.replace(/\/$/, "");
  if (path === "/version") return { status: 200, headers: { "content-type": "application/json" }, body: VERSION };
  const m = /^\/(healthz|livez|readyz)(?:\/(.+))?$/.exec(path);
  if (!m) return undefined;
  const [, endpoint, single] = m;
  const checks = CHECKS[endpoint!]!;
  const fails = (check: string): boolean => !state.etcdReady && check.startsWith("etcd");
  const headers = { "content-type": "text/plain; charset=utf-8" };
  if (single) {
    if (!checks.includes(single)) return undefined;
    return fails(single)
      ? { status: 500, headers, body: `internal server error: failed to get etcd status: context deadline exceeded` }
      : { status: 200, headers, body: "ok" };
  }
  const excluded = request.query?.exclude ?? [];
  const failing = checks.filter((check) => fails(check) && !excluded.includes(check));
  const lines = checks.map((check) =>
    excluded.includes(check)
      ? `[+]${check} excluded: ok`
      : fails(check)
        ? `[-]${check} failed: reason withheld`
        : `[+]${check} ok`,
  );
  if (failing.length > 0) return { status: 500, headers, body: `${lines.join("\n")}\n${endpoint} check failed\n` };
  if (request.query?.verbose === undefined) return { status: 200, headers, body: "ok" };
  return { status: 200, headers, body: `${lines.join("\n")}\n${endpoint} check passed\n` };
}
