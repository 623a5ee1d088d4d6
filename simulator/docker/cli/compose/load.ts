/** Compose files into a project: found, parsed, filled in, checked, merged. Failures are docker compose's own words. */
import { failure, ok, type Result } from "../../../base/result";
import { absolute, basename, dirname } from "../../../os/path";
import type { Process } from "../../../os/process";
import { parseYaml } from "../../../text/yaml";
import { interpolate, readDotEnv } from "./interpolate";
import { checkSchema } from "./schema";
import { canonicalService, ordered, type ServiceContext } from "./service";
import type { FileObject, NamedVolume, NetworkConfig, Project, ServiceConfig } from "./types";

export interface ProjectOptions {
  readonly files: readonly string[];
  readonly name: string;
  readonly folder: string;
  readonly envFiles: readonly string[];
  readonly profiles: readonly string[];
}

type Raw = Readonly<Record<string, unknown>>;

const NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

export function loadProject(process: Process, options: ProjectOptions): Result<Project, string> {
  const files = projectFiles(process, options);
  if (!files.ok) return files;
  const folder = options.folder ? process.path(options.folder) : dirname(files.value[0]!);
  const env = environment(process, folder, options.envFiles);
  if (!env.ok) return env;
  const warnings: string[] = [];
  const context: ServiceContext = {
    folder,
    home: process.env["HOME"] ?? "/root",
    env: env.value,
    readText: (path) => textOf(process, path),
  };
  let merged: Draft = { name: "", services: {}, networks: {}, volumes: {}, secrets: {}, configs: {} };
  for (const file of files.value) {
    const draft = readFile(process, file, context, warnings);
    if (!draft.ok) return draft;
    merged = merge(merged, draft.value);
  }
  const name =
    options.name ||
    env.value["COMPOSE_PROJECT_NAME"] ||
    merged.name ||
    normalizeName(basename(folder === "/" ? "" : folder));
  if (name === "") return failure("project name must not be empty");
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name))
    return failure(
      `invalid project name ${JSON.stringify(name)}: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
    );
  const profiles = [...options.profiles, ...(env.value["COMPOSE_PROFILES"] ?? "").split(",").filter(Boolean)];
  return finish(merged, { name, folder, files: files.value, profiles, warnings });
}

/** loader.NormalizeProjectName */
export const normalizeName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "");

function projectFiles(process: Process, options: ProjectOptions): Result<string[], string> {
  const given =
    options.files.length > 0 ? options.files : (process.env["COMPOSE_FILE"] ?? "").split(":").filter(Boolean);
  if (given.length > 0) {
    const files = given.map((file) => process.path(file));
    const missing = files.find((file) => !process.fs.exists(file));
    return missing === undefined ? ok(files) : failure(`open ${missing}: no such file or directory`);
  }
  for (let folder = options.folder ? process.path(options.folder) : process.path("."); ; folder = dirname(folder)) {
    const join = (name: string): string => `${folder === "/" ? "" : folder}/${name}`;
    const found = NAMES.map(join).find((file) => process.fs.exists(file));
    if (found) {
      const overrides = NAMES.map((name) => join(name.replace(/\.(ya?ml)$/, ".override.$1")));
      const override = overrides.find((file) => process.fs.exists(file));
      return ok(override ? [found, override] : [found]);
    }
    if (folder === "/") return failure("no configuration file provided: not found");
  }
}

function textOf(process: Process, path: string): string | undefined {
  return process.fs.exists(path) && !process.fs.isDir(path) ? process.readText(path) : undefined;
}

function environment(
  process: Process,
  folder: string,
  files: readonly string[],
): Result<Record<string, string>, string> {
  const values: Record<string, string> = {};
  for (const file of files.length > 0 ? files : [`${folder}/.env`]) {
    const path = process.path(file);
    const text = textOf(process, path);
    if (text === undefined) {
      if (files.length > 0) return failure(`couldn't find env file: ${path}`);
      continue;
    }
    Object.assign(values, readDotEnv(text, process.env));
  }
  return ok({ ...values, ...process.env });
}

interface Draft {
  readonly name: string;
  readonly services: Readonly<Record<string, ServiceConfig>>;
  readonly networks: Raw;
  readonly volumes: Raw;
  readonly secrets: Raw;
  readonly configs: Raw;
}

