/** docker manifest inspect: an image's manifest, asked of its registry. */
import { boolFlag } from "../../../../cli/flags";
import { rangeArgs } from "../../../../cli/style-docker";
import { goJson } from "../../../../text/go-json";
import { parseReference } from "../../reference";
import { docker, fail, failCall } from "../../run-command";

interface Distribution {
  readonly Descriptor: { readonly digest: string };
  /** Not upstream's: the manifest itself, which upstream's client fetches from the registry. */
  readonly Manifest: unknown;
  readonly Platforms: readonly { readonly architecture: string; readonly os: string }[];
}

const inspect = docker({
  use: "inspect [OPTIONS] [MANIFEST_LIST] MANIFEST",
  short: "Display an image manifest, or manifest list",
  flags: {
    insecure: boolFlag(false, "Allow communication with an insecure registry"),
    verbose: boolFlag(false, "Output additional info including layers and platform", { shorthand: "v" }),
  },
  args: rangeArgs(1, 2),
  *run(invocation) {
    const { client, args, flags, process } = invocation;
    const name = args.at(-1)!;
    const reference = parseReference(name);
    if (!reference.ok) return yield* fail(invocation, reference.error);
    const answer = yield* client.fetch<Distribution>(`/distribution/${name}/json`);
    if (!answer.ok)
      return answer.error.status === 404
        ? yield* fail(invocation, `no such manifest: ${reference.value.name}:${reference.value.tag ?? "latest"}`)
        : yield* failCall(invocation, answer.error);
    const { Descriptor: descriptor, Manifest: manifest, Platforms: platforms } = answer.value;
    const value = flags.verbose
      ? {
          Ref: `${reference.value.name}:${reference.value.tag ?? "latest"}`,
          Descriptor: { ...descriptor, platform: platforms[0] },
          SchemaV2Manifest: manifest,
        }
      : manifest;
    yield* process.print(`${goJson(value, { sortKeys: false, indent: "\t" })}\n`);
    return 0;
  },
});

export const manifest = docker({
  use: "manifest COMMAND",
  short: "Manage Docker image manifests and manifest lists",
  group: "Management Commands",
  commands: [inspect],
});
