/** The classic builder: one container and one image for every step. */
import type { Task } from "../../../base/task";
import { rfc3339Nano } from "../../../base/clock";
import { decodeUtf8 } from "../../../base/bytes";
import type { Image, Layer } from "../../../containerd/api";
import { makeImage, treeOf } from "../../../containerd/images";
import { isFailure, pullFailureMessage } from "../../../containerd/pull";
import { familiarString, parseReference, withDefaultTag } from "../../../containerd/reference";
import { ApiFailure, badRequest } from "../../api/failure";
import type { DockerContainer } from "../container";
import { createContainer } from "../create";
import type { Daemon } from "../daemon";
import { dropContainer } from "../lifecycle";
import { errorMessage } from "../pull";
import type { StreamWriter } from "../streams";
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
import { type StageState, applyArg, applyMeta, runPrefix, startState, workdirOf } from "./state";
import { StepFailure, copyStep, planCopy, runArgs, runStep, workdirStep } from "./steps";

const short = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** Steps that were made before: what from, to which image. */
const caches = new WeakMap<Daemon, Map<string, string>>();

/** Checks what can be known before the answer begins: failures here are the response's own. */
export function checkClassic(request: BuildRequest): Dockerfile {
  const { dockerfile: text, dockerfileName: name } = request;
  if (text === undefined) throw new ApiFailure(500, `Cannot locate specified Dockerfile: ${name}`);
  let dockerfile: Dockerfile;
  try {
    dockerfile = parseDockerfile(text);
  } catch (error) {
    if (!(error instanceof DockerfileFailure)) throw error;
    throw badRequest(error.isSyntax ? `failed to parse ${name}: ${error.message}` : error.message);
  }
  if (dockerfile.all.length === 0) throw badRequest(`the Dockerfile (${name}) cannot be empty`);
  if (dockerfile.stages.length === 0) throw badRequest("no build stage in current context");
  if (!targetStage(dockerfile, request.target))
    throw badRequest(`target stage ${JSON.stringify(request.target)} could not be found`);
  return dockerfile;
}

export function* buildClassic(
  daemon: Daemon,
  request: BuildRequest,
  dockerfile: Dockerfile,
  writer: StreamWriter,
): Task<void> {
  const target = targetStage(dockerfile, request.target)!;
  const builder = new ClassicBuilder(daemon, request, dockerfile, writer);
  try {
    const image = yield* builder.run(target);
    if (!image) return;
    builder.warnUnused();
    writer.message({ aux: { ID: image.id } });
    if (request.quiet) writer.message({ stream: `${image.id}\n` });
    else writer.message({ stream: `Successfully built ${short(image.id)}\n` });
    tagAll(daemon, image, request.tags);
    if (!request.quiet)
      for (const reference of request.tags)
        writer.message({ stream: `Successfully tagged ${familiarString(reference)}\n` });
  } catch (error) {
    if (error instanceof StepFailure)
      writer.message({ error: error.message, errorDetail: { code: error.code, message: error.message } });
    else if (error instanceof ApiFailure) writer.message(errorMessage(error.message));
    else throw error;
  }
}

class ClassicBuilder {
  readonly #daemon: Daemon;
  readonly #request: BuildRequest;
  readonly #dockerfile: Dockerfile;
  readonly #writer: StreamWriter;
  readonly #stages = new Map<string, Image>();
  readonly #consumed = new Set<string>();
  #useCache: boolean;

  constructor(daemon: Daemon, request: BuildRequest, dockerfile: Dockerfile, writer: StreamWriter) {
    this.#daemon = daemon;
    this.#request = request;
    this.#dockerfile = dockerfile;
    this.#writer = writer;
    this.#useCache = !request.noCache;
  }

  #say(text: string): void {
    if (!this.#request.quiet) this.#writer.message({ stream: text });
  }

