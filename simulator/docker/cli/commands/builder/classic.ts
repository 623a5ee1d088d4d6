/** docker build with DOCKER_BUILDKIT=0: the classic builder, one container for every step. */
import { type Bytes, encodeUtf8 } from "../../../../base/bytes";
import { boolFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs } from "../../../../cli/style-docker";
import { failure, ok } from "../../../../base/result";
import { valueFlag } from "../../../../cli/flags";
import { humanSize } from "../../../../text/human-size";
import { buildContext } from "../../build/context";
import { assignments } from "../../build/solve";
import { bytesFlag } from "../../container-options";
import { showProgress } from "../../progress";
import { parseReference } from "../../reference";
import { registryAuth } from "../../registry-auth";
import { docker, fail, failCall } from "../../run-command";

/** Said on standard error before anything else. */
export const DEPRECATION =
  "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n            BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0\n            environment-variable.\n\n";

/** Where the reader of an archive tells of its progress first: it reads headers, then files in pieces of 32 KiB. */
function firstTold(archive: Bytes): number | undefined {
  const step = 512 * 1024;
  let at = 0;
  while (at + 512 <= archive.length) {
    const size = Number.parseInt(archive.slice(at + 124, at + 136), 8) || 0;
    at += 512;
    for (let rest = Math.ceil(size / 512) * 512; rest > 0; ) {
      const piece = Math.min(rest, 32_768);
      at += piece;
      rest -= piece;
      if (at > step) return at < archive.length ? at : undefined;
    }
  }
  return undefined;
}

const list = (usage: string, extra: { shorthand?: string } = {}) =>
  stringArrayFlag([], usage, { typeName: "list", defaultText: "", ...extra });

export const classicBuild = docker({
  use: "build [OPTIONS] PATH | URL | -",
  aliases: ["docker image build, docker build, docker builder build"],
  short: "Build an image from a Dockerfile",
  flags: {
    "add-host": list('Add a custom host-to-IP mapping ("host:ip")'),
    "build-arg": list("Set build-time variables"),
    "cache-from": stringArrayFlag([], "Images to consider as cache sources", { typeName: "strings", defaultText: "" }),
    "cgroup-parent": stringFlag("", 'Set the parent cgroup for the "RUN" instructions during build'),
    compress: boolFlag(false, "Compress the build context using gzip"),
    "cpu-period": intFlag(0, "Limit the CPU CFS (Completely Fair Scheduler) period"),
    "cpu-quota": intFlag(0, "Limit the CPU CFS (Completely Fair Scheduler) quota"),
    "cpu-shares": intFlag(0, "CPU shares (relative weight)", { shorthand: "c" }),
    "cpuset-cpus": stringFlag("", "CPUs in which to allow execution (0-3, 0,1)"),
    "cpuset-mems": stringFlag("", "MEMs in which to allow execution (0-3, 0,1)"),
    "disable-content-trust": boolFlag(true, "Skip image verification"),
    file: stringFlag("", 'Name of the Dockerfile (Default is "PATH/Dockerfile")', { shorthand: "f" }),
    "force-rm": boolFlag(false, "Always remove intermediate containers"),
    iidfile: stringFlag("", "Write the image ID to the file"),
    isolation: stringFlag("", "Container isolation technology"),
    label: list("Set metadata for an image"),
    memory: bytesFlag("Memory limit", { shorthand: "m" }),
    "memory-swap": bytesFlag("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
    network: stringFlag("default", "Set the networking mode for the RUN instructions during build"),
    "no-cache": boolFlag(false, "Do not use cache when building the image"),
    platform: stringFlag("", "Set platform if server is multi-platform capable"),
    pull: boolFlag(false, "Always attempt to pull a newer version of the image"),
    quiet: boolFlag(false, "Suppress the build output and print image ID on success", { shorthand: "q" }),
    rm: boolFlag(true, "Remove intermediate containers after a successful build"),
    "security-opt": stringArrayFlag([], "Security options", { typeName: "strings", defaultText: "" }),
    "shm-size": bytesFlag('Size of "/dev/shm"'),
    tag: valueFlag<readonly string[]>(
      "list",
      [],
      'Name and optionally a tag in the "name:tag" format',
      (text, before) => {
        const reference = parseReference(text);
        return reference.ok ? ok([...(before ?? []), text]) : failure(reference.error);
      },
      { shorthand: "t", defaultText: "" },
    ),
    target: stringFlag("", "Set the target build stage to build."),
    ulimit: stringArrayFlag([], "Ulimit options", { typeName: "ulimit", defaultText: "[]" }),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { client, flags, args, process } = invocation;
    const context = yield* buildContext(process, args[0]!, flags.file, { classic: true });
    if (!context.ok) return yield* fail(invocation, `unable to prepare context: ${context.error}`);
    if (!flags.quiet) {
      const { archive } = context.value;
      const line = (bytes: number): string => `Sending build context to Docker daemon ${humanSize(bytes).padStart(8)}`;
      const first = firstTold(archive);
      yield* process.print(
        process.ttyOf(1)
          ? `${first === undefined ? "" : `${line(first)}\r`}${line(archive.length)}\r\r\n`
          : `${line(archive.length)}\n`,
      );
    }
    const answer = yield* client.post("/build", {
      query: {
        version: "1",
        t: flags.tag,
        dockerfile: context.value.dockerfile,
        dockerfilesource: context.value.outside,
        q: flags.quiet || undefined,
        nocache: flags["no-cache"] || undefined,
        pull: flags.pull || undefined,
        rm: flags.rm,
        forcerm: flags["force-rm"] || undefined,
        target: flags.target || undefined,
        buildargs: JSON.stringify(assignments(flags["build-arg"], process.env)),
        labels: JSON.stringify(assignments(flags.label, process.env)),
        networkmode: flags.network,
        memory: flags.memory || undefined,
        platform: flags.platform || undefined,
      },
      headers: { "content-type": "application/x-tar", ...registryAuth(process, "docker.io") },
      body: context.value.archive,
    });
    if (!answer.ok) return yield* failCall(invocation, answer.error);
    let id = "";
    const failed = answer.value.stream
      ? yield* showProgress(process, answer.value.stream, {
          fd: 1,
          onAux: (value) => {
            id = (value as { ID?: string }).ID ?? id;
          },
        })
      : undefined;
    if (failed) return yield* fail(invocation, failed.message, failed.code || 1);
    if (flags.iidfile) process.fs.writeFile(process.path(flags.iidfile), encodeUtf8(id), { mode: 0o644 });
    return 0;
  },
});
