/** Describes Namespaces, ResourceQuotas and LimitRanges. */
import { compareStrings } from "../../../text/strconv";
import type { Describer } from "./describer";
import { type Part, sortedEntries, writeAnnotations, writeLabels, type Writer } from "./page";

export const namespaceDescriber: Describer = {
  group: "",
  kind: "Namespace",
  withoutEvents: true,
  *describe(w, namespace, context) {
    const { metadata, status = {} } = namespace;
    w.write(0, `Name:\t${metadata.name}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Status:\t${status.phase ?? ""}\n`);
    if (status.conditions?.length) {
      w.write(0, "Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n");
      w.write(1, "----\t------\t------------------\t------\t-------\n");
      for (const each of status.conditions)
        w.write(1, `${each.type}\t${each.status}\t${each.lastTransitionTime}\t${each.reason}\t${each.message}\n`);
    }
    const quotas = yield* context.list(`/api/v1/namespaces/${metadata.name}/resourcequotas`);
    w.write(0, "\n");
    writeQuotas(w, quotas);
    const ranges = yield* context.list(`/api/v1/namespaces/${metadata.name}/limitranges`);
    w.write(0, "\n");
    writeRanges(w, ranges);
  },
};

function writeQuotas(w: Writer, quotas: readonly Part[]): void {
  if (quotas.length === 0) {
    w.write(0, "No resource quota.\n");
    return;
  }
  w.write(0, "Resource Quotas\n");
  for (const quota of [...quotas].sort((a, b) => compareStrings(a.metadata.name, b.metadata.name))) {
    w.write(0, `  Name:\t${quota.metadata.name}\n`);
    writeScopes(w, quota.spec.scopes);
    w.write(0, "  Resource\tUsed\tHard\n");
    w.write(0, "  --------\t---\t---\n");
    for (const [name, hard] of sortedEntries<string>(quota.status?.hard)) {
      w.write(0, `  ${name}\t${quota.status?.used?.[name] ?? "0"}\t${hard}\n`);
    }
  }
}

const SCOPE_HELP: Readonly<Record<string, string>> = {
  Terminating:
    "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.",
  NotTerminating:
    "Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.",
  BestEffort:
    "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.",
  NotBestEffort:
    "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.",
};

function writeScopes(w: Writer, scopes: readonly string[] | undefined): void {
  if (!scopes?.length) return;
  w.write(0, `  Scopes:\t${[...scopes].sort(compareStrings).join(", ")}\n`);
  for (const scope of [...scopes].sort(compareStrings)) if (SCOPE_HELP[scope]) w.write(0, `  * ${SCOPE_HELP[scope]}\n`);
}

export const quotaDescriber: Describer = {
  group: "",
  kind: "ResourceQuota",
  withoutEvents: true,
  *describe(w, quota) {
    w.write(0, `Name:\t${quota.metadata.name}\n`);
    w.write(0, `Namespace:\t${quota.metadata.namespace}\n`);
    if (quota.spec.scopes?.length) {
      const scopes = [...quota.spec.scopes].sort(compareStrings);
      w.write(0, `Scopes:\t${scopes.join(", ")}\n`);
      for (const scope of scopes) if (SCOPE_HELP[scope]) w.write(0, ` * ${SCOPE_HELP[scope]}\n`);
    }
    w.write(0, "Resource\tUsed\tHard\n");
    w.write(0, "--------\t----\t----\n");
    for (const [name, hard] of sortedEntries<string>(quota.status?.hard)) {
      w.write(0, `${name}\t${quota.status?.used?.[name] ?? "0"}\t${hard}\n`);
    }
  },
};

function writeRanges(w: Writer, ranges: readonly Part[]): void {
  if (ranges.length === 0) {
    w.write(0, "No LimitRange resource.\n");
    return;
  }
  w.write(0, "Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n");
  w.write(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
  for (const range of ranges) writeLimits(w, range, " ");
}

function writeLimits(w: Writer, range: Part, indent: string): void {
  for (const item of range.spec.limits ?? []) {
    const names = new Set<string>();
    for (const field of ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"])
      for (const name of Object.keys(item[field] ?? {})) names.add(name);
    for (const name of [...names].sort(compareStrings)) {
      const cell = (field: string): string => item[field]?.[name] ?? "-";
      w.write(
        0,
        `${indent}${item.type}\t${name}\t${cell("min")}\t${cell("max")}\t${cell("defaultRequest")}\t${cell("default")}\t${cell("maxLimitRequestRatio")}\n`,
      );
    }
  }
}

export const limitRangeDescriber: Describer = {
  group: "",
  kind: "LimitRange",
  withoutEvents: true,
  *describe(w, range) {
    w.write(0, `Name:\t${range.metadata.name}\n`);
    w.write(0, `Namespace:\t${range.metadata.namespace}\n`);
    w.write(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n");
    w.write(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
    writeLimits(w, range, "");
  },
};
