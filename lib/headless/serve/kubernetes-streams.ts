/**
 * exec, attach and port-forward of the Kubernetes API: channels in a WebSocket (v5.channel.k8s.io), streams of SPDY/3.1,
 * and SPDY inside a WebSocket, which is how kubectl forwards ports.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import type { ApiResponse, ApiStream, NoAnswer } from "@/simulator";
import type { Driver } from "./driver";
import { fromBytes, toBytes } from "./http-body";
import { SpdyConnection, type SpdyStream } from "./spdy";

export interface Session {
  readonly driver: Driver;
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** Puts the request to the machine, with more query values. */
  ask(query?: Record<string, string[]>): ApiResponse | NoAnswer;
  /** Answers without an upgrade. */
  refuse(answer: ApiResponse): void;
}

const CHANNELS = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const TUNNEL = "SPDY/3.1+portforward.k8s.io";
const STDIN = 0;
const OUT = { stdout: 1, stderr: 2, error: 3 } as const;
const RESIZE = 4;
const CLOSE = 255;

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => [TUNNEL, ...CHANNELS].find((name) => offered.has(name)) ?? false,
});

export function serveSession(session: Session): void {
  const { incoming } = session;
  const isPortForward = session.path.endsWith("/portforward");
  const wanted = (incoming.headers.upgrade ?? "").toLowerCase();
  if (wanted !== "websocket" && wanted !== "spdy/3.1") {
    session.refuse({ status: 400, body: `you must specify an upgrade to websocket or SPDY/3.1, not ${wanted}` });
    return;
  }
  if (isPortForward) {
    // A first look tells whether there is such a Pod; each connection asks again for its own port.
    const probe = session.ask({ ports: ["1"] });
    if (!isAccepted(session, probe)) return;
    session.driver.do(() => probe.stream!.cancel());
    if (wanted === "websocket") {
      withWebSocket(session, (socket) => forwardPorts(session, spdyOver(socket)));
      return;
    }
    forwardPorts(session, spdyOn(session, "portforward.k8s.io"));
    return;
  }
  const answer = session.ask();
  if (!isAccepted(session, answer)) return;
  if (wanted === "websocket") withWebSocket(session, (socket) => channels(session, socket, answer.stream!));
  else spdyStreams(session, answer.stream!);
}

function isAccepted(session: Session, answer: ApiResponse | NoAnswer): answer is ApiResponse {
  if ("failure" in answer) {
    session.socket.destroy();
    return false;
  }
  if (answer.stream) return true;
  session.refuse(answer);
  return false;
}

function withWebSocket(session: Session, use: (socket: WebSocket) => void): void {
  sockets.handleUpgrade(session.incoming, session.socket, session.head, use);
}

const bufferOf = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? Buffer.from(data) : data;

// ---- exec and attach -----------------------------------------------------------------------------------------------------------

/** Each message is a channel number and that channel's bytes. */
function channels(session: Session, socket: WebSocket, stream: ApiStream): void {
  const { driver } = session;
  const done = driver.waitFor("stream");
  let over = false;
  const hangUp = (): void => {
    done();
    if (over) return;
    over = true;
    driver.do(() => stream.cancel());
  };
  socket.on("close", hangUp);
  socket.on("error", hangUp);
  socket.on("message", (data) => {
    const message = bufferOf(data);
    const payload = message.subarray(1);
    driver.do(() => {
      if (over) return;
      if (message[0] === STDIN) stream.send({ channel: "stdin", bytes: toBytes(payload) });
      else if (message[0] === CLOSE && payload[0] === STDIN) stream.send({ channel: "stdin-end" });
      else if (message[0] === RESIZE) resize(stream, payload);
    });
  });
  driver.do(() =>
    stream.open({
      frame: (frame) => {
        if (frame.channel === "message") return;
        socket.send(Buffer.concat([Buffer.from([OUT[frame.channel]]), fromBytes(frame.bytes)]));
      },
      end: () => {
        over = true;
        done();
        socket.close(1000);
      },
    }),
  );
}

function resize(stream: ApiStream, payload: Buffer): void {
  try {
    for (const text of payload.toString("utf8").split("\n").filter(Boolean)) {
      const { Width = 0, Height = 0 } = JSON.parse(text) as { Width?: number; Height?: number };
      stream.send({ channel: "resize", columns: Width, rows: Height });
    }
  } catch {
    // A size that cannot be read changes nothing, as upstream has it.
  }
}

