/** metrics.k8s.io/v1beta1, from figures that the machine provides, as metrics-server would serve them. */
import { rfc3339 } from "../../base/clock";
import type { ApiResponse } from "../../base/door";
import { matches, parseSelector } from "../apimachinery/labels";
import type { KubeObject } from "../apimachinery/object";
import { notFound, pageNotFound, statusResponse } from "../apimachinery/status";
import type { KubeRequest } from "../apimachinery/transport";
import type { MetricsProvider } from "./kubelet-proxy";
import { queryValue, type RequestInfo } from "./request-info";
import type { ResourceStorage } from "./storage";

const GROUP = "metrics.k8s.io";
const VERSION = "metrics.k8s.io/v1beta1";

export function metricsResponse(
  request: KubeRequest,
  info: RequestInfo,
  metrics: MetricsProvider,
  storageOf: (plural: string) => ResourceStorage,
): ApiResponse {
  const headers = { "content-type": "application/json" };
  const parsed = parseSelector(queryValue(request, "labelSelector"));
  const selector = parsed.ok ? parsed.value : undefined;
  if (info.version !== "v1beta1" || (info.resource !== "nodes" && info.resource !== "pods"))
    return statusResponse(pageNotFound());
  const make =
    info.resource === "nodes" ? (o: KubeObject) => nodeMetrics(o, metrics) : (o: KubeObject) => podMetrics(o, metrics);
  const storage = storageOf(info.resource);
  if (info.name) {
    const object = storage.get(info.namespace, info.name);
    const found = object && make(object);
    if (!found) {
      const resource = { group: GROUP, resource: info.resource === "nodes" ? "nodemetrics" : "podmetrics" };
      return statusResponse(
        notFound(resource, info.resource === "pods" ? `${info.namespace}/${info.name}` : info.name),
      );
    }
    return { status: 200, headers, body: found };
  }
  const items = storage
    .list(info.namespace)
    .filter((object) => !selector || matches(selector, object.metadata.labels))
    .map(make)
    .filter((item) => item !== undefined);
  return {
    status: 200,
    headers,
    body: {
      kind: info.resource === "nodes" ? "NodeMetricsList" : "PodMetricsList",
      apiVersion: VERSION,
      metadata: {},
      items,
    },
  };
}

const usage = (cpuMilli: number, memoryBytes: number): Readonly<Record<string, string>> => ({
  cpu: `${Math.round(cpuMilli * 1_000_000)}n`,
  memory: `${Math.round(memoryBytes / 1024)}Ki`,
});

const window = "20.0s";

function nodeMetrics(node: KubeObject, metrics: MetricsProvider): KubeObject | undefined {
  const figures = metrics.node(node.metadata.name);
  if (!figures) return undefined;
  const { name, labels, creationTimestamp } = node.metadata;
  return {
    kind: "NodeMetrics",
    apiVersion: VERSION,
    metadata: { name, creationTimestamp, ...(labels ? { labels } : {}) } as KubeObject["metadata"],
    timestamp: rfc3339(figures.at),
    window,
    usage: usage(figures.cpuMilli, figures.memoryBytes),
  };
}

function podMetrics(pod: KubeObject, metrics: MetricsProvider): KubeObject | undefined {
  const figures = metrics.pod(pod.metadata.namespace ?? "", pod.metadata.name);
  if (!figures) return undefined;
  const { name, namespace, labels, creationTimestamp } = pod.metadata;
  return {
    kind: "PodMetrics",
    apiVersion: VERSION,
    metadata: { name, namespace, creationTimestamp, ...(labels ? { labels } : {}) } as KubeObject["metadata"],
    timestamp: rfc3339(figures.at),
    window,
    containers: figures.containers.map((c) => ({ name: c.name, usage: usage(c.cpuMilli, c.memoryBytes) })),
  };
}
