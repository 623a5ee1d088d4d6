/** metrics-server: asks each kubelet for usage every 15 s and answers the metrics API from the last two samples. */
import { Component, type ComponentOptions, type Run } from "../client/component";
import { NODES } from "../client/resources";

/** Running totals, as a kubelet's /metrics/resource has them. */
export interface UsageSample {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

export interface KubeletUsage {
  readonly node: UsageSample;
  readonly pods: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly containers: readonly ({ readonly name: string } & UsageSample)[];
  }[];
}

export interface MetricsServerOptions extends ComponentOptions {
  /** Scrapes a node's kubelet; undefined when it does not answer. */
  scrape(nodeName: string): KubeletUsage | undefined;
}

interface Usage {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

interface Scrape {
  readonly at: number;
  readonly usage: KubeletUsage;
}

const RESOLUTION_MS = 15_000;
/** Samples older than this are not shown any more. */
const STALE_MS = 90_000;

export class MetricsServer extends Component {
  readonly name = "metrics-server";
  readonly #metrics: MetricsServerOptions;
  readonly #scrapes = new Map<string, { readonly last: Scrape; readonly before: Scrape | undefined }>();

  constructor(options: MetricsServerOptions) {
    super({ leaderElect: false, ...options });
    this.#metrics = options;
  }

  protected lead({ scope, informers }: Run): void {
    const nodes = informers.informer(NODES);
    this.#scrapes.clear();
    const scrapeAll = (): void => {
      const now = scope.now();
      for (const name of [...nodes.cache.keys()].sort()) {
        const usage = this.#metrics.scrape(name);
        if (usage) this.#scrapes.set(name, { last: { at: now, usage }, before: this.#scrapes.get(name)?.last });
      }
    };
    informers.whenSynced(scrapeAll);
    scope.every(RESOLUTION_MS, scrapeAll);
    informers.start();
  }

  /** A node's usage, in the shape that the API server's metrics API asks for. Undefined before the second sample. */
  node(name: string): (Usage & { readonly at: number }) | undefined {
    const scrapes = this.#fresh(name);
    if (!scrapes) return undefined;
    return {
      ...rate(scrapes.last.usage.node, scrapes.before.usage.node, scrapes.last.at - scrapes.before.at),
      at: scrapes.last.at,
    };
  }

  pod(
    namespace: string,
    name: string,
  ): { readonly containers: readonly ({ readonly name: string } & Usage)[]; readonly at: number } | undefined {
    for (const nodeName of this.#scrapes.keys()) {
      const scrapes = this.#fresh(nodeName);
      const find = (scrape: Scrape | undefined) =>
        scrape?.usage.pods.find((pod) => pod.namespace === namespace && pod.name === name);
      const last = find(scrapes?.last);
      const before = find(scrapes?.before);
      if (!scrapes || !last || !before) continue;
      const containers = last.containers.flatMap((container) => {
        const old = before.containers.find((candidate) => candidate.name === container.name);
        // A container that started anew counts from nothing: it has to be seen twice.
        if (!old || old.cpuMs > container.cpuMs) return [];
        return [{ name: container.name, ...rate(container, old, scrapes.last.at - scrapes.before.at) }];
      });
      return containers.length > 0 ? { containers, at: scrapes.last.at } : undefined;
    }
    return undefined;
  }

  #fresh(name: string): { readonly last: Scrape; readonly before: Scrape } | undefined {
    const scrapes = this.#scrapes.get(name);
    if (!this.isRunning || !scrapes?.before || this.options.loop.now() - scrapes.last.at > STALE_MS) return undefined;
    return { last: scrapes.last, before: scrapes.before };
  }
}

const rate = (last: UsageSample, before: UsageSample, ms: number): Usage => ({
  cpuMilli: ms > 0 ? ((last.cpuMs - before.cpuMs) / ms) * 1000 : 0,
  memoryBytes: last.memoryBytes,
});
