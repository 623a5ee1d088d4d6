/** How objects look as raw JSON: what `kubectl get --raw`, `kubectl proxy` and curl show, where nothing is sorted later. */

type Plain = Readonly<Record<string, unknown>>;

/** Members that are maps in Go: their keys are written in order. */
const MAPS: ReadonlySet<string> = new Set([
  "labels",
  "annotations",
  "matchLabels",
  "nodeSelector",
  "data",
  "binaryData",
  "limits",
  "requests",
  "capacity",
  "allocatable",
  "hard",
  "used",
]);

const isMap = (value: unknown): value is Plain => typeof value === "object" && value !== null && !Array.isArray(value);

/** The body as a server writes it. */
export function wireForm(body: unknown): unknown {
  if (!isMap(body)) return body;
  return sortedMaps(withoutItemKinds(body));
}

/** Items of the built-in lists do not repeat their kind on the wire; those of custom resources do. */
function withoutItemKinds(body: Plain): Plain {
  const { kind, apiVersion, items } = body;
  const group = String(apiVersion ?? "").includes("/") ? String(apiVersion).split("/")[0]! : "";
  const isBuiltIn = !group.includes(".") || group.endsWith(".k8s.io");
  if (!String(kind ?? "").endsWith("List") || !Array.isArray(items) || !isBuiltIn) return body;
  return {
    ...body,
    items: (items as readonly Plain[]).map(({ kind: _kind, apiVersion: _version, ...rest }) => rest),
  };
}

function sortedMaps(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => sortedMaps(item));
  if (!isMap(value)) return value;
  const keys = Object.keys(value);
  if (MAPS.has(name)) keys.sort();
  return Object.fromEntries(keys.map((key) => [key, sortedMaps(value[key], key)]));
}
