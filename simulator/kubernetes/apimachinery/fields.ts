/** Field selectors (apimachinery/pkg/fields): `status.phase=Running,metadata.name!=x`. */
import { failure, ok, type Result } from "../../base/result";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

export type FieldSelector = readonly FieldRequirement[];

/** fields.ParseSelector, with its error. */
export function parseFieldSelector(input: string): Result<FieldSelector, string> {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(input)) {
    if (term === "") continue;
    const m = /^((?:[^=!\\]|\\.)*?)(!=|==|=)([\s\S]*)$/.exec(term);
    if (!m) return failure(`invalid selector: '${input}'; can't understand '${term}'`);
    requirements.push({
      field: m[1]!,
      operator: m[2] === "!=" ? "!=" : "=",
      value: m[3]!.replace(/\\([\\,=])/g, "$1"),
    });
  }
  return ok(requirements);
}

function splitTerms(input: string): string[] {
  const terms: string[] = [];
  let term = "";
  for (let i = 0; i < input.length; i++) {
    const ch = input[i]!;
    if (ch === "\\" && i + 1 < input.length) {
      term += ch + input[++i];
    } else if (ch === ",") {
      terms.push(term);
      term = "";
    } else term += ch;
  }
  terms.push(term);
  return terms;
}

/** Whether every requirement holds; `read` gives a field's value, "" when it is absent. */
export function fieldsMatch(selector: FieldSelector, read: (field: string) => string): boolean {
  for (const { field, operator, value } of selector) {
    if ((read(field) === value) !== (operator === "=")) return false;
  }
  return true;
}

export const formatFieldSelector = (selector: FieldSelector): string =>
  selector.map(({ field, operator, value }) => `${field}${operator}${value}`).join(",");
