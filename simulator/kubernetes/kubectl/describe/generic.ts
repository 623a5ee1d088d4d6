/** Describes any kind: its fields in order of name, labelled in words. */
import { compareStrings } from "../../../text/strconv";
import { LAST_APPLIED } from "../create-object";
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { type Part, writeAnnotations, writeLabels, type Writer } from "./page";

export const genericDescriber: Describer = {
  group: "*",
  kind: "*",
  *describe(w, object, context) {
    w.write(0, `Name:\t${object.metadata.name}\n`);
    w.write(0, `Namespace:\t${object.metadata.namespace ?? ""}\n`);
    writeLabels(w, "Labels", object.metadata.labels);
    writeAnnotations(w, "Annotations", object.metadata.annotations);
    const {
      labels: _,
      annotations: __,
      name: ___,
      namespace: ____,
      managedFields: _____,
      ...metadata
    } = object.metadata;
    writeFields(w, 0, { ...object, metadata });
    writeEvents(w, context.events, context.now);
  },
};

function writeFields(w: Writer, level: number, map: Part): void {
  for (const key of Object.keys(map).sort(compareStrings)) {
    const value = map[key];
    if (value === undefined || value === null || key === LAST_APPLIED) continue;
    const label = smartLabel(key);
    if (Array.isArray(value)) {
      w.write(level, `${label}:\n`);
      for (const item of value) {
        if (typeof item === "object" && item !== null && !Array.isArray(item)) writeFields(w, level + 1, item);
        else w.write(level + 1, `${item}\n`);
      }
    } else if (typeof value === "object") {
      w.write(level, `${label}:\n`);
      writeFields(w, level + 1, value);
    } else w.write(level, `${label}:\t${value}\n`);
  }
}

const ACRONYMS = new Set([
  "api",
  "ca",
  "cidr",
  "clusterip",
  "clusterips",
  "dns",
  "fqdn",
  "html",
  "http",
  "https",
  "id",
  "ip",
  "ips",
  "json",
  "kms",
  "kv",
  "mac",
  "nfs",
  "os",
  "pid",
  "qos",
  "rbac",
  "rpc",
  "san",
  "sdn",
  "sql",
  "ssl",
  "tcp",
  "tls",
  "ttl",
  "udp",
  "uid",
  "uri",
  "url",
  "vm",
  "vpc",
  "xml",
  "yaml",
]);

/** `creationTimestamp` is "Creation Timestamp", `clusterIP` is "Cluster IP". */
export function smartLabel(field: string): string {
  const parts = field.match(/[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+/g) ?? [field];
  return parts
    .map((part) => (ACRONYMS.has(part.toLowerCase()) ? part.toUpperCase() : part[0]!.toUpperCase() + part.slice(1)))
    .join(" ");
}
