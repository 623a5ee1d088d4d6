/** kubectl set image */
import { completeResources } from "../../completion";
import type { Part } from "../../describe/page";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { NOTHING_NAMED } from "../../messages";
import { applySet, podSpecOf, setFlags } from "../../set-command";

export const setImage = defineKubectlCommand({
  use: "image (-f FILENAME | TYPE NAME) CONTAINER_NAME_1=CONTAINER_IMAGE_1 ... CONTAINER_NAME_N=CONTAINER_IMAGE_N",
  short: "Update the image of a pod template",
  example:
    "  # A new image for the container 'web'\n  kubectl set image deployment/web web=nginx:1.25\n  \n  # For every container\n  kubectl set image deployment/web *=nginx:1.25",
  flags: setFlags,
  completeArgs: completeResources,
  *run(invocation) {
    const { args, flags } = invocation;
    const resources = args.filter((arg) => !arg.includes("="));
    const images = new Map<string, string>();
    for (const pair of args.filter((arg) => arg.includes("="))) {
      const at = pair.indexOf("=");
      if (at === 0) fail(`invalid key=value pair ${pair}`);
      images.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const problems: string[] = [];
    if (resources.length < 1 && flags.filename.length === 0) fail(NOTHING_NAMED);
    if (images.size === 0) problems.push("at least one image update is required");
    else if (images.size > 1 && images.has("*"))
      problems.push(
        "all containers are already specified by *, but saw more than one container_name=container_image pairs",
      );
    if (problems.length > 0) fail(problems[0]!);
    return yield* applySet(invocation, factoryOf(invocation), {
      resources,
      done: "image updated",
      refused: "failed to patch image update to pod template",
      change({ object }) {
        const place = podSpecOf(object);
        if (!place) return fail(`the object is not a pod or does not have a pod template: ${object.kind}`);
        const missing = [...images.keys()].filter(
          (name) =>
            name !== "*" &&
            ![...(place.spec.containers ?? []), ...(place.spec.initContainers ?? [])].some(
              (each: Part) => each.name === name,
            ),
        );
        if (missing.length > 0) fail(`unable to find container named "${missing[0]}"`);
        const update = (containers: readonly Part[] | undefined): readonly Part[] | undefined =>
          containers?.map((container) => {
            const image = images.get(container.name) ?? images.get("*");
            return image === undefined ? container : { ...container, image };
          });
        const spec = { ...place.spec, containers: update(place.spec.containers) };
        if (place.spec.initContainers) spec.initContainers = update(place.spec.initContainers);
        return place.with(spec);
      },
    });
  },
});
