/** docker ps: which containers, by filters, newest first. */
import { badRequest } from "../api/failure";
import { type Filters, anyOf, hasLabels, matchesPattern, readBool } from "../api/filters";
import type { DockerContainer } from "./container";
import type { Daemon } from "./daemon";

export const containerFilters = [
  "ancestor",
  "before",
  "exited",
  "id",
  "isolation",
  "label",
  "name",
  "status",
  "health",
  "since",
  "volume",
  "network",
  "is-task",
  "publish",
  "expose",
] as const;

const states = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

export function listContainers(
  daemon: Daemon,
  options: { readonly all: boolean; readonly limit: number; readonly filters: Filters },
): DockerContainer[] {
  const { filters } = options;
  for (const state of filters["status"] ?? [])
    if (!states.includes(state))
      throw badRequest(
        `invalid filter 'status=${state}': invalid value for state (${state}): must be one of ${states.join(", ")}`,
      );
  for (const health of filters["health"] ?? [])
    if (!["none", "starting", "healthy", "unhealthy"].includes(health))
      throw badRequest(
        `invalid filter 'health=${health}': invalid value for health (${health}): must be one of none, starting, healthy, unhealthy`,
      );
  for (const code of filters["exited"] ?? [])
    if (!/^-?\d+$/.test(code)) throw badRequest(`strconv.Atoi: parsing ${JSON.stringify(code)}: invalid syntax`);
  const ordered = [...daemon.containers.values()].reverse();
  const at = (name: string): number => ordered.indexOf(daemon.container(name));
  const before = (filters["before"] ?? []).map(at);
  const since = (filters["since"] ?? []).map(at);
  const ancestors = filters["ancestor"]?.map((name) => daemon.findImage(name)?.id);
  const asksAll =
    options.all ||
    options.limit > 0 ||
    Boolean(filters["status"]) ||
    Boolean(filters["exited"]) ||
    before.length > 0 ||
    since.length > 0;
  const matching = ordered.filter((container, position) => {
    if (!asksAll && !container.running) return false;
    if (before.some((limit) => position <= limit) || since.some((limit) => position >= limit)) return false;
    if (filters["status"] && !filters["status"].includes(container.status)) return false;
    if (
      filters["exited"] &&
      !(container.status === "exited" && filters["exited"].some((code) => Number(code) === container.exitCode))
    )
      return false;
    if (
      !anyOf(
        filters["name"],
        (pattern) => matchesPattern(pattern, container.name) || matchesPattern(pattern, `/${container.name}`),
      )
    )
      return false;
    if (!anyOf(filters["id"], (pattern) => container.id.startsWith(pattern) || matchesPattern(pattern, container.id)))
      return false;
    if (!hasLabels(container.config.Labels, filters["label"])) return false;
    if (ancestors && !ancestors.some((id) => id !== undefined && isAncestor(daemon, id, container))) return false;
    if (!anyOf(filters["health"], (health) => (container.health?.status ?? "none") === health)) return false;
    if (
      !anyOf(filters["volume"], (volume) =>
        container.mounts.some(
          (mount) => mount.name === volume || mount.source === volume || mount.destination === volume,
        ),
      )
    )
      return false;
    if (!anyOf(filters["network"], (name) => usesNetwork(daemon, container, name))) return false;
    if (!anyOf(filters["is-task"], (value) => readBool(value) === false)) return false;
    if (
      !anyOf(filters["publish"], (port) =>
        hasPort(
          port,
          [...container.ports].flatMap(([key, bindings]) =>
            bindings.map((binding) => `${binding.HostPort}/${key.split("/")[1]}`),
          ),
        ),
      )
    )
      return false;
    if (!anyOf(filters["expose"], (port) => hasPort(port, Object.keys(container.config.ExposedPorts ?? {}))))
      return false;
    return true;
  });
  return options.limit > 0 ? matching.slice(0, options.limit) : matching;
}

/** The image itself, or one that it was built on: its layers begin with the other's. */
function isAncestor(daemon: Daemon, id: string, container: DockerContainer): boolean {
  if (container.image.id === id) return true;
  const ancestor = daemon.containerd.images.get(id);
  if (!ancestor || ancestor.history.length >= container.image.history.length) return false;
  return ancestor.history.every((entry, i) => {
    const own = container.image.history[i];
    return own?.created === entry.created && own.created_by === entry.created_by;
  });
}

function usesNetwork(daemon: Daemon, container: DockerContainer, name: string): boolean {
  const network = daemon.networks.find(name);
  return network !== undefined && container.endpoints.has(network.name);
}

/** `80`, `80/tcp` or `80-90/udp`. */
function hasPort(wanted: string, ports: readonly string[]): boolean {
  const m = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(wanted);
  if (!m) throw badRequest(`invalid port specification: ${wanted}`);
  const low = Number(m[1]);
  const high = Number(m[2] ?? m[1]);
  return ports.some((port) => {
    const [number, protocol] = port.split("/");
    return Number(number) >= low && Number(number) <= high && protocol === (m[3] ?? "tcp");
  });
}
