/** docker save and load: images as archives in the OCI layout that Docker 25 and later write. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import { sha256Hex } from "../../base/hash";
import type { HistoryEntry, Image, ImageConfig, Layer } from "../../containerd/api";
import { configBlob, makeImage } from "../../containerd/images";
import { makeLayer } from "../../containerd/layers";
import { familiarName, familiarString, parseReference, referenceString } from "../../containerd/reference";
import { type TarEntry, TarFailure, decodeTar, encodeTar } from "../../os/tar";
import { DirInode, FileInode, type Inode } from "../../os/inode";
import { badRequest, notFound } from "../api/failure";
import type { Daemon } from "./daemon";
import { tagImage } from "./images";

const blobPath = (digest: string): string => `blobs/sha256/${digest.replace(/^sha256:/, "")}`;

/** A layer's changes as an archive; whiteouts as `.wh.` files. */
export function layerArchive(layer: Layer): Bytes {
  const entries: TarEntry[] = layer.changes.map(({ path, node }) => {
    const name = path.slice(1);
    if (!node) {
      const at = name.lastIndexOf("/") + 1;
      return { name: `${name.slice(0, at)}.wh.${name.slice(at)}`, node: new FileInode() };
    }
    return { name: node.kind === "dir" ? `${name}/` : name, node };
  });
  return encodeTar(entries);
}

export function saveImages(daemon: Daemon, names: readonly string[]): Bytes {
  const chosen = new Map<string, { image: Image; tags: Set<string> }>();
  for (const name of names) {
    const image = daemon.findImage(name);
    if (!image) throw notFound(`No such image: ${name}`);
    const entry = chosen.get(image.id) ?? { image, tags: new Set<string>() };
    chosen.set(image.id, entry);
    const reference = parseReference(name);
    const isId =
      !reference.ok ||
      (image.id.includes(name.replace(/^sha256:/, "")) &&
        !daemon.containerd.images.byName(referenceString(reference.value)));
    const { tags } = daemon.familiarNames(image.id);
    if (isId) continue;
    // A name without a tag saves every tag of the repository.
    for (const tag of tags) {
      const own = parseReference(tag);
      if (!own.ok || familiarName(own.value) !== familiarName(reference.value)) continue;
      if (reference.value.tag === undefined || own.value.tag === reference.value.tag) entry.tags.add(tag);
    }
  }
  const blobs = new Map<string, Bytes>();
  const addBlob = (bytes: Bytes, digest = `sha256:${sha256Hex(bytes)}`): string => {
    blobs.set(blobPath(digest), bytes);
    return digest;
  };
  const manifests: object[] = [];
  const index: object[] = [];
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, tags } of chosen.values()) {
    const config = encodeUtf8(
      configBlob({
        config: image.config,
        layers: image.layers,
        history: image.history,
        created: image.created,
        ...(image.author ? { author: image.author } : {}),
        architecture: image.architecture,
      }),
    );
    const archives = image.layers.map((layer) => ({ layer, bytes: layerArchive(layer) }));
    for (const { layer, bytes } of archives) blobs.set(blobPath(layer.diffId), bytes);
    blobs.set(blobPath(image.id), config);
    const layerRef = ({ layer, bytes }: (typeof archives)[number]) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      size: bytes.length,
      digest: layer.diffId,
    });
    const manifest = encodeUtf8(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: image.id, size: config.length },
        layers: archives.map(layerRef),
      }),
    );
    const digest = addBlob(manifest);
    const sorted = [...tags].sort();
    for (const tag of sorted.length > 0 ? sorted : [undefined]) {
      const reference = tag === undefined ? undefined : parseReference(tag);
      index.push({
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest,
        size: manifest.length,
        ...(reference?.ok
          ? {
              annotations: {
                "io.containerd.image.name": referenceString(reference.value),
                "org.opencontainers.image.ref.name": reference.value.tag ?? "latest",
              },
            }
          : {}),
      });
      if (reference?.ok)
        (repositories[familiarName(reference.value)] ??= {})[reference.value.tag ?? "latest"] =
          image.layers.at(-1)?.diffId.slice(7) ?? "";
    }
    // The image's description as version 1 had it: kept for engines before 25.
    addBlob(
      encodeUtf8(
        JSON.stringify({
          id: image.id.slice(7),
          created: image.created,
          os: image.os,
          architecture: image.architecture,
          config: image.config,
        }),
      ),
    );
    manifests.push({
      Config: blobPath(image.id),
      RepoTags: sorted.length > 0 ? sorted : null,
      Layers: image.layers.map((layer) => blobPath(layer.diffId)),
      LayerSources: Object.fromEntries(archives.map((each) => [each.layer.diffId, layerRef(each)])),
    });
    daemon.events.publish("image", "save", image.id, { ...image.config.Labels, name: image.id });
  }
  const file = (text: string): Inode => new FileInode(encodeUtf8(text));
  const entries: TarEntry[] = [
    { name: "blobs/", node: new DirInode() },
    { name: "blobs/sha256/", node: new DirInode() },
    ...[...blobs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, bytes]) => ({ name, node: new FileInode(bytes) })),
    {
      name: "index.json",
      node: file(
        JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: index }),
      ),
    },
    { name: "manifest.json", node: file(`${JSON.stringify(manifests)}\n`) },
    { name: "oci-layout", node: file('{"imageLayoutVersion": "1.0.0"}') },
    ...(Object.keys(repositories).length > 0
      ? [{ name: "repositories", node: file(JSON.stringify(repositories)) }]
      : []),
  ];
  return encodeTar(entries);
}

