/** docker pull and push: progress messages over virtual time, failures in dockerd's words. */
import type { ApiResponse } from "../../base/door";
import { type Task, sleep, startTask, suspend, Deferred } from "../../base/task";
import type { Credentials, Image, Layer, PullProgress } from "../../containerd/api";
import { type PullResult, isFailure, pullFailureMessage, reachRegistry } from "../../containerd/pull";
import {
  type Reference,
  familiarName,
  familiarString,
  parseReference,
  referenceString,
  repositoryOf,
  withDefaultTag,
} from "../../containerd/reference";
import type { Registry } from "../../containerd/registry";
import type { Inode } from "../../os/inode";
import { humanSizeWithPrecision } from "../../text/human-size";
import { ApiFailure, badRequest, notFound } from "../api/failure";
import type { ProgressMessage } from "../api/types";
import { sha256Hex } from "../../base/hash";
import { encodeUtf8 } from "../../base/bytes";
import { configBlob, manifestBlob } from "../../containerd/images";
import type { Daemon } from "./daemon";
import { mountSource, rememberSource } from "./layer-sources";
import { type StreamWriter, streamResponse } from "./streams";

/** `[=====>     ]  1.2MB/3.4MB`, as jsonmessage draws it for clients that show it. */
export function progressBar(current: number, total: number): string {
  const size = (value: number): string => humanSizeWithPrecision(value, 4).padStart(8);
  if (total <= 0) return size(current).trimStart();
  const percent = Math.min(50, Math.floor((current / total) * 50));
  const bar = percent < 50 ? `${"=".repeat(percent)}>${" ".repeat(50 - percent - 1 + 0)}` : "=".repeat(50) + ">";
  return `[${percent < 50 ? bar.padEnd(50) : bar.slice(0, 51)}] ${size(current)}/${humanSizeWithPrecision(total, 4)}`;
}

const message = (progress: PullProgress): ProgressMessage =>
  progress.total === undefined
    ? { id: progress.id, status: progress.status, progressDetail: {} }
    : {
        id: progress.id,
        status: progress.status,
        progressDetail: { current: progress.current ?? 0, total: progress.total },
        progress: progressBar(progress.current ?? 0, progress.total),
      };

const statusOf = {
  denied: 404,
  "unknown-tag": 404,
  unreachable: 500,
  "no-platform": 404,
  invalid: 400,
  "rate-limited": 500,
} as const;

export function* pullRoute(
  daemon: Daemon,
  options: {
    readonly name: string;
    readonly tag: string | undefined;
    readonly platform: string | undefined;
    readonly credentials: Credentials | undefined;
  },
): Task<ApiResponse> {
  const text = options.tag
    ? options.tag.includes(":")
      ? `${options.name}@${options.tag}`
      : `${options.name}:${options.tag}`
    : options.name;
  const parsed = parseReference(text);
  if (!parsed.ok) throw badRequest(parsed.error);
  const isAll = parsed.value.tag === undefined && parsed.value.digest === undefined;
  const references = isAll ? yield* allTags(daemon, parsed.value) : [parsed.value];
  const first = yield* beginPull(daemon, references[0]!, options);
  return streamResponse(daemon.loop, function* (writer) {
    let isNew = false;
    for (const [i, reference] of references.entries()) {
      const pull = i === 0 ? first : yield* beginPull(daemon, reference, options);
      isNew = (yield* pull(writer)) || isNew;
    }
    const shown = isAll ? familiarName(parsed.value) : familiarString(parsed.value);
    writer.message({ status: `Status: ${isNew ? "Downloaded newer image" : "Image is up to date"} for ${shown}` });
    const image = daemon.findImage(text);
    const [os = "linux", architecture = ""] = (options.platform ?? "").split("/");
    if (image && options.platform && (os !== image.os || (architecture !== "" && architecture !== image.architecture)))
      writer.message({
        status: `WARNING: image with reference ${shown} was found but its platform (${image.os}/${image.architecture}) does not match the specified platform (${options.platform})`,
      });
  });
}

/** Every tag of a repository: what `docker pull -a` asks for. */
function* allTags(daemon: Daemon, reference: Reference): Task<readonly Reference[]> {
  const registry = yield* reachRegistry(daemon.containerd, reference.domain);
  if ("kind" in registry) throw new ApiFailure(statusOf[registry.kind], pullFailureMessage(reference, registry));
  const tags = registry.tags(reference.path);
  if (!tags)
    throw new ApiFailure(
      404,
      pullFailureMessage(withDefaultTag(reference), {
        kind: "denied",
        message: "denied: requested access to the resource is denied",
      }),
    );
  return [...tags].reverse().map((tag) => ({ ...reference, tag }));
}

