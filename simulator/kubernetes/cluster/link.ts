/**
 * The way of one host to the API server: the door itself while the network between them is whole; Go's words for what
 * is broken otherwise. Streams that were open when it broke end, as connections do.
 */
import type { ApiResponse, ApiStream, StreamReceiver } from "../../base/door";
import type { Loop } from "../../base/loop";
import type { KubeRequest, Transport, TransportFailure } from "../apimachinery/transport";
import { isTransportFailure } from "../apimachinery/transport";

export interface LinkOptions {
  readonly loop: Loop;
  readonly server: Transport;
  /** `10.89.0.10:6443` */
  readonly address: string;
  /** Whether packets get through at this moment. */
  isConnected(): boolean;
}

export class ApiLink implements Transport {
  readonly #options: LinkOptions;
  readonly #streams = new Set<() => void>();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  request(request: KubeRequest): ApiResponse | TransportFailure {
    if (!this.#options.isConnected()) return { failure: `dial tcp ${this.#options.address}: i/o timeout` };
    const answer = this.#options.server.request(request);
    if (isTransportFailure(answer) || !answer.stream) return answer;
    return { ...answer, stream: this.#guard(answer.stream) };
  }

  /** Breaks every open stream: what a cut cable, or a proxy that gives up, does to watches. */
  breakStreams(): void {
    for (const end of [...this.#streams]) end();
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  #guard(stream: ApiStream): ApiStream {
    let over = false;
    let receiver: StreamReceiver | undefined;
    const finish = (): void => {
      if (over) return;
      over = true;
      this.#streams.delete(finish);
      stream.cancel();
      // The client notices a dead connection by its own time-out; the loop's next turn stands for it.
      this.#options.loop.soon(() => receiver?.end("http2: client connection lost"));
    };
    this.#streams.add(finish);
    return {
      open: (to) => {
        receiver = to;
        stream.open({
          frame: (frame) => {
            if (over) return;
            if (this.#options.isConnected()) to.frame(frame);
            else finish();
          },
          end: (error) => {
            if (over) return;
            over = true;
            this.#streams.delete(finish);
            to.end(error);
          },
        });
      },
      send: (frame) => {
        if (!over && this.#options.isConnected()) stream.send(frame);
      },
      cancel: () => {
        if (over) return;
        over = true;
        this.#streams.delete(finish);
        stream.cancel();
      },
    };
  }
}
