/** docker.image: an image is in the engine's store (or no longer is). */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";
import { imageFits } from "./docker-container";

const schema = z.strictObject({
  kind: z.literal("docker.image"),
  /** Repository with or without a tag. */
  image: z.string(),
  present: z._default(z.boolean(), true),
});

export const dockerImage = defineCheck({
  kind: "docker.image",
  schema,
  names: (check) => [check.image],
  evaluate(check, observation) {
    const answer = observation.docker({ method: "GET", path: "/images/json" });
    const tags =
      answer?.status === 200
        ? (answer.body as readonly { RepoTags?: readonly string[] | null }[]).flatMap((image) => image.RepoTags ?? [])
        : [];
    const there = tags.some((tag) => imageFits(check.image, tag));
    if (there === check.present) return met;
    return check.present
      ? unmet(
          { vi: `Image \`${check.image}\` có trên máy.`, en: `Image \`${check.image}\` on this machine.` },
          { vi: "Máy chưa có image đó.", en: "The machine does not have it." },
          "docker images",
        )
      : unmet(
          {
            vi: `Image \`${check.image}\` không còn trên máy.`,
            en: `Image \`${check.image}\` gone from this machine.`,
          },
          { vi: "Image vẫn còn.", en: "It is still there." },
          "docker images",
        );
  },
});
