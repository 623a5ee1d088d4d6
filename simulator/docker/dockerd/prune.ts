/** docker … prune: what nobody uses any more, and how much space it gives back. */
import { parseRfc3339 } from "../../base/clock";
import { type Filters, hasLabels } from "../api/filters";
import type { Daemon } from "./daemon";
import { deleteImage } from "./image-delete";
import { writtenSize } from "./inspect";
import { dropContainer } from "./lifecycle";
import { untilOf } from "./prune-until";
import { ANONYMOUS_LABEL } from "./volumes";

const matches = (labels: Readonly<Record<string, string>> | null | undefined, filters: Filters): boolean =>
  hasLabels(labels, filters["label"]) && !(filters["label!"] ?? []).some((entry) => hasLabels(labels, [entry]));

export function pruneContainers(daemon: Daemon, filters: Filters) {
  const until = untilOf(daemon.now(), filters["until"]?.[0]);
  const deleted: string[] = [];
  let space = 0;
  for (const container of [...daemon.containers.values()].reverse()) {
    if (
      container.running ||
      container.restarting ||
      container.created > until ||
      !matches(container.config.Labels, filters)
    )
      continue;
    space += writtenSize(container);
    deleted.push(container.id);
    dropContainer(daemon, container, false);
  }
  daemon.events.publish("container", "prune", "", { reclaimed: String(space) });
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: space };
}

export function pruneNetworks(daemon: Daemon, filters: Filters) {
  const until = untilOf(daemon.now(), filters["until"]?.[0]);
  const deleted: string[] = [];
  for (const network of daemon.networks.unused()) {
    if (network.created > until || !matches(network.labels, filters)) continue;
    daemon.networks.remove(network.id);
    deleted.push(network.name);
  }
  daemon.events.publish("network", "prune", "", { reclaimed: "0" });
  return { NetworksDeleted: deleted.length > 0 ? deleted : null };
}

export function pruneVolumes(daemon: Daemon, filters: Filters) {
  const all = (filters["all"] ?? []).some((value) => value === "true" || value === "1");
  const deleted: string[] = [];
  let space = 0;
  for (const volume of daemon.volumes.all()) {
    if (!all && !(volume.labels && ANONYMOUS_LABEL in volume.labels)) continue;
    if (daemon.volumes.users(volume.name).length > 0 || !matches(volume.labels, filters)) continue;
    space += daemon.volumes.bytes(volume);
    daemon.volumes.remove(volume.name);
    deleted.push(volume.name);
  }
  daemon.events.publish("volume", "prune", "", { reclaimed: String(space) });
  return { VolumesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: space };
}

export function pruneImages(daemon: Daemon, filters: Filters) {
  const danglingOnly = !(filters["dangling"] ?? ["true"]).some((value) => value === "false" || value === "0");
  const until = untilOf(daemon.now(), filters["until"]?.[0]);
  const inUse = new Set([...daemon.containers.values()].map((container) => container.image.id));
  const deleted: { readonly Untagged?: string; readonly Deleted?: string }[] = [];
  const before = daemon.containerd.images.content.bytes;
  for (const image of [...daemon.containerd.images.images()]) {
    const { tags } = daemon.familiarNames(image.id);
    const created = parseRfc3339(image.created) ?? 0;
    if (
      inUse.has(image.id) ||
      (danglingOnly && tags.length > 0) ||
      created > until ||
      !matches(image.config.Labels, filters)
    )
      continue;
    for (const entry of deleteImage(daemon, image.id, { force: true, prune: true })) deleted.push(entry);
  }
  const space = before - daemon.containerd.images.content.bytes;
  daemon.events.publish("image", "prune", "", { reclaimed: String(space) });
  return { ImagesDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: space };
}
