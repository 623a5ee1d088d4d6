/** One HTTP GET over a simulated connection, with Go's words for failures: for probes and hooks. */
import type { Bytes } from "../../base/bytes";
import { decodeUtf8 } from "../../base/bytes";
import { failure, ok, type Result } from "../../base/result";
import type { Task } from "../../base/task";
import { netOf } from "../../net/netns";
import { startTls } from "../../net/tls";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { within } from "./within";

export interface HttpTarget {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const BODY_BYTES_MAX = 10 * 1024;

/** `connect: connection refused`, as net.OpError words a failed system call. */
export function dialFailure(error: SysError, address: string): string {
  const what: Partial<Record<SysError["code"], string>> = {
    ECONNREFUSED: "connect: connection refused",
    EHOSTUNREACH: "connect: no route to host",
    ENETUNREACH: "connect: network is unreachable",
    ETIMEDOUT: "i/o timeout",
  };
  return `dial tcp ${address}: ${what[error.code] ?? `connect: ${error.text.toLowerCase()}`}`;
}

export const urlOf = ({ scheme, host, port, path }: HttpTarget): string =>
  `${scheme}://${host}:${port}${path.startsWith("/") ? "" : "/"}${path}`;

/** The error is what http.Client.Do returns. */
export function* httpGet(process: Process, target: HttpTarget, timeoutMs: number): Task<Result<HttpAnswer, string>> {
  const url = urlOf(target);
  const timedOut = `Get "${url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
  const address = `${target.host}:${target.port}`;
  try {
    const answer = yield* within(process, timeoutMs, exchange(process, target, timeoutMs));
    return answer === undefined ? failure(timedOut) : answer;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.code === "ETIMEDOUT") return failure(timedOut);
    if (error.code === "ECONNRESET" || error.code === "EPIPE")
      return failure(`Get "${url}": read tcp ${address}: read: connection reset by peer`);
    return failure(`Get "${url}": ${dialFailure(error, address)}`);
  }
}

function* exchange(process: Process, target: HttpTarget, timeoutMs: number): Task<Result<HttpAnswer, string>> {
  const connection = yield* netOf(process).connect(process, { address: target.host, port: target.port, timeoutMs });
  try {
    if (target.scheme === "https") {
      // Probes do not check certificates.
      const hello = yield* startTls(connection, target.host);
      if (hello.kind !== "ok")
        return failure(
          `Get "${urlOf(target)}": ${hello.kind === "closed" ? "EOF" : "http: server gave HTTP response to HTTPS client"}`,
        );
    }
    const hasHost = target.headers.some((header) => header.name.toLowerCase() === "host");
    const hasAgent = target.headers.some((header) => header.name.toLowerCase() === "user-agent");
    const hasAccept = target.headers.some((header) => header.name.toLowerCase() === "accept");
    const path = target.path.startsWith("/") ? target.path : `/${target.path}`;
    const head = [
      `GET ${path} HTTP/1.1`,
      ...(hasHost ? [] : [`Host: ${target.host}:${target.port}`]),
      ...(hasAgent ? [] : ["User-Agent: kube-probe/1.36"]),
      ...(hasAccept ? [] : ["Accept: */*"]),
      ...target.headers.map((header) => `${header.name}: ${header.value}`),
      "Connection: close",
      "",
      "",
    ].join("\r\n");
    yield* connection.write(head as Bytes);
    let text = "";
    for (;;) {
      const chunk = yield* connection.read();
      if (chunk === "") break;
      text += chunk;
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const length = /^content-length:\s*(\d+)/im.exec(text.slice(0, end));
      if (text.length - end - 4 >= Math.min(length ? Number(length[1]) : BODY_BYTES_MAX, BODY_BYTES_MAX)) break;
    }
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(text);
    const url = urlOf(target);
    if (!status) return failure(text === "" ? `Get "${url}": EOF` : `Get "${url}": malformed HTTP response`);
    const end = text.indexOf("\r\n\r\n");
    return ok({ status: Number(status[1]), body: decodeUtf8(text.slice(end + 4, end + 4 + BODY_BYTES_MAX) as Bytes) });
  } finally {
    connection.close();
  }
}
