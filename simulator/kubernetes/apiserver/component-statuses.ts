/** ComponentStatuses: deprecated, but what many courses still type. Asked anew each time, stored nowhere. */
import type { ApiResponse } from "../../base/door";
import type { KubeObject } from "../apimachinery/object";
import { column, nameColumn } from "../apimachinery/printing";
import { defineResource } from "../apimachinery/resource";
import { methodNotSupported, notFound, statusResponse } from "../apimachinery/status";
import type { KubeRequest } from "../apimachinery/transport";
import type { EtcdCluster } from "../etcd/cluster";
import type { RequestInfo } from "./request-info";
import { representationOf, tableOf } from "./table";

export interface ComponentHealth {
  /** `scheduler`, `controller-manager`. */
  readonly name: string;
  /** What its health port answers (`ok`), or why it does not. */
  readonly message?: string;
  readonly error?: string;
}

const componentStatus = defineResource<KubeObject>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  namespaced: false,
  schema: "core.v1.ComponentStatus",
  columns: [
    nameColumn,
    column("Status", ({ conditions }) => (conditions[0].status === "True" ? "Healthy" : "Unhealthy")),
    column("Message", ({ conditions }) => conditions[0].message ?? ""),
    column("Error", ({ conditions }) => conditions[0].error ?? ""),
  ],
});

export function componentStatuses(
  request: KubeRequest,
  info: RequestInfo,
  components: readonly ComponentHealth[],
  etcd: EtcdCluster,
): ApiResponse {
  const resource = { group: "", resource: "componentstatuses" };
  if (info.verb !== "get" && info.verb !== "list") return statusResponse(methodNotSupported(resource, info.verb));
  const all: KubeObject[] = [
    ...etcd.members.map((member, i) =>
      describe({
        name: `etcd-${i}`,
        ...(member.running && etcd.hasQuorum
          ? { message: "ok" }
          : { error: 'Get "https://127.0.0.1:2379/health": dial tcp 127.0.0.1:2379: connect: connection refused' }),
      }),
    ),
    ...components.map(describe),
  ];
  const headers = {
    "content-type": "application/json",
    warning: '299 - "v1 ComponentStatus is deprecated in v1.19+"',
  };
  const isTable = representationOf(request.headers?.accept) === "table";
  const table = (items: readonly KubeObject[]) =>
    tableOf(componentStatus, items, { resourceVersion: "" }, { now: 0, include: "Metadata" });
  if (info.verb === "list") {
    const list = { kind: "ComponentStatusList", apiVersion: "v1", metadata: {}, items: all };
    return { status: 200, headers, body: isTable ? table(all) : list };
  }
  const one = all.find((c) => c.metadata.name === info.name);
  if (!one) return statusResponse(notFound(resource, info.name));
  return { status: 200, headers, body: isTable ? table([one]) : one };
}

const describe = ({ name, message, error }: ComponentHealth): KubeObject => ({
  kind: "ComponentStatus",
  apiVersion: "v1",
  metadata: { name } as KubeObject["metadata"],
  conditions: [
    {
      type: "Healthy",
      status: error === undefined ? "True" : "False",
      ...(message === undefined ? {} : { message }),
      ...(error === undefined ? {} : { error }),
    },
  ],
});
