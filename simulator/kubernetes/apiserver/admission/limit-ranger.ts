/** LimitRanger: fills in what a namespace's LimitRanges default, and refuses what they do not allow. */
import type { Draft } from "../../apimachinery/resource";
import { forbiddenStatus } from "../../apimachinery/status";
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  ZERO_QUANTITY,
} from "../../apimachinery/quantity";
import type { AdmissionPlugin } from "./plugin";

const isPodCreate = (a: {
  operation: string;
  resource: { plural: string; group: string };
  subresource: string;
}): boolean =>
  a.operation === "CREATE" && a.resource.plural === "pods" && a.resource.group === "" && a.subresource === "";

export const limitRanger: AdmissionPlugin = {
  name: "LimitRanger",
  admit(attributes, { list }) {
    if (!isPodCreate(attributes)) return undefined;
    const pod = attributes.object;
    for (const range of list("", "limitranges", attributes.namespace)) {
      const limit = (range.spec?.limits ?? []).find((l: Draft) => l.type === "Container");
      if (limit) applyDefaults(pod, limit.default ?? {}, limit.defaultRequest ?? {});
    }
    return undefined;
  },
  validate(attributes, { list }) {
    const { resource, object, namespace, name, operation } = attributes;
    if (isPodCreate(attributes)) {
      for (const range of list("", "limitranges", namespace)) {
        const errors = podErrors(object, range.spec?.limits ?? []);
        if (errors.length > 0) {
          return forbiddenStatus(
            { group: "", resource: "pods" },
            name,
            errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]`,
          );
        }
      }
    }
    if (resource.plural === "persistentvolumeclaims" && operation === "CREATE") {
      const storage = object.spec?.resources?.requests?.storage;
      for (const range of list("", "limitranges", namespace)) {
        for (const limit of range.spec?.limits ?? []) {
          if (limit.type !== "PersistentVolumeClaim" || !storage) continue;
          const error = bound("storage", "PersistentVolumeClaim", limit, storage, storage);
          if (error.length > 0)
            return forbiddenStatus({ group: "", resource: "persistentvolumeclaims" }, name, error.join(", "));
        }
      }
    }
    return undefined;
  },
};

function applyDefaults(pod: Draft, limits: Draft, requests: Draft): void {
  const notes: string[] = [];
  const visit = (container: Draft, word: string): void => {
    const set = (part: "limits" | "requests", defaults: Draft): string[] => {
      const added: string[] = [];
      for (const name of Object.keys(defaults).sort()) {
        container.resources ??= {};
        if (container.resources[part]?.[name] !== undefined) continue;
        container.resources[part] = { ...container.resources[part], [name]: defaults[name] };
        added.push(name);
      }
      return added;
    };
    const requested = set("requests", requests);
    const limited = set("limits", limits);
    if (requested.length > 0) notes.push(`${requested.join(", ")} request for ${word} ${container.name}`);
    if (limited.length > 0) notes.push(`${limited.join(", ")} limit for ${word} ${container.name}`);
  };
  for (const container of pod.spec.containers ?? []) visit(container, "container");
  for (const container of pod.spec.initContainers ?? []) visit(container, "init container");
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    "kubernetes.io/limit-ranger": `LimitRanger plugin set: ${notes.join("; ")}`,
  };
}

function podErrors(pod: Draft, limits: readonly Draft[]): string[] {
  const errors: string[] = [];
  for (const limit of limits) {
    if (limit.type === "Container") {
      for (const container of [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]) {
        const { requests = {}, limits: own = {} } = container.resources ?? {};
        for (const name of namesOf(limit)) errors.push(...bound(name, "Container", limit, requests[name], own[name]));
      }
    } else if (limit.type === "Pod") {
      for (const name of namesOf(limit)) {
        errors.push(...bound(name, "Pod", limit, total(pod, "requests", name), total(pod, "limits", name)));
      }
    }
  }
  return errors;
}

const namesOf = (limit: Draft): string[] =>
  [...new Set([limit.min, limit.max, limit.maxLimitRequestRatio].flatMap((part) => Object.keys(part ?? {})))].sort();

function total(pod: Draft, part: string, name: string): string | undefined {
  let sum: Quantity | undefined;
  for (const container of pod.spec.containers ?? []) {
    const text = container.resources?.[part]?.[name];
    const quantity = text === undefined ? undefined : parseQuantity(text);
    if (quantity) sum = addQuantities(sum ?? ZERO_QUANTITY, quantity);
  }
  return sum && formatQuantity(sum);
}

function bound(
  name: string,
  type: string,
  limit: Draft,
  request: string | undefined,
  ownLimit: string | undefined,
): string[] {
  const errors: string[] = [];
  const q = (text: string | undefined): Quantity | undefined => (text === undefined ? undefined : parseQuantity(text));
  const minimum = limit.min?.[name];
  const maximum = limit.max?.[name];
  const [min, max, have, most] = [q(minimum), q(maximum), q(request), q(ownLimit)];
  if (min) {
    // One complaint a constraint: the first that holds.
    const usage = `minimum ${name} usage per ${type} is ${minimum}`;
    if (!have) errors.push(`${usage}.  No request is specified`);
    else if (compareQuantities(have, min) < 0) errors.push(`${usage}, but request is ${request}`);
    else if (most && compareQuantities(most, min) < 0) errors.push(`${usage}, but limit is ${ownLimit}`);
  }
  if (max) {
    const usage = `maximum ${name} usage per ${type} is ${maximum}`;
    if (!most) errors.push(`${usage}.  No limit is specified`);
    else if (compareQuantities(most, max) > 0) errors.push(`${usage}, but limit is ${ownLimit}`);
    else if (have && compareQuantities(have, max) > 0) errors.push(`${usage}, but request is ${request}`);
  }
  const ratioText = limit.maxLimitRequestRatio?.[name];
  const ratio = q(ratioText);
  if (ratio) {
    if (!have || have.nano === 0n)
      errors.push(
        `${name} max limit to request ratio per ${type} is ${ratioText}, but no request is specified or request is 0`,
      );
    else if (!most || most.nano === 0n)
      errors.push(
        `${name} max limit to request ratio per ${type} is ${ratioText}, but no limit is specified or limit is 0`,
      );
    else if (most.nano * 1_000_000_000n > ratio.nano * have.nano) {
      errors.push(
        `${name} max limit to request ratio per ${type} is ${ratioText}, but provided ratio is ${(Number(most.nano) / Number(have.nano)).toFixed(6)}`,
      );
    }
  }
  return errors;
}
