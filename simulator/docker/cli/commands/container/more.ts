/** docker top, port, rename, update, diff, commit, prune: one request each. */
import { failure, ok, type Result } from "../../../../base/result";
import type { Task } from "../../../../base/task";
import { boolFlag, intFlag, stringArrayFlag, stringFlag, valueFlag } from "../../../../cli/flags";
import { exactArgs, minArgs, noArgs, rangeArgs } from "../../../../cli/style-docker";
import { ramInBytes, humanSize } from "../../../../text/human-size";
import { tabulate } from "../../../../text/tabwriter";
import { encodeFilters } from "../../client";
import { completeContainers } from "../../complete";
import { bytesFlag, cpusFlag, restartPolicy } from "../../container-options";
import { parseReference } from "../../reference";
import { confirm, docker, fail, failCall, forEachTarget } from "../../run-command";

export const top = docker({
  use: "top CONTAINER [ps OPTIONS]",
  aliases: ["docker container top, docker top"],
  short: "Display the running processes of a container",
  interspersed: false,
  args: minArgs(1),
  completeArgs: completeContainers({ all: false, first: true }),
  *run(invocation) {
    const { client, args, process } = invocation;
    const answer = yield* client.fetch<{ Titles: readonly string[]; Processes: readonly (readonly string[])[] | null }>(
      `/containers/${args[0]}/top`,
      {
        ps_args: args.slice(1).join(" ") || undefined,
      },
    );
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const lines = [answer.value.Titles, ...(answer.value.Processes ?? [])].map((cells) => `${cells.join("\t")}\n`);
    yield* process.print(tabulate(lines.join(""), { minWidth: 20, padding: 3 }));
    return 0;
  },
});

export const port = docker({
  use: "port CONTAINER [PRIVATE_PORT[/PROTO]]",
  aliases: ["docker container port, docker port"],
  short: "List port mappings or a specific mapping for the container",
  args: rangeArgs(1, 2),
  completeArgs: completeContainers({ all: false, first: true }),
  *run(invocation) {
    const { client, args, process } = invocation;
    const answer = yield* client.fetch<{
      NetworkSettings: {
        Ports: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>> | null;
      };
    }>(`/containers/${args[0]}/json`);
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const ports = answer.value.NetworkSettings.Ports ?? {};
    const show = (binding: { HostIp: string; HostPort: string }): string =>
      `${binding.HostIp.includes(":") ? `[${binding.HostIp}]` : binding.HostIp}:${binding.HostPort}`;
    const wanted = args[1];
    if (wanted === undefined) {
      const lines = Object.entries(ports).flatMap(([name, bindings]) =>
        (bindings ?? []).map((binding) => ({ name, text: show(binding) })),
      );
      lines.sort(
        (a, b) =>
          Number.parseInt(a.name, 10) - Number.parseInt(b.name, 10) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
      );
      yield* process.print(lines.map(({ name, text }) => `${name} -> ${text}\n`).join(""));
      return 0;
    }
    const [number, protocol = "tcp"] = wanted.split("/") as [string, string?];
    if (!/^\d+$/.test(number))
      return yield* fail(
        invocation,
        `Error: invalid port (${number}): strconv.ParseUint: parsing "${number}": invalid syntax`,
      );
    const bindings = ports[`${number}/${protocol}`];
    if (!bindings) return yield* fail(invocation, `Error: No public port '${wanted}' published for ${args[0]}`);
    yield* process.print(bindings.map((binding) => `${show(binding)}\n`).join(""));
    return 0;
  },
});

export const rename = docker({
  use: "rename CONTAINER NEW_NAME",
  aliases: ["docker container rename, docker rename"],
  short: "Rename a container",
  args: exactArgs(2),
  completeArgs: completeContainers({ all: true, first: true }),
  *run(invocation) {
    const { client, args } = invocation;
    const [from, to] = args.map((name) => name.trim()) as [string, string];
    if (from === "" || to === "") return yield* fail(invocation, "Error: Neither old nor new names may be empty");
    const answer = yield* client.post(`/containers/${from}/rename`, { query: { name: to } });
    if (!answer.ok)
      return yield* fail(invocation, `${answer.error.message}\nError: failed to rename container named ${from}`);
    return 0;
  },
});

