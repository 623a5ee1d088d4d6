/** What may stand in a compose file, as far as mistakes in it are likely; messages are the schema checker's. */

type Kind = "string" | "number" | "boolean" | "array" | "object" | "null";

const S: readonly Kind[] = ["string"];
const B: readonly Kind[] = ["boolean", "string"];
const N: readonly Kind[] = ["number", "string"];
const A: readonly Kind[] = ["array"];
const O: readonly Kind[] = ["object"];
const SA: readonly Kind[] = ["string", "array", "null"];
const AO: readonly Kind[] = ["array", "object"];

const ROOT: Readonly<Record<string, readonly Kind[]>> = {
  version: ["string", "number"],
  name: S,
  include: A,
  services: O,
  networks: O,
  volumes: O,
  secrets: O,
  configs: O,
  models: O,
};

const SERVICE: Readonly<Record<string, readonly Kind[]>> = {
  annotations: AO,
  attach: B,
  blkio_config: O,
  build: ["string", "object"],
  cap_add: A,
  cap_drop: A,
  cgroup: S,
  cgroup_parent: S,
  command: SA,
  configs: A,
  container_name: S,
  cpu_count: N,
  cpu_percent: N,
  cpu_period: N,
  cpu_quota: N,
  cpu_rt_period: N,
  cpu_rt_runtime: N,
  cpu_shares: N,
  cpus: N,
  cpuset: S,
  credential_spec: O,
  depends_on: AO,
  deploy: ["object", "null"],
  develop: ["object", "null"],
  device_cgroup_rules: A,
  devices: A,
  dns: ["string", "array"],
  dns_opt: A,
  dns_search: ["string", "array"],
  domainname: S,
  entrypoint: SA,
  env_file: ["string", "array"],
  environment: AO,
  expose: A,
  extends: ["string", "object"],
  external_links: A,
  extra_hosts: AO,
  gpus: ["string", "array"],
  group_add: A,
  healthcheck: O,
  hostname: S,
  image: S,
  init: B,
  ipc: S,
  isolation: S,
  label_file: ["string", "array"],
  labels: AO,
  links: A,
  logging: O,
  mac_address: S,
  mem_limit: N,
  mem_reservation: N,
  mem_swappiness: N,
  memswap_limit: N,
  models: AO,
  network_mode: S,
  networks: AO,
  oom_kill_disable: B,
  oom_score_adj: N,
  pid: ["string", "null"],
  pids_limit: N,
  platform: S,
  ports: A,
  post_start: A,
  pre_stop: A,
  privileged: B,
  profiles: A,
  provider: O,
  pull_policy: S,
  pull_refresh_after: S,
  read_only: B,
  restart: S,
  runtime: S,
  scale: N,
  secrets: A,
  security_opt: A,
  shm_size: N,
  stdin_open: B,
  stop_grace_period: S,
  stop_signal: S,
  storage_opt: O,
  sysctls: AO,
  tmpfs: ["string", "array"],
  tty: B,
  ulimits: O,
  use_api_socket: B,
  user: S,
  userns_mode: S,
  uts: S,
  volumes: A,
  volumes_from: A,
  working_dir: S,
};

const NETWORK = [
  "name",
  "attachable",
  "driver",
  "driver_opts",
  "enable_ipv4",
  "enable_ipv6",
  "external",
  "internal",
  "ipam",
  "labels",
];
const VOLUME = ["name", "driver", "driver_opts", "external", "labels"];
const BUILD = [
  "context",
  "dockerfile",
  "dockerfile_inline",
  "entitlements",
  "args",
  "ssh",
  "labels",
  "cache_from",
  "cache_to",
  "no_cache",
  "no_cache_filter",
  "additional_contexts",
  "network",
  "provenance",
  "sbom",
  "pull",
  "target",
  "shm_size",
  "extra_hosts",
  "isolation",
  "privileged",
  "secrets",
  "tags",
  "ulimits",
  "platforms",
];
const HEALTH = ["disable", "interval", "retries", "test", "timeout", "start_period", "start_interval"];

const kindOf = (value: unknown): Kind =>
  value === null || value === undefined ? "null" : Array.isArray(value) ? "array" : (typeof value as Kind);

const isMap = (value: unknown): value is Record<string, unknown> => kindOf(value) === "object";

/** The first mistake found, or nothing: `services.web additional properties 'prots' not allowed`. */
export function checkSchema(file: unknown): string | undefined {
  if (!isMap(file)) return "top-level object must be a mapping";
  return (
    unknownKeys("(root)", file, Object.keys(ROOT)) ??
    wrongKinds("", file, ROOT) ??
    first(isMap(file["services"]) ? file["services"] : {}, (name, service) =>
      checkService(`services.${name}`, service),
    ) ??
    first(isMap(file["networks"]) ? file["networks"] : {}, (name, value) =>
      isMap(value)
        ? unknownKeys(`networks.${name}`, value, NETWORK)
        : mustBe(`networks.${name}`, value, ["object", "null"]),
    ) ??
    first(isMap(file["volumes"]) ? file["volumes"] : {}, (name, value) =>
      isMap(value)
        ? unknownKeys(`volumes.${name}`, value, VOLUME)
        : mustBe(`volumes.${name}`, value, ["object", "null"]),
    )
  );
}

function checkService(at: string, service: unknown): string | undefined {
  if (!isMap(service)) return mustBe(at, service, O);
  const { build, healthcheck } = service;
  return (
    unknownKeys(at, service, Object.keys(SERVICE)) ??
    wrongKinds(`${at}.`, service, SERVICE) ??
    (isMap(build) ? unknownKeys(`${at}.build`, build, BUILD) : undefined) ??
    (isMap(healthcheck) ? unknownKeys(`${at}.healthcheck`, healthcheck, HEALTH) : undefined)
  );
}

function unknownKeys(at: string, map: Record<string, unknown>, known: readonly string[]): string | undefined {
  const wrong = Object.keys(map)
    .filter((key) => !known.includes(key) && !key.startsWith("x-"))
    .sort();
  if (wrong.length === 0) return undefined;
  return `${at} additional properties ${wrong.map((key) => `'${key}'`).join(", ")} not allowed`;
}

function wrongKinds(
  prefix: string,
  map: Record<string, unknown>,
  kinds: Readonly<Record<string, readonly Kind[]>>,
): string | undefined {
  return first(map, (key, value) => (kinds[key] ? mustBe(`${prefix}${key}`, value, kinds[key]) : undefined));
}

const NOUNS: Readonly<Record<Kind, string>> = {
  string: "string",
  number: "number",
  boolean: "boolean",
  array: "array",
  object: "mapping",
  null: "null",
};

function mustBe(at: string, value: unknown, kinds: readonly Kind[]): string | undefined {
  const kind = kindOf(value);
  if (kinds.includes(kind)) return undefined;
  // Numbers and booleans stand for their text nearly everywhere; nothing at all is as good as the key left out.
  if (kind === "null" || (kinds.includes("string") && (kind === "number" || kind === "boolean"))) return undefined;
  return `${at} must be a ${kinds
    .filter((each) => each !== "null")
    .map((each) => NOUNS[each])
    .join(" or ")}`;
}

function first<T>(
  map: Readonly<Record<string, T>>,
  check: (key: string, value: T) => string | undefined,
): string | undefined {
  for (const [key, value] of Object.entries(map)) {
    const problem = check(key, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
