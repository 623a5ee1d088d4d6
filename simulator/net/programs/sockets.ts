/** ss and netstat: the sockets of this network namespace. */
import type { Process, Program } from "../../os/process";
import { isIpv6 } from "../address";
import { netOf } from "../netns";
import { parseOptions } from "./options";

interface Row {
  readonly protocol: "tcp" | "udp";
  readonly state: string;
  readonly local: string;
  readonly localPort: string;
  readonly remote: string;
  readonly remotePort: string;
  readonly owner: Process | undefined;
  readonly fd: number;
  readonly receive: number;
  readonly send: number;
  readonly isSix: boolean;
  readonly isListening: boolean;
}

function rows(process: Process): readonly Row[] {
  const netns = netOf(process);
  const now = netns.loop.now();
  const found: Row[] = [];
  for (const socket of netns.datagramSockets)
    found.push({
      protocol: "udp",
      state: "UNCONN",
      local: socket.local.address,
      localPort: String(socket.local.port),
      remote: isIpv6(socket.local.address) ? "::" : "0.0.0.0",
      remotePort: "*",
      owner: socket.owner,
      fd: socket.fd,
      receive: 0,
      send: 0,
      isSix: isIpv6(socket.local.address),
      isListening: true,
    });
  for (const listener of netns.listeners)
    found.push({
      protocol: "tcp",
      state: "LISTEN",
      local: listener.address,
      localPort: String(listener.port),
      remote: isIpv6(listener.address) ? "::" : "0.0.0.0",
      remotePort: "*",
      owner: listener.owner,
      fd: listener.fd,
      receive: listener.backlog,
      send: 4096,
      isSix: isIpv6(listener.address),
      isListening: true,
    });
  for (const socket of netns.sockets)
    found.push({
      protocol: "tcp",
      state: socket.state,
      local: socket.local.address,
      localPort: String(socket.local.port),
      remote: socket.remote.address,
      remotePort: String(socket.remote.port),
      owner: socket.owner,
      fd: socket.fd,
      receive: 0,
      send: 0,
      isSix: isIpv6(socket.local.address),
      isListening: false,
    });
  for (const { local, remote, until } of netns.timeWaits)
    if (until > now)
      found.push({
        protocol: "tcp",
        state: "TIME_WAIT",
        local: local.address,
        localPort: String(local.port),
        remote: remote.address,
        remotePort: String(remote.port),
        owner: undefined,
        fd: -1,
        receive: 0,
        send: 0,
        isSix: isIpv6(local.address),
        isListening: false,
      });
  return found;
}

const ssStates: Readonly<Record<string, string>> = {
  ESTABLISHED: "ESTAB",
  CLOSE_WAIT: "CLOSE-WAIT",
  FIN_WAIT2: "FIN-WAIT-2",
  TIME_WAIT: "TIME-WAIT",
  SYN_SENT: "SYN-SENT",
};

/** Whether the viewer may see a process: those of its own pid namespace, or all from the host. */
const visible = (viewer: Process, owner: Process | undefined): number | undefined => {
  if (!owner?.alive) return undefined;
  if (!viewer.context.pids.isContainer) return owner.pid;
  return owner.context.pids === viewer.context.pids ? owner.nsPid : undefined;
};

export const ss: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), {
    short: "tulanpHs46oemix",
    long: {
      tcp: "t",
      udp: "u",
      listening: "l",
      all: "a",
      numeric: "n",
      processes: "p",
      "no-header": "H",
      summary: "s",
    },
  });
  if (parsed.error) {
    yield* process.printError(
      `ss: invalid option -- '${parsed.error.option.replace(/^-+/, "")}'\nUsage: ss [ OPTIONS ]\n`,
    );
    return 255;
  }
  const both = !parsed.has("t") && !parsed.has("u");
  const chosen = rows(process).filter(
    (row) =>
      (both || parsed.has(row.protocol === "tcp" ? "t" : "u")) &&
      (parsed.has("a") || row.isListening === parsed.has("l")) &&
      !(parsed.has("4") && row.isSix) &&
      !(parsed.has("6") && !row.isSix),
  );
  const local = (row: Row): string => `${row.isSix ? `[${row.local}]` : row.local}:${row.localPort}`;
  const remote = (row: Row): string => `${row.isSix ? `[${row.remote}]` : row.remote}:${row.remotePort}`;
  const hasKind = both || (parsed.has("t") && parsed.has("u"));
  const hasState = parsed.has("a") || parsed.has("l") || hasKind || !parsed.has("l");
  const head: string[] = [
    ...(hasKind ? ["Netid"] : []),
    ...(hasState ? ["State"] : []),
    "Recv-Q",
    "Send-Q",
    "Local Address:Port",
    "Peer Address:Port",
    "Process",
  ];
  const table = chosen.map((row) => {
    const pid = parsed.has("p") ? visible(process, row.owner) : undefined;
    return [
      ...(hasKind ? [row.protocol] : []),
      ...(hasState ? [ssStates[row.state] ?? row.state] : []),
      String(row.receive),
      String(row.send),
      local(row),
      remote(row),
      pid === undefined ? "" : `users:(("${row.owner!.comm.slice(0, 15)}",pid=${pid},fd=${row.fd}))`,
    ];
  });
  const all = parsed.has("H") ? table : [head, ...table];
  const widths = head.map((_, i) => Math.max(...all.map((cells) => cells[i]!.length)));
  for (const cells of all)
    yield* process.print(
      `${cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i]! + 1))).join("")}\n`,
    );
  return 0;
};

export const netstat: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), {
    short: "tulanprieWs46",
    long: { tcp: "t", udp: "u", listening: "l", all: "a", numeric: "n", programs: "p", program: "p", route: "r" },
  });
  if (parsed.error) {
    yield* process.printError(`netstat: invalid option -- '${parsed.error.option.replace(/^-+/, "")}'\n`);
    return 4;
  }
  if (parsed.has("r")) {
    yield* process.print(
      "Kernel IP routing table\nDestination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n",
    );
    return 0;
  }
  const both = !parsed.has("t") && !parsed.has("u");
  const chosen = rows(process).filter(
    (row) =>
      (both || parsed.has(row.protocol === "tcp" ? "t" : "u")) &&
      (parsed.has("a") || row.isListening === parsed.has("l")),
  );
  const which = parsed.has("a") ? "(servers and established)" : parsed.has("l") ? "(only servers)" : "(w/o servers)";
  const programs = parsed.has("p");
  yield* process.print(
    `Active Internet connections ${which}\nProto Recv-Q Send-Q Local Address           Foreign Address         State      ${programs ? " PID/Program name    " : ""}\n`,
  );
  for (const row of chosen) {
    const pid = visible(process, row.owner);
    const owner = programs ? ` ${(pid === undefined ? "-" : `${pid}/${row.owner!.comm}`).padEnd(20)}` : "";
    yield* process.print(
      `${(row.protocol + (row.isSix ? "6" : "")).padEnd(5)} ${String(row.receive).padStart(6)} ${String(row.isListening ? 0 : row.send).padStart(6)} ${`${row.local}:${row.localPort}`.padEnd(23)} ${`${row.remote}:${row.remotePort}`.padEnd(23)} ${(row.protocol === "udp" ? "" : row.state).padEnd(11)}${owner}\n`,
    );
  }
  return 0;
};
