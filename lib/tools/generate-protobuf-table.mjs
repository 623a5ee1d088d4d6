/**
 * node lib/tools/generate-protobuf-table.mjs FOLDER
 * Writes lib/headless/serve/protobuf-table.generated.ts from the generated.proto and types.go files of k8s.io/api and
 * k8s.io/apimachinery below FOLDER (Debian packages them as golang-k8s-api-dev and golang-k8s-apimachinery-dev). Of the
 * messages only facts are kept: field numbers, JSON names and wire types of what clients send as bodies.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = process.argv[2];
if (folder === undefined) {
  console.error(
    "usage: node lib/tools/generate-protobuf-table.mjs <folder that holds k8s.io/api and k8s.io/apimachinery>",
  );
  process.exit(2);
}

/** The kinds that kubectl and typed clients create, by protobuf package. */
const ROOTS = {
  "core.v1":
    "Pod Service ConfigMap Secret Namespace ServiceAccount ResourceQuota LimitRange Event Node Endpoints Binding PersistentVolume PersistentVolumeClaim ReplicationController PodTemplate",
  "apps.v1": "Deployment ReplicaSet StatefulSet DaemonSet ControllerRevision",
  "batch.v1": "Job CronJob",
  "autoscaling.v1": "HorizontalPodAutoscaler Scale",
  "autoscaling.v2": "HorizontalPodAutoscaler",
  "policy.v1": "PodDisruptionBudget Eviction",
  "rbac.v1": "Role RoleBinding ClusterRole ClusterRoleBinding",
  "networking.v1": "Ingress IngressClass NetworkPolicy",
  "scheduling.v1": "PriorityClass",
  "storage.v1": "StorageClass",
  "coordination.v1": "Lease",
  "discovery.v1": "EndpointSlice",
  "events.v1": "Event",
  "certificates.v1": "CertificateSigningRequest",
  "authentication.v1": "TokenRequest TokenReview SelfSubjectReview",
  "authorization.v1": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview LocalSubjectAccessReview",
  "meta.v1": "DeleteOptions",
};

const META = "k8s.io.apimachinery.pkg.apis.meta.v1.";
const protos = new Map();

const pathOf = (name) => {
  if (name === "meta.v1") return "k8s.io/apimachinery/pkg/apis/meta/v1";
  return `k8s.io/api/${name.replace(".", "/")}`;
};

/** Messages of a package and what the Go types say of their fields. */
function load(name) {
  if (protos.has(name)) return protos.get(name);
  const path = join(folder, pathOf(name));
  if (!existsSync(path)) throw new Error(`no ${path}`);
  const proto = readFileSync(join(path, "generated.proto"), "utf8");
  const go = readFileSync(join(path, "types.go"), "utf8");
  const messages = new Map();
  for (const [, message, body] of proto.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
    const fields = [];
    for (const [, label, type, field, number] of body.matchAll(
      /^ {2}(optional|repeated|map<string, )\s*([\w.]+)>? (\w+) = (\d+);/gm,
    ))
      fields.push({ label, type, field, number: Number(number) });
    messages.set(message, fields);
  }
  const tags = new Map();
  for (const [, struct, body] of go.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    for (const [, type, json, number] of body.matchAll(
      /^\s+(?:\w+\s+)?([*\w.[\]]+)\s+`json:"([^"]*)" protobuf:"\w+,(\d+)/gm,
    ))
      tags.set(`${struct}.${number}`, { pointer: type.startsWith("*"), json });
  }
  protos.set(name, { messages, tags });
  return protos.get(name);
}

const SCALARS = { string: "s", int32: "i", int64: "i", uint32: "i", bool: "b", bytes: "y", double: "d" };
const table = {};

function typeOf(reference, home) {
  const type = reference.replace(/^\./, "");
  if (SCALARS[type]) return SCALARS[type];
  if (type.startsWith(META)) return `meta.v1.${type.slice(META.length)}`;
  if (type === "k8s.io.apimachinery.pkg.api.resource.Quantity") return "Quantity";
  if (type === "k8s.io.apimachinery.pkg.util.intstr.IntOrString") return "IntOrString";
  if (type === "k8s.io.apimachinery.pkg.runtime.RawExtension") return "RawExtension";
  const api = /^k8s\.io\.api\.(\w+\.\w+)\.(\w+)$/.exec(type);
  if (api) return `${api[1]}.${api[2]}`;
  if (/^\w+$/.test(type)) return `${home}.${type}`;
  throw new Error(`unknown type ${type} in ${home}`);
}

const SPECIAL = new Set([
  ..."Time MicroTime Duration FieldsV1 Verbs".split(" ").map((name) => `meta.v1.${name}`),
  "Quantity",
  "IntOrString",
  "RawExtension",
]);

/** Named lists: one repeated field in a message of its own. */
const isNamedList = (name) => /\.(ExtraValue|Verbs)$/.test(name);

function add(full) {
  if (table[full] !== undefined || SPECIAL.has(full) || isNamedList(full)) return;
  const dot = full.lastIndexOf(".");
  const home = full.slice(0, dot);
  const message = full.slice(dot + 1);
  const { messages, tags } = load(home);
  const fields = messages.get(message);
  if (!fields) throw new Error(`no message ${full}`);
  const parts = [];
  table[full] = "";
  const inner = [];
  for (const { label, type, field, number } of fields) {
    const tag = tags.get(`${message}.${number}`);
    const name = tag?.json.split(",")[0] || field;
    const isInline = tag !== undefined && /^(,inline)$/.test(tag.json);
    const resolved = typeOf(type, home);
    const mark = label === "repeated" ? "*" : label.startsWith("map") ? "%" : isInline ? "~" : tag?.pointer ? "?" : "";
    parts.push(`${number} ${name} ${resolved}${mark}`);
    if (resolved.includes(".")) inner.push(resolved);
  }
  table[full] = parts.join(",");
  for (const name of inner) add(name);
}

for (const [home, kinds] of Object.entries(ROOTS)) for (const kind of kinds.split(" ")) add(`${home}.${kind}`);

const rows = Object.keys(table)
  .sort()
  .map((name) => `  ${JSON.stringify(name)}: ${JSON.stringify(table[name])},`);
const out = resolve(dirname(fileURLToPath(import.meta.url)), "../headless/serve/protobuf-table.generated.ts");
writeFileSync(
  out,
  `/**
 * Field numbers, JSON names and wire types of Kubernetes' protobuf messages, made by lib/tools/generate-protobuf-table.mjs.
 * A field is \`number name type\`; s string, i integer, b bool, y bytes, d double, else a message; * repeated, % map from
 * strings, ? kept when it is zero (a pointer in Go), ~ its fields stand in its parent.
 */
export const messages: Readonly<Record<string, string>> = {
${rows.join("\n")}
};
`,
);
console.log(`${rows.length} messages`);
