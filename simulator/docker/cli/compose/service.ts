/** One service of a compose file in its canonical form: short syntaxes written out, numbers where numbers belong. */
import { failure, ok, type Result } from "../../../base/result";
import { formatDuration, parseDuration } from "../../../text/go-duration";
import { ramInBytes } from "../../../text/human-size";
import { absolute } from "../../../os/path";
import { parsePublish } from "../publish";
import type { PortConfig, ServiceConfig, VolumeConfig } from "./types";

type Raw = Readonly<Record<string, unknown>>;

/** The order in which compose-go's struct has its members. */
const ORDER =
  "profiles annotations attach build develop blkio_config cap_add cap_drop cgroup_parent cgroup cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpus cpuset cpu_shares command configs container_name credential_spec depends_on deploy device_cgroup_rules devices dns dns_opt dns_search domainname entrypoint provider environment env_file expose extends external_links extra_hosts group_add gpus hostname healthcheck image init ipc isolation labels links logging mem_limit mem_reservation memswap_limit mem_swappiness mac_address models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports privileged pull_policy read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir".split(
    " ",
  );

export interface ServiceContext {
  /** Relative paths start here. */
  readonly folder: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  readText(path: string): string | undefined;
}

class Mistake extends Error {}

/** The error names the place: `services.web.ports: …`. */
export function canonicalService(name: string, raw: Raw, context: ServiceContext): Result<ServiceConfig, string> {
  try {
    const service: Record<string, unknown> = {};
    for (const key of Object.keys(raw)) {
      const value = canonical(key, raw[key], name, context);
      if (value !== undefined) service[key] = value;
    }
    const files = envFiles(raw["env_file"], context);
    const all: Raw = { ...files, ...(service["environment"] as Raw | undefined) };
    // A map in Go: by name.
    if (Object.keys(all).length > 0)
      service["environment"] = Object.fromEntries(Object.entries(all).sort(([x], [y]) => (x < y ? -1 : 1)));
    delete service["env_file"];
    return ok(ordered(service));
  } catch (error) {
    if (error instanceof Mistake) return failure(error.message);
    throw error;
  }
}

export function ordered(service: Raw): ServiceConfig {
  const rank = (key: string): number => {
    const at = ORDER.indexOf(key);
    return at < 0 ? ORDER.length : at;
  };
  return Object.fromEntries(Object.entries(service).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1)));
}

function canonical(key: string, value: unknown, service: string, context: ServiceContext): unknown {
  if (value === null && key !== "command" && key !== "entrypoint") return undefined;
  switch (key) {
    case "build":
      return build(value, context);
    case "command":
    case "entrypoint":
      return value === null ? null : typeof value === "string" ? shellWords(value) : strings(value);
    case "environment":
      return assignments(value, context.env, true);
    case "labels":
    case "annotations":
    case "sysctls":
      return assignments(value, {}, false);
    case "ports":
      return (value as readonly unknown[]).flatMap((each) => port(each));
    case "volumes":
      return (value as readonly unknown[]).map((each) => volume(each, context, service));
    case "networks":
      return Array.isArray(value) ? Object.fromEntries(value.map((each) => [String(each), null])) : value;
    case "depends_on":
      return dependencies(value);
    case "healthcheck":
      return health(value as Raw, service);
    case "deploy":
      return deploy(value as Raw);
    case "mem_limit":
    case "mem_reservation":
    case "memswap_limit":
    case "shm_size":
      return bytes(value);
    case "cpus":
    case "cpu_shares":
    case "cpu_quota":
    case "cpu_period":
    case "pids_limit":
    case "scale":
    case "oom_score_adj":
      return Number(value);
    case "init":
    case "privileged":
    case "read_only":
    case "stdin_open":
    case "tty":
    case "attach":
    case "oom_kill_disable":
      return value === true || value === "true";
    case "stop_grace_period":
      return duration(String(value));
    case "dns":
    case "dns_search":
    case "tmpfs":
      return typeof value === "string" ? [value] : strings(value);
    case "expose":
    case "profiles":
    case "cap_add":
    case "cap_drop":
    case "dns_opt":
    case "group_add":
    case "security_opt":
      return strings(value);
    case "extra_hosts":
      return Array.isArray(value)
        ? value.map((each) => String(each).replace(/^([^:=]+)[:=]/, "$1="))
        : Object.entries(value as Raw).map(([host, address]) => `${host}=${String(address)}`);
    case "secrets":
    case "configs":
      return (value as readonly unknown[]).map((each) => (typeof each === "string" ? { source: each } : each));
    default:
      return typeof value === "number" && !["deploy"].includes(key) && STRINGS.has(key) ? String(value) : value;
  }
}

