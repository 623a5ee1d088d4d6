/** docker compose up, create, start, scale: towards running. */
import { Deferred, type Task, suspend } from "../../../../base/task";
import { boolFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { minArgs } from "../../../../cli/style-docker";
import {
  convergeContainers,
  ensureNetworks,
  ensureVolumes,
  startServices,
  stopContainer,
  type UpOptions,
} from "../../compose/converge";
import { ensureImages } from "../../compose/images";
import { LogPrinter, printLogs } from "../../compose/logs";
import {
  ComposeFailure,
  containersOf,
  isRunning,
  nameOf,
  type OwnContainer,
  type Session,
  serviceOf,
  together,
} from "../../compose/session";
import { levelsOf, withDependencies } from "../../compose/types";
import { FrameReader } from "../../stream";
import { type ComposeInvocation, composeCommand, selected } from "./command";

const creating = {
  build: boolFlag(false, "Build images before starting containers"),
  "force-recreate": boolFlag(false, "Recreate containers even if their configuration and image haven't changed"),
  "no-build": boolFlag(false, "Don't build an image, even if it's policy"),
  "no-recreate": boolFlag(
    false,
    "If containers already exist, don't recreate them. Incompatible with --force-recreate.",
  ),
  pull: stringFlag("policy", 'Pull image before running ("always"|"missing"|"never")', { defaultText: '"policy"' }),
  "quiet-pull": boolFlag(false, "Pull without printing progress information"),
  "remove-orphans": boolFlag(false, "Remove containers for services not defined in the Compose file"),
  scale: stringArrayFlag(
    [],
    "Scale SERVICE to NUM instances. Overrides the scale setting in the Compose file if present.",
    { typeName: "scale", defaultText: "" },
  ),
  yes: boolFlag(false, 'Assume "yes" as answer to all prompts and run non-interactively', { shorthand: "y" }),
};

type CreatingFlags = Readonly<Record<string, unknown>>;

function scales(session: Session, given: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const each of given) {
    const [name, count] = each.split("=") as [string, string?];
    if (count === undefined || name === "")
      throw new ComposeFailure(`invalid --scale option ${JSON.stringify(each)}. Should be SERVICE=NUM`);
    if (!/^\d+$/.test(count))
      throw new ComposeFailure(`strconv.Atoi: parsing ${JSON.stringify(count)}: invalid syntax`);
    if (!session.project.services[name]) throw new ComposeFailure(`no such service: ${name}`);
    result[name] = Number(count);
  }
  return result;
}

/** Everything up to, but not including, the start. */
export function* createAll(
  session: Session,
  names: readonly string[],
  flags: CreatingFlags,
  more: Partial<UpOptions> = {},
): Task<void> {
  if (flags["force-recreate"] && flags["no-recreate"])
    throw new ComposeFailure("--force-recreate and --no-recreate are incompatible");
  const scale = scales(session, (flags["scale"] as readonly string[] | undefined) ?? []);
  const images = yield* ensureImages(session, names, {
    build: Boolean(flags["build"]),
    noBuild: Boolean(flags["no-build"]),
    pull: String(flags["pull"] ?? "policy"),
  });
  yield* ensureNetworks(session, names);
  yield* ensureVolumes(session, names);
  yield* convergeContainers(session, names, images, {
    scale,
    forceRecreate: Boolean(flags["force-recreate"]),
    noRecreate: Boolean(flags["no-recreate"]),
    removeOrphans: Boolean(flags["remove-orphans"]),
    timeout: undefined,
    ...more,
  });
}

export const create = composeCommand({
  use: "create [OPTIONS] [SERVICE...]",
  short: "Creates containers for a service",
  flags: creating,
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    yield* createAll(session, withDependencies(session.project, invocation.args), invocation.flags);
    return 0;
  },
});

