/** docker compose config, build, pull, push, version, stats. */
import type { Task } from "../../../../base/task";
import { encodeUtf8 } from "../../../../base/bytes";
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { noArgs } from "../../../../cli/style-docker";
import { goJson } from "../../../../text/go-json";
import { configHash, imageOf } from "../../compose/bodies";
import { buildServices, pullService } from "../../compose/images";
import { ComposeFailure, containersOf, together } from "../../compose/session";
import type { Project } from "../../compose/types";
import { withDependencies } from "../../compose/types";
import { yamlText } from "../../compose/yaml-text";
import { registryAuth } from "../../registry-auth";
import { parseReference } from "../../reference";
import { docker } from "../../run-command";
import { eachMessage } from "../../stream";
import { stats as dockerStats } from "../container/stats";
import { composeCommand, selected } from "./command";

export const VERSION = "2.40.3-3";

const filled = (map: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined =>
  Object.keys(map).length > 0 ? map : undefined;

const shown = (project: Project, names: readonly string[]): Readonly<Record<string, unknown>> => ({
  name: project.name,
  services: Object.fromEntries(names.map((name) => [name, project.services[name]])),
  networks: filled(project.networks),
  volumes: filled(project.volumes),
  configs: filled(project.configs),
  secrets: filled(project.secrets),
});

export const config = composeCommand({
  use: "config [OPTIONS] [SERVICE...]",
  aliases: ["convert"],
  short: "Parse, resolve and render compose file in canonical format",
  flags: {
    environment: boolFlag(false, "Print environment used for interpolation."),
    format: stringFlag("", "Format the output. Values: [yaml | json]"),
    hash: stringFlag("", "Print the service config hash, one per line."),
    images: boolFlag(false, "Print the image names, one per line."),
    networks: boolFlag(false, "Print the network names, one per line."),
    "no-interpolate": boolFlag(false, "Don't interpolate environment variables"),
    output: stringFlag("", "Save to file (default to stdout)", { shorthand: "o" }),
    profiles: boolFlag(false, "Print the profile names, one per line."),
    quiet: boolFlag(false, "Only validate the configuration, don't print anything", { shorthand: "q" }),
    services: boolFlag(false, "Print the service names, one per line."),
    volumes: boolFlag(false, "Print the volume names, one per line."),
  },
  *run(invocation, given) {
    const { flags, args, process } = invocation;
    const { session } = selected(given, args);
    const { project } = session;
    const names = args.length > 0 ? withDependencies(project, args) : Object.keys(project.services);
    const lines = (items: readonly string[]): Task<void> => process.print(items.map((item) => `${item}\n`).join(""));
    if (flags.quiet) return 0;
    if (flags.services) yield* lines(names);
    else if (flags.images) yield* lines(names.map((name) => imageOf(project, name)));
    else if (flags.networks) yield* lines(Object.keys(project.networks));
    else if (flags.volumes) yield* lines(Object.keys(project.volumes));
    else if (flags.profiles)
      yield* lines(
        [
          ...new Set(
            [...Object.values(project.services), ...Object.values(project.disabled)].flatMap(
              (each) => each.profiles ?? [],
            ),
          ),
        ].sort(),
      );
    else if (flags.hash !== "")
      yield* lines(
        (flags.hash === "*" ? names : flags.hash.split(",")).map(
          (name) => `${name} ${configHash(project.services[name] ?? {})}`,
        ),
      );
    else {
      const value = shown(project, names);
      const text = flags.format === "json" ? `${goJson(value, { sortKeys: false, indent: "  " })}\n` : yamlText(value);
      if (flags.output) process.fs.writeFile(process.path(flags.output), encodeUtf8(text), { mode: 0o644 });
      else yield* process.print(text);
    }
    return 0;
  },
});

export const build = composeCommand({
  use: "build [OPTIONS] [SERVICE...]",
  short: "Build or rebuild services",
  title: "Building",
  flags: {
    "build-arg": stringArrayFlag([], "Set build-time variables for services", {
      typeName: "stringArray",
      defaultText: "",
    }),
    "no-cache": boolFlag(false, "Do not use cache when building the image"),
    progress: stringFlag("", "Set type of ui output (auto, tty, plain, json, quiet)", { hidden: true }),
    pull: boolFlag(false, "Always attempt to pull a newer version of the image"),
    quiet: boolFlag(false, "Suppress the build output", { shorthand: "q" }),
    "with-dependencies": boolFlag(false, "Also build dependencies (transitively)"),
  },
  *run(invocation, given) {
    const { flags, args } = invocation;
    const { session } = selected(given, args);
    const chosen = args.length === 0 || flags["with-dependencies"] ? withDependencies(session.project, args) : args;
    const names = chosen.filter((name) => session.project.services[name]?.build);
    if (names.length === 0) {
      if (args.length === 0) yield* invocation.process.printError("No services to build\n");
      return 0;
    }
    yield* buildServices(session, [...names].sort(), {
      ...(flags["no-cache"] ? { noCache: true } : {}),
      ...(flags.pull ? { pull: true } : {}),
      quiet: flags.quiet,
      progress: flags.progress,
      args: flags["build-arg"],
    });
    return 0;
  },
});

export const pull = composeCommand({
  use: "pull [OPTIONS] [SERVICE...]",
  short: "Pull service images",
  title: "Pulling",
  flags: {
    "ignore-buildable": boolFlag(false, "Ignore images that can be built"),
    "ignore-pull-failures": boolFlag(false, "Pull what it can and ignores images with pull failures"),
    "include-deps": boolFlag(false, "Also pull services declared as dependencies"),
    policy: stringFlag("", 'Apply pull policy ("missing"|"always")'),
    quiet: boolFlag(false, "Pull without printing progress information", { shorthand: "q" }),
  },
  *run(invocation, given) {
    const { flags, args } = invocation;
    const { session } = selected(given, args);
    const { project, progress } = session;
    const names = args.length > 0 && !flags["include-deps"] ? [...args].sort() : withDependencies(project, args);
    const work: (() => Task<string | undefined>)[] = [];
    const seen = new Set<string>();
    for (const name of names) {
      const image = project.services[name]!.image;
      if (image === undefined) yield* progress.event(name, "No image to be pulled", "done", "Skipped -");
      else if (seen.has(image))
        yield* progress.event(name, "Image is already being pulled by another service", "done", "Skipped -");
      else {
        seen.add(image);
        work.push(() => pullService(session, name));
      }
    }
    const problems = (yield* together(session.client, work)).filter((each) => each !== undefined);
    if (problems.length > 0 && !flags["ignore-pull-failures"]) throw new ComposeFailure(problems[0]!);
    return 0;
  },
});

export const push = composeCommand({
  use: "push [OPTIONS] [SERVICE...]",
  short: "Push service images",
  title: "Pushing",
  flags: {
    "ignore-push-failures": boolFlag(false, "Push what it can and ignores images with push failures"),
    quiet: boolFlag(false, "Push without printing progress information", { shorthand: "q" }),
  },
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    const { project, progress, client } = session;
    for (const name of invocation.args.length > 0 ? invocation.args : Object.keys(project.services)) {
      const service = project.services[name]!;
      if (!service.build || !service.image) {
        yield* progress.event(name, "", "done", "Skipped");
        continue;
      }
      yield* progress.event(name, "", "working", "Pushing");
      const reference = parseReference(service.image);
      const answer = yield* client.post(`/images/${service.image}/push`, {
        headers: registryAuth(client.process, reference.ok ? reference.value.name : ""),
      });
      let problem = answer.ok ? undefined : answer.error.message;
      if (answer.ok && answer.value.stream)
        yield* eachMessage<{ error?: string }>(answer.value.stream, function* (message) {
          problem ??= message.error;
        });
      yield* progress.event(
        name,
        problem === undefined ? "" : "Error",
        problem === undefined ? "done" : "error",
        problem === undefined ? "Pushed" : "",
      );
      if (problem !== undefined && !invocation.flags["ignore-push-failures"]) throw new ComposeFailure(problem);
    }
    return 0;
  },
});

