/** A small world for cluster tests: machines on a LAN, a registry with a few images, and programs for them. */
import { encodeUtf8 } from "@/simulator/base/bytes";
import { instantOf } from "@/simulator/base/clock";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { suspend, type Task } from "@/simulator/base/task";
import type { Image, ImageConfig } from "@/simulator/containerd/api";
import { makeImage } from "@/simulator/containerd/images";
import { makeLayer } from "@/simulator/containerd/layers";
import { Registries, Registry } from "@/simulator/containerd/registry";
import type { KubeObject } from "@/simulator/kubernetes/apimachinery/object";
import type { Event, Pod } from "@/simulator/kubernetes/api/types.generated";
import type { Client } from "@/simulator/kubernetes/client/client";
import { EVENTS, PODS } from "@/simulator/kubernetes/client/resources";
import { installAddons } from "@/simulator/kubernetes/cluster/install";
import { Cluster, type ClusterOptions } from "@/simulator/kubernetes/cluster/cluster";
import { type ClusterProfile, recordedKubernetes } from "@/simulator/kubernetes/cluster/profiles";
import { serveHttp, textResponse } from "@/simulator/net/http";
import { Network } from "@/simulator/net/network";
import { Segment } from "@/simulator/net/segment";
import { DirInode, FileInode } from "@/simulator/os/inode";
import { executable } from "@/simulator/os/kernel";
import type { Process, Program } from "@/simulator/os/process";

/** Programs that test images run. */
export function testPrograms(): Map<string, Program> {
  return new Map<string, Program>([
    [
      "pause",
      function* (process) {
        process.onSignal("TERM", () => process.signal("KILL", { fromOutside: true }));
        yield* suspend(() => undefined);
        return 0;
      },
    ],
    ["web", web],
    [
      "sleep",
      function* (process) {
        yield* process.sleep(Number(process.argv[1] ?? 3600) * 1000);
        return 0;
      },
    ],
    [
      "exit",
      function* (process) {
        yield* process.print("starting\n");
        if (process.argv[2]) yield* process.sleep(Number(process.argv[2]) * 1000);
        return Number(process.argv[1] ?? 1);
      },
    ],
    [
      "env",
      function* (process) {
        for (const [key, value] of Object.entries(process.env)) yield* process.print(`${key}=${value}\n`);
        return 0;
      },
    ],
    [
      "cat",
      function* (process) {
        for (const path of process.argv.slice(1)) {
          if (!process.fs.exists(path)) {
            yield* process.printError(`cat: can't open '${path}': No such file or directory\n`);
            return 1;
          }
          yield* process.print(process.readText(path));
        }
        return 0;
      },
    ],
    [
      "eat",
      function* (process) {
        for (;;) {
          process.resizeMemory(process.memoryBytes * 2);
          yield* process.sleep(100);
        }
      },
    ],
  ]);
}

/** Answers with the Pod's name; `/healthz` fails once /tmp/sick is there. Ends in order on SIGTERM. */
function* web(process: Process): Task<number> {
  process.onSignal("TERM", () => process.interrupt());
  yield* process.print("listening on 80\n");
  try {
    yield* serveHttp(process, Number(process.argv[1] ?? 80), function* (request) {
      if (request.path === "/healthz")
        return process.fs.exists("/tmp/sick") ? textResponse(500, "sick") : textResponse(200, "ok");
      if (request.path === "/exit") process.exit(1);
      return request.path === "/" ? textResponse(200, process.context.hostname()) : textResponse(404, "not found");
    });
  } catch (error) {
    if (!(error instanceof Error && error.name === "Interrupted")) throw error;
  }
  return 0;
}

export function testImage(program: string, config: ImageConfig = {}, salt = ""): Image {
  const bin = ["web", "sleep", "exit", "env", "cat", "eat", "pause"];
  const layer = makeLayer(
    [
      { path: "/bin", node: new DirInode() },
      { path: "/tmp", node: new DirInode({ mode: 0o1777 }) },
      { path: "/etc", node: new DirInode() },
      { path: "/etc/passwd", node: new FileInode(encodeUtf8("root:x:0:0:root:/root:/bin/sh\n")) },
      ...bin.map((name) => ({ path: `/bin/${name}`, node: new FileInode(executable(name), { mode: 0o755 }) })),
    ],
    { size: 1_000_000, salt },
  );
  return makeImage({
    config: { Entrypoint: [`/bin/${program}`], Env: ["PATH=/bin"], ...config },
    layers: [layer],
    history: [],
    created: "2026-07-01T00:00:00Z",
  });
}

