/**
 * ssh and sshd between hosts of one machine: the connection carries a small framed protocol of our own (no keys, no
 * encryption), and the far end runs the user's shell or command, on a terminal when one is asked for.
 */
import { type Bytes, NO_BYTES, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import { SinkFile, makePipe } from "../../os/open-file";
import type { Process, Program } from "../../os/process";
import { TtyFile } from "../../os/tty";
import { resolve } from "../dns";
import { netOf } from "../netns";
import type { Connection } from "../tcp";
import { parseOptions } from "./options";

interface Hello {
  readonly user: string;
  readonly command: string | undefined;
  readonly tty: { readonly columns: number; readonly rows: number } | undefined;
  readonly term: string;
}

/** Frames: one letter, a length in hex, a colon, bytes. o/e output, i input, E end of input, w window, x exit code. */
const frame = (kind: string, bytes: string): Bytes => `${kind}${bytes.length.toString(16)}:${bytes}` as Bytes;

class FrameReader {
  readonly #connection: Connection;
  #rest = "";

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  *next(): Task<{ readonly kind: string; readonly bytes: Bytes } | undefined> {
    for (;;) {
      const colon = this.#rest.indexOf(":");
      if (colon > 0) {
        const length = Number.parseInt(this.#rest.slice(1, colon), 16);
        if (this.#rest.length >= colon + 1 + length) {
          const kind = this.#rest[0]!;
          const bytes = this.#rest.slice(colon + 1, colon + 1 + length) as Bytes;
          this.#rest = this.#rest.slice(colon + 1 + length);
          return { kind, bytes };
        }
      }
      const chunk = yield* this.#connection.read();
      if (chunk === NO_BYTES) return undefined;
      this.#rest += chunk;
    }
  }
}

/** The daemon: listens on 22 and runs shells. */
export const sshd: Program = function* (process) {
  const listener = netOf(process).listen({ port: 22, owner: process });
  for (;;) {
    const connection = yield* listener.accept();
    process.thread(session(process, connection));
  }
};

function* session(process: Process, connection: Connection): Task<void> {
  try {
    const reader = new FrameReader(connection);
    const first = yield* reader.next();
    if (first?.kind !== "h") return;
    const hello = JSON.parse(decodeUtf8(first.bytes)) as Hello;
    yield* connection.write(frame("h", encodeUtf8(process.context.hostname())));
    const home = hello.user === "root" ? "/root" : `/home/${hello.user}`;
    const env: Record<string, string> = {
      HOME: home,
      USER: hello.user,
      LOGNAME: hello.user,
      SHELL: "/bin/bash",
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      ...systemEnvironment(process),
      SSH_CONNECTION: `${connection.remote.address} ${connection.remote.port} ${connection.local.address} ${connection.local.port}`,
      ...(hello.tty ? { TERM: hello.term } : {}),
    };
    const shell = ["/bin/bash", "/bin/sh"].find((path) => process.fs.exists(path)) ?? "/bin/sh";
    const argv =
      hello.command === undefined ? [`-${shell.slice(shell.lastIndexOf("/") + 1)}`] : [shell, "-c", hello.command];
    const send = (kind: string, bytes: Bytes): void => {
      process.thread(
        (function* (): Task<void> {
          try {
            yield* connection.write(frame(kind, bytes));
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
          }
        })(),
      );
    };
    const cwd = process.fs.isDir(home) ? home : "/";
    const tty = hello.tty ? process.kernel.makeTty(hello.tty, (bytes) => send("o", bytes)) : undefined;
    const input = makePipe();
    const output = tty ? new TtyFile(tty) : new SinkFile("pipe:[ssh]", (bytes) => send("o", bytes));
    const errors = tty ? output : new SinkFile("pipe:[ssh]", (bytes) => send("e", bytes));
    const child = process.spawn({
      argv,
      file: shell,
      env,
      cwd,
      files: new Map([
        [0, tty ? output : input.reader],
        [1, output],
        [2, errors],
      ]),
      session: tty ? { tty } : {},
    });
    if (tty) {
      tty.session = child.pid;
      tty.foregroundGroup = child.pid;
    }
    const pump = process.thread(
      (function* (): Task<void> {
        for (;;) {
          const got = yield* reader.next();
          if (!got) break;
          if (got.kind === "i") {
            if (tty) tty.input(got.bytes);
            else input.writer.buffer.push(got.bytes);
          } else if (got.kind === "E") input.writer.buffer.end();
          else if (got.kind === "w" && tty) {
            const [columns, rows] = got.bytes.split("x");
            tty.resize(Number(columns), Number(rows));
          }
        }
        // The client is gone: what it started is hung up.
        tty?.hangUp();
        child.signal("HUP");
      })(),
    );
    const status = yield* process.wait(child);
    pump.cancel();
    yield* connection.write(frame("x", String(status.code)));
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  } finally {
    connection.close();
  }
}

/** /etc/environment, which PAM reads for every session: `NAME=value` lines. */
function systemEnvironment(process: Process): Record<string, string> {
  const node = process.fs.find("/etc/environment");
  if (node?.kind !== "file") return {};
  const env: Record<string, string> = {};
  for (const line of decodeUtf8(process.fs.readFile("/etc/environment")).split("\n")) {
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(["']?)(.*)\2\s*$/.exec(line);
    if (match) env[match[1]!] = match[3]!;
  }
  return env;
}

export const ssh: Program = function* (process) {
  const parsed = parseOptions(takeDestination(process.argv.slice(1)).options, { short: "tTp:l:i:o:qvN46AXfnF:" });
  const { destination, command } = takeDestination(process.argv.slice(1));
  if (destination === undefined || parsed.error) {
    yield* process.printError(
      "usage: ssh [-46AfNnqTtvX] [-F configfile] [-i identity_file] [-l login_name]\n           [-o option] [-p port] destination [command [argument ...]]\n",
    );
    return 255;
  }
  const at = destination.lastIndexOf("@");
  const host = destination.slice(at + 1);
  const user = parsed.value("l") ?? (at >= 0 ? destination.slice(0, at) : process.context.user);
  const port = Number(parsed.value("p") ?? 22);
  const address = (yield* resolve(process, host))[0];
  if (address === undefined) {
    yield* process.printError(`ssh: Could not resolve hostname ${host}: Name or service not known\n`);
    return 255;
  }
  const tty = parsed.has("T") ? undefined : process.ttyOf(0);
  const useTty = tty !== undefined && (command === undefined || parsed.has("t"));
  let connection: Connection;
  try {
    connection = yield* netOf(process).connect(process, { address, port });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* process.printError(`ssh: connect to host ${host} port ${port}: ${error.text}\n`);
    return 255;
  }
  const oldMode = tty ? { ...tty.mode } : undefined;
  let sender: ReturnType<Process["thread"]> | undefined;
  try {
    const hello: Hello = {
      user,
      command,
      tty: useTty ? { columns: tty.columns, rows: tty.rows } : undefined,
      term: process.env["TERM"] ?? "xterm-256color",
    };
    yield* connection.write(frame("h", encodeUtf8(JSON.stringify(hello))));
    const reader = new FrameReader(connection);
    const greeting = yield* reader.next();
    if (greeting?.kind !== "h") {
      yield* process.printError(
        `kex_exchange_identification: Connection closed by remote host\nConnection closed by ${address} port ${port}\n`,
      );
      return 255;
    }
    if (useTty) {
      tty.setMode({ canonical: false, echo: false, signals: false, outputCrlf: false, inputCrToNl: false });
      process.onSignal("WINCH", () => {
        process.thread(connection.write(frame("w", `${tty.columns}x${tty.rows}`)));
      });
    }
    sender = process.thread(
      (function* (): Task<void> {
        try {
          for (;;) {
            const chunk = parsed.has("n") ? NO_BYTES : yield* process.read(0);
            yield* connection.write(chunk === NO_BYTES ? frame("E", "") : frame("i", chunk));
            if (chunk === NO_BYTES) return;
          }
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
        }
      })(),
    );
    for (;;) {
      const got = yield* reader.next();
      if (!got) {
        yield* process.printError(`Connection to ${host} closed by remote host.\n`);
        if (useTty) yield* process.printError(`Connection to ${host} closed.\n`);
        return 255;
      }
      if (got.kind === "o") yield* process.write(1, got.bytes);
      else if (got.kind === "e") yield* process.write(2, got.bytes);
      else if (got.kind === "x") {
        if (useTty) {
          tty.setMode(oldMode!);
          yield* process.printError(`Connection to ${host} closed.\n`);
        }
        return Number(got.bytes);
      }
    }
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    yield* process.printError(`client_loop: send disconnect: ${error.text}\n`);
    return 255;
  } finally {
    sender?.cancel();
    if (oldMode) tty?.setMode(oldMode);
    connection.close();
  }
};

/** Options end at the destination; the rest is the command. */
function takeDestination(args: readonly string[]): {
  readonly options: readonly string[];
  readonly destination: string | undefined;
  readonly command: string | undefined;
} {
  let i = 0;
  while (i < args.length && args[i]!.startsWith("-")) i += /^-[pliowFL]$/.test(args[i]!) ? 2 : 1;
  const rest = args.slice(i + 1);
  return { options: args.slice(0, i), destination: args[i], command: rest.length > 0 ? rest.join(" ") : undefined };
}
