/** What all network namespaces of one machine share: the loop, chance, and a count of changes to ways and rules. */
import type { Loop } from "../base/loop";
import type { Random } from "../base/random";

export interface RecordedExchange {
  readonly at: number;
  /** The namespace the request was made in. */
  readonly namespace: string;
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly body: string;
}

const EXCHANGES_MAX = 2000;

export class Network {
  readonly loop: Loop;
  readonly random: Random;
  readonly exchanges: RecordedExchange[] = [];
  #epoch = 1;

  constructor(options: { readonly loop: Loop; readonly random: Random }) {
    this.loop = options.loop;
    this.random = options.random.stream("net");
  }

  /** Grows whenever an interface, a route or a rule changes anywhere: open connections look at their way again. */
  get epoch(): number {
    return this.#epoch;
  }

  touch(): void {
    this.#epoch++;
  }

  /** touch(), to be handed on. */
  readonly changed = (): void => this.touch();

  /** Remembers an HTTP exchange for panels and checks; the oldest are dropped. */
  record(exchange: RecordedExchange): void {
    if (this.exchanges.length >= EXCHANGES_MAX) this.exchanges.splice(0, EXCHANGES_MAX / 4);
    this.exchanges.push(exchange);
  }
}
