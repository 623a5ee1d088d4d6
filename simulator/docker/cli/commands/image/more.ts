/** docker pull, push, tag, rmi, history, prune, save, load, import. */
import type { Bytes } from "../../../../base/bytes";
import { failure, ok, type Result } from "../../../../base/result";
import type { Task } from "../../../../base/task";
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, minArgs, noArgs } from "../../../../cli/style-docker";
import { strerror } from "../../../../os/errno";
import { dockerDuration } from "../../../../text/human-duration";
import { humanSize, humanSizeWithPrecision } from "../../../../text/human-size";
import { encodeFilters } from "../../client";
import { completeImages } from "../../complete";
import { type RowType, ellipsis, formatRows, readFormat, shortId } from "../../format";
import { rfc3339Local } from "../../go-time";
import { forceFlag, formatFlag, noTruncFlag } from "../../list-flags";
import { showProgress } from "../../progress";
import { pullImage } from "../../pull-image";
import { parseReference } from "../../reference";
import { confirm, docker, fail, failCall, printRows } from "../../run-command";
import { registryAuth } from "../../registry-auth";

export const pull = docker({
  use: "pull [OPTIONS] NAME[:TAG|@DIGEST]",
  aliases: ["docker image pull, docker pull"],
  short: "Download an image from a registry",
  flags: {
    "all-tags": boolFlag(false, "Download all tagged images in the repository", { shorthand: "a" }),
    "disable-content-trust": boolFlag(true, "Skip image verification"),
    platform: stringFlag("", "Set platform if server is multi-platform capable"),
    quiet: boolFlag(false, "Suppress verbose output", { shorthand: "q" }),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const reference = parseReference(args[0]!);
    if (!reference.ok) return yield* fail(invocation, reference.error);
    const { name, tag, digest } = reference.value;
    if (flags["all-tags"] && (tag ?? digest)) return yield* fail(invocation, "tag can't be used with --all-tags/-a");
    if (!flags["all-tags"] && !tag && !digest && !flags.quiet) yield* process.print("Using default tag: latest\n");
    const pulled = yield* pullImage(client, args[0]!, {
      fd: 1,
      quiet: flags.quiet,
      allTags: flags["all-tags"],
      ...(flags.platform ? { platform: flags.platform } : {}),
    });
    if (!pulled.ok) return yield* fail(invocation, pulled.error);
    yield* process.print(`${name}${flags["all-tags"] ? "" : digest ? `@${digest}` : `:${tag ?? "latest"}`}\n`);
    return 0;
  },
});

export const push = docker({
  use: "push [OPTIONS] NAME[:TAG]",
  aliases: ["docker image push, docker push"],
  short: "Upload an image to a registry",
  flags: {
    "all-tags": boolFlag(false, "Push all tags of an image to the repository", { shorthand: "a" }),
    "disable-content-trust": boolFlag(true, "Skip image signing"),
    platform: stringFlag(
      "",
      "Push a platform-specific manifest as a single-platform image to the registry.\nImage index won't be pushed, meaning that other manifests, including attestations won't be preserved.",
    ),
    quiet: boolFlag(false, "Suppress verbose output", { shorthand: "q" }),
  },
  args: exactArgs(1),
  completeArgs: completeImages,
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const reference = parseReference(args[0]!);
    if (!reference.ok) return yield* fail(invocation, reference.error);
    const { familiar, name, tag } = reference.value;
    if (flags["all-tags"] && tag) return yield* fail(invocation, "tag can't be used with --all-tags/-a");
    if (!flags["all-tags"] && !tag && !flags.quiet) yield* process.print("Using default tag: latest\n");
    const answer = yield* client.post(`/images/${familiar}/push`, {
      query: { tag: flags["all-tags"] ? undefined : (tag ?? "latest") },
      headers: registryAuth(process, name),
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const failed =
      answer.value.stream && (yield* showProgress(process, answer.value.stream, { fd: 1, quiet: flags.quiet }));
    if (failed) return yield* fail(invocation, failed.message);
    if (flags.quiet) yield* process.print(`${name}:${tag ?? "latest"}\n`);
    return 0;
  },
});

export const tag = docker({
  use: "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  aliases: ["docker image tag, docker tag"],
  short: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  args: exactArgs(2),
  completeArgs: completeImages,
  *run(invocation) {
    const { client, args } = invocation;
    const [source, target] = args as [string, string];
    if (!parseReference(source).ok && !/^(sha256:)?[0-9a-f]+$/.test(source))
      return yield* fail(
        invocation,
        `Error parsing reference: ${JSON.stringify(source)} is not a valid repository/tag: ${errorOf(parseReference(source))}`,
      );
    const reference = parseReference(target);
    if (!reference.ok)
      return yield* fail(
        invocation,
        `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${reference.error}`,
      );
    if (reference.value.digest) return yield* fail(invocation, "refusing to create a tag with a digest reference");
    const answer = yield* client.post(`/images/${source}/tag`, {
      query: { repo: reference.value.familiar, tag: reference.value.tag ?? "latest" },
    });
    return answer.ok ? 0 : yield* failCall(invocation, answer.error);
  },
});

const errorOf = (result: Result<unknown, string>): string => (result.ok ? "" : result.error);

export const rmi = docker({
  use: "rm [OPTIONS] IMAGE [IMAGE...]",
  aliases: ["remove"],
  short: "Remove one or more images",
  flags: {
    force: boolFlag(false, "Force removal of the image", { shorthand: "f" }),
    "no-prune": boolFlag(false, "Do not delete untagged parents"),
    platform: stringArrayFlag(
      [],
      "Remove only the given platform variant. Formatted as `os[/arch[/variant]]` (e.g., `linux/amd64`)",
      { typeName: "strings", defaultText: "" },
    ),
  },
  args: minArgs(1),
  completeArgs: completeImages,
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const errors: string[] = [];
    let isFatal = false;
    for (const name of args) {
      const answer = yield* client.delete(`/images/${name}`, {
        force: flags.force || undefined,
        noprune: flags["no-prune"] || undefined,
      });
      if (!answer.ok) {
        if (answer.error.status !== 404 || !flags.force) isFatal = true;
        errors.push(answer.error.message);
        continue;
      }
      for (const one of answer.value.body as readonly { Deleted?: string; Untagged?: string }[])
        yield* process.print(one.Deleted ? `Deleted: ${one.Deleted}\n` : `Untagged: ${one.Untagged}\n`);
    }
    if (errors.length === 0) return 0;
    return yield* fail(invocation, errors.join("\n"), isFatal ? 1 : 0);
  },
});