export const PAUSE = testImage("pause", {}, "pause");
export const WEB = testImage("web", {}, "web");
export const TOOLS = testImage("sleep", {}, "tools");

export interface World {
  readonly loop: Loop;
  readonly cluster: Cluster;
  readonly client: Client;
  readonly registry: Registry;
  readonly network: Network;
  /** Runs the loop for so many virtual seconds. */
  seconds(count: number): void;
  /** Runs the loop until it holds; throws after so many virtual seconds. */
  until(what: string, holds: () => boolean, seconds?: number): void;
  pods(labelSelector?: string): readonly Pod[];
  pod(name: string, namespace?: string): Pod | undefined;
  apply(object: unknown): KubeObject;
  events(name: string): readonly Event[];
}

export interface WorldOptions {
  readonly profile?: ClusterProfile;
  readonly seed?: string;
  readonly boot?: boolean;
  readonly install?: ClusterOptions["install"];
}

export function makeWorld(options: WorldOptions = {}): World {
  const loop = new Loop(instantOf(2026, 11, 23, 12, 0, 0));
  const random = new Random(options.seed ?? "test");
  const network = new Network({ loop, random });
  const lan = new Segment(network, { name: "lan" });
  const registries = new Registries();
  const registry = new Registry({ domain: "docker.io", latencyMs: 10 });
  registries.add(registry);
  for (const tag of ["latest", "1.25", "1.26"]) registry.put("library/nginx", tag, testImage("web", {}, `web-${tag}`));
  registry.put("library/busybox", "latest", TOOLS);
  const programs = testPrograms();
  const cluster = new Cluster({
    loop,
    random,
    network,
    lan,
    programs,
    registries,
    profile: options.profile ?? recordedKubernetes,
    pauseImage: PAUSE,
    images: [
      { names: ["docker.io/library/web:1"], image: WEB },
      { names: ["docker.io/library/tools:1"], image: TOOLS },
    ],
    install: options.install ?? installAddons,
  });
  const client = cluster.adminClient("test/1");
  const world: World = {
    loop,
    cluster,
    client,
    registry,
    network,
    seconds: (count) => void loop.runUntil(loop.now() + count * 1000),
    until(what, holds, seconds = 120) {
      const limit = loop.now() + seconds * 1000;
      while (!holds()) {
        if (loop.now() >= limit) throw new Error(`not within ${seconds} s: ${what}`);
        loop.runUntil(loop.now() + 100);
      }
    },
    pods(labelSelector) {
      const list = client.list(PODS, labelSelector ? { labelSelector } : {});
      if (!list.ok) throw new Error(list.error.message);
      return list.value.items;
    },
    pod(name, namespace = "default") {
      const got = client.get(PODS, { namespace, name });
      return got.ok ? got.value : undefined;
    },
    apply(object) {
      const { apiVersion, kind, metadata } = object as KubeObject;
      const plural = `${kind.toLowerCase().replace(/s$/, "se")}s`;
      const slash = apiVersion.indexOf("/");
      const base = slash < 0 ? `/api/${apiVersion}` : `/apis/${apiVersion}`;
      const answer = client.raw({
        method: "POST",
        path: `${base}/namespaces/${metadata.namespace ?? "default"}/${plural}`,
        body: object,
      });
      if (!answer.ok) throw new Error(answer.error.message);
      return answer.value.body as KubeObject;
    },
    events(name) {
      const list = client.list(EVENTS, { namespace: "default", fieldSelector: `involvedObject.name=${name}` });
      if (!list.ok) throw new Error(list.error.message);
      return list.value.items;
    },
  };
  if (options.boot ?? true) {
    if (!cluster.bootAndWait()) throw new Error("the cluster did not become ready");
  }
  return world;
}

/** A Pod of one container. */
export function podOf(name: string, container: Record<string, unknown>, spec: Record<string, unknown> = {}): unknown {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: name } },
    spec: { containers: [{ name, image: "tools:1", ...container }], ...spec },
  };
}

export function deploymentOf(name: string, replicas: number, container: Record<string, unknown> = {}): unknown {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default" },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name, image: "web:1", ...container }] },
      },
    },
  };
}
