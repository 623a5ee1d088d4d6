/** Which repositories are known to have a layer, from pulls and pushes: what a push may mount instead of sending. */
import type { Image } from "../../containerd/api";
import { type Reference, repositoryOf } from "../../containerd/reference";
import type { Daemon } from "./daemon";

const known = new WeakMap<Daemon, Map<string, string[]>>();

/** A pull or push has shown that the repository has the image's layers. */
export function rememberSource(daemon: Daemon, reference: Reference, image: Image): void {
  let sources = known.get(daemon);
  if (!sources) known.set(daemon, (sources = new Map()));
  const repository = repositoryOf(reference);
  for (const { diffId } of image.layers) {
    const list = sources.get(diffId) ?? [];
    sources.set(diffId, [...list.filter((each) => each !== repository), repository]);
  }
}

/** The repository of the same registry to mount from: the one with the most path components in common, then the newest. */
export function mountSource(daemon: Daemon, target: Reference, diffId: string): string | undefined {
  const own = repositoryOf(target);
  const parts = own.split("/");
  const likeness = (repository: string): number => {
    const other = repository.split("/");
    let same = 0;
    while (same < parts.length && parts[same] === other[same]) same++;
    return same;
  };
  let best: string | undefined;
  for (const repository of known.get(daemon)?.get(diffId) ?? []) {
    if (repository === own || !repository.startsWith(`${target.domain}/`)) continue;
    if (best === undefined || likeness(repository) >= likeness(best)) best = repository;
  }
  return best?.slice(target.domain.length + 1);
}
