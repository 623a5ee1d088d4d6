/** Pull and push progress: one plain line a change where nobody watches, lines rewritten in place on a terminal. */
import type { ApiStream } from "../../base/door";
import type { Task } from "../../base/task";
import type { Process } from "../../os/process";
import { humanSizeWithPrecision } from "../../text/human-size";
import { eachMessage } from "./stream";

/** jsonmessage.JSONMessage */
export interface ProgressMessage {
  readonly id?: string;
  readonly status?: string;
  readonly stream?: string;
  readonly progressDetail?: {
    readonly current?: number;
    readonly total?: number;
    readonly units?: string;
    readonly hidecounts?: boolean;
  };
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message: string };
  readonly aux?: unknown;
}

export interface ProgressFailure {
  readonly code: number | undefined;
  readonly message: string;
}

/** Shows a stream of messages on a descriptor; the failure is the error message that ended it. */
export function* showProgress(
  process: Process,
  stream: ApiStream,
  options: { readonly fd: 1 | 2; readonly quiet?: boolean; readonly onAux?: (value: unknown) => void },
): Task<ProgressFailure | undefined> {
  const tty = process.ttyOf(options.fd);
  const lines = new Map<string, number>();
  let failed: ProgressFailure | undefined;
  const write = (text: string): Task<void> =>
    options.quiet ? nothing() : options.fd === 1 ? process.print(text) : process.printError(text);
  const broken = yield* eachMessage<ProgressMessage>(stream, function* (message) {
    if (failed) return;
    if (message.aux !== undefined) {
      options.onAux?.(message.aux);
      return;
    }
    if (message.errorDetail ?? message.error) {
      failed = { code: message.errorDetail?.code, message: message.errorDetail?.message ?? message.error! };
      return;
    }
    if (message.stream !== undefined) {
      yield* write(message.stream);
      return;
    }
    if (message.id === undefined) {
      lines.clear();
      yield* write(`${message.status ?? ""}\n`);
      return;
    }
    const progress = progressText(message, tty?.columns ?? 200);
    // Without a terminal, lines that only move a bar are left out.
    if (!tty) {
      if (progress === "" || message.progressDetail === undefined)
        yield* write(`${message.id}: ${message.status ?? ""}\n`);
      return;
    }
    // A message without progress is a line of its own; what comes after it begins below.
    if (message.progressDetail === undefined) {
      lines.clear();
      yield* write(`${message.id}: ${message.status ?? ""}\n`);
      return;
    }
    let line = lines.get(message.id);
    let text = "";
    if (line === undefined) {
      line = lines.size;
      lines.set(message.id, line);
      text += "\n";
    }
    const up = lines.size - line;
    text += `\x1b[${up}A\x1b[2K\r${message.id}: ${message.status ?? ""} ${progress}\r\x1b[${up}B`;
    yield* write(text);
  });
  return failed ?? (broken === undefined ? undefined : { code: undefined, message: broken });
}

function* nothing(): Task<void> {}

/** jsonmessage.JSONProgress.String */
function progressText(message: ProgressMessage, columns: number): string {
  const { current = 0, total = 0, units, hidecounts } = message.progressDetail ?? {};
  if (current <= 0 && total <= 0) return "";
  if (total <= 0) return units ? `${current} ${units}` : humanSizeWithPrecision(current, 4).padStart(8);
  let bar = "";
  const percent = Math.min(50, Math.floor(((current / total) * 100) / 2));
  if (columns > 110) bar = `[${"=".repeat(percent)}>${" ".repeat(50 - percent)}] `;
  if (hidecounts) return bar;
  const now = humanSizeWithPrecision(current, 4).padStart(8);
  if (current > total) return bar + now;
  return `${bar}${now}/${humanSizeWithPrecision(total, 4)}`;
}
