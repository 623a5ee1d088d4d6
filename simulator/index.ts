/** The only door of the simulator for `lib` and `app`. */
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
  Observation,
  OutsideKubernetesRequest,
  ProgramRun,
  StartState,
} from "./machine/api";
export { SIMULATOR_VERSION } from "./machine/api";
export { createMachine } from "./machine/machine";
export { scenarios } from "./machine/scenarios";
