/**
 * POST /build. Body: the context as a tar archive. Query: `t` (repeated), `dockerfile`, `nocache`, `pull`, `q`, `target`,
 * `dockerfilesource` (the Dockerfile itself where it stands outside of the context), `sources=none` (nothing to send),
 * `sharedkey` (names the folder that is sent: its copy here is kept and only what changed counts as sent),
 * `buildargs` and `labels` (JSON objects), `networkmode`, `platform`, `version` ("1": classic builder, "2": BuildKit), `check` (BuildKit: only lint).
 *
 * The answer is a stream of messages. Classic: `{stream}`, `{aux: {ID}}`, `{errorDetail: {code, message}, error}`.
 * BuildKit: `{id: "moby.buildkit.trace", aux: SolveStatus}` (upstream sends the same as protobuf), at the end
 * `{id: "moby.image.id", aux: {ID}}` or `{error, errorDetail: {message, source?}}`; `message` begins with "failed to
 * solve: ". The whole directory is sent: .dockerignore is applied by the daemon, and by classic clients themselves.
 */

/** A vertex of the build graph; it is sent again when it starts and when it is done. */
export interface SolveVertex {
  readonly digest: string;
  readonly inputs?: readonly string[];
  /** `[internal] load .dockerignore`, `[builder 2/4] RUN make` … */
  readonly name: string;
  /** ms since the epoch. */
  readonly started?: number;
  readonly completed?: number;
  readonly cached?: boolean;
  readonly error?: string;
}

/** Progress below a vertex: `transferring context:`, `exporting layers`, `writing image sha256:…`, `naming to …`. */
export interface SolveVertexStatus {
  readonly id: string;
  readonly vertex: string;
  /** Bytes; 0 where there is nothing to count. */
  readonly current: number;
  readonly total?: number;
  readonly started: number;
  readonly completed?: number;
}

export interface SolveLog {
  readonly vertex: string;
  /** 1: stdout, 2: stderr. */
  readonly stream: 1 | 2;
  /** Text as the program wrote it. */
  readonly msg: string;
  readonly timestamp: number;
}

/** A remark of the Dockerfile linter. */
export interface SolveWarning {
  readonly vertex: string;
  /** `StageNameCasing: Stage name 'Foo' should be lowercase (line 1)` */
  readonly short: string;
  readonly detail: string;
  readonly url: string;
  readonly line: number;
  /** The source line itself, for --debug. */
  readonly text: string;
}

export interface SolveStatus {
  readonly vertexes?: readonly SolveVertex[];
  readonly statuses?: readonly SolveVertexStatus[];
  readonly logs?: readonly SolveLog[];
  readonly warnings?: readonly SolveWarning[];
}

/** Where in the Dockerfile a failure is: clients print the lines around it. */
export interface BuildErrorSource {
  readonly filename: string;
  /** The whole file. */
  readonly text: string;
  /** First and last line, from 1. */
  readonly start: number;
  readonly end: number;
}

export interface BuildMessage {
  readonly id?: "moby.buildkit.trace" | "moby.image.id";
  readonly aux?: SolveStatus | { readonly ID: string };
  readonly stream?: string;
  readonly status?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message: string; readonly source?: BuildErrorSource };
}