  *run(target: Stage): Task<Image | undefined> {
    const stages = this.#dockerfile.stages.slice(0, target.index + 1);
    const labels = Object.entries(this.#request.labels);
    const total =
      this.#dockerfile.globalArgs.length +
      stages.reduce((sum, stage) => sum + 1 + stage.instructions.length, 0) +
      (labels.length > 0 ? 1 : 0);
    let step = 0;
    const announce = (text: string): void => this.#say(`Step ${++step}/${total} : ${text}\n`);
    const globals = globalArgs(this.#dockerfile, this.#request.args);
    for (const each of this.#dockerfile.globalArgs) {
      announce(each.original);
      for (const word of each.args.split(/\s+/)) this.#consumed.add(word.split("=")[0]!);
    }
    let last: Image | undefined;
    for (const stage of stages) {
      this.#useCache = !this.#request.noCache;
      announce(stage.from.original);
      const base = yield* this.#from(stage, globals);
      const state = startState(base, base?.id ?? "scratch");
      let image = base;
      if (image) this.#say(` ---> ${short(image.id)}\n`);
      else this.#say(" ---> \n");
      const triggers = (base?.config.OnBuild ?? [])
        .map((text) => parseInstruction(text))
        .filter((each) => each !== undefined);
      if (triggers.length > 0) {
        state.config = { ...state.config, OnBuild: undefined as never };
        this.#say(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? "s" : ""}\n`);
      }
      for (const instruction of triggers) image = yield* this.#step(state, instruction, image, globals);
      for (const instruction of stage.instructions) {
        announce(instruction.original);
        image = yield* this.#step(state, instruction, image, globals);
      }
      if (stage === target && labels.length > 0) {
        const text = `LABEL ${labels.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(" ")}`;
        announce(text);
        image = yield* this.#step(state, parseInstruction(text)!, image, globals);
      }
      if (!image) throw new StepFailure("No image was generated. Is your Dockerfile empty?");
      this.#stages.set(String(stage.index), image);
      if (stage.name) this.#stages.set(stage.name, image);
      last = image;
    }
    return last;
  }

  warnUnused(): void {
    const unused = Object.keys(this.#request.args).filter(
      (name) => !this.#consumed.has(name) && !/^(https?|ftp|no|all)_proxy$/i.test(name),
    );
    if (unused.length > 0) this.#say(`[Warning] One or more build-args [${unused.join(" ")}] were not consumed\n`);
  }

  *#from(stage: Stage, globals: ReadonlyMap<string, string>): Task<Image | undefined> {
    const name = unquote(substitute(stage.base, globals));
    if (name === "scratch") return undefined;
    const earlier = this.#stages.get(name.toLowerCase());
    if (earlier) return earlier;
    const reference = parseReference(name);
    if (!reference.ok) throw new StepFailure(reference.error);
    const wanted = withDefaultTag(reference.value);
    const isHere = this.#daemon.findImage(name) !== undefined;
    let isAnnounced = false;
    const announce = (): void => {
      if (isAnnounced || (isHere && !this.#request.pull)) return;
      isAnnounced = true;
      this.#writer.message({ status: `Pulling from ${wanted.path}`, id: wanted.tag ?? "latest" });
    };
    const found = yield* baseImage(this.#daemon, wanted, {
      pull: this.#request.pull,
      credentials: this.#request.credentials,
      onProgress: (progress) => {
        announce();
        this.#writer.message({
          id: progress.id,
          status: progress.status,
          progressDetail: progress.total ? { current: progress.current, total: progress.total } : {},
        });
      },
    });
    if (isFailure(found)) throw new StepFailure(pullFailureMessage(wanted, found));
    announce();
    if (!isHere || this.#request.pull) {
      this.#writer.message({ status: `Digest: ${found.manifestDigest}` });
      this.#writer.message({
        status: `Status: ${isHere ? "Image is up to date" : "Downloaded newer image"} for ${familiarString(wanted)}`,
      });
    }
    return found;
  }

  /** One instruction: from the cache, or made anew. */
  *#step(
    state: StageState,
    instruction: Instruction,
    parent: Image | undefined,
    globals: ReadonlyMap<string, string>,
  ): Task<Image> {
    const daemon = this.#daemon;
    const { name } = instruction;
    if (name === "ARG") {
      const { names, shown } = applyArg(state, instruction, this.#request.args, globals);
      for (const each of names) this.#consumed.add(each);
      return yield* this.#commit(state, parent, `/bin/sh -c #(nop)  ${shown}`, undefined, true);
    }
    if (name === "RUN") return yield* this.#run(state, instruction, parent);
    if (name === "COPY" || name === "ADD") {
      const from = instruction.flags["from"];
      const context = from === undefined ? this.#request.context : yield* this.#contextFrom(from);
      const plan = yield* planCopy(
        daemon,
        state,
        instruction,
        context,
        (path) =>
          new StepFailure(
            `${name} failed: ${from === undefined ? "file not found in build context or excluded by .dockerignore: " : ""}stat ${from === undefined ? path.slice(1) : path}: file does not exist`,
          ),
      );
      const kind = plan.sources.length > 1 ? "multi" : plan.sources[0]?.node.kind === "dir" ? "dir" : "file";
      const createdBy = `/bin/sh -c #(nop) ${name} ${kind}:${plan.digest} in ${plan.destination}${plan.endsWithSlash && plan.destination !== "/" ? "/" : ""} `;
      return yield* this.#commit(
        state,
        parent,
        createdBy,
        function* () {
          return copyStep(daemon, state, instruction, plan);
        },
        false,
      );
    }
    if (name === "WORKDIR") {
      const path = workdirOf(state, instruction);
      state.config = { ...state.config, WorkingDir: path };
      return yield* this.#commit(
        state,
        parent,
        `/bin/sh -c #(nop) WORKDIR ${path}`,
        function* () {
          return workdirStep(daemon, state, path);
        },
        true,
      );
    }
    const effect = applyMeta(state, instruction);
    if (!effect) throw new StepFailure(`unknown instruction: ${name}`);
    return yield* this.#commit(state, parent, `/bin/sh -c #(nop) ${effect.classic}`, undefined, true);
  }

  *#contextFrom(from: string): Task<ReturnType<typeof treeOf>> {
    const earlier = this.#stages.get(from.toLowerCase());
    if (earlier) return treeOf(earlier.layers);
    const reference = parseReference(from);
    if (!reference.ok) throw new StepFailure(`invalid from flag value ${from}: ${reference.error}`);
    const found = yield* baseImage(this.#daemon, withDefaultTag(reference.value), {
      pull: false,
      credentials: this.#request.credentials,
    });
    if (isFailure(found))
      throw new StepFailure(
        `invalid from flag value ${from}: ${pullFailureMessage(withDefaultTag(reference.value), found)}`,
      );
    return treeOf(found.layers);
  }

  *#run(state: StageState, instruction: Instruction, parent: Image | undefined): Task<Image> {
    const args = runArgs(state, instruction, true);
    const createdBy = `${runPrefix(state)}${args.join(" ")}`;
    const daemon = this.#daemon;
    const { removes } = this.#request;
    const say = (text: string): void => this.#say(text);
    const step = function* (container: DockerContainer | undefined): Task<Layer> {
      const started = daemon.now();
      const end = (code: number): void => {
        if (!container) return;
        container.startedAt = started;
        container.finishedAt = daemon.now();
        container.exitCode = code;
        if (code === 0 ? removes.done : removes.failed) dropContainer(daemon, container, true);
      };
      try {
        const layer = yield* runStep(daemon, state, args, {
          stdout: (bytes) => say(decodeUtf8(bytes)),
          stderr: (bytes) => say(`\x1b[91m${decodeUtf8(bytes)}\x1b[0m`),
        });
        end(0);
        return layer;
      } catch (error) {
        if (!(error instanceof StepFailure)) throw error;
        end(error.code);
        if (error.message !== "") throw error;
        throw new StepFailure(`The command '${args.join(" ")}' returned a non-zero code: ${error.code}`, error.code);
      }
    };
    return yield* this.#commit(state, parent, createdBy, step, true, args);
  }

  /** The container of a RUN: it shows in `docker ps -a` until the step has worked, and stays where it failed. */
  *#container(parent: Image | undefined, args: readonly string[]): Task<DockerContainer | undefined> {
    if (!parent) return undefined;
    const { container } = yield* createContainer(this.#daemon, {
      Image: parent.id,
      Entrypoint: [],
      Cmd: args,
      HostConfig: {},
    } as never);
    return container;
  }

  /** Makes the step's image, or finds it. `showsContainer`: the step ran in an intermediate container. */
  *#commit(
    state: StageState,
    parent: Image | undefined,
    createdBy: string,
    step: ((container: DockerContainer | undefined) => Task<Layer>) | undefined,
    showsContainer: boolean,
    run?: readonly string[],
  ): Task<Image> {
    const daemon = this.#daemon;
    let cache = caches.get(daemon);
    if (!cache) caches.set(daemon, (cache = new Map()));
    const key = JSON.stringify([parent?.id ?? "", createdBy, state.config]);
    const known = this.#useCache ? daemon.containerd.images.get(cache.get(key) ?? "") : undefined;
    if (known) {
      this.#say(` ---> Using cache\n ---> ${short(known.id)}\n`);
      state.layers = known.layers;
      state.history = [...known.history];
      return known;
    }
    this.#useCache = false;
    const own = run ? yield* this.#container(parent, run) : undefined;
    const container = own?.shortId ?? daemon.random.hex(12);
    if (showsContainer) this.#say(` ---> Running in ${container}\n`);
    const layer = step ? yield* step(own) : undefined;
    yield* daemon.wait(30);
    if (layer) state.layers = [...state.layers, layer];
    const created = rfc3339Nano(daemon.now());
    state.history = [
      ...state.history,
      {
        created,
        created_by: createdBy,
        ...(state.author ? { author: state.author } : {}),
        ...(layer ? {} : { empty_layer: true }),
      },
    ];
    // The classic builder does not mark images as BuildKit does.
    const { ArgsEscaped: _, ...config } = state.config;
    const image = makeImage({
      config,
      layers: state.layers,
      history: state.history,
      created,
      ...(state.author ? { author: state.author } : {}),
    });
    daemon.containerd.images.add(image);
    daemon.classicBuilt.add(image.id);
    if (parent) daemon.setParent(image.id, parent.id);
    cache.set(key, image.id);
    if (showsContainer && this.#request.removes.done) this.#say(` ---> Removed intermediate container ${container}\n`);
    this.#say(` ---> ${short(image.id)}\n`);
    return image;
  }
}
