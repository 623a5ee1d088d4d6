/** What an admission plugin is, and what it may look at. */
import type { Instant } from "../../../base/clock";
import type { Random } from "../../../base/random";
import type { KubeObject, Status } from "../../apimachinery/object";
import type { Draft, ResourceDefinition } from "../../apimachinery/resource";
import type { UserInfo } from "../scope";

export type AdmissionOperation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

export interface AdmissionAttributes {
  readonly operation: AdmissionOperation;
  readonly resource: ResourceDefinition;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Mutating plugins write into it; absent for DELETE and CONNECT. */
  readonly object: Draft | undefined;
  readonly old: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** A plugin's word for the client (the `Warning` header). */
  warn(message: string): void;
}

export interface AdmissionContext {
  readonly now: Instant;
  readonly random: Random;
  get(group: string, plural: string, namespace: string, name: string): KubeObject | undefined;
  list(group: string, plural: string, namespace?: string): readonly KubeObject[];
  /** Writes a status on behalf of the server itself (quota's `used`). */
  updateStatus(group: string, plural: string, object: KubeObject): void;
}

export interface AdmissionPlugin {
  /** As `--enable-admission-plugins` names it. */
  readonly name: string;
  /** Changes the object, or refuses. */
  admit?(attributes: AdmissionAttributes, context: AdmissionContext): Status | undefined;
  /** Refuses, after all have changed and the object is valid. */
  validate?(attributes: AdmissionAttributes, context: AdmissionContext): Status | undefined;
}