export const up = composeCommand({
  use: "up [OPTIONS] [SERVICE...]",
  short: "Create and start containers",
  flags: {
    ...creating,
    "abort-on-container-exit": boolFlag(
      false,
      "Stops all containers if any container was stopped. Incompatible with -d",
    ),
    "abort-on-container-failure": boolFlag(
      false,
      "Stops all containers if any container exited with failure. Incompatible with -d",
    ),
    "always-recreate-deps": boolFlag(false, "Recreate dependent containers. Incompatible with --no-recreate."),
    attach: stringArrayFlag(
      [],
      "Restrict attaching to the specified services. Incompatible with --attach-dependencies.",
      { typeName: "stringArray", defaultText: "" },
    ),
    "attach-dependencies": boolFlag(false, "Automatically attach to log output of dependent services"),
    detach: boolFlag(false, "Detached mode: Run containers in the background", { shorthand: "d" }),
    "exit-code-from": stringFlag(
      "",
      "Return the exit code of the selected service container. Implies --abort-on-container-exit",
    ),
    menu: boolFlag(
      false,
      "Enable interactive shortcuts when running attached. Incompatible with --detach. Can also be enable/disable by setting COMPOSE_MENU environment var.",
    ),
    "no-attach": stringArrayFlag([], "Do not attach (stream logs) to the specified services", {
      typeName: "stringArray",
      defaultText: "",
    }),
    "no-color": boolFlag(false, "Produce monochrome output"),
    "no-deps": boolFlag(false, "Don't start linked services"),
    "no-log-prefix": boolFlag(false, "Don't print prefix in logs"),
    "no-start": boolFlag(false, "Don't start the services after creating them"),
    "quiet-build": boolFlag(false, "Suppress the build output"),
    "renew-anon-volumes": boolFlag(
      false,
      "Recreate anonymous volumes instead of retrieving data from the previous containers",
      { shorthand: "V" },
    ),
    timeout: intFlag(
      0,
      "Use this timeout in seconds for container shutdown when attached or when containers are already running",
      { shorthand: "t" },
    ),
    timestamps: boolFlag(false, "Show timestamps"),
    wait: boolFlag(false, "Wait for services to be running|healthy. Implies detached mode."),
    "wait-timeout": intFlag(0, "Maximum duration in seconds to wait for the project to be running|healthy"),
    watch: boolFlag(false, "Watch source code and rebuild/refresh containers when files are updated.", {
      shorthand: "w",
    }),
  },
  *run(invocation, given) {
    const { flags, args } = invocation;
    const { session } = selected(given, args);
    const { project, progress } = session;
    if (flags.watch)
      throw new ComposeFailure(
        "watching source code is not part of this simulator; docker compose up --build builds again",
      );
    if (Object.keys(project.services).length === 0) throw new ComposeFailure("no service selected");
    const names = flags["no-deps"]
      ? args.length > 0
        ? [...args].sort()
        : Object.keys(project.services)
      : withDependencies(project, args);
    const timeout = invocation.changed("timeout") ? flags.timeout : undefined;
    yield* createAll(session, names, flags, { timeout, renewVolumes: flags["renew-anon-volumes"] });
    if (flags["no-start"]) return 0;
    if (flags.detach || flags.wait) {
      yield* startServices(session, names, { wait: flags.wait });
      return 0;
    }
    yield* progress.end();
    return yield* attached(
      invocation as never,
      session,
      names,
      args.length > 0 && !flags["attach-dependencies"] ? args : names,
    );
  },
});

/** In the foreground: logs of all, until all have ended or the learner stops them. */
function* attached(
  invocation: ComposeInvocation,
  session: Session,
  names: readonly string[],
  shown: readonly string[],
): Task<number> {
  const { client, project } = session;
  const { process } = client;
  const flags = invocation.allFlags as Readonly<Record<string, unknown>>;
  const hidden = flags["no-attach"] as readonly string[];
  const only = flags["attach"] as readonly string[];
  const wanted = (only.length > 0 ? only : shown).filter(
    (name) => !hidden.includes(name) && project.services[name]?.["attach"] !== false,
  );
  const containers = (yield* containersOf(client, project.name, { all: true, services: names })).filter((each) =>
    wanted.includes(serviceOf(each)),
  );
  const shortName = (each: OwnContainer): string => nameOf(each).replace(new RegExp(`^${project.name}-`), "");
  const printer = new LogPrinter(process, {
    color: process.ttyOf(1) !== undefined && !flags["no-color"],
    prefix: !flags["no-log-prefix"],
  });
  for (const each of containers) printer.register(shortName(each));
  yield* process.print(`Attaching to ${containers.map(shortName).join(", ")}\n`);
  const codeFrom = String(flags["exit-code-from"]);
  const abortOnExit = Boolean(flags["abort-on-container-exit"]) || codeFrom !== "";
  const abortOnFailure = Boolean(flags["abort-on-container-failure"]);
  const finished = new Deferred<{ readonly code: number; readonly stop: boolean }>();
  let open = containers.length;
  const ended = (container: OwnContainer, code: number): void => {
    open--;
    if (abortOnExit || (abortOnFailure && code !== 0))
      finished.resolve({ code: codeFrom === "" ? code : serviceOf(container) === codeFrom ? code : 0, stop: true });
    else if (open === 0) finished.resolve({ code: 0, stop: false });
  };
  for (const each of containers) process.thread(follow(session, each, shortName(each), printer, ended));
  let signals = 0;
  for (const signal of ["INT", "TERM"] as const)
    process.onSignal(signal, () => {
      if (++signals === 1) finished.resolve({ code: 130, stop: true });
      else process.thread(killAll(session, names, () => process.exit(130)));
    });
  yield* startServices({ ...session, progress: { *event() {}, *end() {} } }, names);
  if (containers.length === 0) return 0;
  const { code, stop } = yield* suspend(finished.wait);
  if (stop) {
    if (signals > 0) yield* process.print("Gracefully Stopping... press Ctrl+C again to force\n");
    else yield* process.print("Aborting on container exit...\n");
    for (const level of levelsOf(project, names).reverse()) {
      const running = (yield* containersOf(client, project.name, { all: false, services: level })).filter(isRunning);
      yield* together(
        client,
        running.map(
          (each) => () =>
            stopContainer(session, each, invocation.changed("timeout") ? Number(flags["timeout"]) : undefined),
        ),
      );
    }
    yield* session.progress.end();
  }
  return code;
}

