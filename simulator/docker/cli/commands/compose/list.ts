/** docker compose ps, ls, images, top, port, logs: what is there. */
import type { Task } from "../../../../base/task";
import { parseRfc3339 } from "../../../../base/clock";
import { boolFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, noArgs } from "../../../../cli/style-docker";
import { goJson } from "../../../../text/go-json";
import { dockerDuration } from "../../../../text/human-duration";
import { humanSizeWithPrecision } from "../../../../text/human-size";
import { quote } from "../../../../text/strconv";
import { tabulate } from "../../../../text/tabwriter";
import { label } from "../../compose/bodies";
import { LogPrinter, printLogs } from "../../compose/logs";
import {
  ComposeFailure,
  containersOf,
  isRunning,
  must,
  nameOf,
  type OwnContainer,
  serviceOf,
  together,
} from "../../compose/session";
import { ellipsis, formatRows, readFormat, type RowType, shortId } from "../../format";
import { goTime } from "../../go-time";
import { docker, failCall, printRows } from "../../run-command";
import { FrameReader } from "../../stream";
import { readTimestamp } from "../../timestamp";
import { displayablePorts } from "../container/ps";
import { composeCommand, oneContainer, selected } from "./command";

interface Row {
  readonly container: OwnContainer;
  readonly exitCode: number;
  readonly health: string;
  readonly now: number;
  readonly truncate: boolean;
}

