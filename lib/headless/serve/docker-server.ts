/** The Docker Engine API of a machine over HTTP, on a unix socket or a TCP port of the loopback. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { Duplex } from "node:stream";
import { gunzipSync } from "node:zlib";
import type { ApiRequest, ApiResponse, ApiStream, ServerFrame } from "@/simulator";
import type { Driver } from "./driver";
import {
  deepFreeze,
  fromBytes,
  headersOf,
  queryOf,
  readBody,
  readUpgradeBody,
  refuseUpgrade,
  toBytes,
} from "./http-body";

const RAW = "application/vnd.docker.raw-stream";
const MULTIPLEXED = "application/vnd.docker.multiplexed-stream";

export function createDockerServer(driver: Driver): Server {
  const server = createServer(
    (request, response) => void serve(driver, request, response).catch(() => response.destroy()),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    upgrade(driver, request, socket, head).catch(() => socket.destroy());
  });
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  return server;
}

async function serve(driver: Driver, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const raw = await readBody(incoming);
  const request = readRequest(driver, incoming, raw, response);
  if (!request) return;
  const isHead = incoming.method === "HEAD";
  const answered = driver.waitFor("answer");
  let isOver = false;
  const cancel = driver.do(() =>
    driver.machine.docker(request, (answer) => {
      isOver = true;
      answered();
      if (!answer) response.destroy();
      else if (answer.stream) follow(driver, request, answer, response);
      else send(driver, response, answer, isHead);
    }),
  );
  response.on("close", answered);
  // Whoever waits for an end has the head of the answer at once: the CLI starts the container only then.
  if (!isOver && /\/wait$/.test(request.path)) {
    response.writeHead(200, { ...versionHeaders(driver), "content-type": "application/json" });
    response.flushHeaders();
    response.on("close", () => isOver || driver.do(cancel));
  }
}

function readRequest(
  driver: Driver,
  incoming: IncomingMessage,
  raw: Buffer,
  response: ServerResponse,
): ApiRequest | undefined {
  try {
    return requestOf(incoming, raw);
  } catch (error) {
    send(driver, response, { status: 400, body: { message: (error as Error).message } }, false);
    return undefined;
  }
}

function requestOf(incoming: IncomingMessage, raw: Buffer): ApiRequest {
  const url = new URL(incoming.url ?? "/", "http://docker");
  const body = bodyOf(raw, incoming.headers["content-type"] ?? "");
  return {
    method: (incoming.method ?? "GET") as ApiRequest["method"],
    path: decodeURIComponent(url.pathname),
    query: queryOf(url.searchParams),
    headers: headersOf(incoming),
    ...(body === undefined ? {} : { body }),
  };
}

/** JSON as objects, archives as bytes. */
function bodyOf(raw: Buffer, contentType: string): unknown {
  if (raw.length === 0) return undefined;
  if (/json/.test(contentType)) return deepFreeze(JSON.parse(raw.toString("utf8")) as unknown);
  const isGzip = raw[0] === 0x1f && raw[1] === 0x8b;
  return toBytes(isGzip ? gunzipSync(raw) : raw);
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

function versionHeaders(driver: Driver): Record<string, string> {
  const { headers = {} } = driver.machine.observe.docker({ method: "GET", path: "/_ping" }) ?? {};
  const kept = ["api-version", "docker-experimental", "ostype", "server"];
  return Object.fromEntries(kept.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]!]])));
}

function headersFor(driver: Driver, answer: ApiResponse): Record<string, string> {
  const headers: Record<string, string> = { ...versionHeaders(driver), ...answer.headers };
  const stat = headers["x-docker-container-path-stat"];
  if (stat !== undefined) headers["x-docker-container-path-stat"] = Buffer.from(stat, "utf8").toString("base64");
  return headers;
}

function payloadOf(answer: ApiResponse): { readonly type: string; readonly body: Buffer } {
  const { body } = answer;
  if (body === undefined) return { type: "", body: Buffer.alloc(0) };
  if (typeof body !== "string")
    return { type: "application/json", body: Buffer.from(`${JSON.stringify(body)}\n`, "utf8") };
  const isArchive = answer.headers?.["content-type"] === "application/x-tar";
  return { type: "text/plain; charset=utf-8", body: isArchive ? fromBytes(body) : Buffer.from(body, "utf8") };
}

