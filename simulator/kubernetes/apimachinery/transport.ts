/**
 * Transport: the one interface between clients (kubectl, controllers, scheduler, kubelets, panels) and the API server.
 * A write takes effect before `request` returns; what follows from it (watch events to others) comes as later tasks.
 * A program that models latency (kubectl) sleeps around the call; a controller does not.
 */
import type { ApiRequest, ApiResponse } from "../../base/door";
import type { Cancel } from "../../base/loop";
import { suspend, type Task } from "../../base/task";

/** What a path and a method mean (apiserver/pkg/endpoints/request.RequestInfo). */
export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  /** `v1`, `apps/v1`. */
  readonly groupVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows the subresource: a proxied path. */
  readonly rest: readonly string[];
}

export interface KubeRequest extends ApiRequest {
  /** What the server would read from path and method, where a client inside the machine knows it already. */
  readonly info?: RequestInfo;
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

/** An answer that the server has to fetch from elsewhere (a proxied Pod): the response proper comes later. */
export interface LaterResponse extends ApiResponse {
  later(done: (response: ApiResponse) => void): Cancel;
}

/** The answer itself, when the server has it. */
export function* settled(answer: ApiResponse): Task<ApiResponse> {
  if (!("later" in answer)) return answer;
  return yield* suspend((resume) => (answer as LaterResponse).later(resume));
}

export const isTransportFailure = (answer: ApiResponse | TransportFailure): answer is TransportFailure =>
  "failure" in answer;
