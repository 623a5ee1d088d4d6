/** docker exec: a command beside the container's own, and docker attach: the container's own streams. */
import type { ApiResponse, ClientFrame } from "../../base/door";
import { encodeUtf8 } from "../../base/bytes";
import { type Task, suspend } from "../../base/task";
import { RuntimeFailure } from "../../containerd/api";
import { ApiFailure, badRequest, conflict } from "../api/failure";
import type { Attachment, DockerContainer, ExecRecord } from "./container";
import { COST, type Daemon } from "./daemon";
import { type StreamWriter, streamResponse } from "./streams";

export interface ExecBody {
  readonly Cmd?: readonly string[];
  readonly Tty?: boolean;
  readonly AttachStdin?: boolean;
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
  readonly Env?: readonly string[] | null;
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Privileged?: boolean;
  readonly DetachKeys?: string;
}

export function createExec(daemon: Daemon, name: string, body: ExecBody): ExecRecord {
  const container = daemon.container(name);
  if (!container.running || container.restarting) throw conflict(`container ${container.id} is not running`);
  if (container.paused) throw conflict(`Container ${name} is paused, unpause the container before exec`);
  if (!body.Cmd || body.Cmd.length === 0) throw badRequest("No exec command specified");
  const record: ExecRecord = {
    id: daemon.random.hex(64),
    container,
    command: body.Cmd,
    tty: body.Tty ?? false,
    attachStdin: body.AttachStdin ?? false,
    attachStdout: body.AttachStdout ?? false,
    attachStderr: body.AttachStderr ?? false,
    env: body.Env ?? [],
    user: body.User ?? "",
    workingDir: body.WorkingDir ?? "",
    privileged: body.Privileged ?? false,
    detachKeys: body.DetachKeys ?? "",
    started: undefined,
    exitCode: undefined,
    running: false,
  };
  container.execs.set(record.id, record);
  daemon.execs.set(record.id, record);
  daemon.publish(container, `exec_create: ${shown(record)}`, { execID: record.id });
  return record;
}

const shown = (record: ExecRecord): string => `${record.command[0]} ${record.command.slice(1).join(" ")}`;

/** Starts the process. Failures of runc are thrown; an unknown user is a bad request. */
function begin(
  daemon: Daemon,
  record: ExecRecord,
  size: { columns: number; rows: number } | undefined,
  writer: StreamWriter | undefined,
): void {
  const { container } = record;
  if (!container.running) throw conflict(`container ${container.id} is not running`);
  daemon.publish(container, `exec_start: ${shown(record)}`, { execID: record.id });
  try {
    record.started = daemon.containerd.exec(container.id, {
      args: record.command,
      env: record.env,
      cwd: record.workingDir,
      user: record.user,
      tty: record.tty,
      stdin: record.attachStdin,
      io: {
        stdout: (bytes) => writer?.stdout(bytes),
        stderr: (bytes) => writer?.stderr(bytes),
      },
      ...(size ? { size } : {}),
    });
  } catch (error) {
    if (error instanceof RuntimeFailure) {
      record.exitCode = error.exitCode;
      throw error;
    }
    if (error instanceof Error && error.message.startsWith("unable to find ")) {
      record.exitCode = 126;
      throw badRequest(error.message);
    }
    throw error;
  }
  record.running = true;
  record.started.process.ended.wait((status) => {
    record.running = false;
    record.exitCode = status.code;
    daemon.publish(container, "exec_die", { execID: record.id, exitCode: String(status.code) });
  });
}

export function* startExec(
  daemon: Daemon,
  id: string,
  body: { readonly Detach?: boolean; readonly Tty?: boolean; readonly ConsoleSize?: readonly [number, number] | null },
): Task<ApiResponse> {
  const record = daemon.exec(id);
  if (record.running) throw conflict(`Error: Exec command ${id} is already running`);
  if (record.exitCode !== undefined) throw conflict(`Error: Exec command ${id} has already run`);
  yield* daemon.wait(COST.exec);
  const size = body.ConsoleSize ? { columns: body.ConsoleSize[1], rows: body.ConsoleSize[0] } : undefined;
  if (body.Detach) {
    try {
      begin(daemon, record, size, undefined);
    } catch (error) {
      if (error instanceof RuntimeFailure) throw badRequest(error.message);
      throw error;
    }
    return { status: 200 };
  }
  // Checked before the stream begins, as upstream does before it hijacks the connection.
  checkUser(daemon, record);
  return streamResponse(
    daemon.loop,
    function* (writer) {
      try {
        begin(daemon, record, size, writer);
      } catch (error) {
        // The connection is already a raw stream: runc's words come on standard output.
        if (!(error instanceof RuntimeFailure) && !(error instanceof ApiFailure)) throw error;
        writer.stdout(encodeUtf8(`${error.message}\r\n`));
        return;
      }
      yield* suspend(record.started!.process.ended.wait);
      // Output written in the same instant still flows.
      yield (resume) => daemon.loop.soon(() => resume(undefined));
    },
    { status: 101, onFrame: (frame) => input(record.started, frame) },
  );
}

