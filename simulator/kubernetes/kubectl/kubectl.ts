/** kubectl 1.36: the program, its global flags and how it ends. */
import { ok } from "../../base/result";
import type { Task } from "../../base/task";
import type { CommandLine } from "../../cli/command";
import { runCommandLine } from "../../cli/command";
import { runComplete } from "../../cli/complete";
import { boolFlag, durationFlag, type FlagSet, intFlag, stringArrayFlag, stringFlag, valueFlag } from "../../cli/flags";
import { kubectlStyle } from "../../cli/style-kubectl";
import { Interrupted, type Process, type Program } from "../../os/process";
import { commands } from "./commands/index";
import { Factory, type KubectlHost } from "./factory";
import { isFailure, reportFailure } from "./failure";
import { defineKubectlCommand, type KubectlContext } from "./kubectl-command";
import { runPlugin } from "./plugins";
import { TemplateExecutionFailure } from "./printers/go-template";

const globalFlags = {
  as: stringFlag(
    "",
    "Username to impersonate for the operation. User could be a regular user or a service account in a namespace.",
  ),
  "as-group": stringArrayFlag(
    [],
    "Group to impersonate for the operation, this flag can be repeated to specify multiple groups.",
  ),
  "as-uid": stringFlag("", "UID to impersonate for the operation."),
  "as-user-extra": stringArrayFlag(
    [],
    "User extras to impersonate for the operation, this flag can be repeated to specify multiple values for the same key.",
  ),
  "cache-dir": stringFlag("/root/.kube/cache", "Default cache directory"),
  "certificate-authority": stringFlag("", "Path to a cert file for the certificate authority"),
  "client-certificate": stringFlag("", "Path to a client certificate file for TLS"),
  "client-key": stringFlag("", "Path to a client key file for TLS"),
  cluster: stringFlag("", "The name of the kubeconfig cluster to use"),
  context: stringFlag("", "The name of the kubeconfig context to use"),
  "disable-compression": boolFlag(false, "If true, opt-out of response compression for all requests to the server"),
  "insecure-skip-tls-verify": boolFlag(
    false,
    "If true, the server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
  ),
  kubeconfig: stringFlag("", "Path to the kubeconfig file to use for CLI requests."),
  kuberc: stringFlag(
    "",
    "Path to the kuberc file to use for preferences. This can be disabled by exporting KUBECTL_KUBERC=false feature gate or turning off the feature KUBERC=off.",
  ),
  "log-flush-frequency": durationFlag(5000, "Maximum number of seconds between log flushes"),
  "match-server-version": boolFlag(false, "Require server version to match client version"),
  namespace: stringFlag("", "If present, the namespace scope for this CLI request", { shorthand: "n" }),
  password: stringFlag("", "Password for basic authentication to the API server"),
  profile: stringFlag(
    "none",
    "Name of profile to capture. One of (none|cpu|heap|goroutine|threadcreate|block|mutex|trace)",
  ),
  "profile-output": stringFlag("profile.pprof", "Name of the file to write the profile to"),
  "request-timeout": stringFlag(
    "0",
    "The length of time to wait before giving up on a single server request. Non-zero values should contain a corresponding time unit (e.g. 1s, 2m, 3h). A value of zero means don't timeout requests.",
  ),
  server: stringFlag("", "The address and port of the Kubernetes API server", { shorthand: "s" }),
  "tls-server-name": stringFlag(
    "",
    "Server name to use for server certificate validation. If it is not provided, the hostname used to contact the server is used",
  ),
  token: stringFlag("", "Bearer token for authentication to the API server"),
  user: stringFlag("", "The name of the kubeconfig user to use"),
  username: stringFlag("", "Username for basic authentication to the API server"),
  v: intFlag(0, "number for the log level verbosity", { shorthand: "v" }),
  vmodule: valueFlag(
    "pattern=N,...",
    "",
    "comma-separated list of pattern=N settings for file-filtered logging (only works for the default text log format)",
    (text: string) => ok(text),
  ),
  "warnings-as-errors": boolFlag(
    false,
    "Treat warnings received from the server as errors and exit with a non-zero exit code",
  ),
};

const root = defineKubectlCommand({
  use: "kubectl",
  short: "kubectl controls the Kubernetes cluster manager",
  long: "kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/",
  persistentFlags: globalFlags,
  commands,
  completeFlags: {
    *namespace(request) {
      const factory = request.context.factoryFor(request);
      const mapping = (yield* factory.discovery()).forArgument("namespaces");
      const list = yield* factory.client.get<{ items: { metadata: { name: string } }[] }>(
        `/api/${mapping.version}/namespaces`,
      );
      return { candidates: list.items.map((item) => item.metadata.name) };
    },
    *context(request) {
      return { candidates: Object.keys(request.context.factoryFor(request).kubeconfig.contexts).sort() };
    },
    *output() {
      return { candidates: ["json", "yaml", "kyaml", "name", "wide", "jsonpath=", "custom-columns=", "go-template="] };
    },
  },
});

/** The global flags' values: a command's own flag of the same name (create rolebinding --user) hides the global one. */
function globalsOf(invocation: {
  readonly allFlags: Readonly<Record<string, unknown>>;
  readonly path?: readonly { readonly flags: FlagSet }[];
}): Readonly<Record<string, unknown>> {
  const globals: Record<string, unknown> = { ...invocation.allFlags };
  for (const name of Object.keys(invocation.path?.at(-1)?.flags ?? {})) if (name in globalFlags) delete globals[name];
  return globals;
}

/** Time that a kubectl takes to start, read its configuration and its discovery cache. */
const STARTUP_MS = 45;

/** The kubectl of a machine. */
export function makeKubectl(host: KubectlHost): Program {
  return (process) => run(process, host);
}

function* run(process: Process, host: KubectlHost): Task<number> {
  let factory: Factory | undefined;
  const context: KubectlContext = {
    factoryFor(invocation) {
      factory ??= new Factory(process, host, globalsOf(invocation));
      return factory;
    },
  };
  const cli: CommandLine<KubectlContext> = {
    root,
    style: kubectlStyle,
    normalizeFlag: (name) => name.replaceAll("_", "-"),
    plugin: runPlugin,
    *before(invocation) {
      commandPath = invocation.commandPath;
      yield* invocation.context.factoryFor(invocation).traceStart();
      return undefined;
    },
  };
  let commandPath = "kubectl";
  yield* process.sleep(STARTUP_MS);
  try {
    const { argv } = process;
    if (argv[1] === "__complete" || argv[1] === "__completeNoDesc") return yield* runComplete(cli, process, context);
    const exitCode = yield* runCommandLine(cli, process, context);
    if (exitCode === 0 && factory?.hasClient) factory.client.checkWarnings();
    return exitCode;
  } catch (error) {
    if (error instanceof Interrupted) return 1;
    if (!isFailure(error)) throw error;
    if (error instanceof TemplateExecutionFailure) yield* process.print(error.printed);
    const { text, exitCode } = reportFailure(error, commandPath);
    yield* process.printError(text);
    return exitCode;
  }
}
