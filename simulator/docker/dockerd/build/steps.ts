/** Steps that change files: RUN in a container of its own, COPY and ADD from the context or another stage, WORKDIR. */
import { type Bytes, encodeUtf8 } from "../../../base/bytes";
import { sha256Hex } from "../../../base/hash";
import type { Task } from "../../../base/task";
import { type Layer, type MountSpec, RuntimeFailure } from "../../../containerd/api";
import { treeOf } from "../../../containerd/images";
import { changesOf, contentHash, makeLayer } from "../../../containerd/layers";
import { decodeTar, treeOfTar, TarFailure } from "../../../os/tar";
import { lookUpUser } from "../../../containerd/users";
import { HttpFailure, httpRequest } from "../../../net/http";
import { type DirInode, FileInode, type Inode, cloneTree, thaw } from "../../../os/inode";
import { MountNamespace } from "../../../os/mounts";
import { absolute, basename, join } from "../../../os/path";
import type { Daemon } from "../daemon";
import { resolvFile } from "../files";
import { matchesGlob } from "../images";
import { splitWords } from "../changes";
import { type Instruction, jsonForm, substitute } from "./dockerfile";
import { DEFAULT_SHELL, type StageState, variablesOf } from "./state";

/** A step that failed; `code` is a process's exit code. */
export class StepFailure extends Error {
  readonly code: number;
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

// ---- RUN -----------------------------------------------------------------------------------------------------------

/** The command line of a RUN: JSON, shell form, or a here-document for the shell. */
export function runArgs(state: StageState, instruction: Instruction, isClassic: boolean): readonly string[] {
  const json = jsonForm(instruction.args);
  if (json) return json;
  const shell = state.config.Shell ?? DEFAULT_SHELL;
  const [heredoc] = instruction.heredocs;
  if (heredoc && /^<<-?["']?\w+["']?\s*$/.test(instruction.args.trim())) return [...shell, heredoc.content];
  if (heredoc)
    return [
      ...shell,
      `${instruction.args}\n${instruction.heredocs.map((each) => `${each.content}${each.name}`).join("\n")}`,
    ];
  return instruction.args === "" && isClassic ? shell : [...shell, instruction.args];
}

export interface RunOutput {
  stdout(bytes: Bytes): void;
  stderr(bytes: Bytes): void;
}

/** Runs a command over the stage's files and answers the layer it made. */
export function* runStep(
  daemon: Daemon,
  state: StageState,
  args: readonly string[],
  output: RunOutput,
  mounts: readonly MountSpec[] = [],
): Task<Layer> {
  const id = daemon.random.hex(64);
  const env = [...(state.config.Env ?? [])];
  for (const [name, value] of state.args)
    if (!env.some((entry) => entry.startsWith(`${name}=`))) env.push(`${name}=${value}`);
  const base = state.base ?? { config: {} };
  const resolv = resolvFile(daemon, { endpoints: new Map(), hostConfig: {}, networkMode: "host" } as never);
  const container = daemon.containerd.create({
    id,
    image: { ...base, layers: state.layers } as never,
    args,
    env,
    cwd: state.config.WorkingDir || "/",
    user: state.config.User ?? "",
    hostname: "buildkitsandbox",
    mounts: [
      {
        destination: "/etc/resolv.conf",
        root: new FileInode(encodeUtf8(resolv)),
        type: "bind",
        readOnly: false,
        label: "resolv.conf",
      },
      ...mounts,
    ],
    net: daemon.host,
    cgroupParent: "buildkit",
    resources: {},
    readOnlyRootfs: false,
    tty: false,
    openStdin: false,
  });
  try {
    yield* daemon.wait(215);
    let code: number;
    try {
      const main = daemon.containerd.start(id, output);
      code = (yield* main.wait()).code;
    } catch (error) {
      if (error instanceof RuntimeFailure)
        throw new StepFailure(
          error.message.replace(/^failed to create shim task: OCI runtime create failed: /, ""),
          error.exitCode,
        );
      throw error;
    }
    yield* daemon.wait(50);
    if (code !== 0) throw new StepFailure("", code);
    return makeLayer(changesOf(container.root));
  } finally {
    daemon.containerd.delete(id);
  }
}

// ---- COPY, ADD, WORKDIR ----------------------------------------------------------------------------------------------

/** A writable view over a stage's files. */
function viewOf(daemon: Daemon, layers: readonly Layer[]): { readonly files: MountNamespace; readonly root: DirInode } {
  const root = thaw(treeOf(layers));
  return {
    root,
    files: new MountNamespace(daemon.loop, {
      path: "/",
      root,
      readOnly: false,
      source: "overlay",
      type: "overlay",
      options: "rw",
    }),
  };
}

export function workdirStep(daemon: Daemon, state: StageState, path: string): Layer {
  const { files, root } = viewOf(daemon, state.layers);
  if (!files.exists(path)) files.makeDirs(path);
  return makeLayer(changesOf(root));
}

export interface CopyPlan {
  readonly sources: readonly { readonly path: string; readonly node: Inode; readonly isUrl?: boolean }[];
  readonly destination: string;
  readonly endsWithSlash: boolean;
  /** Of names, attributes and contents: what the cache compares. */
  readonly digest: string;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
}

function nodeAt(root: Inode, path: string): Inode | undefined {
  let node: Inode | undefined = root;
  for (const name of path.split("/").filter(Boolean)) node = node?.kind === "dir" ? node.get(name) : undefined;
  return node;
}

/** Every path below a root that a pattern with wildcards matches. */
function globPaths(root: Inode, pattern: string): string[] {
  let found: { readonly path: string; readonly node: Inode }[] = [{ path: "", node: root }];
  for (const part of pattern.split("/").filter(Boolean)) {
    found = found.flatMap(({ path, node }) => {
      if (node.kind !== "dir") return [];
      return node
        .names()
        .filter((name) => (/[*?[]/.test(part) ? matchesGlob(part, name) : name === part))
        .map((name) => ({ path: `${path}/${name}`, node: node.get(name)! }));
    });
  }
  return found.map(({ path }) => path);
}

function describeTree(node: Inode, path: string, out: string[]): void {
  const mode = node.mode.toString(8);
  if (node.kind === "file") out.push(`f ${path} ${mode} ${node.size} ${contentHash(node.read())}`);
  else if (node.kind === "symlink") out.push(`l ${path} ${node.target}`);
  else if (node.kind === "dir") {
    out.push(`d ${path} ${mode}`);
    for (const name of node.names()) describeTree(node.get(name)!, `${path}/${name}`, out);
  }
}

/** Resolves what a COPY or ADD copies. `missing` words the failure for a source that is not there. */
export function* planCopy(
  daemon: Daemon,
  state: StageState,
  instruction: Instruction,
  context: Inode,
  missing: (path: string) => Error,
): Task<CopyPlan> {
  const variables = variablesOf(state);
  const expand = (text: string): string => substitute(text, variables);
  const words = jsonForm(instruction.args) ?? splitWords(expand(instruction.args));
  const target = words.at(-1) ?? "";
  const endsWithSlash = target.endsWith("/") || target === "." || target.endsWith("/.");
  const destination = absolute(state.config.WorkingDir || "/", target);
  const sources: { path: string; node: Inode; isUrl?: boolean }[] = [];
  let heredocs = 0;
  for (const word of words.slice(0, -1)) {
    if (/^<<-?\w+$/.test(word)) {
      const heredoc = instruction.heredocs[heredocs++];
      if (heredoc)
        sources.push({
          path: heredoc.name,
          node: new FileInode(encodeUtf8(heredoc.expands ? expand(heredoc.content) : heredoc.content), {
            mtime: daemon.now(),
          }),
        });
      continue;
    }
    if (instruction.name === "ADD" && /^https?:\/\//.test(word)) {
      try {
        const response = yield* httpRequest(daemon.process, { url: word, timeoutMs: 30_000 });
        if (response.status >= 400) throw new StepFailure(`invalid response status ${response.status}`);
        sources.push({
          path: basename(word.split("?")[0]!),
          node: new FileInode(response.body, { mode: 0o600, mtime: daemon.now() }),
          isUrl: true,
        });
      } catch (error) {
        if (error instanceof HttpFailure) throw new StepFailure(error.message);
        throw error;
      }
      continue;
    }
    const path = absolute("/", word);
    if (/[*?[]/.test(word)) {
      const found = globPaths(context, path);
      if (found.length === 0) throw missing(path);
      for (const each of found) sources.push({ path: each, node: nodeAt(context, each)! });
      continue;
    }
    const node = path === "/" ? context : nodeAt(context, path);
    if (!node) throw missing(path);
    sources.push({ path, node });
  }
  if (sources.length > 1 && !endsWithSlash)
    throw new StepFailure(
      `When using ${instruction.name} with more than one source file, the destination must be a directory and end with a /`,
    );
  const lines: string[] = [
    destination,
    String(endsWithSlash),
    instruction.flags["chown"] ?? "",
    instruction.flags["chmod"] ?? "",
  ];
  for (const { path, node } of sources) describeTree(node, node.kind === "dir" ? "" : basename(path), lines);
  return {
    sources,
    destination,
    endsWithSlash,
    digest: sha256Hex(encodeUtf8(lines.join("\n"))),
    chown: instruction.flags["chown"] === undefined ? undefined : expand(instruction.flags["chown"]),
    chmod: instruction.flags["chmod"] === undefined ? undefined : expand(instruction.flags["chmod"]),
  };
}

export function copyStep(daemon: Daemon, state: StageState, instruction: Instruction, plan: CopyPlan): Layer {
  const { files, root } = viewOf(daemon, state.layers);
  let owner = { uid: 0, gid: 0 };
  if (plan.chown) {
    const { uid, gid } = lookUpUser(
      files,
      plan.chown.includes(":") || !/^\d+$/.test(plan.chown) ? plan.chown : `${plan.chown}:${plan.chown}`,
    );
    owner = { uid, gid };
  }
  const place = (node: Inode, path: string): void => {
    if (node.kind === "dir") {
      if (files.find(path)?.kind !== "dir") {
        if (files.find(path, { followLast: false })) files.removeTree(path);
        files.makeDirs(path);
        files.setAttributes(path, { mode: node.mode, ...owner, mtime: node.mtime });
      }
      for (const name of node.names()) place(node.get(name)!, join(path, name));
      return;
    }
    const copy = cloneTree(node);
    Object.assign(
      copy,
      owner,
      plan.chmod && /^[0-7]{3,4}$/.test(plan.chmod) ? { mode: Number.parseInt(plan.chmod, 8) } : {},
    );
    const parent = path.slice(0, path.lastIndexOf("/")) || "/";
    if (!files.exists(parent)) files.makeDirs(parent);
    const existing = files.find(path, { followLast: false });
    if (existing?.kind === "dir") throw new StepFailure(`cannot copy to non-directory: ${path}`);
    if (existing) files.unlink(path);
    files.put(path, copy);
  };
  for (const { path, node, isUrl } of plan.sources) {
    // ADD unpacks archives that come from the context.
    if (instruction.name === "ADD" && node.kind === "file" && !isUrl && /\.tar$/.test(path)) {
      try {
        place(treeOfTar(decodeTar(node.content)), plan.destination);
        continue;
      } catch (error) {
        if (!(error instanceof TarFailure)) throw error;
      }
    }
    if (node.kind === "dir") place(node, plan.destination);
    else {
      const intoDirectory = plan.endsWithSlash || files.find(plan.destination)?.kind === "dir";
      place(node, intoDirectory ? join(plan.destination, basename(path)) : plan.destination);
    }
  }
  return makeLayer(changesOf(root));
}
