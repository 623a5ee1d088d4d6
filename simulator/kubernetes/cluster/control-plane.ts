/**
 * The control plane's programs: etcd, kube-apiserver, kube-controller-manager and kube-scheduler. Each is the program of
 * a process, whether that was started by a service manager or is the first process of a static Pod's container: when the
 * process ends, so does what it did.
 */
import type { Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import { encodeUtf8 } from "../../base/bytes";
import { suspend, type Task } from "../../base/task";
import { serveHttp, textResponse } from "../../net/http";
import type { Certificate } from "../../net/tls";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import type { Transport } from "../apimachinery/transport";
import { untilTerminated } from "../addons/addon-process";
import type { ApiServer } from "../apiserver/server";
import type { Component } from "../client/component";
import { ControllerManager } from "../controllers";
import type { EtcdCluster } from "../etcd/cluster";
import { Scheduler } from "../scheduler";
import { serveApi } from "./api-http";
import { readSnapshot, restoreSnapshot } from "./etcd-snapshot";
import { identities } from "./identities";
import { CA_PEM } from "./kubeconfig";
import type { ClusterProfile } from "./profiles";

export interface ControlPlaneOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly profile: ClusterProfile;
  readonly etcd: EtcdCluster;
  readonly api: ApiServer;
  /** How a process of the control plane reaches the API server. */
  link(process: Process): Transport;
  /** The etcd member of a process's machine. */
  memberName(process: Process): string;
  identity(process: Process): string;
  log(process: Process, unit: string, severity: "I" | "W" | "E", text: string): void;
}

/** How long kube-apiserver waits for etcd before it gives up. */
const ETCD_PATIENCE_MS = 20_000;

