/** ping (iputils' and BusyBox's), traceroute. */
import type { Task } from "../../base/task";
import type { Process, Program } from "../../os/process";
import { isIpv4, isIpv6 } from "../address";
import { resolve } from "../dns";
import { type EchoResult, echo } from "../icmp";
import { parseOptions } from "./options";

const unreachableWords = {
  host: "Destination Host Unreachable",
  net: "Destination Net Unreachable",
  port: "Destination Port Unreachable",
  prohibited: "Packet filtered",
} as const;

interface Tally {
  sent: number;
  received: number;
  errors: number;
  readonly times: number[];
}

/** Pings until a count, a deadline or SIGINT; `show` prints each result. */
function* pings(
  process: Process,
  address: string,
  how: {
    readonly count: number;
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly ttl?: number;
    readonly deadlineMs: number;
  },
  show: (sequence: number, result: EchoResult) => Task<void>,
): Task<Tally> {
  const tally: Tally = { sent: 0, received: 0, errors: 0, times: [] };
  let stopped = false;
  process.onSignal("INT", () => {
    stopped = true;
    process.interrupt();
  });
  const began = process.now();
  const id = process.kernel.random.stream("ping").integer(1, 65_535);
  try {
    for (let sequence = 0; sequence < how.count && !stopped && process.now() - began < how.deadlineMs; sequence++) {
      const at = process.now();
      tally.sent++;
      const left = how.deadlineMs - (at - began);
      // Only the last one is waited for longer than the interval; a late answer would still be printed.
      const isLast = sequence === how.count - 1;
      const wait = Math.min(left, isLast ? how.timeoutMs : Math.max(how.intervalMs, 0));
      const result = yield* echo(process, address, {
        id: id + sequence,
        timeoutMs: wait,
        ...(how.ttl === undefined ? {} : { ttl: how.ttl }),
      });
      if (result.kind === "reply") {
        tally.received++;
        tally.times.push(result.rttMs);
      } else if (result.kind !== "lost") tally.errors++;
      yield* show(sequence, result);
      const next = at + how.intervalMs;
      if (!isLast && next > process.now() && !stopped) yield* process.sleep(next - process.now());
    }
  } catch (error) {
    if (!stopped) throw error;
  }
  return tally;
}

const spec = { short: "c:i:W:w:s:t:qnI:46aRvDb" };

/** iputils' ping. */
export const ping: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), spec);
  if (parsed.error) {
    const { kind, option } = parsed.error;
    yield* process.printError(
      `ping: ${kind === "unknown" ? "invalid option" : "option requires an argument"} -- '${option.replace(/^-+/, "")}'\n\nUsage\n  ping [options] <destination>\n`,
    );
    return 2;
  }
  const host = parsed.operands[0];
  if (host === undefined) {
    yield* process.printError("ping: usage error: Destination address required\n");
    return 1;
  }
  const addresses = yield* resolve(process, host);
  const address = addresses[0];
  if (address === undefined) {
    yield* process.printError(`ping: ${host}: Name or service not known\n`);
    return 2;
  }
  const size = Number(parsed.value("s") ?? 56);
  const quiet = parsed.has("q");
  yield* process.print(`PING ${host} (${address}) ${size}(${size + 28}) bytes of data.\n`);
  const began = process.now();
  const count = parsed.has("c") ? Number(parsed.value("c")) : Number.POSITIVE_INFINITY;
  let noRoute = false;
  const tally = yield* pings(
    process,
    address,
    {
      count,
      intervalMs: Number(parsed.value("i") ?? 1) * 1000,
      timeoutMs: Number(parsed.value("W") ?? 10) * 1000,
      deadlineMs: parsed.has("w") ? Number(parsed.value("w")) * 1000 : Number.POSITIVE_INFINITY,
      ...(parsed.has("t") ? { ttl: Number(parsed.value("t")) } : {}),
    },
    function* (sequence, result) {
      if (quiet) return;
      const label = isIpv4(host) || isIpv6(host) ? address : `${host} (${address})`;
      switch (result.kind) {
        case "reply":
          yield* process.print(
            `${size + 8} bytes from ${label}: icmp_seq=${sequence + 1} ttl=${result.ttl} time=${threeDigits(result.rttMs)} ms\n`,
          );
          return;
        case "unreachable":
          yield* process.print(`From ${result.from} icmp_seq=${sequence + 1} ${unreachableWords[result.what]}\n`);
          return;
        case "ttl-exceeded":
          yield* process.print(`From ${result.from} icmp_seq=${sequence + 1} Time to live exceeded\n`);
          return;
        case "no-route":
          noRoute = true;
          yield* process.printError("ping: connect: Network is unreachable\n");
      }
    },
  );
  if (noRoute) return 2;
  const elapsed = Math.round(process.now() - began);
  const loss = tally.sent === 0 ? 0 : Math.round(((tally.sent - tally.received) * 100) / tally.sent);
  yield* process.print(
    `\n--- ${host} ping statistics ---\n${tally.sent} packets transmitted, ${tally.received} received, ${tally.errors > 0 ? `+${tally.errors} errors, ` : ""}${loss}% packet loss, time ${elapsed}ms\n`,
  );
  if (tally.times.length > 0) {
    const mean = tally.times.reduce((sum, time) => sum + time, 0) / tally.times.length;
    const deviation = Math.sqrt(tally.times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / tally.times.length);
    const figures = [Math.min(...tally.times), mean, Math.max(...tally.times), deviation];
    yield* process.print(`rtt min/avg/max/mdev = ${figures.map((figure) => figure.toFixed(3)).join("/")} ms\n`);
  } else if (tally.sent > 0) yield* process.print("\n");
  return tally.received > 0 ? 0 : 1;
};

