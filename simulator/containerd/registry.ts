/**
 * Registries: servers that hold images by repository and tag. A Registry is one server; `Registries` is what a host can
 * reach, by name, with the faults that a lesson may set (slow, unreachable, rate limited).
 */
import type { Loop } from "../base/loop";
import type { Credentials, Image, Layer, PullFailure } from "./api";
import { parseReference } from "./reference";

export interface RegistryOptions {
  /** `docker.io`, `127.0.0.1:5000` */
  readonly domain: string;
  /** Time of one request, ms. */
  readonly latencyMs?: number;
  readonly bytesPerSecond?: number;
  /** What a pull of an unknown repository is told: Docker Hub says "denied", most others that it is not there. */
  readonly unknownRepository?: "denied" | "not-found";
  /** Whether a push may create repositories without credentials. */
  readonly anonymousPush?: boolean;
}

/** A trouble of the way to a registry or of the registry itself. */
export type RegistryFault =
  | { readonly kind: "unreachable"; readonly message?: string }
  | { readonly kind: "slow"; readonly factor: number }
  | { readonly kind: "rate-limited" };

export interface SearchRow {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
}

export class Registry {
  readonly domain: string;
  readonly latencyMs: number;
  readonly bytesPerSecond: number;
  readonly anonymousPush: boolean;
  readonly unknownRepository: "denied" | "not-found";
  fault: RegistryFault | undefined;
  readonly #repositories = new Map<string, Map<string, () => Image>>();
  readonly #private = new Map<string, string>();
  readonly #users = new Map<string, string>();
  readonly #descriptions = new Map<string, SearchRow>();
  /** Layers that pushes have brought, by digest: mounted or skipped next time. */
  readonly #layers = new Map<string, Layer>();

  constructor(options: RegistryOptions) {
    this.domain = options.domain;
    this.latencyMs = options.latencyMs ?? 60;
    this.bytesPerSecond = options.bytesPerSecond ?? 40_000_000;
    this.anonymousPush = options.anonymousPush ?? false;
    this.unknownRepository = options.unknownRepository ?? (options.domain === "docker.io" ? "denied" : "not-found");
  }

  /** Puts an image under `repository:tag` (`library/nginx`). */
  put(repository: string, tag: string, image: Image): void {
    this.putLazy(repository, tag, () => image);
    for (const layer of image.layers) this.#layers.set(layer.digest, layer);
  }

  /** As put, but the image is made when it is first asked for. */
  putLazy(repository: string, tag: string, image: () => Image): void {
    let tags = this.#repositories.get(repository);
    if (!tags) this.#repositories.set(repository, (tags = new Map()));
    tags.set(tag, image);
  }

  remove(repository: string, tag: string): void {
    const tags = this.#repositories.get(repository);
    tags?.delete(tag);
    if (tags?.size === 0) this.#repositories.delete(repository);
  }

  /** Makes a repository readable by one user only. */
  makePrivate(repository: string, username: string): void {
    this.#private.set(repository, username);
  }

  addUser(username: string, password: string): void {
    this.#users.set(username, password);
  }

  describe(row: SearchRow): void {
    this.#descriptions.set(row.name, row);
  }

  search(term: string): SearchRow[] {
    const wanted = term.toLowerCase();
    return [...this.#descriptions.values()]
      .filter((row) => row.name.includes(wanted) || row.description.toLowerCase().includes(wanted))
      .sort((a, b) => b.star_count - a.star_count || (a.name < b.name ? -1 : 1));
  }

  authenticate(credentials: Credentials): boolean {
    return this.#users.get(credentials.username) === credentials.password;
  }

  get hasUsers(): boolean {
    return this.#users.size > 0;
  }

  repositories(): string[] {
    return [...this.#repositories.keys()].sort();
  }

  tags(repository: string): string[] | undefined {
    const tags = this.#repositories.get(repository);
    return tags && [...tags.keys()].sort();
  }

  /** Makes every image that is only promised: who has which layer is known afterwards. */
  #fill(): void {
    for (const tags of this.#repositories.values())
      for (const make of tags.values()) for (const layer of make().layers) this.#layers.set(layer.digest, layer);
  }

  hasLayer(digest: string): boolean {
    if (!this.#layers.has(digest)) this.#fill();
    return this.#layers.has(digest);
  }

  /** A layer by the digest of its uncompressed archive. */
  layer(diffId: string): Layer | undefined {
    this.#fill();
    for (const layer of this.#layers.values()) if (layer.diffId === diffId) return layer;
    return undefined;
  }

  /** What a manifest request answers. */
  manifest(repository: string, target: string, credentials?: Credentials): Image | PullFailure {
    const tags = this.#repositories.get(repository);
    const owner = this.#private.get(repository);
    const allowed = owner === undefined || (credentials?.username === owner && this.authenticate(credentials));
    if ((!tags && this.unknownRepository === "denied") || !allowed)
      return { kind: "denied", message: "denied: requested access to the resource is denied" };
    if (!tags) return { kind: "unknown-tag", message: "manifest unknown: manifest unknown" };
    const image = target.startsWith("sha256:")
      ? [...tags.values()].map((make) => make()).find((candidate) => candidate.manifestDigest === target)
      : tags.get(target)?.();
    for (const layer of image?.layers ?? []) this.#layers.set(layer.digest, layer);
    return image ?? { kind: "unknown-tag", message: "manifest unknown: manifest unknown" };
  }

  /** Whether a push to this repository is allowed. */
  mayPush(repository: string, credentials?: Credentials): boolean {
    if (this.anonymousPush) return true;
    if (!credentials || !this.authenticate(credentials)) return false;
    return repository.startsWith(`${credentials.username}/`);
  }
}

const stores = new WeakMap<Loop, Map<string, Registry>>();

/** What a registry server of this world keeps, by the id in its data folder: made when it is first asked for. */
export function storeOf(loop: Loop, id: string): Registry {
  let own = stores.get(loop);
  if (!own) stores.set(loop, (own = new Map()));
  let store = own.get(id);
  if (!store) {
    store = new Registry({ domain: id, latencyMs: 5, bytesPerSecond: 200_000_000, anonymousPush: true });
    own.set(id, store);
  }
  return store;
}

/** Lets a server's data folder stand for a registry that is there already. */
export function setStore(loop: Loop, id: string, registry: Registry): void {
  let own = stores.get(loop);
  if (!own) stores.set(loop, (own = new Map()));
  own.set(id, registry);
}

/** Where a registry server keeps the id of its store, and the header by which the engine of this world finds it. */
export const STORE_FILE = "/var/lib/registry/docker/registry/v2/store";
export const STORE_HEADER = "X-Registry-Store";

/** The registries a machine knows, by domain. Shared by its hosts; each host decides by its own names whom it reaches. */
export class Registries {
  readonly #registries = new Map<string, Registry>();

  add(registry: Registry): void {
    this.#registries.set(registry.domain, registry);
  }

  get(domain: string): Registry | undefined {
    return this.#registries.get(domain);
  }

  all(): readonly Registry[] {
    return [...this.#registries.values()];
  }

  /** Puts an image by its full or familiar name; the registry must be there. */
  publish(name: string, image: Image): void {
    const reference = parseReference(name);
    if (!reference.ok) throw new Error(reference.error);
    const { domain, path, tag } = reference.value;
    this.#registries.get(domain)?.put(path, tag ?? "latest", image);
  }
}
