/** /containers and /exec. */
import type { ApiResponse } from "../../base/door";
import type { Bytes } from "../../base/bytes";
import { parseRfc3339, rfc3339Nano } from "../../base/clock";
import { type Task, firstOf, suspend } from "../../base/task";
import { diffOf } from "../../containerd/layers";
import type { Process } from "../../os/process";
import { badRequest, conflict, systemError } from "../api/failure";
import { readFilters } from "../api/filters";
import type { CreateContainerBody, HostConfig } from "../api/types";
import type { DockerContainer } from "./container";
import { archiveOf, extractArchive, exportArchive, statPath } from "./archive";
import { checkName, createContainer } from "./create";
import { commitContainer } from "./commit";
import { COST, type Daemon } from "./daemon";
import { type ExecBody, attachContainer, createExec, inspectExec, startExec } from "./exec";
import { inspectContainer, summarizeContainer } from "./inspect";
import {
  killContainer,
  pauseContainer,
  removeContainer,
  resourcesOf,
  restartContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
} from "./lifecycle";
import { containerFilters, listContainers } from "./list";
import { pruneContainers } from "./prune";
import { type Route, type RouteRequest, json, noContent, route } from "./route";
import { statsOf } from "./stats";
import { streamResponse } from "./streams";
import { verifyResources, verifyRestartPolicy } from "./verify";

const at = (daemon: Daemon, request: RouteRequest): DockerContainer => daemon.container(request.param());

