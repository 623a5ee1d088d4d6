/** NetworkPolicies, ServiceCIDRs and IPAddresses. */
import { formatLabelSelector } from "../../apimachinery/labels";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import type { IPAddress, NetworkPolicy, ServiceCIDR } from "../types.generated";

export type { NetworkPolicy, NetworkPolicySpec } from "../types.generated";

export const networkPolicy = defineResource<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  namespaced: true,
  schema: "networking.v1.NetworkPolicy",
  hasGeneration: true,
  defaults(draft) {
    draft.spec ??= {};
    const { spec } = draft;
    if (Object.isFrozen(spec)) return;
    spec.podSelector ??= {};
    // What is restricted follows from what is there; ingress always is.
    spec.policyTypes ??= spec.egress ? ["Ingress", "Egress"] : ["Ingress"];
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])] as Draft[])
      for (const port of rule.ports ?? []) port.protocol ??= "TCP";
  },
  columns: [
    nameColumn,
    column<NetworkPolicy>("Pod-Selector", ({ spec }) => formatLabelSelector(spec.podSelector)),
    ageColumn,
  ],
});

export const serviceCidr = defineResource<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  namespaced: false,
  schema: "networking.v1.ServiceCIDR",
  subresources: ["status"],
  columns: [nameColumn, column<ServiceCIDR>("CIDRs", ({ spec }) => (spec.cidrs ?? []).join(",")), ageColumn],
});

export const ipAddress = defineResource<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  namespaced: false,
  schema: "networking.v1.IPAddress",
  columns: [
    nameColumn,
    column<IPAddress>("ParentRef", ({ spec }) => {
      const p = spec.parentRef;
      return p ? `${p.resource}/${p.namespace ? `${p.namespace}/` : ""}${p.name}` : "<none>";
    }),
  ],
});
