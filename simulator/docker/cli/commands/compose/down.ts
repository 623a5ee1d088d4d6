/** docker compose down, stop, restart, kill, rm, pause, unpause. */
import type { Task } from "../../../../base/task";
import { boolFlag, intFlag, stringFlag } from "../../../../cli/flags";
import { removeOnly, stopContainer, takeDown } from "../../compose/converge";
import {
  ComposeFailure,
  containersOf,
  isRunning,
  must,
  nameOf,
  type OwnContainer,
  type Session,
  together,
} from "../../compose/session";
import { levelsOf } from "../../compose/types";
import { confirm } from "../../run-command";
import { composeCommand, selected } from "./command";

const timeoutFlag = (usage: string) => intFlag(0, usage, { shorthand: "t" });

export const down = composeCommand({
  use: "down [OPTIONS] [SERVICES]",
  short: "Stop and remove containers, networks",
  flags: {
    "remove-orphans": boolFlag(false, "Remove containers for services not defined in the Compose file"),
    rmi: stringFlag(
      "",
      'Remove images used by services. "local" remove only images that don\'t have a custom tag ("local"|"all")',
    ),
    timeout: timeoutFlag("Specify a shutdown timeout in seconds"),
    volumes: boolFlag(
      false,
      'Remove named volumes declared in the "volumes" section of the Compose file and anonymous volumes attached to containers',
      { shorthand: "v" },
    ),
  },
  *run(invocation, session) {
    const { flags, changed, args } = invocation;
    if (flags.rmi !== "" && flags.rmi !== "all" && flags.rmi !== "local")
      throw new ComposeFailure(`invalid value for --rmi: ${JSON.stringify(flags.rmi)}`);
    selected(session, args);
    yield* takeDown(session, {
      volumes: flags.volumes,
      images: flags.rmi,
      removeOrphans: flags["remove-orphans"],
      timeout: changed("timeout") ? flags.timeout : undefined,
      services: args,
    });
    return 0;
  },
});

/** Users before what they use. */
function* stopAll(session: Session, services: readonly string[], timeout: number | undefined): Task<void> {
  const names =
    services.length > 0
      ? services
      : [...Object.keys(session.project.services), ...Object.keys(session.project.disabled)];
  for (const level of levelsOf(session.project, names).reverse()) {
    const running = (yield* containersOf(session.client, session.project.name, {
      all: false,
      services: level,
      newestFirst: true,
    })).filter(isRunning);
    yield* together(
      session.client,
      running.map((each) => () => stopContainer(session, each, timeout)),
    );
  }
}

export const stop = composeCommand({
  use: "stop [OPTIONS] [SERVICE...]",
  short: "Stop services",
  flags: { timeout: timeoutFlag("Specify a shutdown timeout in seconds") },
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    yield* stopAll(session, invocation.args, invocation.changed("timeout") ? invocation.flags.timeout : undefined);
    return 0;
  },
});

export const restart = composeCommand({
  use: "restart [OPTIONS] [SERVICE...]",
  short: "Restart service containers",
  flags: {
    "no-deps": boolFlag(false, "Don't restart dependent services"),
    timeout: timeoutFlag("Specify a shutdown timeout in seconds"),
  },
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    const timeout = invocation.changed("timeout") ? invocation.flags.timeout : undefined;
    const names = invocation.args.length > 0 ? invocation.args : Object.keys(session.project.services);
    for (const level of levelsOf(session.project, names)) {
      const present = yield* containersOf(session.client, session.project.name, {
        all: true,
        services: level,
        newestFirst: true,
      });
      yield* together(
        session.client,
        present.map((each) => () => act(session, each, "restart", "Restarting", "Started", { t: timeout })),
      );
    }
    return 0;
  },
});

function* act(
  session: Session,
  container: OwnContainer,
  verb: string,
  doing: string | undefined,
  done: string,
  query: Readonly<Record<string, string | number | undefined>> = {},
): Task<void> {
  const id = `Container ${nameOf(container)}`;
  if (doing) yield* session.progress.event(id, doing);
  yield* must(session, "POST", `/containers/${container.Id}/${verb}`, { query });
  yield* session.progress.event(id, done, "done");
}

export const kill = composeCommand({
  use: "kill [OPTIONS] [SERVICE...]",
  short: "Force stop service containers",
  flags: {
    "remove-orphans": boolFlag(false, "Remove containers for services not defined in the Compose file"),
    signal: stringFlag("SIGKILL", "SIGNAL to send to the container", { shorthand: "s" }),
  },
  *run(invocation, given) {
    const { session } = selected(given, invocation.args);
    const running = yield* containersOf(session.client, session.project.name, {
      all: false,
      services: invocation.args,
      newestFirst: true,
    });
    if (running.length === 0 && invocation.args.length === 0) throw new ComposeFailure("no container to kill");
    yield* together(
      session.client,
      running.map((each) => () => act(session, each, "kill", "Killing", "Killed", { signal: invocation.flags.signal })),
    );
    return 0;
  },
});

const pauseOr = (verb: "pause" | "unpause", short: string, done: string) =>
  composeCommand({
    use: `${verb} [SERVICE...]`,
    short,
    *run(invocation, given) {
      const { session } = selected(given, invocation.args);
      const running = yield* containersOf(session.client, session.project.name, {
        all: false,
        services: invocation.args,
        newestFirst: true,
      });
      yield* together(
        session.client,
        running.map((each) => () => act(session, each, verb, undefined, done)),
      );
      return 0;
    },
  });

export const pause = pauseOr("pause", "Pause services", "Paused");
export const unpause = pauseOr("unpause", "Unpause services", "Unpaused");

export const rm = composeCommand({
  use: "rm [OPTIONS] [SERVICE...]",
  short: "Removes stopped service containers",
  flags: {
    force: boolFlag(false, "Don't ask to confirm removal", { shorthand: "f" }),
    stop: boolFlag(false, "Stop the containers, if required, before removing", { shorthand: "s" }),
    volumes: boolFlag(false, "Remove any anonymous volumes attached to containers", { shorthand: "v" }),
  },
  *run(invocation, given) {
    const { flags, args, process } = invocation;
    const { session } = selected(given, args);
    if (flags.stop) yield* stopAll(session, args, undefined);
    const all = yield* containersOf(session.client, session.project.name, {
      all: true,
      services: args,
      newestFirst: true,
    });
    const stopped = all.filter((each) => flags.stop || !isRunning(each));
    if (stopped.length === 0) {
      yield* process.printError("No stopped containers\n");
      return 0;
    }
    const question = `Going to remove ${stopped.map(nameOf).join(", ")}`;
    if (flags.force) yield* process.print(`${question}\n`);
    else if (!(yield* confirm(invocation, `? ${question}`))) return 0;
    yield* together(
      session.client,
      stopped.map((each) => () => removeOnly(session, each, { force: flags.force, volumes: flags.volumes })),
    );
    return 0;
  },
});
