/** The admission chain: all plugins in order, mutating first, validating after validation. */
import type { Instant } from "../../../base/clock";
import type { KubeObject, Status } from "../../apimachinery/object";
import type { Draft } from "../../apimachinery/resource";
import type { Scope } from "../scope";
import type { AdmissionAttributes, AdmissionContext, AdmissionOperation, AdmissionPlugin } from "./plugin";

export class AdmissionChain {
  readonly #plugins: readonly AdmissionPlugin[];
  readonly #makeContext: (now: Instant) => AdmissionContext;
  #context: AdmissionContext | undefined;
  readonly #now: () => Instant;

  constructor(plugins: readonly AdmissionPlugin[], context: (now: Instant) => AdmissionContext, now: () => Instant) {
    this.#plugins = plugins;
    this.#makeContext = context;
    this.#now = now;
  }

  /** What plugins may look at now: the same all through one instant. */
  #look(): AdmissionContext {
    const now = this.#now();
    if (this.#context?.now !== now) this.#context = this.#makeContext(now);
    return this.#context!;
  }

  attributes(
    scope: Scope,
    operation: AdmissionOperation,
    object: Draft | undefined,
    old: KubeObject | undefined,
  ): AdmissionAttributes {
    return {
      operation,
      resource: scope.resource,
      subresource: scope.subresource,
      namespace: scope.namespace,
      name: object?.metadata?.name ?? scope.name,
      object,
      old,
      user: scope.user,
      dryRun: scope.dryRun,
      warn: (message) => void scope.warnings.push(message),
    };
  }

  admit(attributes: AdmissionAttributes): Status | undefined {
    const context = this.#look();
    for (const plugin of this.#plugins) {
      const refused = plugin.admit?.(attributes, context);
      if (refused) return refused;
    }
    return undefined;
  }

  validate(attributes: AdmissionAttributes): Status | undefined {
    const context = this.#look();
    for (const plugin of this.#plugins) {
      const refused = plugin.validate?.(attributes, context);
      if (refused) return refused;
    }
    return undefined;
  }
}
