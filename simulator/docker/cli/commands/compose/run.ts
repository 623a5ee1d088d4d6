/** docker compose exec, run, cp: a command in a service's container, or in one of its own. */
import { Deferred, type Task, suspend } from "../../../../base/task";
import { boolFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, minArgs } from "../../../../cli/style-docker";
import { containerBody } from "../../compose/bodies";
import { ensureNetworks, ensureVolumes, startServices } from "../../compose/converge";
import { ensureImages } from "../../compose/images";
import { ComposeFailure, must, nameOf } from "../../compose/session";
import { withDependencies } from "../../compose/types";
import { shellWords } from "../../compose/service";
import { environmentOf } from "../../container-options";
import { DEFAULT_DETACH_KEYS, hijack, parseDetachKeys } from "../../stream";
import { cp as dockerCp } from "../container/files";
import { holdSignals, proxySignals, waitInBackground } from "../container/run";
import { composeCommand, oneContainer, selected } from "./command";
import { createAll } from "./up";

const envList = (usage: string) =>
  stringArrayFlag([], usage, { shorthand: "e", typeName: "stringArray", defaultText: "" });

export const exec = composeCommand({
  use: "exec [OPTIONS] SERVICE COMMAND [ARGS...]",
  short: "Execute a command in a running container",
  flags: {
    detach: boolFlag(false, "Detached mode: Run command in the background", { shorthand: "d" }),
    env: envList("Set environment variables"),
    index: intFlag(0, "Index of the container if service has multiple replicas"),
    "no-tty": boolFlag(false, "Disable pseudo-TTY allocation. By default 'docker compose exec' allocates a TTY.", {
      shorthand: "T",
    }),
    privileged: boolFlag(false, "Give extended privileges to the process"),
    user: stringFlag("", "Run the command as this user", { shorthand: "u" }),
    workdir: stringFlag("", "Path to workdir directory for this command", { shorthand: "w" }),
    interactive: boolFlag(true, "Keep STDIN open even if not attached", { shorthand: "i", hidden: true }),
    tty: boolFlag(true, "Allocate a pseudo-TTY", { shorthand: "t", hidden: true }),
  },
  interspersed: false,
  args: minArgs(2),
  *run(invocation, session) {
    const { flags, args, client, process } = invocation;
    const [service, ...command] = args as [string, ...string[]];
    const container = yield* oneContainer(session, service, flags.index);
    const environment = environmentOf(process, flags.env, []);
    if (!environment.ok) throw new ComposeFailure(environment.error);
    const tty = !flags["no-tty"] && flags.tty && process.ttyOf(1) !== undefined;
    if (
      !flags["no-tty"] &&
      !flags.detach &&
      !process.ttyOf(0) &&
      process.ttyOf(1) === undefined &&
      flags.interactive &&
      invocation.changed("tty")
    )
      throw new ComposeFailure("the input device is not a TTY");
    const { Id: id } = (yield* must(session, "POST", `/containers/${container.Id}/exec`, {
      body: {
        User: flags.user,
        Privileged: flags.privileged,
        Tty: tty,
        AttachStdin: !flags.detach && flags.interactive,
        AttachStdout: !flags.detach,
        AttachStderr: !flags.detach,
        Env: environment.value,
        WorkingDir: flags.workdir,
        Cmd: command,
      },
    })) as { readonly Id: string };
    const started = yield* client.post(`/exec/${id}/start`, { body: { Detach: flags.detach, Tty: tty } });
    if (!started.ok) throw new ComposeFailure(started.error.message);
    if (flags.detach || !started.value.stream) return 0;
    yield* hijack(process, started.value.stream, {
      stdin: flags.interactive,
      tty,
      detachKeys: tty ? parseDetachKeys(DEFAULT_DETACH_KEYS)! : ("" as never),
    });
    const ended = (yield* must(session, "GET", `/exec/${id}/json`)) as { readonly ExitCode: number | null };
    return ended.ExitCode ?? 0;
  },
});

