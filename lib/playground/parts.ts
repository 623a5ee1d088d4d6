/**
 * Fetches the simulator's parts: those a world needs at once, and the rest in the quiet after, so that they are there
 * before they are needed and in the cache when the page is offline.
 */
import { needsKubernetes, scenarios } from "@/simulator/core";

const loaders: Readonly<Record<string, () => Promise<unknown>>> = {
  "docker-cli": () => import("@/simulator/parts/docker-cli"),
  tools: () => import("@/simulator/parts/tools"),
  "net-tools": () => import("@/simulator/parts/net-tools"),
  servers: () => import("@/simulator/parts/servers"),
  build: () => import("@/simulator/parts/build"),
  kubectl: () => import("@/simulator/parts/kubectl"),
  "api-texts": () => import("@/simulator/parts/api-texts"),
};

/** Parts that only worlds with a cluster use. */
const OF_CLUSTERS: ReadonlySet<string> = new Set(["kubectl", "api-texts"]);

const RETRY_MS = 3000;
const fetched = new Map<string, Promise<unknown>>();

/** Settles when the part is there. A page that is offline asks again until it is not. */
export async function fetchPart(name: string): Promise<void> {
  const load = loaders[name];
  if (load === undefined) throw new Error(`no part of the simulator is called "${name}"`);
  for (;;) {
    const loading = fetched.get(name) ?? load();
    fetched.set(name, loading);
    try {
      await loading;
      return;
    } catch {
      fetched.delete(name);
      await new Promise((retry) => setTimeout(retry, RETRY_MS));
    }
  }
}

const hasCluster = (scenario: string): boolean =>
  scenarios.some((one) => one.name === scenario && needsKubernetes(one));

/** What must be there before a world of this scenario can be made, and what its first commands will most likely run. */
export async function fetchFirstParts(scenario: string, commands: readonly string[]): Promise<void> {
  const text = commands.join("\n");
  const likely = [
    ...(/\bdocker\b/.test(text) ? ["docker-cli"] : []),
    ...(hasCluster(scenario) ? ["servers", "tools"] : []),
    ...(/\bkubectl\b/.test(text) ? ["kubectl"] : []),
  ];
  await Promise.all([
    ...likely.map(fetchPart),
    hasCluster(scenario) ? import("@/simulator/kubernetes").then((part) => part.loadKubernetes()) : undefined,
  ]);
}

/** Every other part, one after another. */
export async function fetchRemainingParts(scenario: string): Promise<void> {
  for (const name of Object.keys(loaders)) if (!OF_CLUSTERS.has(name) || hasCluster(scenario)) await fetchPart(name);
}

/** The cache of public/sw.js. */
const ASSETS = "assets-1";

/**
 * Puts the files that this worker has loaded into the cache that the page is served from offline. The service worker does
 * so for later visits; on the first one it came after them.
 */
export async function keepForOffline(): Promise<void> {
  if (process.env.NODE_ENV !== "production" || typeof caches === "undefined") return;
  const cache = await caches.open(ASSETS);
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  for (const name of new Set(loaded)) {
    if (!name.startsWith(`${location.origin}/_next/static/`)) continue;
    if ((await cache.match(name, { ignoreVary: true })) === undefined) await cache.add(name);
  }
}
