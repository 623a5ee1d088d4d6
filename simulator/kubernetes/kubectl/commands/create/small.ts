/** kubectl create namespace, serviceaccount, quota, poddisruptionbudget, priorityclass: kinds of a few fields each. */
import { boolFlag, int32Flag, stringFlag } from "../../../../cli/flags";
import { parseSelector } from "../../../apimachinery/labels";
import { parseQuantity, canonicalQuantity } from "../../../apimachinery/quantity";
import { defineCreateCommand } from "../../create-object";
import { fail } from "../../failure";
import { NAMESPACE, PDB, PRIORITY_CLASS, QUOTA, SERVICE_ACCOUNT } from "./made-kinds";

export const createNamespace = defineCreateCommand({
  use: "namespace NAME [--dry-run=server|client|none]",
  aliases: ["ns"],
  short: "Create a namespace with the specified name",
  made: NAMESPACE,
  flags: {},
  *build(_, name) {
    return { kind: "Namespace", apiVersion: "v1", metadata: { name }, spec: {}, status: {} };
  },
});

export const createServiceAccount = defineCreateCommand({
  use: "serviceaccount NAME [--dry-run=server|client|none]",
  aliases: ["sa"],
  short: "Create a service account with the specified name",
  made: SERVICE_ACCOUNT,
  failure: "failed to create serviceaccount",
  flags: {},
  *build(_, name) {
    return { kind: "ServiceAccount", apiVersion: "v1", metadata: { name } };
  },
});

export const createQuota = defineCreateCommand({
  use: "quota NAME [--hard=key1=value1,key2=value2] [--scopes=Scope1,Scope2] [--dry-run=server|client|none]",
  aliases: ["resourcequota"],
  short: "Create a quota with the specified name",
  made: QUOTA,
  failure: "failed to create quota",
  flags: {
    hard: stringFlag("", "A comma-delimited set of resource=quantity pairs that define a hard limit."),
    scopes: stringFlag(
      "",
      "A comma-delimited set of quota scopes that must all match each object tracked by the quota.",
    ),
  },
  *build({ flags }, name) {
    const hard = resourceList(flags.hard);
    const scopes = flags.scopes === "" ? [] : flags.scopes.split(",");
    return {
      kind: "ResourceQuota",
      apiVersion: "v1",
      metadata: { name },
      spec: { ...(Object.keys(hard).length > 0 ? { hard } : {}), ...(scopes.length > 0 ? { scopes } : {}) },
      status: {},
    };
  },
});

/** `cpu=1,memory=1Gi` */
export function resourceList(text: string): Record<string, string> {
  const list: Record<string, string> = {};
  if (text === "") return list;
  for (const pair of text.split(",")) {
    const parts = pair.split("=");
    if (parts.length !== 2) fail(`Invalid argument syntax ${pair}, expected <resource>=<value>`);
    if (!parseQuantity(parts[1]!))
      fail("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    list[parts[0]!] = canonicalQuantity(parts[1]!);
  }
  return list;
}

export const createPdb = defineCreateCommand({
  use: "poddisruptionbudget NAME --selector=SELECTOR --min-available=N [--dry-run=server|client|none]",
  aliases: ["pdb"],
  short: "Create a pod disruption budget with the specified name",
  made: PDB,
  failure: "failed to create poddisruptionbudgets",
  flags: {
    "max-unavailable": stringFlag("", "The maximum number or percentage of unavailable pods this budget requires."),
    "min-available": stringFlag("", "The minimum number or percentage of available pods this budget requires."),
    selector: stringFlag(
      "",
      "A label selector to use for this budget. Only equality-based selector requirements are supported.",
    ),
  },
  *build({ flags }, name) {
    const min = flags["min-available"];
    const max = flags["max-unavailable"];
    if (flags.selector === "") fail("a selector must be specified");
    if (min === "" && max === "") fail("one of min-available or max-unavailable must be specified");
    if (min !== "" && max !== "") fail("min-available and max-unavailable cannot be both specified");
    const selector = parseSelector(flags.selector);
    if (!selector.ok) return fail(selector.error);
    const matchLabels: Record<string, string> = {};
    for (const requirement of selector.value.requirements) matchLabels[requirement.key] = requirement.values[0] ?? "";
    const amount = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);
    return {
      kind: "PodDisruptionBudget",
      apiVersion: "policy/v1",
      metadata: { name },
      spec: {
        ...(min !== "" ? { minAvailable: amount(min) } : {}),
        selector: { matchLabels },
        ...(max !== "" ? { maxUnavailable: amount(max) } : {}),
      },
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    };
  },
});

export const createPriorityClass = defineCreateCommand({
  use: "priorityclass NAME --value=VALUE --global-default=BOOL [--dry-run=server|client|none]",
  aliases: ["pc"],
  short: "Create a priority class with the specified name",
  made: PRIORITY_CLASS,
  failure: "failed to create priorityclass",
  flags: {
    description: stringFlag(
      "",
      "description is an arbitrary string that usually provides guidelines on when this priority class should be used.",
    ),
    "global-default": boolFlag(
      false,
      "global-default specifies whether this PriorityClass should be considered as the default priority.",
    ),
    "preemption-policy": stringFlag(
      "PreemptLowerPriority",
      "preemption-policy is the policy for preempting pods with lower priority.",
    ),
    value: int32Flag(0, "the value of this priority class."),
  },
  *build({ flags }, name) {
    return {
      kind: "PriorityClass",
      apiVersion: "scheduling.k8s.io/v1",
      metadata: { name },
      value: flags.value,
      ...(flags["global-default"] ? { globalDefault: true } : {}),
      ...(flags.description ? { description: flags.description } : {}),
      preemptionPolicy: flags["preemption-policy"],
    };
  },
});
