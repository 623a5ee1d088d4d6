/** The nftables ruleset of a namespace. */
import type { Clock } from "../../base/clock";
import type { EvaluationContext, Verdict } from "../netfilter/evaluate";
import type { Packet } from "../packet";

export type NftHook = "prerouting" | "input" | "forward" | "output" | "output-filter" | "postrouting";

export class NftRuleset {
  readonly #changed: () => void;
  readonly #clock: Clock;

  constructor(changed: () => void, clock: Clock) {
    this.#changed = changed;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return true;
  }

  evaluate(_hook: NftHook, _packet: Packet, _context: EvaluationContext): Verdict {
    void this.#changed;
    void this.#clock;
    return { kind: "accept" };
  }
}