/** iputils prints three significant digits. */
const threeDigits = (ms: number): string =>
  ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);

/** BusyBox's ping. */
export const busyboxPing: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), { short: "c:i:W:w:s:t:qI:46Ap:" });
  const host = parsed.operands[0];
  if (parsed.error || host === undefined) {
    yield* process.printError("BusyBox v1.37.0 () multi-call binary.\n\nUsage: ping [OPTIONS] HOST\n");
    return 1;
  }
  const address = (yield* resolve(process, host))[0];
  if (address === undefined) {
    yield* process.printError(`ping: bad address '${host}'\n`);
    return 1;
  }
  const size = Number(parsed.value("s") ?? 56);
  yield* process.print(`PING ${host} (${address}): ${size} data bytes\n`);
  let failed = false;
  const tally = yield* pings(
    process,
    address,
    {
      count: parsed.has("c") ? Number(parsed.value("c")) : Number.POSITIVE_INFINITY,
      intervalMs: Number(parsed.value("i") ?? 1) * 1000,
      timeoutMs: Number(parsed.value("W") ?? 10) * 1000,
      deadlineMs: parsed.has("w") ? Number(parsed.value("w")) * 1000 : Number.POSITIVE_INFINITY,
      ...(parsed.has("t") ? { ttl: Number(parsed.value("t")) } : {}),
    },
    function* (sequence, result) {
      if (result.kind === "no-route") {
        failed = true;
        yield* process.printError("ping: sendto: Network unreachable\n");
        process.exit(1);
      }
      if (result.kind === "reply" && !parsed.has("q"))
        yield* process.print(
          `${size + 8} bytes from ${result.from}: seq=${sequence} ttl=${result.ttl} time=${result.rttMs.toFixed(3)} ms\n`,
        );
    },
  );
  if (failed) return 1;
  const loss = tally.sent === 0 ? 0 : Math.floor(((tally.sent - tally.received) * 100) / tally.sent);
  yield* process.print(
    `\n--- ${host} ping statistics ---\n${tally.sent} packets transmitted, ${tally.received} packets received, ${loss}% packet loss\n`,
  );
  if (tally.times.length > 0) {
    const mean = tally.times.reduce((sum, time) => sum + time, 0) / tally.times.length;
    const figures = [Math.min(...tally.times), mean, Math.max(...tally.times)];
    yield* process.print(`round-trip min/avg/max = ${figures.map((figure) => figure.toFixed(3)).join("/")} ms\n`);
  }
  return tally.received > 0 ? 0 : 1;
};

/** traceroute by ICMP echo. */
export const traceroute: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), { short: "nIm:q:w:" });
  const host = parsed.operands[0];
  if (host === undefined) {
    yield* process.printError("Usage:\n  traceroute [ -nI ] [ -m max_ttl ] [ -q nqueries ] [ -w wait ] host\n");
    return 2;
  }
  const address = (yield* resolve(process, host))[0];
  if (address === undefined) {
    yield* process.printError(
      `${host}: Name or service not known\nCannot handle "host" cmdline arg \`${host}' on position 1 (argc 1)\n`,
    );
    return 2;
  }
  const hops = Number(parsed.value("m") ?? 30);
  const probes = Number(parsed.value("q") ?? 3);
  yield* process.print(`traceroute to ${host} (${address}), ${hops} hops max, 60 byte packets\n`);
  const id = process.kernel.random.stream("ping").integer(1, 60_000);
  for (let ttl = 1; ttl <= hops; ttl++) {
    let line = `${String(ttl).padStart(2)} `;
    let shown: string | undefined;
    let arrived = false;
    for (let probe = 0; probe < probes; probe++) {
      const result = yield* echo(process, address, {
        id: id + ttl * 3 + probe,
        ttl,
        timeoutMs: Number(parsed.value("w") ?? 5) * 1000,
      });
      if (result.kind === "lost" || result.kind === "no-route") {
        line += " *";
        continue;
      }
      if (result.from !== shown) line += ` ${result.from}${parsed.has("n") ? "" : ` (${result.from})`}`;
      shown = result.from;
      line += `  ${result.rttMs.toFixed(3)} ms${result.kind === "unreachable" ? " !H" : ""}`;
      if (result.kind !== "ttl-exceeded") arrived = true;
    }
    yield* process.print(`${line}\n`);
    if (arrived) return 0;
  }
  return 0;
};
