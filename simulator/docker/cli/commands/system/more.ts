/** docker events, system prune, login, logout, search. */
import { decodeUtf8, encodeUtf8, type Bytes } from "../../../../base/bytes";
import { rfc3339Nano } from "../../../../base/clock";
import type { Task } from "../../../../base/task";
import { boolFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, maxArgs, noArgs } from "../../../../cli/style-docker";
import { LineReader } from "../../../../os/process";
import { encodeBase64 } from "../../../../text/base64";
import { humanSize } from "../../../../text/human-size";
import { encodeFilters } from "../../client";
import { type RowType, ellipsis, formatRows, readFormat } from "../../format";
import { filterFlag, forceFlag, formatFlag, noTruncFlag } from "../../list-flags";
import { HUB, readConfig, writeConfig } from "../../registry-auth";
import { confirm, docker, fail, failCall, printRows } from "../../run-command";
import { eachMessage } from "../../stream";
import { DOCKER_FUNCTIONS, compileTemplate, goJson, type GoStruct } from "../../template";
import { readTimestamp } from "../../timestamp";
import { type PrunedImages, prunedImagesText } from "../image/more";

interface EngineEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> | null };
  readonly time: number;
  readonly timeNano: number;
  readonly [field: string]: unknown;
}

export const events = docker({
  use: "events [OPTIONS]",
  aliases: ["docker system events, docker events"],
  short: "Get real time events from the server",
  flags: {
    filter: filterFlag("Filter output based on conditions provided"),
    format: formatFlag(),
    since: stringFlag("", "Show all events created since timestamp"),
    until: stringFlag("", "Stream events until this timestamp"),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const format =
      flags.format === "" || flags.format === "json"
        ? undefined
        : compileTemplate(flags.format, { functions: DOCKER_FUNCTIONS });
    if (format && !format.ok)
      return yield* fail(invocation, `Error parsing format: template parsing error: ${format.error}`, 64);
    if (format?.ok) {
      const { error } = format.value.execute({ ...eventStruct(NO_EVENT), goType: "*events.Message" });
      if (error !== undefined) return yield* fail(invocation, `Error parsing format: ${error}`, 64);
    }
    const times: Record<string, string | undefined> = {};
    for (const name of ["since", "until"] as const) {
      if (!flags[name]) continue;
      const time = readTimestamp(flags[name], process.now());
      if (!time.ok) return yield* fail(invocation, time.error);
      times[name] = time.value;
    }
    const answer = yield* client.get("/events", { filters: filters.value, ...times });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    if (!answer.value.stream) return 0;
    let failed: string | undefined;
    const broken = yield* eachMessage<EngineEvent>(answer.value.stream, function* (event) {
      if (failed !== undefined) return;
      if (flags.format === "json") yield* process.print(`${goJson(event, { sortKeys: false, escapeHtml: false })}\n`);
      else if (format?.ok) {
        const { text, error } = format.value.execute(eventStruct(event));
        if (error === undefined) yield* process.print(`${text}\n`);
        else failed = error;
      } else yield* process.print(`${eventLine(event)}\n`);
    });
    if (failed !== undefined) return yield* fail(invocation, failed);
    return broken === undefined ? 0 : yield* fail(invocation, broken);
  },
});

const NO_EVENT: EngineEvent = {
  Type: "",
  Action: "",
  Actor: { ID: "", Attributes: {} },
  scope: "",
  time: 0,
  timeNano: 0,
  status: "",
  id: "",
  from: "",
};

const eventStruct = (event: EngineEvent): GoStruct => ({
  goType: "events.Message",
  goField: (name) =>
    ({
      Type: event.Type,
      Action: event.Action,
      Actor: event.Actor,
      Scope: event["scope"],
      Time: event.time,
      TimeNano: event.timeNano,
      Status: event["status"],
      ID: event["id"],
      From: event["from"],
    })[name],
  goValue: () => event,
});

