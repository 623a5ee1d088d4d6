/** The simulator without its Kubernetes part: for pages, which load that apart and only for lessons with a cluster. */
export type { Bytes } from "./base/bytes";
export { bytesToArray, decodeUtf8, encodeUtf8 } from "./base/bytes";
export type { ApiRequest, ApiResponse, ApiStream, ClientFrame, ServerFrame } from "./base/door";
export type { Json, JsonObject } from "./base/json";
export type {
  AuditEntry,
  CommandOptions,
  CommandRun,
  DockerRequest,
  HttpExchange,
  Input,
  LogEntry,
  Machine,
  MachineLog,
  NoAnswer,
  NodeView,
  Observation,
  OutsideKubernetesRequest,
  LineRun,
  ProgramRun,
  StartState,
} from "./machine/api";
export { MissingPart, SIMULATOR_VERSION } from "./machine/api";
export { createMachine } from "./machine/machine";
export { needsKubernetes, scenarios } from "./machine/scenarios";
