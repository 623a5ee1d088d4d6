/** exec and attach: the streams of a container joined to this process's own. */
import type { Bytes } from "../../base/bytes";
import { NO_BYTES } from "../../base/bytes";
import type { ApiStream } from "../../base/door";
import type { Task } from "../../base/task";
import type { Status } from "../apimachinery/object";
import type { Factory } from "./factory";
import { ApiFailure, CommandFailure } from "./failure";
import { StreamReader } from "./rest";

export interface RemoteOptions {
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet?: boolean;
  /** Where output goes instead of descriptors 1 and 2. */
  readonly sink?: (channel: "stdout" | "stderr", bytes: Bytes) => Task<void>;
  /** Input instead of descriptor 0. */
  readonly input?: Bytes;
}

type Frame = { readonly channel: "stdout" | "stderr" | "error"; readonly bytes: Bytes };

/** Opens the stream; what is not an upgrade is reported as kubectl does. */
export function* openRemote(factory: Factory, options: RemoteOptions): Task<ApiStream> {
  try {
    return yield* factory.client.stream("POST", options.path, { query: options.query });
  } catch (error) {
    // The kubelet's own refusals are plain text.
    if (error instanceof ApiFailure && !error.reason)
      throw new CommandFailure(`unable to upgrade connection: ${error.message}`);
    throw error;
  }
}

/** Runs until the far side ends; the exit code of what ran. */
export function* runRemote(factory: Factory, options: RemoteOptions): Task<number> {
  const { process } = factory;
  const stream = yield* openRemote(factory, options);
  const reader = new StreamReader<Frame>(stream, (frame) => (frame.channel === "message" ? undefined : frame));
  const terminal = options.tty ? process.ttyOf(0) : undefined;
  const pump = options.stdin ? process.thread(pumpInput(factory, stream, options.input)) : undefined;
  if (terminal) {
    terminal.setMode({ canonical: false, echo: false, signals: false, outputCrlf: false, inputCrToNl: false });
    const resize = (): void => stream.send({ channel: "resize", columns: terminal.columns, rows: terminal.rows });
    resize();
    process.onSignal("WINCH", resize);
  }
  let status: Status | undefined;
  try {
    for (;;) {
      const frame = yield* reader.next(process);
      if (!frame) break;
      if (frame.channel === "error") status = JSON.parse(frame.bytes) as Status;
      else if (options.sink) yield* options.sink(frame.channel, frame.bytes);
      else yield* process.write(frame.channel === "stdout" ? 1 : 2, frame.bytes);
    }
  } finally {
    pump?.cancel();
    reader.close();
    if (terminal) {
      terminal.resetMode();
      process.onSignal("WINCH", "default");
    }
  }
  if (reader.error !== undefined && !status) throw new CommandFailure(reader.error);
  return yield* exitCodeOf(factory, status, options.quiet ?? false);
}

function* pumpInput(factory: Factory, stream: ApiStream, input: Bytes | undefined): Task<void> {
  if (input !== undefined) {
    stream.send({ channel: "stdin", bytes: input });
    stream.send({ channel: "stdin-end" });
    return;
  }
  for (;;) {
    const bytes = yield* factory.process.read(0);
    if (bytes === NO_BYTES) break;
    stream.send({ channel: "stdin", bytes });
  }
  stream.send({ channel: "stdin-end" });
}

function* exitCodeOf(factory: Factory, status: Status | undefined, quiet: boolean): Task<number> {
  if (!status || status.status === "Success") return 0;
  if (status.reason === "NonZeroExitCode") {
    const code = Number(status.details?.causes?.find((cause) => cause.reason === "ExitCode")?.message ?? 1);
    if (!quiet) yield* factory.process.printError(`command terminated with exit code ${code}\n`);
    return code;
  }
  throw new CommandFailure(
    // The message says the same already; both the server and the client put it there.
    `Internal error occurred: ${status.message ?? ""}`,
  );
}
