/**
 * What can go wrong with a cluster, as a small interface: for lessons (through machine's faults), for property tests and
 * for whoever wants to see what happens. Every fault has its natural cure.
 *
 * | fault | cure | what it is |
 * | --- | --- | --- |
 * | stop NAME | start NAME | a component (`etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`) is taken down and stays down |
 * | crash NAME | – | its process is killed; its supervisor starts it again |
 * | stop-unit NODE UNIT | start-unit | `systemctl stop kubelet` (or containerd) on a node |
 * | crash-unit NODE UNIT | – | its process is killed; systemd restarts it |
 * | partition NODE | heal NODE | the node's cable is pulled |
 * | power-off NODE | power-on NODE | the machine is switched off |
 * | break-watches HOST | – | open connections of a machine to the API server break |
 * | slow-registry, unreachable-registry DOMAIN | heal-registry | pulls take long or fail |
 * | disk-pressure NODE | relieve-disk NODE | the node's disk fills up |
 * | memory-pressure NODE | relieve-memory NODE | a process of the node takes the memory |
 */
import type { JsonObject } from "../../base/json";
import { suspend } from "../../base/task";
import type { Process } from "../../os/process";
import type { Cluster } from "./cluster";
import { staticPodManifests } from "./static-pods";

export const COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
export type ComponentName = (typeof COMPONENTS)[number];

export class Faults {
  readonly #cluster: Cluster;
  readonly #hogs = new Map<string, Process>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  // ---- the control plane ---------------------------------------------------------------------------------------------

  /** Takes a component down until it is started: its unit is stopped, or its manifest moved away. */
  stopComponent(name: ComponentName): void {
    const { profile } = this.#cluster;
    const { controlPlane } = profile;
    if (controlPlane.kind === "processes") {
      const host = this.#cluster.host(controlPlane.machine.name);
      host.systemd.stop(host.systemd.unit(name)!);
      return;
    }
    for (const node of controlPlane.nodes) {
      const { mounts } = this.#cluster.host(node.name);
      const path = `/etc/kubernetes/manifests/${name}.yaml`;
      if (mounts.exists(path)) mounts.unlink(path);
    }
  }

  startComponent(name: ComponentName): void {
    const { profile } = this.#cluster;
    const { controlPlane } = profile;
    if (controlPlane.kind === "processes") {
      const host = this.#cluster.host(controlPlane.machine.name);
      host.systemd.start(host.systemd.unit(name)!);
      return;
    }
    for (const node of controlPlane.nodes) {
      const manifest = staticPodManifests(profile, node).find(([file]) => file === `${name}.yaml`);
      if (manifest) this.#cluster.host(node.name).write(`/etc/kubernetes/manifests/${name}.yaml`, manifest[1]);
    }
  }

  /** Kills a component's process; whoever watches over it starts it again. */
  crashComponent(name: ComponentName): void {
    this.#cluster.controlPlane.processOf(name)?.signal("KILL", { fromOutside: true });
  }

  // ---- nodes ---------------------------------------------------------------------------------------------------------

  stopUnit(node: string, unit: string): void {
    const { systemd } = this.#cluster.host(node);
    const found = systemd.unit(unit);
    if (found) systemd.stop(found);
  }

  startUnit(node: string, unit: string): void {
    const { systemd } = this.#cluster.host(node);
    const found = systemd.unit(unit);
    if (found) systemd.start(found);
  }

  crashUnit(node: string, unit: string): void {
    this.#cluster.host(node).systemd.unit(unit)?.process?.signal("KILL", { fromOutside: true });
  }

  partition(node: string): void {
    this.#cluster.host(node).netns.setLink("eth0", false);
    this.#cluster.link(node).breakStreams();
  }

  heal(node: string): void {
    this.#cluster.host(node).netns.setLink("eth0", true);
  }

  powerOff(node: string): void {
    this.#cluster.host(node).powerOff();
    this.#cluster.link(node).breakStreams();
  }

  powerOn(node: string): void {
    this.#cluster.host(node).powerOn();
  }

  /** Breaks the open connections between a machine and the API server once. */
  breakWatches(host: string): void {
    this.#cluster.link(host).breakStreams();
  }

