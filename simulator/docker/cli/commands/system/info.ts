/** docker info */
import { stringFlag } from "../../../../cli/flags";
import { noArgs } from "../../../../cli/style-docker";
import { bytesSize } from "../../../../text/human-size";
import { docker, fail } from "../../run-command";
import { DOCKER_FUNCTIONS, compileTemplate, goJson } from "../../template";
import { CLIENT } from "./version";

// biome-ignore lint/suspicious/noExplicitAny: system.Info has some eighty fields, printed as they come.
type Info = Readonly<Record<string, any>>;

const PLUGINS = [
  {
    Name: "buildx",
    Vendor: "Docker Inc.",
    ShortDescription: "Docker Buildx",
    Version: "0.29.1+ds1",
    Path: "/usr/libexec/docker/cli-plugins/docker-buildx",
  },
  {
    Name: "compose",
    Vendor: "Docker Inc.",
    ShortDescription: "Docker Compose",
    Version: "2.40.3-3",
    Path: "/usr/libexec/docker/cli-plugins/docker-compose",
  },
];

export const info = docker({
  use: "info [OPTIONS]",
  aliases: ["docker system info, docker info"],
  short: "Display system-wide information",
  flags: {
    format: stringFlag(
      "",
      "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
      { shorthand: "f" },
    ),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const answer = yield* client.fetch<Info>("/info");
    const clientInfo = {
      Debug: false,
      ...CLIENT,
      Plugins: PLUGINS.map((plugin) => ({ SchemaVersion: "0.1.0", ...plugin })),
      Warnings: null,
    };
    const error = answer.ok ? undefined : answer.error.message;
    if (flags.format !== "") {
      const value: Info = answer.ok
        ? { ...answer.value, ClientInfo: clientInfo }
        : { ServerErrors: [error], ClientInfo: clientInfo };
      if (flags.format === "json") yield* process.print(`${goJson(value, { sortKeys: false, escapeHtml: false })}\n`);
      else {
        const compiled = compileTemplate(flags.format, { functions: DOCKER_FUNCTIONS });
        if (!compiled.ok) return yield* fail(invocation, `template parsing error: ${compiled.error}`, 64);
        const { text, error: failed } = compiled.value.execute(value);
        yield* process.print(`${text}\n`);
        if (failed !== undefined) return yield* fail(invocation, failed);
      }
      return error === undefined ? 0 : 1;
    }
    yield* process.print(clientText());
    if (!answer.ok) {
      yield* process.print("\nServer:\n");
      return yield* fail(invocation, error!);
    }
    yield* process.print(`\nServer:\n${serverText(answer.value)}\n`);
    for (const warning of (answer.value["Warnings"] ?? []) as readonly string[])
      yield* process.printError(`${warning}\n`);
    return 0;
  },
});

const clientText = (): string =>
  `Client:\n Version:    ${CLIENT.Version}\n Context:    ${CLIENT.Context}\n Debug Mode: false\n Plugins:\n${PLUGINS.map(
    (plugin) =>
      `  ${plugin.Name}: ${plugin.ShortDescription} (${plugin.Vendor})\n    Version:  ${plugin.Version}\n    Path:     ${plugin.Path}\n`,
  ).join("")}`;

function serverText(info: Info): string {
  const lines: string[] = [];
  const add = (text: string): void => void lines.push(` ${text}`);
  const optional = (name: string, value: unknown): void => void ((value ?? "") !== "" && add(`${name}: ${value}`));
  add(`Containers: ${info["Containers"]}`);
  add(` Running: ${info["ContainersRunning"]}`);
  add(` Paused: ${info["ContainersPaused"]}`);
  add(` Stopped: ${info["ContainersStopped"]}`);
  add(`Images: ${info["Images"]}`);
  optional("Server Version", info["ServerVersion"]);
  optional("Storage Driver", info["Driver"]);
  for (const [name, value] of (info["DriverStatus"] ?? []) as readonly [string, string][]) add(` ${name}: ${value}`);
  optional("Logging Driver", info["LoggingDriver"]);
  optional("Cgroup Driver", info["CgroupDriver"]);
  optional("Cgroup Version", info["CgroupVersion"]);
  add("Plugins:");
  const plugins = info["Plugins"] ?? {};
  add(` Volume: ${(plugins["Volume"] ?? []).join(" ")}`);
  add(` Network: ${(plugins["Network"] ?? []).join(" ")}`);
  if (plugins["Authorization"]?.length) add(` Authorization: ${plugins["Authorization"].join(" ")}`);
  add(` Log: ${(plugins["Log"] ?? []).join(" ")}`);
  if (info["CDISpecDirs"]?.length) {
    add("CDI spec directories:");
    for (const folder of info["CDISpecDirs"] as readonly string[]) add(` ${folder}`);
  }
  add(`Swarm: ${info["Swarm"]?.["LocalNodeState"] ?? "inactive"}`);
  const runtimes = Object.keys(info["Runtimes"] ?? {}).sort();
  if (runtimes.length > 0) {
    add(`Runtimes: ${runtimes.join(" ")}`);
    add(`Default Runtime: ${info["DefaultRuntime"]}`);
  }
  optional("Init Binary", info["InitBinary"]);
  add(`containerd version: ${info["ContainerdCommit"]?.["ID"] ?? ""}`);
  add(`runc version: ${info["RuncCommit"]?.["ID"] ?? ""}`);
  add(`init version: ${info["InitCommit"]?.["ID"] ?? ""}`);
  if (info["SecurityOptions"]?.length) {
    add("Security Options:");
    for (const option of info["SecurityOptions"] as readonly string[]) {
      const fields = option.split(",").map((field) => field.split("=") as [string, string]);
      for (const [key, value] of fields) {
        if (key === "name") add(` ${value}`);
        else add(`  ${key === "profile" ? "Profile" : key}: ${value === "default" ? "builtin" : value}`);
      }
    }
  }
  optional("Kernel Version", info["KernelVersion"]);
  optional("Operating System", info["OperatingSystem"]);
  optional("OSType", info["OSType"]);
  optional("Architecture", info["Architecture"]);
  add(`CPUs: ${info["NCPU"]}`);
  add(`Total Memory: ${bytesSize(Number(info["MemTotal"]))}`);
  optional("Name", info["Name"]);
  optional("ID", info["ID"]);
  add(`Docker Root Dir: ${info["DockerRootDir"]}`);
  add(`Debug Mode: ${info["Debug"] ?? false}`);
  optional("Username", info["Username"]);
  for (const label of (info["Labels"] ?? []) as readonly string[]) add(` ${label}`);
  add(`Experimental: ${info["ExperimentalBuild"] ?? false}`);
  const registries = info["RegistryConfig"] ?? {};
  const insecure = [
    ...Object.entries((registries["IndexConfigs"] ?? {}) as Record<string, { Secure: boolean; Name: string }>)
      .filter(([, one]) => !one.Secure)
      .map(([, one]) => one.Name),
    ...((registries["InsecureRegistryCIDRs"] ?? []) as readonly string[]),
  ];
  if (insecure.length > 0) {
    add("Insecure Registries:");
    for (const one of insecure) add(` ${one}`);
  }
  if (registries["Mirrors"]?.length) {
    add("Registry Mirrors:");
    for (const one of registries["Mirrors"] as readonly string[]) add(` ${one}`);
  }
  add(`Live Restore Enabled: ${info["LiveRestoreEnabled"] ?? false}`);
  return `${lines.join("\n")}\n`;
}
