/** The kubelet in a small real cluster: what Pods go through, as a client of the API sees it. */
import { expect, test } from "vitest";
import { decodeUtf8, encodeUtf8 } from "@/simulator/base/bytes";
import type { ServerFrame } from "@/simulator/base/door";
import type { ContainerStatus } from "@/simulator/kubernetes/api/types.generated";
import { CONFIG_MAPS, ENDPOINT_SLICES, NODES, PODS, SECRETS } from "@/simulator/kubernetes/client/resources";
import { Faults } from "@/simulator/kubernetes/cluster/faults";
import { httpRequest } from "@/simulator/net/http";
import { deploymentOf, makeWorld, podOf, type World } from "../cluster/world";

const statusOf = (world: World, name: string): ContainerStatus | undefined =>
  world.pod(name)?.status?.containerStatuses?.[0];
const reasonOf = (world: World, name: string): string | undefined => {
  const state = statusOf(world, name)?.state;
  return state?.waiting?.reason ?? state?.terminated?.reason ?? (state?.running ? "Running" : undefined);
};
const isRunning = (world: World, name: string) => (): boolean => reasonOf(world, name) === "Running";
const isReady = (world: World, name: string) => (): boolean =>
  world.pod(name)?.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** What a GET of a URL from a machine answers. */
function get(world: World, machine: string, url: string): string {
  let answer = "";
  world.cluster.host(machine).spawn(["curl"], function* (process) {
    try {
      answer = decodeUtf8((yield* httpRequest(process, { method: "GET", url })).body);
    } catch (error) {
      answer = `! ${(error as Error).message}`;
    }
    return 0;
  });
  world.until(`an answer of ${url}`, () => answer !== "", 30);
  return answer;
}

function request(
  world: World,
  path: string,
): { readonly status: number; readonly body: unknown; readonly text: string; readonly error: string } {
  const answer = world.client.raw({ method: "GET", path: path.split("?")[0]!, query: queryOf(path) });
  if (!answer.ok)
    return { status: answer.error.code ?? 0, body: answer.error, text: "", error: answer.error.message ?? "" };
  let text = "";
  let error = "";
  const { stream } = answer.value;
  if (stream) {
    let over = false;
    stream.open({
      frame(frame: ServerFrame) {
        if (frame.channel === "stdout" || frame.channel === "stderr") text += frame.bytes;
        else if (frame.channel === "error") error += frame.bytes;
      },
      end: () => (over = true),
    });
    world.until("the stream's end", () => over, 30);
  }
  return { status: answer.value.status, body: answer.value.body, text, error };
}

function queryOf(path: string): Record<string, readonly string[]> {
  const query: Record<string, string[]> = {};
  for (const pair of (path.split("?")[1] ?? "").split("&").filter(Boolean)) {
    const [key, value] = pair.split("=") as [string, string];
    (query[key] ??= []).push(decodeURIComponent(value));
  }
  return query;
}

test("a Pod is reached by its address, and Pods by their Service", () => {
  const world = makeWorld();
  world.apply(deploymentOf("web", 3));
  world.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }], type: "NodePort" },
  });
  world.until("three ready", () => world.pods("app=web").filter((p) => p.status?.phase === "Running").length === 3);
  world.seconds(3);
  const names = world.pods("app=web").map((p) => p.metadata.name);
  for (const pod of world.pods("app=web"))
    expect(get(world, "node-1", `http://${pod.status!.podIP}/`)).toBe(pod.metadata.name);
  const service = world.client.raw({ method: "GET", path: "/api/v1/namespaces/default/services/web" });
  const spec = (
    service.ok ? (service.value.body as { spec: { clusterIP: string; ports: { nodePort: number }[] } }).spec : undefined
  )!;
  const seen = new Set(Array.from({ length: 12 }, () => get(world, "node-2", `http://${spec.clusterIP}/`)));
  expect([...seen].every((name) => names.includes(name))).toBe(true);
  expect(seen.size).toBeGreaterThan(1);
  expect(names).toContain(get(world, "vm", `http://10.89.0.12:${spec.ports[0]!.nodePort}/`));
});

