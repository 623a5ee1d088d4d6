/** Names that exist: what Tab offers after docker commands. */
import type { Completer } from "../../cli/command";
import { type DockerContext, DockerClient } from "./client";

export const completeContainers = (options: {
  readonly all: boolean;
  readonly first?: boolean;
  readonly states?: readonly string[];
}): Completer<DockerContext> =>
  function* ({ process, context, args }) {
    if (options.first && args.length > 0) return { candidates: [], files: true };
    const list = yield* new DockerClient(process, context).fetch<
      readonly { Names: readonly string[]; State: string }[]
    >("/containers/json", {
      all: options.all,
    });
    if (!list.ok) return { candidates: [] };
    return {
      candidates: list.value
        .filter((one) => !options.states || options.states.includes(one.State))
        .map((one) => one.Names[0]!.slice(1))
        .filter((name) => !args.includes(name)),
    };
  };

export const completeImages: Completer<DockerContext> = function* ({ process, context, args }) {
  if (args.length > 0) return { candidates: [], files: true };
  const list = yield* new DockerClient(process, context).fetch<readonly { RepoTags: readonly string[] | null }[]>(
    "/images/json",
  );
  if (!list.ok) return { candidates: [] };
  return { candidates: list.value.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>") };
};

export const completeNetworks: Completer<DockerContext> = function* ({ process, context }) {
  const list = yield* new DockerClient(process, context).fetch<readonly { Name: string }[]>("/networks");
  return { candidates: list.ok ? list.value.map((network) => network.Name) : [] };
};

export const completeVolumes: Completer<DockerContext> = function* ({ process, context }) {
  const list = yield* new DockerClient(process, context).fetch<{ Volumes: readonly { Name: string }[] | null }>(
    "/volumes",
  );
  return { candidates: list.ok ? (list.value.Volumes ?? []).map((volume) => volume.Name) : [] };
};