interface ManifestItem {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

interface StoredConfig {
  readonly architecture: string;
  readonly author?: string;
  readonly config: ImageConfig;
  readonly created: string;
  readonly history: readonly HistoryEntry[];
}

/** Loads an archive; answers the lines that the CLI prints. */
export function loadImages(daemon: Daemon, archive: Bytes): string[] {
  let files: Map<string, Bytes>;
  try {
    files = new Map(
      decodeTar(archive).flatMap(({ name, node }) => (node?.kind === "file" ? [[name, node.content] as const] : [])),
    );
  } catch (error) {
    if (error instanceof TarFailure) throw badRequest(error.message);
    throw error;
  }
  const text = files.get("manifest.json");
  if (text === undefined)
    throw badRequest(
      `open /var/lib/docker/tmp/docker-import-${daemon.random.stream("load").integer(100_000_000, 999_999_999)}/repositories: no such file or directory`,
    );
  const lines: string[] = [];
  for (const item of JSON.parse(decodeUtf8(text)) as ManifestItem[]) {
    const config = JSON.parse(decodeUtf8(files.get(item.Config) ?? ("{}" as Bytes))) as StoredConfig;
    const layers = item.Layers.map((path) => loadLayer(daemon, files.get(path), `sha256:${path.split("/").at(-1)}`));
    const image = makeImage({ ...config, layers });
    daemon.containerd.images.add(image);
    daemon.events.publish("image", "load", image.id, { ...image.config.Labels, name: image.id });
    if (!item.RepoTags?.length) lines.push(`Loaded image ID: ${image.id}`);
    for (const tag of item.RepoTags ?? []) {
      const reference = parseReference(tag);
      if (!reference.ok) throw badRequest(reference.error);
      tagImage(daemon, image, reference.value, false);
      lines.push(`Loaded image: ${familiarString(reference.value)}`);
    }
  }
  return lines;
}

/** A layer that is here already is taken as it is, so that both share one tree. */
function loadLayer(daemon: Daemon, bytes: Bytes | undefined, diffId: string): Layer {
  for (const image of daemon.containerd.images.images())
    for (const layer of image.layers) if (layer.diffId === diffId) return layer;
  for (const registry of daemon.containerd.registries.all()) {
    const layer = registry.layer(diffId);
    if (layer) return layer;
  }
  const removed: string[] = [];
  const entries = decodeTar(bytes ?? ("" as Bytes));
  const paths = new Map<string, Inode>();
  for (const { name, node, link } of entries) {
    const path = `/${name.replace(/\/$/, "")}`;
    const at = path.lastIndexOf("/") + 1;
    if (path.slice(at).startsWith(".wh.")) removed.push(path.slice(0, at) + path.slice(at + 4));
    else if (node) paths.set(path, node);
    else if (link && paths.has(`/${link}`)) paths.set(path, paths.get(`/${link}`)!);
  }
  return makeLayer([
    ...[...paths].map(([path, node]) => ({ path, node })),
    ...removed.map((path) => ({ path, node: undefined })),
  ]);
}
