/** Names of kube-proxy's chains: the first 16 letters of the base32 of a SHA-256, as upstream makes them. */
import { sha256Hex } from "../../../base/hash";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648 base32 of a SHA-256, cut to `length` letters. */
export function hashName(text: string, length: number): string {
  const hex = sha256Hex(text);
  let bits = "";
  for (let i = 0; bits.length < length * 5; i++) bits += Number.parseInt(hex[i]!, 16).toString(2).padStart(4, "0");
  let out = "";
  for (let i = 0; i < length; i++) out += alphabet[Number.parseInt(bits.slice(i * 5, i * 5 + 5), 2)]!;
  return out;
}

/** Every node's proxy names the same chains, each time it writes. A pure function, kept for speed within a bound. */
const known = new Map<string, string>();

function hash(text: string): string {
  let name = known.get(text);
  if (name === undefined) {
    name = hashName(text, 16);
    if (known.size > 20_000) known.clear();
    known.set(text, name);
  }
  return name;
}

export const clusterPolicyChain = (name: string, protocol: string): string => `KUBE-SVC-${hash(name + protocol)}`;
export const localPolicyChain = (name: string, protocol: string): string => `KUBE-SVL-${hash(name + protocol)}`;
export const firewallChain = (name: string, protocol: string): string => `KUBE-FW-${hash(name + protocol)}`;
export const externalChain = (name: string, protocol: string): string => `KUBE-EXT-${hash(name + protocol)}`;
export const endpointChain = (name: string, protocol: string, endpoint: string): string =>
  `KUBE-SEP-${hash(name + protocol + endpoint)}`;