test("a container that crashes shows Error, is restarted at once, then backs off", () => {
  const world = makeWorld();
  world.apply(podOf("crash", { command: ["exit", "2", "1"] }));
  const seen: string[] = [];
  for (let i = 0; i < 450; i++) {
    world.seconds(0.1);
    const now = `${reasonOf(world, "crash")} ${statusOf(world, "crash")?.restartCount ?? 0}`;
    if (seen.at(-1) !== now) seen.push(now);
  }
  // CrashLoopBackOff shows only for the moment between a new sync and the start it makes.
  const all = [
    "ContainerCreating 0",
    "Running 0",
    "Error 0",
    "Running 1",
    "Error 1",
    "Running 2",
    "Error 2",
    "Running 3",
    "Error 3",
  ];
  const plain = seen.filter((s) => !s.startsWith("CrashLoop"));
  expect(plain).toEqual(all.slice(0, plain.length));
  expect(seen).toContain("Error 2");
  const texts = world.events("crash").map((e) => `${e.reason} ${e.message}`);
  expect(
    texts.some((t) => t.startsWith("BackOff Back-off restarting failed container crash in pod crash_default(")),
  ).toBe(true);
});

test("a bad tag is ErrImagePull, then ImagePullBackOff, with the registry's words", () => {
  const world = makeWorld();
  world.apply(podOf("bad", { image: "nginx:9.9.9" }));
  world.until("ErrImagePull", () => reasonOf(world, "bad") === "ErrImagePull", 5);
  expect(statusOf(world, "bad")?.state?.waiting?.message).toBe(
    'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:9.9.9": failed to resolve image: docker.io/library/nginx:9.9.9: not found',
  );
  world.seconds(6);
  expect(reasonOf(world, "bad")).toBe("ErrImagePull");
  world.until("ImagePullBackOff", () => reasonOf(world, "bad") === "ImagePullBackOff", 12);
  expect(statusOf(world, "bad")?.state?.waiting?.message).toMatch(
    /^Back-off pulling image "nginx:9\.9\.9": ErrImagePull: rpc error/,
  );
  expect(request(world, "/api/v1/namespaces/default/pods/bad/log").error).toMatch(
    /container "bad" in pod "bad" is waiting to start: /,
  );
});

test("images: present, pulled, never", () => {
  const world = makeWorld();
  world.apply(podOf("pulled", { image: "busybox", command: ["sleep", "100"] }));
  world.apply(podOf("never", { image: "nope:1", imagePullPolicy: "Never" }));
  world.until("running", isRunning(world, "pulled"), 10);
  expect(world.events("pulled").find((e) => e.reason === "Pulled")?.message).toMatch(
    /^Successfully pulled image "busybox" in \d+ms \(\d+ms including waiting\)\. Image size: \d+ bytes\.$/,
  );
  expect(statusOf(world, "pulled")?.imageID).toMatch(/^docker\.io\/library\/busybox@sha256:/);
  expect(reasonOf(world, "never")).toBe("ErrImageNeverPull");
});

test("init containers run one after the other; a sidecar runs on", () => {
  const world = makeWorld();
  world.apply(
    podOf(
      "init",
      { command: ["sleep", "3600"] },
      {
        initContainers: [
          { name: "i1", image: "tools:1", command: ["sleep", "3"] },
          { name: "side", image: "tools:1", command: ["sleep", "3600"], restartPolicy: "Always" },
          { name: "i2", image: "tools:1", command: ["sleep", "2"] },
        ],
      },
    ),
  );
  world.seconds(2);
  const inits = () => world.pod("init")?.status?.initContainerStatuses?.map((s) => Object.keys(s.state ?? {})[0]);
  expect(inits()).toEqual(["running", "waiting", "waiting"]);
  expect(reasonOf(world, "init")).toBe("PodInitializing");
  world.until("running", isRunning(world, "init"), 20);
  expect(inits()).toEqual(["terminated", "running", "terminated"]);
  expect(isReady(world, "init")()).toBe(true);
});

