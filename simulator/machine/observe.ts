/** What checks and panels read: answers of the two doors, and histories. */
import { SysError } from "../os/errno";
import { decodeUtf8 } from "../base/bytes";
import type { JsonObject } from "../base/json";
import type { Observation } from "./api";
import type { World } from "./world";

export function observe(world: World, arrivedAt: number): Observation {
  return {
    kubernetes: (request) => world.cluster?.observe(request),
    docker: (request) => world.engine?.observe(request),
    audit: () => world.cluster?.audit(arrivedAt) ?? [],
    dockerEvents: () =>
      (world.engine?.daemon.events.all() ?? [])
        .filter(({ at }) => at >= arrivedAt)
        .map(({ event }) => event as unknown as JsonObject),
    dockerRequests: () => world.history.dockerRequests.entries,
    exchanges: () =>
      world.network.exchanges
        .filter((exchange) => exchange.at >= arrivedAt && exchange.namespace === world.laptop.netns.name)
        .map(({ at, method, url, status, body }) => ({ at: at - arrivedAt, method, url, status, body })),
    programs: () => world.history.programs.entries,
    readFile(path) {
      try {
        return decodeUtf8(world.laptop.mounts.readFile(path));
      } catch (error) {
        if (error instanceof SysError) return undefined;
        throw error;
      }
    },
  };
}
