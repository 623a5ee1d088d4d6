/**
 * SPDY/3.1 from the server's side, as little of it as Kubernetes' streams use: streams that the client opens, data both
 * ways, half-closes, resets and pings. Nobody in Kubernetes uses its flow control.
 */
import { type Deflate, type Inflate, constants, createDeflate, createInflate } from "node:zlib";

const WORDS =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status".split(
    " ",
  );
const MORE_WORDS = ["200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"];
const TAIL =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/** The preset dictionary that header blocks are compressed with (SPDY protocol, draft 3, 2.6.10.1). */
export const DICTIONARY = Buffer.concat([
  ...[...WORDS, ...MORE_WORDS].map((word) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(word.length);
    return Buffer.concat([length, Buffer.from(word, "latin1")]);
  }),
  Buffer.from(TAIL, "latin1"),
]);

const Type = { SynStream: 1, SynReply: 2, RstStream: 3, Ping: 6, GoAway: 7 } as const;

const FLAG_FIN = 1;

export class SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  onData: (data: Buffer) => void = () => {};
  /** The client has written its last byte, or reset the stream. */
  onEnd: (wasReset: boolean) => void = () => {};
  readonly #connection: SpdyConnection;
  #ended = false;

  constructor(connection: SpdyConnection, id: number, headers: ReadonlyMap<string, string>) {
    this.#connection = connection;
    this.id = id;
    this.headers = headers;
  }

  write(data: Buffer): void {
    if (!this.#ended && data.length > 0) this.#connection.sendData(this.id, data, false);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.sendData(this.id, Buffer.alloc(0), true);
  }
}

export class SpdyConnection {
  readonly #write: (bytes: Buffer) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate: Inflate = createInflate({ dictionary: DICTIONARY });
  readonly #deflate: Deflate = createDeflate({ dictionary: DICTIONARY });
  #pending: Buffer = Buffer.alloc(0);
  #isBusy = false;
  #closed = false;
  onStream: (stream: SpdyStream) => void = () => {};
  onClose: () => void = () => {};

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
    this.#inflate.on("error", () => this.close());
    this.#deflate.on("error", () => this.close());
  }

  /** Bytes of the client. */
  receive(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    void this.#pump();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.onEnd(true);
    this.#streams.clear();
    this.#inflate.close();
    this.#deflate.close();
    this.onClose();
  }

  sendData(id: number, data: Buffer, isLast: boolean): void {
    if (this.#closed) return;
    const head = Buffer.alloc(8);
    head.writeUInt32BE(id & 0x7fffffff);
    head.writeUInt32BE(((isLast ? FLAG_FIN : 0) << 24) | data.length, 4);
    this.#write(Buffer.concat([head, data]));
  }

  /** One frame after the other: header blocks share one compression state. */
  async #pump(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      while (!this.#closed && this.#pending.length >= 8) {
        const length = this.#pending.readUInt32BE(4) & 0xffffff;
        if (this.#pending.length < 8 + length) break;
        const head = this.#pending.subarray(0, 8);
        const body = this.#pending.subarray(8, 8 + length);
        this.#pending = this.#pending.subarray(8 + length);
        await this.#frame(head, body);
      }
    } catch {
      this.close();
    } finally {
      this.#isBusy = false;
    }
  }

  async #frame(head: Buffer, body: Buffer): Promise<void> {
    const isControl = (head[0]! & 0x80) !== 0;
    const flags = head[4]!;
    if (!isControl) {
      const stream = this.#streams.get(head.readUInt32BE(0));
      if (body.length > 0) stream?.onData(Buffer.from(body));
      if (flags & FLAG_FIN) stream?.onEnd(false);
      return;
    }
    switch (head.readUInt16BE(2)) {
      case Type.SynStream: {
        const id = body.readUInt32BE(0) & 0x7fffffff;
        const headers = readHeaders(await through(this.#inflate, body.subarray(10)));
        const stream = new SpdyStream(this, id, headers);
        this.#streams.set(id, stream);
        await this.#reply(id);
        this.onStream(stream);
        if (flags & FLAG_FIN) stream.onEnd(false);
        return;
      }
      case Type.RstStream: {
        const id = body.readUInt32BE(0) & 0x7fffffff;
        this.#streams.get(id)?.onEnd(true);
        this.#streams.delete(id);
        return;
      }
      case Type.Ping:
        this.#write(Buffer.concat([head, body]));
        return;
      case Type.GoAway:
        this.close();
        return;
    }
  }

  async #reply(id: number): Promise<void> {
    const none = Buffer.alloc(4);
    const block = await through(this.#deflate, none);
    const frame = Buffer.alloc(12);
    frame.writeUInt16BE(0x8003, 0);
    frame.writeUInt16BE(Type.SynReply, 2);
    frame.writeUInt32BE(4 + block.length, 4);
    frame.writeUInt32BE(id, 8);
    this.#write(Buffer.concat([frame, block]));
  }
}

/** What one piece becomes in a compression stream that goes on afterwards. */
function through(stream: Inflate | Deflate, piece: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const onData = (part: Buffer): void => void parts.push(part);
    stream.on("data", onData);
    stream.once("error", reject);
    stream.write(piece, () =>
      stream.flush(constants.Z_SYNC_FLUSH, () => {
        // Output that is ready is told of in this turn.
        setImmediate(() => {
          stream.off("data", onData);
          stream.off("error", reject);
          resolve(Buffer.concat(parts));
        });
      }),
    );
  });
}

function readHeaders(block: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    const value = block.toString("utf8", at + 4, at + 4 + length);
    at += 4 + length;
    return value;
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = text();
    headers.set(name.toLowerCase(), text().split("\0")[0]!);
  }
  return headers;
}
