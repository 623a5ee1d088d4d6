/** kubectl config use-context, set-context, set-cluster, set-credentials, set, unset, rename and delete. */
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { deepCopy } from "../../../../base/json";
import { SysError } from "../../../../os/errno";
import type { Bytes } from "../../../../base/bytes";
import type { Process } from "../../../../os/process";
import type { Factory } from "../../factory";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../../kubectl-command";
import {
  configPaths,
  emptyKubeconfig,
  encodeBase64,
  type Kubeconfig,
  readKubeconfig,
  writeKubeconfig,
} from "../../kubeconfig";

/** Changes the file that holds an entry, or the first of the list for a new one. */
function modify(
  factory: Factory,
  holds: (config: Kubeconfig) => boolean,
  change: (config: Kubeconfig) => void,
): string {
  const { paths } = configPaths(factory.process, factory.overrides.kubeconfig);
  const files = paths.map((path) => ({ path, config: readKubeconfig(factory.process, path, false) }));
  const chosen =
    files.find(({ config }) => config && holds(config)) ?? files.find(({ config }) => config) ?? files.at(-1)!;
  const config = deepCopy(chosen.config ?? emptyKubeconfig()) as Kubeconfig;
  change(config);
  writeKubeconfig(factory.process, chosen.path, config);
  return chosen.path;
}

function* requireName(invocation: Pick<KubectlInvocation, "args" | "help" | "process">, expected: string) {
  if (invocation.args.length === 1) return invocation.args[0]!;
  yield* invocation.process.printError(invocation.help());
  return fail(expected);
}

export const useContext = defineKubectlCommand({
  use: "use-context CONTEXT_NAME",
  aliases: ["use"],
  short: "Set the current-context in a kubeconfig file",
  *run(invocation) {
    const factory = factoryOf(invocation);
    const name = yield* requireName(invocation as never, `accepts 1 arg(s), received ${invocation.args.length}`);
    if (!Object.hasOwn(factory.kubeconfig.contexts, name)) fail(`no context exists with the name: "${name}"`);
    modify(
      factory,
      (config) => config.currentContext !== "",
      (config) => {
        config.currentContext = name;
      },
    );
    yield* invocation.process.print(`Switched to context "${name}".\n`);
    return 0;
  },
  *completeArgs(request) {
    return { candidates: Object.keys(request.context.factoryFor(request).kubeconfig.contexts).sort() };
  },
});

export const setContext = defineKubectlCommand({
  use: "set-context [NAME | --current] [--cluster=cluster_nickname] [--user=user_nickname] [--namespace=namespace]",
  short: "Set a context entry in kubeconfig",
  flags: { current: boolFlag(false, "Modify the current context") },
  *run(invocation) {
    const factory = factoryOf(invocation);
    const { flags, args, process, allFlags } = invocation;
    if (args.length > 1 || (args.length === 1 && flags.current))
      fail(
        flags.current
          ? "you cannot specify both a context name and --current"
          : "Unexpected args: [" + args.join(" ") + "]",
      );
    if (args.length === 0 && !flags.current) fail("you must specify a non-empty context name or --current");
    const name = flags.current ? factory.kubeconfig.currentContext : args[0]!;
    if (name === "")
      fail(flags.current ? "no current context is set" : "you must specify a non-empty context name or --current");
    const existed = Object.hasOwn(factory.kubeconfig.contexts, name);
    modify(
      factory,
      (config) => Object.hasOwn(config.contexts, name),
      (config) => {
        const context = config.contexts[name] ?? {};
        for (const [flag, field] of [
          ["cluster", "cluster"],
          ["user", "user"],
          ["namespace", "namespace"],
        ] as const) {
          if (invocation.changed(flag)) context[field] = String(allFlags[flag]);
        }
        config.contexts[name] = { cluster: "", user: "", ...context };
      },
    );
    yield* process.print(`Context "${name}" ${existed ? "modified" : "created"}.\n`);
    return 0;
  },
});

function readFileData(process: Process, path: string): string {
  try {
    return encodeBase64(process.fs.readFile(process.path(path)) as Bytes);
  } catch (error) {
    if (error instanceof SysError)
      return fail(`could not read ${path} data from ${path}: open ${path}: ${error.message.toLowerCase()}`);
    throw error;
  }
}

