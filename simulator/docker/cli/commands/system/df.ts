/** docker system df */
import { parseRfc3339 } from "../../../../base/clock";
import { boolFlag } from "../../../../cli/flags";
import { noArgs } from "../../../../cli/style-docker";
import { dockerDuration } from "../../../../text/human-duration";
import { humanSize, humanSizeWithPrecision } from "../../../../text/human-size";
import { quote } from "../../../../text/strconv";
import { DOCKER_TABLE, tabulate } from "../../../../text/tabwriter";
import { type RowType, ellipsis, formatRows, readFormat, shortId } from "../../format";
import { formatFlag } from "../../list-flags";
import { docker, fail, failCall, printRows } from "../../run-command";
import { goJson } from "../../template";
import { type ImageSummary, imageRow, imageRows } from "../image/ls";
import { rowValue } from "../../format";

interface Usage {
  readonly LayersSize: number;
  readonly Images: readonly ImageSummary[] | null;
  readonly Containers:
    | readonly {
        Id: string;
        Names: readonly string[];
        Image: string;
        Command: string;
        Created: number;
        State: string;
        Status: string;
        SizeRw?: number;
        Mounts: readonly { Driver?: string; Type: string }[];
      }[]
    | null;
  readonly Volumes: readonly { Name: string; UsageData?: { Size: number; RefCount: number } }[] | null;
  readonly BuildCache:
    | readonly {
        ID: string;
        Type: string;
        InUse: boolean;
        Shared: boolean;
        Size: number;
        CreatedAt: string;
        LastUsedAt: string | null;
        UsageCount: number;
      }[]
    | null;
}

interface Row {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
  readonly percent: boolean;
}

const row: RowType<Row> = {
  goType: "*formatter.diskUsageContext",
  headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
  fields: {
    Active: (one) => String(one.active),
    Reclaimable: (one) =>
      one.percent && one.size > 0
        ? `${humanSize(one.reclaimable)} (${Math.trunc((one.reclaimable / one.size) * 100)}%)`
        : humanSize(one.reclaimable),
    Size: (one) => humanSize(one.size),
    TotalCount: (one) => String(one.total),
    Type: (one) => one.type,
  },
};

function rows(usage: Usage): Row[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = usage.Volumes ?? [];
  const cache = usage.BuildCache ?? [];
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
  const usedImages = images.filter((image) => (image.Containers ?? 0) > 0);
  // What images in use need stays; the rest of the layers could go.
  const used = sum(
    usedImages.map((image) =>
      image.SharedSize === undefined || image.SharedSize === -1 ? 0 : image.Size - image.SharedSize,
    ),
  );
  const active = containers.filter((one) => ["running", "paused", "restarting"].includes(one.State));
  const idle = containers.filter((one) => !active.includes(one));
  const linked = volumes.filter((one) => (one.UsageData?.RefCount ?? 0) > 0);
  const cacheUsed = cache.filter((one) => one.InUse);
  return [
    {
      type: "Images",
      total: images.length,
      active: usedImages.length,
      size: usage.LayersSize,
      reclaimable: usage.LayersSize - used,
      percent: true,
    },
    {
      type: "Containers",
      total: containers.length,
      active: active.length,
      size: sum(containers.map((one) => one.SizeRw ?? 0)),
      reclaimable: sum(idle.map((one) => one.SizeRw ?? 0)),
      percent: true,
    },
    {
      type: "Local Volumes",
      total: volumes.length,
      active: linked.length,
      size: sum(volumes.map((one) => Math.max(0, one.UsageData?.Size ?? 0))),
      reclaimable: sum(
        volumes.filter((one) => !linked.includes(one)).map((one) => Math.max(0, one.UsageData?.Size ?? 0)),
      ),
      percent: true,
    },
    {
      type: "Build Cache",
      total: cache.length,
      active: cacheUsed.length,
      size: sum(cache.filter((one) => !one.Shared).map((one) => one.Size)),
      reclaimable: sum(cache.filter((one) => !one.Shared && !one.InUse).map((one) => one.Size)),
      percent: false,
    },
  ];
}

export const df = docker({
  use: "df [OPTIONS]",
  short: "Show docker disk usage",
  flags: {
    format: formatFlag(),
    verbose: boolFlag(false, "Show detailed information on space usage", { shorthand: "v" }),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const answer = yield* client.fetch<Usage>("/system/df");
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const usage = answer.value;
    if (!flags.verbose) {
      const presets = { table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}" };
      return yield* printRows(invocation, formatRows(readFormat(flags.format, presets), row, rows(usage)));
    }
    const now = process.now();
    const ago = (instant: number): string => `${dockerDuration(now - instant)} ago`;
    const images = imageRows(usage.Images ?? [], { truncate: true, now, digests: false }).filter(
      (one, index, all) => all.findIndex((other) => other.image === one.image) === index,
    );
    if (flags.format !== "" && flags.format !== "table") {
      if (flags.format !== "json" && flags.format !== "{{json .}}")
        return yield* fail(invocation, "docker system df -v takes --format json here; without -v any template works");
      const value = {
        Images: images
          .map((one) => rowValue(imageRow, { ...one, truncate: false }).goValue() as object)
          .map((one) => ({ ...one, Digest: "" })),
        Containers: usage.Containers,
        Volumes: usage.Volumes,
        BuildCache: usage.BuildCache,
      };
      yield* process.print(`${goJson(value, { sortKeys: false, escapeHtml: false })}\n`);
      return 0;
    }
    const table = (head: readonly string[], lines: readonly (readonly string[])[]): string =>
      tabulate([head, ...lines].map((cells) => `${cells.join("\t")}\n`).join(""), DOCKER_TABLE);
    const cells = (names: readonly string[], one: (typeof images)[number]): string[] =>
      names.map((name) => String(imageRow.fields[name]!(one)));
    const imageTable = table(
      ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"],
      images.map((one) =>
        cells(["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"], one),
      ),
    );
    const containerTable = table(
      ["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"],
      (usage.Containers ?? []).map((one) => [
        shortId(one.Id),
        one.Image,
        quote(ellipsis(one.Command, 20)),
        String(one.Mounts.filter((mount) => mount.Driver === "local").length),
        humanSizeWithPrecision(one.SizeRw ?? 0, 3),
        ago(one.Created * 1000),
        one.Status,
        one.Names.map((name) => name.slice(1)).join(","),
      ]),
    );
    const volumeTable = table(
      ["VOLUME NAME", "LINKS", "SIZE"],
      (usage.Volumes ?? []).map((one) => [
        one.Name,
        String(one.UsageData?.RefCount ?? 0),
        humanSize(Math.max(0, one.UsageData?.Size ?? 0)),
      ]),
    );
    const cache = usage.BuildCache ?? [];
    const cacheTable = table(
      ["CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"],
      cache.map((one) => [
        one.ID.slice(0, 12),
        one.Type,
        humanSizeWithPrecision(one.Size, 3),
        ago(parseRfc3339(one.CreatedAt) ?? now),
        one.LastUsedAt ? ago(parseRfc3339(one.LastUsedAt) ?? now) : "",
        String(one.UsageCount),
        String(one.Shared),
      ]),
    );
    const cacheSize = humanSize(rows(usage)[3]!.size);
    yield* process.print(
      `Images space usage:\n\n${imageTable}\nContainers space usage:\n\n${containerTable}\nLocal Volumes space usage:\n\n${volumeTable}\nBuild cache usage: ${cacheSize}\n\n${cacheTable}`,
    );
    return 0;
  },
});
