/** docker volume */
import { failure, ok, type Result } from "../../../../base/result";
import type { Task } from "../../../../base/task";
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, maxArgs, minArgs, noArgs } from "../../../../cli/style-docker";
import { humanSize } from "../../../../text/human-size";
import { encodeFilters } from "../../client";
import { completeVolumes } from "../../complete";
import { type RowType, formatRows, readFormat } from "../../format";
import { filterFlag, forceFlag, formatFlag } from "../../list-flags";
import { confirm, docker, fail, failCall, forEachTarget, printRows } from "../../run-command";
import { inspectVolume } from "../container/inspect";
import { pairs } from "../network";

interface Volume {
  readonly Name: string;
  readonly Driver: string;
  readonly Mountpoint: string;
  readonly Scope: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly UsageData?: { readonly Size: number; readonly RefCount: number };
}

const volumeRow: RowType<Volume> = {
  goType: "*formatter.volumeContext",
  headers: {
    Availability: "AVAILABILITY",
    Driver: "DRIVER",
    Group: "GROUP",
    Labels: "LABELS",
    Links: "LINKS",
    Mountpoint: "MOUNTPOINT",
    Name: "VOLUME NAME",
    Scope: "SCOPE",
    Size: "SIZE",
    Status: "STATUS",
  },
  fields: {
    Availability: () => "N/A",
    Driver: (volume) => volume.Driver,
    Group: () => "N/A",
    Labels: (volume) =>
      Object.entries(volume.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    Links: (volume) => (volume.UsageData ? String(volume.UsageData.RefCount) : "N/A"),
    Mountpoint: (volume) => volume.Mountpoint,
    Name: (volume) => volume.Name,
    Scope: (volume) => volume.Scope,
    Size: (volume) => (volume.UsageData ? humanSize(volume.UsageData.Size) : "N/A"),
    Status: () => "N/A",
  },
  methods: { Label: (volume, [name]) => volume.Labels?.[String(name)] ?? "" },
};

const ls = docker({
  use: "ls [OPTIONS]",
  aliases: ["list"],
  short: "List volumes",
  flags: {
    cluster: boolFlag(false, "Display only cluster volumes, and use cluster volume list formatting", { hidden: true }),
    filter: filterFlag('Provide filter values (e.g. "dangling=true")'),
    format: formatFlag(),
    quiet: boolFlag(false, "Only display volume names", { shorthand: "q" }),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const answer = yield* client.fetch<{ Volumes: readonly Volume[] | null }>("/volumes", { filters: filters.value });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const rows = [...(answer.value.Volumes ?? [])].sort((a, b) => (a.Name < b.Name ? -1 : 1));
    const format = readFormat(
      flags.format,
      { table: "{{.Driver}}\t{{.Name}}", raw: "name: {{.Name}}\ndriver: {{.Driver}}\n", quiet: "{{.Name}}" },
      flags.quiet,
    );
    return yield* printRows(invocation, formatRows(format, volumeRow, rows));
  },
});

const create = docker({
  use: "create [OPTIONS] [VOLUME]",
  short: "Create a volume",
  flags: {
    driver: stringFlag("local", "Specify volume driver name", { shorthand: "d" }),
    label: stringArrayFlag([], "Set metadata for a volume", { typeName: "list", defaultText: "" }),
    name: stringFlag("", "Specify volume name", { hidden: true }),
    opt: stringArrayFlag([], "Set driver specific options", { shorthand: "o", typeName: "map", defaultText: "map[]" }),
  },
  args: maxArgs(1),
  *run(invocation) {
    const { client, flags, args, process } = invocation;
    if (args.length === 1 && flags.name)
      return yield* fail(
        invocation,
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    const answer = yield* client.post("/volumes/create", {
      body: {
        Name: args[0] ?? flags.name,
        Driver: flags.driver,
        DriverOpts: pairs(flags.opt),
        Labels: pairs(flags.label),
      },
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    yield* process.print(`${(answer.value.body as { Name: string }).Name}\n`);
    return 0;
  },
});

const rm = docker({
  use: "rm [OPTIONS] VOLUME [VOLUME...]",
  aliases: ["remove"],
  short: "Remove one or more volumes",
  flags: { force: boolFlag(false, "Force the removal of one or more volumes", { shorthand: "f" }) },
  args: minArgs(1),
  completeArgs: completeVolumes,
  *run(invocation) {
    const { client, args, flags } = invocation;
    return yield* forEachTarget(invocation as never, args, function* (name): Task<Result<string, string>> {
      const answer = yield* client.delete(`/volumes/${name}`, { force: flags.force || undefined });
      return answer.ok ? ok(name) : failure(answer.error.message);
    });
  },
});

const prune = docker({
  use: "prune [OPTIONS]",
  short: "Remove unused local volumes",
  flags: {
    all: boolFlag(false, "Remove all unused volumes, not just anonymous ones", { shorthand: "a" }),
    filter: stringArrayFlag([], 'Provide filter values (e.g. "label=<label>")', {
      typeName: "filter",
      defaultText: "",
    }),
    force: forceFlag(),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    if (flags.all && flags.filter.some((one) => one.startsWith("all=")))
      return yield* fail(invocation, "conflicting options: cannot specify both --all and --filter all=1");
    const filters = encodeFilters([...flags.filter, ...(flags.all ? ["all=true"] : [])]);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const all = flags.all || flags.filter.some((one) => /^all=(1|t|true)$/i.test(one));
    const what = all ? "all local volumes" : "anonymous local volumes";
    if (
      !flags.force &&
      !(yield* confirm(
        invocation,
        `WARNING! This will remove ${what} not used by at least one container.\nAre you sure you want to continue?`,
      ))
    )
      return 0;
    const answer = yield* client.post("/volumes/prune", { query: { filters: filters.value } });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const { VolumesDeleted: deleted, SpaceReclaimed: space } = answer.value.body as {
      VolumesDeleted: readonly string[] | null;
      SpaceReclaimed: number;
    };
    if (deleted?.length) yield* process.print(`Deleted Volumes:\n${deleted.map((name) => `${name}\n`).join("")}\n`);
    yield* process.print(`Total reclaimed space: ${humanSize(space)}\n`);
    return 0;
  },
});

const update = docker({
  use: "update [OPTIONS] VOLUME",
  hidden: true,
  short: "Update a volume (cluster volumes only)",
  flags: { availability: stringFlag("active", 'Cluster Volume availability ("active", "pause", "drain")') },
  args: exactArgs(1),
  completeArgs: completeVolumes,
  *run(invocation) {
    const answer = yield* invocation.client.get(`/volumes/${invocation.args[0]}`);
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    return yield* fail(invocation, "Can only update cluster volumes");
  },
});

export const volume = docker({
  use: "volume COMMAND",
  short: "Manage volumes",
  commands: [create, inspectVolume, ls, prune, rm, update],
});
