/** Plays every kubelet for tests of controllers: Pods that are bound run after a while, Pods that are deleted go. */
import { rfc3339 } from "@/simulator/base/clock";
import type { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import type { Pod } from "@/simulator/kubernetes/api/types.generated";
import type { Credentials, Transport } from "@/simulator/kubernetes/apimachinery/transport";
import { Client } from "@/simulator/kubernetes/client/client";
import { InformerFactory } from "@/simulator/kubernetes/client/informer";
import { microTime } from "@/simulator/kubernetes/client/event-recorder";
import { LEASES, NODES, PODS } from "@/simulator/kubernetes/client/resources";
import { Scope } from "@/simulator/kubernetes/client/scope";

export interface FakeKubeletOptions {
  readonly loop: Loop;
  readonly transport: Transport;
  readonly credentials?: Credentials;
  readonly startMs?: number;
  readonly stopMs?: number;
  /** Images whose containers never start. */
  readonly badImages?: readonly string[];
  /** How a container of an image ends: exit code and after how long; absent: it runs on. */
  readonly ends?: (image: string) => { readonly exitCode: number; readonly afterMs: number } | undefined;
}

export class FakeKubelet {
  readonly scope: Scope;
  readonly client: Client;
  readonly #options: FakeKubeletOptions;
  #address = 0;
  readonly #started = new Set<string>();

  constructor(options: FakeKubeletOptions) {
    this.#options = options;
    this.scope = new Scope(options.loop);
    this.client = new Client({
      transport: options.transport,
      userAgent: "kubelet/v1.36.2",
      ...(options.credentials ? { credentials: options.credentials } : {}),
    });
    const informers = new InformerFactory({ scope: this.scope, client: this.client, random: new Random("kubelet") });
    const look = (pod: Pod): void => this.#look(pod);
    informers.informer(PODS).handle({ added: look, updated: look });
    informers.start();
  }

  addNode(
    name: string,
    allocatable: Readonly<Record<string, string>> = {},
    more: Readonly<Record<string, unknown>> = {},
  ): void {
    const resources = { cpu: "2", memory: "24Gi", pods: "110", "ephemeral-storage": "100Gi", ...allocatable };
    const at = rfc3339(this.#options.loop.now());
    const node = {
      metadata: {
        name,
        labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" },
        ...(more.metadata as object),
      },
      spec: (more.spec as object) ?? {},
    };
    const made = this.client.create(NODES, node);
    if (!made.ok) throw new Error(made.error.message);
    const status = {
      capacity: resources,
      allocatable: resources,
      conditions: [
        { type: "Ready", status: "True", reason: "KubeletReady", lastHeartbeatTime: at, lastTransitionTime: at },
      ],
    };
    const written = this.client.updateStatus(NODES, { ...made.value, status });
    if (!written.ok) throw new Error(written.error.message);
    this.scope.every(10_000, () => this.#beat(name), 0);
  }

  /** Stops the heartbeat of a node: its kubelet has died. */
  readonly dead = new Set<string>();

  #beat(name: string): void {
    if (this.dead.has(name)) return;
    const renewTime = microTime(this.#options.loop.now());
    const lease = {
      metadata: { name, namespace: "kube-node-lease" },
      spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
    };
    const current = this.client.get(LEASES, lease.metadata);
    if (current.ok) this.client.update(LEASES, { ...current.value, spec: { ...current.value.spec, renewTime } });
    else this.client.create(LEASES, lease);
    const node = this.client.get(NODES, { name });
    const ready = node.ok ? node.value.status?.conditions?.find((c) => c.type === "Ready") : undefined;
    if (node.ok && ready?.status !== "True") {
      const at = this.#now();
      const condition = {
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        lastHeartbeatTime: at,
        lastTransitionTime: at,
      };
      const conditions = [condition, ...(node.value.status?.conditions ?? []).filter((c) => c.type !== "Ready")];
      this.client.updateStatus(NODES, { ...node.value, status: { ...node.value.status, conditions } });
    }
  }

  #look(pod: Pod): void {
    const { startMs = 400, stopMs = 200 } = this.#options;
    if (!pod.spec.nodeName || this.dead.has(pod.spec.nodeName)) return;
    const { uid } = pod.metadata;
    if (pod.metadata.deletionTimestamp) {
      if (this.#started.has(`stop ${uid}`)) return;
      this.#started.add(`stop ${uid}`);
      this.scope.after(stopMs, () => {
        this.client.delete(PODS, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } });
      });
      return;
    }
    if (this.#started.has(uid)) return;
    this.#started.add(uid);
    this.scope.after(startMs, () => this.#run(pod));
  }

  #run(pod: Pod): void {
    const image = pod.spec.containers[0]!.image ?? "";
    if (this.#options.badImages?.includes(image)) return;
    const podIP = `10.244.0.${++this.#address}`;
    this.#write(pod, "Running", "True", { running: { startedAt: this.#now() } }, podIP);
    const end = this.#options.ends?.(image);
    if (!end) return;
    this.scope.after(end.afterMs, () => {
      const terminated = { exitCode: end.exitCode, finishedAt: this.#now(), startedAt: this.#now() };
      this.#write(pod, end.exitCode === 0 ? "Succeeded" : "Failed", "False", { terminated }, podIP);
    });
  }

  #now(): string {
    return rfc3339(this.#options.loop.now());
  }

  #write(pod: Pod, phase: string, ready: string, state: object, podIP: string): void {
    const status = {
      phase,
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [{ type: "Ready", status: ready, lastTransitionTime: this.#now() }],
      containerStatuses: [
        { name: pod.spec.containers[0]!.name, image: "", imageID: "", ready: ready === "True", restartCount: 0, state },
      ],
    };
    this.client.patch(PODS, pod.metadata, "strategic", { status }, { subresource: "status" });
  }
}