  diskPressure(node: string): void {
    this.#cluster.host(node).extraDiskBytes = Math.floor(this.#cluster.profile.diskBytes * 0.95);
  }

  relieveDisk(node: string): void {
    this.#cluster.host(node).extraDiskBytes = 0;
  }

  /** A process outside of Kubernetes takes all but `freeBytes` of the node's memory. */
  memoryPressure(node: string, freeBytes = 50 * 1024 * 1024): void {
    this.relieveMemory(node);
    const host = this.#cluster.host(node);
    const taken = host.kernel.rootCgroup.memoryBytes;
    this.#hogs.set(
      node,
      host.spawn(["/usr/bin/memory-hog"], function* (process) {
        process.resizeMemory(Math.max(0, host.specs.memoryBytes - taken - freeBytes));
        yield* suspend(() => undefined);
        return 0;
      }),
    );
  }

  relieveMemory(node: string): void {
    this.#hogs.get(node)?.signal("KILL", { fromOutside: true });
    this.#hogs.delete(node);
  }

  // ---- registries --------------------------------------------------------------------------------------------------------

  slowRegistry(domain: string, factor = 50): void {
    const registry = this.#cluster.options.registries.get(domain);
    if (registry) registry.fault = { kind: "slow", factor };
  }

  unreachableRegistry(domain: string): void {
    const registry = this.#cluster.options.registries.get(domain);
    if (registry) registry.fault = { kind: "unreachable" };
  }

  healRegistry(domain: string): void {
    const registry = this.#cluster.options.registries.get(domain);
    if (registry) registry.fault = undefined;
  }

  // ---- by name -------------------------------------------------------------------------------------------------------------

  /** A fault by its name, as an input of a log gives it. False: there is no such fault, or it names nothing. */
  apply(name: string, given: JsonObject = {}): boolean {
    const text = (key: string): string => String(given[key] ?? "");
    const component = (run: (name: ComponentName) => void): boolean => {
      const found = COMPONENTS.find((each) => each === given["name"]);
      if (found) run(found);
      return found !== undefined;
    };
    const onHost = (run: (host: string) => void): boolean => {
      const host = text("node") || text("host");
      if (!this.#cluster.hosts.has(host)) return false;
      run(host);
      return true;
    };
    const onRegistry = (run: (domain: string) => void): boolean => {
      const domain = text("registry") || "docker.io";
      if (!this.#cluster.options.registries.get(domain)) return false;
      run(domain);
      return true;
    };
    switch (name) {
      case "stop":
        return component((each) => this.stopComponent(each));
      case "start":
        return component((each) => this.startComponent(each));
      case "crash":
        return component((each) => this.crashComponent(each));
      case "stop-unit":
        return onHost((host) => this.stopUnit(host, text("unit")));
      case "start-unit":
        return onHost((host) => this.startUnit(host, text("unit")));
      case "crash-unit":
        return onHost((host) => this.crashUnit(host, text("unit")));
      case "partition":
        return onHost((host) => this.partition(host));
      case "heal":
        return onHost((host) => this.heal(host));
      case "power-off":
        return onHost((host) => this.powerOff(host));
      case "power-on":
        return onHost((host) => this.powerOn(host));
      case "break-watches":
        return onHost((host) => this.breakWatches(host));
      case "disk-pressure":
        return onHost((host) => this.diskPressure(host));
      case "relieve-disk":
        return onHost((host) => this.relieveDisk(host));
      case "memory-pressure":
        return onHost((host) => this.memoryPressure(host));
      case "relieve-memory":
        return onHost((host) => this.relieveMemory(host));
      case "slow-registry":
        return onRegistry((domain) => this.slowRegistry(domain));
      case "unreachable-registry":
        return onRegistry((domain) => this.unreachableRegistry(domain));
      case "heal-registry":
        return onRegistry((domain) => this.healRegistry(domain));
      default:
        return false;
    }
  }
}

const faultsOf = new WeakMap<Cluster, Faults>();

/** A cluster's faults by name: see the table above. False: there is no such fault, or it names nothing. */
export function applyClusterFault(cluster: Cluster, name: string, given: JsonObject = {}): boolean {
  let faults = faultsOf.get(cluster);
  if (!faults) faultsOf.set(cluster, (faults = new Faults(cluster)));
  return faults.apply(name, given);
}
