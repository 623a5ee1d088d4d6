/** --append-hash: ten letters of the content's SHA-256 at the end of the name (kustomize's hasher). */
import { sha256Hex } from "../../../../base/hash";
import { goJson } from "../../../../text/go-json";

const LETTERS: Readonly<Record<string, string>> = { "0": "g", "1": "h", "3": "k", a: "m", e: "t" };

/** The object under its hashed name. `content` is what the hash is taken of. */
export function hashed<T extends { readonly metadata: { readonly name: string } }>(
  object: T,
  content: Record<string, unknown>,
): T {
  const digest = sha256Hex(goJson(content)).slice(0, 10);
  const suffix = [...digest].map((ch) => LETTERS[ch] ?? ch).join("");
  return { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${suffix}` } };
}