export const containerRoutes: readonly Route[] = [
  route("GET", "/containers/json", function* (daemon, request) {
    const limit = request.number("limit") ?? 0;
    const filters = readFilters(request.query("filters"), containerFilters);
    const listed = listContainers(daemon, { all: request.flag("all"), limit, filters });
    yield* daemon.wait(COST.small);
    return json(listed.map((container) => summarizeContainer(daemon, container, request.flag("size"))));
  }),
  route("POST", "/containers/create", function* (daemon, request) {
    const name = request.query("name");
    const platform = request.query("platform");
    const { container, warnings } = yield* createContainer(daemon, request.body<CreateContainerBody>(), {
      ...(name === undefined ? {} : { name }),
      ...(platform ? { platform } : {}),
    });
    return json({ Id: container.id, Warnings: warnings }, 201);
  }),
  route("POST", "/containers/prune", function* (daemon, request) {
    const filters = readFilters(request.query("filters"), ["label", "label!", "until"]);
    return json(pruneContainers(daemon, filters));
  }),
  route("GET", "/containers/:name/json", function* (daemon, request) {
    return json(inspectContainer(daemon, at(daemon, request), request.flag("size")));
  }),
  route("POST", "/containers/:name/start", function* (daemon, request) {
    const container = at(daemon, request);
    const columns = request.number("w");
    const rows = request.number("h");
    const started = yield* startContainer(daemon, container, columns && rows ? { size: { columns, rows } } : {});
    return noContent(started ? 204 : 304);
  }),
  route("POST", "/containers/:name/stop", function* (daemon, request) {
    const container = at(daemon, request);
    const stopped = yield* stopContainer(daemon, container, stopOptions(request));
    return noContent(stopped ? 204 : 304);
  }),
  route("POST", "/containers/:name/restart", function* (daemon, request) {
    yield* restartContainer(daemon, at(daemon, request), stopOptions(request));
    return noContent();
  }),
  route("POST", "/containers/:name/kill", function* (daemon, request) {
    const shown = request.param();
    let container: DockerContainer;
    try {
      container = daemon.container(shown);
    } catch (error) {
      const failure = error as Error & { status?: number };
      if (failure.status === 404) failure.message = `cannot kill container: ${shown}: ${failure.message}`;
      throw failure;
    }
    yield* killContainer(daemon, container, request.query("signal") ?? "", shown);
    return noContent();
  }),
  route("POST", "/containers/:name/pause", function* (daemon, request) {
    yield* pauseContainer(daemon, at(daemon, request));
    return noContent();
  }),
  route("POST", "/containers/:name/unpause", function* (daemon, request) {
    yield* unpauseContainer(daemon, at(daemon, request));
    return noContent();
  }),
  route("DELETE", "/containers/:name", function* (daemon, request) {
    const container = at(daemon, request);
    if (request.flag("link")) throw badRequest(`Conflict, cannot remove the default link name of the container`);
    yield* removeContainer(daemon, container, {
      force: request.flag("force"),
      volumes: request.flag("v"),
      shown: request.param(),
    });
    return noContent();
  }),
  route("DELETE", "/containers/:name*", function* (daemon, request) {
    // A name with a slash is a link's: there is no container of that name.
    yield* removeContainer(daemon, daemon.container(request.param()), {
      force: false,
      volumes: false,
      shown: request.param(),
    });
    return noContent();
  }),
  route("POST", "/containers/:name/wait", function* (daemon, request) {
    return yield* waitFor(at(daemon, request), daemon, request.query("condition") ?? "");
  }),
  route("POST", "/containers/:name/rename", function* (daemon, request) {
    const container = at(daemon, request);
    const name = request.query("name") ?? "";
    if (name === "") throw badRequest("Neither old nor new names may be empty");
    const plain = name.replace(/^\//, "");
    if (plain === container.name) throw conflict("Renaming a container with the same name as its current name");
    try {
      checkName(daemon, plain, name.startsWith("/") ? name : `/${name}`);
    } catch (error) {
      (error as Error).message = `Error when allocating new name: ${(error as Error).message}`;
      throw error;
    }
    const oldName = container.name;
    daemon.rename(container, plain);
    daemon.publish(container, "rename", { oldName: `/${oldName}` });
    return noContent();
  }),
  route("POST", "/containers/:name/update", function* (daemon, request) {
    return json({ Warnings: updateContainer(daemon, at(daemon, request), request.body<HostConfig>()) });
  }),
  route("POST", "/containers/:name/resize", function* (daemon, request) {
    const container = at(daemon, request);
    if (!container.running) throw conflict(`container ${container.id} is not running`);
    const columns = request.number("w") ?? 0;
    const rows = request.number("h") ?? 0;
    container.runtime.main?.resize(columns, rows);
    daemon.publish(container, "resize", { height: String(rows), width: String(columns) });
    return noContent(200);
  }),
  route("GET", "/containers/:name/logs", function* (daemon, request) {
    return logs(daemon, at(daemon, request), request);
  }),
  route("POST", "/containers/:name/attach", function* (daemon, request) {
    const container = at(daemon, request);
    yield* daemon.wait(COST.attach);
    return attachContainer(daemon, container, {
      stdin: request.flag("stdin"),
      stdout: request.flag("stdout"),
      stderr: request.flag("stderr"),
      logs: request.flag("logs"),
      stream: request.flag("stream"),
    });
  }),
  route("GET", "/containers/:name/top", function* (daemon, request) {
    return json(top(daemon, at(daemon, request), request.query("ps_args")));
  }),
  route("GET", "/containers/:name/stats", function* (daemon, request) {
    const container = at(daemon, request);
    const isStream = request.flag("stream", true) && !request.flag("one-shot");
    if (!isStream) {
      // The first sample has nothing to compare with: upstream takes two, a second apart.
      const before = statsOf(daemon, container, undefined);
      if (container.running && !request.flag("one-shot")) yield* daemon.wait(1000);
      return json(statsOf(daemon, container, before));
    }
    return streamResponse(daemon.loop, function* (writer) {
      let before: ReturnType<typeof statsOf> | undefined;
      while (daemon.containers.get(container.id) === container) {
        const sample = statsOf(daemon, container, before);
        writer.message(sample);
        before = sample;
        yield* daemon.wait(1000);
      }
    });
  }),
  route("GET", "/containers/:name/changes", function* (daemon, request) {
    const kinds = { C: 0, A: 1, D: 2 };
    const changes = diffOf(at(daemon, request).runtime.root);
    return json(
      changes.length === 0 ? null : changes.map((change) => ({ Path: change.path, Kind: kinds[change.kind] })),
    );
  }),
  route("GET", "/containers/:name/archive", function* (daemon, request) {
    const container = at(daemon, request);
    const { stat, archive } = archiveOf(daemon, container, request.query("path") ?? "", request.param());
    return {
      status: 200,
      headers: { "content-type": "application/x-tar", "x-docker-container-path-stat": JSON.stringify(stat) },
      body: archive,
    };
  }),
  route("HEAD", "/containers/:name/archive", function* (daemon, request) {
    const stat = statPath(daemon, at(daemon, request), request.query("path") ?? "", request.param());
    return { status: 200, headers: { "x-docker-container-path-stat": JSON.stringify(stat) }, body: stat };
  }),
  route("PUT", "/containers/:name/archive", function* (daemon, request) {
    extractArchive(
      daemon,
      at(daemon, request),
      request.query("path") ?? "",
      request.request.body as Bytes,
      request.param(),
    );
    return noContent(200);
  }),
  route("GET", "/containers/:name/export", function* (daemon, request) {
    const container = at(daemon, request);
    daemon.publish(container, "export");
    return { status: 200, headers: { "content-type": "application/x-tar" }, body: exportArchive(container) };
  }),
  route("POST", "/commit", function* (daemon, request) {
    const image = yield* commitContainer(daemon, request);
    return json({ Id: image.id }, 201);
  }),
  route("POST", "/containers/:name/exec", function* (daemon, request) {
    return json({ Id: createExec(daemon, request.param(), request.body<ExecBody>()).id }, 201);
  }),
  route("POST", "/exec/:id/start", function* (daemon, request) {
    return yield* startExec(daemon, request.param(), request.body());
  }),
  route("GET", "/exec/:id/json", function* (daemon, request) {
    return json(inspectExec(daemon.exec(request.param())));
  }),
  route("POST", "/exec/:id/resize", function* (daemon, request) {
    daemon.exec(request.param()).started?.resize(request.number("w") ?? 0, request.number("h") ?? 0);
    return noContent(200);
  }),
];

function stopOptions(request: RouteRequest) {
  const timeout = request.number("t");
  const signal = request.query("signal");
  return { ...(timeout === undefined ? {} : { timeout }), ...(signal ? { signal } : {}) };
}

/** Waits for an end. What counts as the next exit is settled when the request comes, before anything else happens. */
function* waitFor(container: DockerContainer, daemon: Daemon, condition: string): Task<ApiResponse> {
  if (condition !== "" && !["not-running", "next-exit", "removed"].includes(condition))
    throw badRequest(`invalid condition: "${condition}"`);
  const exitsBefore = container.exits;
  const isGone = (): boolean => daemon.containers.get(container.id) !== container;
  for (;;) {
    const isOver =
      condition === "removed"
        ? isGone()
        : condition === "next-exit"
          ? (container.exits > exitsBefore && !container.running) || isGone()
          : !container.running && !container.restarting;
    if (isOver) return json({ StatusCode: container.exitCode });
    yield* suspend(container.changed.wait);
  }
}

function updateContainer(daemon: Daemon, container: DockerContainer, asked: HostConfig): string[] {
  verifyResources(asked, daemon.containerd.kernel.cpuCount);
  verifyRestartPolicy(asked.RestartPolicy?.Name ? asked.RestartPolicy : undefined);
  const host = container.hostConfig;
  const refuse = (why: string) => conflict(`Cannot update container ${container.id}: ${why}`);
  if (asked.NanoCpus && host.CpuQuota)
    throw refuse("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  if (asked.NanoCpus && host.CpuPeriod)
    throw refuse("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  if ((asked.CpuQuota || asked.CpuPeriod) && host.NanoCpus)
    throw refuse(
      `Conflicting options: CPU ${asked.CpuQuota ? "Quota" : "Period"} cannot be updated as NanoCPUs has already been set`,
    );
  if (asked.Memory && host.MemorySwap && host.MemorySwap > 0 && asked.Memory > host.MemorySwap && !asked.MemorySwap)
    throw refuse(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
  if (asked.RestartPolicy?.Name && asked.RestartPolicy.Name !== "no" && host.AutoRemove)
    throw refuse("Restart policy cannot be updated because AutoRemove is enabled for the container");
  const kept = Object.fromEntries(
    Object.entries(asked).filter(
      ([key, value]) => key !== "RestartPolicy" && value !== 0 && value !== "" && value !== null && value !== undefined,
    ),
  );
  container.hostConfig = {
    ...host,
    ...kept,
    ...(asked.RestartPolicy?.Name ? { RestartPolicy: asked.RestartPolicy } : {}),
  };
  container.runtime.update(resourcesOf(container));
  daemon.publish(container, "update");
  return [];
}

// ---- logs ----------------------------------------------------------------------------------------------------------

/** Seconds since the epoch, with a fraction. */
function instant(text: string | undefined, fallback: number): number {
  if (text === undefined || text === "" || text === "0") return fallback;
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parsed = parseRfc3339(text);
  if (parsed === undefined) throw badRequest(`invalid value for "since": ${text}`);
  return parsed;
}

function logs(daemon: Daemon, container: DockerContainer, request: RouteRequest): ApiResponse {
  const stdout = request.flag("stdout");
  const stderr = request.flag("stderr");
  if (!stdout && !stderr) throw badRequest("Bad parameters: you must choose at least one stream");
  if (container.hostConfig.LogConfig?.Type === "none")
    throw systemError("configured logging driver does not support reading");
  const since = instant(request.query("since"), Number.NEGATIVE_INFINITY);
  const until = instant(request.query("until"), Number.POSITIVE_INFINITY);
  const tailText = request.query("tail") ?? "all";
  const tail = /^\d+$/.test(tailText) ? Number(tailText) : undefined;
  const timestamps = request.flag("timestamps");
  const details = request.flag("details");
  const follow = request.flag("follow");
  const { log } = container;
  return streamResponse(daemon.loop, function* (writer): Task<void> {
    let next = tail === undefined ? 0 : log.tail(tail);
    for (;;) {
      const { lines, next: after } = log.read(next);
      next = after;
      for (const line of lines) {
        if (line.at < since) continue;
        if (line.at > until) return;
        if (line.stream === "stdout" ? !stdout : !stderr) continue;
        const prefix = `${timestamps ? `${rfc3339Nano(line.at)} ` : ""}${details ? " " : ""}`;
        writer[container.config.Tty ? "stdout" : line.stream]((prefix + line.text) as Bytes);
      }
      if (lines.length > 0) continue;
      if (!follow || daemon.now() >= until) return;
      if (log.closed && !container.running && !container.restarting) return;
      const waits = [log.changed.wait, container.changed.wait];
      if (Number.isFinite(until))
        yield* suspend(firstOf([...waits, (resume) => daemon.loop.at(until, () => resume(undefined))]));
      else yield* suspend(firstOf(waits));
    }
  });
}

// ---- top -----------------------------------------------------------------------------------------------------------

const clock = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
};

const startClock = (instantMs: number): string => rfc3339Nano(instantMs).slice(11, 16);

/** ps's own columns, as far as lessons ask for them. */
const columns: Readonly<
  Record<string, { readonly title: string; readonly value: (process: Process, memory: number) => string }>
> = {
  pid: { title: "PID", value: (process) => String(process.pid) },
  ppid: { title: "PPID", value: (process) => String(process.parent?.pid ?? process.pid - 1) },
  user: { title: "USER", value: (process) => process.context.user },
  uid: { title: "UID", value: (process) => String(process.context.uid) },
  cmd: { title: "CMD", value: (process) => process.argv.join(" ") },
  args: { title: "COMMAND", value: (process) => process.argv.join(" ") },
  command: { title: "COMMAND", value: (process) => process.argv.join(" ") },
  comm: { title: "COMMAND", value: (process) => process.comm },
  rss: { title: "RSS", value: (process) => String(Math.floor(process.memoryBytes / 1024)) },
  vsz: { title: "VSZ", value: (process) => String(Math.floor((process.memoryBytes * 3) / 2048)) },
  stat: { title: "STAT", value: (process) => (process.state === "stopped" ? "T" : "Ss") },
  time: { title: "TIME", value: (process) => clock(process.cpuMs) },
  etime: { title: "ELAPSED", value: (process) => clock(process.now() - process.startedAt).replace(/^00:/, "") },
};

function top(daemon: Daemon, container: DockerContainer, args: string | undefined) {
  if (!container.running) throw conflict(`container ${container.id} is not running`);
  if (container.restarting)
    throw conflict(`container ${container.id} is restarting, wait until the container is running`);
  daemon.publish(container, "top");
  const processes = container.runtime.processes();
  const wanted = /(?:^|\s)-?o\s*([\w,%=-]+)/.exec(args ?? "");
  if (wanted) {
    const chosen = wanted[1]!.split(",").map((name) => {
      const column = columns[name.toLowerCase()];
      if (!column) throw systemError(`ps: error: unknown user-defined format specifier "${name}"`);
      return column;
    });
    if (!wanted[1]!.split(",").includes("pid")) throw systemError("Couldn't find PID field in ps output");
    return {
      Titles: chosen.map((column) => column.title),
      Processes: processes.map((process) => chosen.map((column) => column.value(process, 0))),
    };
  }
  if (args && /^-?aux/.test(args)) {
    const total = daemon.containerd.kernel.memoryBytes;
    return {
      Titles: ["USER", "PID", "%CPU", "%MEM", "VSZ", "RSS", "TTY", "STAT", "START", "TIME", "COMMAND"],
      Processes: processes.map((process) => {
        const elapsed = Math.max(1, process.now() - process.startedAt);
        return [
          process.context.user,
          String(process.pid),
          ((100 * process.cpuMs) / elapsed).toFixed(1),
          ((100 * process.memoryBytes) / total).toFixed(1),
          String(Math.floor((process.memoryBytes * 3) / 2048)),
          String(Math.floor(process.memoryBytes / 1024)),
          process.tty ? process.tty.name.replace("/dev/", "") : "?",
          "Ss",
          startClock(process.startedAt),
          `${Math.floor(process.cpuMs / 60_000)}:${String(Math.floor(process.cpuMs / 1000) % 60).padStart(2, "0")}`,
          process.argv.join(" "),
        ];
      }),
    };
  }
  return {
    Titles: ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
    Processes: processes.map((process) => [
      process.context.user,
      String(process.pid),
      String(process.parent?.pid ?? process.pid - 1),
      "0",
      startClock(process.startedAt),
      process.tty ? process.tty.name.replace("/dev/", "") : "?",
      clock(process.cpuMs),
      process.argv.join(" "),
    ]),
  };
}
