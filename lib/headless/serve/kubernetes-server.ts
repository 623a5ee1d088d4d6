/** The Kubernetes API of a machine over HTTPS: requests and answers; what is upgraded goes to kubernetes-streams.ts. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Server, createServer } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { parse as parseYaml } from "yaml";
import type { ApiResponse, NoAnswer, OutsideKubernetesRequest } from "@/simulator";
import type { CertificateAuthority } from "./certificates";
import type { Driver } from "./driver";
import { deepFreeze, fromBytes, headersOf, queryOf, readBody, refuseUpgrade } from "./http-body";
import { type Session, serveSession } from "./kubernetes-streams";
import { decodeProtobuf } from "./protobuf";

/** Where the API is served, by default and as the certificate says. */
const NAMES = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "127.0.0.1"];

/**
 * kubectl asks for the old form of the schema for objects of kind List alone, in protobuf, and skips its own validation
 * of what it does not find there; the server then checks each object of the list as it is written.
 */
const OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
const EMPTY_OPENAPI_V2 = Buffer.from("\x0a\x032.0\x12\x0c\x0a\x0aKubernetes", "latin1");

export function createKubernetesServer(driver: Driver, authority: CertificateAuthority): Server {
  const { certificate, key } = authority.server(NAMES);
  const server = createServer(
    { cert: certificate, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => void serve(driver, request, response).catch(() => response.destroy()),
  );
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    try {
      upgrade(driver, request, socket, head);
    } catch {
      socket.destroy();
    }
  });
  // Watches and followed logs last.
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  server.keepAliveTimeout = 120_000;
  return server;
}

async function serve(driver: Driver, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const raw = await readBody(incoming);
  let request: OutsideKubernetesRequest;
  try {
    request = readRequest(incoming, raw);
  } catch (error) {
    sendStatus(response, 400, "BadRequest", (error as Error).message);
    return;
  }
  if (!hasGoodCertificate(incoming)) {
    sendStatus(response, 401, "Unauthorized", "Unauthorized");
    return;
  }
  if (request.path === "/openapi/v2" && request.headers?.accept?.includes(OPENAPI_V2)) {
    response.writeHead(200, {
      "content-type": OPENAPI_V2.replace("@", "."),
      "content-length": EMPTY_OPENAPI_V2.length,
    });
    response.end(EMPTY_OPENAPI_V2);
    return;
  }
  const answer = driver.do(() => driver.machine.kubernetes(request));
  if ("failure" in answer) {
    // Nobody listens there any more: clients see the connection break.
    response.destroy();
    return;
  }
  if (answer.stream) follow(driver, answer, incoming, response);
  else send(response, await whole(driver, answer), incoming.method === "HEAD");
}

/** A proxied request is answered when the Pod has answered. */
function whole(driver: Driver, answer: ApiResponse): Promise<ApiResponse> {
  if (!("later" in answer)) return Promise.resolve(answer);
  const { later } = answer as ApiResponse & { later(done: (response: ApiResponse) => void): unknown };
  const arrived = driver.waitFor("answer");
  return new Promise((resolve) => {
    driver.do(() =>
      later((response) => {
        arrived();
        resolve(response);
      }),
    );
  });
}

function readRequest(incoming: IncomingMessage, raw: Buffer): OutsideKubernetesRequest {
  const url = new URL(incoming.url ?? "/", "https://kubernetes");
  const body = readObject(raw, incoming.headers["content-type"] ?? "");
  return {
    method: (incoming.method ?? "GET") as OutsideKubernetesRequest["method"],
    path: url.pathname,
    query: queryOf(url.searchParams),
    headers: headersOf(incoming),
    ...(body === undefined ? {} : { body: deepFreeze(body) }),
    credentials: credentialsOf(incoming),
  };
}

function readObject(raw: Buffer, contentType: string): unknown {
  if (raw.length === 0) return undefined;
  const type = contentType.split(";")[0]!.trim();
  if (type === "application/vnd.kubernetes.protobuf") return decodeProtobuf(raw);
  const text = raw.toString("utf8");
  if (type.endsWith("yaml")) return parseYaml(text) as unknown;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`couldn't get version/kind; json parse error: ${goJsonError(text)}`);
  }
}