function eventLine(event: EngineEvent): string {
  const attributes = Object.entries(event.Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const suffix = attributes.length > 0 ? ` (${attributes.join(", ")})` : "";
  return `${rfc3339Nano(event.timeNano / 1e6)} ${event.Type} ${event.Action} ${event.Actor.ID}${suffix}`;
}

export const systemPrune = docker({
  use: "prune [OPTIONS]",
  short: "Remove unused data",
  flags: {
    all: boolFlag(false, "Remove all unused images not just dangling ones", { shorthand: "a" }),
    filter: stringArrayFlag([], 'Provide filter values (e.g. "label=<key>=<value>")', {
      typeName: "filter",
      defaultText: "",
    }),
    force: forceFlag(),
    volumes: boolFlag(false, "Prune anonymous volumes"),
  },
  args: noArgs,
  *run(invocation) {
    const { client, flags, process } = invocation;
    if (flags.volumes && flags.filter.some((one) => one.startsWith("until=")))
      return yield* fail(invocation, 'ERROR: The "until" filter is not supported with "--volumes"');
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const what = [
      "all stopped containers",
      "all networks not used by at least one container",
      ...(flags.volumes ? ["all anonymous volumes not used by at least one container"] : []),
      flags.all ? "all images without at least one container associated to them" : "all dangling images",
      flags.all ? "all build cache" : "unused build cache",
    ];
    const filterNote =
      flags.filter.length > 0
        ? `\n  Items to be pruned will be filtered with:\n${[...flags.filter]
            .sort()
            .map((one) => `  - ${one}\n`)
            .join("")}`
        : "";
    const question = `WARNING! This will remove:\n${what.map((one) => `  - ${one}\n`).join("")}${filterNote}\nAre you sure you want to continue?`;
    if (!flags.force && !(yield* confirm(invocation, question))) return 0;
    let space = 0;
    let out = "";
    const step = function* (
      path: string,
      show: (body: never) => string,
      extra: readonly string[] = [],
    ): Task<string | undefined> {
      const encoded = encodeFilters([...flags.filter, ...extra]);
      const answer = yield* client.post(path, {
        query: {
          filters: encoded.ok ? encoded.value : undefined,
          ...(path.startsWith("/build") && flags.all ? { all: true } : {}),
        },
      });
      if (!answer.ok) return answer.error.message;
      space += (answer.value.body as { SpaceReclaimed?: number }).SpaceReclaimed ?? 0;
      out += show(answer.value.body as never);
      return undefined;
    };
    const listed = (title: string, names: readonly string[] | null | undefined): string =>
      names?.length ? `${title}:\n${names.map((name) => `${name}\n`).join("")}\n` : "";
    const failed =
      (yield* step("/containers/prune", (body: { ContainersDeleted: string[] | null }) =>
        listed("Deleted Containers", body.ContainersDeleted),
      )) ??
      (yield* step("/networks/prune", (body: { NetworksDeleted: string[] | null }) =>
        listed("Deleted Networks", body.NetworksDeleted),
      )) ??
      (flags.volumes
        ? yield* step("/volumes/prune", (body: { VolumesDeleted: string[] | null }) =>
            listed("Deleted Volumes", body.VolumesDeleted),
          )
        : undefined) ??
      (yield* step("/images/prune", (body: PrunedImages) => prunedImagesText(body), [
        `dangling=${flags.all ? "false" : "true"}`,
      ])) ??
      (yield* step("/build/prune", (body: { CachesDeleted: string[] | null }) =>
        listed("Deleted build cache objects", body.CachesDeleted),
      ));
    yield* process.print(out);
    if (failed !== undefined) return yield* fail(invocation, failed);
    yield* process.print(`Total reclaimed space: ${humanSize(space)}\n`);
    return 0;
  },
});

/** What Docker Hub's users are told before they type a password. */
const patNote = (isTerminal: boolean): string => {
  const first = "A Personal Access Token (PAT) can be used instead.";
  const second = "To create a PAT, visit ";
  const page = "https://app.docker.com/settings";
  return isTerminal
    ? `\n\x1b[1m\x1b[106m\x1b[30mi\x1b[0m\x1b[0m \x1b[96mInfo → \x1b[0m\x1b[0m\x1b[3m${first}\x1b[0m\n         \x1b[3m${second}\x1b[4m${page}\x1b[0m\x1b[0m\n         \x1b[3m\x1b[0m\n         \x1b[3m\x1b[0m\n`
    : `\n Info -> ${first}\n         ${second}${page}\n         \n         \n`;
};

export const login = docker({
  use: "login [OPTIONS] [SERVER]",
  short: "Authenticate to a registry",
  flags: {
    password: stringFlag("", "Password or Personal Access Token (PAT)", { shorthand: "p" }),
    "password-stdin": boolFlag(false, "Take the Password or Personal Access Token (PAT) from stdin"),
    username: stringFlag("", "Username", { shorthand: "u" }),
  },
  args: maxArgs(1),
  *run(invocation) {
    const { client, flags, args, process } = invocation;
    const server = args[0] && args[0] !== "docker.io" && args[0] !== "index.docker.io" ? args[0] : HUB;
    let { username, password } = flags;
    if (flags.password !== "")
      yield* process.printError("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (flags["password-stdin"]) {
      if (flags.password !== "")
        return yield* fail(invocation, "--password and --password-stdin are mutually exclusive");
      if (username === "") return yield* fail(invocation, "the --password-stdin option requires --username to be set");
      password = decodeUtf8(yield* process.readAll(0)).replace(/\r?\n$/, "");
    }
    const tty = process.ttyOf(0);
    if ((username === "" || password === "") && !tty)
      return yield* fail(invocation, "Error: Cannot perform an interactive login from a non TTY device");
    const reader = new LineReader(process);
    if (username === "") {
      if (server === HUB)
        yield* process.print(
          "Log in with your Docker ID or email address to push and pull images from Docker Hub. If you don't have a Docker ID, head over to https://hub.docker.com/ to create one.\n\n",
        );
      yield* process.print("Username: ");
      username = decodeUtf8((yield* reader.next())?.line ?? ("" as Bytes)).trim();
      if (username === "") return yield* fail(invocation, "Error: username is required");
    }
    if (password === "" && tty) {
      if (server === HUB) yield* process.printError(patNote(process.ttyOf(2) !== undefined));
      yield* process.print("Password: ");
      tty.setMode({ echo: false });
      password = decodeUtf8((yield* reader.next())?.line ?? ("" as Bytes));
      tty.setMode({ echo: true });
      yield* process.print("\n");
      if (password === "") return yield* fail(invocation, "Error: password is required");
    }
    const answer = yield* client.post("/auth", { body: { username, password, serveraddress: server } });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const config = readConfig(process);
    writeConfig(process, {
      ...config,
      auths: { ...config.auths, [server]: { auth: encodeBase64(encodeUtf8(`${username}:${password}`)) } },
    });
    const home = `${process.env["HOME"] ?? "/root"}/.docker/config.json`;
    yield* process.printError(
      `\nWARNING! Your credentials are stored unencrypted in '${home}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
    );
    yield* process.print(`${(answer.value.body as { Status?: string }).Status || "Login Succeeded"}\n`);
    return 0;
  },
});

export const logout = docker({
  use: "logout [SERVER]",
  short: "Log out from a registry",
  args: maxArgs(1),
  *run(invocation) {
    const { args, process } = invocation;
    const server = args[0] ?? HUB;
    const config = readConfig(process);
    const { [server]: login, ...auths } = config.auths ?? {};
    if (login) writeConfig(process, { ...config, auths });
    yield* process.print(`Removing login credentials for ${server}\n`);
    return 0;
  },
});

interface Found {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
}

const searchRow: RowType<{ found: Found; truncate: boolean }> = {
  goType: "*formatter.searchContext",
  headers: {
    Name: "NAME",
    Description: "DESCRIPTION",
    StarCount: "STARS",
    IsOfficial: "OFFICIAL",
    IsAutomated: "AUTOMATED",
  },
  fields: {
    Description: ({ found, truncate }) => {
      const text = found.description.replaceAll("\n", " ").replaceAll("\r", " ");
      return truncate ? ellipsis(text, 45) : text;
    },
    IsAutomated: () => "false",
    IsOfficial: ({ found }) => (found.is_official ? "[OK]" : ""),
    Name: ({ found }) => found.name,
    StarCount: ({ found }) => String(found.star_count),
  },
};

export const search = docker({
  use: "search [OPTIONS] TERM",
  short: "Search Docker Hub for images",
  flags: {
    filter: filterFlag("Filter output based on conditions provided"),
    format: stringFlag("", "Pretty-print search using a Go template"),
    limit: intFlag(0, "Max number of search results"),
    "no-trunc": noTruncFlag(),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { client, flags, args } = invocation;
    const filters = encodeFilters(flags.filter);
    if (!filters.ok) return yield* invocation.usageError({ kind: "flag", message: filters.error });
    const answer = yield* client.fetch<readonly Found[]>("/images/search", {
      term: args[0],
      filters: filters.value,
      limit: flags.limit || undefined,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    const rows = answer.value.map((found) => ({ found, truncate: !flags["no-trunc"] }));
    return yield* printRows(
      invocation,
      formatRows(
        readFormat(flags.format, { table: "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}" }),
        searchRow,
        rows,
      ),
    );
  },
});
