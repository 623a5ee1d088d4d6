/** kubectl config view, current-context, get-contexts, get-clusters, get-users */
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { KUBECTL_TABLE, tabulate } from "../../../../text/tabwriter";
import type { KubeObject } from "../../../apimachinery/object";
import { fail, throwAll, CommandFailure } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { type Kubeconfig, kubeconfigValue } from "../../kubeconfig";
import { outputRequest, printFlags, printerFor } from "../../output";

export const view = defineKubectlCommand({
  use: "view",
  short: "Display merged kubeconfig settings or a specified kubeconfig file",
  flags: {
    ...printFlags,
    flatten: boolFlag(
      false,
      "Flatten the resulting kubeconfig file into self-contained output (useful for creating portable kubeconfig files)",
    ),
    merge: boolFlag(true, "Merge the full hierarchy of kubeconfig files"),
    minify: boolFlag(false, "Remove all information not used by current-context from the output"),
    output: stringFlag(
      "yaml",
      "Output format. One of: (json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file).",
      { shorthand: "o" },
    ),
    raw: boolFlag(false, "Display raw byte data and sensitive data"),
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    let config = factory.kubeconfig;
    if (flags.minify) config = minified(config, factory.overrides.context);
    if (!flags.raw && !flags.flatten) config = redacted(config);
    const value = { ...kubeconfigValue(config), preferences: undefined };
    const printer = printerFor(process, outputRequest({ ...flags, output: flags.output || "yaml" }))!;
    yield* process.print(printer.print(value as unknown as KubeObject));
    return 0;
  },
});

function minified(config: Kubeconfig, contextName: string | undefined): Kubeconfig {
  const name = contextName || config.currentContext;
  if (name === "") fail("current-context must exist in order to minify");
  const context = config.contexts[name];
  if (!context) return fail(`cannot locate context ${name}`);
  const pick = <T>(map: Readonly<Record<string, T>>, key: string | undefined): Record<string, T> =>
    key && Object.hasOwn(map, key) ? { [key]: map[key]! } : {};
  return {
    currentContext: name,
    contexts: { [name]: context },
    clusters: pick(config.clusters, context.cluster),
    users: pick(config.users, context.user),
  };
}

/** Secrets and embedded files are not shown. */
function redacted(config: Kubeconfig): Kubeconfig {
  const hide = (map: Readonly<Record<string, Record<string, unknown>>>): Record<string, never> =>
    Object.fromEntries(
      Object.entries(map).map(([name, entry]) => [
        name,
        Object.fromEntries(
          Object.entries(entry).map(([key, value]) => {
            if (["certificate-authority-data", "client-certificate-data", "client-key-data"].includes(key))
              return [key, "DATA+OMITTED"];
            return key === "token" || key === "password" ? [key, "REDACTED"] : [key, value];
          }),
        ),
      ]),
    ) as never;
  return { ...config, clusters: hide(config.clusters), users: hide(config.users) };
}

export const currentContext = defineKubectlCommand({
  use: "current-context",
  short: "Display the current-context",
  *run(invocation) {
    const { currentContext: name } = factoryOf(invocation).kubeconfig;
    if (name === "") fail("current-context is not set");
    yield* invocation.process.print(`${name}\n`);
    return 0;
  },
});

export const getContexts = defineKubectlCommand({
  use: "get-contexts [(-o|--output=)name)]",
  short: "Describe one or many contexts",
  flags: {
    "no-headers": boolFlag(
      false,
      "When using the default or custom-column output format, don't print headers (default print headers).",
    ),
    output: stringFlag("", "Output format. One of: (name).", { shorthand: "o" }),
  },
  *run(invocation) {
    const { flags, args, process } = invocation;
    const config = factoryOf(invocation).kubeconfig;
    if (flags.output !== "" && flags.output !== "name") fail(`output must be one of '' or 'name': ${flags.output}`);
    const missing = args
      .filter((name) => !Object.hasOwn(config.contexts, name))
      .map((name) => new CommandFailure(`context ${name} not found`));
    const names = (
      args.length > 0 ? args.filter((name) => Object.hasOwn(config.contexts, name)) : Object.keys(config.contexts)
    )
      .slice()
      .sort();
    if (flags.output === "name") for (const name of names) yield* process.print(`${name}\n`);
    else {
      const rows = names.map((name) => {
        const context = config.contexts[name]!;
        return `${name === config.currentContext ? "*" : ""}\t${name}\t${context.cluster ?? ""}\t${context.user ?? ""}\t${context.namespace ?? ""}\n`;
      });
      const head = flags["no-headers"] ? "" : "CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n";
      yield* process.print(tabulate(head + rows.join(""), KUBECTL_TABLE));
    }
    throwAll(missing);
    return 0;
  },
});

const listing = (use: string, short: string, read: (config: Kubeconfig) => readonly string[]) =>
  defineKubectlCommand({
    use,
    short,
    *run(invocation) {
      const names = [...read(factoryOf(invocation).kubeconfig)].sort();
      yield* invocation.process.print(`NAME\n${names.map((name) => `${name}\n`).join("")}`);
      return 0;
    },
  });

export const getClusters = listing("get-clusters", "Display clusters defined in the kubeconfig", (config) =>
  Object.keys(config.clusters),
);
export const getUsers = listing("get-users", "Display users defined in the kubeconfig", (config) =>
  Object.keys(config.users),
);