const STRINGS = new Set(["user", "hostname", "container_name", "image", "restart", "working_dir", "stop_signal"]);

const strings = (value: unknown): string[] => (value as readonly unknown[]).map(String);

function build(value: unknown, context: ServiceContext): unknown {
  const raw = (typeof value === "string" ? { context: value } : value) as Raw;
  const place = String(raw["context"] ?? ".");
  const { args, labels, ...rest } = raw;
  return {
    ...rest,
    context: /^(https?:|git)/.test(place) ? place : absolute(context.folder, place),
    ...(raw["dockerfile_inline"] === undefined ? { dockerfile: String(raw["dockerfile"] ?? "Dockerfile") } : {}),
    ...(args ? { args: assignments(args, context.env, true) } : {}),
    ...(labels ? { labels: assignments(labels, {}, false) } : {}),
  };
}

/** A list of NAME=value or a mapping. A name alone takes the value of the caller's environment. */
function assignments(
  value: unknown,
  env: Readonly<Record<string, string>>,
  fromEnv: boolean,
): Record<string, string | null> {
  const result: Record<string, string | null> = {};
  const set = (name: string, text: unknown): void => {
    if (text === null || text === undefined) result[name] = fromEnv ? (env[name] ?? null) : "";
    else result[name] = String(text);
  };
  if (Array.isArray(value))
    for (const each of value) {
      const text = String(each);
      const at = text.indexOf("=");
      set(at < 0 ? text : text.slice(0, at), at < 0 ? undefined : text.slice(at + 1));
    }
  else for (const [name, text] of Object.entries(value as Raw)) set(name, text);
  return Object.fromEntries(Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function envFiles(value: unknown, context: ServiceContext): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  const values: Record<string, string> = {};
  for (const each of Array.isArray(value) ? value : [value]) {
    const path = typeof each === "object" ? String((each as Raw)["path"]) : String(each);
    const isRequired = typeof each !== "object" || (each as Raw)["required"] !== false;
    const file = absolute(context.folder, path);
    const text = context.readText(file);
    if (text === undefined) {
      if (isRequired) throw new Mistake(`env file ${file} not found: stat ${file}: no such file or directory`);
      continue;
    }
    for (const line of text.split("\n")) {
      const match = /^\s*(?:export\s+)?([^#=\s]+)\s*=(.*)$/.exec(line);
      if (match) values[match[1]!] = match[2]!.trim().replace(/^(["'])(.*)\1$/, "$2");
    }
  }
  return values;
}

function port(value: unknown): PortConfig[] {
  if (typeof value === "object" && value !== null) {
    const raw = value as Raw;
    return [
      {
        mode: String(raw["mode"] ?? "ingress"),
        ...(raw["host_ip"] ? { host_ip: String(raw["host_ip"]) } : {}),
        target: Number(raw["target"]),
        ...(raw["published"] === undefined ? {} : { published: String(raw["published"]) }),
        protocol: String(raw["protocol"] ?? "tcp"),
      },
    ];
  }
  const parsed = parsePublish([String(value)], []);
  if (!parsed.ok) throw new Mistake(parsed.error);
  return Object.entries(parsed.value.bindings).flatMap(([name, bindings]) => {
    const [target, protocol = "tcp"] = name.split("/");
    return bindings.map((each) => ({
      mode: "ingress",
      ...(each.HostIp ? { host_ip: each.HostIp } : {}),
      target: Number(target),
      ...(each.HostPort ? { published: each.HostPort } : {}),
      protocol,
    }));
  });
}

function volume(value: unknown, context: ServiceContext, service: string): VolumeConfig {
  const place = (source: string): string =>
    source.startsWith("~") ? context.home + source.slice(1) : absolute(context.folder, source);
  if (typeof value === "object" && value !== null) {
    const raw = value as VolumeConfig;
    return raw.type === "bind" && raw.source !== undefined ? { ...raw, source: place(raw.source) } : raw;
  }
  const text = String(value);
  const parts = text.split(":");
  if (text === "" || parts.length > 3)
    throw new Mistake(`services.${service}.volumes: invalid spec: ${text}: too many colons`);
  if (parts.length === 1) return { type: "volume", target: parts[0]!, volume: {} };
  const [source, target, mode = ""] = parts as [string, string, string?];
  if (source === "" || target === "") throw new Mistake(`invalid spec: ${text}: empty section between colons`);
  const options = mode.split(",");
  const readOnly = options.includes("ro") ? { read_only: true } : {};
  if (/^[./~]/.test(source))
    return { type: "bind", source: place(source), target, ...readOnly, bind: { create_host_path: true } };
  return { type: "volume", source, target, ...readOnly, volume: options.includes("nocopy") ? { nocopy: true } : {} };
}

function dependencies(value: unknown): unknown {
  const entries: [string, Raw][] = Array.isArray(value)
    ? value.map((name) => [String(name), {}])
    : Object.entries(value as Readonly<Record<string, Raw>>);
  return Object.fromEntries(
    entries
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [
        name,
        {
          condition: each["condition"] ?? "service_started",
          ...(each["restart"] ? { restart: true } : {}),
          required: each["required"] ?? true,
        },
      ]),
  );
}

function health(raw: Raw, service: string): unknown {
  const { test } = raw;
  if (Array.isArray(test) && test.length > 0 && !["NONE", "CMD", "CMD-SHELL"].includes(String(test[0])))
    throw new Mistake(
      `services.${service}.healthcheck.test: when healthcheck.test is a list the first item must be NONE, CMD or CMD-SHELL`,
    );
  const time = (key: string): Raw => (raw[key] === undefined ? {} : { [key]: duration(String(raw[key])) });
  return {
    ...(test === undefined ? {} : { test: typeof test === "string" ? ["CMD-SHELL", test] : strings(test) }),
    ...time("timeout"),
    ...time("interval"),
    ...(raw["retries"] === undefined ? {} : { retries: Number(raw["retries"]) }),
    ...time("start_period"),
    ...time("start_interval"),
    ...(raw["disable"] ? { disable: true } : {}),
  };
}

function deploy(raw: Raw): unknown {
  const resources = raw["resources"] as Readonly<Record<string, Raw>> | undefined;
  const limits = (each: Raw): Raw => ({
    ...each,
    ...(each["cpus"] === undefined ? {} : { cpus: Number(each["cpus"]) }),
    ...(each["memory"] === undefined ? {} : { memory: bytes(each["memory"]) }),
  });
  return {
    ...raw,
    ...(raw["replicas"] === undefined ? {} : { replicas: Number(raw["replicas"]) }),
    ...(resources
      ? { resources: Object.fromEntries(Object.entries(resources).map(([name, each]) => [name, limits(each)])) }
      : {}),
  };
}

function bytes(value: unknown): string {
  const size = ramInBytes(String(value));
  if (!size.ok) throw new Mistake(size.error);
  return String(size.value);
}

function duration(text: string): string {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Mistake(`time: invalid duration ${JSON.stringify(text)}`);
  return formatDuration(parsed.value);
}

/** Words as a shell splits them: quotes and backslashes, no expansion. */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== "") {
      if (c === quote) quote = "";
      else if (c === "\\" && quote === '"' && /["\\$`]/.test(text[i + 1] ?? "")) word += text[++i]!;
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (c === "\\") word = (word ?? "") + (text[++i] ?? "");
    else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + c;
  }
  if (word !== undefined) words.push(word);
  return words;
}
