/** The worlds there are, by name. */
import { docker, recordedDocker } from "./docker";
import {
  externalEtcd,
  hundredNodes,
  thousandNodes,
  kubeadm,
  kubernetes,
  managed,
  oneNode,
  recordedKubernetes,
  tenNodes,
} from "./kubernetes";
import type { Scenario } from "./scenario";

export { needsKubernetes, type Scenario } from "./scenario";

export const scenarios: readonly Scenario[] = [
  docker,
  managed,
  kubernetes,
  oneNode,
  kubeadm,
  externalEtcd,
  tenNodes,
  hundredNodes,
  thousandNodes,
  recordedDocker,
  recordedKubernetes,
];

/** Throws an Error with a sentence for the author when there is none of that name. */
export function findScenario(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (!found)
    throw new Error(`no scenario "${name}" (known: ${scenarios.map((scenario) => scenario.name).join(", ")})`);
  return found;
}
