/** Field managers: placeholder until server-side apply stands. */
import { failure, type Result } from "../../base/result";
import type { Status } from "../apimachinery/object";
import type { StructType } from "../apimachinery/schema";
import { unsupportedMediaType } from "../apimachinery/status";
import type { Applied, ApplyEngine } from "./apply";
import type { ManagedFieldsUpdater } from "./managed-fields";
import type { Registry } from "./registry";
import type { Scope } from "./scope";

export class FieldManagers implements ManagedFieldsUpdater, ApplyEngine {
  registry: Registry | undefined;
  constructor(_options: { structOf(scope: Scope): StructType }) {}
  created(): void {}
  updated(): void {}
  apply(): Result<Applied, Status> {
    return failure(unsupportedMediaType("application/apply-patch+yaml", ["application/json-patch+json"]));
  }
}
