/** dockerd's socket in the file system of its host: the Engine API in HTTP, for whoever speaks it without the CLI. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { ApiRequest, ApiResponse, ApiStream, ServerFrame } from "../../base/door";
import { Signal, type Task, suspend } from "../../base/task";
import type { Header } from "../../net/http-header";
import { type ServerRequest, type ServerResponse, percentDecode, serveConnection } from "../../net/http";
import { listenUnix } from "../../net/unix";
import type { Inode } from "../../os/inode";
import type { Daemon } from "./daemon";

export const SOCKET_PATH = "/var/run/docker.sock";

const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";
const RAW = "application/vnd.docker.raw-stream";

type Handle = (request: ApiRequest) => Task<ApiResponse>;

const sockets = new WeakMap<Daemon, Inode>();

/** Whether a path of some file system is this daemon's socket, itself or bind-mounted from the host. */
export const isSocketOf = (daemon: Daemon, node: Inode | undefined): boolean =>
  node !== undefined && sockets.get(daemon) === node;

/** Listens for as long as the daemon lives. */
export function listenOnSocket(daemon: Daemon, handle: Handle): void {
  const { process } = daemon;
  process.fs.makeDirs(SOCKET_PATH.slice(0, SOCKET_PATH.lastIndexOf("/")));
  const listener = listenUnix(process, SOCKET_PATH);
  sockets.set(daemon, process.fs.lookup(SOCKET_PATH));
  process.thread(
    (function* (): Task<void> {
      for (;;) {
        const connection = yield* listener.accept();
        process.thread(
          serveConnection(process, connection, {}, function* (request) {
            return responseOf(daemon, request, yield* handle(requestOf(request)));
          }),
        );
      }
    })(),
  );
}

function requestOf(request: ServerRequest): ApiRequest {
  const query: Record<string, string[]> = {};
  const mark = request.target.indexOf("?");
  for (const pair of mark < 0 ? [] : request.target.slice(mark + 1).split("&")) {
    if (pair === "") continue;
    const [name = "", value = ""] = pair.split(/=(.*)/s).map((text) => percentDecode(text.replaceAll("+", " ")));
    (query[name] ??= []).push(value);
  }
  const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
  const body = bodyOf(request.body, headers["content-type"] ?? "");
  return {
    method: request.method as ApiRequest["method"],
    path: request.path,
    query,
    headers,
    ...(body === undefined ? {} : { body }),
  };
}

function bodyOf(body: Bytes, type: string): unknown {
  if (body === "") return undefined;
  if (!/json/.test(type)) return body;
  try {
    return JSON.parse(decodeUtf8(body)) as unknown;
  } catch {
    return body;
  }
}

function responseOf(daemon: Daemon, request: ServerRequest, answer: ApiResponse): ServerResponse {
  const { facts } = daemon;
  const headers: Header[] = [
    ["Api-Version", facts.apiVersion],
    ["Docker-Experimental", "false"],
    ["Ostype", "linux"],
    ["Server", `Docker/${facts.version} (linux)`],
  ];
  const own = Object.entries(answer.headers ?? {})
    .filter(([name]) => !["api-version", "docker-experimental", "ostype", "server"].includes(name))
    .map(([name, value]): Header => [name.replace(/(^|-)\w/g, (letter) => letter.toUpperCase()), value]);
  const typed = own.some(([name]) => name === "Content-Type");
  const withType = (type: string): readonly Header[] => [
    ...headers,
    ...(typed ? [] : [["Content-Type", type] as const]),
    ...own,
  ];
  if (answer.stream) {
    const output = outputOf(daemon, request.path);
    const status = answer.status === 101 ? 200 : answer.status;
    return {
      status,
      headers: withType(output ?? "application/json"),
      body: (write) => follow(answer.stream!, output === MULTIPLEXED, write),
    };
  }
  const { body, status } = answer;
  if (body === undefined) return { status, headers: [...headers, ...own] };
  if (typeof body === "string") return { status, headers: withType("text/plain; charset=utf-8"), body: body as Bytes };
  return { status, headers: withType("application/json"), body: encodeUtf8(`${JSON.stringify(body)}\n`) };
}

/** How output of a container or of a command in one is sent; undefined for what is no output. */
function outputOf(daemon: Daemon, path: string): string | undefined {
  const [, kind, name, what] = /^(?:\/v[\d.]+)?\/(containers|exec)\/([^/]+)\/(attach|logs|start)$/.exec(path) ?? [];
  if (kind === undefined || (kind === "containers") === (what === "start")) return undefined;
  const isTty =
    kind === "exec" ? daemon.execs.get(name!)?.tty : (daemon.byName(name!) ?? daemon.containers.get(name!))?.config.Tty;
  return isTty ? RAW : MULTIPLEXED;
}

/** Writes what a stream gives, as it comes, until it ends or the client is gone. */
function* follow(stream: ApiStream, framed: boolean, write: (chunk: Bytes) => Task<void>): Task<void> {
  const queue: ServerFrame[] = [];
  const changed = new Signal();
  let isOver = false;
  stream.open({
    frame(frame) {
      queue.push(frame);
      changed.ring();
    },
    end() {
      isOver = true;
      changed.ring();
    },
  });
  try {
    for (;;) {
      const frame = queue.shift();
      if (frame) yield* write(encode(frame, framed));
      else if (isOver) return;
      else yield* suspend(changed.wait);
    }
  } finally {
    if (!isOver) stream.cancel();
  }
}

function encode(frame: ServerFrame, framed: boolean): Bytes {
  if (frame.channel === "message") return encodeUtf8(`${JSON.stringify(frame.value)}\r\n`);
  if (!framed) return frame.bytes;
  const { length } = frame.bytes;
  const head = [frame.channel === "stdout" ? 1 : 2, 0, 0, 0, length >>> 24, length >>> 16, length >>> 8, length];
  return (head.map((byte) => String.fromCharCode(byte & 255)).join("") + frame.bytes) as Bytes;
}
