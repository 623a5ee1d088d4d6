/** docker network */
import { parseRfc3339 } from "../../../../base/clock";
import { failure, ok, type Result } from "../../../../base/result";
import type { Task } from "../../../../base/task";
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, minArgs, noArgs } from "../../../../cli/style-docker";
import { encodeFilters } from "../../client";
import { completeNetworks } from "../../complete";
import { type RowType, formatRows, readFormat, shortId } from "../../format";
import { goTime } from "../../go-time";
import { filterFlag, forceFlag, formatFlag, noTruncFlag } from "../../list-flags";
import { confirm, docker, fail, failCall, forEachTarget, printRows } from "../../run-command";
import { inspectNetwork } from "../container/inspect";

interface Network {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly Driver: string;
  readonly Scope: string;
  readonly EnableIPv4?: boolean;
  readonly EnableIPv6: boolean;
  readonly Internal: boolean;
  readonly Labels: Readonly<Record<string, string>> | null;
}

const networkRow: RowType<{ network: Network; truncate: boolean }> = {
  goType: "*formatter.networkContext",
  headers: {
    ID: "NETWORK ID",
    Name: "NAME",
    Driver: "DRIVER",
    Scope: "SCOPE",
    IPv4: "IPV4",
    IPv6: "IPV6",
    Internal: "INTERNAL",
    Labels: "LABELS",
    CreatedAt: "CREATED AT",
  },
  fields: {
    CreatedAt: ({ network }) => goTime(parseRfc3339(network.Created) ?? 0),
    Driver: ({ network }) => network.Driver,
    ID: ({ network, truncate }) => (truncate ? shortId(network.Id) : network.Id),
    IPv4: ({ network }) => String(network.EnableIPv4 ?? true),
    IPv6: ({ network }) => String(network.EnableIPv6),
    Internal: ({ network }) => String(network.Internal),
    Labels: ({ network }) =>
      Object.entries(network.Labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    Name: ({ network }) => network.Name,
    Scope: ({ network }) => network.Scope,
  },
  methods: { Label: ({ network }, [name]) => network.Labels?.[String(name)] ?? "" },
};

const ls = docker({
  use: "ls [OPTIONS]",
  aliases: ["list"],
  short: "List networks",
  flags: {
    filter: filterFlag('Provide filter values (e.g. "driver=bridge")'),
    format: formatFlag(),
    "no-trunc": noTruncFlag(),
    quiet: boolFlag(false, "Only display network IDs", { shorthand: "q" }),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const answer = yield* client.fetch<readonly Network[]>("/networks", { filters: filters.value });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const rows = [...answer.value]
      .sort((a, b) => (a.Name < b.Name ? -1 : 1))
      .map((network) => ({ network, truncate: !flags["no-trunc"] }));
    return yield* printRows(
      invocation,
      formatRows(
        readFormat(
          flags.format,
          {
            table: "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
            raw: "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
          },
          flags.quiet,
        ),
        networkRow,
        rows,
      ),
    );
  },
});

const list = (usage: string) => stringArrayFlag([], usage, { typeName: "list", defaultText: "" });

export const pairs = (entries: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    entries.map((entry) =>
      entry.includes("=") ? [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)] : [entry, ""],
    ),
  );

