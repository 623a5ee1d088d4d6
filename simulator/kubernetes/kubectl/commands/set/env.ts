/** kubectl set env */
import { decodeUtf8 } from "../../../../base/bytes";
import { boolFlag, stringArrayFlag, stringFlag, stringSliceFlag } from "../../../../cli/flags";
import { completeResources } from "../../completion";
import type { Part } from "../../describe/page";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { applySet, podSpecOf, selectContainers, setFlags } from "../../set-command";
import { findAll } from "../../targets";

const PAIR = /^([-._a-zA-Z][-._a-zA-Z0-9]*)=(.*)$/s;

export const setEnv = defineKubectlCommand({
  use: "env RESOURCE/NAME KEY_1=VAL_1 ... KEY_N=VAL_N",
  short: "Update environment variables on a pod template",
  flags: {
    ...setFlags,
    containers: stringFlag("*", "The names of containers in the selected pod templates to change - may use wildcards", {
      shorthand: "c",
    }),
    env: stringArrayFlag([], "Specify a key-value pair for an environment variable to set into each container.", {
      shorthand: "e",
    }),
    from: stringFlag("", "The name of a resource from which to inject environment variables"),
    keys: stringSliceFlag([], "Comma-separated list of keys to import from specified resource"),
    list: boolFlag(
      false,
      "If true, display the environment and any changes in the standard format. this flag will removed when we have kubectl view env.",
    ),
    overwrite: boolFlag(
      true,
      "If true, allow environment to be overwritten, otherwise reject updates that overwrite existing environment.",
    ),
    prefix: stringFlag("", "Prefix to append to variable names"),
    resolve: boolFlag(false, "If true, show secret or configmap references when listing variables"),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    const isChange = (arg: string): boolean =>
      arg === "-" || (arg.includes("=") && !arg.startsWith("=")) || (arg.endsWith("-") && arg !== "-");
    const first = args.findIndex(isChange);
    const resources = first < 0 ? args : args.slice(0, first);
    const changes = [...(first < 0 ? [] : args.slice(first)), ...flags.env];
    if (resources.length === 0 && flags.filename.length === 0)
      fail("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    if (changes.length === 0 && flags.from === "" && !flags.list)
      fail("at least one environment variable must be provided");
    if (flags.list && changes.length === 0 && flags.from === "") {
      const targets = yield* findAll(factory, {
        args: resources,
        filenames: flags.filename,
        recursive: flags.recursive,
        selector: flags.selector,
        all: flags.all,
        latest: true,
      });
      for (const { object, mapping, name } of targets) {
        const spec = podSpecOf(object)?.spec;
        for (const container of selectContainers(spec?.containers ?? [], flags.containers)) {
          yield* process.print(`# ${mapping.kind} ${name}, container ${container.name}\n`);
          for (const variable of container.env ?? []) yield* process.print(listed(variable));
        }
      }
      return 0;
    }
    const set: Part[] = [];
    const remove: string[] = [];
    for (const change of changes) {
      if (change === "-") {
        for (const line of decodeUtf8(yield* process.readAll()).split("\n")) {
          const m = PAIR.exec(line.trim());
          if (m) set.push({ name: m[1], value: m[2] });
        }
        continue;
      }
      const m = PAIR.exec(change);
      if (m) {
        if (set.some((each) => each.name === m[1] && flags.env.includes(change)))
          fail(`"${m[1]}" was specified more than once`);
        set.push({ name: m[1], value: m[2] });
      } else if (change.endsWith("-")) remove.push(change.slice(0, -1));
      else fail(`unknown environment spec: ${change}`);
    }
    if (flags.from !== "") {
      const [source] = yield* findAll(factory, { args: [flags.from] });
      const { object } = source!;
      if (object.kind !== "ConfigMap" && object.kind !== "Secret") fail(`unsupported resource specified in --from`);
      const data: Readonly<Record<string, string>> = object["data"] ?? {};
      for (const key of Object.keys(data).sort()) {
        if (flags.keys.length > 0 && !flags.keys.includes(key)) continue;
        const ref = { key, name: object.metadata.name };
        const name = flags.prefix + key.toUpperCase().replace(/[^A-Z0-9_]/g, "_");
        set.push({ name, valueFrom: object.kind === "Secret" ? { secretKeyRef: ref } : { configMapKeyRef: ref } });
      }
    }
    return yield* applySet(invocation, factory, {
      resources,
      done: "env updated",
      change({ object }) {
        const place = podSpecOf(object);
        if (!place) return fail(`the object is not a pod or does not have a pod template: ${object.kind}`);
        const chosen = selectContainers(place.spec.containers ?? [], flags.containers);
        if (chosen.length === 0) return undefined;
        const update = (container: Part): Part => {
          if (!chosen.includes(container)) return container;
          const before: readonly Part[] = container.env ?? [];
          if (!flags.overwrite) {
            for (const each of set) {
              const existing = before.find((old) => old.name === each.name);
              if (existing)
                fail(`'${each.name}' already has a value (${existing.value ?? ""}), and --overwrite is false`);
            }
          }
          const kept = before
            .filter((each) => !remove.includes(each.name))
            .map((each) => set.find((one) => one.name === each.name) ?? each);
          const added = set.filter(
            (each, i) =>
              !before.some((old) => old.name === each.name) && set.findIndex((one) => one.name === each.name) === i,
          );
          const env = [...kept, ...added];
          const { env: _, ...rest } = container;
          return env.length > 0 ? { ...rest, env } : rest;
        };
        return place.with({ ...place.spec, containers: place.spec.containers.map(update) });
      },
    });
  },
});

function listed(variable: Part): string {
  const { name, value = "", valueFrom } = variable;
  if (!valueFrom) return `${name}=${value}\n`;
  if (valueFrom.secretKeyRef)
    return `# ${name} from secret ${valueFrom.secretKeyRef.name}, key ${valueFrom.secretKeyRef.key}\n`;
  if (valueFrom.configMapKeyRef)
    return `# ${name} from configmap ${valueFrom.configMapKeyRef.name}, key ${valueFrom.configMapKeyRef.key}\n`;
  if (valueFrom.fieldRef) return `# ${name} from field path ${valueFrom.fieldRef.fieldPath}\n`;
  return `# ${name} from resource ${valueFrom.resourceFieldRef?.containerName ?? ""} ${valueFrom.resourceFieldRef?.resource ?? ""}\n`;
}