export const setCluster = defineKubectlCommand({
  use: "set-cluster NAME [--server=server] [--certificate-authority=path/to/certificate/authority] [--insecure-skip-tls-verify=true] [--tls-server-name=example.com]",
  short: "Set a cluster entry in kubeconfig",
  flags: {
    "embed-certs": boolFlag(false, "embed-certs for the cluster entry in kubeconfig"),
    "proxy-url": stringFlag("", "proxy-url for the cluster entry in kubeconfig"),
  },
  *run(invocation) {
    const factory = factoryOf(invocation);
    const { allFlags, process } = invocation;
    const name = yield* requireName(invocation as never, `Unexpected args: [${invocation.args.join(" ")}]`);
    modify(
      factory,
      (config) => Object.hasOwn(config.clusters, name),
      (config) => {
        const cluster = config.clusters[name] ?? {};
        if (invocation.changed("server")) cluster.server = String(allFlags["server"]);
        if (invocation.changed("insecure-skip-tls-verify")) {
          cluster["insecure-skip-tls-verify"] = allFlags["insecure-skip-tls-verify"] === true;
          if (cluster["insecure-skip-tls-verify"]) {
            delete cluster["certificate-authority"];
            delete cluster["certificate-authority-data"];
          }
        }
        if (invocation.changed("tls-server-name")) cluster["tls-server-name"] = String(allFlags["tls-server-name"]);
        if (invocation.changed("proxy-url")) cluster["proxy-url"] = String(allFlags["proxy-url"]);
        if (invocation.changed("certificate-authority")) {
          const path = String(allFlags["certificate-authority"]);
          delete cluster["insecure-skip-tls-verify"];
          if (allFlags["embed-certs"] === true) {
            cluster["certificate-authority-data"] = readFileData(process, path);
            delete cluster["certificate-authority"];
          } else {
            cluster["certificate-authority"] = process.path(path);
            delete cluster["certificate-authority-data"];
          }
        }
        config.clusters[name] = cluster;
      },
    );
    yield* process.print(`Cluster "${name}" set.\n`);
    return 0;
  },
});

export const setCredentials = defineKubectlCommand({
  use: "set-credentials NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password]",
  short: "Set a user entry in kubeconfig",
  flags: {
    "auth-provider": stringFlag("", "Auth provider for the user entry in kubeconfig"),
    "auth-provider-arg": stringArrayFlag([], "'key=value' arguments for the auth provider"),
    "embed-certs": boolFlag(false, "Embed client cert/key for the user entry in kubeconfig"),
    "exec-command": stringFlag("", "Command for the exec credential plugin for the user entry in kubeconfig"),
  },
  *run(invocation) {
    const factory = factoryOf(invocation);
    const { allFlags, process } = invocation;
    const name = yield* requireName(invocation as never, `Unexpected args: [${invocation.args.join(" ")}]`);
    if (allFlags["exec-command"] !== "" || allFlags["auth-provider"] !== "")
      fail("credential plugins are not simulated here; use --token or --client-certificate");
    modify(
      factory,
      (config) => Object.hasOwn(config.users, name),
      (config) => {
        const user = config.users[name] ?? {};
        for (const [flag, data] of [
          ["client-certificate", "client-certificate-data"],
          ["client-key", "client-key-data"],
        ] as const) {
          if (!invocation.changed(flag)) continue;
          const path = String(allFlags[flag]);
          if (allFlags["embed-certs"] === true) {
            user[data] = readFileData(process, path);
            delete user[flag];
          } else {
            user[flag] = process.path(path);
            delete user[data];
          }
        }
        if (invocation.changed("token")) {
          user.token = String(allFlags["token"]);
          delete user.username;
          delete user.password;
        }
        if (invocation.changed("username")) user.username = String(allFlags["username"]);
        if (invocation.changed("password")) user.password = String(allFlags["password"]);
        config.users[name] = user;
      },
    );
    yield* process.print(`User "${name}" set.\n`);
    return 0;
  },
});