/** Starts one pull and waits until it is known what is pulled: until then a failure is the response's own. */
function* beginPull(
  daemon: Daemon,
  reference: Reference,
  options: { readonly credentials: Credentials | undefined },
): Task<(writer: StreamWriter) => Task<boolean>> {
  const resolved = new Deferred<Image | ApiFailure>();
  const progress: ProgressMessage[] = [];
  let emit = (each: ProgressMessage): void => void progress.push(each);
  const done = new Deferred<PullResult>();
  // The pull goes on when the client hangs up late, as dockerd's does until its own context ends.
  startTask(
    daemon.loop,
    daemon.containerd.pull(reference, {
      onResolved: (image) => resolved.resolve(image),
      onProgress: (each) => emit(message(each)),
      ...(options.credentials ? { credentials: options.credentials } : {}),
    }),
    (result) => {
      if (isFailure(result))
        resolved.resolve(new ApiFailure(statusOf[result.kind], pullFailureMessage(reference, result)));
      done.resolve(result);
    },
  );
  const first = yield* suspend(resolved.wait);
  if (first instanceof ApiFailure) throw first;
  return function* (writer) {
    writer.message({
      status: `Pulling from ${reference.path}`,
      id: reference.digest ? familiarString(reference) : (reference.tag ?? "latest"),
    });
    for (const each of progress) writer.message(each);
    emit = (each) => writer.message(each);
    const result = yield* suspend(done.wait);
    if (isFailure(result)) {
      writer.message(errorMessage(pullFailureMessage(reference, result)));
      return false;
    }
    writer.message({ status: `Digest: ${result.image.manifestDigest}` });
    rememberSource(daemon, reference, result.image);
    if (result.isNew) daemon.lastTagged.set(result.image.id, daemon.now());
    daemon.events.publish("image", "pull", familiarString(reference), {
      ...result.image.config.Labels,
      name: familiarName(reference),
    });
    return result.isNew;
  };
}

export const errorMessage = (text: string): ProgressMessage => ({ error: text, errorDetail: { message: text } });

export function* pushRoute(
  daemon: Daemon,
  options: { readonly name: string; readonly tag: string | undefined; readonly credentials: Credentials | undefined },
): Task<ApiResponse> {
  const parsed = parseReference(options.tag ? `${options.name}:${options.tag}` : options.name);
  if (!parsed.ok) throw badRequest(parsed.error);
  const reference = parsed.value;
  const repository = repositoryOf(reference);
  return streamResponse(daemon.loop, function* (writer) {
    writer.message({ status: `The push refers to repository [${repository}]` });
    const names = [...daemon.containerd.images.names()].filter(
      ([name]) => name.startsWith(`${repository}:`) && !name.includes("@"),
    );
    if (names.length === 0) {
      writer.message(errorMessage(`An image does not exist locally with the tag: ${familiarName(reference)}`));
      return;
    }
    const wanted = reference.tag === undefined ? names : names.filter(([name]) => name === referenceString(reference));
    if (wanted.length === 0) {
      writer.message(errorMessage(`tag does not exist: ${familiarString(reference)}`));
      return;
    }
    for (const [name, id] of wanted.sort(([a], [b]) => (a < b ? -1 : 1))) {
      const one = parseReference(name);
      const image = daemon.containerd.images.get(id);
      if (!one.ok || !image) continue;
      if (!(yield* pushOne(daemon, writer, one.value, image, options.credentials))) return;
    }
  });
}

function* pushOne(
  daemon: Daemon,
  writer: StreamWriter,
  reference: Reference,
  image: Image,
  credentials: Credentials | undefined,
): Task<boolean> {
  const registry = yield* reachRegistry(daemon.containerd, reference.domain);
  if ("kind" in registry) {
    writer.message(errorMessage(registry.message));
    return false;
  }
  const layers = [...image.layers].reverse();
  const idOf = (digest: string): string => digest.slice(7, 19);
  for (const layer of layers) writer.message({ id: idOf(layer.diffId), status: "Preparing", progressDetail: {} });
  for (const layer of layers.slice(5))
    writer.message({ id: idOf(layer.diffId), status: "Waiting", progressDetail: {} });
  yield* sleep(daemon.loop, registry.latencyMs);
  const allowed = registry.mayPush(reference.path, credentials);
  const here = new Set(
    (registry.tags(reference.path) ?? []).flatMap((tag) => {
      const found = registry.manifest(reference.path, tag, credentials);
      return "kind" in found ? [] : found.layers.map((layer) => layer.digest);
    }),
  );
  const finished: Deferred<void>[] = [];
  for (const layer of layers) {
    if (!here.has(layer.digest) && !allowed && !registry.hasLayer(layer.digest)) break;
    const done = new Deferred<void>();
    finished.push(done);
    const push =
      here.has(layer.digest) || !allowed
        ? existing(writer, idOf(layer.diffId))
        : pushLayer(daemon, writer, registry, reference, layer);
    startTask(daemon.loop, push, () => done.resolve());
  }
  for (const done of finished) yield* suspend(done.wait);
  if (!allowed) {
    const why = credentials
      ? "denied: requested access to the resource is denied"
      : "errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n";
    writer.message(errorMessage(why));
    return false;
  }
  registry.put(reference.path, reference.tag ?? "latest", image);
  rememberSource(daemon, reference, image);
  const name = `${repositoryOf(reference)}@${image.manifestDigest}`;
  daemon.containerd.images.tag(name, image.id);
  daemon.events.publish("image", "push", familiarString(reference), {
    ...image.config.Labels,
    name: familiarName(reference),
  });
  const manifest = manifestBlob(
    configBlob({
      config: image.config,
      layers: image.layers,
      history: image.history,
      created: image.created,
      architecture: image.architecture,
    }),
    image.layers,
  );
  const tag = reference.tag ?? "latest";
  writer.message({ status: `${tag}: digest: ${image.manifestDigest} size: ${manifest.length}` });
  writer.message({ progressDetail: {}, aux: { Tag: tag, Digest: image.manifestDigest, Size: manifest.length } });
  return true;
}

