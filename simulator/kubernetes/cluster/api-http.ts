/** The API server on its port: HTTP over TLS for whatever speaks it inside the world (curl, programs in Pods). */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { ApiRequest } from "../../base/door";
import { Deferred, Signal, suspend, type Task } from "../../base/task";
import { type Header, headerOf, type ServerRequest, type ServerResponse, serveHttp } from "../../net/http";
import type { Certificate } from "../../net/tls";
import type { Process } from "../../os/process";
import { goJson } from "../../text/go-json";
import { wireForm } from "../apimachinery/wire-form";
import type { Transport } from "../apimachinery/transport";
import { isTransportFailure, settled } from "../apimachinery/transport";

const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** Serves until the process ends. */
export function* serveApi(process: Process, port: number, certificate: Certificate, server: Transport): Task<never> {
  return yield* serveHttp(process, { port, tls: () => certificate }, function* (request) {
    return yield* respond(request, server);
  });
}

function* respond(request: ServerRequest, server: Transport): Task<ServerResponse> {
  if (!METHODS.includes(request.method)) return plain(405, "Method Not Allowed");
  const authorization = headerOf(request.headers, "authorization") ?? "";
  const token = /^Bearer\s+(.+)$/i.exec(authorization)?.[1];
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) headers[name.toLowerCase()] = value;
  const query = queryOf(request.target);
  const body = bodyOf(request);
  const first = server.request({
    method: request.method as ApiRequest["method"],
    path: request.path,
    query,
    headers,
    ...(body === undefined ? {} : { body }),
    ...(token === undefined ? {} : { credentials: { token } }),
  });
  if (isTransportFailure(first)) return plain(503, first.failure);
  const answer = yield* settled(first);
  const type =
    answer.headers?.["content-type"] ?? (typeof answer.body === "string" ? "text/plain" : "application/json");
  const common: Header[] = [
    ["Cache-Control", "no-cache, private"],
    ["Content-Type", type],
  ];
  const { stream } = answer;
  if (!stream) {
    const agent = headers["user-agent"] ?? "";
    const isForEyes = /^(curl|Wget|Mozilla)/.test(agent) || query["pretty"]?.[0] === "true";
    const text =
      typeof answer.body === "string"
        ? answer.body
        : answer.body === undefined
          ? ""
          : `${goJson(wireForm(answer.body), { sortKeys: false, ...(isForEyes ? { indent: "  " } : {}) })}${isForEyes ? "" : "\n"}`;
    return { status: answer.status, headers: common, body: encodeUtf8(text) };
  }
  return {
    status: answer.status === 101 ? 200 : answer.status,
    headers: common,
    *body(write) {
      const chunks: string[] = [];
      const over = new Deferred<void>();
      const changed = new Signal();
      stream.open({
        frame(frame) {
          chunks.push(frame.channel === "message" ? encodeUtf8(`${JSON.stringify(frame.value)}\n`) : frame.bytes);
          changed.ring();
        },
        end() {
          over.resolve();
          changed.ring();
        },
      });
      try {
        for (;;) {
          while (chunks.length > 0) yield* write(chunks.shift() as never);
          if (over.settled) return;
          yield* suspend(changed.wait);
        }
      } finally {
        stream.cancel();
      }
    },
  };
}

const plain = (status: number, text: string): ServerResponse => ({
  status,
  headers: [["Content-Type", "text/plain; charset=utf-8"]],
  body: encodeUtf8(`${text}\n`),
});

function bodyOf(request: ServerRequest): unknown {
  if (request.body === "") return undefined;
  try {
    return JSON.parse(decodeUtf8(request.body));
  } catch {
    return decodeUtf8(request.body);
  }
}

function queryOf(target: string): Record<string, readonly string[]> {
  const at = target.indexOf("?");
  const query: Record<string, string[]> = {};
  if (at < 0) return query;
  for (const pair of target.slice(at + 1).split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    (query[key] ??= []).push(equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
