/** metadata.managedFields: who set which field (structured-merge-diff). */
import type { KubeObject } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import type { Scope } from "./scope";

export interface ManagedFieldsUpdater {
  created(draft: Draft, scope: Scope): void;
  updated(draft: Draft, old: KubeObject, scope: Scope, operation: "Update" | "Apply"): void;
}
