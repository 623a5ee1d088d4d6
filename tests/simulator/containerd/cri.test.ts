import "@/simulator/parts/servers";
import "@/simulator/parts/tools";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { type Task, startTask } from "@/simulator/base/task";
import { Containerd } from "@/simulator/containerd/containerd";
import { CriImages } from "@/simulator/containerd/cri-images";
import { CriRuntime } from "@/simulator/containerd/cri-service";
import { CriError, type ContainerConfig, type PodSandboxConfig } from "@/simulator/containerd/cri";
import { Registries } from "@/simulator/containerd/registry";
import { imagePrograms, pauseImage, publishImages } from "@/simulator/images/index";
import { DirInode } from "@/simulator/os/inode";
import { Kernel } from "@/simulator/os/kernel";
import { MountNamespace } from "@/simulator/os/mounts";
import { shellPrograms } from "@/simulator/shell/index";
import { expect, test } from "vitest";

function node() {
  const loop = new Loop(1_800_000_000_000);
  const random = new Random("cri");
  const registries = new Registries();
  publishImages(registries, "recorded-kubernetes");
  const kernel = new Kernel({
    loop,
    random,
    hostname: "node-1",
    cpuCount: 2,
    memoryBytes: 1 << 30,
    release: "6",
    programs: new Map([...shellPrograms, ...imagePrograms]),
  });
  const mounts = new MountNamespace(loop, {
    path: "/",
    root: new DirInode(),
    readOnly: false,
    source: "",
    type: "",
    options: "",
  });
  mounts.makeDirs("/etc");
  mounts.writeFile("/etc/resolv.conf", "nameserver 10.0.0.1\n" as never);
  const containerd = new Containerd({ kernel, mounts, registries });
  const networks: string[] = [];
  const runtime = new CriRuntime({
    containerd,
    random,
    pauseImage,
    hostNetwork: { name: "host" },
    makeNetwork: (name) => ({ name }),
    cni: {
      *add(id) {
        networks.push(id);
        return { ips: [`10.244.1.${networks.length + 1}`] };
      },
      del: (id) => void networks.splice(networks.indexOf(id), 1),
    },
  });
  const images = new CriImages(containerd);
  function wait<T>(task: Task<T>): T {
    let result: { value: T } | undefined;
    let failed: unknown;
    startTask(
      loop,
      task,
      (value) => {
        result = { value };
      },
      (error) => {
        failed = error;
      },
    );
    while (!result && failed === undefined && loop.step());
    if (failed !== undefined) throw failed;
    return result!.value;
  }
  return { loop, kernel, containerd, runtime, images, networks, wait };
}

const pod: PodSandboxConfig = {
  metadata: { name: "web", uid: "u1", namespace: "default", attempt: 0 },
  hostname: "web",
  logDirectory: "/var/log/pods/default_web_u1",
  labels: { app: "web" },
  annotations: {},
  linux: { cgroupParent: "kubepods/burstable/podu1" },
};

const container = (
  image: string,
  command: readonly string[],
  more: Partial<ContainerConfig> = {},
): ContainerConfig => ({
  metadata: { name: "c", attempt: 0 },
  image,
  command,
  args: [],
  workingDir: "",
  envs: [{ key: "A", value: "1" }],
  mounts: [],
  labels: {},
  annotations: {},
  logPath: "c/0.log",
  stdin: false,
  stdinOnce: false,
  tty: false,
  ...more,
});

test("a pod from pull to removal: states, exit codes, logs, exec, and nothing left behind", () => {
  const { runtime, images, wait, networks, kernel, loop } = node();
  const imageId = wait(images.pullImage("busybox:1.36"));
  const sandbox = wait(runtime.runPodSandbox(pod));
  expect(runtime.podSandboxStatus(sandbox)).toMatchObject({ state: "SANDBOX_READY", ip: "10.244.1.2" });
  const id = wait(
    runtime.createContainer(sandbox, container(imageId, ["sh", "-c", "echo $A; hostname; sleep 1000"]), pod),
  );
  expect(runtime.containerStatus(id).state).toBe("CONTAINER_CREATED");
  wait(runtime.startContainer(id));
  loop.runUntil(loop.now() + 100);
  expect(
    runtime
      .containerLog(id)!
      .all()
      .map(({ text }) => text),
  ).toEqual(["1\n", "web\n"]);
  expect(wait(runtime.execSync(id, ["sh", "-c", "echo in; exit 4"], 0))).toEqual({
    stdout: "in\n",
    stderr: "",
    exitCode: 4,
  });
  expect(() => wait(runtime.execSync(id, ["sleep", "60"], 1))).toThrow("code = DeadlineExceeded");
  const before = loop.now();
  wait(runtime.stopContainer(id, 2));
  expect(loop.now() - before).toBeGreaterThanOrEqual(2000);
  expect(runtime.containerStatus(id)).toMatchObject({
    state: "CONTAINER_EXITED",
    exitCode: 137,
    reason: "Error",
    signal: 9,
  });
  wait(runtime.stopPodSandbox(sandbox));
  wait(runtime.removePodSandbox(sandbox));
  expect([runtime.listPodSandbox(), runtime.listContainers(), networks]).toEqual([[], [], []]);
  expect(kernel.processes.size).toBe(0);
});

test("a command that is not there: the container has failed to start, in containerd's words", () => {
  const { runtime, images, wait } = node();
  const imageId = wait(images.pullImage("busybox:1.36"));
  const sandbox = wait(runtime.runPodSandbox(pod));
  const id = wait(runtime.createContainer(sandbox, container(imageId, ["nosuchbinary"]), pod));
  expect(() => wait(runtime.startContainer(id))).toThrow(
    'rpc error: code = Unknown desc = failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nosuchbinary": executable file not found in $PATH',
  );
  expect(runtime.containerStatus(id)).toMatchObject({ state: "CONTAINER_EXITED", reason: "StartError", exitCode: 128 });
});

test.each([
  {
    image: "nope/nope:1",
    message:
      'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/nope/nope:1": failed to resolve image: docker.io/nope/nope:1: not found',
  },
  { image: "DUMMY_IMAGE:TEST", message: "rpc error: code = InvalidArgument desc = failed to parse image reference" },
])("an image that cannot be pulled: $image", ({ image, message }) => {
  const { images, wait } = node();
  expect(() => wait(images.pullImage(image))).toThrow(CriError);
  expect(() => wait(images.pullImage(image))).toThrow(message);
});

test("too much memory: the process is killed, and the status says why", () => {
  const { runtime, containerd, images, wait, loop } = node();
  const imageId = wait(images.pullImage("busybox:1.36"));
  const sandbox = wait(runtime.runPodSandbox(pod));
  const config = container(imageId, ["sleep", "1000"], {
    linux: { resources: { memoryLimitInBytes: 8 * 1024 * 1024 } },
  });
  const id = wait(runtime.createContainer(sandbox, config, pod));
  wait(runtime.startContainer(id));
  const events: string[] = [];
  runtime.getContainerEvents((event) => events.push(event.type));
  loop.runUntil(loop.now() + 10);
  containerd
    .container(id)!
    .processes()[0]!
    .resizeMemory(16 * 1024 * 1024);
  loop.runUntil(loop.now() + 100);
  expect(runtime.containerStatus(id)).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
  expect(events).toEqual(["CONTAINER_STOPPED_EVENT"]);
});