interface HistoryRow {
  readonly layer: {
    readonly Id: string;
    readonly Created: number;
    readonly CreatedBy: string;
    readonly Size: number;
    readonly Comment: string;
  };
  readonly human: boolean;
  readonly truncate: boolean;
  readonly now: number;
}

const historyRow: RowType<HistoryRow> = {
  goType: "*formatter.historyContext",
  headers: {
    ID: "IMAGE",
    CreatedAt: "CREATED AT",
    CreatedSince: "CREATED",
    CreatedBy: "CREATED BY",
    Size: "SIZE",
    Comment: "COMMENT",
  },
  fields: {
    ID: ({ layer, truncate }) => (truncate ? (layer.Id === "<missing>" ? layer.Id : shortId(layer.Id)) : layer.Id),
    CreatedAt: ({ layer }) => rfc3339Local(layer.Created * 1000),
    CreatedSince: ({ layer, human, now }) =>
      human ? `${dockerDuration(now - layer.Created * 1000)} ago` : rfc3339Local(layer.Created * 1000),
    CreatedBy: ({ layer, truncate }) => {
      const text = layer.CreatedBy.replaceAll("\t", " ");
      return truncate ? ellipsis(text, 45) : text;
    },
    Size: ({ layer, human }) => (human ? humanSizeWithPrecision(layer.Size, 3) : String(layer.Size)),
    Comment: ({ layer }) => layer.Comment,
  },
};

export const history = docker({
  use: "history [OPTIONS] IMAGE",
  aliases: ["docker image history, docker history"],
  short: "Show the history of an image",
  flags: {
    format: formatFlag(),
    human: boolFlag(true, "Print sizes and dates in human readable format", { shorthand: "H" }),
    "no-trunc": noTruncFlag(),
    platform: stringFlag(
      "",
      "Show history for the given platform. Formatted as `os[/arch[/variant]]` (e.g., `linux/amd64`)",
    ),
    quiet: boolFlag(false, "Only show image IDs", { shorthand: "q" }),
  },
  args: exactArgs(1),
  completeArgs: completeImages,
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const answer = yield* client.fetch<readonly HistoryRow["layer"][]>(`/images/${args[0]}/history`);
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const created = flags.human ? "{{.CreatedSince}}" : "{{.CreatedAt}}";
    const format = readFormat(
      flags.format,
      { table: `{{.ID}}\t${created}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}` },
      flags.quiet,
    );
    const rows = answer.value.map((layer) => ({
      layer,
      human: flags.human,
      truncate: !flags["no-trunc"],
      now: process.now(),
    }));
    return yield* printRows(invocation, formatRows(format, historyRow, rows));
  },
});

export interface PrunedImages {
  readonly ImagesDeleted: readonly { readonly Deleted?: string; readonly Untagged?: string }[] | null;
  readonly SpaceReclaimed: number;
}

export const prunedImagesText = (pruned: PrunedImages): string =>
  pruned.ImagesDeleted?.length
    ? `Deleted Images:\n${pruned.ImagesDeleted.map((one) => (one.Untagged ? `untagged: ${one.Untagged}\n` : `deleted: ${one.Deleted}\n`)).join("")}\n`
    : "";