test("a failing liveness probe restarts the container, with upstream's words", () => {
  const world = makeWorld();
  world.apply(
    podOf("live", {
      image: "web:1",
      livenessProbe: {
        httpGet: { path: "/nope", port: 80 },
        initialDelaySeconds: 1,
        periodSeconds: 2,
        failureThreshold: 2,
      },
    }),
  );
  world.until("a restart", () => (statusOf(world, "live")?.restartCount ?? 0) >= 1, 20);
  const texts = world.events("live").map((e) => `${e.type} ${e.reason}: ${e.message}`);
  expect(texts).toContain("Warning Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 404");
  expect(texts).toContain("Normal Killing: Container live failed liveness probe, will be restarted");
  expect(statusOf(world, "live")?.lastState?.terminated?.exitCode).toBe(0);
});

test("readiness decides on endpoints; a refused connection says so", () => {
  const world = makeWorld();
  world.apply({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "rdy", namespace: "default" },
    spec: { selector: { app: "rdy" }, ports: [{ port: 80 }] },
  });
  world.apply(
    podOf("rdy", {
      image: "web:1",
      readinessProbe: { httpGet: { path: "/healthz", port: 80 }, periodSeconds: 1, failureThreshold: 1 },
    }),
  );
  world.apply(podOf("tcp", { image: "web:1", readinessProbe: { tcpSocket: { port: 9999 }, periodSeconds: 2 } }));
  world.until("ready", isReady(world, "rdy"), 20);
  world.seconds(3);
  const endpoints = () => {
    const list = world.client.list(ENDPOINT_SLICES, {
      namespace: "default",
      labelSelector: "kubernetes.io/service-name=rdy",
    });
    return list.ok ? list.value.items.flatMap((s) => s.endpoints ?? []).map((e) => e.conditions?.ready) : [];
  };
  expect(endpoints()).toEqual([true]);
  // Somebody makes it sick from the inside.
  const kubelet = world.cluster.kubelets.get(world.pod("rdy")!.spec.nodeName!)!;
  const container = kubelet.cache.status(world.pod("rdy")!.metadata.uid).containers[0]!;
  world.cluster
    .host(world.pod("rdy")!.spec.nodeName!)
    .containerd.container(container.id)!
    .files()
    .writeFile("/tmp/sick", encodeUtf8("x"));
  world.until("not ready", () => !isReady(world, "rdy")(), 10);
  world.seconds(3);
  expect(endpoints()).toEqual([false]);
  const tcp = world.pod("tcp")!.status!.podIP;
  expect(
    world
      .events("tcp")
      .some((e) => e.message === `Readiness probe failed: dial tcp ${tcp}:9999: connect: connection refused`),
  ).toBe(true);
});

