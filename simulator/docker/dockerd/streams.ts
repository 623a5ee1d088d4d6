/** Answers that go on: a queue of frames that starts to flow when the client opens it, each frame as a loop task. */
import type { Bytes } from "../../base/bytes";
import type { ApiResponse, ApiStream, ClientFrame, ServerFrame, StreamReceiver } from "../../base/door";
import type { Loop } from "../../base/loop";
import { type Task, startTask } from "../../base/task";

export class StreamWriter {
  readonly #loop: Loop;
  #receiver: StreamReceiver | undefined;
  #queue: (ServerFrame | { readonly end: true; readonly error: string | undefined })[] = [];
  #scheduled = false;
  #over = false;
  readonly #onCancel: (() => void)[] = [];

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get cancelled(): boolean {
    return this.#over;
  }

  onCancel(run: () => void): void {
    this.#onCancel.push(run);
  }

  frame(frame: ServerFrame): void {
    if (this.#over) return;
    this.#queue.push(frame);
    this.#schedule();
  }

  stdout(bytes: Bytes): void {
    if (bytes !== "") this.frame({ channel: "stdout", bytes });
  }

  stderr(bytes: Bytes): void {
    if (bytes !== "") this.frame({ channel: "stderr", bytes });
  }

  message(value: unknown): void {
    this.frame({ channel: "message", value });
  }

  end(error?: string): void {
    if (this.#over) return;
    this.#queue.push({ end: true, error });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || !this.#receiver) return;
    this.#scheduled = true;
    this.#loop.soon(() => {
      this.#scheduled = false;
      const frames = this.#queue;
      this.#queue = [];
      for (const frame of frames) {
        if (this.#over) return;
        if ("end" in frame) {
          this.#over = true;
          this.#receiver!.end(frame.error);
        } else this.#receiver!.frame(frame);
      }
    });
  }

  open(receiver: StreamReceiver): void {
    this.#receiver = receiver;
    if (this.#queue.length > 0) this.#schedule();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    for (const run of this.#onCancel) run();
  }
}

/** A stream response whose frames are written by `produce`; it is unwound when the client hangs up. */
export function streamResponse(
  loop: Loop,
  produce: (writer: StreamWriter) => Task<void>,
  options: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly onFrame?: (frame: ClientFrame) => void;
  } = {},
): ApiResponse {
  const writer = new StreamWriter(loop);
  const stream: ApiStream = {
    open(receiver) {
      writer.open(receiver);
      const task = startTask(loop, produce(writer), () => writer.end());
      writer.onCancel(() => task.cancel());
    },
    send: (frame) => options.onFrame?.(frame),
    cancel: () => writer.cancel(),
  };
  return { status: options.status ?? 200, ...(options.headers ? { headers: options.headers } : {}), stream };
}