/** The older form: one SPDY stream for each of error, stdin, stdout, stderr and resize. */
function spdyStreams(session: Session, stream: ApiStream): void {
  const { driver, query } = session;
  const on = (name: string): boolean => /^(true|1)$/.test(query[name]?.[0] ?? "");
  const wanted = [
    "error",
    ...["stdin", "stdout", "stderr"].filter((name) => on(name) && !(name === "stderr" && on("tty"))),
  ];
  const connection = spdyOn(session, "v4.channel.k8s.io");
  const parts = new Map<string, SpdyStream>();
  const done = driver.waitFor("stream");
  let over = false;
  connection.onClose = () => {
    done();
    if (over) return;
    over = true;
    driver.do(() => stream.cancel());
  };
  connection.onStream = (part) => {
    const kind = part.headers.get("streamtype") ?? "";
    parts.set(kind, part);
    if (kind === "stdin") {
      part.onData = (data) => driver.do(() => over || stream.send({ channel: "stdin", bytes: toBytes(data) }));
      part.onEnd = () => driver.do(() => over || stream.send({ channel: "stdin-end" }));
    } else if (kind === "resize") part.onData = (data) => driver.do(() => over || resize(stream, data));
    if (!wanted.every((name) => parts.has(name)) || !wanted.includes(kind)) return;
    driver.do(() =>
      stream.open({
        frame: (frame) => {
          if (frame.channel !== "message") parts.get(frame.channel)?.write(fromBytes(frame.bytes));
        },
        end: () => {
          over = true;
          done();
          for (const each of parts.values()) each.end();
        },
      }),
    );
  };
}

// ---- port-forward ----------------------------------------------------------------------------------------------------------------

/** A pair of streams for each connection: its bytes, and what went wrong with it. */
function forwardPorts(session: Session, connection: SpdyConnection): void {
  const { driver } = session;
  const errors = new Map<string, SpdyStream>();
  const open = new Set<() => void>();
  connection.onClose = () => {
    for (const close of [...open]) close();
  };
  connection.onStream = (part) => {
    const id = part.headers.get("requestid") ?? String(part.id);
    const port = part.headers.get("port") ?? "";
    if (part.headers.get("streamtype") === "error") {
      errors.set(id, part);
      return;
    }
    const fail = (text: string): void => {
      errors.get(id)?.write(Buffer.from(text, "utf8"));
      errors.get(id)?.end();
      part.end();
    };
    const answer = session.ask({ ports: [port] });
    if ("failure" in answer || !answer.stream) {
      fail("failure" in answer ? answer.failure : String(answer.body));
      return;
    }
    const { stream } = answer;
    const done = driver.waitFor("stream");
    let over = false;
    const close = (): void => {
      open.delete(close);
      done();
      if (over) return;
      over = true;
      driver.do(() => stream.cancel());
    };
    open.add(close);
    part.onData = (data) => driver.do(() => over || stream.send({ channel: "stdin", bytes: toBytes(data) }));
    part.onEnd = (wasReset) => {
      if (wasReset) close();
      else driver.do(() => over || stream.send({ channel: "stdin-end" }));
    };
    driver.do(() =>
      stream.open({
        frame: (frame) => {
          if (frame.channel === "stdout") part.write(fromBytes(frame.bytes));
          else if (frame.channel === "error") fail(fromBytes(frame.bytes).toString("utf8"));
        },
        end: () => {
          over = true;
          close();
          errors.get(id)?.end();
          errors.delete(id);
          part.end();
        },
      }),
    );
  };
}

// ---- SPDY's carriers ---------------------------------------------------------------------------------------------------------------

function spdyOver(socket: WebSocket): SpdyConnection {
  const connection = new SpdyConnection((bytes) => socket.send(bytes));
  socket.on("message", (data) => connection.receive(bufferOf(data)));
  socket.on("close", () => connection.close());
  socket.on("error", () => connection.close());
  return connection;
}

function spdyOn({ socket, head }: Session, protocol: string): SpdyConnection {
  const connection = new SpdyConnection((bytes) => socket.write(bytes));
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  socket.on("data", (data: Buffer) => connection.receive(data));
  socket.on("close", () => connection.close());
  if (head.length > 0) connection.receive(head);
  return connection;
}