export const API_PORT = 6443;

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  /** Components that run now, by name: what invariants and panels look into. */
  readonly running = new Map<string, Component>();
  /** Processes by program name, newest last. */
  readonly processes = new Map<string, Process[]>();

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  /** The programs by name, to be put where executables are found. */
  programs(): ReadonlyMap<string, Program> {
    return new Map<string, Program>([
      ["etcd", (process) => this.#etcd(process)],
      ["kube-apiserver", (process) => this.#apiServer(process)],
      [
        "kube-controller-manager",
        (process) =>
          this.#component(
            process,
            10257,
            (options) => new ControllerManager({ ...options, flags: this.#flags() }),
            identities.controllerManager,
          ),
      ],
      [
        "kube-scheduler",
        (process) => this.#component(process, 10259, (options) => new Scheduler(options), identities.scheduler),
      ],
    ]);
  }

  #flags(): Readonly<Record<string, unknown>> {
    const { profile } = this.#options;
    return {
      allocateNodeCidrs: true,
      clusterCidr: profile.podCidr,
      serviceClusterIpRange: profile.serviceCidr,
      rootCa: CA_PEM,
    };
  }

  #track(name: string, process: Process): void {
    const list = this.processes.get(name) ?? [];
    this.processes.set(name, [...list.filter((each) => each.alive), process]);
  }

  /** The live process of a program. */
  processOf(name: string): Process | undefined {
    return this.processes.get(name)?.findLast((process) => process.alive);
  }

  *#etcd(process: Process): Task<number> {
    const { etcd } = this.#options;
    const member = this.#options.memberName(process);
    this.#track("etcd", process);
    this.#loadData(process);
    etcd.startMember(member);
    process.atExit(() => etcd.stopMember(member));
    process.resizeMemory(40 * 1024 * 1024);
    this.#options.log(process, "etcd", "I", `"ready to serve client requests" member="${member}"`);
    process.thread(
      serveOrWait(process, 2381, undefined, () => (etcd.hasQuorum ? '{"health":"true","reason":""}' : undefined)),
    );
    return yield* untilTerminated(process);
  }

  /** A data directory that `etcdctl snapshot restore` has made holds another past: it is taken over, once. */
  #loadData(process: Process): void {
    const dir = process.argv.find((word) => word.startsWith("--data-dir="))?.slice("--data-dir=".length);
    if (dir === undefined) return;
    const path = `${dir}/member/snap/db`;
    const node = process.fs.find(path);
    const snapshot = node?.kind === "file" ? readSnapshot(node.content) : undefined;
    if (snapshot) restoreSnapshot(this.#options.etcd.store, snapshot);
    process.fs.makeDirs(`${dir}/member/snap`);
    process.fs.writeFile(path, encodeUtf8("the keys live in the running member\n"));
  }

  *#apiServer(process: Process): Task<number> {
    const { api, etcd, loop } = this.#options;
    this.#track("kube-apiserver", process);
    process.resizeMemory(220 * 1024 * 1024);
    const giveUpAt = loop.now() + ETCD_PATIENCE_MS;
    while (!etcd.hasQuorum) {
      if (loop.now() >= giveUpAt) {
        this.#options.log(
          process,
          "kube-apiserver",
          "E",
          `run.go:72] "command failed" err="context deadline exceeded"`,
        );
        return 1;
      }
      yield* process.sleep(1000);
    }
    api.start();
    process.atExit(() => {
      // Another instance may have taken over.
      if (!this.processes.get("kube-apiserver")?.some((each) => each !== process && each.alive)) api.stop();
    });
    const certificate: Certificate = {
      commonName: "kube-apiserver",
      names: [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        "127.0.0.1",
        "10.96.0.1",
        api.address.split(":")[0]!,
      ],
      issuer: "kubernetes",
      notBefore: loop.now() - 3_600_000,
      notAfter: loop.now() + 365 * 86_400_000,
    };
    let listens = true;
    process.thread(
      (function* () {
        try {
          yield* serveApi(process, API_PORT, certificate, api);
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
          listens = false;
          process.signal("TERM");
        }
      })(),
    );
    const code = yield* untilTerminated(process);
    if (listens) return code;
    this.#options.log(
      process,
      "kube-apiserver",
      "E",
      `run.go:72] "command failed" err="failed to create listener: failed to listen on 0.0.0.0:6443: listen tcp 0.0.0.0:6443: bind: address already in use"`,
    );
    return 1;
  }

  *#component(
    process: Process,
    port: number,
    make: (options: ConstructorParameters<typeof Scheduler>[0]) => Component,
    credentials: (typeof identities)["scheduler"],
  ): Task<number> {
    const { loop, random, profile } = this.#options;
    const component = make({
      loop,
      random,
      transport: this.#options.link(process),
      credentials,
      hostname: this.#options.identity(process),
      version: profile.kubernetesVersion,
    });
    this.#track(component.name, process);
    this.running.set(component.name, component);
    process.resizeMemory(50 * 1024 * 1024);
    component.start();
    process.atExit(() => {
      component.stop();
      if (this.running.get(component.name) === component) this.running.delete(component.name);
    });
    const certificate: Certificate = {
      commonName: component.name,
      names: ["localhost", "127.0.0.1"],
      issuer: component.name,
      notBefore: loop.now(),
      notAfter: loop.now() + 365 * 86_400_000,
    };
    process.thread(serveOrWait(process, port, certificate, () => "ok"));
    const code = yield* untilTerminated(process);
    component.terminate();
    return code;
  }
}

/** Answers health requests on a local port; when the port is taken the program goes on without. */
function* serveOrWait(
  process: Process,
  port: number,
  certificate: Certificate | undefined,
  health: () => string | undefined,
): Task<void> {
  try {
    yield* serveHttp(
      process,
      { port, address: "127.0.0.1", ...(certificate ? { tls: () => certificate } : {}) },
      function* () {
        const answer = health();
        return answer === undefined ? textResponse(503, '{"health":"false"}') : textResponse(200, answer);
      },
    );
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* suspend(() => undefined);
  }
}
