/** docker images (docker image ls) */
import { boolFlag } from "../../../../cli/flags";
import { maxArgs } from "../../../../cli/style-docker";
import { dockerDuration } from "../../../../text/human-duration";
import { humanSizeWithPrecision } from "../../../../text/human-size";
import { encodeFilters } from "../../client";
import { completeImages } from "../../complete";
import { type RowType, formatRows, readFormat, shortId } from "../../format";
import { goTime } from "../../go-time";
import { filterFlag, formatFlag, noTruncFlag } from "../../list-flags";
import { docker, fail, failCall, printRows } from "../../run-command";
import { imageTree } from "./tree";

export interface ImageSummary {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
  readonly SharedSize?: number;
  readonly Containers?: number;
}

export interface ImageRow {
  readonly image: ImageSummary;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly truncate: boolean;
  readonly now: number;
}

const amount = (value: number | undefined, show: (value: number) => string): string =>
  value === undefined || value < 0 ? "N/A" : show(value);

export const imageRow: RowType<ImageRow> = {
  goType: "*formatter.imageContext",
  headers: {
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    Containers: "CONTAINERS",
    VirtualSize: "SIZE",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
  },
  fields: {
    ID: ({ image, truncate }) => (truncate ? shortId(image.Id) : image.Id),
    Repository: ({ repository }) => repository,
    Tag: ({ tag }) => tag,
    Digest: ({ digest }) => digest,
    CreatedSince: ({ image, now }) => `${dockerDuration(now - image.Created * 1000)} ago`,
    CreatedAt: ({ image }) => goTime(image.Created * 1000),
    Size: ({ image }) => humanSizeWithPrecision(image.Size, 3),
    Containers: ({ image }) => amount(image.Containers, String),
    VirtualSize: ({ image }) => humanSizeWithPrecision(image.Size, 4),
    SharedSize: ({ image }) => amount(image.SharedSize, (size) => humanSizeWithPrecision(size, 4)),
    UniqueSize: ({ image }) => amount(image.SharedSize, (size) => humanSizeWithPrecision(image.Size - size, 4)),
  },
};

/** One row a name; an image without one is `<none>`. */
export function imageRows(
  images: readonly ImageSummary[],
  options: { readonly truncate: boolean; readonly now: number; readonly digests: boolean },
): ImageRow[] {
  const none = "<none>";
  return images.flatMap((image) => {
    const digests = (image.RepoDigests ?? [])
      .filter((one) => one !== "<none>@<none>")
      .map((one) => one.split("@") as [string, string]);
    const tags = (image.RepoTags ?? []).filter((one) => one !== "<none>:<none>");
    const base = { image, truncate: options.truncate, now: options.now };
    if (tags.length === 0) {
      if (digests.length === 0) return [{ ...base, repository: none, tag: none, digest: none }];
      return digests.map(([repository, digest]) => ({ ...base, repository, tag: none, digest }));
    }
    return tags.map((one) => {
      const at = one.lastIndexOf(":");
      const repository = one.slice(0, at);
      const digest = options.digests ? digests.find(([name]) => name === repository)?.[1] : undefined;
      return { ...base, repository, tag: one.slice(at + 1), digest: digest ?? none };
    });
  });
}

export const imageLs = docker({
  use: "ls [OPTIONS] [REPOSITORY[:TAG]]",
  aliases: ["list"],
  short: "List images",
  flags: {
    all: boolFlag(false, "Show all images (default hides intermediate images)", { shorthand: "a" }),
    digests: boolFlag(false, "Show digests"),
    filter: filterFlag("Filter output based on conditions provided"),
    format: formatFlag(),
    "no-trunc": noTruncFlag(),
    quiet: boolFlag(false, "Only show image IDs", { shorthand: "q" }),
    tree: boolFlag(false, "List multi-platform images as a tree (EXPERIMENTAL)"),
  },
  args: maxArgs(1),
  completeArgs: completeImages,
  *run(invocation) {
    const { flags, client, args, process } = invocation;
    if (flags.tree)
      for (const [isGiven, flag] of [
        [flags.quiet, "--quiet"],
        [flags["no-trunc"], "--no-trunc"],
        [flags.digests, "--show-digest"],
        [flags.format !== "", "--format"],
      ] as const)
        if (isGiven) return yield* fail(invocation, `${flag} is not yet supported with --tree`);
    const filters = encodeFilters([...flags.filter, ...(args[0] ? [`reference=${args[0]}`] : [])]);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const answer = yield* client.fetch<readonly ImageSummary[]>("/images/json", {
      all: flags.all || undefined,
      filters: filters.value,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    if (flags.tree) {
      const containers = yield* client.fetch<readonly { ImageID: string }[]>("/containers/json", { all: true });
      const inUse = new Set(containers.ok ? containers.value.map((one) => one.ImageID) : []);
      yield* process.print(imageTree(process, answer.value, inUse));
      return 0;
    }
    const digest = flags.digests ? "\t{{.Digest}}" : "";
    const format = readFormat(
      flags.format,
      {
        table: `{{.Repository}}\t{{.Tag}}${digest}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
        raw: `repository: {{.Repository}}\n{{if .Tag}}tag: {{.Tag}}\n{{end}}image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n`,
      },
      flags.quiet,
    );
    const rows = imageRows(answer.value, {
      truncate: !flags["no-trunc"],
      now: process.now(),
      digests: flags.digests || (format.kind !== "json" && format.template.includes(".Digest")),
    });
    const text = formatRows(format, imageRow, rows);
    return yield* printRows(
      invocation,
      text.ok
        ? text
        : { ok: false, error: text.error.replace("failed to execute template:", "template parsing error:") },
    );
  },
});