test("ConfigMaps and Secrets: environment, files, and their update after a while", () => {
  const world = makeWorld();
  world.client.create(CONFIG_MAPS, { metadata: { name: "cfg", namespace: "default" }, data: { COLOR: "blue" } });
  world.client.create(SECRETS, { metadata: { name: "sec", namespace: "default" }, data: { PW: "czNjcmV0" } });
  const spec = {
    volumes: [
      { name: "c", configMap: { name: "cfg" } },
      { name: "s", secret: { secretName: "sec" } },
    ],
  };
  world.apply(
    podOf(
      "cfg",
      {
        command: ["sleep", "3600"],
        envFrom: [{ configMapRef: { name: "cfg" } }],
        volumeMounts: [
          { name: "c", mountPath: "/etc/cfg" },
          { name: "s", mountPath: "/etc/sec" },
        ],
      },
      spec,
    ),
  );
  world.until("running", isRunning(world, "cfg"), 10);
  const exec = (...command: string[]) =>
    request(
      world,
      `/api/v1/namespaces/default/pods/cfg/exec?container=cfg&${command.map((c) => `command=${encodeURIComponent(c)}`).join("&")}`,
    );
  expect(exec("cat", "/etc/cfg/COLOR", "/etc/sec/PW").text).toBe("blues3cret");
  expect(exec("env").text).toContain("COLOR=blue\n");
  expect(exec("env").text).toContain("KUBERNETES_SERVICE_HOST=10.96.0.1\n");
  expect(exec("cat", "/var/run/secrets/kubernetes.io/serviceaccount/namespace").text).toBe("default");
  expect(exec("cat", "/var/run/secrets/kubernetes.io/serviceaccount/token").text.split(".")).toHaveLength(3);
  const bad = exec("cat", "/nope");
  expect(JSON.parse(bad.error)).toMatchObject({ reason: "NonZeroExitCode", details: { causes: [{ message: "1" }] } });
  expect(JSON.parse(exec("nosuchcmd").error).message).toMatch(
    /OCI runtime exec failed: .*"nosuchcmd": executable file not found in \$PATH/,
  );
  world.client.patch(CONFIG_MAPS, { namespace: "default", name: "cfg" }, "merge", { data: { COLOR: "green" } });
  world.seconds(5);
  expect(exec("cat", "/etc/cfg/COLOR").text).toBe("blue");
  world.seconds(90);
  expect(exec("cat", "/etc/cfg/COLOR").text).toBe("green");
  expect(exec("env").text).toContain("COLOR=blue\n");
});

test("what is missing is waited for", () => {
  const world = makeWorld();
  world.apply(podOf("miss", { env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "nope", key: "k" } } }] }));
  world.apply(
    podOf(
      "missv",
      { volumeMounts: [{ name: "c", mountPath: "/c" }] },
      { volumes: [{ name: "c", configMap: { name: "nope" } }] },
    ),
  );
  world.seconds(5);
  expect(reasonOf(world, "miss")).toBe("CreateContainerConfigError");
  expect(world.events("missv").find((e) => e.reason === "FailedMount")).toMatchObject({
    message: 'MountVolume.SetUp failed for volume "c" : configmap "nope" not found',
    count: 4,
  });
  world.client.create(CONFIG_MAPS, { metadata: { name: "nope", namespace: "default" }, data: { k: "v" } });
  world.until("both run", () => isRunning(world, "miss")() && isRunning(world, "missv")(), 30);
});

test("deletion is graceful, and forced deletion is not waited for", () => {
  const world = makeWorld();
  world.apply(podOf("slow", { command: ["sleep", "3600"] }, { terminationGracePeriodSeconds: 10 }));
  world.apply(podOf("quick", { image: "web:1" }));
  world.until("running", () => isRunning(world, "slow")() && isRunning(world, "quick")(), 10);
  world.client.delete(PODS, { namespace: "default", name: "slow" });
  world.client.delete(PODS, { namespace: "default", name: "quick" });
  world.seconds(4);
  expect(world.pod("quick")).toBeUndefined();
  // PID 1 of a container has no default action for SIGTERM: the grace period runs out.
  expect(world.pod("slow")?.metadata.deletionTimestamp).toBeDefined();
  world.seconds(9);
  expect(world.pod("slow")).toBeUndefined();
  expect(world.events("slow").map((e) => e.message)).toContain("Stopping container slow");
  world.apply(podOf("forced", { command: ["sleep", "3600"] }));
  world.until("running", isRunning(world, "forced"), 10);
  const node = world.pod("forced")!.spec.nodeName!;
  world.client.delete(PODS, { namespace: "default", name: "forced" }, { gracePeriodSeconds: 0 });
  expect(world.pod("forced")).toBeUndefined();
  world.seconds(35);
  expect(
    world.cluster
      .host(node)
      .runtime()!
      .listPodSandbox({ state: "SANDBOX_READY" })
      .map((s) => s.metadata.name),
  ).not.toContain("forced");
});

