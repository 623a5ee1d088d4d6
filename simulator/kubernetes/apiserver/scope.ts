/** What the server knows of one request while it serves it. */
import type { Clock, Instant } from "../../base/clock";
import type { ResourceDefinition, StrategyContext } from "../apimachinery/resource";
import type { ServedResource } from "../apimachinery/scheme";
import type { ResourceStorage } from "./storage";

export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface Scope {
  readonly served: ServedResource;
  readonly resource: ResourceDefinition;
  readonly storage: ResourceStorage;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly user: UserInfo;
  readonly now: Instant;
  /** For what outlives the request: a watch prints ages as of each event. */
  readonly clock: Clock;
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: "Strict" | "Warn" | "Ignore";
  /** Collected for the `Warning` header. */
  readonly warnings: string[];
}

export const strategyContext = (scope: Scope): StrategyContext => ({
  now: scope.now,
  user: scope.user,
  ...(scope.subresource ? { subresource: scope.subresource } : {}),
});

export const groupResource = (resource: ResourceDefinition): { readonly group: string; readonly resource: string } => ({
  group: resource.group,
  resource: resource.plural,
});