/** A path such as `contexts.dev.namespace`, set or removed. */
function setPath(config: Kubeconfig, path: string, value: string | undefined): void {
  const [top = "", ...rest] = path.split(".");
  if (top === "current-context") {
    config.currentContext = value ?? "";
    return;
  }
  if (top !== "clusters" && top !== "users" && top !== "contexts")
    fail(`unable to parse ${path} at []: field not found`);
  const map = config[top as "clusters" | "users" | "contexts"] as Record<string, Record<string, unknown>>;
  // Names may contain points: the field is the last part.
  const field = rest.length > 1 ? rest.at(-1)! : undefined;
  const name = field ? rest.slice(0, -1).join(".") : rest.join(".");
  if (name === "") fail("needs more specific path");
  if (!field) {
    if (value !== undefined) fail("can't set a map to a value");
    delete map[name];
    return;
  }
  map[name] = { ...map[name] };
  if (value === undefined) delete map[name]![field];
  else map[name]![field] = field === "insecure-skip-tls-verify" ? value === "true" : value;
}

export const setValue = defineKubectlCommand({
  use: "set PROPERTY_NAME PROPERTY_VALUE",
  short: "Set an individual value in a kubeconfig file",
  flags: {
    "set-raw-bytes": boolFlag(
      false,
      "When writing a []byte PROPERTY_VALUE, write the given string directly without base64 decoding.",
    ),
  },
  *run(invocation) {
    const [path, value] = invocation.args;
    if (invocation.args.length !== 2) fail(`Unexpected args: [${invocation.args.join(" ")}]`);
    modify(
      factoryOf(invocation),
      () => true,
      (config) => setPath(config, path!, value),
    );
    yield* invocation.process.print(`Property "${path}" set.\n`);
    return 0;
  },
});

export const unsetValue = defineKubectlCommand({
  use: "unset PROPERTY_NAME",
  short: "Unset an individual value in a kubeconfig file",
  *run(invocation) {
    const [path] = invocation.args;
    if (invocation.args.length !== 1) fail(`Unexpected args: [${invocation.args.join(" ")}]`);
    modify(
      factoryOf(invocation),
      () => true,
      (config) => setPath(config, path!, undefined),
    );
    yield* invocation.process.print(`Property "${path}" unset.\n`);
    return 0;
  },
});

export const renameContext = defineKubectlCommand({
  use: "rename-context CONTEXT_NAME NEW_NAME",
  short: "Rename a context from the kubeconfig file",
  *run(invocation) {
    const factory = factoryOf(invocation);
    const [from, to] = invocation.args;
    if (invocation.args.length !== 2) fail(`Unexpected args: [${invocation.args.join(" ")}]`);
    if (!Object.hasOwn(factory.kubeconfig.contexts, from!))
      fail(
        `cannot rename the context "${from}", it's not in ${configPaths(factory.process, factory.overrides.kubeconfig).paths[0]}`,
      );
    if (Object.hasOwn(factory.kubeconfig.contexts, to!))
      fail(
        `cannot rename the context "${from}", the context "${to}" already exists in ${configPaths(factory.process, factory.overrides.kubeconfig).paths[0]}`,
      );
    modify(
      factory,
      (config) => Object.hasOwn(config.contexts, from!),
      (config) => {
        config.contexts[to!] = config.contexts[from!]!;
        delete config.contexts[from!];
        if (config.currentContext === from) config.currentContext = to!;
      },
    );
    yield* invocation.process.print(`Context "${from}" renamed to "${to}".\n`);
    return 0;
  },
});

const deleting = (noun: "context" | "cluster" | "user", field: "contexts" | "clusters" | "users") =>
  defineKubectlCommand({
    use: `delete-${noun} NAME`,
    short: `Delete the specified ${noun} from the kubeconfig`,
    *run(invocation) {
      const factory = factoryOf(invocation);
      const name = yield* requireName(invocation as never, `Unexpected args: [${invocation.args.join(" ")}]`);
      const path = configPaths(factory.process, factory.overrides.kubeconfig).paths[0]!;
      if (!Object.hasOwn(factory.kubeconfig[field], name)) fail(`cannot delete ${noun} ${name}, not in ${path}`);
      if (noun === "context" && factory.kubeconfig.currentContext === name) {
        yield* invocation.process.printError(
          'warning: this removed your active context, use "kubectl config use-context" to select a different one\n',
        );
      }
      const changed = modify(
        factory,
        (config) => Object.hasOwn(config[field], name),
        (config) => {
          delete config[field][name];
        },
      );
      yield* invocation.process.print(`deleted ${noun} ${name} from ${changed}\n`);
      return 0;
    },
  });

export const deleteContext = deleting("context", "contexts");
export const deleteCluster = deleting("cluster", "clusters");
export const deleteUser = deleting("user", "users");
