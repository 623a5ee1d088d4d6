/** docker buildx: the builder's own commands. `docker builder` is the same tree while BuildKit is on. */
import { civilTime, parseRfc3339 } from "../../../../base/clock";
import type { Task } from "../../../../base/task";
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, maxArgs, minArgs, noArgs } from "../../../../cli/style-docker";
import { dockerDuration } from "../../../../text/human-duration";
import { tabulate, DOCKER_TABLE } from "../../../../text/tabwriter";
import { goJson } from "../../../../text/go-json";
import { solveBytes } from "../../build/solve-trace";
import { encodeFilters } from "../../client";
import { parseReference } from "../../reference";
import { confirm, docker, type DockerCommand, type DockerInvocation, fail, failCall } from "../../run-command";
import { buildxBuild } from "./build";

const MANAGEMENT = "Management Commands";

interface CacheRecord {
  readonly ID: string;
  readonly Type: string;
  readonly Description: string;
  readonly InUse: boolean;
  readonly Shared: boolean;
  readonly Size: number;
  readonly CreatedAt: string;
  readonly LastUsedAt: string;
  readonly UsageCount: number;
}

function* records(invocation: DockerInvocation): Task<readonly CacheRecord[] | string> {
  const answer = yield* invocation.client.fetch<{ BuildCache: readonly CacheRecord[] | null }>("/system/df", {
    type: "build-cache",
  });
  return answer.ok ? (answer.value.BuildCache ?? []) : answer.error.message;
}

const ago = (invocation: DockerInvocation, time: string): string =>
  `${dockerDuration(invocation.process.now() - (parseRfc3339(time) ?? 0))} ago`;

const idOf = (record: CacheRecord): string => (record.Type === "source.local" ? `${record.ID}*` : record.ID);

const du = docker({
  use: "du",
  short: "Disk usage",
  flags: {
    filter: stringArrayFlag([], "Provide filter values", { typeName: "filter", defaultText: "" }),
    format: stringFlag("", "Format the output"),
    verbose: boolFlag(false, 'Shorthand for "--format=pretty"'),
  },
  args: noArgs,
  *run(invocation) {
    const all = yield* records(invocation as never);
    if (typeof all === "string") return yield* fail(invocation, `ERROR: ${all}`);
    const { process, flags } = invocation;
    if (flags.format === "json") {
      yield* process.print(all.map((record) => `${goJson(record)}\n`).join(""));
      return 0;
    }
    const size = (record: CacheRecord): string => solveBytes(record.Size) + (record.Shared ? "*" : "");
    if (flags.verbose) {
      yield* process.print(
        all
          .map(
            (record) =>
              `ID:\t\t${record.ID}\nCreated at:\t${record.CreatedAt}\nMutable:\t${record.Type === "source.local"}\nReclaimable:\t${!record.InUse}\nShared:\t\t${record.Shared}\nSize:\t\t${solveBytes(record.Size)}\nDescription:\t${record.Description}\nUsage count:\t${record.UsageCount}\nLast used:\t${ago(invocation as never, record.LastUsedAt)}\nType:\t\t${record.Type}\n\n`,
          )
          .join(""),
      );
    } else {
      const rows = all.map(
        (record) =>
          `${idOf(record)}\t${!record.InUse}\t${size(record)}\t${ago(invocation as never, record.LastUsedAt)}\n`,
      );
      yield* process.print(tabulate(`ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\n${rows.join("")}`, DOCKER_TABLE));
    }
    const total = all.reduce((sum, record) => sum + record.Size, 0);
    const shared = all.reduce((sum, record) => sum + (record.Shared ? record.Size : 0), 0);
    if (shared > 0) yield* process.print(`Shared:\t\t${solveBytes(shared)}\nPrivate:\t${solveBytes(total - shared)}\n`);
    yield* process.print(`Reclaimable:\t${solveBytes(total)}\nTotal:\t\t${solveBytes(total)}\n`);
    return 0;
  },
});

/** text/tabwriter with tabs as padding: cells reach to the next of every eight columns. */
function tabbed(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.slice(0, -1).forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, Math.ceil((cell.length + 1) / 8) * 8);
    });
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell + "\t".repeat(Math.ceil((widths[i]! - cell.length) / 8))))
        .join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}

