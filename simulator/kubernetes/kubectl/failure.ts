/**
 * How a kubectl command fails: cmdutil.CheckErr's words. Failures unwind the command, as os.Exit does in kubectl; the
 * program's root turns them into text on standard error and an exit code. Nothing else catches them by accident.
 */
import type { Status } from "../apimachinery/object";

/** A failure with its own message; "error: " is put before it unless `raw`. */
export class CommandFailure {
  readonly message: string;
  readonly exitCode: number;
  readonly raw: boolean;
  constructor(message: string, options: { readonly exitCode?: number; readonly raw?: boolean } = {}) {
    this.message = message;
    this.exitCode = options.exitCode ?? 1;
    this.raw = options.raw ?? false;
  }
}

/** A usage error of the command (cmdutil.UsageErrorf). */
export class UsageFailure {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** The API server said no. `prefix` is put before its message ("error when creating …: "). */
export class ApiFailure {
  readonly status: Status;
  readonly prefix: string;
  constructor(status: Status, prefix = "") {
    this.status = status;
    this.prefix = prefix;
  }

  get reason(): string {
    return this.status.reason ?? "";
  }

  get isNotFound(): boolean {
    return this.reason === "NotFound";
  }

  /** The same failure with its origin named. */
  from(prefix: string): ApiFailure {
    return new ApiFailure(this.status, prefix + this.prefix);
  }

  get message(): string {
    return this.prefix + (this.status.message ?? "");
  }
}

/** No answer came. `refused` is the host that refused the connection. */
export class ConnectionFailure {
  readonly host: string;
  readonly reason: string;
  constructor(host: string, reason: string) {
    this.host = host;
    this.reason = reason;
  }

  get message(): string {
    return this.reason;
  }
}

/** Several failures of one command, each reported on its own. */
export class Failures {
  readonly all: readonly AnyFailure[];
  constructor(all: readonly AnyFailure[]) {
    this.all = all;
  }
}

export type AnyFailure = CommandFailure | ApiFailure | ConnectionFailure | Failures | UsageFailure;

export const isFailure = (error: unknown): error is AnyFailure =>
  error instanceof CommandFailure ||
  error instanceof ApiFailure ||
  error instanceof ConnectionFailure ||
  error instanceof Failures ||
  error instanceof UsageFailure;

export const fail = (message: string): never => {
  throw new CommandFailure(message);
};

/** Throws nothing, the one failure, or all of them together. */
export function throwAll(failures: readonly AnyFailure[]): void {
  if (failures.length === 0) return;
  throw failures.length === 1 ? failures[0]! : new Failures(failures);
}

/** What kubectl writes to standard error, and its exit code. `path` is the command's, for usage errors. */
export function reportFailure(error: AnyFailure, path: string): { readonly text: string; readonly exitCode: number } {
  if (error instanceof CommandFailure) {
    if (error.message === "") return { text: "", exitCode: error.exitCode };
    const text = error.raw || error.message.startsWith("error: ") ? error.message : `error: ${error.message}`;
    return { text: newline(text), exitCode: error.exitCode };
  }
  if (error instanceof UsageFailure) {
    return { text: `error: ${error.message}\nSee '${path} -h' for help and examples\n`, exitCode: 1 };
  }
  if (error instanceof Failures) {
    return { text: error.all.map((each) => newline(oneOfSeveral(each, path))).join(""), exitCode: 1 };
  }
  return { text: newline(standardMessage(error)), exitCode: 1 };
}

/** In a list of failures each stands without "error: ", and Invalid without its list of causes. */
function oneOfSeveral(error: AnyFailure, path: string): string {
  if (error instanceof CommandFailure || error instanceof UsageFailure) return error.message;
  if (error instanceof ApiFailure && error.reason === "Invalid") return `Error from server (Invalid): ${error.message}`;
  return reportFailure(error, path).text;
}

const newline = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);

function standardMessage(error: ApiFailure | ConnectionFailure): string {
  if (error instanceof ConnectionFailure) {
    if (error.reason.includes("connection refused")) {
      return `The connection to the server ${error.host} was refused - did you specify the right host or port?`;
    }
    return `Unable to connect to the server: ${error.reason}`;
  }
  if (error.reason === "Invalid") return invalidMessage(error);
  if (error.reason === "Unauthorized") return `error: You must be logged in to the server (${error.message})`;
  if (error.reason) return `Error from server (${error.reason}): ${error.message}`;
  return `Error from server: ${error.message}`;
}

/** The Deployment "x" is invalid: … with its causes, one on the same line, several as a list. */
function invalidMessage(error: ApiFailure): string {
  const details = error.status.details;
  let text = "The request is invalid";
  if (!details) return error.message ? `${text}: ${error.message}` : text;
  const causes = details.causes ?? [];
  if (details.kind || details.name) text = `The ${details.kind ?? ""} "${details.name ?? ""}" is invalid`;
  else if (error.message && causes.length === 0) text += `: ${error.message}`;
  const lines: string[] = [];
  for (const cause of causes) {
    const line = `${cause.field ?? ""}: ${cause.message ?? ""}`;
    if (!lines.includes(line)) lines.push(line);
  }
  if (lines.length === 0) return text;
  // MultilineError ends a single line too, whatever it ends with itself.
  if (lines.length === 1) return `${text}: ${lines[0]}\n`;
  return `${text}: \n${lines.map((line) => `* ${line}\n`).join("")}`;
}