function checkUser(daemon: Daemon, record: ExecRecord): void {
  const user = record.user.split(":")[0] ?? "";
  if (user === "" || /^\d+$/.test(user)) return;
  const passwd = record.container.runtime.files().find("/etc/passwd");
  const text = passwd?.kind === "file" ? passwd.read() : "";
  if (!new RegExp(`^${user.replace(/[^\w-]/g, "\\$&")}:`, "m").test(text)) {
    record.exitCode = 126;
    void daemon;
    throw badRequest(`unable to find user ${user}: no matching entries in passwd file`);
  }
}

function input(started: ExecRecord["started"], frame: ClientFrame): void {
  if (!started) return;
  if (frame.channel === "stdin") started.writeStdin(frame.bytes);
  else if (frame.channel === "stdin-end") started.closeStdin();
  else started.resize(frame.columns, frame.rows);
}

export function inspectExec(record: ExecRecord) {
  return {
    ID: record.id,
    Running: record.running,
    ExitCode: record.exitCode ?? null,
    ProcessConfig: {
      tty: record.tty,
      entrypoint: record.command[0],
      arguments: record.command.slice(1),
      privileged: record.privileged,
      ...(record.user ? { user: record.user } : {}),
    },
    OpenStdin: record.attachStdin,
    OpenStderr: record.attachStderr,
    OpenStdout: record.attachStdout,
    CanRemove: record.exitCode !== undefined && !record.running,
    ContainerID: record.container.id,
    DetachKeys: record.detachKeys,
    Pid: record.running ? (record.started?.pid ?? 0) : 0,
  };
}

/** Attaches to a container that runs or is about to. The stream ends when the container does. */
export function attachContainer(
  daemon: Daemon,
  container: DockerContainer,
  options: {
    readonly stdin: boolean;
    readonly stdout: boolean;
    readonly stderr: boolean;
    readonly logs: boolean;
    readonly stream: boolean;
  },
): ApiResponse {
  if (container.paused) throw conflict(`container ${container.name} is paused, unpause the container before attach`);
  if (container.restarting && !container.running)
    throw conflict(`container ${container.name} is restarting, wait until the container is running`);
  daemon.publish(container, "attach");
  // Input that comes before the process does is kept for it.
  const early: ClientFrame[] = [];
  const deliver = (frame: ClientFrame): void => {
    const main = container.running ? container.runtime.main : undefined;
    if (!main) {
      early.push(frame);
      return;
    }
    input(main, frame);
  };
  const cancelled = { done: false };
  return streamResponse(
    daemon.loop,
    function* (writer) {
      if (options.logs)
        for (const line of container.log.all())
          if (line.stream === "stdout" ? options.stdout : options.stderr) writer[line.stream](line.text);
      if (!options.stream) return;
      const startsAt = container.exits;
      let over = false;
      const attachment: Attachment = {
        stdout: options.stdout ? (bytes) => writer.stdout(bytes) : undefined,
        stderr: options.stderr ? (bytes) => writer.stderr(bytes) : undefined,
        ended: () => {
          over = true;
          container.changed.ring();
        },
      };
      container.attachments.add(attachment);
      try {
        while (!over && !(container.exits > startsAt && !container.running)) {
          if (container.running && early.length > 0)
            for (const frame of early.splice(0)) input(container.runtime.main, frame);
          yield* suspend(container.changed.wait);
        }
      } finally {
        cancelled.done = true;
        container.attachments.delete(attachment);
        if (container.config.StdinOnce && options.stdin) container.runtime.main?.closeStdin();
      }
    },
    {
      status: 101,
      onFrame: (frame) => {
        if (cancelled.done) return;
        if (frame.channel !== "resize" && !options.stdin) return;
        // Only a client that opened stdin once closes it for good.
        if (frame.channel === "stdin-end" && !container.config.StdinOnce) return;
        deliver(frame);
      },
    },
  );
}
