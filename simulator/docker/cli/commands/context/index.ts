/** docker context */
import { encodeUtf8, decodeUtf8 } from "../../../../base/bytes";
import { failure, ok, type Result } from "../../../../base/result";
import type { Task } from "../../../../base/task";
import { boolFlag, stringFlag, stringToStringFlag } from "../../../../cli/flags";
import { exactArgs, minArgs, noArgs } from "../../../../cli/style-docker";
import { type ContextMetadata, contextFolder, contextPath, currentContext, readContext } from "../../endpoint";
import { type RowType, formatRows, readFormat } from "../../format";
import { formatFlag } from "../../list-flags";
import { readConfig, writeConfig } from "../../registry-auth";
import { docker, fail, forEachTarget, printRows } from "../../run-command";
import { goJson } from "../../template";
import type { Process } from "../../../../os/process";

interface Row {
  readonly context: ContextMetadata;
  readonly current: boolean;
}

const row: RowType<Row> = {
  goType: "*formatter.clientContextContext",
  headers: { Current: "", Description: "DESCRIPTION", DockerEndpoint: "DOCKER ENDPOINT", Error: "ERROR", Name: "NAME" },
  fields: {
    Current: ({ current }) => current,
    Description: ({ context }) =>
      context.Name === "default" ? "Current DOCKER_HOST based configuration" : (context.Metadata.Description ?? ""),
    DockerEndpoint: ({ context }) => context.Endpoints.docker.Host,
    Error: () => "",
    Name: ({ context }) => context.Name,
  },
};

function all(process: Process): ContextMetadata[] {
  const folder = contextFolder(process);
  const names = process.fs.exists(folder) ? process.fs.readDir(folder) : [];
  const stored = names.map(
    (name) => JSON.parse(decodeUtf8(process.fs.readFile(`${folder}/${name}/meta.json`))) as ContextMetadata,
  );
  const byDefault = readContext(process, "default");
  return [...(byDefault.ok ? [byDefault.value] : []), ...stored.sort((a, b) => (a.Name < b.Name ? -1 : 1))];
}

const ls = docker({
  use: "ls [OPTIONS]",
  aliases: ["list"],
  short: "List contexts",
  flags: { format: formatFlag(), quiet: boolFlag(false, "Only show context names", { shorthand: "q" }) },
  args: noArgs,
  *run(invocation) {
    const { process, flags } = invocation;
    const { globals } = invocation.context;
    const current = currentContext(process, String(globals?.["context"] ?? ""));
    const rows = all(process).map((context) => ({ context, current: context.Name === current }));
    const format = readFormat(
      flags.format,
      {
        table: "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
        quiet: "{{.Name}}",
      },
      flags.quiet,
    );
    return yield* printRows(invocation, formatRows(format, row, rows));
  },
});

const show = docker({
  use: "show",
  short: "Print the name of the current context",
  args: noArgs,
  *run({ process, context: { globals } }) {
    yield* process.print(`${currentContext(process, String(globals?.["context"] ?? ""))}\n`);
    return 0;
  },
});

const inspect = docker({
  use: "inspect [OPTIONS] [CONTEXT] [CONTEXT...]",
  short: "Display detailed information on one or more contexts",
  flags: { format: formatFlag({ shorthand: "f" }) },
  *run(invocation) {
    const { process, args } = invocation;
    const { globals } = invocation.context;
    const found: unknown[] = [];
    for (const name of args.length > 0 ? args : [currentContext(process, String(globals?.["context"] ?? ""))]) {
      const context = readContext(process, name);
      if (!context.ok) return yield* fail(invocation, context.error);
      const stored = context.value.Name !== "default";
      const id = contextPath(process, context.value.Name).replace(/\/meta\.json$/, "");
      found.push({
        ...context.value,
        TLSMaterial: {},
        Storage: stored
          ? { MetadataPath: id, TLSPath: id.replace("/meta/", "/tls/") }
          : { MetadataPath: "<IN MEMORY>", TLSPath: "<IN MEMORY>" },
      });
    }
    yield* process.print(`${goJson(found, { sortKeys: false, indent: "    " })}\n`);
    return 0;
  },
});

const create = docker({
  use: "create [OPTIONS] CONTEXT",
  short: "Create a context",
  flags: {
    description: stringFlag("", "Description of the context"),
    docker: stringToStringFlag("set the docker endpoint", { typeName: "stringToString" }),
    from: stringFlag("", "create context from a named context"),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { process, args, flags } = invocation;
    const name = args[0]!;
    if (name === "default") return yield* fail(invocation, '"default" is a reserved context name');
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name))
      return yield* fail(
        invocation,
        `context name "${name}" is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`,
      );
    if (process.fs.exists(contextPath(process, name)))
      return yield* fail(invocation, `context "${name}" already exists`);
    const host = flags.docker["host"];
    if (!host && !flags.from) return yield* fail(invocation, "docker endpoint configuration is required");
    const from = flags.from ? readContext(process, flags.from) : undefined;
    if (from && !from.ok) return yield* fail(invocation, from.error);
    const metadata: ContextMetadata = {
      Name: name,
      Metadata: flags.description ? { Description: flags.description } : {},
      Endpoints: { docker: { Host: host ?? from!.value.Endpoints.docker.Host, SkipTLSVerify: false } },
    };
    const path = contextPath(process, name);
    process.fs.makeDirs(path.replace(/\/meta\.json$/, ""));
    process.fs.writeFile(path, encodeUtf8(JSON.stringify(metadata)));
    yield* process.print(`${name}\n`);
    yield* process.printError(`Successfully created context "${name}"\n`);
    return 0;
  },
});

const use = docker({
  use: "use CONTEXT",
  short: "Set the current docker context",
  args: exactArgs(1),
  *run(invocation) {
    const { process, args } = invocation;
    const name = args[0]!;
    const found = readContext(process, name);
    if (!found.ok) return yield* fail(invocation, found.error);
    const { currentContext: _before, ...config } = readConfig(process);
    writeConfig(process, name === "default" ? config : { ...config, currentContext: name });
    yield* process.print(`${name}\n`);
    yield* process.printError(`Current context is now "${name}"\n`);
    return 0;
  },
});

const rm = docker({
  use: "rm CONTEXT [CONTEXT...]",
  aliases: ["remove"],
  short: "Remove one or more contexts",
  flags: { force: boolFlag(false, "Force the removal of a context in use", { shorthand: "f" }) },
  args: minArgs(1),
  *run(invocation) {
    const { process, args, flags } = invocation;
    const current = currentContext(process, "");
    return yield* forEachTarget(invocation as never, args, function* (name): Task<Result<string, string>> {
      if (name === "default") return failure('context "default" cannot be removed');
      const path = contextPath(process, name);
      if (!process.fs.exists(path)) return flags.force ? ok(name) : failure(`context "${name}": not found`);
      if (name === current && !flags.force) return failure(`context "${name}" is in use, set -f flag to force remove`);
      process.fs.removeTree(path.replace(/\/meta\.json$/, ""));
      return ok(name);
    });
  },
});

export const context = docker({
  use: "context",
  short: "Manage contexts",
  commands: [create, inspect, ls, rm, show, use],
});
