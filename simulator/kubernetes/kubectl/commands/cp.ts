/** kubectl cp: a file or folder through `tar` in the container, as kubectl does it. */
import { type Bytes, NO_BYTES, decodeUtf8 } from "../../../base/bytes";
import type { Task } from "../../../base/task";
import { boolFlag, intFlag, stringFlag } from "../../../cli/flags";
import { SysError } from "../../../os/errno";
import type { Process } from "../../../os/process";
import { resourcePath } from "../discovery";
import type { Factory } from "../factory";
import { fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { chooseContainer } from "../pod-selection";
import { runRemote } from "../remote-command";
import { readTar, type TarEntry, writeTar } from "../tar";
import { getObject } from "../targets";

interface Place {
  readonly namespace: string;
  readonly pod: string;
  readonly path: string;
}

export const cp = defineKubectlCommand({
  use: "cp <file-spec-src> <file-spec-dest>",
  short: "Copy files and directories to and from containers",
  group: "Troubleshooting and Debugging Commands",
  long: "Copy files and directories to and from containers. The container needs the 'tar' program.",
  example:
    "  # Into a pod\n  kubectl cp app.conf web:/tmp/app.conf\n  \n  # Out of it\n  kubectl cp web:/var/log/app.log app.log",
  flags: {
    container: stringFlag(
      "",
      "Container name. If omitted, use the kubectl.kubernetes.io/default-container annotation for selecting the container to be attached or the first container in the pod will be chosen",
      { shorthand: "c" },
    ),
    "no-preserve": boolFlag(
      false,
      "The copied file/directory's ownership and permissions will not be preserved in the container",
    ),
    retries: intFlag(0, "Set number of retries to complete a copy operation from a container."),
  },
  *run(invocation) {
    const { args, flags } = invocation;
    const factory = factoryOf(invocation);
    if (args.length !== 2) fail("source and destination are required");
    const [source, destination] = args.map((arg) => placeOf(arg, factory.namespace)) as [Place, Place];
    if (source.pod !== "" && destination.pod !== "") fail("one of src or dest must be a local file specification");
    if (source.pod === "" && destination.pod === "") fail("one of src or dest must be a remote file specification");
    if (source.path === "" || destination.path === "") fail("filepath can not be empty");
    if (destination.pod !== "") yield* copyTo(factory, source.path, destination, flags.container);
    else yield* copyFrom(factory, source, destination.path, flags.container);
    return 0;
  },
});

function placeOf(argument: string, namespace: string): Place {
  const at = argument.indexOf(":");
  if (at === 0) fail("filespec must match the canonical format: [[namespace/]pod:]file/path");
  if (at < 0) return { namespace: "", pod: "", path: argument };
  const parts = argument.slice(0, at).split("/");
  const path = argument.slice(at + 1);
  if (parts.length === 1) return { namespace, pod: parts[0]!, path };
  if (parts.length === 2) return { namespace: parts[0]!, pod: parts[1]!, path };
  return fail("filespec must match the canonical format: [[namespace/]pod:]file/path");
}

interface ExecResult {
  readonly code: number;
  readonly stdout: Bytes;
  readonly stderr: Bytes;
}

function* execIn(
  factory: Factory,
  place: Place,
  container: string,
  command: readonly string[],
  input?: Bytes,
): Task<ExecResult> {
  let stdout = "";
  let stderr = "";
  const mapping = (yield* factory.discovery()).forArgument("pods");
  const code = yield* runRemote(factory, {
    path: resourcePath(mapping, place.namespace, place.pod, "exec"),
    query: { command, container, stdin: input === undefined ? undefined : "true", stdout: "true", stderr: "true" },
    stdin: input !== undefined,
    tty: false,
    quiet: true,
    input,
    *sink(channel, bytes) {
      if (channel === "stdout") stdout += bytes;
      else stderr += bytes;
    },
  });
  return { code, stdout: stdout as Bytes, stderr: stderr as Bytes };
}

function* containerOf(factory: Factory, place: Place, wanted: string, remarksTo: 1 | 2 = 2): Task<string> {
  const mapping = (yield* factory.discovery()).forArgument("pods");
  const pod = yield* getObject(factory, mapping, place.namespace, place.pod);
  return yield* chooseContainer(factory, pod, wanted, { remarksTo });
}

function* copyTo(factory: Factory, local: string, place: Place, wanted: string): Task<void> {
  const { process } = factory;
  if (!process.fs.exists(process.path(local))) fail(`${local} doesn't exist in local filesystem`);
  const container = yield* containerOf(factory, place, wanted);
  // An existing folder takes the source inside it.
  let target = place.path;
  const isFolder = (yield* execIn(factory, place, container, ["test", "-d", target])).code === 0;
  if (isFolder || target.endsWith("/")) target = `${target.replace(/\/+$/, "")}/${basename(local)}`;
  const folder = target.includes("/") ? target.slice(0, target.lastIndexOf("/")) || "/" : ".";
  const archive = writeTar(collect(process, local, basename(target)));
  const { code, stderr } = yield* execIn(factory, place, container, ["tar", "-xmf", "-", "-C", folder], archive);
  if (stderr !== NO_BYTES) yield* process.write(2, stderr);
  if (code !== 0) fail(`command terminated with exit code ${code}`);
}

function collect(process: Process, path: string, name: string): TarEntry[] {
  const absolute = process.path(path);
  if (!process.fs.isDir(absolute)) return [{ name, content: process.fs.readFile(absolute) }];
  const inside = [...process.fs.readDir(absolute)]
    .sort()
    .flatMap((entry) => collect(process, `${absolute}/${entry}`, `${name}/${entry}`));
  return [{ name: `${name}/`, content: undefined }, ...inside];
}

function* copyFrom(factory: Factory, place: Place, local: string, wanted: string): Task<void> {
  const { process } = factory;
  // What the far side's tar remarks is part of this command's output.
  const container = yield* containerOf(factory, place, wanted, 1);
  const { code, stdout, stderr } = yield* execIn(factory, place, container, ["tar", "cf", "-", place.path]);
  if (stderr !== NO_BYTES) yield* process.write(1, stderr);
  if (code !== 0)
    fail(
      decodeUtf8(stderr).includes("not found")
        ? decodeUtf8(stderr).trim()
        : `command terminated with exit code ${code}`,
    );
  const prefix = place.path.replace(/^\/+/, "").replace(/\/+$/, "");
  const destination = process.fs.isDir(process.path(local))
    ? `${local.replace(/\/+$/, "")}/${basename(place.path)}`
    : local;
  for (const entry of readTar(stdout)) {
    const relative = entry.name.replace(/^\/+/, "").replace(/\/+$/, "").slice(prefix.length).replace(/^\/+/, "");
    const path = process.path(relative === "" ? destination : `${destination}/${relative}`);
    try {
      if (entry.content === undefined) process.fs.makeDirs(path);
      else {
        const folder = path.slice(0, path.lastIndexOf("/"));
        if (folder !== "") process.fs.makeDirs(folder);
        process.fs.writeFile(path, entry.content);
      }
    } catch (error) {
      if (error instanceof SysError) fail(`open ${path}: ${error.message.toLowerCase()}`);
      throw error;
    }
  }
}

const basename = (path: string): string => path.replace(/\/+$/, "").replace(/^.*\//, "") || "/";
