/** A small cluster for tests: a server, the controllers, the scheduler and a kubelet for all nodes. */
import { instantOf } from "@/simulator/base/clock";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import type { KubeObject } from "@/simulator/kubernetes/apimachinery/object";
import type { Transport } from "@/simulator/kubernetes/apimachinery/transport";
import { Client, type NewObject } from "@/simulator/kubernetes/client/client";
import type { ResourceType } from "@/simulator/kubernetes/client/resource-type";
import { EVENTS, EVENTS_V1 } from "@/simulator/kubernetes/client/resources";
import { ControllerManager } from "@/simulator/kubernetes/controllers";
import { Scheduler } from "@/simulator/kubernetes/scheduler";
import { FakeKubelet, type FakeKubeletOptions } from "./fake-kubelet";
import { ApiServer } from "@/simulator/kubernetes/apiserver/server";

const ADMIN = { certificate: { commonName: "admin", organizations: ["system:masters"] } };

const component = (name: string) => ({ certificate: { commonName: `system:${name}`, organizations: [] } });

export interface WorldOptions extends Partial<Omit<FakeKubeletOptions, "loop" | "transport">> {
  readonly seed?: string;
  readonly nodes?: number;
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly leaderElect?: boolean;
  /** Lets the controllers act as an administrator instead of as their service accounts. */
  readonly almighty?: boolean;
  readonly makeTransport?: (loop: Loop, random: Random) => Transport;
}

export class World {
  readonly loop = new Loop(instantOf(2026, 3, 1, 9, 30));
  readonly random: Random;
  readonly transport: Transport;
  readonly client: Client;
  readonly manager: ControllerManager;
  readonly scheduler: Scheduler;
  readonly kubelet: FakeKubelet;

  constructor(options: WorldOptions = {}) {
    this.random = new Random(options.seed ?? "world");
    const make = options.makeTransport ?? ((loop, random) => new ApiServer({ loop, random }));
    this.transport = make(this.loop, this.random);
    this.client = new Client({ transport: this.transport, userAgent: "test", credentials: ADMIN });
    const common = {
      loop: this.loop,
      random: this.random,
      transport: this.transport,
      leaderElect: options.leaderElect ?? false,
    };
    this.kubelet = new FakeKubelet({ ...options, loop: this.loop, transport: this.transport, credentials: ADMIN });
    for (let i = 1; i <= (options.nodes ?? 3); i++) this.kubelet.addNode(`node-${i}`);
    this.manager = new ControllerManager({
      ...common,
      credentials: options.almighty ? ADMIN : component("kube-controller-manager"),
      ...(options.flags ? { flags: options.flags } : {}),
    });
    this.scheduler = new Scheduler({ ...common, credentials: component("kube-scheduler") });
    this.manager.start();
    this.scheduler.start();
    // The default service account must be there before the first Pod.
    this.run(1000);
  }

  /** Lets virtual time pass. */
  run(ms: number): void {
    this.loop.runUntil(this.loop.now() + ms);
  }

  create<T extends KubeObject>(type: ResourceType<T>, object: NewObject<T>): T {
    const result = this.client.create(type, object);
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  }

  get<T extends KubeObject>(type: ResourceType<T>, name: string, namespace = "default"): T {
    const result = this.client.get(type, { ...(type.namespaced ? { namespace } : {}), name });
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  }

  find<T extends KubeObject>(type: ResourceType<T>, name: string, namespace = "default"): T | undefined {
    const result = this.client.get(type, { ...(type.namespaced ? { namespace } : {}), name });
    return result.ok ? result.value : undefined;
  }

  list<T extends KubeObject>(type: ResourceType<T>, namespace?: string): readonly T[] {
    const result = this.client.list(type, namespace ? { namespace } : {});
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value.items;
  }

  patch<T extends KubeObject>(type: ResourceType<T>, name: string, patch: unknown, namespace = "default"): T {
    const result = this.client.patch(type, { ...(type.namespaced ? { namespace } : {}), name }, "merge", patch);
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  }

  /** Events about an object, oldest first: `Normal Reason message`. */
  events(name: string): readonly string[] {
    const old = this.list(EVENTS).map((e) => ({
      at: e.metadata.name.split(".").at(-1)!,
      about: e.involvedObject?.name,
      text: `${e.type} ${e.reason} ${e.message}`,
    }));
    const recent = this.list(EVENTS_V1).map((e) => ({
      at: e.metadata.name.split(".").at(-1)!,
      about: e.regarding?.name,
      text: `${e.type} ${e.reason} ${e.note}`,
    }));
    const all = new Map(
      [...recent, ...old].filter((e) => !e.text.includes("undefined")).map((e) => [e.at + e.text, e]),
    );
    return [...all.values()]
      .filter((e) => e.about === name)
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .map((e) => e.text);
  }
}

/** A Deployment of one container, as the API server would have defaulted it. */
export const deployment = (name: string, replicas: number, image = "nginx:1.25", more: object = {}) => ({
  metadata: { name, namespace: "default", labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name, image }] },
    },
    strategy: { type: "RollingUpdate" as const, rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...more,
  },
});
