/** Troubles that a lesson or a test may cause, by name. A fault is an input: it is in the log and replays. */
import type { JsonObject } from "../base/json";
import type { World } from "./world";

interface Fault {
  readonly name: string;
  apply(world: World, options: JsonObject): void;
}

const text = (options: JsonObject, key: string): string => {
  const value = options[key];
  if (typeof value !== "string") throw new Error(`fault: "${key}" must be text`);
  return value;
};

const registryFaults: Readonly<
  Record<
    string,
    (
      options: JsonObject,
    ) => { kind: "unreachable" } | { kind: "slow"; factor: number } | { kind: "rate-limited" } | undefined
  >
> = {
  unreachable: () => ({ kind: "unreachable" }),
  slow: (options) => ({ kind: "slow", factor: Number(options["factor"] ?? 10) }),
  "rate-limited": () => ({ kind: "rate-limited" }),
  none: () => undefined,
};

const faults: readonly Fault[] = [
  {
    name: "registry",
    apply(world, options) {
      const registry = world.registries.get(text(options, "domain"));
      const make = registryFaults[text(options, "state")];
      if (!registry || !make) throw new Error(`fault registry: unknown domain or state ${JSON.stringify(options)}`);
      registry.fault = make(options);
    },
  },
  { name: "cluster", apply: (world, options) => world.cluster?.fault(text(options, "name"), options) },
];

/** Throws an Error with a sentence for the author when there is no such fault. */
export function applyFault(world: World, name: string, options: JsonObject): void {
  const fault = faults.find((one) => one.name === name);
  if (!fault) throw new Error(`no fault "${name}" (known: ${faults.map((one) => one.name).join(", ")})`);
  fault.apply(world, options);
}
