/** A small host with an engine, for tests: a kernel, a network, the images of the recorded world. */
import "@/simulator/parts/build";
import "@/simulator/parts/docker-cli";
import "@/simulator/parts/net-tools";
import "@/simulator/parts/servers";
import "@/simulator/parts/tools";
import type { ApiRequest, ApiResponse, ServerFrame } from "@/simulator/base/door";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { startTask } from "@/simulator/base/task";
import { Containerd } from "@/simulator/containerd/containerd";
import { Registries } from "@/simulator/containerd/registry";
import { Engine } from "@/simulator/docker/dockerd/engine";
import { imagePrograms, publishImages } from "@/simulator/images/index";
import { Netns } from "@/simulator/net/netns";
import { Network } from "@/simulator/net/network";
import { netPrograms } from "@/simulator/net/programs/index";
import { DirInode } from "@/simulator/os/inode";
import { Kernel } from "@/simulator/os/kernel";
import { MountNamespace } from "@/simulator/os/mounts";
import type { ProcessContext } from "@/simulator/os/process";
import { shellPrograms } from "@/simulator/shell/index";

export interface Answered {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  readonly body: any;
  readonly frames: readonly ServerFrame[];
  readonly ended: boolean;
}

export function smallHost(seed = "test") {
  const loop = new Loop(1_800_000_000_000);
  const random = new Random(seed);
  const network = new Network({ loop, random });
  const registries = new Registries();
  publishImages(registries, "recorded-docker");
  const kernel = new Kernel({
    loop,
    random,
    hostname: "laptop",
    cpuCount: 2,
    memoryBytes: 8 * 1024 ** 3,
    release: "6.1.0",
    programs: new Map([...shellPrograms, ...netPrograms, ...imagePrograms]),
  });
  const mounts = new MountNamespace(loop, {
    path: "/",
    root: new DirInode(),
    readOnly: false,
    source: "/dev/sda1",
    type: "ext4",
    options: "rw",
  });
  mounts.makeDirs("/etc");
  mounts.writeFile("/etc/resolv.conf", "nameserver 10.0.0.1\n" as never);
  const netns = new Netns(network, "laptop");
  const context: ProcessContext = {
    kernel,
    pids: kernel.hostPids,
    mounts,
    net: netns,
    hostname: () => kernel.hostname,
    cgroup: kernel.rootCgroup,
    uid: 0,
    gid: 0,
    user: "root",
  };
  const containerd = new Containerd({ kernel, mounts, registries });
  const engine = new Engine({ containerd, context, random });
  const preload = (...names: string[]): void => {
    for (const name of names) {
      const [repository = "", tag = "latest"] = name.split(":");
      const found = registries
        .get("docker.io")!
        .manifest(repository.includes("/") ? repository : `library/${repository}`, tag);
      if ("kind" in found) throw new Error(name);
      containerd.importImage(found, [name]);
    }
  };

  /** Sends a request and runs the world until it is answered and its stream, if any, has ended; `forMs` at most. */
  const call = (
    method: ApiRequest["method"],
    path: string,
    options: { query?: Record<string, string | readonly string[]>; body?: unknown; forMs?: number } = {},
  ): Answered => {
    let response: ApiResponse | undefined;
    const frames: ServerFrame[] = [];
    let ended = false;
    const query = Object.fromEntries(
      Object.entries(options.query ?? {}).map(([key, value]) => [
        key,
        Array.isArray(value) ? value : [value as string],
      ]),
    );
    startTask(
      loop,
      engine.handle({ method, path, query, ...(options.body === undefined ? {} : { body: options.body }) }),
      (value) => {
        response = value;
        if (!value.stream) ended = true;
        value.stream?.open({
          frame: (frame) => frames.push(frame),
          end: () => {
            ended = true;
          },
        });
      },
    );
    const until = loop.now() + (options.forMs ?? 120_000);
    while (!ended && loop.step(until));
    if (!response) throw new Error(`no answer to ${method} ${path}`);
    return { status: response.status, body: response.body, frames, ended };
  };

  const run = (
    image: string,
    command: readonly string[],
    options: { name?: string; host?: object; config?: object } = {},
  ): string => {
    const created = call("POST", "/containers/create", {
      query: options.name ? { name: options.name } : {},
      body: { Image: image, Cmd: command, HostConfig: options.host ?? {}, ...options.config },
    });
    if (created.status !== 201) throw new Error(created.body.message);
    const started = call("POST", `/containers/${created.body.Id}/start`);
    if (started.status >= 400) throw new Error(started.body.message);
    return created.body.Id;
  };

  const settle = (ms: number): void => void loop.runUntil(loop.now() + ms);
  const text = (frames: readonly ServerFrame[], channel: "stdout" | "stderr" = "stdout"): string =>
    frames.map((frame) => (frame.channel === channel ? frame.bytes : "")).join("");
  return { loop, random, kernel, mounts, netns, registries, containerd, engine, preload, call, run, settle, text };
}
