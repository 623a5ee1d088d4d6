/** The BuildKit builder: only the stages that the target needs, a cache by content, progress as vertices of a graph. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "../../../base/bytes";
import { rfc3339Nano } from "../../../base/clock";
import { sha256Hex } from "../../../base/hash";
import type { Task } from "../../../base/task";
import type { HistoryEntry, Image, Layer, MountSpec } from "../../../containerd/api";
import { chainIds, makeImage, treeOf } from "../../../containerd/images";
import { contentHash } from "../../../containerd/layers";
import { isFailure } from "../../../containerd/pull";
import { type Reference, parseReference, referenceString, withDefaultTag } from "../../../containerd/reference";
import { DirInode } from "../../../os/inode";
import type { SolveStatus } from "../../api/build";
import { ApiFailure } from "../../api/failure";
import type { Daemon } from "../daemon";
import type { StreamWriter } from "../streams";
import { type CacheRecord, buildCache } from "./cache";
import { type BuildRequest, baseImage, globalArgs, tagAll, targetStage } from "./context";
import {
  type Dockerfile,
  DockerfileFailure,
  type Instruction,
  type Stage,
  parseDockerfile,
  parseInstruction,
  substitute,
  unquote,
} from "./dockerfile";
import { lint } from "./lint";
import {
  type MetaEffect,
  type StageState,
  applyArg,
  applyMeta,
  runPrefix,
  startState,
  variablesOf,
  workdirOf,
} from "./state";
import { StepFailure, copyStep, planCopy, runArgs, runStep, workdirStep } from "./steps";

/** A failure of the solve, with its place in the Dockerfile. */
class SolveFailure extends Error {
  readonly start: number | undefined;
  readonly end: number;
  constructor(message: string, instruction?: { readonly start: number; readonly end: number }) {
    super(message);
    this.start = instruction?.start;
    this.end = instruction?.end ?? 0;
  }
}

const CONTEXT_BYTES_PER_MS = 60_000;
const EXPORT_BYTES_PER_MS = 60_000;
/** Writing a layer that the image store does not have yet, besides its bytes. */
const EXPORT_NEW_MS = 12;

const digestOf = (text: string): string => `sha256:${sha256Hex(encodeUtf8(text))}`;

export function* buildWithBuildKit(
  daemon: Daemon,
  request: BuildRequest,
  writer: StreamWriter,
  options: { readonly checkOnly: boolean },
): Task<void> {
  const solver = new Solver(daemon, request, writer);
  try {
    const image = yield* solver.solve(options.checkOnly);
    if (image) writer.message({ id: "moby.image.id", aux: { ID: image.id } });
  } catch (error) {
    if (!(error instanceof SolveFailure)) throw error;
    const message = `failed to solve: ${error.message}`;
    const source =
      error.start === undefined || request.dockerfile === undefined
        ? {}
        : {
            source: {
              filename: request.dockerfileName.split("/").at(-1)!,
              text: request.dockerfile,
              start: error.start,
              end: error.end,
            },
          };
    writer.message({ error: message, errorDetail: { message, ...source } });
  }
}

interface VertexName {
  readonly name: string;
  readonly inputs: readonly string[];
}

interface OpenVertex {
  readonly digest: string;
  end(how?: { readonly cached?: boolean; readonly error?: string }): void;
}

interface Built {
  readonly state: StageState;
  readonly created: string | undefined;
}

class Solver {
  readonly #daemon: Daemon;
  readonly #request: BuildRequest;
  readonly #writer: StreamWriter;
  readonly #built = new Map<number, Built>();
  readonly #bases = new Map<string, Image>();
  readonly #shownBases = new Set<string>();
  #dockerfile!: Dockerfile;
  #globals = new Map<string, string>();
  #contextShown = false;
  /** Layers that commands have left: no image has them yet, were it only for the times in them. */
  readonly #ran = new WeakSet<Layer>();
  #vertices = 0;
  /** Vertices that clients know of before they begin: their digests by name. */
  readonly #announced = new Map<string, { readonly digest: string; readonly inputs: readonly string[] }>();

  constructor(daemon: Daemon, request: BuildRequest, writer: StreamWriter) {
    this.#daemon = daemon;
    this.#request = request;
    this.#writer = writer;
  }

