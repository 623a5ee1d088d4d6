/**
 * The door that every client of a server uses: a request value in, a response value or a stream out, with upstream's
 * own paths and JSON. The Docker engine and the Kubernetes API server each have one; a Node adapter serves the same
 * door over HTTP. Bodies are plain objects, never serialised inside the machine.
 */
import type { Bytes } from "./bytes";
import type { Cancel } from "./loop";

export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Without host and query: `/api/v1/namespaces/default/pods`, `/v1.51/containers/json`. */
  readonly path: string;
  /** Decoded query values; a repeated key keeps all its values, in order. */
  readonly query?: Readonly<Record<string, readonly string[]>>;
  /** Keys in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A plain object, or bytes for what is not JSON (a tar archive). */
  readonly body?: unknown;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A frozen plain object, text, or undefined when there is none or when `stream` carries it. */
  readonly body?: unknown;
  /** Present when the answer goes on: a watch, a log that is followed, an attached container. */
  readonly stream?: ApiStream;
}

/**
 * A response that goes on. The server delivers frames as loop tasks, in order; the client may write back where the
 * protocol is two-way. Channels: `stdin` (client to server), `stdout`, `stderr`, `error` (exec's final Status),
 * `resize`; `message` carries one JSON value a frame (a watch event, a line of pull progress).
 */
export interface ApiStream {
  /** Hands over the receiver and starts the flow. Called exactly once. */
  open(receiver: StreamReceiver): void;
  /** Client to server. Ignored by one-way streams. */
  send(frame: ClientFrame): void;
  /** The client hangs up. No frame is delivered afterwards. */
  readonly cancel: Cancel;
}

export type ServerFrame =
  | { readonly channel: "stdout" | "stderr" | "error"; readonly bytes: Bytes }
  | { readonly channel: "message"; readonly value: unknown };

export type ClientFrame =
  | { readonly channel: "stdin"; readonly bytes: Bytes }
  /** Half-close of stdin. */
  | { readonly channel: "stdin-end" }
  | { readonly channel: "resize"; readonly columns: number; readonly rows: number };

export interface StreamReceiver {
  frame(frame: ServerFrame): void;
  /** The server ended the stream; `error` when it broke rather than finished. */
  end(error?: string): void;
}
