/** Rules that workloads share: a selector, a template that it matches, and how they change. */
import { type FieldError, formatValue, invalid, notSupported, required } from "../apimachinery/field-path";
import { deepEqual } from "../../base/json";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { Draft } from "../apimachinery/resource";
import { IMMUTABLE, labelValue, NOT_NEGATIVE, qualifiedName, validateLabels } from "../apimachinery/validation";
import { validatePodTemplate } from "./core/pod-validation";

export function nonNegative(value: number | undefined, field: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, NOT_NEGATIVE)] : [];
}

export function validateLabelSelector(selector: Draft | undefined, field: string): FieldError[] {
  if (!selector) return [];
  const errors = validateLabels(selector.matchLabels, `${field}.matchLabels`);
  (selector.matchExpressions ?? []).forEach((expression: Draft, i: number) => {
    const at = `${field}.matchExpressions[${i}]`;
    const { operator, values = [] } = expression;
    switch (operator) {
      case "In":
      case "NotIn":
        if (values.length === 0)
          errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case "Exists":
      case "DoesNotExist":
        if (values.length > 0) {
          errors.push({
            type: "FieldValueForbidden",
            field: `${at}.values`,
            body: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          });
        }
        break;
      default:
        errors.push(invalid(`${at}.operator`, operator ?? "", "not a valid selector operator"));
    }
    for (const message of qualifiedName(expression.key ?? ""))
      errors.push(invalid(`${at}.key`, expression.key ?? "", message));
    values.forEach((value: string, k: number) => {
      for (const message of labelValue(value)) errors.push(invalid(`${at}.values[${k}]`, value, message));
    });
  });
  return errors;
}

export interface SelectorRules {
  /** The restart policies that the template may have. */
  readonly restartPolicies?: readonly string[];
  readonly emptyMessage?: string;
}

/** spec.selector and spec.template, with the rule that one matches the other. */
export function validateSelectorAndTemplate(
  spec: Draft,
  { restartPolicies = ["Always"], emptyMessage = "empty selector is invalid for deployment" }: SelectorRules = {},
): FieldError[] {
  const errors: FieldError[] = [];
  const { selector, template } = spec;
  if (!selector) errors.push(required("spec.selector"));
  else {
    errors.push(...validateLabelSelector(selector, "spec.selector"));
    if (!hasTerms(selector)) errors.push(invalid("spec.selector", selector, emptyMessage));
  }
  if (!template) {
    errors.push(required("spec.template"));
    return errors;
  }
  const parsed = selectorFromLabelSelector(selector);
  const labels = template.metadata?.labels;
  if (!matches(parsed, labels)) {
    errors.push({
      type: "FieldValueInvalid",
      field: "spec.template.metadata.labels",
      body: `Invalid value: ${formatValue(labels ?? null)}: \`selector\` does not match template \`labels\``,
    });
  }
  errors.push(...validatePodTemplate(template, "spec.template"));
  const policy = template.spec?.restartPolicy;
  if (["Always", "OnFailure", "Never"].includes(policy) && !restartPolicies.includes(policy)) {
    errors.push(notSupported("spec.template.spec.restartPolicy", policy, restartPolicies));
  }
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.push({
      type: "FieldValueForbidden",
      field: "spec.template.spec.activeDeadlineSeconds",
      body: "Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported",
    });
  }
  return errors;
}

const hasTerms = (selector: Draft): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) > 0;

/** A member that may never change. */
export function immutable(next: unknown, old: unknown, field: string): FieldError[] {
  return deepEqual(next, old) ? [] : [invalid(field, next, IMMUTABLE)];
}
