/** Services: defaults, rules and printed columns. Addresses and node ports are allocated by the API server. */
import { type FieldError, duplicate, invalid, notSupported, required } from "../../apimachinery/field-path";
import { formatLabels } from "../../apimachinery/labels";
import { ageColumn, column, nameColumn, orNone, wide } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { dns1123Label, dns1123Subdomain, portName, validateLabels, validPort } from "../../apimachinery/validation";
import type { Service } from "../types.generated";

export type { Service, ServicePort, ServiceSpec, ServiceStatus } from "../types.generated";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

export const service = defineResource<Service>({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  schema: "core.v1.Service",
  subresources: ["proxy", "status"],
  nameRule: "dns-1035-label",
  selectableFields: {
    "spec.clusterIP": ({ spec }) => spec.clusterIP ?? "",
    "spec.type": ({ spec }) => spec.type ?? "",
  },
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    spec.sessionAffinity ??= "None";
    if (spec.sessionAffinity === "ClientIP") {
      spec.sessionAffinityConfig ??= {};
      spec.sessionAffinityConfig.clientIP ??= {};
      spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= 10_800;
    }
    spec.type ??= "ClusterIP";
    for (const port of spec.ports ?? []) {
      port.protocol ??= "TCP";
      if (!port.targetPort) port.targetPort = port.port;
    }
    if (spec.type === "NodePort" || spec.type === "LoadBalancer") spec.externalTrafficPolicy ??= "Cluster";
    else if (!spec.externalIPs?.length) delete spec.externalTrafficPolicy;
    if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
    if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  },
  prepareForCreate: (draft) => {
    draft.status = { loadBalancer: {} };
  },
  prepareForUpdate(draft, old, { subresource }) {
    if (subresource === "status" || draft.spec === old.spec) return;
    if (draft.spec.type !== "LoadBalancer") {
      if (old.spec.type === "LoadBalancer") draft.status = { ...draft.status, loadBalancer: {} };
      delete draft.spec.allocateLoadBalancerNodePorts;
    }
  },
  validate: validateService,
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    const stays = object.spec.type !== "ExternalName" && old.spec.type !== "ExternalName";
    if (stays && old.spec.clusterIP && object.spec.clusterIP !== old.spec.clusterIP) {
      errors.push(invalid("spec.clusterIPs[0]", object.spec.clusterIPs, "may not change once set"));
    }
    return errors;
  },
  columns: [
    nameColumn,
    column<Service>("Type", ({ spec }) => spec.type ?? ""),
    column<Service>("Cluster-IP", ({ spec }) => orNone(spec.type === "ExternalName" ? "" : spec.clusterIP)),
    column<Service>("External-IP", externalIp),
    column<Service>("Port(s)", ({ spec }) =>
      orNone(
        (spec.ports ?? [])
          .map((p) => (p.nodePort ? `${p.port}:${p.nodePort}/${p.protocol}` : `${p.port}/${p.protocol}`))
          .join(","),
      ),
    ),
    ageColumn,
    column<Service>("Selector", ({ spec }) => formatLabels(spec.selector), wide),
  ],
});

function externalIp({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case "LoadBalancer": {
      const ingress = (status.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || "").filter((t) => t !== "");
      const all = [...ingress, ...external];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return external.length > 0 ? external.join(",") : "<none>";
  }
}

function validateService(object: Service): FieldError[] {
  const errors: FieldError[] = [];
  const spec: Draft = object.spec;
  const headless = spec.clusterIP === "None";
  const ports: Draft[] = spec.ports ?? [];
  if (ports.length === 0 && !headless && spec.type !== "ExternalName") errors.push(required("spec.ports"));
  if (!TYPES.includes(spec.type))
    errors.push(spec.type ? notSupported("spec.type", spec.type, TYPES) : required("spec.type"));
  if (spec.type === "LoadBalancer" && headless)
    errors.push(invalid("spec.clusterIPs[0]", spec.clusterIP, `may not be set to 'None' for LoadBalancer services`));
  if (spec.type === "NodePort" && headless)
    errors.push(invalid("spec.clusterIPs[0]", spec.clusterIP, `may not be set to 'None' for NodePort services`));
  if (spec.type === "ExternalName") {
    if (!spec.externalName) errors.push(required("spec.externalName"));
    else
      for (const message of dns1123Subdomain(String(spec.externalName).replace(/\.$/, "")))
        errors.push(invalid("spec.externalName", spec.externalName, message));
  }
  const names = new Set<string>();
  ports.forEach((port, i) => {
    const at = `spec.ports[${i}]`;
    if (!port.name) {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      for (const message of dns1123Label(port.name)) errors.push(invalid(`${at}.name`, port.name, message));
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    for (const message of validPort(port.port ?? 0)) errors.push(invalid(`${at}.port`, port.port ?? 0, message));
    if (!["SCTP", "TCP", "UDP"].includes(port.protocol)) {
      errors.push(
        port.protocol
          ? notSupported(`${at}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"])
          : required(`${at}.protocol`),
      );
    }
    const { targetPort } = port;
    if (typeof targetPort === "number")
      for (const message of validPort(targetPort)) errors.push(invalid(`${at}.targetPort`, targetPort, message));
    else if (typeof targetPort === "string")
      for (const message of portName(targetPort)) errors.push(invalid(`${at}.targetPort`, targetPort, message));
  });
  errors.push(...validateLabels(spec.selector, "spec.selector"));
  if (!["None", "ClientIP"].includes(spec.sessionAffinity)) {
    errors.push(
      spec.sessionAffinity
        ? notSupported("spec.sessionAffinity", spec.sessionAffinity, ["ClientIP", "None"])
        : required("spec.sessionAffinity"),
    );
  }
  const seen = new Set<string>();
  ports.forEach((port, i) => {
    const key = `${port.protocol}/${port.port}`;
    if (seen.has(key)) errors.push(duplicate(`spec.ports[${i}]`, { port: port.port, protocol: port.protocol }));
    seen.add(key);
  });
  return errors;
}
