/**
 * The hash of a Pod template that names ReplicaSets and revisions: FNV-1a over Go's dump of the template, written with
 * the alphabet that makes no words. The dump is that of upstream's structs, so that equal templates have the names that
 * a real cluster gives them.
 */
import { encodeUtf8 } from "../../base/bytes";
import { fnv1a } from "../../base/hash";
import { goJson } from "../../text/go-json";
import { goShapes } from "./go-shapes";

const ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789";

/** rand.SafeEncodeString. */
export function safeEncode(text: string): string {
  let encoded = "";
  for (let i = 0; i < text.length; i++) encoded += ALPHANUMS[text.charCodeAt(i) % ALPHANUMS.length];
  return encoded;
}

/** controller.ComputeHash; a collision count makes another hash of the same template. */
export function computeHash(template: unknown, collisionCount?: number): string {
  let hash = dumpHash(template);
  if (collisionCount !== undefined) {
    const bytes = [0, 8, 16, 24].map((shift) => (collisionCount >>> shift) & 0xff);
    hash = fnv1a(String.fromCharCode(...bytes, 0, 0, 0, 0), hash);
  }
  return safeEncode(String(hash));
}

/** history.HashControllerRevision: FNV-1 (not 1a) over the patch as JSON and the collision count as text. */
export function hashRevision(data: unknown, collisionCount: number): string {
  const text = encodeUtf8(goJson(data)) + String(collisionCount);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash, 0x01000193) ^ text.charCodeAt(i);
  return safeEncode(String(hash >>> 0));
}

/** Templates are frozen parts of stored objects: each is dumped once. */
const known = new WeakMap<object, number>();

function dumpHash(template: unknown): number {
  if (typeof template !== "object" || template === null || !Object.isFrozen(template))
    return fnv1a(encodeUtf8(goDump(template, "v1.PodTemplateSpec")));
  let hash = known.get(template);
  if (hash === undefined) {
    hash = fnv1a(encodeUtf8(goDump(template, "v1.PodTemplateSpec")));
    known.set(template, hash);
  }
  return hash;
}

interface Member {
  readonly go: string;
  readonly json: string;
  readonly type: string;
  readonly embedded: boolean;
}

const parsed = new Map<string, readonly Member[]>();

function membersOf(struct: string): readonly Member[] | undefined {
  const known = parsed.get(struct);
  if (known) return known;
  const text = goShapes[struct];
  if (text === undefined) return undefined;
  const members = text.split(" ").map((word): Member => {
    const colon = word.indexOf(":");
    const [name = "", json] = word.slice(0, colon).replace("+", "").split("@");
    return {
      go: name,
      json: json ?? name[0]!.toLowerCase() + name.slice(1),
      type: word.slice(colon + 1),
      embedded: word.startsWith("+"),
    };
  });
  parsed.set(struct, members);
  return members;
}

/** spew's `%#v` of a value of a Go type: `(*int64)30`, `([]string)<nil>`, `(v1.Volume){Name:(string)data …}`. */
export function goDump(value: unknown, type: string): string {
  if (type.startsWith("*"))
    return value === undefined || value === null ? `(${type})<nil>` : `(${type})${bare(value, type.slice(1))}`;
  return `(${type})${bare(value, type)}`;
}

/** The same without the type in front. */
function bare(value: unknown, type: string): string {
  if (type.startsWith("[]")) {
    if (!Array.isArray(value)) return "<nil>";
    return `[${value.map((item) => bare(item, type.slice(2))).join(" ")}]`;
  }
  if (type.startsWith("map[") || type === "v1.ResourceList") {
    if (value === undefined || value === null) return "<nil>";
    const of = type === "v1.ResourceList" ? "resource.Quantity" : type.slice(type.indexOf("]") + 1);
    const record = value as Record<string, unknown>;
    return `map[${Object.keys(record)
      .sort()
      .map((key) => `${key}:${bare(record[key], of)}`)
      .join(" ")}]`;
  }
  const scalar = SCALARS[type];
  if (scalar !== undefined) return value === undefined || value === null ? scalar : String(value);
  if (type === "v1.Time") return "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}";
  if (type === "intstr.IntOrString") return intOrString(value);
  if (type === "resource.Quantity") return quantity(value);
  const members = membersOf(type);
  // A named string; or one of the structs that nobody here uses, whose JSON will do.
  if (!members) return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
  const record = (value ?? {}) as Record<string, unknown>;
  return `{${members
    .map(({ go, json, type: of, embedded }) => `${go}:${goDump(embedded ? record : record[json], of)}`)
    .join(" ")}}`;
}

const SCALARS: Readonly<Record<string, string>> = { string: "", bool: "false", int32: "0", int64: "0" };

function intOrString(value: unknown): string {
  const [kind, number, text] = typeof value === "string" ? [1, 0, value] : [0, Number(value ?? 0), ""];
  return `{Type:(intstr.Type)${kind} IntVal:(int32)${number} StrVal:(string)${text}}`;
}

const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** What ParseQuantity leaves: the number before its suffix as an integer and a power of ten, and the text itself. */
function quantity(value: unknown): string {
  const text = value === undefined || value === null ? "" : String(value);
  const found = /^([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]*)$/.exec(text);
  let amount = "0";
  let scale = 0;
  let format = "DecimalSI";
  if (found && text !== "") {
    const [, sign = "", whole = "", fraction = "", suffix = ""] = found;
    const digits = BigInt(`${whole}${fraction}` || "0");
    const power = BINARY.indexOf(suffix);
    if (power >= 0) {
      format = "BinarySI";
      amount = `${sign === "-" ? "-" : ""}${digits * 1024n ** BigInt(power + 1)}`;
    } else {
      amount = `${sign === "-" ? "-" : ""}${digits}`;
      scale = (DECIMAL[suffix] ?? 0) - fraction.length;
    }
  } else if (text === "") format = "";
  return `{i:(resource.int64Amount){value:(int64)${amount} scale:(resource.Scale)${scale}} d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} s:(string)${text} Format:(resource.Format)${format}}`;
}
