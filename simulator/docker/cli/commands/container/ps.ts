/** docker ps (docker container ls) */
import { boolFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { noArgs } from "../../../../cli/style-docker";
import { dockerDuration } from "../../../../text/human-duration";
import { humanSizeWithPrecision } from "../../../../text/human-size";
import { encodeFilters } from "../../client";
import { type RowType, ellipsis, formatRows, readFormat, shortId } from "../../format";
import { docker, failCall, printRows } from "../../run-command";
import { goTime } from "../../go-time";
import { quote } from "../../../../text/strconv";

interface Summary {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  readonly Created: number;
  readonly Ports: readonly Port[];
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly State: string;
  readonly Status: string;
  readonly Mounts: readonly {
    readonly Name?: string;
    readonly Source: string;
    readonly Type: string;
    readonly Driver?: string;
  }[];
  readonly NetworkSettings?: { readonly Networks: Readonly<Record<string, unknown>> };
}

interface Port {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

interface Row {
  readonly container: Summary;
  readonly truncate: boolean;
  readonly now: number;
}

const containerRow: RowType<Row> = {
  goType: "*formatter.ContainerContext",
  headers: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
  fields: {
    ID: ({ container, truncate }) => (truncate ? shortId(container.Id) : container.Id),
    Names: ({ container, truncate }) => {
      const names = container.Names.map((name) => name.replace(/^\//, ""));
      return (truncate ? names.filter((name) => !name.includes("/")) : names).join(",");
    },
    Image: ({ container, truncate }) =>
      container.Image === ""
        ? "<no image>"
        : truncate && container.Image === container.ImageID
          ? shortId(container.Image)
          : container.Image.replace(/^sha256:([0-9a-f]{12}).*/, truncate ? "$1" : "$&"),
    Command: ({ container, truncate }) => quote(truncate ? ellipsis(container.Command, 20) : container.Command),
    CreatedAt: ({ container }) => goTime(container.Created * 1000),
    RunningFor: ({ container, now }) => `${dockerDuration(now - container.Created * 1000)} ago`,
    Ports: ({ container }) => displayablePorts(container.Ports),
    State: ({ container }) => container.State,
    Status: ({ container }) => container.Status,
    Size: ({ container }) => {
      const size = humanSizeWithPrecision(container.SizeRw ?? 0, 3);
      return (container.SizeRootFs ?? 0) > 0
        ? `${size} (virtual ${humanSizeWithPrecision(container.SizeRootFs!, 3)})`
        : size;
    },
    Labels: ({ container }) =>
      Object.entries(container.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    Mounts: ({ container, truncate }) =>
      container.Mounts.map((mount) => mount.Name || mount.Source)
        .map((name) => (truncate ? ellipsis(name, 15) : name))
        .join(","),
    LocalVolumes: ({ container }) => String(container.Mounts.filter((mount) => mount.Driver === "local").length),
    Networks: ({ container }) => Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: () => null,
  },
  methods: { Label: ({ container }, [name]) => container.Labels?.[String(name)] ?? "" },
};

const tableOf = (size: boolean): string =>
  `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}${size ? "\t{{.Size}}" : ""}`;
const rawOf = (size: boolean): string =>
  `container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstate: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n${size ? "size: {{.Size}}\n" : ""}`;

export const ps = docker({
  use: "ls [OPTIONS]",
  aliases: ["ps", "list"],
  short: "List containers",
  flags: {
    all: boolFlag(false, "Show all containers (default shows just running)", { shorthand: "a" }),
    filter: stringArrayFlag([], "Filter output based on conditions provided", {
      shorthand: "f",
      typeName: "filter",
      defaultText: "",
    }),
    format: stringFlag(
      "",
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
    last: intFlag(-1, "Show n last created containers (includes all states)", { shorthand: "n" }),
    latest: boolFlag(false, "Show the latest created container (includes all states)", { shorthand: "l" }),
    "no-trunc": boolFlag(false, "Don't truncate output"),
    quiet: boolFlag(false, "Only display container IDs", { shorthand: "q" }),
    size: boolFlag(false, "Display total file sizes", { shorthand: "s" }),
  },
  args: noArgs,
  *run(invocation) {
    const { flags, client, process } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const last = flags.latest && flags.last === -1 ? 1 : flags.last;
    const wantsSize =
      flags.size || /\.Size/.test(flags.format) || (/json/.test(flags.format) && flags.format !== "json");
    const format = readFormat(flags.format, { table: tableOf(flags.size), raw: rawOf(flags.size) }, flags.quiet);
    const answer = yield* client.fetch<readonly Summary[]>("/containers/json", {
      all: flags.all || undefined,
      limit: last > 0 ? last : undefined,
      size: wantsSize || undefined,
      filters: filters.value,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const now = process.now();
    const rows = answer.value.map((container) => ({ container, truncate: !flags["no-trunc"], now }));
    return yield* printRows(invocation, formatRows(format, containerRow, rows));
  },
});

/** formatter.DisplayablePorts: consecutive ports of one address are joined into ranges. */
export function displayablePorts(ports: readonly Port[]): string {
  interface Group {
    first: number;
    last: number;
  }
  const groups = new Map<string, Group>();
  const result: string[] = [];
  const hostMappings: string[] = [];
  const order: string[] = [];
  const address = (ip: string): string => (ip.includes(":") ? `[${ip}]` : ip);
  const sorted = [...ports].sort((a, b) => {
    if (a.PrivatePort !== b.PrivatePort) return a.PrivatePort - b.PrivatePort;
    const left = a.IP ?? "";
    const right = b.IP ?? "";
    if (left !== right) return left < right ? -1 : 1;
    if ((a.PublicPort ?? 0) !== (b.PublicPort ?? 0)) return (a.PublicPort ?? 0) - (b.PublicPort ?? 0);
    return a.Type < b.Type ? -1 : 1;
  });
  const flush = (key: string, group: Group): void => {
    const at = key.lastIndexOf("/");
    const type = key.slice(at + 1);
    const ip = key.slice(0, at);
    const range = group.first === group.last ? `${group.first}` : `${group.first}-${group.last}`;
    result.push(ip === "" ? `${range}/${type}` : `${address(ip)}:${range}->${range}/${type}`);
  };
  for (const port of sorted) {
    const key = `${port.IP ?? ""}/${port.Type}`;
    if (port.IP && port.PublicPort !== port.PrivatePort) {
      hostMappings.push(`${address(port.IP)}:${port.PublicPort}->${port.PrivatePort}/${port.Type}`);
      continue;
    }
    const group = groups.get(key);
    if (!group) {
      groups.set(key, { first: port.PrivatePort, last: port.PrivatePort });
      order.push(key);
    } else if (port.PrivatePort === group.last + 1) group.last = port.PrivatePort;
    else if (port.PrivatePort !== group.last) {
      flush(key, group);
      groups.set(key, { first: port.PrivatePort, last: port.PrivatePort });
    }
  }
  for (const key of order) flush(key, groups.get(key)!);
  return [...result, ...hostMappings].join(", ");
}
