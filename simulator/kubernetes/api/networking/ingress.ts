/** Ingresses and IngressClasses. */
import { type FieldError, forbidden, invalid, notSupported, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn, orNone } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import { dns1123Subdomain, validPort, wildcardDns1123Subdomain } from "../../apimachinery/validation";
import type { Ingress, IngressClass } from "../types.generated";

export type { HTTPIngressPath, Ingress, IngressBackend, IngressClass, IngressRule } from "../types.generated";

const PATH_TYPES = ["Exact", "ImplementationSpecific", "Prefix"];

export const ingress = defineResource<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  namespaced: true,
  schema: "networking.v1.Ingress",
  subresources: ["status"],
  hasGeneration: true,
  prepareForCreate: (draft) => {
    draft.spec ??= {};
    draft.status = { loadBalancer: {} };
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    if (!spec?.rules?.length && !spec?.defaultBackend) {
      errors.push(invalid("spec", spec ?? {}, "either `defaultBackend` or `rules` must be specified"));
    }
    if (spec?.defaultBackend) errors.push(...validateBackend(spec.defaultBackend, "spec.defaultBackend"));
    (spec?.rules ?? []).forEach((rule: Draft, i: number) => {
      const at = `spec.rules[${i}]`;
      if (rule.host) {
        const check = rule.host.startsWith("*") ? wildcardDns1123Subdomain : dns1123Subdomain;
        for (const message of check(rule.host)) errors.push(invalid(`${at}.host`, rule.host, message));
      }
      if (!rule.http) return;
      if (!rule.http.paths?.length) errors.push(required(`${at}.http.paths`));
      (rule.http.paths ?? []).forEach((path: Draft, k: number) => {
        const here = `${at}.http.paths[${k}]`;
        if (!path.pathType) errors.push(required(`${here}.pathType`, "pathType must be specified"));
        else if (!PATH_TYPES.includes(path.pathType))
          errors.push(notSupported(`${here}.pathType`, path.pathType, PATH_TYPES));
        else if (path.pathType !== "ImplementationSpecific" && !path.path?.startsWith("/")) {
          errors.push(invalid(`${here}.path`, path.path ?? "", "must be an absolute path"));
        }
        errors.push(...validateBackend(path.backend ?? {}, `${here}.backend`));
      });
    });
    return errors;
  },
  columns: [
    nameColumn,
    column<Ingress>("Class", ({ spec, metadata }) =>
      orNone(spec.ingressClassName ?? metadata.annotations?.["kubernetes.io/ingress.class"]),
    ),
    column<Ingress>("Hosts", hosts),
    column<Ingress>("Address", ({ status }) =>
      (status.loadBalancer?.ingress ?? [])
        .map((i) => i.ip || i.hostname || "")
        .filter((t) => t)
        .join(","),
    ),
    column<Ingress>("Ports", ({ spec }) => (spec.tls?.length ? "80, 443" : "80")),
    ageColumn,
  ],
});

function hosts({ spec }: Ingress): string {
  const list: string[] = [];
  let more = 0;
  for (const { host } of spec.rules ?? []) {
    if (!host) continue;
    if (list.length < 3) list.push(host);
    else more++;
  }
  if (list.length === 0) return "*";
  return more > 0 ? `${list.join(",")} + ${more} more...` : list.join(",");
}

function validateBackend(backend: Draft, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { service, resource } = backend;
  if (service && resource) return [invalid(at, "", "cannot set both resource and service backends")];
  if (!service && !resource)
    return [required(at, "must have either a service or resource backend")].map((e) => ({
      ...e,
      body: "Required value: port name or number is required",
    }));
  if (!service) return errors;
  if (!service.name) errors.push(required(`${at}.service.name`));
  const { number, name } = service.port ?? {};
  if (name && number) errors.push(invalid(at, "", "cannot set both port name & port number"));
  else if (!name && !number) errors.push(required(at, "port name or number is required"));
  else if (number)
    for (const message of validPort(number)) errors.push(invalid(`${at}.service.port.number`, number, message));
  return errors;
}

export const ingressClass = defineResource<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  namespaced: false,
  schema: "networking.v1.IngressClass",
  hasGeneration: true,
  validate: ({ spec }) => (spec?.controller ? [] : [required("spec.controller")]),
  validateUpdate: (object, old) =>
    object.spec.controller === old.spec.controller ? [] : [forbidden("spec.controller", "field is immutable")],
  columns: [
    nameColumn,
    column<IngressClass>("Controller", ({ spec }) => spec.controller ?? ""),
    column<IngressClass>("Parameters", ({ spec }) => {
      const p = spec.parameters;
      return p ? `${p.kind}${p.apiGroup ? `.${p.apiGroup}` : ""}/${p.name}` : "<none>";
    }),
    ageColumn,
  ],
});
