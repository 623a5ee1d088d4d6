/** IPv4 addresses, CIDRs and MACs, and the allocators that hand them out. IPv6 exists as loopback and wildcard only. */

/** An IPv4 network. `base` has the host bits cleared. */
export interface Cidr {
  readonly base: number;
  readonly prefix: number;
}

/** The 32-bit value of a dotted quad; undefined when it is not one. */
export function parseIpv4(text: string): number | undefined {
  let value = 0;
  let part = -1;
  let parts = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 46;
    if (c === 46) {
      if (part < 0 || part > 255 || ++parts > 4) return undefined;
      value = value * 256 + part;
      part = -1;
    } else if (c >= 48 && c <= 57) {
      if (part === 0) return undefined;
      part = (part < 0 ? 0 : part * 10) + c - 48;
      if (part > 255) return undefined;
    } else return undefined;
  }
  return parts === 4 ? value : undefined;
}

export const formatIpv4 = (value: number): string =>
  `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

export const isIpv4 = (text: string): boolean => parseIpv4(text) !== undefined;

/** Whether text is an IPv6 address, loosely: this world has `::1` and `::` and parses the rest only to refuse it. */
export const isIpv6 = (text: string): boolean => /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text);

const maskOf = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

/** The netmask of a prefix length, dotted. */
export const netmask = (prefix: number): string => formatIpv4(maskOf(prefix));

/** Reads `10.0.0.0/8`, or a single address as a /32. Undefined when it is neither. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  let prefix = 32;
  if (slash >= 0) {
    const rest = text.slice(slash + 1);
    const dotted = parseIpv4(rest);
    if (dotted !== undefined) prefix = dotted.toString(2).replace(/0+$/, "").length;
    else if (/^\d{1,2}$/.test(rest)) prefix = Number(rest);
    else return undefined;
  }
  if (prefix > 32) return undefined;
  return { base: (address & maskOf(prefix)) >>> 0, prefix };
}

export const formatCidr = (cidr: Cidr): string => `${formatIpv4(cidr.base)}/${cidr.prefix}`;

export const cidrHasValue = (cidr: Cidr, value: number): boolean => (value & maskOf(cidr.prefix)) >>> 0 === cidr.base;

export function cidrHas(cidr: Cidr, address: string): boolean {
  const value = parseIpv4(address);
  return value !== undefined && cidrHasValue(cidr, value);
}

export const cidrSize = (cidr: Cidr): number => 2 ** (32 - cidr.prefix);

export const broadcastOf = (cidr: Cidr): string => formatIpv4(cidr.base + cidrSize(cidr) - 1);

export const cidrsOverlap = (a: Cidr, b: Cidr): boolean =>
  a.prefix <= b.prefix ? cidrHasValue(a, b.base) : cidrHasValue(b, a.base);

/** The address `offset` places into a network. */
export const addressAt = (cidr: Cidr, offset: number): string => formatIpv4(cidr.base + offset);

/** `127.0.0.0/8` or `::1`. */
export const isLoopback = (address: string): boolean => address === "::1" || address.startsWith("127.");

/** Docker's classic address-derived MAC, `02:42:` and the address in hex. */
export function macOfAddress(address: string, prefix = "02:42"): string {
  const value = parseIpv4(address) ?? 0;
  const hex = value.toString(16).padStart(8, "0");
  return `${prefix}:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}`;
}

/** A locally administered MAC from eight or more random hex digits. */
export const macOfHex = (hex: string): string => {
  const pairs = hex.padEnd(10, "0").slice(0, 10).match(/../g)!;
  return ["02", ...pairs].join(":");
};

/**
 * Hands out the addresses of a network. "lowest" takes the lowest free one (Docker's IPAM); "next" goes on from the
 * last one taken and wraps round (CNI's host-local), so that an address is not used again at once.
 */
export class AddressPool {
  readonly cidr: Cidr;
  readonly #order: "lowest" | "next";
  readonly #first: number;
  readonly #last: number;
  readonly #taken = new Set<number>();
  #cursor: number;

  /** The network and broadcast addresses are never given; `range` narrows what is. */
  constructor(cidr: Cidr, options: { readonly order?: "lowest" | "next"; readonly range?: Cidr } = {}) {
    this.cidr = cidr;
    this.#order = options.order ?? "lowest";
    const range = options.range ?? cidr;
    const edge = range.prefix >= 31 ? 0 : 1;
    this.#first = range.base === cidr.base ? range.base + edge : range.base;
    const last = range.base + cidrSize(range) - 1;
    this.#last = last === cidr.base + cidrSize(cidr) - 1 ? last - edge : last;
    this.#cursor = this.#first;
  }

  get used(): number {
    return this.#taken.size;
  }

  /** An address; undefined when none is free. */
  allocate(): string | undefined {
    const size = this.#last - this.#first + 1;
    const start = this.#order === "lowest" ? this.#first : this.#cursor;
    for (let i = 0; i < size; i++) {
      const value = this.#first + ((start - this.#first + i) % size);
      if (this.#taken.has(value)) continue;
      this.#taken.add(value);
      this.#cursor = value + 1 > this.#last ? this.#first : value + 1;
      return formatIpv4(value);
    }
    return undefined;
  }

  /** Takes a given address; false when it is taken or outside the network. */
  reserve(address: string): boolean {
    const value = parseIpv4(address);
    if (value === undefined || !cidrHasValue(this.cidr, value) || this.#taken.has(value)) return false;
    this.#taken.add(value);
    return true;
  }

  has(address: string): boolean {
    const value = parseIpv4(address);
    return value !== undefined && this.#taken.has(value);
  }

  release(address: string): void {
    const value = parseIpv4(address);
    if (value !== undefined) this.#taken.delete(value);
  }
}
