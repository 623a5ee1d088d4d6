/** Server-side apply: what the handlers ask for. */
import type { Result } from "../../base/result";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Scope } from "./scope";

export interface Applied {
  readonly object: KubeObject;
  readonly created: boolean;
}

export interface ApplyEngine {
  apply(scope: Scope, body: unknown, force: boolean): Result<Applied, Status>;
}
