/** What a Pod requests (component-helpers' resource): containers together, init containers one after another. */
import { milliValue, wholeValue } from "../apimachinery/quantity";
import type { Container, Pod } from "../api/types.generated";

/** By resource name; `cpu` in thousandths of a core, all others in whole units. */
export type ResourceAmounts = Readonly<Record<string, number>>;

const cache = new WeakMap<object, ResourceAmounts>();

/** A quantity of a resource as a number, in the unit that ResourceAmounts uses. */
export const amountOf = (resource: string, quantity: string | number | undefined): number =>
  resource === "cpu" ? milliValue(quantity) : wholeValue(quantity);

/** All quantities of a list as numbers. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  const amounts: Record<string, number> = {};
  for (const name in list) amounts[name] = amountOf(name, list[name]);
  return amounts;
}

/** PodRequests. Cached by the (frozen) spec. */
export function podRequests(pod: Pod): ResourceAmounts {
  const known = cache.get(pod.spec);
  if (known) return known;
  const total: Record<string, number> = {};
  for (const container of pod.spec.containers) add(total, requestsOf(container));
  // Sidecars run beside the containers; an ordinary init container runs beside the sidecars started before it.
  const sidecars: Record<string, number> = {};
  const peak: Record<string, number> = {};
  for (const container of pod.spec.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === "Always") {
      add(sidecars, requests);
      max(peak, sidecars);
    } else {
      const now = { ...sidecars };
      add(now, requests);
      max(peak, now);
    }
  }
  add(total, sidecars);
  max(total, peak);
  if (pod.spec.resources?.requests) Object.assign(total, amountsOf(pod.spec.resources.requests));
  add(total, amountsOf(pod.spec.overhead));
  const result = Object.freeze(total);
  if (Object.isFrozen(pod.spec)) cache.set(pod.spec, result);
  return result;
}

/** A container's requests; a limit without a request counts as one (the API server defaults it so). */
const requestsOf = (container: Container): ResourceAmounts => amountsOf(container.resources?.requests);

function add(total: Record<string, number>, amounts: ResourceAmounts): void {
  for (const name in amounts) total[name] = (total[name] ?? 0) + amounts[name]!;
}

function max(total: Record<string, number>, amounts: ResourceAmounts): void {
  for (const name in amounts) total[name] = Math.max(total[name] ?? 0, amounts[name]!);
}