export const imagePrune = docker({
  use: "prune [OPTIONS]",
  short: "Remove unused images",
  flags: {
    all: boolFlag(false, "Remove all unused images, not just dangling ones", { shorthand: "a" }),
    filter: stringArrayFlag([], 'Provide filter values (e.g. "until=<timestamp>")', {
      typeName: "filter",
      defaultText: "",
    }),
    force: forceFlag(),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const filters = encodeFilters([...flags.filter, `dangling=${flags.all ? "false" : "true"}`]);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const warning = flags.all
      ? "WARNING! This will remove all images without at least one container associated to them."
      : "WARNING! This will remove all dangling images.";
    if (!flags.force && !(yield* confirm(invocation, `${warning}\nAre you sure you want to continue?`))) return 0;
    const answer = yield* client.post("/images/prune", { query: { filters: filters.value } });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const pruned = answer.value.body as PrunedImages;
    yield* process.print(`${prunedImagesText(pruned)}Total reclaimed space: ${humanSize(pruned.SpaceReclaimed)}\n`);
    return 0;
  },
});

export const save = docker({
  use: "save [OPTIONS] IMAGE [IMAGE...]",
  aliases: ["docker image save, docker save"],
  short: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  flags: {
    output: stringFlag("", "Write to a file, instead of STDOUT", { shorthand: "o" }),
    platform: stringFlag(
      "",
      "Save only the given platform variant. Formatted as `os[/arch[/variant]]` (e.g., `linux/amd64`)",
    ),
  },
  args: minArgs(1),
  completeArgs: completeImages,
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    if (!flags.output && process.ttyOf(1))
      return yield* fail(invocation, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    if (flags.output) {
      const folder = process.path(flags.output).replace(/\/[^/]*$/, "") || "/";
      if (!process.fs.isDir(folder))
        return yield* fail(
          invocation,
          `failed to save image: invalid output path: directory ${JSON.stringify(folder)} does not exist`,
        );
    }
    const answer = yield* client.get("/images/get", { names: args });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    return yield* writeArchive(invocation, answer.value.body as Bytes, flags.output);
  },
});

export function* writeArchive(invocation: Parameters<typeof fail>[0], archive: Bytes, output: string): Task<number> {
  const { process } = invocation;
  if (!output) {
    yield* process.write(1, archive);
    return 0;
  }
  try {
    process.fs.writeFile(process.path(output), archive, { mode: 0o600 });
    return 0;
  } catch (error) {
    return yield* fail(invocation, `open ${output}: ${strerror(error).toLowerCase()}`);
  }
}

export const load = docker({
  use: "load [OPTIONS]",
  aliases: ["docker image load, docker load"],
  short: "Load an image from a tar archive or STDIN",
  flags: {
    input: stringFlag("", "Read from tar archive file, instead of STDIN", { shorthand: "i" }),
    platform: stringFlag(
      "",
      "Load only the given platform variant. Formatted as `os[/arch[/variant]]` (e.g., `linux/amd64`)",
    ),
    quiet: boolFlag(false, "Suppress the load output", { shorthand: "q" }),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    if (!flags.input && process.ttyOf(0))
      return yield* fail(invocation, "requested load from stdin, but stdin is empty");
    const archive = yield* readArchive(invocation, flags.input || "-");
    if (!archive.ok) return yield* fail(invocation, archive.error);
    const answer = yield* client.post("/images/load", {
      query: { quiet: flags.quiet || undefined },
      body: archive.value,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const failed = answer.value.stream && (yield* showProgress(process, answer.value.stream, { fd: 1, quiet: false }));
    return failed ? yield* fail(invocation, failed.message) : 0;
  },
});

export const importImage = docker({
  use: "import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]",
  aliases: ["docker image import, docker import"],
  short: "Import the contents from a tarball to create a filesystem image",
  flags: {
    change: stringArrayFlag([], "Apply Dockerfile instruction to the created image", {
      shorthand: "c",
      typeName: "list",
      defaultText: "",
    }),
    message: stringFlag("", "Set commit message for imported image", { shorthand: "m" }),
    platform: stringFlag("", "Set platform if server is multi-platform capable"),
  },
  args: minArgs(1),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const [file, reference = ""] = args as [string, string?];
    const isUrl = /^https?:\/\//.test(file);
    const archive = isUrl ? ok("" as Bytes) : yield* readArchive(invocation, file);
    if (!archive.ok) return yield* fail(invocation, archive.error);
    const colon = reference.lastIndexOf(":");
    const hasTag = colon > reference.lastIndexOf("/");
    const answer = yield* client.post("/images/create", {
      query: {
        fromSrc: isUrl ? file : "-",
        repo: hasTag ? reference.slice(0, colon) : reference || undefined,
        tag: hasTag ? reference.slice(colon + 1) : undefined,
        message: flags.message || undefined,
        changes: flags.change,
      },
      body: archive.value,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const failed = answer.value.stream && (yield* showProgress(process, answer.value.stream, { fd: 1 }));
    return failed ? yield* fail(invocation, failed.message) : 0;
  },
});

function* readArchive(invocation: Parameters<typeof fail>[0], file: string): Task<Result<Bytes, string>> {
  const { process } = invocation;
  if (file === "-") return ok(yield* process.readAll(0));
  try {
    return ok(process.fs.readFile(process.path(file)));
  } catch (error) {
    return failure(`open ${file}: ${strerror(error).toLowerCase()}`);
  }
}
