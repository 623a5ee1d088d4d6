/** nc (OpenBSD's and BusyBox's) and telnet. */
import { NO_BYTES } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import { resolve } from "../dns";
import { netOf } from "../netns";
import type { Connection } from "../tcp";
import { connectUnix } from "../unix";
import { parseOptions } from "./options";

/** Copies standard input to the connection and the connection to standard output, until the far side ends. */
function* relay(process: Process, connection: Connection, idleMs: number | undefined, closeOnEof: boolean): Task<void> {
  const sender = process.thread(
    (function* (): Task<void> {
      try {
        for (;;) {
          const chunk = yield* process.read(0);
          if (chunk === NO_BYTES) break;
          yield* connection.write(chunk);
        }
        if (closeOnEof) connection.shutdown();
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
      }
    })(),
  );
  try {
    for (;;) {
      if (!connection.readable && idleMs !== undefined) {
        const woke = yield* process.waitFor(connection.changed.wait, idleMs);
        if (!woke) return;
        continue;
      }
      const chunk = yield* connection.read();
      if (chunk === NO_BYTES) return;
      yield* process.write(1, chunk);
    }
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
  } finally {
    sender.cancel();
    connection.close();
  }
}

/** Ports of `80`, `20-25` or `80 443`. */
function portsOf(words: readonly string[]): readonly number[] {
  return words.flatMap((word) => {
    const m = /^(\d+)(?:-(\d+))?$/.exec(word);
    if (!m) return [Number.NaN];
    const from = Number(m[1]);
    const to = Math.min(Number(m[2] ?? m[1]), from + 1023);
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  });
}

const serviceNames: Readonly<Record<number, string>> = {
  22: "ssh",
  53: "domain",
  80: "http",
  443: "https",
  3306: "mysql",
  5432: "postgresql",
  8080: "http-alt",
};