function* killAll(session: Session, names: readonly string[], after: () => void): Task<void> {
  for (const each of yield* containersOf(session.client, session.project.name, { all: false, services: names }))
    yield* session.client.post(`/containers/${each.Id}/kill`);
  after();
}

/** One container's output while it lives; a restart goes on in the same colours. */
function* follow(
  session: Session,
  container: OwnContainer,
  name: string,
  printer: LogPrinter,
  ended: (container: OwnContainer, code: number) => void,
): Task<void> {
  const { client } = session;
  for (let isRestart = false; ; isRestart = true) {
    const attachedTo = yield* client.post(`/containers/${container.Id}/attach`, {
      query: { stream: true, stdout: true, stderr: true, logs: isRestart || undefined },
    });
    const waiting = client.post(`/containers/${container.Id}/wait`, {
      query: { condition: isRunning(container) || isRestart ? "not-running" : "next-exit" },
    });
    const exit = new Deferred<number>();
    client.process.thread(
      (function* (): Task<void> {
        const answer = yield* waiting;
        exit.resolve(answer.ok ? (answer.value.body as { StatusCode: number }).StatusCode : 1);
      })(),
    );
    if (attachedTo.ok && attachedTo.value.stream)
      yield* printLogs(printer, name, new FrameReader(attachedTo.value.stream));
    const code = yield* suspend(exit.wait);
    const after = yield* client.fetch<{ State: { Restarting: boolean; Running: boolean } }>(
      `/containers/${container.Id}/json`,
    );
    const restarts = after.ok && (after.value.State.Restarting || after.value.State.Running);
    yield* printer.status(name, `exited with code ${code}${restarts ? " (restarting)" : ""}`);
    if (!restarts) {
      ended(container, code);
      return;
    }
    for (;;) {
      const state = yield* client.fetch<{ State: { Restarting: boolean; Running: boolean } }>(
        `/containers/${container.Id}/json`,
      );
      if (!state.ok) {
        ended(container, code);
        return;
      }
      if (!state.value.State.Restarting) break;
      yield* client.process.sleep(100);
    }
  }
}

export const start = composeCommand({
  use: "start [SERVICE...]",
  short: "Start services",
  flags: {
    wait: boolFlag(false, "Wait for services to be running|healthy. Implies detached mode."),
    "wait-timeout": intFlag(0, "Maximum duration in seconds to wait for the project to be running|healthy"),
  },
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    const present = yield* containersOf(session.client, session.project.name, { all: true });
    const names = withDependencies(session.project, invocation.args);
    for (const name of invocation.args.length > 0 ? invocation.args : Object.keys(session.project.services))
      if (!present.some((each) => serviceOf(each) === name))
        throw new ComposeFailure(`service ${JSON.stringify(name)} has no container to start`);
    yield* startServices(session, names, { wait: invocation.flags.wait });
    return 0;
  },
});

export const scale = composeCommand({
  use: "scale [SERVICE=REPLICAS...]",
  short: "Scale services",
  flags: { "no-deps": boolFlag(false, "Don't start linked services") },
  args: minArgs(1),
  *run(invocation, session) {
    const given = invocation.args.map((each) => {
      const [name, count] = each.split("=") as [string, string?];
      if (count === undefined) throw new ComposeFailure(`invalid scale specifier: ${each}`);
      return { name, count };
    });
    const chosen = selected(
      session,
      given.map((each) => each.name),
    );
    const names = invocation.flags["no-deps"]
      ? [...chosen.names].sort()
      : withDependencies(chosen.session.project, chosen.names);
    yield* createAll(chosen.session, names, { scale: invocation.args });
    yield* startServices(chosen.session, names);
    return 0;
  },
});
