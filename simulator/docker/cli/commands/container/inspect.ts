/** docker inspect, and the inspect of each kind of object. */
import type { Task } from "../../../../base/task";
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { minArgs } from "../../../../cli/style-docker";
import type { DockerClient } from "../../client";
import { completeContainers, completeImages, completeNetworks, completeVolumes } from "../../complete";
import { docker, type DockerCommand, fail } from "../../run-command";
import { DOCKER_FUNCTIONS, compileTemplate, goJson } from "../../template";

type Kind = "container" | "image" | "network" | "volume";

const formatFlag = stringFlag(
  "",
  "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
  { shorthand: "f" },
);

const paths: Readonly<Record<Kind, (name: string) => string>> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
};

interface Found {
  readonly value?: unknown;
  readonly error?: string;
}

function* inspectOne(
  client: DockerClient,
  kind: Kind,
  name: string,
  size: boolean,
): Task<Found & { readonly missing: boolean }> {
  const answer = yield* client.get(paths[kind](name), kind === "container" && size ? { size: true } : undefined);
  if (answer.ok) return { value: answer.value.body, missing: false };
  return { error: answer.error.message, missing: answer.error.status === 404 };
}

/** Prints what was found in the format asked for; everything wrong follows on standard error. */
function* printInspected(
  invocation: Parameters<typeof fail>[0],
  format: string,
  refs: readonly string[],
  find: (ref: string) => Task<Found>,
): Task<number> {
  const { process } = invocation;
  const isJson = format === "json";
  const template =
    format !== "" && !isJson
      ? compileTemplate(format, { functions: DOCKER_FUNCTIONS, missingKeyError: true })
      : undefined;
  if (template && !template.ok) return yield* fail(invocation, `template parsing error: ${template.error}`, 64);
  const found: unknown[] = [];
  const errors: string[] = [];
  let out = "";
  for (const ref of refs) {
    const one = yield* find(ref);
    if (one.error !== undefined) {
      errors.push(one.error);
      continue;
    }
    if (!template) {
      found.push(one.value);
      continue;
    }
    const { text, error } = template.value.execute(one.value);
    if (error !== undefined) {
      yield* process.print(`${out}\n`);
      return yield* fail(invocation, `template parsing error: ${error}`);
    }
    out += `${text}\n`;
  }
  if (template) yield* process.print(out === "" && errors.length > 0 ? "\n" : out);
  else if (isJson) yield* process.print(`${goJson(found, { sortKeys: false })}\n`);
  else yield* process.print(found.length === 0 ? "[]\n" : `${goJsonIndentOrdered(found)}\n`);
  if (errors.length === 0) return 0;
  return yield* fail(invocation, errors.join("\n"));
}

/** json.MarshalIndent with four spaces; members in the order the engine gave them. */
const goJsonIndentOrdered = (value: unknown): string => goJson(value, { sortKeys: false, indent: "    " });

const inspectKind = (kind: Kind, short: string, noun: string): DockerCommand =>
  docker({
    use: `inspect [OPTIONS] ${noun} [${noun}...]`,
    short,
    flags: {
      format: formatFlag,
      ...(kind === "container" ? { size: boolFlag(false, "Display total file sizes", { shorthand: "s" }) } : {}),
    },
    args: minArgs(1),
    completeArgs:
      kind === "container"
        ? completeContainers({ all: true })
        : kind === "image"
          ? completeImages
          : kind === "network"
            ? completeNetworks
            : completeVolumes,
    run: (invocation) =>
      printInspected(invocation, String(invocation.allFlags["format"]), invocation.args, (name) =>
        inspectOne(invocation.client, kind, name, Boolean(invocation.allFlags["size"])),
      ),
  });

export const inspectContainer = inspectKind(
  "container",
  "Display detailed information on one or more containers",
  "CONTAINER",
);
export const inspectImage = inspectKind("image", "Display detailed information on one or more images", "IMAGE");
export const inspectNetwork = inspectKind("network", "Display detailed information on one or more networks", "NETWORK");
export const inspectVolume = inspectKind("volume", "Display detailed information on one or more volumes", "VOLUME");

const KINDS: readonly Kind[] = ["container", "image", "network", "volume"];

export const inspect = docker({
  use: "inspect [OPTIONS] NAME|ID [NAME|ID...]",
  short: "Return low-level information on Docker objects",
  flags: {
    format: formatFlag,
    size: boolFlag(false, "Display total file sizes if the type is container", { shorthand: "s" }),
    type: stringFlag("", "Only inspect objects of the given type"),
  },
  args: minArgs(1),
  completeArgs: completeContainers({ all: true }),
  *run(invocation) {
    const { flags, client } = invocation;
    if (flags.type !== "" && !KINDS.includes(flags.type as Kind)) {
      if (invocation.changed("type"))
        return yield* fail(
          invocation,
          `unknown type: ${JSON.stringify(flags.type)}: must be one of "config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"`,
        );
    }
    return yield* printInspected(invocation, flags.format, invocation.args, function* (name): Task<Found> {
      if (flags.type) return yield* inspectOne(client, flags.type as Kind, name, flags.size);
      for (const kind of KINDS) {
        const one = yield* inspectOne(client, kind, name, flags.size);
        if (one.value !== undefined) return one;
        if (!one.missing) return one;
      }
      return { error: `Error: No such object: ${name}` };
    });
  },
});
