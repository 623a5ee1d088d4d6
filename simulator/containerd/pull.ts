/** Pulling an image: resolve its name, fetch layers over virtual time (three at once), unpack them in order. */
import type { Loop } from "../base/loop";
import { Signal, type Task, sleep, startTask, suspend } from "../base/task";
import type { Image, Layer, PullFailure, PullOptions } from "./api";
import { type ImageStore, chainIds } from "./images";
import { type Reference, familiarName, referenceString, repositoryOf } from "./reference";
import type { Registries, Registry } from "./registry";

export interface PullHost {
  readonly loop: Loop;
  readonly images: ImageStore;
  readonly registries: Registries;
  /** Resolves a registry's host name as this host does; a text is the failure's, from "dial tcp" on. */
  reach(host: string): Task<string | undefined>;
  /** Asks a server on the host itself; a text is why there is no registry. */
  readonly probe?: ((domain: string) => Task<Registry | string>) | undefined;
}

export type PullResult = { readonly image: Image; readonly isNew: boolean } | PullFailure;

export const isFailure = (result: PullResult | Image | PullFailure): result is PullFailure => "kind" in result;

const CONCURRENT_DOWNLOADS = 3;
const UNPACK_BYTES_PER_SECOND = 250_000_000;
const TICK_MS = 100;

/** The host that serves a domain: Docker Hub's API has a name of its own. */
export const registryHost = (domain: string): string => (domain === "docker.io" ? "registry-1.docker.io" : domain);

const scheme = (domain: string): string => (/^(?:127\.|localhost(?::|$)|\[::1\])/.test(domain) ? "http" : "https");

/** The registry behind a domain, or why it cannot be spoken to. */
export function* reachRegistry(host: PullHost, domain: string): Task<Registry | PullFailure> {
  const server = registryHost(domain);
  const url = `${scheme(domain)}://${server}/v2/`;
  // A registry that the learner runs is found as a client finds it: by asking.
  if (scheme(domain) === "http" && !host.registries.get(domain) && host.probe) {
    const found = yield* host.probe(domain);
    return typeof found === "string"
      ? { kind: "unreachable", message: found.startsWith("error ") ? found : `Get "${url}": ${found}` }
      : found;
  }
  const trouble = yield* host.reach(server);
  if (trouble !== undefined) return { kind: "unreachable", message: `Get "${url}": ${trouble}` };
  const registry = host.registries.get(domain);
  if (!registry)
    return {
      kind: "unreachable",
      message: `Get "${url}": dial tcp: lookup ${server.replace(/:\d+$/, "")}: no such host`,
    };
  const fault = registry.fault;
  if (fault?.kind === "unreachable") {
    yield* sleep(host.loop, 15_000);
    return {
      kind: "unreachable",
      message: `Get "${url}": ${fault.message ?? "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"}`,
    };
  }
  yield* sleep(host.loop, registry.latencyMs * slowness(registry));
  if (fault?.kind === "rate-limited")
    return {
      kind: "rate-limited",
      message:
        "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
    };
  return registry;
}

const slowness = (registry: Registry): number => (registry.fault?.kind === "slow" ? registry.fault.factor : 1);

/** What a registry has under a reference, nothing fetched yet. */
export function* resolveImage(
  host: PullHost,
  reference: Reference,
  options: PullOptions = {},
): Task<{ registry: Registry; image: Image } | PullFailure> {
  const registry = yield* reachRegistry(host, reference.domain);
  if ("kind" in registry) return registry;
  const found = registry.manifest(reference.path, reference.digest ?? reference.tag ?? "latest", options.credentials);
  if ("kind" in found) return found;
  const platform = options.platform;
  if (platform && (platform.os !== found.os || platform.architecture !== found.architecture))
    return {
      kind: "no-platform",
      message: `no matching manifest for ${platform.os}/${platform.architecture} in the manifest list entries`,
    };
  return { registry, image: found };
}