test("logs: of now, of before, the tail, and followed", () => {
  const world = makeWorld();
  world.apply(podOf("crash", { command: ["exit", "1", "3"] }));
  world.until("a restart", () => statusOf(world, "crash")?.restartCount === 1 && isRunning(world, "crash")(), 20);
  const log = (query = "") => request(world, `/api/v1/namespaces/default/pods/crash/log${query}`);
  expect(log().body).toBe("starting\n");
  expect(log("?previous=true").body).toBe("starting\n");
  expect(log("?tailLines=0").body).toBe("");
  expect(log("?timestamps=true").body).toMatch(/^2026-11-23T12:00:\d\d\.\d{9}Z starting\n$/);
  expect(log("?follow=true").text).toBe("starting\n");
});

test("a restarted kubelet goes on with what runs", () => {
  const world = makeWorld();
  world.apply(deploymentOf("web", 6));
  world.until("ready", () => world.pods("app=web").filter((p) => p.status?.phase === "Running").length === 6, 20);
  const before = world
    .pods("app=web")
    .map((p) => [p.metadata.name, p.status?.podIP, p.status?.containerStatuses?.[0]?.containerID]);
  const faults = new Faults(world.cluster);
  for (const node of ["node-1", "node-2"]) faults.crashUnit(node, "kubelet");
  faults.crashUnit("node-3", "containerd");
  world.seconds(40);
  expect(
    world.pods("app=web").map((p) => [p.metadata.name, p.status?.podIP, p.status?.containerStatuses?.[0]?.containerID]),
  ).toEqual(before);
  expect(world.pods("app=web").every((p) => p.status?.containerStatuses?.[0]?.restartCount === 0)).toBe(true);
});

test("a stopped kubelet makes its node NotReady after about 50 s; it comes back", () => {
  const world = makeWorld();
  const faults = new Faults(world.cluster);
  world.seconds(30);
  faults.stopUnit("node-2", "kubelet");
  const ready = () => {
    const node = world.client.get(NODES, { name: "node-2" });
    return node.ok ? node.value.status?.conditions?.find((c) => c.type === "Ready") : undefined;
  };
  world.seconds(35);
  expect(ready()?.status).toBe("True");
  world.seconds(25);
  expect(ready()).toMatchObject({
    status: "Unknown",
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
  });
  faults.startUnit("node-2", "kubelet");
  world.until("ready again", () => ready()?.status === "True", 30);
});

test("a node refuses what it cannot hold, whoever sent it", () => {
  const world = makeWorld();
  world.apply(podOf("big", { resources: { requests: { cpu: "3" } } }, { nodeName: "node-1" }));
  world.seconds(2);
  expect(world.pod("big")?.status).toMatchObject({
    phase: "Failed",
    reason: "OutOfcpu",
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
  });
});

test("a node under memory pressure evicts", () => {
  const world = makeWorld();
  world.apply(podOf("fat", { command: ["sleep", "3600"] }, { nodeName: "node-1" }));
  world.until("running", isRunning(world, "fat"), 10);
  new Faults(world.cluster).memoryPressure("node-1");
  world.until("evicted", () => world.pod("fat")?.status?.phase === "Failed", 30);
  expect(world.pod("fat")?.status?.reason).toBe("Evicted");
  expect(world.pod("fat")?.status?.message).toMatch(
    /^The node was low on resource: memory\. Threshold quantity: 102400Ki, available: /,
  );
  const node = world.client.get(NODES, { name: "node-1" });
  expect(node.ok && node.value.status?.conditions?.find((c) => c.type === "MemoryPressure")?.status).toBe("True");
});

test("out of memory and a missing program", () => {
  const world = makeWorld();
  world.apply(
    podOf("oom", { command: ["eat"], resources: { limits: { memory: "20Mi" } } }, { restartPolicy: "Never" }),
  );
  world.apply(podOf("badcmd", { command: ["nosuchbinary"] }, { restartPolicy: "Never" }));
  world.seconds(6);
  expect(statusOf(world, "oom")?.state?.terminated).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
  expect(statusOf(world, "badcmd")?.state?.terminated).toMatchObject({ reason: "StartError", exitCode: 128 });
  expect(world.pod("badcmd")?.status?.phase).toBe("Failed");
});
