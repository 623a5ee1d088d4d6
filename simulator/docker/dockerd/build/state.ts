/** What a stage has become so far: layers, configuration, history, variables; and how instructions change the configuration. */
import { rfc3339Nano } from "../../../base/clock";
import type { HistoryEntry, Image, ImageConfig, Layer } from "../../../containerd/api";
import { absolute } from "../../../os/path";
import { parseDuration } from "../../../text/go-duration";
import { exposedPorts, keyValues, splitWords, withEnv } from "../changes";
import { type Instruction, jsonForm, substitute, unquote } from "./dockerfile";

export interface StageState {
  readonly base: Image | undefined;
  layers: readonly Layer[];
  config: ImageConfig;
  history: HistoryEntry[];
  /** ARGs declared in this stage, with their values. */
  args: Map<string, string>;
  author: string | undefined;
  /** What all of this was made from. */
  key: string;
  hasCmd: boolean;
}

export const DEFAULT_SHELL = ["/bin/sh", "-c"] as const;
export const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function startState(base: Image | undefined, key: string): StageState {
  const config = base ? { ...base.config } : {};
  return {
    base,
    layers: base?.layers ?? [],
    config: { ...config, Env: base?.config.Env?.length ? base.config.Env : [DEFAULT_PATH] },
    history: [...(base?.history ?? [])],
    args: new Map(),
    author: base?.author,
    key,
    hasCmd: false,
  };
}

/** Variables that instructions see: ENV wins over ARG. */
export function variablesOf(state: StageState): Map<string, string> {
  const variables = new Map(state.args);
  for (const entry of state.config.Env ?? [])
    variables.set(entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1));
  return variables;
}

/** CMD and ENTRYPOINT: JSON, or a line for the shell. */
export const commandOf = (text: string, state: StageState): readonly string[] =>
  jsonForm(text) ?? (text.trim() === "" ? [] : [...(state.config.Shell ?? DEFAULT_SHELL), text.trim()]);

const goList = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(" ")}]`;

/** What an instruction that changes no file did: texts for the history of both builders. */
export interface MetaEffect {
  /** As BuildKit writes it: `ENV A=b`. */
  readonly shown: string;
  /** As the classic builder writes it after `#(nop) `. */
  readonly classic: string;
}

/** Applies an instruction that changes no file; undefined when it is not one of those. */
export function applyMeta(state: StageState, instruction: Instruction): MetaEffect | undefined {
  const variables = variablesOf(state);
  const expand = (text: string): string => substitute(text, variables);
  const { name } = instruction;
  const args = instruction.args.trim();
  const same = (shown: string): MetaEffect => ({ shown, classic: ` ${shown}` });
  switch (name) {
    case "ENV":
    case "LABEL": {
      const pairs = keyValues(expand(args), name).map(([key, value]): [string, string] => [
        key,
        args.includes("=") ? value : unquote(value),
      ]);
      if (name === "ENV") state.config = { ...state.config, Env: withEnv(state.config.Env ?? [], pairs) };
      else state.config = { ...state.config, Labels: { ...state.config.Labels, ...Object.fromEntries(pairs) } };
      return same(`${name} ${pairs.map(([key, value]) => `${key}=${value}`).join(" ")}`);
    }
    case "MAINTAINER":
      state.author = args;
      return same(`MAINTAINER ${args}`);
    case "EXPOSE": {
      const ports = exposedPorts(splitWords(expand(args)));
      state.config = { ...state.config, ExposedPorts: { ...state.config.ExposedPorts, ...ports } };
      return { shown: `EXPOSE [${Object.keys(ports).join(" ")}]`, classic: ` EXPOSE ${expand(args)}` };
    }
    case "VOLUME": {
      const paths = jsonForm(args) ?? splitWords(expand(args));
      state.config = {
        ...state.config,
        Volumes: { ...state.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) },
      };
      return same(`VOLUME [${paths.join(" ")}]`);
    }
    case "USER":
      state.config = { ...state.config, User: unquote(expand(args)) };
      return same(`USER ${unquote(expand(args))}`);
    case "STOPSIGNAL":
      state.config = { ...state.config, StopSignal: expand(args) };
      return same(`STOPSIGNAL ${expand(args)}`);
    case "CMD": {
      const command = commandOf(args, state);
      state.config = { ...state.config, Cmd: command, ...(jsonForm(args) ? {} : { ArgsEscaped: true }) };
      state.hasCmd = true;
      return same(`CMD ${goList(command)}`);
    }
    case "ENTRYPOINT": {
      const command = commandOf(args, state);
      state.config = { ...state.config, Entrypoint: command };
      // An entrypoint of its own makes the base image's CMD meaningless.
      if (!state.hasCmd) state.config = { ...state.config, Cmd: undefined as never };
      return same(`ENTRYPOINT ${goList(command)}`);
    }
    case "SHELL": {
      const shell = jsonForm(args) ?? [];
      state.config = { ...state.config, Shell: shell };
      return same(`SHELL [${shell.join(" ")}]`);
    }
    case "ONBUILD":
      state.config = { ...state.config, OnBuild: [...(state.config.OnBuild ?? []), args] };
      return same(`ONBUILD ${args}`);
    case "HEALTHCHECK":
      return same(applyHealthcheck(state, instruction));
    default:
      return undefined;
  }
}

