/** docker buildx build: what `docker build` is unless DOCKER_BUILDKIT=0. */
import { encodeUtf8 } from "../../../../base/bytes";
import type { Task } from "../../../../base/task";
import { boolFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { exactArgs } from "../../../../cli/style-docker";
import type { Process } from "../../../../os/process";
import { buildContext } from "../../build/context";
import { assignments, solve } from "../../build/solve";
import { type SolveMode, solveDisplay } from "../../build/solve-display";
import type { SolveTrace } from "../../build/solve-trace";
import { sourceExcerpt } from "../../build/source";
import { parseReference } from "../../reference";
import { docker, fail } from "../../run-command";

const list = (usage: string, extra: { shorthand?: string; typeName?: string } = {}) =>
  stringArrayFlag([], usage, { typeName: "stringArray", defaultText: "", ...extra });
const ignored = (isBool = false) =>
  isBool ? boolFlag(false, "", { hidden: true }) : stringFlag("", "", { hidden: true });

export const buildxBuild = docker({
  use: "build [OPTIONS] PATH | URL | -",
  aliases: ["docker build, docker builder build, docker image build, docker buildx b", "b"],
  short: "Start a build",
  flags: {
    "add-host": list('Add a custom host-to-IP mapping (format: "host:ip")', { typeName: "strings" }),
    allow: list('Allow extra privileged entitlement (e.g., "network.host", "security.insecure", "device")'),
    annotation: list("Add annotation to the image"),
    attest: list('Attestation parameters (format: "type=sbom,generator=image")'),
    "build-arg": list("Set build-time variables"),
    "build-context": list("Additional build contexts (e.g., name=path)"),
    "cache-from": list('External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")'),
    "cache-to": list('Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")'),
    call: stringFlag("build", 'Set method for evaluating build ("check", "outline", "targets")', {
      defaultText: '"build"',
    }),
    "cgroup-parent": stringFlag("", 'Set the parent cgroup for the "RUN" instructions during build'),
    check: boolFlag(false, 'Shorthand for "--call=check"'),
    file: stringFlag("", 'Name of the Dockerfile (default: "PATH/Dockerfile")', { shorthand: "f" }),
    iidfile: stringFlag("", "Write the image ID to a file"),
    label: list("Set metadata for an image"),
    load: boolFlag(false, 'Shorthand for "--output=type=docker"'),
    "metadata-file": stringFlag("", "Write build result metadata to a file"),
    network: stringFlag("default", 'Set the networking mode for the "RUN" instructions during build'),
    "no-cache": boolFlag(false, "Do not use cache when building the image"),
    "no-cache-filter": list("Do not cache specified stages"),
    output: list('Output destination (format: "type=local,dest=path")', { shorthand: "o" }),
    platform: list("Set target platform for build"),
    progress: stringFlag(
      "auto",
      'Set type of progress output ("auto", "none", "plain", "quiet", "rawjson", "tty"). Use plain to show container output',
    ),
    provenance: stringFlag("", 'Shorthand for "--attest=type=provenance"'),
    pull: boolFlag(false, "Always attempt to pull all referenced images"),
    push: boolFlag(false, 'Shorthand for "--output=type=registry,unpack=false"'),
    quiet: boolFlag(false, "Suppress the build output and print image ID on success", { shorthand: "q" }),
    sbom: stringFlag("", 'Shorthand for "--attest=type=sbom"'),
    secret: list('Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")'),
    "shm-size": stringFlag("", "Shared memory size for build containers", { typeName: "bytes" }),
    ssh: list('SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")'),
    tag: list('Image identifier (format: "[registry/]repository[:tag]")', { shorthand: "t" }),
    target: stringFlag("", "Set the target build stage to build"),
    ulimit: list("Ulimit options", { typeName: "ulimit" }),
    compress: ignored(true),
    "cpu-period": ignored(),
    "cpu-quota": ignored(),
    "cpu-shares": ignored(),
    "cpuset-cpus": ignored(),
    "cpuset-mems": ignored(),
    "disable-content-trust": ignored(true),
    "force-rm": ignored(true),
    isolation: ignored(),
    memory: stringFlag("", "", { shorthand: "m", hidden: true }),
    "memory-swap": ignored(),
    rm: ignored(true),
    "security-opt": ignored(),
    squash: ignored(true),
  },
  args: exactArgs(1),
  *run(invocation) {
    const { client, flags, args, process } = invocation;
    const error = (message: string): Task<number> => fail(invocation, `ERROR: ${message}`);
    const reach = yield* client.call("HEAD", "/_ping");
    if (!reach.ok) return yield* error(reach.error.message);
    const mode = progressMode(process, flags.quiet ? "quiet" : flags.progress);
    if (mode === undefined)
      return yield* error(
        flags.progress === "tty"
          ? "failed to get console: provided file is not a console"
          : `invalid progress mode ${flags.progress}`,
      );
    for (const tag of flags.tag) {
      const reference = parseReference(tag);
      if (!reference.ok)
        return yield* error(
          `failed to build: invalid tag ${JSON.stringify(tag)}: ${reference.error.replace(/^invalid reference format: repository name \(.*\) must be/, "repository name must be")}`,
        );
    }
    const unsupported = (["build-context", "secret", "ssh", "cache-to", "attest"] as const).find(
      (name) => flags[name].length > 0,
    );
    if (unsupported) return yield* error(`--${unsupported} is not part of this simulator`);
    const platform = flags.platform.flatMap((each) => each.split(",")).find((each) => each !== "linux/amd64");
    if (platform !== undefined)
      return yield* error(
        `failed to build: Multi-platform build is not supported for the docker driver.\nSwitch to a different driver, or turn on the containerd image store, and try again.\nLearn more at https://docs.docker.com/go/build-multi-platform/`,
      );
    const check = flags.check || flags.call === "check";
    const context = yield* buildContext(process, args[0]!, flags.file, { classic: false });
    if (!context.ok) return yield* error(`failed to build: unable to prepare context: ${context.error}`);
    const display = solveDisplay(process, mode, {
      fd: 2,
      title: 'building with "default" instance using docker driver',
      builder: "docker:default",
    });
    const built = yield* solve(
      client,
      context.value,
      {
        tags: flags.tag,
        target: flags.target,
        args: assignments(flags["build-arg"], process.env),
        labels: assignments(flags.label, process.env),
        noCache: flags["no-cache"],
        pull: flags.pull,
        check,
        ...(flags.network === "default" ? {} : { networkMode: flags.network }),
      },
      display,
    );
    if (!built.ok) {
      const { source, message } = built.error;
      return yield* fail(invocation, `${source ? sourceExcerpt(source) : ""}ERROR: failed to build: ${message}`);
    }
    if (check) return yield* checkReport(process, display.trace, flags.file, args[0]!);
    if (mode !== "quiet" && mode !== "rawjson")
      yield* process.printError(warningsText(display.trace, Boolean(invocation.context.globals?.["debug"])));
    if (flags.iidfile) process.fs.writeFile(process.path(flags.iidfile), encodeUtf8(built.value), { mode: 0o644 });
    if (flags["metadata-file"])
      process.fs.writeFile(
        process.path(flags["metadata-file"]),
        encodeUtf8(
          `${JSON.stringify({ "containerimage.config.digest": built.value, "containerimage.digest": built.value, ...(flags.tag.length > 0 ? { "image.name": flags.tag.join(",") } : {}) }, undefined, 2)}\n`,
        ),
        { mode: 0o644 },
      );
    if (flags.quiet) yield* process.print(`${built.value}\n`);
    if (flags.push)
      for (const tag of flags.tag) {
        const pushed = yield* client.post(`/images/${tag}/push`);
        if (!pushed.ok)
          return yield* error(`failed to build: failed to solve: failed to push ${tag}: ${pushed.error.message}`);
      }
    return 0;
  },
});

export function progressMode(process: Process, asked: string): SolveMode | undefined {
  const isTerminal = process.ttyOf(2) !== undefined;
  const wanted = asked === "auto" ? process.env["BUILDKIT_PROGRESS"] || "auto" : asked;
  switch (wanted) {
    case "auto":
    case "":
      return isTerminal ? "tty" : "plain";
    case "tty":
      return isTerminal ? "tty" : undefined;
    case "plain":
    case "quiet":
    case "rawjson":
      return wanted;
    case "none":
      return "quiet";
    default:
      return undefined;
  }
}

function warningsText(trace: SolveTrace, debug: boolean): string {
  const { warnings } = trace;
  if (warnings.length === 0) return "";
  const count = warnings.length === 1 ? "1 warning found" : `${warnings.length} warnings found`;
  let text = `\n \x1b[33m${count}${debug ? "" : " (use docker --debug to expand)"}:\n\x1b[0m`;
  for (const warning of warnings) {
    text += ` - ${warning.short}\n`;
    if (debug) text += `${warning.detail}\nMore info: ${warning.url}\n\n`;
  }
  return text;
}

/** `docker build --check`: the linter's remarks with the lines they are about. */
function* checkReport(process: Process, trace: SolveTrace, file: string, path: string): Task<number> {
  const count = trace.warnings.length;
  if (count === 0) {
    yield* process.print("Check complete, no warnings found.\n");
    return 0;
  }
  const name = file === "" || file === "-" ? "Dockerfile" : file.split("/").at(-1)!;
  const node = path === "-" ? undefined : process.fs.find(process.path(file || `${path}/Dockerfile`));
  const source = node?.kind === "file" ? node.read() : "";
  let text = "";
  for (const warning of [...trace.warnings].sort((a, b) => a.line - b.line)) {
    const rule = warning.short.split(": ", 1)[0];
    text += `\nWARNING: ${rule} - ${warning.url}\n${warning.detail}\n\n`;
    text += sourceExcerpt({ filename: name, text: source, start: warning.line, end: warning.line });
  }
  yield* process.print(
    `${text}\nCheck complete, ${count === 1 ? "1 warning has" : `${count} warnings have`} been found!\n`,
  );
  return 1;
}
