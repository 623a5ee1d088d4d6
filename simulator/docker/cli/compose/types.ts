/** A compose project as it is after loading: canonical, with every short form written out. */

export interface PortConfig {
  readonly mode: string;
  readonly host_ip?: string;
  readonly target: number;
  readonly published?: string;
  readonly protocol: string;
}

export interface VolumeConfig {
  readonly type: "volume" | "bind" | "tmpfs";
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly bind?: { readonly create_host_path?: boolean; readonly propagation?: string };
  readonly volume?: { readonly nocopy?: boolean; readonly subpath?: string };
  readonly tmpfs?: { readonly size?: string | number; readonly mode?: number };
}

export interface BuildConfig {
  readonly context: string;
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly target?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  readonly no_cache?: boolean;
  readonly pull?: boolean;
}

export interface Dependency {
  readonly condition: "service_started" | "service_healthy" | "service_completed_successfully";
  readonly restart?: boolean;
  readonly required: boolean;
}

export interface HealthConfig {
  readonly test?: readonly string[];
  readonly timeout?: string;
  readonly interval?: string;
  readonly retries?: number;
  readonly start_period?: string;
  readonly start_interval?: string;
  readonly disable?: boolean;
}

export interface ServiceNetwork {
  readonly aliases?: readonly string[];
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
}

/** A service. What is not named here is kept as it was written. */
export interface ServiceConfig {
  readonly image?: string;
  readonly build?: BuildConfig;
  readonly command?: readonly string[] | null;
  readonly container_name?: string;
  readonly depends_on?: Readonly<Record<string, Dependency>>;
  readonly deploy?: {
    readonly replicas?: number;
    readonly resources?: {
      readonly limits?: { readonly cpus?: number | string; readonly memory?: string; readonly pids?: number };
      readonly reservations?: { readonly memory?: string };
    };
    readonly restart_policy?: { readonly condition?: string; readonly max_attempts?: number };
  };
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly expose?: readonly string[];
  readonly healthcheck?: HealthConfig;
  readonly labels?: Readonly<Record<string, string>>;
  readonly networks?: Readonly<Record<string, ServiceNetwork | null>>;
  readonly network_mode?: string;
  readonly ports?: readonly PortConfig[];
  readonly profiles?: readonly string[];
  readonly restart?: string;
  readonly scale?: number;
  readonly volumes?: readonly VolumeConfig[];
  readonly [key: string]: unknown;
}

export interface NetworkConfig {
  readonly name: string;
  readonly external?: boolean;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ipam?: {
    readonly driver?: string;
    readonly config?: readonly { readonly subnet?: string; readonly gateway?: string; readonly ip_range?: string }[];
  };
}

export interface NamedVolume {
  readonly name: string;
  readonly external?: boolean;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface FileObject {
  readonly name: string;
  readonly file?: string;
  readonly content?: string;
  readonly environment?: string;
  readonly external?: boolean;
}

export interface Project {
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
  /** Those of the chosen profiles, by name. */
  readonly services: Readonly<Record<string, ServiceConfig>>;
  /** Those that no chosen profile has. */
  readonly disabled: Readonly<Record<string, ServiceConfig>>;
  readonly networks: Readonly<Record<string, NetworkConfig>>;
  readonly volumes: Readonly<Record<string, NamedVolume>>;
  readonly secrets: Readonly<Record<string, FileObject>>;
  readonly configs: Readonly<Record<string, FileObject>>;
  /** Remarks of the loader, for standard error. */
  readonly warnings: readonly string[];
}

/** Services in the order that what they depend on comes first: a level needs only those before it. */
export function levelsOf(project: Project, names: readonly string[]): string[][] {
  const wanted = new Set(names);
  const levels: string[][] = [];
  const placed = new Set<string>();
  while (placed.size < wanted.size) {
    const level = [...wanted]
      .filter((name) => !placed.has(name))
      .filter((name) => dependenciesOf(project.services[name]).every((each) => placed.has(each) || !wanted.has(each)))
      .sort();
    if (level.length === 0) break;
    for (const name of level) placed.add(name);
    levels.push(level);
  }
  return levels;
}

/** Users of a service among `names`, by name. */
export const usersOf = (project: Project, name: string, names: readonly string[]): string[] =>
  names.filter((each) => dependenciesOf(project.services[each] ?? project.disabled[each]).includes(name)).sort();

export const dependenciesOf = (service: ServiceConfig | undefined): string[] => Object.keys(service?.depends_on ?? {});

/** The services named (all where none is) and all they need. */
export function withDependencies(project: Project, names: readonly string[]): string[] {
  const wanted = new Set<string>();
  const add = (name: string): void => {
    if (wanted.has(name) || !project.services[name]) return;
    wanted.add(name);
    for (const each of dependenciesOf(project.services[name])) add(each);
  };
  for (const name of names.length > 0 ? names : Object.keys(project.services)) add(name);
  return [...wanted].sort();
}
