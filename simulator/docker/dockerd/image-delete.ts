/** docker rmi: untags, and deletes what nothing points at any more, with the conflicts that upstream reports. */
import type { Image } from "../../containerd/api";
import {
  familiarName,
  familiarString,
  parseReference,
  referenceString,
  repositoryOf,
  withDefaultTag,
} from "../../containerd/reference";
import { ApiFailure, conflict } from "../api/failure";
import { chainIds } from "../../containerd/images";
import { cachedLayers } from "./build/cache";
import type { DockerContainer } from "./container";
import type { Daemon } from "./daemon";

export interface DeletedItem {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

const hex = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** Removes what `text` names: a tag, a digest reference or an id. */
export function deleteImage(
  daemon: Daemon,
  text: string,
  options: { readonly force: boolean; readonly prune: boolean },
): DeletedItem[] {
  const { images } = daemon.containerd;
  const image = daemon.image(text);
  const isId =
    image.id.startsWith(text.startsWith("sha256:") ? text : `sha256:${text}`) && !images.byName(nameOf(text) ?? "");
  const deleted: DeletedItem[] = [];
  const users = [...daemon.containers.values()].filter((container) => container.image.id === image.id);
  const running = users.find((container) => container.running);
  if (!isId) {
    const reference = parseReference(text);
    if (!reference.ok) throw new ApiFailure(400, reference.error);
    const wanted = withDefaultTag(reference.value);
    const names = images.namesOf(image.id);
    const { tags } = daemon.familiarNames(image.id);
    if (!options.force && tags.length === 1 && !wanted.digest && users.length > 0) {
      const user = users[0]!;
      throw conflict(
        `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - container ${user.shortId} is using its referenced image ${hex(image.id)}`,
      );
    }
    untag(daemon, image, referenceString(wanted), deleted);
    // The digests of a repository go with its last tag.
    const repository = repositoryOf(wanted);
    const rest = images.namesOf(image.id);
    const tagsLeft = rest.some((name) => name.startsWith(`${repository}:`) && !name.includes("@"));
    if (!tagsLeft)
      for (const name of names)
        if (name.startsWith(`${repository}@`) && rest.includes(name)) untag(daemon, image, name, deleted);
    if (images.namesOf(image.id).some((name) => !name.includes("@")) || images.namesOf(image.id).length > 0)
      return deleted;
    if (users.length > 0) return deleted;
  } else {
    const { tags, digests } = daemon.familiarNames(image.id);
    const repositories = new Set(
      [...tags, ...digests].map((name) => {
        const reference = parseReference(name);
        return reference.ok ? repositoryOf(reference.value) : name;
      }),
    );
    if (running)
      throw conflict(
        `conflict: unable to delete ${hex(image.id)} (cannot be forced) - image is being used by running container ${running.shortId}`,
      );
    if (!options.force && repositories.size > 1)
      throw conflict(
        `conflict: unable to delete ${hex(image.id)} (must be forced) - image is referenced in multiple repositories`,
      );
    if (!options.force && users.length > 0)
      throw conflict(
        `conflict: unable to delete ${hex(image.id)} (must be forced) - image is being used by stopped container ${users[0]!.shortId}`,
      );
    for (const name of images.namesOf(image.id)) untag(daemon, image, name, deleted);
  }
  if (hasChildren(daemon, image)) {
    if (isId && !options.force)
      throw conflict(
        `conflict: unable to delete ${hex(image.id)} (cannot be forced) - image has dependent child images`,
      );
  }
  drop(daemon, image, users, options.prune, deleted);
  return deleted;
}

function nameOf(text: string): string | undefined {
  const reference = parseReference(text);
  return reference.ok ? referenceString(withDefaultTag(reference.value)) : undefined;
}

function untag(daemon: Daemon, image: Image, name: string, deleted: DeletedItem[]): void {
  if (!daemon.containerd.images.untag(name)) return;
  const reference = parseReference(name);
  if (!reference.ok) return;
  const shown = reference.value.digest
    ? `${familiarName(reference.value)}@${reference.value.digest}`
    : familiarString(reference.value);
  deleted.push({ Untagged: shown });
  daemon.events.publish("image", "untag", image.id, { ...image.config.Labels, name: image.id });
}

function hasChildren(daemon: Daemon, image: Image): boolean {
  return (
    daemon.parents.has(image.id) &&
    [...daemon.parents.get(image.id)!].some((child) => daemon.containerd.images.get(child))
  );
}

/** Layers stay while a container or another image needs them. */
function drop(
  daemon: Daemon,
  image: Image,
  users: readonly DockerContainer[],
  prune: boolean,
  deleted: DeletedItem[],
): void {
  if (hasChildren(daemon, image)) return;
  const ids = chainIds(image.layers);
  const kept = cachedLayers(daemon);
  const chains = daemon.containerd.images.remove(image.id);
  deleted.push({ Deleted: image.id });
  if (users.length === 0)
    for (const chain of chains)
      if (!kept.has(image.layers[ids.indexOf(chain)]?.diffId ?? "")) deleted.push({ Deleted: chain });
  daemon.events.publish("image", "delete", image.id, { ...image.config.Labels, name: image.id });
  const parent = daemon.parentOf.get(image.id);
  daemon.parentOf.delete(image.id);
  if (parent === undefined) return;
  daemon.parents.get(parent)?.delete(image.id);
  // Intermediate images of the classic builder go with their last child.
  const parentImage = daemon.containerd.images.get(parent);
  if (
    prune &&
    parentImage &&
    daemon.containerd.images.namesOf(parent).length === 0 &&
    ![...daemon.containers.values()].some((container) => container.image.id === parent)
  )
    drop(daemon, parentImage, [], prune, deleted);
}
