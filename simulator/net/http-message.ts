/** HTTP/1.1 messages as bytes: reading them off a connection and writing them. */
import { type Bytes, NO_BYTES } from "../base/bytes";
import type { Task } from "../base/task";
import { type Header, headerOf } from "./http-header";

/** What bytes come from: a connection, or anything that reads. */
export interface ByteSource {
  read(max?: number): Task<Bytes>;
}

export interface MessageHead {
  /** `GET / HTTP/1.1` or `HTTP/1.1 200 OK`. */
  readonly startLine: string;
  readonly headers: readonly Header[];
  /** As it came, with the empty line. */
  readonly raw: Bytes;
}

/** Thrown where bytes are not HTTP. */
export class HttpSyntaxError extends Error {
  override name = "HttpSyntaxError";
}

const HEAD_BYTES_MAX = 64 * 1024;

/** Reads messages off a stream, keeping what belongs to the next one. */
export class HttpReader {
  readonly #source: ByteSource;
  #rest = "";
  #ended = false;

  constructor(source: ByteSource, rest: Bytes = NO_BYTES) {
    this.#source = source;
    this.#rest = rest;
  }

  /** Bytes read ahead: what an upgraded protocol starts with. */
  get rest(): Bytes {
    return this.#rest as Bytes;
  }

  *#fill(): Task<boolean> {
    if (this.#ended) return false;
    const chunk = yield* this.#source.read(65_536);
    if (chunk === NO_BYTES) {
      this.#ended = true;
      return false;
    }
    this.#rest += chunk;
    return true;
  }

  /** The next head; undefined when the stream ends before one begins. */
  *head(): Task<MessageHead | undefined> {
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (end) {
        const raw = this.#rest.slice(0, end.index + end[0].length) as Bytes;
        this.#rest = this.#rest.slice(raw.length);
        const [startLine, ...lines] = raw.trimEnd().split(/\r?\n/);
        const headers: Header[] = [];
        for (const line of lines) {
          const colon = line.indexOf(":");
          if (colon <= 0) throw new HttpSyntaxError(line);
          headers.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
        }
        return { startLine: startLine!, headers, raw };
      }
      // Every start line begins with a method or with HTTP/: refuse other bytes at once.
      if (this.#rest !== "" && !/^[A-Z/]/i.test(this.#rest)) throw new HttpSyntaxError(this.#rest.slice(0, 16));
      if (this.#rest.length > HEAD_BYTES_MAX) throw new HttpSyntaxError("head too long");
      if (!(yield* this.#fill())) {
        if (this.#rest !== "") throw new HttpSyntaxError(this.#rest.slice(0, 16));
        return undefined;
      }
    }
  }

  *#exactly(count: number): Task<Bytes | undefined> {
    while (this.#rest.length < count) if (!(yield* this.#fill())) return undefined;
    const bytes = this.#rest.slice(0, count) as Bytes;
    this.#rest = this.#rest.slice(count);
    return bytes;
  }

  *#line(): Task<string | undefined> {
    for (;;) {
      const at = this.#rest.indexOf("\n");
      if (at >= 0) {
        const line = this.#rest.slice(0, at).replace(/\r$/, "");
        this.#rest = this.#rest.slice(at + 1);
        return line;
      }
      if (!(yield* this.#fill())) return undefined;
    }
  }

  /**
   * Hands the body to `sink` as it comes. `toEnd`: without a length the body goes on to the end of the stream
   * (responses). False when the stream ended too early.
   */
  *body(headers: readonly Header[], toEnd: boolean, sink: (chunk: Bytes) => Task<void>): Task<boolean> {
    if (/\bchunked\b/i.test(headerOf(headers, "transfer-encoding") ?? "")) {
      for (;;) {
        const line = yield* this.#line();
        if (line === undefined) return false;
        const size = Number.parseInt(line, 16);
        if (Number.isNaN(size)) throw new HttpSyntaxError(line);
        if (size === 0) {
          for (let trailer = yield* this.#line(); trailer !== undefined && trailer !== ""; )
            trailer = yield* this.#line();
          return true;
        }
        const chunk = yield* this.#exactly(size);
        if (chunk === undefined) return false;
        yield* this.#exactly(2);
        yield* sink(chunk);
      }
    }
    const length = headerOf(headers, "content-length");
    if (length !== undefined) {
      let left = Number(length);
      while (left > 0) {
        if (this.#rest === "" && !(yield* this.#fill())) return false;
        const part = this.#rest.slice(0, left) as Bytes;
        this.#rest = this.#rest.slice(part.length);
        left -= part.length;
        yield* sink(part);
      }
      return true;
    }
    if (!toEnd) return true;
    do {
      if (this.#rest !== "") {
        const part = this.#rest as Bytes;
        this.#rest = "";
        yield* sink(part);
      }
    } while (yield* this.#fill());
    return true;
  }
}

export function formatHead(startLine: string, headers: readonly Header[]): Bytes {
  return `${startLine}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n` as Bytes;
}

const reasons: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
  206: "Partial Content",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  411: "Length Required",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Entity",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

export const reasonOf = (status: number): string => reasons[status] ?? "";
