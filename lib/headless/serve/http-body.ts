/** Bodies between Node's buffers and the machine's plain objects and byte strings. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Bytes } from "@/simulator";

export const toBytes = (buffer: Buffer): Bytes => buffer.toString("latin1") as Bytes;

export const fromBytes = (bytes: string): Buffer => Buffer.from(bytes, "latin1");

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The body of a request that asks to upgrade: Node leaves it on the socket, its first bytes in `head`. */
export function readUpgradeBody(socket: Duplex, head: Buffer, length: number): Promise<{ body: Buffer; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let have = head;
    const done = (): boolean => {
      if (have.length < length) return false;
      socket.off("data", onData);
      socket.off("error", reject);
      socket.pause();
      resolve({ body: have.subarray(0, length), rest: have.subarray(length) });
      return true;
    };
    const onData = (part: Buffer): void => {
      have = Buffer.concat([have, part]);
      done();
    };
    if (done()) return;
    socket.on("data", onData);
    socket.once("error", reject);
  });
}

/** Query values by name; a repeated name keeps all of them. */
export function queryOf(search: URLSearchParams): Record<string, string[]> {
  const query: Record<string, string[]> = {};
  for (const [name, value] of search) (query[name] ??= []).push(value);
  return query;
}

/** Header values as the machine takes them: one text each. */
export function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return headers;
}

/** Objects inside the machine are frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/** A whole HTTP/1.1 answer on a socket that will not be upgraded. */
export function refuseUpgrade(socket: Duplex, status: number, headers: Record<string, string>, body: Buffer): void {
  const lines = Object.entries({ ...headers, "content-length": String(body.length), connection: "close" });
  socket.write(`HTTP/1.1 ${status} ${status}\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
  socket.end(body);
}
