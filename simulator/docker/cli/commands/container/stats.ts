/** docker stats */
import { Deferred, firstOf, suspend, type Task, type Wait } from "../../../../base/task";
import { boolFlag } from "../../../../cli/flags";
import { bytesSize, humanSizeWithPrecision } from "../../../../text/human-size";
import { completeContainers } from "../../complete";
import { type RowType, formatRows, readFormat, shortId } from "../../format";
import { formatFlag, noTruncFlag } from "../../list-flags";
import { docker, fail, failCall } from "../../run-command";

interface Sample {
  readonly name?: string;
  readonly id?: string;
  readonly cpu_stats?: {
    readonly cpu_usage: { readonly total_usage: number };
    readonly system_cpu_usage?: number;
    readonly online_cpus?: number;
  };
  readonly precpu_stats?: { readonly cpu_usage: { readonly total_usage: number }; readonly system_cpu_usage?: number };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: { readonly inactive_file?: number; readonly total_inactive_file?: number };
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null;
  };
  readonly pids_stats?: { readonly current?: number };
}

interface Row {
  /** As it was named on the command line. */
  readonly container: string;
  readonly sample: Sample;
  readonly truncate: boolean;
  /** The samples have stopped: figures are dashes. */
  readonly isStale?: boolean;
}

const size = (bytes: number): string => humanSizeWithPrecision(bytes, 3);

function cpuPercent({ cpu_stats: now, precpu_stats: before }: Sample): number {
  if (!now || !before) return 0;
  const cpu = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const system = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  return cpu > 0 && system > 0 ? (cpu / system) * (now.online_cpus ?? 1) * 100 : 0;
}

function memory({ memory_stats: stats }: Sample): { used: number; limit: number } {
  const usage = stats?.usage ?? 0;
  const cached = stats?.stats?.total_inactive_file ?? stats?.stats?.inactive_file ?? 0;
  return { used: cached < usage ? usage - cached : usage, limit: stats?.limit ?? 0 };
}

const percent = (value: number): string => `${value.toFixed(2)}%`;

const row: RowType<Row> = {
  goType: "*container.statsContext",
  headers: {
    Container: "CONTAINER",
    ID: "CONTAINER ID",
    Name: "NAME",
    CPUPerc: "CPU %",
    MemUsage: "MEM USAGE / LIMIT",
    MemPerc: "MEM %",
    NetIO: "NET I/O",
    BlockIO: "BLOCK I/O",
    PIDs: "PIDS",
  },
  fields: {
    BlockIO: ({ sample, isStale }) => {
      if (isStale) return "--";
      const total = (op: string): number =>
        (sample.blkio_stats?.io_service_bytes_recursive ?? [])
          .filter((one) => one.op.toLowerCase() === op)
          .reduce((sum, one) => sum + one.value, 0);
      return `${size(total("read"))} / ${size(total("write"))}`;
    },
    CPUPerc: ({ sample, isStale }) => (isStale ? "--" : percent(cpuPercent(sample))),
    Container: ({ container }) => container,
    ID: ({ sample, truncate }) => (truncate ? shortId(sample.id ?? "") : (sample.id ?? "")),
    MemPerc: ({ sample, isStale }) => {
      if (isStale) return "--";
      const { used, limit } = memory(sample);
      return percent(limit === 0 ? 0 : (used / limit) * 100);
    },
    MemUsage: ({ sample, isStale }) => {
      if (isStale) return "-- / --";
      const { used, limit } = memory(sample);
      return `${bytesSize(used)} / ${bytesSize(limit)}`;
    },
    Name: ({ sample }) => (sample.name ?? "").replace(/^\//, ""),
    NetIO: ({ sample, isStale }) => {
      if (isStale) return "--";
      const all = Object.values(sample.networks ?? {});
      return `${size(all.reduce((sum, one) => sum + one.rx_bytes, 0))} / ${size(all.reduce((sum, one) => sum + one.tx_bytes, 0))}`;
    },
    PIDs: ({ sample, isStale }) => (isStale ? "--" : String(sample.pids_stats?.current ?? 0)),
  },
};

const TABLE = "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

export const stats = docker({
  use: "stats [OPTIONS] [CONTAINER...]",
  aliases: ["docker container stats, docker stats"],
  short: "Display a live stream of container(s) resource usage statistics",
  flags: {
    all: boolFlag(false, "Show all containers (default shows just running)", { shorthand: "a" }),
    format: formatFlag(),
    "no-stream": boolFlag(false, "Disable streaming stats and only pull the first result"),
    "no-trunc": noTruncFlag(),
  },
  completeArgs: completeContainers({ all: false }),
  *run(invocation) {
    const { client, flags, args, process } = invocation;
    const format = readFormat(flags.format, { table: TABLE });
    const collect = function* (
      oneShot = false,
    ): Task<readonly Row[] | { readonly message: string; readonly status: number }> {
      const list = yield* client.fetch<readonly { Id: string }[]>("/containers/json", { all: flags.all || undefined });
      if (!list.ok) return list.error;
      const names = args.length > 0 ? args : list.value.map((one) => one.Id);
      const rows: Row[] = [];
      for (const name of names) {
        const answer = yield* client.fetch<Sample>(`/containers/${name}/stats`, { stream: false, "one-shot": oneShot });
        if (!answer.ok) {
          if (args.length > 0) return answer.error;
          continue;
        }
        rows.push({
          container: args.length > 0 ? name : shortId(name),
          sample: answer.value,
          truncate: !flags["no-trunc"],
        });
      }
      return rows;
    };
    const show = (rows: readonly Row[]) => formatRows(format, row, rows);
    if (flags["no-stream"]) {
      const rows = yield* collect();
      if ("message" in rows) return yield* failCall(invocation, rows);
      const text = show(rows);
      if (!text.ok) return yield* fail(invocation, text.error);
      yield* process.print(text.value);
      return 0;
    }
    // Samples come every second beside the drawing, twice a second, of what is known.
    type Collected = readonly Row[] | { readonly message: string; readonly status: number };
    const begun: Collected = yield* collect(true);
    if ("message" in begun) return yield* failCall(invocation, begun);
    const known: { latest: Collected } = { latest: begun };
    let isInterrupted = false;
    const interrupted = new Deferred<void>();
    process.thread(
      (function* (): Task<void> {
        for (;;) {
          const next = yield* collect();
          if (isInterrupted) return;
          known.latest = next;
          if ("message" in next) return;
          if (next.length === 0) yield* process.sleep(500);
        }
      })(),
    );
    // Ctrl-C cuts the samples off; one more picture says so.
    for (const signal of ["INT", "TERM"] as const)
      process.onSignal(signal, () => {
        isInterrupted = true;
        if (!("message" in known.latest)) known.latest = known.latest.map((one) => ({ ...one, isStale: true }));
        interrupted.resolve();
      });
    const { loop } = process.kernel;
    while (!isInterrupted) {
      const tick: Wait<void> = (resume) => loop.after(500, () => resume(undefined));
      yield* suspend(firstOf([tick as Wait<unknown>, interrupted.wait as Wait<unknown>]));
      const { latest } = known;
      if ("message" in latest) return yield* failCall(invocation, latest);
      const text = show(latest);
      if (!text.ok) return yield* fail(invocation, text.error);
      // Written twice, as upstream does: plain, and line by line with what stood there before cleared.
      const lines = `\x1b[H${text.value}`;
      yield* process.print(`${lines}${lines.replaceAll("\n", " \x1b[K\n")} \x1b[K\n\x1b[J`);
    }
    return 0;
  },
});