// biome-ignore lint/correctness/useYield: one of several ways to deal with a layer.
function* existing(writer: StreamWriter, id: string): Task<void> {
  writer.message({ id, status: "Layer already exists", progressDetail: {} });
}

/** What archives are read and sent in, and how often that is told at the most. */
const CHUNK = 32_768;
const TELL_MS = 100;
const TELL_BYTES = 512 * 1024;

/** Where a reader of an archive of `size` bytes tells of its progress first: after a hundredth, or 512 KiB. */
function firstTold(size: number): number {
  const step = Math.min(TELL_BYTES, Math.floor(size / 100));
  return 512 + CHUNK * Math.max(1, Math.ceil((step + 1 - 512) / CHUNK));
}

/** One layer on its way to a registry: mounted from a repository that has it, or sent. Layers go side by side. */
function* pushLayer(
  daemon: Daemon,
  writer: StreamWriter,
  registry: Registry,
  reference: Reference,
  layer: Layer,
): Task<void> {
  const id = layer.diffId.slice(7, 19);
  const source = mountSource(daemon, reference, layer.diffId);
  if (source !== undefined && registry.hasLayer(layer.digest)) {
    yield* sleep(daemon.loop, registry.latencyMs);
    writer.message({ id, status: `Mounted from ${source}`, progressDetail: {} });
    return;
  }
  const total = layer.size;
  const tell = (current: number): void =>
    writer.message({
      id,
      status: "Pushing",
      progressDetail: { current, total },
      progress: progressBar(current, total),
    });
  yield* sleep(daemon.loop, registry.latencyMs);
  // The archive is larger than its files: headers, and each file's end filled up.
  const archive = 1024 + layer.changes.reduce((sum, { node }) => sum + 512 + blocks(node), 0);
  const whole = Math.max(archive, total);
  const ms = (layer.compressedSize / registry.bytesPerSecond) * 1000;
  if (total > 0) tell(Math.min(whole, firstTold(total)));
  for (let at = TELL_MS; at < ms; at += TELL_MS) {
    yield* sleep(daemon.loop, TELL_MS);
    if (at + TELL_MS < ms) tell(Math.round((at / ms) * whole));
  }
  yield* sleep(daemon.loop, ms % TELL_MS);
  tell(whole);
  yield* sleep(daemon.loop, registry.latencyMs);
  writer.message({ id, status: "Pushed", progressDetail: {} });
}

const blocks = (node: Inode | undefined): number => (node?.kind === "file" ? Math.ceil(node.size / 512) * 512 : 0);

export function* searchRoute(daemon: Daemon, term: string, limit: number): Task<readonly object[]> {
  if (term === "") throw badRequest("Invalid search term");
  const slash = term.indexOf("/");
  const first = slash < 0 ? "" : term.slice(0, slash);
  const domain = /[.:]/.test(first) ? first : "docker.io";
  const trouble = domain === "docker.io" ? yield* daemon.containerd.reach("index.docker.io") : undefined;
  if (trouble !== undefined)
    throw new ApiFailure(500, `Get "https://index.docker.io/v1/search?q=${term}&n=${limit}": ${trouble}`);
  const registry = daemon.containerd.registries.get(domain);
  if (!registry) throw notFound(`no such registry: ${domain}`);
  yield* sleep(daemon.loop, registry.latencyMs);
  return registry
    .search(domain === "docker.io" ? term.replace(/^library\//, "") : term.slice(slash + 1))
    .slice(0, limit)
    .map((row) => ({ ...row, is_automated: false }));
}

/** Stable text for ids that are made of other ids. */
export const digestOf = (text: string): string => `sha256:${sha256Hex(encodeUtf8(text))}`;
