/** ICMP echo: what ping and traceroute send, and what comes back. */
import type { Task } from "../base/task";
import type { Process } from "../os/process";
import { type Netns, netOf } from "./netns";
import { makePacket } from "./packet";
import { walk, walkBack } from "./walk";

export type EchoResult =
  | { readonly kind: "reply"; readonly from: string; readonly ttl: number; readonly rttMs: number }
  | {
      readonly kind: "unreachable";
      readonly from: string;
      readonly what: "host" | "port" | "net" | "prohibited";
      readonly rttMs: number;
    }
  | { readonly kind: "ttl-exceeded"; readonly from: string; readonly rttMs: number }
  | { readonly kind: "lost" }
  | { readonly kind: "no-route" };

/** Sends one echo request; waits for its answer, at most `timeoutMs`. */
export function* echo(
  process: Process,
  address: string,
  options: { readonly id: number; readonly ttl?: number; readonly timeoutMs?: number; readonly netns?: Netns },
): Task<EchoResult> {
  const netns = options.netns ?? netOf(process);
  const source = netns.sourceFor(address);
  if (source === undefined) return { kind: "no-route" };
  const timeoutMs = options.timeoutMs ?? 10_000;
  const packet = makePacket(
    "icmp",
    { source, sourcePort: options.id, destination: address, destinationPort: 0 },
    { ttl: options.ttl ?? 64 },
  );
  const there = walk(netns, packet);
  const { outcome } = there;
  const jitter = 1 + netns.network.random.stream("icmp").float() * 0.4;
  const answer = function* (result: EchoResult, afterMs: number): Task<EchoResult> {
    if (afterMs > timeoutMs) {
      yield* process.sleep(timeoutMs);
      return { kind: "lost" };
    }
    yield* process.sleep(afterMs);
    return result;
  };
  const rttMs = there.latencyMs * 2 * jitter;
  switch (outcome.kind) {
    case "delivered": {
      const back = walkBack(outcome.netns, outcome.packet, netns);
      if (!back.arrived) break;
      const rtt = (there.latencyMs + back.latencyMs) * jitter;
      const ttl = 64 - (back.hops.length > 1 ? back.hops.length - 2 : 0);
      return yield* answer({ kind: "reply", from: address, ttl: Math.max(1, ttl), rttMs: rtt }, rtt);
    }
    case "ttl-exceeded":
      return yield* answer({ kind: "ttl-exceeded", from: outcome.address, rttMs }, rttMs);
    case "unreachable":
      return yield* answer(
        {
          kind: "unreachable",
          what: "host",
          from: outcome.isLocal ? source : (outcome.at.address ?? source),
          rttMs: 3060,
        },
        3060,
      );
    case "no-route":
      if (outcome.isLocal) return { kind: "no-route" };
      return yield* answer({ kind: "unreachable", what: "net", from: outcome.at.address ?? source, rttMs }, rttMs);
    case "rejected": {
      const what = outcome.with.includes("prohibited") ? "prohibited" : outcome.with.includes("host") ? "host" : "port";
      return yield* answer({ kind: "unreachable", what, from: outcome.at.address ?? source, rttMs }, rttMs);
    }
    case "dropped":
      break;
  }
  yield* process.sleep(timeoutMs);
  return { kind: "lost" };
}