export const run = composeCommand({
  use: "run [OPTIONS] SERVICE [COMMAND] [ARGS...]",
  short: "Run a one-off command on a service",
  flags: {
    build: boolFlag(false, "Build image before starting container"),
    detach: boolFlag(false, "Run container in background and print container ID", { shorthand: "d" }),
    entrypoint: stringFlag("", "Override the entrypoint of the image"),
    env: envList("Set environment variables"),
    interactive: boolFlag(true, "Keep STDIN open even if not attached", { shorthand: "i" }),
    label: stringArrayFlag([], "Add or override a label", { shorthand: "l", typeName: "stringArray", defaultText: "" }),
    name: stringFlag("", "Assign a name to the container"),
    "no-TTY": boolFlag(false, "Disable pseudo-TTY allocation (default: auto-detected)", { shorthand: "T" }),
    "no-deps": boolFlag(false, "Don't start linked services"),
    publish: stringArrayFlag([], "Publish a container's port(s) to the host", {
      shorthand: "p",
      typeName: "stringArray",
      defaultText: "",
    }),
    quiet: boolFlag(false, "Don't print anything to STDOUT", { shorthand: "q" }),
    "remove-orphans": boolFlag(false, "Remove containers for services not defined in the Compose file"),
    rm: boolFlag(false, "Automatically remove the container when it exits"),
    "service-ports": boolFlag(false, "Run command with all service's ports enabled and mapped to the host", {
      shorthand: "P",
    }),
    user: stringFlag("", "Run as specified username or uid", { shorthand: "u" }),
    volume: stringArrayFlag([], "Bind mount a volume", { shorthand: "v", typeName: "stringArray", defaultText: "" }),
    workdir: stringFlag("", "Working directory inside the container", { shorthand: "w" }),
  },
  interspersed: false,
  args: minArgs(1),
  *run(invocation, given) {
    const { flags, args, client, process } = invocation;
    const [service, ...command] = args as [string, ...string[]];
    const { session } = selected(given, [service]);
    const { project } = session;
    if (!flags["no-deps"]) {
      const needed = withDependencies(project, [service]).filter((name) => name !== service);
      if (needed.length > 0) {
        yield* createAll(session, needed, {});
        yield* startServices(session, needed);
      }
    }
    const images = yield* ensureImages(session, [service], { build: flags.build, noBuild: false, pull: "policy" });
    const quiet = { ...session, progress: { *event() {}, *end() {} } };
    yield* ensureNetworks(quiet, [service]);
    yield* ensureVolumes(quiet, [service]);
    yield* session.progress.end();
    const tty = !flags["no-TTY"] && process.ttyOf(1) !== undefined && process.ttyOf(0) !== undefined;
    const name = flags.name || `${project.name}-${service}-run-${process.kernel.random.stream("compose").hex(12)}`;
    const stdin = flags.interactive && !flags.detach;
    const body = containerBody(project, service, {
      number: 1,
      imageId: images.get(service) ?? "",
      oneOff: { name, command, tty, stdin, ports: flags["service-ports"] },
    }) as {
      readonly Env: readonly string[];
      readonly HostConfig: Readonly<Record<string, unknown>>;
      readonly [key: string]: unknown;
    };
    const environment = environmentOf(process, flags.env, []);
    if (!environment.ok) throw new ComposeFailure(environment.error);
    const overridden = new Set(environment.value.map((each) => each.split("=")[0]));
    const created = (yield* must(session, "POST", "/containers/create", {
      query: { name },
      body: {
        ...body,
        Env: [...body.Env.filter((each) => !overridden.has(each.split("=")[0])), ...environment.value],
        ...(flags.entrypoint ? { Entrypoint: shellWords(flags.entrypoint) } : {}),
        ...(flags.user ? { User: flags.user } : {}),
        ...(flags.workdir ? { WorkingDir: flags.workdir } : {}),
        HostConfig: {
          ...body.HostConfig,
          AutoRemove: flags.rm && flags.detach,
          Binds: [...((body.HostConfig["Binds"] as readonly string[] | null) ?? []), ...flags.volume],
        },
      },
    })) as { readonly Id: string };
    if (flags.detach) {
      yield* must(session, "POST", `/containers/${created.Id}/start`);
      yield* process.print(`${created.Id}\n`);
      return 0;
    }
    const attached = yield* client.post(`/containers/${created.Id}/attach`, {
      query: { stream: true, stdin, stdout: true, stderr: true },
    });
    if (!attached.ok) throw new ComposeFailure(attached.error.message);
    const ended = waitInBackground(invocation as never, created.Id, "next-exit");
    if (tty) holdSignals(invocation as never);
    else proxySignals(invocation as never, created.Id);
    const pumped = new Deferred<string>();
    process.thread(
      (function* (): Task<void> {
        pumped.resolve(
          yield* hijack(process, attached.value.stream!, {
            stdin,
            tty,
            detachKeys: tty ? parseDetachKeys(DEFAULT_DETACH_KEYS)! : ("" as never),
          }),
        );
      })(),
    );
    const started = yield* client.post(`/containers/${created.Id}/start`);
    if (!started.ok) {
      attached.value.stream?.cancel();
      if (flags.rm) yield* client.delete(`/containers/${created.Id}`, { force: true });
      throw new ComposeFailure(started.error.message);
    }
    if ((yield* suspend(pumped.wait)) === "detached") return 0;
    const code = yield* suspend(ended.wait);
    if (flags.rm) yield* client.delete(`/containers/${created.Id}`, { force: true, v: true });
    return code;
  },
});

export const cp = composeCommand({
  use: "cp [OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n\tdocker compose cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH",
  short: "Copy files/folders between a service container and the local filesystem",
  flags: { index: intFlag(0, "Index of the container if service has multiple replicas") },
  args: exactArgs(2),
  *run(invocation, session) {
    const args: string[] = [];
    for (const each of invocation.args) {
      const match = /^([a-zA-Z0-9._-]+):(.*)$/s.exec(each);
      if (!match || !session.project.services[match[1]!]) args.push(each);
      else args.push(`${nameOf(yield* oneContainer(session, match[1]!, invocation.flags.index))}:${match[2]}`);
    }
    return yield* dockerCp.run!({
      ...invocation,
      args,
      flags: { archive: false, "follow-link": false, quiet: false },
    } as never);
  },
});