const psRow: RowType<Row> = {
  goType: "*formatter.ContainerContext",
  headers: {
    Name: "NAME",
    Image: "IMAGE",
    Command: "COMMAND",
    Service: "SERVICE",
    RunningFor: "CREATED",
    Status: "STATUS",
    Ports: "PORTS",
    ID: "CONTAINER ID",
    State: "STATE",
    Names: "NAME",
  },
  fields: {
    Command: ({ container, truncate }) => quote(truncate ? ellipsis(container.Command, 20) : container.Command),
    CreatedAt: ({ container }) => goTime(container.Created * 1000),
    ExitCode: ({ exitCode }) => exitCode,
    Health: ({ health }) => health,
    ID: ({ container, truncate }) => (truncate ? shortId(container.Id) : container.Id),
    Image: ({ container }) => container.Image,
    Labels: ({ container }) =>
      Object.entries(container.Labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    LocalVolumes: ({ container }) => String(container.Mounts.filter((mount) => mount.Driver === "local").length),
    Mounts: ({ container, truncate }) =>
      container.Mounts.map((mount) => mount.Name || mount.Source)
        .map((name) => (truncate ? ellipsis(name, 15) : name))
        .join(","),
    Name: ({ container }) => nameOf(container),
    Names: ({ container }) => nameOf(container),
    Networks: ({ container }) => Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Ports: ({ container }) => displayablePorts(container.Ports as never),
    Project: ({ container }) => container.Labels[label("project")],
    Publishers: ({ container }) =>
      container.Ports.map((port) => ({
        URL: port.IP ?? "",
        TargetPort: port.PrivatePort,
        PublishedPort: port.PublicPort ?? 0,
        Protocol: port.Type,
      })),
    RunningFor: ({ container, now }) => `${dockerDuration(now - container.Created * 1000)} ago`,
    Service: ({ container }) => serviceOf(container),
    Size: () => "0B",
    State: ({ container }) => container.State,
    Status: ({ container }) => container.Status,
  },
};

export const ps = composeCommand({
  use: "ps [OPTIONS] [SERVICE...]",
  short: "List containers",
  flags: {
    all: boolFlag(false, "Show all stopped containers (including those created by the run command)", {
      shorthand: "a",
    }),
    filter: stringFlag("", "Filter services by a property (supported filters: status)"),
    format: stringFlag("table", "Format output using a custom template", { defaultText: '"table"' }),
    "no-trunc": boolFlag(false, "Don't truncate output"),
    orphans: boolFlag(true, "Include orphaned services (not declared by project)"),
    quiet: boolFlag(false, "Only display IDs", { shorthand: "q" }),
    services: boolFlag(false, "Display services"),
    status: stringArrayFlag(
      [],
      "Filter services by status. Values: [paused | restarting | removing | running | dead | created | exited]",
      { typeName: "stringArray", defaultText: "" },
    ),
  },
  *run(invocation, given) {
    const { flags, args, process } = invocation;
    const { session } = selected(given, args);
    const statuses = flags.filter.startsWith("status=") ? [flags.filter.slice(7)] : flags.status;
    const all = flags.all || statuses.length > 0;
    const found = (yield* containersOf(session.client, session.project.name, {
      all,
      oneOffs: flags.all,
      services: args,
    })).filter((each) => statuses.length === 0 || statuses.includes(each.State));
    if (flags.services) {
      yield* process.print(
        [...new Set(found.map(serviceOf))]
          .sort()
          .map((name) => `${name}\n`)
          .join(""),
      );
      return 0;
    }
    if (flags.quiet) {
      yield* process.print(found.map((each) => `${each.Id}\n`).join(""));
      return 0;
    }
    const rows: Row[] = [];
    for (const container of found) {
      const { State: state } = (yield* must(session, "GET", `/containers/${container.Id}/json`)) as {
        readonly State: { readonly ExitCode: number; readonly Health?: { readonly Status: string } };
      };
      rows.push({
        container,
        exitCode: state.ExitCode,
        health: state.Health?.Status ?? "",
        now: process.now(),
        truncate: !flags["no-trunc"],
      });
    }
    const presets = {
      table: "{{.Name}}\t{{.Image}}\t{{.Command}}\t{{.Service}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}",
    };
    return yield* printRows(invocation, formatRows(readFormat(flags.format, presets), psRow, rows));
  },
});

const WIDE = { minWidth: 20, padding: 3 };

/** All projects, wherever they are. */
export const ls = docker({
  use: "ls [OPTIONS]",
  short: "List running compose projects",
  flags: {
    all: boolFlag(false, "Show all stopped Compose projects", { shorthand: "a" }),
    filter: stringArrayFlag([], "Filter output based on conditions provided", { typeName: "filter", defaultText: "" }),
    format: stringFlag("table", "Format the output. Values: [table | json]", { defaultText: '"table"' }),
    quiet: boolFlag(false, "Only display project names", { shorthand: "q" }),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const answer = yield* client.fetch<readonly OwnContainer[]>("/containers/json", {
      all: true,
      filters: JSON.stringify({ label: { [label("project")]: true } }),
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const names = [...new Set(answer.value.map((each) => each.Labels[label("project")]!))].sort();
    const wanted = flags.filter.filter((each) => each.startsWith("name=")).map((each) => each.slice(5));
    const rows = names.flatMap((name) => {
      const own = answer.value.filter(
        (each) => each.Labels[label("project")] === name && (flags.all || isRunning(each)),
      );
      if (own.length === 0 || (wanted.length > 0 && !wanted.some((each) => name.includes(each)))) return [];
      const states = [...new Set(own.map((each) => each.State))].sort();
      return [
        {
          Name: name,
          Status: states.map((state) => `${state}(${own.filter((each) => each.State === state).length})`).join(", "),
          ConfigFiles: own[0]!.Labels[label("project.config_files")] ?? "N/A",
        },
      ];
    });
    if (flags.quiet) yield* process.print(rows.map((row) => `${row.Name}\n`).join(""));
    else if (flags.format === "json") yield* process.print(`${goJson(rows, { sortKeys: false })}\n`);
    else
      yield* process.print(
        tabulate(
          `NAME\tSTATUS\tCONFIG FILES\n${rows.map((row) => `${row.Name}\t${row.Status}\t${row.ConfigFiles}\n`).join("")}`,
          WIDE,
        ),
      );
    return 0;
  },
});

/** The longest duration Go has: what lies between now and the year 1. */
const NEVER = "292 years ago";

export const images = composeCommand({
  use: "images [OPTIONS] [SERVICE...]",
  short: "List images used by the created containers",
  flags: {
    format: stringFlag("table", "Format the output. Values: [table | json]", { defaultText: '"table"' }),
    quiet: boolFlag(false, "Only display IDs", { shorthand: "q" }),
  },
  *run(invocation, given) {
    const { flags, process } = invocation;
    const { session } = selected(given, invocation.args);
    const found = yield* containersOf(session.client, session.project.name, { all: true, services: invocation.args });
    const rows: Record<string, string>[] = [];
    for (const container of found) {
      const image = (yield* must(session, "GET", `/images/${container.ImageID}/json`)) as {
        readonly Id: string;
        readonly RepoTags: readonly string[];
        readonly Size: number;
        readonly Os: string;
        readonly Architecture: string;
        readonly Metadata?: { readonly LastTagTime?: string };
      };
      const tag =
        image.RepoTags.find((each) => each === container.Image || each === `${container.Image}:latest`) ??
        image.RepoTags[0] ??
        "<none>:<none>";
      const colon = tag.lastIndexOf(":");
      const tagged = parseRfc3339(image.Metadata?.LastTagTime ?? "");
      rows.push({
        ContainerName: nameOf(container),
        Repository: tag.slice(0, colon),
        Tag: tag.slice(colon + 1),
        Platform: `${image.Os}/${image.Architecture}`,
        ID: image.Id,
        Size: humanSizeWithPrecision(image.Size, 3),
        Created: tagged === undefined || tagged <= 0 ? NEVER : `${dockerDuration(process.now() - tagged)} ago`,
      });
    }
    if (flags.quiet)
      yield* process.print([...new Set(rows.map((row) => row["ID"]!.slice(7)))].map((id) => `${id}\n`).join(""));
    else if (flags.format === "json") yield* process.print(`${goJson(rows, { sortKeys: false })}\n`);
    else
      yield* process.print(
        tabulate(
          `CONTAINER\tREPOSITORY\tTAG\tPLATFORM\tIMAGE ID\tSIZE\tCREATED\n${rows.map((row) => `${row["ContainerName"]}\t${row["Repository"]}\t${row["Tag"]}\t${row["Platform"]}\t${shortId(row["ID"]!)}\t${row["Size"]}\t${row["Created"]}\n`).join("")}`,
          WIDE,
        ),
      );
    return 0;
  },
});

export const top = composeCommand({
  use: "top [SERVICES...]",
  short: "Display the running processes",
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    const found = (yield* containersOf(session.client, session.project.name, {
      all: false,
      services: invocation.args,
    })).filter(isRunning);
    let text = "";
    for (const container of found) {
      const { Titles: titles, Processes: processes } = (yield* must(
        session,
        "GET",
        `/containers/${container.Id}/top`,
      )) as {
        readonly Titles: readonly string[];
        readonly Processes: readonly (readonly string[])[];
      };
      if (text === "") text = `SERVICE\t#\t${titles.join("\t")}\n`;
      for (const each of processes)
        text += `${serviceOf(container)}\t${container.Labels[label("container-number")]}\t${each.join("\t")}\n`;
    }
    yield* invocation.process.print(tabulate(text, { minWidth: 4, padding: 2 }));
    return 0;
  },
});

export const port = composeCommand({
  use: "port [OPTIONS] SERVICE PRIVATE_PORT",
  short: "Print the public port for a port binding",
  flags: {
    index: intFlag(0, "Index of the container if service has multiple replicas"),
    protocol: stringFlag("tcp", "tcp or udp"),
  },
  args: exactArgs(2),
  *run(invocation, session) {
    const [service, wanted] = invocation.args as [string, string];
    const container = yield* oneContainer(session, service, invocation.flags.index);
    const found = container.Ports.find(
      (each) => String(each.PrivatePort) === wanted && each.Type === invocation.flags.protocol && each.PublicPort,
    );
    if (!found)
      throw new ComposeFailure(`no port ${wanted}/${invocation.flags.protocol} for container ${nameOf(container)}`);
    yield* invocation.process.print(`${found.IP}:${found.PublicPort}\n`);
    return 0;
  },
});

export const logs = composeCommand({
  use: "logs [OPTIONS] [SERVICE...]",
  short: "View output from containers",
  flags: {
    follow: boolFlag(false, "Follow log output", { shorthand: "f" }),
    index: intFlag(0, "index of the container if service has multiple replicas"),
    "no-color": boolFlag(false, "Produce monochrome output"),
    "no-log-prefix": boolFlag(false, "Don't print prefix in logs"),
    since: stringFlag(
      "",
      "Show logs since timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)",
    ),
    tail: stringFlag("all", "Number of lines to show from the end of the logs for each container", {
      shorthand: "n",
      defaultText: '"all"',
    }),
    timestamps: boolFlag(false, "Show timestamps", { shorthand: "t" }),
    until: stringFlag(
      "",
      "Show logs before a timestamp (e.g. 2013-01-02T13:23:37Z) or relative (e.g. 42m for 42 minutes)",
    ),
  },
  *run(invocation, given) {
    const { flags, process } = invocation;
    const { session } = selected(given, invocation.args);
    const all = yield* containersOf(session.client, session.project.name, { all: true, services: invocation.args });
    const found = all
      .filter((each) => flags.index === 0 || each.Labels[label("container-number")] === String(flags.index))
      .sort((a, b) => b.Created - a.Created || (nameOf(a) < nameOf(b) ? 1 : -1));
    const times: Record<string, string> = {};
    for (const name of ["since", "until"] as const) {
      if (!flags[name]) continue;
      const time = readTimestamp(flags[name], process.now());
      if (!time.ok) throw new ComposeFailure(`invalid value for ${JSON.stringify(name)}: ${time.error}`);
      times[name] = time.value;
    }
    const printer = new LogPrinter(process, {
      color: process.ttyOf(1) !== undefined && !flags["no-color"],
      prefix: !flags["no-log-prefix"],
    });
    const shortName = (each: OwnContainer): string => nameOf(each).replace(new RegExp(`^${session.project.name}-`), "");
    const show = function* (each: OwnContainer): Task<void> {
      const answer = yield* session.client.get(`/containers/${each.Id}/logs`, {
        stdout: true,
        stderr: true,
        follow: flags.follow || undefined,
        timestamps: flags.timestamps || undefined,
        tail: flags.tail,
        ...times,
      });
      if (!answer.ok) throw new ComposeFailure(answer.error.message);
      if (answer.value.stream) yield* printLogs(printer, shortName(each), new FrameReader(answer.value.stream));
    };
    // A name takes a place, and a colour, with its first line.
    const named = found.filter((each) => flags.follow || each.State !== "created");
    for (const each of named) printer.register(shortName(each));
    if (flags.follow)
      yield* together(
        session.client,
        named.map((each) => () => show(each)),
      );
    else for (const each of named) yield* show(each);
    return 0;
  },
});