/** nc as Debian's netcat-openbsd. */
export const nc: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), { short: "lkvznuUw:p:q:N46s:i:e:" });
  const usage =
    "usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]\n";
  if (parsed.error) {
    yield* process.printError(
      `nc: ${parsed.error.kind === "unknown" ? "invalid option" : "option requires an argument"} -- '${parsed.error.option.slice(1)}'\n${usage}`,
    );
    return 1;
  }
  const verbose = parsed.has("v");
  const timeoutMs = parsed.has("w") ? Number(parsed.value("w")) * 1000 : undefined;
  if (parsed.has("l")) {
    const port = Number(parsed.value("p") ?? parsed.operands.at(-1));
    return yield* serve(
      process,
      port,
      parsed.operands.length > 1 ? parsed.operands[0] : undefined,
      verbose,
      parsed.has("k"),
      parsed.has("u"),
    );
  }
  if (parsed.has("U")) {
    try {
      yield* relay(process, yield* connectUnix(process, parsed.operands[0] ?? ""), timeoutMs, parsed.has("N"));
      return 0;
    } catch (error) {
      if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
      yield* process.printError(`nc: ${parsed.operands[0]}: ${error.text}\n`);
      return 1;
    }
  }
  const [host, ...rest] = parsed.operands;
  const ports = portsOf(rest);
  if (host === undefined || ports.length === 0) {
    yield* process.printError(usage);
    return 1;
  }
  const bad = rest[ports.findIndex(Number.isNaN)];
  if (bad !== undefined) {
    yield* process.printError(`nc: port number invalid: ${bad}\n`);
    return 1;
  }
  const address = (yield* resolve(process, host))[0];
  if (address === undefined) {
    yield* process.printError(`nc: getaddrinfo for host "${host}" port ${ports[0]}: Name or service not known\n`);
    return 1;
  }
  if (parsed.has("u")) return yield* datagrams(process, host, address, ports, verbose, parsed.has("z"), timeoutMs);
  let code = 1;
  for (const port of ports) {
    const where = `${host}${host === address ? "" : ` (${address})`} port ${port} (tcp)`;
    try {
      const connection = yield* netOf(process).connect(process, {
        address,
        port,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      code = 0;
      if (verbose)
        yield* process.printError(
          `Connection to ${host}${host === address ? "" : ` (${address})`} ${port} port [tcp/${serviceNames[port] ?? "*"}] succeeded!\n`,
        );
      if (parsed.has("z")) connection.close();
      else yield* relay(process, connection, timeoutMs, parsed.has("N") || parsed.has("q"));
    } catch (error) {
      if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
      if (verbose)
        yield* process.printError(
          `nc: connect to ${where} ${error.code === "ETIMEDOUT" && timeoutMs !== undefined ? "timed out: Operation now in progress" : `failed: ${error.text}`}\n`,
        );
    }
  }
  return code;
};

function* serve(
  process: Process,
  port: number,
  address: string | undefined,
  verbose: boolean,
  again: boolean,
  udp: boolean,
): Task<number> {
  const netns = netOf(process);
  try {
    if (udp) {
      const socket = netns.bindUdp({ owner: process, port, ...(address === undefined ? {} : { address }) });
      if (verbose) yield* process.printError(`Bound on ${address ?? "0.0.0.0"} ${port}\n`);
      for (;;) yield* process.write(1, (yield* socket.receive()).bytes);
    }
    const listener = netns.listen({ port, owner: process, ...(address === undefined ? {} : { address }) });
    if (verbose) yield* process.printError(`Listening on ${address ?? "0.0.0.0"} ${listener.port}\n`);
    do {
      const connection = yield* listener.accept();
      if (verbose)
        yield* process.printError(`Connection received on ${connection.remote.address} ${connection.remote.port}\n`);
      yield* relay(process, connection, undefined, true);
    } while (again);
    return 0;
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    yield* process.printError(`nc: ${error.text}\n`);
    return 1;
  }
}

function* datagrams(
  process: Process,
  host: string,
  address: string,
  ports: readonly number[],
  verbose: boolean,
  probe: boolean,
  timeoutMs: number | undefined,
): Task<number> {
  const socket = netOf(process).bindUdp({ owner: process });
  try {
    for (const port of ports) {
      if (probe) {
        socket.sendTo("X" as typeof NO_BYTES, { address, port });
        const heard = yield* process.waitFor(socket.arrived.wait, timeoutMs ?? 1000);
        if (heard) {
          try {
            yield* socket.receive();
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
            return 1;
          }
        }
        if (verbose)
          yield* process.printError(
            `Connection to ${host} ${port} port [udp/${port === 53 ? "domain" : "*"}] succeeded!\n`,
          );
        continue;
      }
      for (;;) {
        const chunk = yield* process.read(0);
        if (chunk === NO_BYTES) break;
        socket.sendTo(chunk, { address, port });
      }
      const heard = yield* process.waitFor(socket.arrived.wait, timeoutMs ?? 1000);
      if (heard) yield* process.write(1, (yield* socket.receive()).bytes);
    }
    return 0;
  } catch (error) {
    if (error instanceof SysError && error.code === "ECONNREFUSED") return 1;
    throw error;
  } finally {
    socket.close();
  }
}

/** BusyBox's nc. */
export const busyboxNc: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), { short: "lkvznuw:p:i:s:e:" });
  const usage =
    "BusyBox v1.37.0 () multi-call binary.\n\nUsage: nc [OPTIONS] HOST PORT  - connect\nnc [OPTIONS] -l -p PORT [HOST] [PORT]  - listen\n";
  if (parsed.error) {
    yield* process.printError(`nc: invalid option -- '${parsed.error.option.slice(1)}'\n${usage}`);
    return 1;
  }
  const timeoutMs = parsed.has("w") ? Number(parsed.value("w")) * 1000 : undefined;
  if (parsed.has("l")) {
    const port = Number(parsed.value("p") ?? parsed.operands[0] ?? 0);
    const netns = netOf(process);
    try {
      const listener = netns.listen({ port, owner: process, address: "::" });
      if (parsed.has("v")) yield* process.printError(`listening on [::]:${listener.port} ...\n`);
      do {
        const connection = yield* listener.accept();
        if (parsed.has("v"))
          yield* process.printError(
            `connect to [::ffff:${connection.local.address}]:${connection.local.port} from [::ffff:${connection.remote.address}]:${connection.remote.port} ([::ffff:${connection.remote.address}]:${connection.remote.port})\n`,
          );
        if (parsed.has("e")) yield* runOn(process, connection, parsed.value("e")!, parsed.operands);
        else yield* relay(process, connection, undefined, true);
      } while (parsed.has("k"));
      return 0;
    } catch (error) {
      if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
      yield* process.printError(`nc: bind: ${error.text}\n`);
      return 1;
    }
  }
  const [host, portText] = parsed.operands;
  if (host === undefined || portText === undefined) {
    yield* process.printError(usage);
    return 1;
  }
  const port = Number(portText);
  if (!Number.isInteger(port)) {
    yield* process.printError(`nc: bad port '${portText}'\n`);
    return 1;
  }
  const address = (yield* resolve(process, host))[0];
  if (address === undefined) {
    yield* process.printError(`nc: bad address '${host}'\n`);
    return 1;
  }
  try {
    const connection = yield* netOf(process).connect(process, {
      address,
      port,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (parsed.has("v")) yield* process.printError(`${host} (${address}:${port}) open\n`);
    if (parsed.has("z")) connection.close();
    else if (parsed.has("e")) yield* runOn(process, connection, parsed.value("e")!, []);
    else yield* relay(process, connection, timeoutMs, true);
    return 0;
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    if (error.code === "ETIMEDOUT" && timeoutMs !== undefined) {
      yield* process.printError("nc: timed out\n");
      return 1;
    }
    if (!parsed.has("z") || parsed.has("v"))
      yield* process.printError(`nc: ${host} (${address}:${port}): ${error.text}\n`);
    return 1;
  }
};

/** -e: a program speaks on the connection. */
function* runOn(process: Process, connection: Connection, program: string, args: readonly string[]): Task<void> {
  const child = process.spawn({
    argv: [program, ...args],
    files: new Map([
      [0, connection],
      [1, connection],
      [2, process.file(2)],
    ]),
  });
  connection.close();
  yield* process.wait(child);
}

export const telnet: Program = function* (process) {
  const [host, portText = "23"] = process.argv.slice(1).filter((word) => !word.startsWith("-"));
  if (host === undefined) {
    yield* process.printError("telnet: interactive mode is not simulated; give a host and a port: telnet HOST PORT\n");
    return 1;
  }
  const address = (yield* resolve(process, host))[0];
  if (address === undefined) {
    yield* process.printError(`telnet: could not resolve ${host}/${portText}: Name or service not known\n`);
    return 1;
  }
  yield* process.print(`Trying ${address}...\n`);
  try {
    const connection = yield* netOf(process).connect(process, { address, port: Number(portText) });
    yield* process.print(`Connected to ${host}.\nEscape character is '^]'.\n`);
    yield* relay(process, connection, undefined, false);
    yield* process.printError("Connection closed by foreign host.\n");
    return 1;
  } catch (error) {
    if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
    yield* process.printError(`telnet: Unable to connect to remote host: ${error.text}\n`);
    return 1;
  }
};
