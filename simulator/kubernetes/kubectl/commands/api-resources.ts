/** kubectl api-resources and kubectl api-versions */
import { boolFlag, stringFlag, stringSliceFlag } from "../../../cli/flags";
import { compareStrings } from "../../../text/strconv";
import { KUBECTL_TABLE, tabulate } from "../../../text/tabwriter";
import { apiVersionOf, groupResource, type ResourceMapping } from "../discovery";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";

export const apiResources = defineKubectlCommand({
  use: "api-resources",
  short: "Print the supported API resources on the server",
  long: "Print the supported API resources on the server.",
  flags: {
    "api-group": stringFlag("", "Limit to resources in the specified API group."),
    cached: boolFlag(false, "Use the cached list of resources if available."),
    categories: stringSliceFlag([], "Limit to resources that belong to the specified categories."),
    namespaced: boolFlag(
      true,
      "If false, non-namespaced resources will be returned, otherwise returning namespaced resources by default.",
    ),
    "no-headers": boolFlag(
      false,
      "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    output: stringFlag("", "Output format. One of: (json, yaml, kyaml, name, wide).", { shorthand: "o" }),
    "sort-by": stringFlag(
      "",
      "If non-empty, sort list of resources using specified field. The field can be either 'name' or 'kind'.",
    ),
    verbs: stringSliceFlag([], "Limit to resources that support the specified verbs."),
  },
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length > 0)
      return yield* invocation.usageError({ kind: "usage", message: `unexpected arguments: [${args.join(" ")}]` });
    if (!["", "wide", "name"].includes(flags.output)) fail(`--output ${flags.output} is not available`);
    if (!["", "name", "kind"].includes(flags["sort-by"])) fail("--sort-by accepts only name or kind");
    const discovery = yield* factory.discovery();
    const groupChanged = invocation.changed("api-group");
    const found = discovery.preferredResources().filter((each) => {
      if (each.verbs.length === 0) return false;
      if (groupChanged && each.group !== flags["api-group"]) return false;
      if (invocation.changed("namespaced") && each.namespaced !== flags.namespaced) return false;
      if (flags.categories.length > 0 && !flags.categories.every((category) => each.categories.includes(category)))
        return false;
      return flags.verbs.every((verb) => each.verbs.includes(verb));
    });
    const sorted = [...found].sort(order(flags["sort-by"]));
    if (flags.output === "name") {
      for (const each of sorted) yield* process.print(`${groupResource(each)}\n`);
      return 0;
    }
    const isWide = flags.output === "wide";
    const head = `NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND${isWide ? "\tVERBS\tCATEGORIES" : ""}\n`;
    const rows = sorted.map((each) => {
      const cells = [each.resource, each.shortNames.join(","), apiVersionOf(each), String(each.namespaced), each.kind];
      if (isWide) cells.push([...each.verbs].sort(compareStrings).join(","), each.categories.join(","));
      return `${cells.join("\t")}\n`;
    });
    yield* process.print(tabulate((flags["no-headers"] ? "" : head) + rows.join(""), KUBECTL_TABLE));
    return 0;
  },
});

const order =
  (sortBy: string) =>
  (a: ResourceMapping, b: ResourceMapping): number => {
    if (sortBy === "name") return compareStrings(a.resource, b.resource);
    if (sortBy === "kind") return compareStrings(a.kind, b.kind);
    return compareStrings(a.group, b.group) || compareStrings(a.resource, b.resource);
  };

export const apiVersions = defineKubectlCommand({
  use: "api-versions",
  short: 'Print the supported API versions on the server, in the form of "group/version"',
  long: 'Print the supported API versions on the server, in the form of "group/version".',
  *run(invocation) {
    const discovery = yield* factoryOf(invocation).discovery();
    const names = discovery.groups.flatMap(({ group, versions }) =>
      versions.map((version) => apiVersionOf({ group, version })),
    );
    yield* invocation.process.print(
      names
        .sort(compareStrings)
        .map((name) => `${name}\n`)
        .join(""),
    );
    return 0;
  },
});