function applyHealthcheck(state: StageState, instruction: Instruction): string {
  const args = instruction.args.trim();
  if (/^NONE\b/i.test(args)) {
    state.config = { ...state.config, Healthcheck: { Test: ["NONE"] } };
    return 'HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}';
  }
  const command = args.replace(/^CMD\s*/i, "");
  const json = jsonForm(command);
  const test = json ? ["CMD", ...json] : ["CMD-SHELL", command];
  const time = (flag: string): number => {
    const text = instruction.flags[flag];
    const parsed = text === undefined ? undefined : parseDuration(text);
    return parsed?.ok ? parsed.value * 1e6 : 0;
  };
  const retries = Number(instruction.flags["retries"] ?? 0);
  const values = {
    Interval: time("interval"),
    Timeout: time("timeout"),
    StartPeriod: time("start-period"),
    StartInterval: time("start-interval"),
  };
  state.config = {
    ...state.config,
    Healthcheck: {
      Test: test,
      ...Object.fromEntries(Object.entries(values).filter(([, value]) => value > 0)),
      ...(retries ? { Retries: retries } : {}),
    },
  };
  const seconds = (value: number): string => JSON.stringify(value === 0 ? "0s" : `${value / 1e9}s`);
  return `HEALTHCHECK &{${goList(test)} ${seconds(values.Interval)} ${seconds(values.Timeout)} ${seconds(values.StartPeriod)} ${seconds(values.StartInterval)} '\\x${retries.toString(16).padStart(2, "0")}'}`;
}

/** ARG: one or several names with defaults; build arguments win, then those before the first FROM. */
export function applyArg(
  state: StageState,
  instruction: Instruction,
  given: Readonly<Record<string, string>>,
  global: ReadonlyMap<string, string>,
): { readonly names: string[]; readonly shown: string } {
  const names: string[] = [];
  const shown: string[] = [];
  for (const word of splitWords(substitute(instruction.args, variablesOf(state)))) {
    const at = word.indexOf("=");
    const name = at < 0 ? word : word.slice(0, at);
    const fallback = at < 0 ? global.get(name) : word.slice(at + 1);
    const value = given[name] ?? fallback;
    names.push(name);
    shown.push(value === undefined ? name : `${name}=${value}`);
    if (value !== undefined) state.args.set(name, value);
  }
  return { names, shown: `ARG ${shown.join(" ")}` };
}

/** WORKDIR's path: relative ones add up. */
export const workdirOf = (state: StageState, instruction: Instruction): string =>
  absolute(state.config.WorkingDir || "/", unquote(substitute(instruction.args.trim(), variablesOf(state))));

/** Arguments of ARG that a RUN sees, as history writes them: `|2 A=1 B=2 `. */
export function runPrefix(state: StageState): string {
  const env = new Set((state.config.Env ?? []).map((entry) => entry.slice(0, entry.indexOf("="))));
  const args = [...state.args].filter(([name]) => !env.has(name));
  return args.length === 0 ? "" : `|${args.length} ${args.map(([name, value]) => `${name}=${value}`).join(" ")} `;
}

export const now = (ms: number): string => rfc3339Nano(ms);