const updateFlags = {
  "blkio-weight": intFlag(0, "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)"),
  "cpu-period": intFlag(0, "Limit CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": intFlag(0, "Limit CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-rt-period": intFlag(0, "Limit the CPU real-time period in microseconds"),
  "cpu-rt-runtime": intFlag(0, "Limit the CPU real-time runtime in microseconds"),
  "cpu-shares": intFlag(0, "CPU shares (relative weight)", { shorthand: "c" }),
  cpus: cpusFlag("Number of CPUs"),
  "cpuset-cpus": stringFlag("", "CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": stringFlag("", "MEMs in which to allow execution (0-3, 0,1)"),
  memory: bytesFlag("Memory limit", { shorthand: "m" }),
  "memory-reservation": bytesFlag("Memory soft limit"),
  "memory-swap": valueFlag<number>(
    "bytes",
    0,
    "Swap limit equal to memory plus swap: -1 to enable unlimited swap",
    (text) => (text === "-1" ? ok(-1) : ramInBytes(text)),
    { defaultText: "" },
  ),
  "pids-limit": intFlag(0, "Tune container pids limit (set -1 for unlimited)"),
  restart: stringFlag("", "Restart policy to apply when a container exits"),
};

export const update = docker({
  use: "update [OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["docker container update, docker update"],
  short: "Update configuration of one or more containers",
  flags: updateFlags,
  args: minArgs(1),
  completeArgs: completeContainers({ all: true }),
  *run(invocation) {
    const { client, args, flags, changed } = invocation;
    if (!Object.keys(updateFlags).some(changed))
      return yield* fail(invocation, "you must provide one or more flags when using this command");
    const policy = restartPolicy(flags.restart);
    if (!policy.ok) return yield* fail(invocation, policy.error);
    const body = {
      BlkioWeight: flags["blkio-weight"],
      CpuPeriod: flags["cpu-period"],
      CpuQuota: flags["cpu-quota"],
      CpuRealtimePeriod: flags["cpu-rt-period"],
      CpuRealtimeRuntime: flags["cpu-rt-runtime"],
      CpuShares: flags["cpu-shares"],
      NanoCpus: flags.cpus,
      CpusetCpus: flags["cpuset-cpus"],
      CpusetMems: flags["cpuset-mems"],
      Memory: flags.memory,
      MemoryReservation: flags["memory-reservation"],
      MemorySwap: flags["memory-swap"],
      ...(changed("pids-limit") ? { PidsLimit: flags["pids-limit"] } : {}),
      RestartPolicy: policy.value,
    };
    return yield* forEachTarget(invocation as never, args, function* (name): Task<Result<string, string>> {
      const answer = yield* client.post(`/containers/${name}/update`, { body });
      return answer.ok ? ok(name) : failure(answer.error.message);
    });
  },
});

export const diff = docker({
  use: "diff CONTAINER",
  aliases: ["docker container diff, docker diff"],
  short: "Inspect changes to files or directories on a container's filesystem",
  args: exactArgs(1),
  completeArgs: completeContainers({ all: true, first: true }),
  *run(invocation) {
    const answer = yield* invocation.client.fetch<readonly { Kind: number; Path: string }[] | null>(
      `/containers/${invocation.args[0]}/changes`,
    );
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    yield* invocation.process.print((answer.value ?? []).map(({ Kind, Path }) => `${"CAD"[Kind]} ${Path}\n`).join(""));
    return 0;
  },
});

export const commit = docker({
  use: "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
  aliases: ["docker container commit, docker commit"],
  short: "Create a new image from a container's changes",
  flags: {
    author: stringFlag("", 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', { shorthand: "a" }),
    change: stringArrayFlag([], "Apply Dockerfile instruction to the created image", {
      shorthand: "c",
      typeName: "list",
      defaultText: "",
    }),
    message: stringFlag("", "Commit message", { shorthand: "m" }),
    pause: boolFlag(true, "Pause container during commit", { shorthand: "p" }),
  },
  args: rangeArgs(1, 2),
  completeArgs: completeContainers({ all: true, first: true }),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const [container, reference = ""] = args;
    const parsed = reference === "" ? undefined : parseReference(reference);
    if (parsed && !parsed.ok) return yield* fail(invocation, parsed.error);
    const colon = reference.lastIndexOf(":");
    const hasTag = colon > reference.lastIndexOf("/");
    const answer = yield* client.post("/commit", {
      query: {
        container: container!,
        repo: hasTag ? reference.slice(0, colon) : reference || undefined,
        tag: hasTag ? reference.slice(colon + 1) : undefined,
        comment: flags.message || undefined,
        author: flags.author || undefined,
        changes: flags.change,
        pause: flags.pause,
      },
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    yield* process.print(`${(answer.value.body as { Id: string }).Id}\n`);
    return 0;
  },
});

export const prune = docker({
  use: "prune [OPTIONS]",
  short: "Remove all stopped containers",
  flags: {
    filter: stringArrayFlag([], 'Provide filter values (e.g. "until=<timestamp>")', {
      typeName: "filter",
      defaultText: "",
    }),
    force: boolFlag(false, "Do not prompt for confirmation", { shorthand: "f" }),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    if (
      !flags.force &&
      !(yield* confirm(
        invocation,
        "WARNING! This will remove all stopped containers.\nAre you sure you want to continue?",
      ))
    )
      return 0;
    const answer = yield* client.post("/containers/prune", { query: { filters: filters.value } });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const { ContainersDeleted: deleted, SpaceReclaimed: space } = answer.value.body as {
      ContainersDeleted: readonly string[] | null;
      SpaceReclaimed: number;
    };
    if (deleted?.length) yield* process.print(`Deleted Containers:\n${deleted.map((id) => `${id}\n`).join("")}\n`);
    yield* process.print(`Total reclaimed space: ${humanSize(space)}\n`);
    return 0;
  },
});
