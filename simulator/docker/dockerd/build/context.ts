/** What a build is asked to do, and what both builders share: base images, arguments, names. */
import { type Bytes, decodeUtf8 } from "../../../base/bytes";
import type { Task } from "../../../base/task";
import type { Credentials, Image, PullFailure } from "../../../containerd/api";
import { isFailure } from "../../../containerd/pull";
import { type Reference, parseReference, referenceString, withDefaultTag } from "../../../containerd/reference";
import { TarFailure, decodeTar, treeOfTar } from "../../../os/tar";
import type { DirInode, Inode } from "../../../os/inode";
import { parseDockerignore } from "../../api/dockerignore";
import { badRequest } from "../../api/failure";
import type { Daemon } from "../daemon";
import { tagImage } from "../images";
import type { RouteRequest } from "../route";
import { type Dockerfile, type Stage, substitute, unquote } from "./dockerfile";

export interface BuildRequest {
  readonly context: DirInode;
  readonly dockerfileName: string;
  /** undefined: there is no such file. */
  readonly dockerfile: string | undefined;
  readonly tags: readonly Reference[];
  /** The same as they were given, with their registry: without a tag where none was said. */
  readonly names: readonly string[];
  readonly target: string;
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly quiet: boolean;
  /** The client had neither a context nor a Dockerfile to send. */
  readonly hasNoSources: boolean;
  /** Names the folder that was sent; empty for what came on standard input. */
  readonly sharedKey: string;
  /** The classic builder's containers: whether those of steps that worked go, and those of steps that failed. */
  readonly removes: { readonly done: boolean; readonly failed: boolean };
  readonly credentials: Credentials | undefined;
  /** Bytes of .dockerignore; 0 when there is none. */
  readonly ignoreBytes: number;
}

function fileIn(root: DirInode, path: string): string | undefined {
  let node: Inode | undefined = root;
  for (const name of path.split("/").filter((each) => each !== "" && each !== "."))
    node = node?.kind === "dir" ? node.entries.get(name) : undefined;
  return node?.kind === "file" ? decodeUtf8(node.content) : undefined;
}

function readJson(text: string | undefined): Record<string, string> {
  if (!text) return {};
  try {
    const parsed = JSON.parse(text) as Record<string, string | null>;
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, string] => entry[1] !== null));
  } catch {
    throw badRequest("invalid JSON in query");
  }
}

function prune(dir: DirInode, at: string, ignores: (path: string) => boolean): void {
  for (const [name, node] of [...dir.entries]) {
    const path = at === "" ? name : `${at}/${name}`;
    if (node.kind === "dir") {
      prune(node, path, ignores);
      if (node.entries.size === 0 && ignores(path)) dir.entries.delete(name);
    } else if (ignores(path)) dir.entries.delete(name);
  }
}

export function readBuildRequest(request: RouteRequest, credentials: Credentials | undefined): BuildRequest {
  let context: DirInode;
  try {
    context = treeOfTar(decodeTar((request.request.body ?? "") as Bytes));
  } catch (error) {
    if (error instanceof TarFailure) throw badRequest(error.message);
    throw error;
  }
  const dockerfileName = request.query("dockerfile") || "Dockerfile";
  const dockerfile = request.query("dockerfilesource") ?? fileIn(context, dockerfileName);
  const ignore = fileIn(context, `${dockerfileName}.dockerignore`) ?? fileIn(context, ".dockerignore");
  if (ignore !== undefined) prune(context, "", (path) => parseDockerignore(ignore).ignores(path));
  const references = request
    .queryAll("t")
    .flatMap((tag) => tag.split(","))
    .filter(Boolean)
    .map((tag) => {
      const reference = parseReference(tag);
      if (!reference.ok) throw badRequest(reference.error);
      return reference.value;
    });
  return {
    context,
    dockerfileName,
    dockerfile,
    tags: references.map(withDefaultTag),
    names: references.map(referenceString),
    target: (request.query("target") ?? "").toLowerCase(),
    args: readJson(request.query("buildargs")),
    labels: readJson(request.query("labels")),
    noCache: request.flag("nocache"),
    pull: request.flag("pull"),
    quiet: request.flag("q"),
    hasNoSources: request.query("sources") === "none",
    removes: { done: request.query("rm") === undefined || request.flag("rm"), failed: request.flag("forcerm") },
    sharedKey: request.query("sharedkey") ?? "",
    credentials,
    ignoreBytes: ignore?.length ?? 0,
  };
}

/** ARGs before the first FROM, with build arguments over their defaults. */
export function globalArgs(dockerfile: Dockerfile, given: Readonly<Record<string, string>>): Map<string, string> {
  const values = new Map<string, string>(
    Object.entries({
      TARGETPLATFORM: "linux/amd64",
      TARGETOS: "linux",
      TARGETARCH: "amd64",
      BUILDPLATFORM: "linux/amd64",
      BUILDOS: "linux",
      BUILDARCH: "amd64",
    }),
  );
  for (const each of dockerfile.globalArgs)
    for (const word of each.args.split(/\s+/).filter(Boolean)) {
      const at = word.indexOf("=");
      const name = at < 0 ? word : word.slice(0, at);
      const value = given[name] ?? (at < 0 ? undefined : unquote(substitute(word.slice(at + 1), values)));
      if (value !== undefined) values.set(name, value);
    }
  return values;
}

/** The stage that `--target` names, or the last one. */
export function targetStage(dockerfile: Dockerfile, target: string): Stage | undefined {
  if (target === "") return dockerfile.stages.at(-1);
  return (
    dockerfile.stages.find((stage) => stage.name === target) ??
    (/^\d+$/.test(target) ? dockerfile.stages[Number(target)] : undefined)
  );
}

/** A base image: here, or pulled. */
export function* baseImage(
  daemon: Daemon,
  reference: Reference,
  options: {
    readonly pull: boolean;
    readonly credentials: Credentials | undefined;
    readonly onProgress?: (progress: { id: string; status: string; current?: number; total?: number }) => void;
  },
): Task<Image | PullFailure> {
  const local = daemon.findImage(referenceString(reference));
  if (local && !options.pull) return local;
  const result = yield* daemon.containerd.pull(reference, {
    ...(options.credentials ? { credentials: options.credentials } : {}),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  if (isFailure(result)) return result;
  return result.image;
}

export function tagAll(daemon: Daemon, image: Image, tags: readonly Reference[]): void {
  for (const reference of tags) tagImage(daemon, image, reference);
}