export const version = docker({
  use: "version [OPTIONS]",
  short: "Show the Docker Compose version information",
  flags: {
    format: stringFlag("", "Format the output. Values: [pretty | json]. (Default: pretty)", { shorthand: "f" }),
    short: boolFlag(false, "Shows only Compose's version number"),
  },
  args: noArgs,
  *run({ flags, process }) {
    yield* process.print(
      flags.short
        ? `${VERSION}\n`
        : flags.format === "json"
          ? `${goJson({ version: VERSION })}\n`
          : `Docker Compose version ${VERSION}\n`,
    );
    return 0;
  },
});

export const stats = composeCommand({
  use: "stats [OPTIONS] [SERVICE]",
  short: "Display a live stream of container(s) resource usage statistics",
  flags: dockerStats.flags as {
    readonly all: ReturnType<typeof boolFlag>;
    readonly format: ReturnType<typeof stringFlag>;
  },
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    const found = yield* containersOf(session.client, session.project.name, {
      all: Boolean(invocation.flags.all),
      services: invocation.args,
    });
    if (found.length > 0)
      return yield* dockerStats.run!({ ...invocation, args: found.map((each) => each.Id) } as never);
    if (!invocation.flags.format)
      yield* invocation.process.print(
        "CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O   BLOCK I/O   PIDS\n",
      );
    return 0;
  },
});