/** Pulls; names are set by the caller's kind of store: the tag and the digest both point at the image afterwards. */
export function* pullImage(host: PullHost, reference: Reference, options: PullOptions = {}): Task<PullResult> {
  const resolved = yield* resolveImage(host, reference, options);
  if ("kind" in resolved) return resolved;
  const { registry, image } = resolved;
  options.onResolved?.(image);
  const before = host.images.byName(referenceString(reference));
  if (!host.images.get(image.id)) yield* fetchLayers(host, registry, image, options);
  host.images.add(image);
  // A tag that moves leaves the old image without it.
  if (reference.tag !== undefined && reference.digest === undefined)
    host.images.tag(referenceString(reference), image.id);
  host.images.tag(`${repositoryOf(reference)}@${image.manifestDigest}`, image.id);
  return { image, isNew: before?.id !== image.id };
}

interface Download {
  readonly layer: Layer;
  done: boolean;
}

function* fetchLayers(host: PullHost, registry: Registry, image: Image, options: PullOptions): Task<void> {
  const progress = options.onProgress ?? (() => {});
  const idOf = (layer: Layer): string => layer.digest.slice(7, 19);
  const chains = chainIds(image.layers);
  const downloads: Download[] = [];
  for (const [i, layer] of image.layers.entries()) {
    if (host.images.content.has(chains[i]!)) progress({ id: idOf(layer), status: "Already exists" });
    else downloads.push({ layer, done: false });
  }
  for (const { layer } of downloads) progress({ id: idOf(layer), status: "Pulling fs layer" });
  for (const { layer } of downloads.slice(CONCURRENT_DOWNLOADS)) progress({ id: idOf(layer), status: "Waiting" });
  const arrived = new Signal();
  let next = 0;
  function* worker(): Task<void> {
    while (next < downloads.length) {
      const download = downloads[next++]!;
      yield* fetchLayer(host, registry, download.layer, progress);
      download.done = true;
      arrived.ring();
    }
  }
  const workers = Array.from({ length: Math.min(CONCURRENT_DOWNLOADS, downloads.length) }, () =>
    startTask(host.loop, worker(), () => {}),
  );
  try {
    for (const download of downloads) {
      while (!download.done) yield* suspend(arrived.wait);
      const { layer } = download;
      const id = idOf(layer);
      const total = layer.compressedSize;
      const unpackMs = (layer.size / UNPACK_BYTES_PER_SECOND) * 1000;
      for (let at = 0; at < unpackMs; at += TICK_MS) {
        progress({ id, status: "Extracting", current: Math.round((at / unpackMs) * total), total });
        yield* sleep(host.loop, Math.min(TICK_MS, unpackMs - at));
      }
      progress({ id, status: "Extracting", current: total, total });
      progress({ id, status: "Pull complete" });
    }
  } finally {
    for (const handle of workers) handle.cancel();
  }
}

function* fetchLayer(
  host: PullHost,
  registry: Registry,
  layer: Layer,
  progress: NonNullable<PullOptions["onProgress"]>,
): Task<void> {
  const id = layer.digest.slice(7, 19);
  const factor = slowness(registry);
  yield* sleep(host.loop, registry.latencyMs * factor);
  const total = layer.compressedSize;
  const ms = (total / (registry.bytesPerSecond / CONCURRENT_DOWNLOADS)) * 1000 * factor;
  for (let at = 0; at < ms; at += TICK_MS) {
    progress({ id, status: "Downloading", current: Math.round((at / ms) * total), total });
    yield* sleep(host.loop, Math.min(TICK_MS, ms - at));
  }
  progress({ id, status: "Verifying Checksum" });
  progress({ id, status: "Download complete" });
}

/** dockerd's words for a failed pull. */
export function pullFailureMessage(reference: Reference, failure: PullFailure): string {
  const name = familiarName(reference);
  switch (failure.kind) {
    case "denied":
      return `pull access denied for ${name}, repository does not exist or may require 'docker login': ${failure.message}`;
    case "unknown-tag":
      return `manifest for ${name}${reference.digest ? `@${reference.digest}` : `:${reference.tag ?? "latest"}`} not found: ${failure.message}`;
    default:
      return failure.message;
  }
}
