/** EndpointSlices. */
import { type FieldError, invalid, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { IMMUTABLE } from "../../apimachinery/validation";
import type { EndpointSlice } from "../types.generated";

export type { DiscoveryEndpointPort, Endpoint, EndpointConditions, EndpointSlice } from "../types.generated";

const SHOWN_MAX = 3;

const listed = (all: readonly string[]): string =>
  all.length > SHOWN_MAX
    ? `${all.slice(0, SHOWN_MAX).join(",")} + ${all.length - SHOWN_MAX} more...`
    : all.join(",") || "<unset>";

export const endpointSlice = defineResource<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
  schema: "discovery.v1.EndpointSlice",
  hasGeneration: true,
  defaults(draft) {
    if (Object.isFrozen(draft.ports)) return;
    for (const port of draft.ports ?? []) {
      port.name ??= "";
      port.protocol ??= "TCP";
    }
  },
  validate(object) {
    const errors: FieldError[] = [];
    const types = ["FQDN", "IPv4", "IPv6"];
    if (!object.addressType) errors.push(required("addressType"));
    else if (!types.includes(object.addressType)) errors.push(notSupported("addressType", object.addressType, types));
    (object.endpoints ?? []).forEach((endpoint: Draft, i: number) => {
      if (!endpoint.addresses?.length)
        errors.push(required(`endpoints[${i}].addresses`, "must contain at least 1 address"));
    });
    return errors;
  },
  validateUpdate: (object, old) =>
    object.addressType === old.addressType ? [] : [invalid("addressType", object.addressType, IMMUTABLE)],
  columns: [
    nameColumn,
    column<EndpointSlice>("AddressType", (e) => e.addressType),
    column<EndpointSlice>("Ports", (e) =>
      listed((e.ports ?? []).map((p) => (p.port !== undefined ? String(p.port) : p.name || "*"))),
    ),
    column<EndpointSlice>("Endpoints", (e) => listed((e.endpoints ?? []).flatMap((p) => p.addresses))),
    ageColumn,
  ],
});
