/** docker version, and what is said about the client itself. */
import { civilTime, parseRfc3339 } from "../../../../base/clock";
import { stringFlag } from "../../../../cli/flags";
import { noArgs } from "../../../../cli/style-docker";
import { CLIENT_API_VERSION } from "../../client";
import { docker, fail } from "../../run-command";
import { DOCKER_FUNCTIONS, type GoStruct, compileTemplate, goJson } from "../../template";

export const CLIENT = {
  Version: "28.2.2",
  ApiVersion: CLIENT_API_VERSION,
  DefaultAPIVersion: CLIENT_API_VERSION,
  GitCommit: "e6534b4",
  GoVersion: "go1.24.3",
  Os: "linux",
  Arch: "amd64",
  BuildTime: "Fri May 30 12:07:14 2025",
  Context: "default",
} as const;

interface Server {
  readonly Platform?: { readonly Name: string };
  readonly Components: readonly {
    readonly Name: string;
    readonly Version: string;
    readonly Details: Readonly<Record<string, string>>;
  }[];
  readonly [field: string]: unknown;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** RFC 3339 as the CLI reformats build times: `Tue Sep 15 11:02:57 2026`. */
function reformatDate(text: string): string {
  const instant = parseRfc3339(text);
  if (instant === undefined) return text;
  const t = civilTime(instant);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${DAYS[t.weekday]} ${MONTHS[t.month - 1]} ${String(t.day).padStart(2)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)} ${t.year}`;
}

export const version = docker({
  use: "version [OPTIONS]",
  short: "Show the Docker version information",
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
    const answer = yield* client.fetch<Server>("/version");
    const server = answer.ok ? normalised(answer.value) : undefined;
    const unreachable = answer.ok ? undefined : answer.error.message;
    if (flags.format === "json") {
      yield* process.print(
        `${goJson({ Client: CLIENT, Server: server ?? null }, { sortKeys: false, escapeHtml: false })}\n`,
      );
    } else if (flags.format !== "") {
      const compiled = compileTemplate(flags.format, { name: "version", functions: DOCKER_FUNCTIONS });
      if (!compiled.ok) return yield* fail(invocation, `template parsing error: ${compiled.error}`, 64);
      const { text, error } = compiled.value.execute(
        struct("system.versionInfo", {
          Client: struct("system.clientVersion", CLIENT),
          Server: server ? struct("*types.Version", server) : null,
        }),
      );
      yield* process.print(`${text}\n`);
      if (error !== undefined) return yield* fail(invocation, error);
    } else {
      yield* process.print(clientText() + (server ? serverText(server) : ""));
    }
    return unreachable === undefined ? 0 : yield* fail(invocation, unreachable);
  },
});

function normalised(server: Server): Server {
  return {
    ...server,
    Platform: server.Platform ?? { Name: "" },
    Components: server.Components.map((component) => ({
      ...component,
      Details: component.Details["BuildTime"]
        ? { ...component.Details, BuildTime: reformatDate(component.Details["BuildTime"]) }
        : component.Details,
    })),
  };
}

/** A Go struct: its fields have other names than its JSON, `APIVersion` for `ApiVersion`. */
const struct = (goType: string, value: object): GoStruct => ({
  goType,
  goField(name) {
    if (name === "ApiVersion") return undefined;
    const key = name === "APIVersion" ? "ApiVersion" : name;
    return key in value ? (value as Record<string, unknown>)[key] : undefined;
  },
  goValue: () => plainOf(value),
});

const plainOf = (value: object): object =>
  Object.fromEntries(
    Object.entries(value).map(([key, each]: [string, unknown]) => [
      key,
      each !== null && typeof each === "object" && "goValue" in each ? (each as GoStruct).goValue() : each,
    ]),
  );

const row = (indent: string, name: string, value: string, width: number): string =>
  `${`${indent}${name}:`.padEnd(width)}${value}\n`;

function clientText(): string {
  const line = (name: string, value: string): string => row(" ", name, value, 20);
  return (
    "Client:\n" +
    line("Version", CLIENT.Version) +
    line("API version", CLIENT.ApiVersion) +
    line("Go version", CLIENT.GoVersion) +
    line("Git commit", CLIENT.GitCommit) +
    line("Built", CLIENT.BuildTime) +
    line("OS/Arch", `${CLIENT.Os}/${CLIENT.Arch}`) +
    line("Context", CLIENT.Context)
  );
}

function serverText(server: Server): string {
  let text = `\nServer:${server.Platform?.Name ? ` ${server.Platform.Name}` : ""}\n`;
  for (const component of server.Components) {
    const line = (name: string, value: string): string => row("  ", name, value, 20);
    text += ` ${component.Name}:\n${line("Version", component.Version)}`;
    const details = component.Details;
    if (component.Name === "Engine") {
      text += line("API version", `${details["ApiVersion"]} (minimum version ${details["MinAPIVersion"]})`);
      text += line("Go version", details["GoVersion"] ?? "");
      text += line("Git commit", details["GitCommit"] ?? "");
      text += line("Built", details["BuildTime"] ?? "");
      text += line("OS/Arch", `${details["Os"]}/${details["Arch"]}`);
      text += line("Experimental", details["Experimental"] ?? "");
    } else text += line("GitCommit", details["GitCommit"] ?? "");
  }
  return text;
}
