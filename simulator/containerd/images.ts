/** Images and the names that point at them; trees of image layers, made once and shared; content by digest. */
import { encodeUtf8 } from "../base/bytes";
import type { Instant } from "../base/clock";
import { sha256Hex } from "../base/hash";
import { DirInode, FileInode, SymlinkInode, freezeTree, thaw } from "../os/inode";
import type { HistoryEntry, Image, ImageConfig, Layer } from "./api";
import { applyLayer } from "./layers";

export interface ImageParts {
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
  readonly history: readonly HistoryEntry[];
  /** RFC 3339 */
  readonly created: string;
  readonly author?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly comment?: string;
}

/** The config blob, as the OCI specification writes it. */
export function configBlob(parts: ImageParts): string {
  return JSON.stringify({
    architecture: parts.architecture ?? "amd64",
    config: parts.config,
    created: parts.created,
    ...(parts.author ? { author: parts.author } : {}),
    history: parts.history,
    os: "linux",
    rootfs: { type: "layers", diff_ids: parts.layers.map((layer) => layer.diffId) },
    ...(parts.variant ? { variant: parts.variant } : {}),
  });
}

/** The manifest blob: config and layers by digest. */
export function manifestBlob(config: string, layers: readonly Layer[]): string {
  // Indented as Docker's own manifests are: their size shows when they are pushed.
  return JSON.stringify(
    {
      schemaVersion: 2,
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      config: {
        mediaType: "application/vnd.docker.container.image.v1+json",
        size: config.length,
        digest: `sha256:${sha256Hex(encodeUtf8(config))}`,
      },
      layers: layers.map((layer) => ({
        mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
        size: layer.compressedSize,
        digest: layer.digest,
      })),
    },
    null,
    3,
  );
}

/** Makes an image of its parts; its id and digest follow from them. */
export function makeImage(parts: ImageParts): Image {
  const config = configBlob(parts);
  const manifest = manifestBlob(config, parts.layers);
  return Object.freeze({
    id: `sha256:${sha256Hex(encodeUtf8(config))}`,
    manifestDigest: `sha256:${sha256Hex(encodeUtf8(manifest))}`,
    architecture: parts.architecture ?? "amd64",
    os: "linux",
    ...(parts.variant ? { variant: parts.variant } : {}),
    created: parts.created,
    ...(parts.author ? { author: parts.author } : {}),
    config: parts.config,
    history: parts.history,
    layers: parts.layers,
    size: parts.layers.reduce((sum, layer) => sum + layer.size, 0),
  });
}

const knownChainIds = new WeakMap<readonly Layer[], readonly string[]>();

/** The chain ids of an image's layers: what a layer is with all below it. */
export function chainIds(layers: readonly Layer[]): readonly string[] {
  let ids = knownChainIds.get(layers);
  if (!ids) knownChainIds.set(layers, (ids = computeChainIds(layers)));
  return ids;
}

function computeChainIds(layers: readonly Layer[]): readonly string[] {
  const ids: string[] = [];
  for (const layer of layers) {
    const parent = ids.at(-1);
    ids.push(parent === undefined ? layer.diffId : `sha256:${sha256Hex(`${parent} ${layer.diffId}`)}`);
  }
  return ids;
}

const trees = new WeakMap<Layer, Map<DirInode, DirInode>>();
const EMPTY = freezeTree(new DirInode());

/** The frozen tree of stacked layers. The same layers give the same tree, whoever asks. */
export function treeOf(layers: readonly Layer[]): DirInode {
  let tree = EMPTY;
  for (const layer of layers) {
    let over = trees.get(layer);
    if (!over) trees.set(layer, (over = new Map()));
    let next = over.get(tree);
    if (!next) over.set(tree, (next = applyLayer(tree, layer)));
    tree = next;
  }
  return tree;
}

const rootTrees = new WeakMap<DirInode, DirInode>();
const rootTreesByLayers = new WeakMap<readonly Layer[], DirInode>();

/** The image's tree with the mount points that every container gets (dockerd's `-init` layer). */
export function containerTree(layers: readonly Layer[]): DirInode {
  let tree = rootTreesByLayers.get(layers);
  if (!tree) rootTreesByLayers.set(layers, (tree = makeContainerTree(treeOf(layers))));
  return tree;
}

