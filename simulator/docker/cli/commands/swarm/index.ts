/** Commands of Swarm, plugins, trust and checkpoints: what they say on an engine that has none of them. */
import type { Task } from "../../../../base/task";
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs, minArgs, noArgs } from "../../../../cli/style-docker";
import { tabulate, DOCKER_TABLE } from "../../../../text/tabwriter";
import { docker, type DockerCommand, fail, failCall } from "../../run-command";

const SWARM = "Swarm Commands";
const MANAGEMENT = "Management Commands";

/** A command that asks the daemon and can only hear that this node is no manager. */
const asking = (use: string, short: string, path: string, least = 0): DockerCommand =>
  docker({
    use,
    short,
    interspersed: false,
    args: least === 0 ? noArgs : minArgs(least),
    *run(invocation) {
      const answer = yield* invocation.client.get(path);
      return answer.ok ? 0 : yield* failCall(invocation, answer.error);
    },
  });

const group = (use: string, short: string, heading: string, commands: readonly DockerCommand[]): DockerCommand =>
  docker({ use, short, group: heading, commands });

const objects = (noun: string, path: string): DockerCommand[] => [
  asking(`create [OPTIONS] ${noun.toUpperCase()} [file|-]`, `Create a ${noun} from a file or STDIN`, path, 1),
  asking(
    `inspect [OPTIONS] ${noun.toUpperCase()} [${noun.toUpperCase()}...]`,
    `Display detailed information on one or more ${noun}s`,
    path,
    1,
  ),
  asking("ls [OPTIONS]", `List ${noun}s`, path),
  asking(`rm ${noun.toUpperCase()} [${noun.toUpperCase()}...]`, `Remove one or more ${noun}s`, path, 1),
];

const absent = (use: string, short: string): DockerCommand =>
  docker({
    use,
    short,
    interspersed: false,
    run: (invocation) =>
      fail(
        invocation,
        "Swarm is not part of this simulator; docker compose runs several services on one host, Kubernetes on many",
      ),
  });

const swarm = group("swarm", "Manage Swarm", SWARM, [
  absent("init [OPTIONS]", "Initialize a swarm"),
  absent("join [OPTIONS] HOST:PORT", "Join a swarm as a node and/or manager"),
  asking("join-token [OPTIONS] (worker|manager)", "Manage join tokens", "/swarm", 1),
  docker({
    use: "leave [OPTIONS]",
    short: "Leave the swarm",
    flags: { force: boolFlag(false, "Force this node to leave the swarm, ignoring warnings", { shorthand: "f" }) },
    args: noArgs,
    *run(invocation) {
      const answer = yield* invocation.client.post("/swarm/leave");
      return answer.ok ? 0 : yield* failCall(invocation, answer.error);
    },
  }),
  asking("update [OPTIONS]", "Update the swarm", "/swarm"),
]);

const service = group("service", "Manage Swarm services", SWARM, [
  asking("create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new service", "/services", 1),
  asking(
    "inspect [OPTIONS] SERVICE [SERVICE...]",
    "Display detailed information on one or more services",
    "/services",
    1,
  ),
  asking("logs [OPTIONS] SERVICE|TASK", "Fetch the logs of a service or task", "/services", 1),
  asking("ls [OPTIONS]", "List services", "/services"),
  asking("ps [OPTIONS] SERVICE [SERVICE...]", "List the tasks of one or more services", "/services", 1),
  asking("rm SERVICE [SERVICE...]", "Remove one or more services", "/services", 1),
  asking("rollback [OPTIONS] SERVICE", "Revert changes to a service's configuration", "/services", 1),
  asking("scale SERVICE=REPLICAS [SERVICE=REPLICAS...]", "Scale one or multiple replicated services", "/services", 1),
  asking("update [OPTIONS] SERVICE", "Update a service", "/services", 1),
]);