const create = docker({
  use: "create [OPTIONS] NETWORK",
  short: "Create a network",
  flags: {
    attachable: boolFlag(false, "Enable manual container attachment"),
    "aux-address": list("Auxiliary IPv4 or IPv6 addresses used by Network driver"),
    "config-from": stringFlag("", "The network from which to copy the configuration"),
    "config-only": boolFlag(false, "Create a configuration only network"),
    driver: stringFlag("bridge", "Driver to manage the Network", { shorthand: "d" }),
    gateway: list("IPv4 or IPv6 Gateway for the master subnet"),
    ingress: boolFlag(false, "Create swarm routing-mesh network"),
    internal: boolFlag(false, "Restrict external access to the network"),
    "ip-range": list("Allocate container ip from a sub-range"),
    "ipam-driver": stringFlag("default", "IP Address Management Driver"),
    "ipam-opt": list("Set IPAM driver specific options"),
    ipv4: boolFlag(true, "Enable or disable IPv4 address assignment"),
    ipv6: boolFlag(false, "Enable or disable IPv6 address assignment"),
    label: list("Set metadata on a network"),
    opt: stringArrayFlag([], "Set driver specific options", { shorthand: "o", typeName: "map", defaultText: "map[]" }),
    scope: stringFlag("", "Control the network's scope"),
    subnet: list("Subnet in CIDR format that represents a network segment"),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { client, flags, args, process } = invocation;
    if (flags.gateway.length > flags.subnet.length)
      return yield* fail(invocation, `no matching subnet for gateway ${flags.gateway.at(-1)}`);
    const config = flags.subnet.map((subnet, index) => ({
      Subnet: subnet,
      ...(flags.gateway[index] ? { Gateway: flags.gateway[index] } : {}),
      ...(flags["ip-range"][index] ? { IPRange: flags["ip-range"][index] } : {}),
    }));
    const answer = yield* client.post("/networks/create", {
      body: {
        Name: args[0],
        Driver: flags.driver,
        Scope: flags.scope,
        EnableIPv6: flags.ipv6,
        ...(invocation.changed("ipv4") ? { EnableIPv4: flags.ipv4 } : {}),
        IPAM: { Driver: flags["ipam-driver"], Options: pairs(flags["ipam-opt"]), Config: config },
        Internal: flags.internal,
        Attachable: flags.attachable,
        Ingress: flags.ingress,
        ConfigOnly: flags["config-only"],
        ConfigFrom: flags["config-from"] ? { Network: flags["config-from"] } : null,
        Options: pairs(flags.opt),
        Labels: pairs(flags.label),
      },
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    yield* process.print(`${(answer.value.body as { Id: string }).Id}\n`);
    return 0;
  },
});

const rm = docker({
  use: "rm NETWORK [NETWORK...]",
  aliases: ["remove"],
  short: "Remove one or more networks",
  flags: { force: boolFlag(false, "Do not error if the network does not exist", { shorthand: "f" }) },
  args: minArgs(1),
  completeArgs: completeNetworks,
  *run(invocation) {
    const { client, args, flags } = invocation;
    const code = yield* forEachTarget(invocation as never, args, function* (name): Task<
      Result<string | undefined, string>
    > {
      const answer = yield* client.delete(`/networks/${name}`);
      if (answer.ok) return ok(name);
      return flags.force && answer.error.status === 404 ? ok(undefined) : failure(answer.error.message);
    });
    // The command's own status has no words, and is printed as what it is.
    return code === 0 ? 0 : yield* fail(invocation, "exit status 1");
  },
});

const connect = docker({
  use: "connect [OPTIONS] NETWORK CONTAINER",
  short: "Connect a container to a network",
  flags: {
    alias: list("Add network-scoped alias for the container"),
    "driver-opt": list("driver options for the network"),
    "gw-priority": stringFlag(
      "0",
      "Highest gw-priority provides the default gateway. Accepts positive and negative values",
      { typeName: "int" },
    ),
    ip: stringFlag("", 'IPv4 address (e.g., "172.30.100.104")'),
    ip6: stringFlag("", 'IPv6 address (e.g., "2001:db8::33")'),
    link: list("Add link to another container"),
    "link-local-ip": list("Add a link-local address for the container"),
  },
  args: exactArgs(2),
  completeArgs: completeNetworks,
  *run(invocation) {
    const { client, flags, args } = invocation;
    const answer = yield* client.post(`/networks/${args[0]}/connect`, {
      body: {
        Container: args[1],
        EndpointConfig: {
          ...(flags.alias.length > 0 ? { Aliases: flags.alias } : {}),
          DriverOpts: pairs(flags["driver-opt"]),
          ...(flags.link.length > 0 ? { Links: flags.link } : {}),
          ...(flags.ip || flags.ip6
            ? {
                IPAMConfig: {
                  ...(flags.ip ? { IPv4Address: flags.ip } : {}),
                  ...(flags.ip6 ? { IPv6Address: flags.ip6 } : {}),
                },
              }
            : {}),
        },
      },
    });
    return answer.ok ? 0 : yield* failCall(invocation, answer.error);
  },
});

const disconnect = docker({
  use: "disconnect [OPTIONS] NETWORK CONTAINER",
  short: "Disconnect a container from a network",
  flags: { force: boolFlag(false, "Force the container to disconnect from a network", { shorthand: "f" }) },
  args: exactArgs(2),
  completeArgs: completeNetworks,
  *run(invocation) {
    const { client, flags, args } = invocation;
    const answer = yield* client.post(`/networks/${args[0]}/disconnect`, {
      body: { Container: args[1], Force: flags.force },
    });
    return answer.ok ? 0 : yield* failCall(invocation, answer.error);
  },
});

const prune = docker({
  use: "prune [OPTIONS]",
  short: "Remove all unused networks",
  flags: {
    filter: stringArrayFlag([], 'Provide filter values (e.g. "until=<timestamp>")', {
      typeName: "filter",
      defaultText: "",
    }),
    force: forceFlag(),
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
        "WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue?",
      ))
    )
      return 0;
    const answer = yield* client.post("/networks/prune", { query: { filters: filters.value } });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const { NetworksDeleted: deleted } = answer.value.body as { NetworksDeleted: readonly string[] | null };
    if (deleted?.length) yield* process.print(`Deleted Networks:\n${deleted.map((name) => `${name}\n`).join("")}\n`);
    return 0;
  },
});

export const network = docker({
  use: "network",
  short: "Manage networks",
  commands: [connect, create, disconnect, inspectNetwork, ls, prune, rm],
});
