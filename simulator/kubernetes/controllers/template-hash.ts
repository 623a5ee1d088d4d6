/**
 * The hash of a Pod template that names ReplicaSets and revisions: FNV-1a over a dump, written with the alphabet that
 * makes no words. Upstream dumps Go structs; we dump the JSON with sorted keys, so equal templates hash alike while the
 * text differs from a real cluster's.
 */
import { fnv1a } from "../../base/hash";

const ALPHANUMS = "bcdfghjklmnpqrstvwxz2456789";

/** rand.SafeEncodeString. */
export function safeEncode(text: string): string {
  let encoded = "";
  for (let i = 0; i < text.length; i++) encoded += ALPHANUMS[text.charCodeAt(i) % ALPHANUMS.length];
  return encoded;
}

/** controller.ComputeHash; a collision count makes another hash of the same template. */
export function computeHash(template: unknown, collisionCount?: number): string {
  let hash = fnv1a(dump(template));
  if (collisionCount !== undefined) hash = fnv1a(String.fromCharCode(collisionCount & 0xff, collisionCount >> 8), hash);
  return safeEncode(String(hash));
}

function dump(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(dump).join(",")}]`;
  const record = value as Record<string, unknown>;
  return `{${Object.keys(record)
    .filter((key) => record[key] !== undefined)
    .sort()
    .map((key) => `${key}:${dump(record[key])}`)
    .join(",")}}`;
}