/** What Go's encoding/json says of the commonest faults. */
function goJsonError(text: string): string {
  const first = text.trimStart()[0];
  if (first === undefined) return "unexpected end of JSON input";
  if (!/[[{"\dtfn-]/.test(first)) return `invalid character '${first}' looking for beginning of value`;
  return "unexpected end of JSON input";
}

// ---- who asks ------------------------------------------------------------------------------------------------------------

const certificateOf = (incoming: IncomingMessage) => (incoming.socket as TLSSocket).getPeerCertificate();

/** A certificate need not be shown; one that is shown must be ours. */
function hasGoodCertificate(incoming: IncomingMessage): boolean {
  const socket = incoming.socket as TLSSocket;
  return socket.authorized || Object.keys(certificateOf(incoming) ?? {}).length === 0;
}

function credentialsOf(incoming: IncomingMessage): NonNullable<OutsideKubernetesRequest["credentials"]> {
  const subject = certificateOf(incoming)?.subject as { CN?: string; O?: string | string[] } | undefined;
  const values = (name: string): string[] =>
    incoming.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1]!.toLowerCase() === name);
  const user = values("impersonate-user")[0];
  const uid = values("impersonate-uid")[0];
  return {
    ...(subject?.CN
      ? { certificate: { commonName: subject.CN, organizations: subject.O === undefined ? [] : [subject.O].flat() } }
      : {}),
    ...(user === undefined
      ? {}
      : { impersonate: { user, groups: values("impersonate-group"), ...(uid === undefined ? {} : { uid }) } }),
  };
}

// ---- answers ---------------------------------------------------------------------------------------------------------------

const bodyOf = (answer: ApiResponse): Buffer =>
  answer.body === undefined
    ? Buffer.alloc(0)
    : typeof answer.body === "string"
      ? Buffer.from(answer.body, "utf8")
      : Buffer.from(`${JSON.stringify(answer.body)}\n`, "utf8");

const headersFor = (answer: ApiResponse): Record<string, string> => ({
  "content-type": typeof answer.body === "string" ? "text/plain" : "application/json",
  ...answer.headers,
  "cache-control": "no-cache, private",
});

function send(response: ServerResponse, answer: ApiResponse, isHead: boolean): void {
  const body = bodyOf(answer);
  response.writeHead(answer.status, { ...headersFor(answer), "content-length": body.length });
  response.end(isHead ? undefined : body);
}

function sendStatus(response: ServerResponse, code: number, reason: string, message: string): void {
  send(response, { status: code, body: statusOf(code, reason, message) }, false);
}

const statusOf = (code: number, reason: string, message: string) => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message,
  reason,
  code,
});

/** A watch, one JSON value a line, or a log that is followed. */
function follow(driver: Driver, answer: ApiResponse, incoming: IncomingMessage, response: ServerResponse): void {
  const stream = answer.stream!;
  response.writeHead(answer.status, headersFor(answer));
  response.flushHeaders();
  const done = driver.waitFor("stream");
  let over = false;
  response.on("close", () => {
    done();
    if (over) return;
    over = true;
    driver.do(() => stream.cancel());
  });
  driver.do(() =>
    stream.open({
      frame: (frame) => {
        if (over) return;
        response.write(frame.channel === "message" ? `${JSON.stringify(frame.value)}\n` : fromBytes(frame.bytes));
      },
      end: (error) => {
        over = true;
        done();
        if (error === undefined) response.end();
        else incoming.socket.destroy();
      },
    }),
  );
}

// ---- exec, attach, port-forward ----------------------------------------------------------------------------------------------

function upgrade(driver: Driver, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
  const refuse = (answer: ApiResponse): void =>
    refuseUpgrade(socket, answer.status, headersFor(answer), bodyOf(answer));
  if (!hasGoodCertificate(incoming)) {
    refuse({ status: 401, body: statusOf(401, "Unauthorized", "Unauthorized") });
    return;
  }
  const request = readRequest(incoming, Buffer.alloc(0));
  const ask = (query: Record<string, string[]> = {}): ApiResponse | NoAnswer =>
    driver.do(() => driver.machine.kubernetes({ ...request, query: { ...request.query, ...query } }));
  const session: Session = {
    driver,
    incoming,
    socket,
    head,
    path: request.path,
    query: request.query ?? {},
    ask,
    refuse,
  };
  serveSession(session);
}