  // ---- progress ----------------------------------------------------------------------------------------------------

  #send(status: SolveStatus): void {
    if (!this.#request.quiet) this.#writer.message({ id: "moby.buildkit.trace", aux: status });
  }

  /** Begins a vertex; the result ends it. */
  #vertex(name: string): OpenVertex {
    const { digest, inputs } = this.#announced.get(name) ?? { digest: this.#digest(name), inputs: [] };
    this.#announced.delete(name);
    const started = this.#daemon.now();
    const named = { digest, ...(inputs.length > 0 ? { inputs } : {}), name };
    this.#send({ vertexes: [{ ...named, started }] });
    return {
      digest,
      end: (how = {}) =>
        this.#send({
          vertexes: [
            {
              ...named,
              started,
              completed: this.#daemon.now(),
              ...(how.cached ? { cached: true } : {}),
              ...(how.error === undefined ? {} : { error: how.error }),
            },
          ],
        }),
    };
  }

  #digest(name: string): string {
    return digestOf(`${name} ${this.#vertices++} ${this.#daemon.now()}`);
  }

  /** Tells clients of vertices to come, the last one first. `inputs` are names. */
  #announce(vertices: readonly VertexName[]): void {
    for (const { name, inputs } of vertices) {
      if (this.#announced.has(name)) continue;
      const known = inputs.flatMap((each) => this.#announced.get(each)?.digest ?? []);
      this.#announced.set(name, { digest: this.#digest(name), inputs: known });
    }
    const shown = [...new Set(vertices.map(({ name }) => name))].reverse();
    this.#send({
      vertexes: shown.map((name) => {
        const { digest, inputs } = this.#announced.get(name)!;
        return { digest, ...(inputs.length > 0 ? { inputs } : {}), name };
      }),
    });
  }

  /** What the stages will do, before they do it. */
  #announceStages(stages: readonly Stage[]): void {
    const states = new Map<number, StageState>();
    const lasts = new Map<number, string>();
    const vertices: VertexName[] = [];
    const contextName = "[internal] load build context";
    for (const stage of stages) {
      const baseName = this.#baseOf(stage);
      const parent = this.#stageNamed(baseName, stage.index);
      const base =
        baseName === "scratch" || parent
          ? undefined
          : this.#bases.get(referenceString(withDefaultTag(reference(baseName))));
      const inherited = parent && states.get(parent.index);
      const state: StageState = inherited
        ? { ...inherited, history: [], args: new Map(), config: { ...inherited.config } }
        : startState(base, "");
      const instructions = [
        ...(base?.config.OnBuild ?? []).map((text) => parseInstruction(text)).filter((each) => each !== undefined),
        ...stage.instructions,
      ];
      const steps = instructions.filter(isStep).length + 1;
      let last = parent ? lasts.get(parent.index) : undefined;
      if (base) {
        const full = referenceString(withDefaultTag(reference(baseName)));
        last = vertices.find(({ name }) => name.endsWith(` FROM ${full}`))?.name;
        if (last === undefined) {
          last = `${this.#label(stage, 1, steps)} FROM ${full}`;
          vertices.push({ name: last, inputs: [] });
        }
      }
      let step = 1;
      for (const instruction of instructions) {
        if (instruction.name === "ARG") applyArg(state, instruction, this.#request.args, this.#globals);
        else if (!isStep(instruction)) this.#meta(state, instruction);
        else {
          const name = vertexName(this.#label(stage, ++step, steps), instruction, variablesOf(state));
          const inputs = last === undefined ? [] : [last];
          const from = instruction.flags["from"];
          if (usesContext(instruction)) {
            if (!vertices.some((each) => each.name === contextName)) vertices.push({ name: contextName, inputs: [] });
            inputs.push(contextName);
          } else if (from !== undefined) {
            const source = this.#stageNamed(from, stage.index);
            const made = source && lasts.get(source.index);
            if (made !== undefined) inputs.push(made);
          }
          vertices.push({ name, inputs });
          last = name;
        }
      }
      states.set(stage.index, state);
      if (last !== undefined) lasts.set(stage.index, last);
    }
    this.#announce(vertices);
  }

  #status(vertex: string, id: string, current = 0, started = this.#daemon.now()): void {
    this.#send({ statuses: [{ id, vertex, current, started, completed: this.#daemon.now() }] });
  }

  // ---- the solve ---------------------------------------------------------------------------------------------------

  *solve(checkOnly: boolean): Task<Image | undefined> {
    const { dockerfileName } = this.#request;
    const shownName = dockerfileName.split("/").at(-1)!;
    const loadName = `[internal] load build definition from ${shownName}`;
    this.#announce([{ name: loadName, inputs: [] }]);
    yield* this.#daemon.wait(1);
    const load = this.#vertex(loadName);
    yield* this.#daemon.wait(3);
    if (this.#request.hasNoSources) {
      const started = this.#daemon.now();
      this.#send({ statuses: [{ id: "transferring dockerfile:", vertex: load.digest, current: 0, started }] });
      this.#send({ vertexes: [{ digest: load.digest, name: loadName, started, error: "no local sources enabled" }] });
      throw new SolveFailure("failed to read dockerfile: no local sources enabled");
    }
    const text = this.#request.dockerfile;
    if (text === undefined) {
      this.#status(load.digest, "transferring dockerfile:", 2);
      load.end();
      throw new SolveFailure(`failed to read dockerfile: open ${shownName}: no such file or directory`);
    }
    this.#status(load.digest, "transferring dockerfile:", text.length + shownName.length + 24);
    this.#keepCopy("dockerfile", new Set([contentHash(text as Bytes)]), text.length);
    let target: Stage;
    try {
      target = this.#read(text);
      for (const remark of lint(this.#dockerfile))
        this.#send({
          warnings: [
            {
              vertex: load.digest,
              short: `${remark.rule}: ${remark.message} (line ${remark.line})`,
              detail: remark.description,
              url: `https://docs.docker.com/go/dockerfile/rule/${remark.rule.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase()}/`,
              line: remark.line,
              text: text.split("\n")[remark.line - 1] ?? "",
            },
          ],
        });
    } finally {
      load.end();
    }
    const needed = this.#neededStages(target);
    yield* this.#loadMetadata(needed);
    const ignoreName = "[internal] load .dockerignore";
    this.#announce([{ name: ignoreName, inputs: [] }]);
    const ignore = this.#vertex(ignoreName);
    yield* this.#daemon.wait(2);
    this.#status(
      ignore.digest,
      "transferring context:",
      this.#request.ignoreBytes === 0 ? 2 : this.#request.ignoreBytes + 32,
    );
    ignore.end();
    this.#keepCopy("context-.dockerignore", new Set([String(this.#request.ignoreBytes)]), this.#request.ignoreBytes);
    if (checkOnly) return undefined;
    this.#announceStages(needed);
    for (const stage of needed) yield* this.#stage(stage, stage === target);
    const built = this.#built.get(target.index)!;
    return yield* this.#exportImage(built);
  }

  #read(text: string): Stage {
    try {
      this.#dockerfile = parseDockerfile(text);
    } catch (error) {
      if (error instanceof DockerfileFailure) throw new SolveFailure(error.message, error);
      throw error;
    }
    if (this.#dockerfile.all.length === 0) throw new SolveFailure("the Dockerfile cannot be empty");
    if (this.#dockerfile.stages.length === 0)
      throw new SolveFailure("no build stage in current context", this.#dockerfile.all[0]);
    const target = targetStage(this.#dockerfile, this.#request.target);
    if (!target) throw new SolveFailure(`target stage ${JSON.stringify(this.#request.target)} could not be found`);
    this.#globals = globalArgs(this.#dockerfile, this.#request.args);
    return target;
  }

  #stageNamed(name: string, before: number): Stage | undefined {
    const wanted = name.toLowerCase();
    const found = this.#dockerfile.stages
      .slice(0, before)
      .findLast((stage) => stage.name !== "" && stage.name === wanted);
    return found ?? (/^\d+$/.test(name) && Number(name) < before ? this.#dockerfile.stages[Number(name)] : undefined);
  }

  #baseOf(stage: Stage): string {
    return unquote(substitute(stage.base, this.#globals));
  }

  /** The target and all it is built from, in the order of the file. */
  #neededStages(target: Stage): Stage[] {
    const needed = new Set<Stage>();
    const add = (stage: Stage): void => {
      if (needed.has(stage)) return;
      const base = this.#stageNamed(this.#baseOf(stage), stage.index);
      if (base) add(base);
      for (const instruction of stage.instructions) {
        const from = instruction.flags["from"] ?? /(?:^|,)from=([^,]+)/.exec(instruction.flags["mount"] ?? "")?.[1];
        const source = from === undefined ? undefined : this.#stageNamed(from, stage.index);
        if (source) add(source);
      }
      needed.add(stage);
    };
    add(target);
    return this.#dockerfile.stages.filter((stage) => needed.has(stage));
  }

  *#loadMetadata(stages: readonly Stage[]): Task<void> {
    const wanted = new Map<string, { readonly reference: Reference; readonly stage: Stage; readonly shown: string }>();
    for (const stage of stages) {
      const name = this.#baseOf(stage);
      if (name === "scratch" || this.#stageNamed(name, stage.index)) continue;
      if (name === "") throw new SolveFailure(`base name (${stage.base}) should not be blank`, stage.from);
      const reference = parseReference(name);
      if (!reference.ok)
        throw new SolveFailure(`failed to parse stage name ${JSON.stringify(name)}: ${reference.error}`, stage.from);
      const full = withDefaultTag(reference.value);
      wanted.set(referenceString(full), { reference: full, stage, shown: name });
    }
    for (const [name, { reference, stage, shown }] of wanted) {
      const vertex = this.#vertex(`[internal] load metadata for ${name}`);
      yield* this.#daemon.wait(4);
      const found = yield* baseImage(this.#daemon, reference, {
        pull: this.#request.pull,
        credentials: this.#request.credentials,
      });
      if (isFailure(found)) {
        const why =
          found.kind === "denied"
            ? "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
            : found.kind === "unknown-tag"
              ? `${name}: not found`
              : found.kind === "unreachable"
                ? `failed to do request: ${found.message.replace(/^Get "(https?:\/\/[^/]+)\/v2\/"/, (_, server: string) => `Head "${server}/v2/${reference.path}/manifests/${reference.digest ?? reference.tag}"`)}`
                : found.message;
        vertex.end({ error: why });
        throw new SolveFailure(`${shown}: failed to resolve source metadata for ${name}: ${why}`, stage.from);
      }
      vertex.end();
      this.#bases.set(name, found);
    }
  }

  /** `[2/4]`, or `[builder 2/4]` where there are several stages. */
  #label(stage: Stage, step: number, steps: number): string {
    const name = this.#dockerfile.stages.length > 1 ? `${stage.name || `stage-${stage.index}`} ` : "";
    return `[${name}${step}/${steps}]`;
  }

  *#stage(stage: Stage, isTarget: boolean): Task<void> {
    const baseName = this.#baseOf(stage);
    const parent = this.#stageNamed(baseName, stage.index);
    const base =
      baseName === "scratch" || parent
        ? undefined
        : this.#bases.get(referenceString(withDefaultTag(reference(baseName))));
    const triggers = (base?.config.OnBuild ?? [])
      .map((text) => parseInstruction(text))
      .filter((each) => each !== undefined);
    const instructions = [...triggers, ...stage.instructions];
    const steps = instructions.filter(isStep).length + 1;
    const inherited = parent ? this.#built.get(parent.index)! : undefined;
    const state: StageState = inherited
      ? {
          ...inherited.state,
          history: [...inherited.state.history],
          args: new Map(),
          config: { ...inherited.state.config },
        }
      : startState(base, base ? `image ${base.layers.map((layer) => layer.diffId).join(",")}` : "scratch");
    if (triggers.length > 0) state.config = { ...state.config, OnBuild: undefined as never };
    for (const [name, value] of this.#globals)
      if (
        /^(TARGET|BUILD)(PLATFORM|OS|ARCH)$/.test(name) &&
        !this.#dockerfile.globalArgs.some((each) => each.args.startsWith(name))
      )
        this.#globals.set(name, value);
    let created = inherited?.created;
    const needsContext = instructions.some(usesContext);
    if (base)
      this.#showBase(
        stage,
        referenceString(withDefaultTag(reference(baseName))),
        steps,
        yield* this.#beginsCached(stage, state, instructions),
      );
    // The context is sent while the first steps are looked up, unless those are to be made anew anyway.
    if (needsContext && !this.#request.noCache) yield* this.#showContext();
    let step = 1;
    let noCache = this.#request.noCache;
    for (const instruction of instructions) {
      if (instruction.name === "ARG") {
        const { shown } = applyArg(state, instruction, this.#request.args, this.#globals);
        state.history.push(this.#history(created, shown, true));
        continue;
      }
      if (!isStep(instruction)) {
        const effect = this.#meta(state, instruction);
        if (effect) state.history.push(this.#history(created, effect.shown, true));
        continue;
      }
      const label = this.#label(stage, ++step, steps);
      const done = yield* this.#step(stage, state, instruction, label, noCache);
      // WORKDIR alone does not end the use of the cache that --no-cache forbids for the rest.
      if (instruction.name !== "WORKDIR") noCache = this.#request.noCache;
      created = done.created;
      state.layers = [...state.layers, done.layer];
      state.key = done.key;
      state.history.push(this.#history(created, done.shown, false));
    }
    if (isTarget && Object.keys(this.#request.labels).length > 0)
      state.config = { ...state.config, Labels: { ...state.config.Labels, ...this.#request.labels } };
    this.#built.set(stage.index, { state, created });
  }

  #history(created: string | undefined, shown: string, isEmpty: boolean): HistoryEntry {
    return {
      created: created ?? "",
      created_by: shown,
      comment: "buildkit.dockerfile.v0",
      ...(isEmpty ? { empty_layer: true } : {}),
    };
  }

  /** An instruction that changes no file; what is wrong with it fails the solve at its line. */
  #meta(state: StageState, instruction: Instruction): MetaEffect | undefined {
    try {
      return applyMeta(state, instruction);
    } catch (error) {
      if (error instanceof ApiFailure) throw new SolveFailure(error.message, instruction);
      throw error;
    }
  }

  /** The base image's vertex. It counts as cached when an earlier build used it and this one needs no context. */
  /** Whether the first step is in the cache: then the base is only looked at, not taken. */
  *#beginsCached(stage: Stage, state: StageState, instructions: readonly Instruction[]): Task<boolean> {
    const probe: StageState = { ...state, history: [], args: new Map(state.args), config: { ...state.config } };
    const cache = buildCache(this.#daemon);
    for (const instruction of instructions) {
      const { name } = instruction;
      if (name === "ARG") applyArg(probe, instruction, this.#request.args, this.#globals);
      else if (name === "WORKDIR") return cache.has(workdirKey(probe, workdirOf(probe, instruction)));
      else if (this.#request.noCache && ["RUN", "COPY", "ADD"].includes(name)) return false;
      else if (name === "RUN") return cache.has(runKey(probe, instruction));
      else if (name === "COPY" || name === "ADD") {
        const from = instruction.flags["from"];
        const source = from === undefined ? undefined : this.#stageNamed(from, stage.index);
        if (from !== undefined && !source) return false;
        const built = source ? this.#built.get(source.index) : undefined;
        const context = built ? treeOf(built.state.layers) : this.#request.context;
        try {
          const plan = yield* planCopy(this.#daemon, probe, instruction, context, (path) => new StepFailure(path));
          return cache.has(digestOf(JSON.stringify([probe.key, name, plan.digest])));
        } catch (error) {
          if (error instanceof StepFailure) return false;
          throw error;
        }
      } else applyMeta(probe, instruction);
    }
    return false;
  }

  #showBase(stage: Stage, name: string, steps: number, isOnlyLookedAt: boolean): void {
    if (this.#shownBases.has(name)) return;
    this.#shownBases.add(name);
    const cache = buildCache(this.#daemon);
    const key = `from ${name}`;
    const known = cache.has(key);
    const vertex = this.#vertex(`${this.#label(stage, 1, steps)} FROM ${name}`);
    vertex.end({ cached: known && !isOnlyLookedAt });
    let record = cache.get(key);
    if (!record) cache.set(key, (record = this.#record(key, `pulled from ${name}`, undefined, "regular")));
    record.lastUsed = this.#daemon.now();
    record.base = this.#bases.get(name)?.layers.map((layer) => layer.diffId) ?? [];
  }

  #record(key: string, description: string, layer: Layer | undefined, type: CacheRecord["type"]): CacheRecord {
    const random = this.#daemon.random.stream("build-cache");
    let id = "";
    while (id.length < 25) id += "abcdefghijklmnopqrstuvwxyz0123456789"[random.integer(0, 35)];
    return {
      id,
      key,
      description,
      type,
      layer,
      parents: [],
      created: this.#daemon.now(),
      lastUsed: this.#daemon.now(),
      uses: 1,
    };
  }

  /** Keeps a copy of what a client sent, one for each folder and purpose. Answers which of its files were not there. */
  #keepCopy(purpose: string, files: ReadonlySet<string>, size: number): ReadonlySet<string> {
    const cache = buildCache(this.#daemon);
    const key = `local ${purpose} ${this.#request.sharedKey}`;
    let record = cache.get(key);
    if (!record) cache.set(key, (record = this.#record(key, `local source for ${purpose}`, undefined, "source.local")));
    const before = record.files ?? new Set();
    record.lastUsed = this.#daemon.now();
    record.size = size;
    record.files = files;
    return new Set([...files].filter((each) => !before.has(each)));
  }

  *#showContext(): Task<void> {
    if (this.#contextShown) return;
    this.#contextShown = true;
    const vertex = this.#vertex("[internal] load build context");
    const started = this.#daemon.now();
    // Only what the daemon does not have yet is sent; a second build sends next to nothing.
    const files = describe(this.#request.context);
    const sent = this.#keepCopy("context", new Set(files.keys()), sizeOf(this.#request.context));
    let bytes = 32;
    for (const each of sent) bytes += files.get(each)! + 156;
    yield* this.#daemon.wait(4 + bytes / CONTEXT_BYTES_PER_MS);
    this.#status(vertex.digest, "transferring context:", this.#request.context.entries.size === 0 ? 2 : bytes, started);
    vertex.end();
  }

  *#step(
    stage: Stage,
    state: StageState,
    instruction: Instruction,
    label: string,
    noCache: boolean,
  ): Task<{ readonly layer: Layer; readonly created: string; readonly key: string; readonly shown: string }> {
    const daemon = this.#daemon;
    const { name } = instruction;
    const cache = buildCache(daemon);
    const variables = variablesOf(state);
    const shownText = textOf(instruction, variables);
    let key: string;
    let make: () => Task<Layer>;
    let shown: string;
    let failedPlan: StepFailure | undefined;
    let vertex: OpenVertex | undefined;
    if (name === "RUN") {
      const args = runArgs(state, instruction, false);
      shown = `RUN ${runPrefix(state)}${args.join(" ")} # buildkit`;
      key = runKey(state, instruction);
      make = () => this.#run(state, args, vertex!.digest, buildMounts(daemon, instruction));
    } else if (name === "WORKDIR") {
      const path = workdirOf(state, instruction);
      state.config = { ...state.config, WorkingDir: path };
      shown = `WORKDIR ${path}`;
      key = workdirKey(state, path);
      make = function* () {
        return workdirStep(daemon, state, path);
      };
    } else {
      const from = instruction.flags["from"];
      if (from === undefined && instruction.heredocs.length === 0) yield* this.#showContext();
      const context = from === undefined ? this.#request.context : yield* this.#contextFrom(stage, from, instruction);
      vertex = undefined;
      const ref = `${daemon.id}::${this.#record("", "", undefined, "internal").id}`;
      try {
        const plan = yield* planCopy(
          daemon,
          state,
          instruction,
          context,
          (path) => new StepFailure(`failed to calculate checksum of ref ${ref}: ${JSON.stringify(path)}: not found`),
        );
        key = digestOf(JSON.stringify([state.key, name, plan.digest]));
        make = function* () {
          return copyStep(daemon, state, instruction, plan);
        };
      } catch (error) {
        if (!(error instanceof StepFailure)) throw error;
        failedPlan = error;
        key = "";
        make = function* () {
          throw error;
        };
      }
      shown = `${shownText} # buildkit`;
    }
    vertex = this.#vertex(vertexName(label, instruction, variables));
    if (failedPlan) {
      vertex.end({ error: failedPlan.message });
      throw new SolveFailure(
        /checksum of ref/.test(failedPlan.message)
          ? `failed to compute cache key: ${failedPlan.message}`
          : failedPlan.message,
        instruction,
      );
    }
    const known = cache.get(key);
    if (known?.layer && (!noCache || name === "WORKDIR")) {
      known.lastUsed = daemon.now();
      known.uses++;
      vertex.end({ cached: true });
      return { layer: known.layer, created: rfc3339Nano(known.created), key, shown };
    }
    let layer: Layer;
    try {
      layer = yield* make();
      if (name === "RUN") this.#ran.add(layer);
    } catch (error) {
      if (!(error instanceof StepFailure)) throw error;
      const message =
        error.message === "" || name === "RUN"
          ? `process ${JSON.stringify(runArgs(state, instruction, false).join(" "))} did not complete successfully: ${error.message === "" ? `exit code: ${error.code}` : error.message}`
          : error.message;
      vertex.end({ error: message });
      throw new SolveFailure(message, instruction);
    }
    const record = { ...this.#record(key, `mount / from exec ${shown}`, layer, "regular" as const), key };
    // What --no-cache made anew stands beside what was there.
    if (known) cache.set(`${key} ${known.id}`, known);
    cache.set(key, record);
    vertex.end();
    return { layer, created: rfc3339Nano(record.created), key, shown };
  }

  *#run(state: StageState, args: readonly string[], vertex: string, mounts: readonly MountSpec[]): Task<Layer> {
    const log =
      (stream: 1 | 2) =>
      (bytes: string): void =>
        this.#send({ logs: [{ vertex, stream, msg: decodeUtf8(bytes as never), timestamp: this.#daemon.now() }] });
    return yield* runStep(this.#daemon, state, args, { stdout: log(1), stderr: log(2) }, mounts);
  }

  *#contextFrom(stage: Stage, from: string, instruction: Instruction): Task<ReturnType<typeof treeOf>> {
    const source = this.#stageNamed(from, stage.index);
    if (source) return treeOf(this.#built.get(source.index)!.state.layers);
    const parsed = parseReference(from);
    if (!parsed.ok)
      throw new SolveFailure(`failed to parse stage name ${JSON.stringify(from)}: ${parsed.error}`, instruction);
    const full = withDefaultTag(parsed.value);
    const name = referenceString(full);
    if (!this.#shownBases.has(name)) {
      this.#shownBases.add(name);
      const vertex = this.#vertex(`FROM ${name}`);
      const found = yield* baseImage(this.#daemon, full, { pull: false, credentials: this.#request.credentials });
      if (isFailure(found)) {
        const why =
          found.kind === "denied"
            ? "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
            : `${name}: not found`;
        vertex.end({ error: why });
        throw new SolveFailure(`${from}: failed to resolve source metadata for ${name}: ${why}`, instruction);
      }
      vertex.end();
      this.#bases.set(name, found);
    }
    return treeOf(this.#bases.get(name)!.layers);
  }

  *#exportImage({ state, created }: Built): Task<Image> {
    const vertex = this.#vertex("exporting to image");
    const started = this.#daemon.now();
    const known = state.base?.layers.length ?? 0;
    const chains = chainIds(state.layers);
    const isKept = (index: number): boolean => this.#daemon.containerd.images.content.has(chains[index]!);
    const hasRun = (layer: Layer): boolean => this.#ran.has(layer);
    const bytes = state.layers.reduce(
      (sum, layer, i) => sum + (i < known || (isKept(i) && !hasRun(layer)) ? 0 : layer.size),
      0,
    );
    const isNew = state.layers.some((layer, i) => i >= known && !isKept(i) && !hasRun(layer));
    yield* this.#daemon.wait((isNew ? EXPORT_NEW_MS : 2) + bytes / EXPORT_BYTES_PER_MS);
    this.#status(vertex.digest, "exporting layers", 0, started);
    // Steps that made no layer take the time of the next one that did, or of the last.
    const base = state.base?.created;
    const history = [...state.history];
    let next = created ?? base ?? rfc3339Nano(this.#daemon.now());
    for (let i = history.length - 1; i >= 0; i--) {
      const entry = history[i]!;
      if (entry.created === "") history[i] = { ...entry, created: next };
      else next = entry.created;
    }
    const image = makeImage({
      config: { ...state.config, ArgsEscaped: true },
      layers: state.layers,
      history,
      created: created ?? base ?? rfc3339Nano(this.#daemon.now()),
      ...(state.author ? { author: state.author } : {}),
    });
    this.#daemon.containerd.images.add(image);
    this.#status(vertex.digest, `writing image ${image.id}`);
    for (const name of this.#request.names) this.#status(vertex.digest, `naming to ${name}`);
    tagAll(this.#daemon, image, this.#request.tags);
    vertex.end();
    return image;
  }
}

const isStep = (each: Instruction): boolean => ["RUN", "COPY", "ADD", "WORKDIR"].includes(each.name);

const usesContext = (each: Instruction): boolean =>
  ["COPY", "ADD"].includes(each.name) && each.flags["from"] === undefined && each.heredocs.length === 0;

/** An instruction with its variables filled in. */
const textOf = (instruction: Instruction, variables: ReadonlyMap<string, string>): string =>
  `${instruction.name} ${Object.entries(instruction.flags)
    .map(([flag, value]) => `--${flag}${value === "" ? "" : `=${value}`} `)
    .join("")}${substitute(instruction.args, variables)}`.trimEnd();

const vertexName = (label: string, instruction: Instruction, variables: ReadonlyMap<string, string>): string => {
  const [heredoc] = instruction.heredocs;
  const text = textOf(instruction, variables);
  return `${label} ${heredoc ? `${text} (${heredoc.content.split("\n")[0]}...)` : text}`;
};

const cacheMounts = new WeakMap<Daemon, Map<string, DirInode>>();

/** `RUN --mount`: folders that stay from one build to the next (cache), and folders in memory (tmpfs). */
function buildMounts(daemon: Daemon, instruction: Instruction): MountSpec[] {
  const text = instruction.flags["mount"];
  if (text === undefined) return [];
  const options = new Map(text.split(",").map((each) => each.split(/=(.*)/s).slice(0, 2) as [string, string]));
  const type = options.get("type") ?? "bind";
  const target = options.get("target") ?? options.get("dst") ?? options.get("destination");
  if (target === undefined || (type !== "cache" && type !== "tmpfs"))
    throw new SolveFailure(
      `RUN --mount=type=${type} is not part of this simulator; cache and tmpfs mounts are`,
      instruction,
    );
  if (type === "tmpfs") return [{ destination: target, root: new DirInode(), type: "tmpfs", readOnly: false }];
  let kept = cacheMounts.get(daemon);
  if (!kept) cacheMounts.set(daemon, (kept = new Map()));
  const id = options.get("id") ?? target;
  let root = kept.get(id);
  if (!root) kept.set(id, (root = new DirInode({ mode: 0o755, mtime: daemon.now() })));
  return [{ destination: target, root, type: "bind", readOnly: options.has("ro") || options.has("readonly") }];
}

const runKey = (state: StageState, instruction: Instruction): string =>
  digestOf(
    JSON.stringify([
      state.key,
      "run",
      runArgs(state, instruction, false),
      state.config.Env,
      [...state.args],
      state.config.User,
      state.config.WorkingDir,
    ]),
  );

const workdirKey = (state: StageState, path: string): string => digestOf(JSON.stringify([state.key, "workdir", path]));

function reference(name: string): Reference {
  const parsed = parseReference(name);
  if (!parsed.ok) throw new SolveFailure(parsed.error);
  return parsed.value;
}

function sizeOf(node: {
  readonly kind: string;
  readonly entries?: ReadonlyMap<string, unknown>;
  readonly size?: number;
}): number {
  if (node.kind === "file") return node.size ?? 0;
  let bytes = 0;
  for (const child of node.entries?.values() ?? []) bytes += sizeOf(child as never);
  return bytes;
}

/** Files of a context, each with the hash of its content, and their sizes. */
function describe(node: BuildRequest["context"]): Map<string, number> {
  const lines = new Map<string, number>();
  const visit = (dir: BuildRequest["context"], at: string): void => {
    for (const name of dir.names()) {
      const child = dir.get(name)!;
      if (child.kind === "dir") visit(child, `${at}/${name}`);
      else if (child.kind === "file") lines.set(`${at}/${name} ${contentHash(child.content)}`, child.size);
    }
  };
  visit(node, "");
  return lines;
}