function makeContainerTree(image: DirInode): DirInode {
  let tree = rootTrees.get(image);
  if (tree) return tree;
  const root = thaw(image);
  for (const name of ["dev", "proc", "sys", "etc"]) if (!root.entries.has(name)) root.entries.set(name, new DirInode());
  const etc = thaw(root.entries.get("etc") as DirInode);
  for (const name of ["hostname", "hosts", "resolv.conf"]) etc.entries.set(name, new FileInode());
  if (!etc.entries.has("mtab")) etc.entries.set("mtab", new SymlinkInode("/proc/mounts"));
  root.entries.set("etc", etc);
  tree = freezeTree(root);
  rootTrees.set(image, tree);
  return tree;
}

export interface NamedImage {
  /** `docker.io/library/nginx:latest`; without a name only where it is dangling. */
  readonly name: string;
  readonly image: Image;
  readonly at: Instant;
}

/** Content by digest: which blobs are here and how many images refer to each. */
export class ContentStore {
  readonly #blobs = new Map<string, { readonly size: number; references: number }>();

  addImage(image: Image): void {
    for (const { digest, size } of blobsOf(image)) {
      const blob = this.#blobs.get(digest);
      if (blob) blob.references++;
      else this.#blobs.set(digest, { size, references: 1 });
    }
  }

  removeImage(image: Image): void {
    for (const { digest } of blobsOf(image)) {
      const blob = this.#blobs.get(digest);
      if (blob && --blob.references === 0) this.#blobs.delete(digest);
    }
  }

  has(digest: string): boolean {
    return this.#blobs.has(digest);
  }

  references(digest: string): number {
    return this.#blobs.get(digest)?.references ?? 0;
  }

  /** Bytes of everything kept, each blob once. */
  get bytes(): number {
    let bytes = 0;
    for (const blob of this.#blobs.values()) bytes += blob.size;
    return bytes;
  }
}

function blobsOf(image: Image): { readonly digest: string; readonly size: number }[] {
  const chains = chainIds(image.layers);
  return [{ digest: image.id, size: 0 }, ...image.layers.map((layer, i) => ({ digest: chains[i]!, size: layer.size }))];
}

/** The images of one host: by id, and the names (tags and digests) that point at them. */
export class ImageStore {
  readonly content = new ContentStore();
  readonly #images = new Map<string, Image>();
  /** Full reference (`docker.io/library/nginx:latest` or `…@sha256:…`) to image id. */
  readonly #names = new Map<string, string>();
  /** The same the other way round, for those asked for since the last change. */
  readonly #namesOf = new Map<string, readonly string[]>();

  get(id: string): Image | undefined {
    return this.#images.get(id);
  }

  images(): readonly Image[] {
    return [...this.#images.values()];
  }

  byName(name: string): Image | undefined {
    const id = this.#names.get(name);
    return id === undefined ? undefined : this.#images.get(id);
  }

  /** Sorted names that point at an image. */
  namesOf(id: string): readonly string[] {
    let names = this.#namesOf.get(id);
    if (!names) {
      const found: string[] = [];
      for (const [name, target] of this.#names) if (target === id) found.push(name);
      this.#namesOf.set(id, (names = found.sort()));
    }
    return names;
  }

  names(): ReadonlyMap<string, string> {
    return this.#names;
  }

  /** Images whose id begins with hex digits (with or without `sha256:`). */
  byPrefix(prefix: string): Image[] {
    const wanted = prefix.startsWith("sha256:") ? prefix : `sha256:${prefix}`;
    return [...this.#images.values()].filter((image) => image.id.startsWith(wanted));
  }

  add(image: Image): void {
    if (this.#images.has(image.id)) return;
    this.#images.set(image.id, image);
    this.content.addImage(image);
  }

  /** Points a name at an image that is here. */
  tag(name: string, id: string): void {
    if (this.#names.get(name) === id) return;
    this.#names.set(name, id);
    this.#namesOf.clear();
  }

  untag(name: string): boolean {
    this.#namesOf.clear();
    return this.#names.delete(name);
  }

  /** Drops an image and every name of it. Answers the chain ids of layers that nothing needs any more, top first. */
  remove(id: string): string[] {
    const image = this.#images.get(id);
    if (!image) return [];
    for (const name of this.namesOf(id)) this.#names.delete(name);
    this.#namesOf.clear();
    this.#images.delete(id);
    const chains = chainIds(image.layers);
    this.content.removeImage(image);
    return chains.filter((chain) => !this.content.has(chain)).toReversed();
  }
}
