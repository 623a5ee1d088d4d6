/** The Node object a kubelet keeps: registration, capacity, conditions, images, and the lease that says it lives. */
import { rfc3339 } from "../../base/clock";
import { deepEqual } from "../../base/json";
import type { Random } from "../../base/random";
import type { CriImage } from "../../containerd/cri";
import type { Lease, Node, NodeCondition, NodeStatus, Taint } from "../api/types.generated";
import { type Client, isAlreadyExists, isNotFound } from "../client/client";
import { type EventRecorder, microTime } from "../client/event-recorder";
import { renewed } from "../client/lease";
import { CSI_NODES, LEASES, NODES } from "../client/resources";
import type { Scope } from "../client/scope";

export interface NodeSpecs {
  readonly name: string;
  readonly internalIp: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** The part of the disk that Pods may use; the rest is kept by the hard eviction threshold. */
  readonly diskAllocatable: number;
  readonly podsMax: number;
  readonly osImage: string;
  readonly kernelRelease: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly kubeletVersion: string;
  readonly runtimeVersion: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

export interface NodeStatusOptions {
  readonly scope: Scope;
  readonly client: Client;
  readonly random: Random;
  readonly recorder: EventRecorder;
  readonly specs: NodeSpecs;
  images(): readonly CriImage[];
  /** Changes whenever the images do: cheap to ask for. */
  imagesVersion(): string;
  /** Why the node is not ready; empty when it is. */
  troubles(): readonly string[];
  pressure(): { readonly memory: boolean; readonly disk: boolean };
  log(text: string): void;
  /** The Node object has been seen or made. */
  registered(node: Node): void;
}

/** In-tree volume plugins whose work CSI drivers do now. */
const MIGRATED_PLUGINS = [
  "kubernetes.io/aws-ebs",
  "kubernetes.io/azure-disk",
  "kubernetes.io/azure-file",
  "kubernetes.io/cinder",
  "kubernetes.io/gce-pd",
  "kubernetes.io/portworx-volume",
  "kubernetes.io/vsphere-volume",
];
const CHECK_MS = 10_000;
const REPORT_MS = 300_000;
const LEASE_SECONDS = 40;
const LEASE_RENEW_MS = 10_000;
/** Images beyond these are not listed, as nodeStatusMaxImages says. */
const IMAGES_MAX = 50;
/** memory.available<100Mi */
export const EVICTION_MEMORY_BYTES = 100 * 1024 * 1024;

const KI = 1024;

export function capacityOf(specs: NodeSpecs): Record<string, string> {
  return {
    cpu: String(specs.cpuCount),
    "ephemeral-storage": `${Math.floor(specs.diskBytes / KI)}Ki`,
    "hugepages-1Gi": "0",
    "hugepages-2Mi": "0",
    memory: `${Math.floor(specs.memoryBytes / KI)}Ki`,
    pods: String(specs.podsMax),
  };
}

export function allocatableOf(specs: NodeSpecs): Record<string, string> {
  return {
    ...capacityOf(specs),
    "ephemeral-storage": String(Math.ceil(specs.diskBytes * specs.diskAllocatable)),
    memory: `${Math.floor((specs.memoryBytes - EVICTION_MEMORY_BYTES) / KI)}Ki`,
  };
}

export class NodeStatusManager {
  readonly #options: NodeStatusOptions;
  #node: Node | undefined;
  #lease: Lease | undefined;
  #reportAt = 0;
  #sentStatus: NodeStatus | undefined;
  /** What the sent status was made of, in short. */
  #sentLooks = "";
  /** Which conditions events have told of. */
  readonly #told = new Map<string, string>();

  constructor(options: NodeStatusOptions) {
    this.#options = options;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** The Node as the API server has it now; the last one seen when it does not answer. */
  latest(): Node | undefined {
    const got = this.#options.client.get(NODES, { name: this.#options.specs.name });
    if (got.ok) this.#node = got.value;
    return this.#node;
  }

  start(): void {
    this.#options.recorder.event(this.#reference(), "Normal", "Starting", "Starting kubelet.");
    this.#register(100);
  }

  /** The Node as the kubelet's own events name it: its uid is the name. */
  #reference() {
    const { name } = this.#options.specs;
    return { kind: "Node", name, uid: name, apiVersion: "v1" };
  }

  /** Tells of a happening on the node. */
  event(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#options.recorder.event(this.#reference(), type, reason, message);
  }

