/** What compose commands share: the project options before the subcommand, a session, failures in compose's form. */
import type { Task } from "../../../../base/task";
import { boolFlag, type FlagSet, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { loadProject } from "../../compose/load";
import { composeProgress } from "../../compose/progress";
import { ComposeFailure, containersOf, type OwnContainer, type Session, serviceOf, warn } from "../../compose/session";
import type { Project } from "../../compose/types";
import { docker, type DockerCommand, type DockerDefinition, type DockerInvocation, fail } from "../../run-command";

/** Options of `docker compose` itself. */
export const projectFlags = {
  "all-resources": boolFlag(false, "Include all resources, even those not used by services"),
  ansi: stringFlag("auto", 'Control when to print ANSI control characters ("never"|"always"|"auto")', {
    defaultText: '"auto"',
  }),
  compatibility: boolFlag(false, "Run compose in backward compatibility mode"),
  "dry-run": boolFlag(false, "Execute command in dry run mode"),
  "env-file": stringArrayFlag([], "Specify an alternate environment file", {
    typeName: "stringArray",
    defaultText: "",
  }),
  file: stringArrayFlag([], "Compose configuration files", {
    shorthand: "f",
    typeName: "stringArray",
    defaultText: "",
  }),
  parallel: intFlag(-1, "Control max parallelism, -1 for unlimited"),
  profile: stringArrayFlag([], "Specify a profile to enable", { typeName: "stringArray", defaultText: "" }),
  progress: stringFlag("", "Set type of progress output (auto, tty, plain, json, quiet)", { defaultText: "" }),
  "project-directory": stringFlag(
    "",
    "Specify an alternate working directory\n(default: the path of the, first specified, Compose file)",
  ),
  "project-name": stringFlag("", "Project name", { shorthand: "p" }),
};

export type ComposeInvocation<F extends FlagSet = FlagSet> = DockerInvocation<F>;

export interface ComposeDefinition<F extends FlagSet> extends Omit<DockerDefinition<F>, "run"> {
  /** The picture's title on a terminal. */
  readonly title?: string;
  readonly run: (invocation: ComposeInvocation<F>, session: Session) => Task<number>;
}

const optionsOf = (invocation: Pick<ComposeInvocation, "context">): Readonly<Record<string, unknown>> =>
  (invocation.context.globals?.["compose"] as Readonly<Record<string, unknown>> | undefined) ?? {};

/** A command of a project: loads it, and says failures as compose does. */
export function composeCommand<F extends FlagSet = Readonly<Record<never, never>>>(
  definition: ComposeDefinition<F>,
): DockerCommand {
  const { run, title, ...rest } = definition;
  return docker<F>({
    ...rest,
    *run(invocation): Task<number> {
      const project = openProject(invocation as never);
      if (typeof project === "string") return yield* fail(invocation, project);
      for (const warning of project.warnings) yield* warn(invocation.client, warning);
      const progress = composeProgress(invocation.process, String(optionsOf(invocation)["progress"] ?? ""), title);
      try {
        const code = yield* run(invocation, { client: invocation.client, project, progress });
        yield* progress.end();
        return code;
      } catch (error) {
        if (!(error instanceof ComposeFailure)) throw error;
        yield* progress.end();
        return error.message === "" ? error.exitCode : yield* fail(invocation, error.message, error.exitCode);
      }
    },
  } as DockerDefinition<F>);
}

export function openProject(invocation: ComposeInvocation): Project | string {
  const options = optionsOf(invocation);
  const loaded = loadProject(invocation.process, {
    files: (options["file"] as readonly string[] | undefined) ?? [],
    name: String(options["project-name"] ?? ""),
    folder: String(options["project-directory"] ?? ""),
    envFiles: (options["env-file"] as readonly string[] | undefined) ?? [],
    profiles: (options["profile"] as readonly string[] | undefined) ?? [],
  });
  return loaded.ok ? loaded.value : loaded.error;
}

/** Services named on the command line; those of other profiles are switched on by being named. */
export function selected(
  session: Session,
  names: readonly string[],
): { readonly session: Session; readonly names: readonly string[] } {
  const { project } = session;
  const services: Record<string, NonNullable<(typeof project.services)[string]>> = { ...project.services };
  const enable = (name: string): void => {
    const service = services[name] ?? project.disabled[name];
    if (!service) throw new ComposeFailure(`no such service: ${name}`);
    if (services[name]) return;
    services[name] = service;
    for (const needed of Object.keys(service.depends_on ?? {})) enable(needed);
  };
  for (const name of names) enable(name);
  return { session: { ...session, project: { ...project, services } }, names };
}

/** A service's container by its index. */
export function* oneContainer(session: Session, service: string, index: number): Task<OwnContainer> {
  selected(session, [service]);
  const own = yield* containersOf(session.client, session.project.name, { all: false, services: [service] });
  const found = own
    .filter((each) => serviceOf(each) === service)
    .find((each, i) => (index > 0 ? each.Labels["com.docker.compose.container-number"] === String(index) : i === 0));
  if (!found)
    throw new ComposeFailure(
      index > 1
        ? `service ${JSON.stringify(service)} is not running container #${index}`
        : `service ${JSON.stringify(service)} is not running`,
    );
  return found;
}
