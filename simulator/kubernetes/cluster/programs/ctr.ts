/** ctr: containerd's own client, as far as looking goes: namespaces, images, containers and tasks. */
import type { Task } from "../../../base/task";
import type { Process, Program } from "../../../os/process";
import { type NodeTools, readArguments } from "./node-tools";
import { table } from "./table";

export const ctr =
  (tools: NodeTools): Program =>
  (process) =>
    run(tools, process);

function* run(tools: NodeTools, process: Process): Task<number> {
  const host = tools.hostOf(process);
  const images = host?.images();
  if (!host || !images) {
    yield* process.printError(
      'ctr: failed to dial "/run/containerd/containerd.sock": context deadline exceeded: connection error: desc = "transport: error while dialing: dial unix:///run/containerd/containerd.sock: timeout"\n',
    );
    return 1;
  }
  const { flags, words } = readArguments(
    process.argv.slice(1),
    ["namespace", "address", "timeout"],
    ["quiet", "debug"],
    { n: "namespace", a: "address", q: "quiet" },
  );
  const namespace = flags.get("namespace") ?? "default";
  const [noun, verb = "ls"] = words;
  const isHere = namespace === "k8s.io";
  const list = verb === "ls" || verb === "list" || verb === "check";
  if ((noun === "namespaces" || noun === "namespace" || noun === "ns") && list) {
    yield* process.print("NAME   LABELS \nk8s.io        \n");
    return 0;
  }
  if ((noun === "images" || noun === "image" || noun === "i") && list) {
    const names = isHere
      ? host.containerd.images
          .images()
          .flatMap((image) => host.containerd.images.namesOf(image.id).map((name) => [name, image] as const))
      : [];
    if (flags.has("quiet")) yield* process.print(names.map(([name]) => `${name}\n`).join(""));
    else
      yield* process.print(
        table(
          ["REF", "TYPE", "DIGEST", "SIZE", "PLATFORMS", "LABELS"],
          names.map(([name, image]) => [
            name,
            "application/vnd.docker.distribution.manifest.v2+json",
            image.manifestDigest,
            `${((image.size * 0.42) / 1024 / 1024).toFixed(1)} MiB`,
            "linux/amd64",
            "io.cri-containerd.image=managed",
          ]),
          4,
          1,
        ),
      );
    return 0;
  }
  if ((noun === "containers" || noun === "container" || noun === "c") && list) {
    const all = isHere ? [...host.containerd.containers.values()] : [];
    yield* process.print(
      table(
        ["CONTAINER", "IMAGE", "RUNTIME"],
        all.map((c) => [
          c.id,
          (c.spec.image && host.containerd.images.namesOf(c.spec.image.id)[0]) ?? "-",
          "io.containerd.runc.v2",
        ]),
        4,
        4,
      ),
    );
    return 0;
  }
  if ((noun === "tasks" || noun === "task" || noun === "t") && list) {
    const all = isHere ? [...host.containerd.containers.values()].filter((c) => c.main) : [];
    yield* process.print(
      table(
        ["TASK", "PID", "STATUS"],
        all.map((c) => [
          c.id,
          String(c.main?.pid ?? 0),
          c.running ? (c.state === "paused" ? "PAUSED" : "RUNNING") : "STOPPED",
        ]),
        4,
        4,
      ),
    );
    return 0;
  }
  if (noun === "version") {
    yield* process.print(
      "Client:\n  Version:  2.1.9+unknown\n  Go version: go1.24.11\n\nServer:\n  Version:  2.1.9+unknown\n",
    );
    return 0;
  }
  yield* process.printError(
    `ctr: "${words.join(" ")}" is not simulated; crictl does the same and more (crictl ps, crictl images, crictl pull)\n`,
  );
  return 1;
}
