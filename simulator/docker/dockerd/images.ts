/** docker images, tag, history and inspect: what images there are and what they are made of. */
import { parseRfc3339 } from "../../base/clock";
import type { Image } from "../../containerd/api";
import { chainIds } from "../../containerd/images";
import {
  type Reference,
  familiarName,
  familiarString,
  parseReference,
  referenceString,
} from "../../containerd/reference";
import { badRequest } from "../api/failure";
import { type Filters, anyOf, hasLabels, readBool } from "../api/filters";
import type { Daemon } from "./daemon";
import { goTime, graphDriverJson, layerDir } from "./inspect";
import { untilOf } from "./prune-until";

export const imageFilters = ["dangling", "label", "before", "since", "reference", "until"] as const;

export function tagImage(daemon: Daemon, image: Image, reference: Reference, withEvent = true): void {
  const name = referenceString(reference);
  daemon.containerd.images.tag(name, image.id);
  daemon.lastTagged.set(image.id, daemon.now());
  if (withEvent)
    daemon.events.publish("image", "tag", image.id, { ...image.config.Labels, name: familiarString(reference) });
}

const createdAt = (image: Image): number => parseRfc3339(image.created) ?? 0;

/** path.Match: `*` does not cross a slash. */
export function matchesGlob(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replace(/\*/g, "[^/]*")
    .replace(/\?/g, "[^/]");
  try {
    return new RegExp(`^${source}$`).test(text);
  } catch {
    return false;
  }
}

function matchesReference(pattern: string, name: string): boolean {
  const reference = parseReference(name);
  if (!reference.ok) return false;
  return matchesGlob(pattern, familiarString(reference.value)) || matchesGlob(pattern, familiarName(reference.value));
}

/** Rows for `docker images`, newest first. */
export function listImages(
  daemon: Daemon,
  options: {
    readonly all: boolean;
    readonly filters: Filters;
    readonly sharedSize: boolean;
    readonly digests: boolean;
  },
) {
  const { filters } = options;
  const dangling = filters["dangling"]?.map((value) => {
    const parsed = readBool(value);
    if (parsed === undefined) throw badRequest(`invalid filter 'dangling=[${value}]'`);
    return parsed;
  });
  const limit = (key: "before" | "since"): number | undefined => {
    const name = filters[key]?.[0];
    return name === undefined ? undefined : createdAt(daemon.image(name));
  };
  const before = limit("before");
  const since = limit("since");
  const until = untilOf(daemon.now(), filters["until"]?.[0]);
  const rows = [];
  for (const image of daemon.containerd.images.images()) {
    const created = createdAt(image);
    if (before !== undefined && created >= before) continue;
    if (since !== undefined && created <= since) continue;
    if (created > until || !hasLabels(image.config.Labels, filters["label"])) continue;
    let { tags, digests } = daemon.familiarNames(image.id);
    if (filters["reference"]) {
      tags = tags.filter((name) => anyOf(filters["reference"], (pattern) => matchesReference(pattern, name)));
      digests = digests.filter((name) => anyOf(filters["reference"], (pattern) => matchesReference(pattern, name)));
      if (tags.length === 0 && digests.length === 0) continue;
    }
    const isDangling = tags.length === 0;
    if (isDangling && !options.all && (daemon.parents.get(image.id)?.size ?? 0) > 0) continue;
    if (dangling && !dangling.includes(isDangling)) continue;
    rows.push({
      Containers: -1,
      Created: Math.floor(created / 1000),
      Id: image.id,
      Labels: image.config.Labels ?? null,
      ParentId: daemon.parentOf.get(image.id) ?? "",
      RepoDigests: digests,
      RepoTags: tags,
      SharedSize: options.sharedSize ? sharedSize(daemon, image) : -1,
      Size: image.size,
    });
  }
  const position = new Map(daemon.containerd.images.images().map((image, i) => [image.id, i]));
  return rows.sort((a, b) => b.Created - a.Created || position.get(b.Id)! - position.get(a.Id)!);
}

/** Bytes of layers that other images use too. */
export function sharedSize(daemon: Daemon, image: Image): number {
  const chains = chainIds(image.layers);
  let shared = 0;
  image.layers.forEach((layer, i) => {
    if (daemon.containerd.images.content.references(chains[i]!) > 1) shared += layer.size;
  });
  return shared;
}

export function inspectImage(daemon: Daemon, image: Image) {
  const { tags, digests } = daemon.familiarNames(image.id);
  const { config } = image;
  const top = image.layers.at(-1);
  const hasEmpty = (value: object | undefined): boolean => value !== undefined && Object.keys(value).length > 0;
  return {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: daemon.parentOf.get(image.id) ?? "",
    Comment: image.history.at(-1)?.comment ?? "",
    Created: goTime(createdAt(image)),
    DockerVersion: daemon.classicBuilt.has(image.id) ? daemon.facts.version : "",
    Author: image.author ?? "",
    Architecture: image.architecture,
    ...(image.variant ? { Variant: image.variant } : {}),
    Os: image.os,
    Size: image.size,
    GraphDriver: graphDriverJson(daemon, {
      key: top?.diffId ?? image.id,
      lower: [...image.layers]
        .reverse()
        .slice(1)
        .map((layer) => layerDir(daemon, layer.diffId)),
    }),
    RootFS: {
      Type: "layers",
      ...(image.layers.length > 0 ? { Layers: image.layers.map((layer) => layer.diffId) } : {}),
    },
    Metadata: { LastTagTime: goTime(daemon.lastTagged.get(image.id)) },
    Config: {
      ...(config.ArgsEscaped ? { ArgsEscaped: true } : {}),
      Cmd: config.Cmd ?? null,
      Entrypoint: config.Entrypoint ?? null,
      Env: config.Env ?? null,
      ...(hasEmpty(config.ExposedPorts) ? { ExposedPorts: config.ExposedPorts } : {}),
      ...(config.Healthcheck ? { Healthcheck: config.Healthcheck } : {}),
      Labels: config.Labels ?? null,
      OnBuild: config.OnBuild ?? null,
      ...(config.Shell ? { Shell: config.Shell } : {}),
      ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
      User: config.User ?? "",
      Volumes: config.Volumes ?? null,
      WorkingDir: config.WorkingDir ?? "",
    },
  };
}

/** Newest first. The image itself has an id; what came with a pull is `<missing>`; parents are known for own builds. */
export function imageHistory(daemon: Daemon, image: Image) {
  const rows = [];
  let layer = 0;
  for (const entry of image.history) {
    const size = entry.empty_layer ? 0 : (image.layers[layer++]?.size ?? 0);
    rows.push({
      Comment: entry.comment ?? "",
      Created: Math.floor((parseRfc3339(entry.created) ?? 0) / 1000),
      CreatedBy: entry.created_by ?? "",
      Id: "<missing>",
      Size: size,
      Tags: null as readonly string[] | null,
    });
  }
  rows.reverse();
  let at: Image | undefined = image;
  for (const row of rows) {
    if (!at) break;
    row.Id = at.id;
    const { tags } = daemon.familiarNames(at.id);
    row.Tags = tags.length > 0 ? tags : null;
    const parent: string | undefined = daemon.parentOf.get(at.id);
    at = parent === undefined ? undefined : daemon.containerd.images.get(parent);
    // Only one step apart: a commit's parent brings all the steps it had.
    if (at && at.history.length !== rows.length - rows.indexOf(row) - 1) at = undefined;
  }
  return rows;
}