function readFile(process: Process, file: string, context: ServiceContext, warnings: string[]): Result<Draft, string> {
  const parsed = parseYaml(process.readText(file));
  if (!parsed.ok) return parsed;
  if (parsed.value.value === undefined || parsed.value.value === null) return failure("empty compose file");
  const duplicate = parsed.value.duplicates[0];
  if (duplicate)
    return failure(
      `yaml: unmarshal errors:\n  line ${duplicate.line}: mapping key ${JSON.stringify(duplicate.key)} already defined`,
    );
  const filled = fill(parsed.value.value, "", context.env, warnings);
  if (!filled.ok) return filled;
  const mistake = checkSchema(filled.value);
  if (mistake !== undefined) return failure(`validating ${file}: ${mistake}`);
  const raw = filled.value as Raw;
  if (raw["version"] !== undefined)
    warnings.push(
      `${file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
    );
  const rawServices = (raw["services"] ?? {}) as Readonly<Record<string, Raw | null>>;
  const services: Record<string, ServiceConfig> = {};
  for (const [name, each] of Object.entries(rawServices)) {
    const extended = extend(name, each ?? {}, rawServices, context);
    if (!extended.ok) return extended;
    const service = canonicalService(name, extended.value, context);
    if (!service.ok) return service;
    services[name] = service.value;
  }
  return ok({
    name: String(raw["name"] ?? ""),
    services,
    networks: (raw["networks"] ?? {}) as Raw,
    volumes: (raw["volumes"] ?? {}) as Raw,
    secrets: (raw["secrets"] ?? {}) as Raw,
    configs: (raw["configs"] ?? {}) as Raw,
  });
}

/** `extends: SERVICE`, or of another file. */
function extend(
  name: string,
  raw: Raw,
  services: Readonly<Record<string, Raw | null>>,
  context: ServiceContext,
): Result<Raw, string> {
  const { extends: wanted, ...own } = raw;
  if (wanted === undefined) return ok(raw);
  const { service, file } = (typeof wanted === "string" ? { service: wanted } : wanted) as {
    service: string;
    file?: string;
  };
  let pool = services;
  if (file !== undefined) {
    const path = absolute(context.folder, file);
    const text = context.readText(path);
    if (text === undefined) return failure(`open ${path}: no such file or directory`);
    const parsed = parseYaml(text);
    if (!parsed.ok) return parsed;
    pool = ((parsed.value.value as Raw | undefined)?.["services"] ?? {}) as typeof services;
  }
  const base = pool[service];
  if (!base)
    return failure(
      `cannot extend service ${JSON.stringify(name)} in ${file ?? "compose file"}: service ${JSON.stringify(service)} not found`,
    );
  if (base === raw) return failure(`circular reference with extends: service ${JSON.stringify(name)}`);
  const below = extend(service, base, pool, context);
  if (!below.ok) return below;
  const first = canonicalService(service, below.value, context);
  if (!first.ok) return first;
  const second = canonicalService(name, own, context);
  return second.ok ? ok(mergeService(first.value, second.value)) : second;
}

/** Fills variables in, in every string but keys. */
function fill(
  value: unknown,
  at: string,
  env: Readonly<Record<string, string>>,
  warnings: string[],
): Result<unknown, string> {
  if (typeof value === "string") {
    if (!value.includes("$")) return ok(value);
    const result = interpolate(value, env);
    if (!result.ok) {
      return failure(
        result.error.startsWith("invalid interpolation format")
          ? `invalid interpolation format for ${at}.\nYou may need to escape any $ with another $.\n${value}`
          : `error while interpolating ${at}: ${result.error}`,
      );
    }
    for (const name of result.value.unset) {
      const warning = `The "${name}" variable is not set. Defaulting to a blank string.`;
      if (!warnings.includes(warning)) warnings.push(warning);
    }
    return ok(result.value.text);
  }
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) {
      const filled = fill(item, `${at}.[]`, env, warnings);
      if (!filled.ok) return filled;
      items.push(filled.value);
    }
    return ok(items);
  }
  if (typeof value !== "object" || value === null) return ok(value);
  const map: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    const filled = fill(each, at === "" ? key : `${at}.${key}`, env, warnings);
    if (!filled.ok) return filled;
    map[key] = filled.value;
  }
  return ok(map);
}

function merge(below: Draft, above: Draft): Draft {
  const services: Record<string, ServiceConfig> = { ...below.services };
  for (const [name, service] of Object.entries(above.services))
    services[name] = services[name] ? ordered(mergeService(services[name], service)) : service;
  return {
    name: above.name || below.name,
    services,
    networks: mergeMaps(below.networks, above.networks),
    volumes: mergeMaps(below.volumes, above.volumes),
    secrets: mergeMaps(below.secrets, above.secrets),
    configs: mergeMaps(below.configs, above.configs),
  };
}

const isMap = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);

const mergeMaps = (below: Raw, above: Raw): Raw => {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    result[key] = isMap(old) && isMap(value) ? mergeMaps(old, value) : value;
  }
  return result;
};

/** Maps grow, lists too (mounts by target); commands and tests are replaced. */
function mergeService(below: ServiceConfig, above: ServiceConfig): ServiceConfig {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = result[key];
    if (key === "command" || key === "entrypoint" || key === "healthcheck") {
      result[key] = isMap(old) && isMap(value) ? { ...old, ...value } : value;
    } else if (key === "volumes" && Array.isArray(old)) {
      const added = value as readonly { readonly target: string }[];
      result[key] = [
        ...(old as typeof added).filter((each) => !added.some((one) => one.target === each.target)),
        ...added,
      ];
    } else if (Array.isArray(old) && Array.isArray(value)) {
      const seen = new Set(old.map((each) => JSON.stringify(each)));
      result[key] = [...old, ...value.filter((each) => !seen.has(JSON.stringify(each)))];
    } else result[key] = isMap(old) && isMap(value) ? mergeMaps(old, value) : value;
  }
  return result;
}

function finish(
  draft: Draft,
  about: {
    readonly name: string;
    readonly folder: string;
    readonly files: readonly string[];
    readonly profiles: readonly string[];
    readonly warnings: readonly string[];
  },
): Result<Project, string> {
  const services: Record<string, ServiceConfig> = {};
  const disabled: Record<string, ServiceConfig> = {};
  for (const name of Object.keys(draft.services).sort()) {
    const service = draft.services[name]!;
    const isOn =
      (service.profiles ?? []).length === 0 ||
      about.profiles.includes("*") ||
      service.profiles!.some((each) => about.profiles.includes(each));
    const networks = service.network_mode || service.networks ? {} : { networks: { default: null } };
    (isOn ? services : disabled)[name] = ordered({ ...service, ...networks });
  }
  const problem = checkReferences(draft, { ...services, ...disabled });
  if (problem !== undefined) return failure(`${problem}: invalid compose project`);
  const named = <T extends { readonly name: string }>(entries: Raw): Record<string, T> =>
    Object.fromEntries(
      Object.entries(entries)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => {
          const raw = (value ?? {}) as Raw;
          const isExternal = raw["external"] === true || raw["external"] === "true";
          const { name, external: _external, labels, ...rest } = raw;
          return [
            key,
            {
              name: String(name ?? (isExternal ? key : `${about.name}_${key}`)),
              ...rest,
              ...(isExternal ? { external: true } : {}),
              ...(labels
                ? {
                    labels: Array.isArray(labels)
                      ? Object.fromEntries(labels.map((each) => String(each).split(/=(.*)/s).slice(0, 2)))
                      : labels,
                  }
                : {}),
            } as unknown as T,
          ];
        }),
    );
  const usesDefault = Object.values(services).some((service) => service.networks && "default" in service.networks);
  return ok({
    name: about.name,
    folder: about.folder,
    files: about.files,
    warnings: about.warnings,
    services,
    disabled,
    networks: named<NetworkConfig>(
      usesDefault && !("default" in draft.networks) ? { ...draft.networks, default: null } : draft.networks,
    ),
    volumes: named<NamedVolume>(draft.volumes),
    secrets: named<FileObject>(draft.secrets),
    configs: named<FileObject>(draft.configs),
  });
}

function checkReferences(draft: Draft, services: Readonly<Record<string, ServiceConfig>>): string | undefined {
  for (const [name, service] of Object.entries(services)) {
    const who = `service ${JSON.stringify(name)}`;
    if (!service.image && !service.build) return `${who} has neither an image nor a build context specified`;
    if (service.network_mode && service.networks)
      return `${who} declares mutually exclusive \`network_mode\` and \`networks\``;
    for (const network of Object.keys(service.networks ?? {}))
      if (network !== "default" && !(network in draft.networks)) return `${who} refers to undefined network ${network}`;
    for (const each of service.volumes ?? [])
      if (each.type === "volume" && each.source && !(each.source in draft.volumes))
        return `${who} refers to undefined volume ${each.source}`;
    for (const kind of ["secrets", "configs"] as const)
      for (const each of (service[kind] ?? []) as readonly { source: string }[])
        if (!(each.source in draft[kind])) return `${who} refers to undefined ${kind.slice(0, -1)} ${each.source}`;
    for (const [needed, { required }] of Object.entries(service.depends_on ?? {}))
      if (!services[needed] && required) return `${who} depends on undefined service ${JSON.stringify(needed)}`;
    if (service.container_name && (service.scale ?? service.deploy?.replicas ?? 1) > 1)
      return `services.${name}: can't set container_name and scale as container name must be unique`;
  }
  return cycle(services);
}

function cycle(services: Readonly<Record<string, ServiceConfig>>): string | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string | undefined => {
    if (path.includes(name))
      return `dependency cycle detected: ${[...path.slice(path.indexOf(name)), name].join(" -> ")}`;
    if (done.has(name)) return undefined;
    for (const each of Object.keys(services[name]?.depends_on ?? {})) {
      const found = visit(each, [...path, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(services)) {
    const found = visit(name, []);
    if (found) return found;
  }
  return undefined;
}
