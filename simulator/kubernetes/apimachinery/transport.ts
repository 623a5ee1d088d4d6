/**
 * Transport: the one interface between clients (kubectl, controllers, scheduler, kubelets, panels) and the API server.
 * A write takes effect before `request` returns; what follows from it (watch events to others) comes as later tasks.
 * A program that models latency (kubectl) sleeps around the call; a controller does not.
 */
import type { ApiRequest, ApiResponse } from "../../base/door";

export interface KubeRequest extends ApiRequest {
  /** The client certificate's or token's holder, already presented; the server authenticates it. */
  readonly credentials?: Credentials;
}

export interface Credentials {
  /** Subject of a client certificate: user name (CN) and groups (O). */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  /** Bearer token. */
  readonly token?: string;
  /** `--as`, `--as-group`, `--as-uid`. */
  readonly impersonate?: { readonly user?: string; readonly groups?: readonly string[]; readonly uid?: string };
}

/** Why no answer came at all, in the words of Go's net package, e.g. `connect: connection refused`. */
export interface TransportFailure {
  readonly failure: string;
}

export interface Transport {
  /**
   * One request. A watch (`?watch=true`), a followed log, exec, attach and port-forward answer with `stream`.
   * Undefined-behaviour free: a server that is down answers with a TransportFailure.
   */
  request(request: KubeRequest): ApiResponse | TransportFailure;
}

export const isTransportFailure = (answer: ApiResponse | TransportFailure): answer is TransportFailure =>
  "failure" in answer;
