/** Taints and tolerations (component-helpers): who may stay, and for how long. */
import type { Taint, Toleration } from "../api/types.generated";

/** Toleration.ToleratesTaint. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "Equal") {
    case "Equal":
      return (toleration.value ?? "") === (taint.value ?? "");
    case "Exists":
      return true;
    case "Gt":
    case "Lt": {
      const wanted = Number(toleration.value);
      const actual = Number(taint.value);
      return toleration.operator === "Gt" ? actual > wanted : actual < wanted;
    }
  }
}

export const isTolerated = (taint: Taint, tolerations: readonly Toleration[] | undefined): boolean =>
  tolerations?.some((toleration) => tolerates(toleration, taint)) ?? false;

/** MatchTaint: the same key and effect. */
export const isSameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