const node = group("node", "Manage Swarm nodes", SWARM, [
  asking("demote NODE [NODE...]", "Demote one or more nodes from manager in the swarm", "/nodes", 1),
  asking("inspect [OPTIONS] self|NODE [NODE...]", "Display detailed information on one or more nodes", "/nodes", 1),
  asking("ls [OPTIONS]", "List nodes in the swarm", "/nodes"),
  asking("promote NODE [NODE...]", "Promote one or more nodes to manager in the swarm", "/nodes", 1),
  asking("ps [OPTIONS] [NODE...]", "List tasks running on one or more nodes, defaults to current node", "/nodes"),
  asking("rm [OPTIONS] NODE [NODE...]", "Remove one or more nodes from the swarm", "/nodes", 1),
  asking("update [OPTIONS] NODE", "Update a node", "/nodes", 1),
]);

const stack = group("stack", "Manage Swarm stacks", SWARM, [
  asking("deploy [OPTIONS] STACK", "Deploy a new stack or update an existing stack", "/services", 1),
  asking("ls [OPTIONS]", "List stacks", "/services"),
  asking("ps [OPTIONS] STACK", "List the tasks in the stack", "/services", 1),
  asking("rm [OPTIONS] STACK [STACK...]", "Remove one or more stacks", "/services", 1),
  asking("services [OPTIONS] STACK", "List the services in the stack", "/services", 1),
]);

const plugin = group("plugin", "Manage plugins", MANAGEMENT, [
  docker({
    use: "ls [OPTIONS]",
    aliases: ["list"],
    short: "List plugins",
    flags: {
      format: stringFlag("", "Format output using a custom template"),
      quiet: boolFlag(false, "Only display plugin IDs", { shorthand: "q" }),
    },
    args: noArgs,
    *run(invocation) {
      const answer = yield* invocation.client.get("/plugins");
      if (!answer.ok) return yield* failCall(invocation, answer.error);
      if (!invocation.flags.quiet && invocation.flags.format === "")
        yield* invocation.process.print(tabulate("ID\tNAME\tDESCRIPTION\tENABLED\n", DOCKER_TABLE));
      return 0;
    },
  }),
  docker({
    use: "install [OPTIONS] PLUGIN [KEY=VALUE...]",
    short: "Install a plugin",
    interspersed: false,
    args: minArgs(1),
    run: (invocation) =>
      fail(invocation, "Plugins are not part of this simulator; volumes and networks have their built-in drivers"),
  }),
]);

const trust = group("trust", "Manage trust on Docker images", MANAGEMENT, [
  docker({
    use: "inspect IMAGE[:TAG] [IMAGE[:TAG]...]",
    short: "Return low-level information about keys and signatures",
    flags: { pretty: boolFlag(false, "Print the information in a human friendly format") },
    args: minArgs(1),
    *run(invocation): Task<number> {
      const { args, flags, process } = invocation;
      // Nothing here is signed.
      if (!flags.pretty) yield* process.print("[]\n");
      return yield* fail(invocation, args.map((name) => `no signatures or cannot access ${name}`).join("\n"));
    },
  }),
]);

const EXPERIMENTAL = "is only supported on a Docker daemon with experimental features enabled";
const checkpointCommand = (use: string, short: string, count: number): DockerCommand =>
  docker({
    use,
    short,
    args: exactArgs(count),
    run: (invocation) => fail(invocation, `${invocation.commandPath} ${EXPERIMENTAL}`),
  });

const checkpoint = docker({
  use: "checkpoint",
  short: "Manage checkpoints",
  group: MANAGEMENT,
  hidden: true,
  commands: [
    checkpointCommand("create [OPTIONS] CONTAINER CHECKPOINT", "Create a checkpoint from a running container", 2),
    checkpointCommand("ls [OPTIONS] CONTAINER", "List checkpoints for a container", 1),
    checkpointCommand("rm [OPTIONS] CONTAINER CHECKPOINT", "Remove a checkpoint", 2),
  ],
  run: (invocation) => fail(invocation, `${invocation.commandPath} ${EXPERIMENTAL}`),
});

export const swarmCommands: readonly DockerCommand[] = [
  checkpoint,
  group("config", "Manage Swarm configs", SWARM, objects("config", "/configs")),
  node,
  plugin,
  group("secret", "Manage Swarm secrets", SWARM, objects("secret", "/secrets")),
  service,
  stack,
  swarm,
  trust,
];