  /** The CSINode says which storage drivers the node has. It is there even when it has none. */
  #initializeCsiNode(node: Node): void {
    const { name, uid } = node.metadata;
    this.#options.client.create(CSI_NODES, {
      metadata: {
        name,
        annotations: { "storage.alpha.kubernetes.io/migrated-plugins": MIGRATED_PLUGINS.join(",") },
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid }],
      },
      spec: { drivers: null as unknown as [] },
    });
  }

  #register(delayMs: number): void {
    const { client, scope, specs, log } = this.#options;
    const created = client.create(NODES, {
      metadata: { name: specs.name, labels: this.#labels(), annotations: this.#annotations() },
      spec: specs.taints.length > 0 ? { taints: specs.taints } : {},
      status: this.#compute(undefined),
    });
    let node: Node | undefined;
    if (created.ok) {
      node = created.value;
      log(`kubelet_node_status.go:79] "Successfully registered node" node="${specs.name}"`);
    } else if (isAlreadyExists(created.error)) {
      const got = client.get(NODES, { name: specs.name });
      if (got.ok) {
        node = this.#adopt(got.value);
        log(`kubelet_node_status.go:126] "Node was previously registered" node="${specs.name}"`);
      }
    } else
      log(
        `kubelet_node_status.go:108] "Unable to register node with API server" err="${created.error.message}" node="${specs.name}"`,
      );
    if (!node) {
      // tryRegisterWithAPIServer's step: 100 ms doubled up to 7 s.
      scope.after(delayMs, () => this.#register(Math.min(delayMs * 2, 7000)));
      return;
    }
    this.#node = node;
    this.#initializeCsiNode(node);
    this.#options.registered(node);
    this.#beginReports();
    this.#renewLease(200);
  }

  #adopt(node: Node): Node {
    const labels = { ...node.metadata.labels, ...this.#labels() };
    if (deepEqual(labels, node.metadata.labels)) return node;
    const patched = this.#options.client.patch(NODES, { name: node.metadata.name }, "strategic", {
      metadata: { labels },
    });
    return patched.ok ? patched.value : node;
  }

  #labels(): Record<string, string> {
    const { name, labels } = this.#options.specs;
    return {
      "beta.kubernetes.io/arch": "amd64",
      "beta.kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "kubernetes.io/hostname": name,
      "kubernetes.io/os": "linux",
      ...labels,
    };
  }

  #annotations(): Record<string, string> {
    return { "volumes.kubernetes.io/controller-managed-attach-detach": "true", ...this.#options.specs.annotations };
  }

  #beginReports(): void {
    const { scope, random } = this.#options;
    // fastStatusUpdateOnce: the first reports follow each other until the node is ready.
    const fast = (left: number): void => {
      this.update();
      if (left > 0 && this.#options.troubles().length > 0) scope.after(500, () => fast(left - 1));
    };
    fast(60);
    scope.every(CHECK_MS, () => this.update(), CHECK_MS * random.float());
  }

  /** Writes the status when it says anything new, or when the report is due. */
  update(): void {
    const { client, scope, specs, log, random } = this.#options;
    const now = scope.now();
    const isDue = now >= this.#reportAt;
    const { memory, disk } = this.#options.pressure();
    const looks = `${memory}|${disk}|${this.#options.troubles().join()}|${this.#options.imagesVersion()}`;
    if (!isDue && this.#sentStatus && looks === this.#sentLooks) return;
    const status = this.#compute(this.#sentStatus);
    if (!isDue && this.#sentStatus && isSame(status, this.#sentStatus)) {
      this.#sentLooks = looks;
      return;
    }
    const patched = client.patch(
      NODES,
      { name: specs.name },
      "strategic",
      { status: changesOf(status, this.#node?.status) },
      { subresource: "status" },
    );
    if (!patched.ok) {
      log(
        `kubelet_node_status.go:548] "Error updating node status, will retry" err="error getting node \\"${specs.name}\\": ${patched.error.message}"`,
      );
      if (isNotFound(patched.error)) this.#sentStatus = undefined;
      return;
    }
    this.#node = patched.value;
    this.#sentStatus = status;
    this.#sentLooks = looks;
    this.#reportAt = now + REPORT_MS * (0.5 + random.float());
    this.#tell(status);
  }

  #compute(before: NodeStatus | undefined): NodeStatus {
    const { specs, scope } = this.#options;
    const images = [...this.#options.images()]
      .sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
      .slice(0, IMAGES_MAX);
    const now = rfc3339(scope.now());
    const old = before?.conditions ?? this.#node?.status?.conditions ?? [];
    const conditions = this.#conditions().map((condition) => {
      const known = old.find((c) => c.type === condition.type);
      const same = known?.status === condition.status;
      const { type, status, reason, message } = condition;
      const lastTransitionTime = same ? known.lastTransitionTime! : now;
      return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message };
    });
    // In the order of Go's struct, which is that of raw JSON.
    return {
      capacity: capacityOf(specs),
      allocatable: allocatableOf(specs),
      conditions,
      addresses: [
        { type: "InternalIP", address: specs.internalIp },
        { type: "Hostname", address: specs.name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: specs.machineId,
        systemUUID: specs.machineId,
        bootID: specs.bootId,
        kernelVersion: specs.kernelRelease,
        osImage: specs.osImage,
        containerRuntimeVersion: specs.runtimeVersion,
        kubeletVersion: specs.kubeletVersion,
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
      images: images.map((image) => ({
        names: [...image.repoDigests, ...image.repoTags].sort(digestFirst),
        sizeBytes: image.size,
      })),
      runtimeHandlers: ["", "runc"].map((name) => ({
        name,
        features: { recursiveReadOnlyMounts: true, userNamespaces: false },
      })),
      features: { supplementalGroupsPolicy: true },
      declaredFeatures: [
        "ExtendWebSocketsToKubelet",
        "InPlacePodLevelResourcesVerticalScaling",
        "InPlacePodVerticalScalingInitContainers",
        "RestartAllContainersOnContainerExits",
      ],
    };
  }

  #conditions(): Pick<NodeCondition, "type" | "status" | "reason" | "message">[] {
    const { memory, disk } = this.#options.pressure();
    const troubles = this.#options.troubles();
    return [
      memory
        ? condition(
            "MemoryPressure",
            "True",
            "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available",
          )
        : condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
      disk
        ? condition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
        : condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
      troubles.length > 0
        ? condition(
            "Ready",
            "False",
            "KubeletNotReady",
            troubles.length === 1 ? troubles[0]! : `[${troubles.join(", ")}]`,
          )
        : condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ];
  }

  /** An event for each condition that has another status than the last one told. */
  #tell(status: NodeStatus): void {
    const names: Readonly<Record<string, readonly [string, string]>> = {
      MemoryPressure: ["NodeHasInsufficientMemory", "NodeHasSufficientMemory"],
      DiskPressure: ["NodeHasDiskPressure", "NodeHasNoDiskPressure"],
      PIDPressure: ["NodeHasInsufficientPID", "NodeHasSufficientPID"],
      Ready: ["NodeReady", "NodeNotReady"],
    };
    for (const { type, status: value } of status.conditions ?? []) {
      if (this.#told.get(type) === value) continue;
      const isFirst = !this.#told.has(type);
      this.#told.set(type, value);
      // A node that was never ready has nothing to tell of not being so.
      if (isFirst && type === "Ready" && value !== "True") continue;
      const reason = names[type]![value === "True" ? 0 : 1];
      this.event("Normal", reason, `Node ${this.#options.specs.name} status is now: ${reason}`);
    }
  }

  #renewLease(retryMs: number): void {
    const { scope, random, log } = this.#options;
    if (this.#tryLease()) {
      scope.after(LEASE_RENEW_MS * (1 + 0.04 * random.float()), () => this.#renewLease(200));
      return;
    }
    log(`controller.go:145] "Failed to ensure lease exists, will retry" interval="${retryMs}ms"`);
    scope.after(retryMs, () => this.#renewLease(Math.min(retryMs * 2, 7000)));
  }

  #tryLease(): boolean {
    const { client, scope, specs } = this.#options;
    const name = { namespace: "kube-node-lease", name: specs.name };
    const renewTime = microTime(scope.now());
    if (!this.#lease) {
      const got = client.get(LEASES, name);
      if (got.ok) this.#lease = got.value;
      else if (!isNotFound(got.error)) return false;
    }
    if (!this.#lease) {
      const owner = this.#node;
      const created = client.create(LEASES, {
        metadata: {
          ...name,
          ...(owner
            ? {
                ownerReferences: [
                  { apiVersion: "v1", kind: "Node", name: owner.metadata.name, uid: owner.metadata.uid },
                ],
              }
            : {}),
        },
        spec: { holderIdentity: specs.name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
      });
      if (created.ok) this.#lease = created.value;
      return created.ok;
    }
    const updated = client.update(LEASES, renewed(this.#lease, renewTime));
    if (updated.ok) this.#lease = updated.value;
    // Somebody has changed or deleted it: look again.
    else this.#lease = undefined;
    return updated.ok;
  }
}

const condition = (type: string, status: string, reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
});

const digestFirst = (a: string, b: string): number => {
  const [x, y] = [a.includes("@") ? 0 : 1, b.includes("@") ? 0 : 1];
  return x - y || (a < b ? -1 : a > b ? 1 : 0);
};

/** The members of a status that differ from those that the server has, as PatchNodeStatus sends them. */
function changesOf(status: NodeStatus, known: NodeStatus | undefined): Partial<NodeStatus> {
  if (!known) return status;
  const before = known as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(status).filter(([key, value]) => !deepEqual(value, before[key])));
}

/** Equal but for heartbeats. */
function isSame(a: NodeStatus, b: NodeStatus): boolean {
  const still = (status: NodeStatus) => ({
    ...status,
    conditions: status.conditions?.map(({ lastHeartbeatTime: _, ...rest }) => rest),
  });
  return deepEqual(still(a), still(b));
}