function send(driver: Driver, response: ServerResponse, answer: ApiResponse, isHead: boolean): void {
  const { type, body } = payloadOf(answer);
  if (response.headersSent) {
    response.end(body);
    return;
  }
  const hasBody = body.length > 0 && !isHead && answer.status !== 204 && answer.status !== 304;
  response.writeHead(answer.status, {
    ...(type === "" || isHead ? {} : { "content-type": type }),
    ...headersFor(driver, answer),
    ...(hasBody
      ? { "content-length": body.length }
      : answer.status === 204 || answer.status === 304
        ? {}
        : { "content-length": 0 }),
  });
  response.end(hasBody ? body : undefined);
}

/** Progress and events, one JSON value a line; output of containers in frames, or as it is where they have a terminal. */
function follow(driver: Driver, request: ApiRequest, answer: ApiResponse, response: ServerResponse): void {
  const output = outputOf(driver, request);
  const status = answer.status === 101 ? 200 : answer.status;
  response.writeHead(status, { "content-type": output?.type ?? "application/json", ...headersFor(driver, answer) });
  response.flushHeaders();
  const stream = answer.stream!;
  const done = driver.waitFor("stream");
  let over = false;
  response.on("close", () => {
    done();
    if (over) return;
    over = true;
    driver.do(() => stream.cancel());
  });
  stream.open({
    frame: (frame) => over || response.write(encodeFrame(frame, output?.isRaw ?? true)),
    end: (error) => {
      over = true;
      done();
      if (error === undefined) response.end();
      else response.destroy();
    },
  });
}

interface Output {
  readonly isRaw: boolean;
  readonly type: string;
}

/** How the output of a container or of a command in one is sent; undefined for what is no output. */
function outputOf(driver: Driver, { path }: ApiRequest): Output | undefined {
  const plain = path.replace(/^\/v[\d.]+/, "");
  const read = (what: string): unknown => driver.machine.observe.docker({ method: "GET", path: what })?.body;
  const container = /^\/containers\/([^/]+)\/(attach|logs)$/.exec(plain);
  const command = /^\/exec\/([^/]+)\/start$/.exec(plain);
  let isRaw: boolean;
  if (container)
    isRaw =
      (read(`/containers/${container[1]}/json`) as { Config?: { Tty?: boolean } } | undefined)?.Config?.Tty === true;
  else if (command)
    isRaw =
      (read(`/exec/${command[1]}/json`) as { ProcessConfig?: { tty?: boolean } } | undefined)?.ProcessConfig?.tty ===
      true;
  else return undefined;
  return { isRaw, type: isRaw ? RAW : MULTIPLEXED };
}

function encodeFrame(frame: ServerFrame, isRaw: boolean): Buffer {
  if (frame.channel === "message") return Buffer.from(`${JSON.stringify(frame.value)}\r\n`, "utf8");
  const bytes = fromBytes(frame.bytes);
  if (isRaw) return bytes;
  const head = Buffer.alloc(8);
  head[0] = frame.channel === "stdout" ? 1 : 2;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

// ---- hijacked connections ------------------------------------------------------------------------------------------------------

async function upgrade(driver: Driver, incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const length = Number(incoming.headers["content-length"] ?? 0);
  const { body, rest } = await readUpgradeBody(socket, head, length);
  const request = requestOf(incoming, body);
  const answered = driver.waitFor("answer");
  driver.do(() =>
    driver.machine.docker(request, (answer) => {
      answered();
      if (!answer) socket.destroy();
      else if (answer.stream) hijack(driver, request, answer.stream, socket, rest);
      else {
        const { type, body: payload } = payloadOf(answer);
        refuseUpgrade(
          socket,
          answer.status,
          { ...(type ? { "content-type": type } : {}), ...headersFor(driver, answer) },
          payload,
        );
      }
    }),
  );
}

function hijack(driver: Driver, request: ApiRequest, stream: ApiStream, socket: Duplex, rest: Buffer): void {
  const { isRaw, type } = outputOf(driver, request) ?? { isRaw: true, type: RAW };
  socket.write(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
  const done = driver.waitFor("stream");
  let over = false;
  const input = (bytes: Buffer): void => {
    if (bytes.length > 0) driver.do(() => over || stream.send({ channel: "stdin", bytes: toBytes(bytes) }));
  };
  stream.open({
    frame: (frame) => over || socket.write(encodeFrame(frame, isRaw)),
    end: () => {
      over = true;
      done();
      socket.end();
    },
  });
  input(rest);
  socket.on("data", input);
  socket.on("end", () => driver.do(() => over || stream.send({ channel: "stdin-end" })));
  socket.on("close", () => {
    done();
    if (over) return;
    over = true;
    driver.do(() => stream.cancel());
  });
  socket.resume();
}
