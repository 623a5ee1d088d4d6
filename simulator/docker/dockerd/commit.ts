/** docker commit and docker import: images made of a container's changes or of an archive. */
import type { Bytes } from "../../base/bytes";
import { rfc3339Nano } from "../../base/clock";
import type { Task } from "../../base/task";
import type { Image, ImageConfig } from "../../containerd/api";
import { makeImage } from "../../containerd/images";
import { changesOf, changesOfTree, makeLayer } from "../../containerd/layers";
import { parseReference, referenceString, withDefaultTag } from "../../containerd/reference";
import { TarFailure, decodeTar, treeOfTar } from "../../os/tar";
import { badRequest } from "../api/failure";
import type { ContainerConfig } from "../api/types";
import { applyChanges } from "./changes";
import { COST, type Daemon } from "./daemon";
import { tagImage } from "./images";
import type { RouteRequest } from "./route";

/** What of a container's configuration becomes an image's. */
function imageConfig(config: ContainerConfig): ImageConfig {
  const keep: (keyof ImageConfig)[] = [
    "User",
    "ExposedPorts",
    "Env",
    "Entrypoint",
    "Cmd",
    "Volumes",
    "WorkingDir",
    "Labels",
    "StopSignal",
    "OnBuild",
    "Shell",
    "Healthcheck",
  ];
  const result: Record<string, unknown> = {};
  for (const key of keep) {
    const value = (config as Record<string, unknown>)[key];
    if (value !== undefined && value !== null && value !== "") result[key] = value;
  }
  return result as ImageConfig;
}

export function* commitContainer(daemon: Daemon, request: RouteRequest): Task<Image> {
  const container = daemon.container(request.query("container") ?? "");
  const repository = request.query("repo") ?? "";
  const tag = request.query("tag") ?? "";
  const reference = repository === "" ? undefined : parseReference(tag === "" ? repository : `${repository}:${tag}`);
  if (reference && !reference.ok) throw badRequest(reference.error);
  const doPause = request.flag("pause", true) && container.running && !container.paused;
  if (doPause) daemon.containerd.pause(container.id);
  yield* daemon.wait(COST.start);
  if (doPause && container.running) daemon.containerd.resume(container.id);
  const asked = request.request.body as ContainerConfig | undefined;
  const base = imageConfig({ ...container.config, ...(asked && Object.keys(asked).length > 0 ? asked : {}) });
  const config = applyChanges(
    base,
    request.queryAll("changes").flatMap((line) => line.split("\n")),
  );
  const changes = changesOf(container.runtime.root);
  const created = rfc3339Nano(daemon.now());
  const comment = request.query("comment") ?? "";
  const author = request.query("author") ?? "";
  const layers = changes.length === 0 ? container.image.layers : [...container.image.layers, makeLayer(changes)];
  const image = makeImage({
    architecture: container.image.architecture,
    config,
    created,
    ...(author ? { author } : {}),
    layers,
    history: [
      ...container.image.history,
      {
        created,
        created_by: [container.path, ...container.args].join(" "),
        ...(author ? { author } : {}),
        ...(comment ? { comment } : {}),
        ...(changes.length === 0 ? { empty_layer: true } : {}),
      },
    ],
  });
  daemon.containerd.images.add(image);
  daemon.setParent(image.id, container.image.id);
  if (reference?.ok) tagImage(daemon, image, withDefaultTag(reference.value), false);
  daemon.publish(container, "commit", {
    comment,
    imageID: image.id,
    ...(reference?.ok ? { imageRef: referenceString(withDefaultTag(reference.value)) } : {}),
  });
  return image;
}

export function importArchive(
  daemon: Daemon,
  archive: Bytes,
  options: { readonly message: string; readonly changes: readonly string[]; readonly reference: string },
): Image {
  const reference = options.reference === "" ? undefined : parseReference(options.reference);
  if (reference && !reference.ok) throw badRequest(reference.error);
  let layer: ReturnType<typeof makeLayer>;
  try {
    layer = makeLayer(changesOfTree(treeOfTar(decodeTar(archive))));
  } catch (error) {
    if (error instanceof TarFailure) throw badRequest(error.message);
    throw error;
  }
  const created = rfc3339Nano(daemon.now());
  const image = makeImage({
    config: applyChanges({}, options.changes),
    created,
    layers: [layer],
    history: [{ created, ...(options.message ? { comment: options.message } : {}) }],
  });
  daemon.containerd.images.add(image);
  if (reference?.ok) tagImage(daemon, image, withDefaultTag(reference.value), false);
  daemon.events.publish("image", "import", image.id, { name: image.id });
  return image;
}