const prune = docker({
  use: "prune",
  short: "Remove build cache",
  flags: {
    all: boolFlag(false, "Include internal/frontend images", { shorthand: "a" }),
    filter: stringArrayFlag([], 'Provide filter values (e.g., "until=24h")', { typeName: "filter", defaultText: "" }),
    force: boolFlag(false, "Do not prompt for confirmation", { shorthand: "f" }),
    "keep-storage": stringFlag("", "", { hidden: true }),
    "max-used-space": stringFlag("", "Maximum amount of disk space allowed to keep for cache", { typeName: "bytes" }),
    "min-free-space": stringFlag("", "Target amount of free disk space after pruning", { typeName: "bytes" }),
    "reserved-space": stringFlag("", "Amount of disk space always allowed to keep for cache", { typeName: "bytes" }),
    verbose: boolFlag(false, "Provide a more verbose output"),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* fail(invocation, `ERROR: ${filters.error}`);
    const warning = flags.all
      ? "WARNING! This will remove all build cache. Are you sure you want to continue?"
      : "WARNING! This will remove all dangling build cache. Are you sure you want to continue?";
    if (!flags.force && !(yield* confirm(invocation, warning))) return 0;
    const before = yield* records(invocation as never);
    if (typeof before === "string") return yield* fail(invocation, `ERROR: ${before}`);
    const answer = yield* client.post("/build/prune", {
      query: { all: flags.all || undefined, filters: filters.value },
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const { CachesDeleted: deleted } = answer.value.body as { CachesDeleted: readonly string[] | null };
    const gone = before.filter((record) => deleted?.includes(record.ID));
    let out = "";
    gone.forEach((record, i) => {
      const row = [
        idOf(record).padEnd(40),
        String(!record.InUse).padEnd(5),
        (solveBytes(record.Size) + (record.Shared ? "*" : "")).padEnd(10),
        ago(invocation as never, record.LastUsedAt),
      ];
      // Every row is written out at once: only the first one shares its columns with the head.
      out += i === 0 ? tabbed([["ID", "RECLAIMABLE", "SIZE", "LAST ACCESSED"], row]) : tabbed([row]);
    });
    const total = gone.reduce((sum, record) => sum + record.Size, 0);
    yield* process.print(`${out}Total:\t${solveBytes(total)}\n`);
    return 0;
  },
});

const ls = docker({
  use: "ls",
  short: "List builder instances",
  flags: { format: stringFlag("table", "Format the output"), "no-trunc": boolFlag(false, "Don't truncate output") },
  args: noArgs,
  *run(invocation) {
    const reach = yield* invocation.client.call("HEAD", "/_ping");
    const status = reach.ok ? "running\tv0.0.0+unknown\tlinux/amd64 (+4), linux/386" : "error\t\t";
    yield* invocation.process.print(
      tabulate(
        `NAME/NODE\tDRIVER/ENDPOINT\tSTATUS\tBUILDKIT\tPLATFORMS\ndefault*\tdocker\t\t\t\n \\_ default\t \\_ default\t${status}\n`,
        DOCKER_TABLE,
      ),
    );
    return 0;
  },
});

/** What the builder of a 240 GB disk keeps. */
const POLICIES = [
  " All:            false\n Filters:        type==source.local,type==exec.cachemount,type==source.git.checkout\n Keep Duration:  48h0m0s\n Max Used Space: 3.346GiB\n",
  " All:            false\n Keep Duration:  1440h0m0s\n Reserved Space: 24.21GiB\n Max Used Space: 188.1GiB\n Min Free Space: 47.5GiB\n",
  " All:            false\n Reserved Space: 24.21GiB\n Max Used Space: 188.1GiB\n Min Free Space: 47.5GiB\n",
  " All:            true\n Reserved Space: 24.21GiB\n Max Used Space: 188.1GiB\n Min Free Space: 47.5GiB\n",
];

const inspect = docker({
  use: "inspect [NAME]",
  short: "Inspect current builder instance",
  flags: { bootstrap: boolFlag(false, "Ensure builder has booted before inspecting") },
  args: maxArgs(1),
  *run(invocation) {
    const [name = "default"] = invocation.args;
    if (name !== "default") return yield* fail(invocation, `ERROR: no builder ${JSON.stringify(name)} found`);
    const reach = yield* invocation.client.call("HEAD", "/_ping");
    if (!reach.ok) return yield* fail(invocation, `ERROR: ${reach.error.message}`);
    const t = civilTime(invocation.process.now());
    const two = (value: number): string => String(value).padStart(2, "0");
    const time = `${t.year}-${two(t.month)}-${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} +0000 UTC`;
    const policies = POLICIES.map((text, i) => `GC Policy rule#${i}:\n${text}`).join("");
    yield* invocation.process.print(
      `Name:          default\nDriver:        docker\nLast Activity: ${time}\n\nNodes:\nName:             default\nEndpoint:         default\nStatus:           running\nBuildKit version: v0.0.0+unknown\nPlatforms:        linux/amd64, linux/amd64/v2, linux/amd64/v3, linux/amd64/v4, linux/386\nLabels:\n org.mobyproject.buildkit.worker.moby.host-gateway-ip: 172.17.0.1\n${policies}`,
    );
    return 0;
  },
});

const version = docker({
  use: "version",
  short: "Show buildx version information",
  args: noArgs,
  *run({ process }) {
    yield* process.print("github.com/docker/buildx 0.29.1+ds1 0.29.1+ds1-4\n");
    return 0;
  },
});

const imagetoolsInspect = docker({
  use: "inspect [OPTIONS] NAME",
  short: "Show details of an image in the registry",
  flags: {
    format: stringFlag("", "Format the output"),
    raw: boolFlag(false, "Show original, unformatted JSON manifest"),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { client, args, process } = invocation;
    const reference = parseReference(args[0]!);
    if (!reference.ok) return yield* fail(invocation, `ERROR: ${reference.error}`);
    const { name, tag, digest } = reference.value;
    const answer = yield* client.fetch<{ Descriptor: { mediaType: string; digest: string; size: number } }>(
      `/distribution/${args[0]}/json`,
    );
    if (!answer.ok)
      return yield* fail(invocation, `ERROR: ${answer.error.message.replace(/^Error response from daemon: /, "")}`);
    const { mediaType, digest: found } = answer.value.Descriptor;
    yield* process.print(
      `Name:      ${name}${digest ? `@${digest}` : `:${tag ?? "latest"}`}\nMediaType: ${mediaType}\nDigest:    ${found}\n`,
    );
    return 0;
  },
});

const absent = (use: string, short: string, nearest: string): DockerCommand =>
  docker({
    use,
    short,
    interspersed: false,
    run: (invocation) =>
      fail(invocation, `ERROR: docker buildx ${use.split(" ", 1)[0]} is not part of this simulator; ${nearest}`),
  });

const only = 'the builder here is "default"';

export const buildx = docker({
  use: "buildx",
  short: "Extended build capabilities with BuildKit",
  group: MANAGEMENT,
  persistentFlags: {
    builder: stringFlag("", "Override the configured builder instance"),
    debug: boolFlag(false, "Enable debug logging", { shorthand: "D" }),
  },
  commands: [
    docker({
      use: "history",
      short: "Commands to work on build records",
      group: MANAGEMENT,
      commands: [absent("ls", "List build records", "docker buildx du shows what builds have kept")],
    }),
    docker({
      use: "imagetools",
      short: "Commands to work on images in registry",
      group: MANAGEMENT,
      commands: [imagetoolsInspect],
    }),
    absent("bake [OPTIONS] [TARGET...]", "Build from a file", "docker compose build builds several images"),
    buildxBuild,
    absent("create [OPTIONS] [CONTEXT|ENDPOINT]", "Create a new builder instance", only),
    absent("dial-stdio", "Proxy current stdio streams to builder instance", only),
    du,
    inspect,
    ls,
    prune,
    absent("rm [OPTIONS] [NAME...]", "Remove one or more builder instances", only),
    absent("stop [NAME]", "Stop builder instance", only),
    docker({
      use: "use [OPTIONS] NAME",
      short: "Set the current builder instance",
      args: minArgs(1),
      *run(invocation) {
        const name = invocation.args[0]!;
        return name === "default"
          ? 0
          : yield* fail(
              invocation,
              `ERROR: failed to find instance ${JSON.stringify(name)}: no builder ${JSON.stringify(name)} found`,
            );
      },
    }),
    version,
  ],
});
