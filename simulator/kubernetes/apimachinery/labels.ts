/** Labels and their selectors (apimachinery/pkg/labels). */
import { failure, ok, type Result } from "../../base/result";

export type Labels = Readonly<Record<string, string>>;

export type Operator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** A conjunction of requirements. An empty list selects everything; `nothing` selects nothing. */
export interface Selector {
  readonly requirements: readonly Requirement[];
  readonly nothing?: boolean;
}

export const EVERYTHING: Selector = Object.freeze({ requirements: Object.freeze([]) });
export const NOTHING: Selector = Object.freeze({ requirements: Object.freeze([]), nothing: true });

/** The structural form of metav1.LabelSelector. */
export interface LabelSelectorShape {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export function matches(selector: Selector, labels: Labels | undefined): boolean {
  if (selector.nothing) return false;
  for (const requirement of selector.requirements) if (!requirementMatches(requirement, labels)) return false;
  return true;
}

function requirementMatches({ key, operator, values }: Requirement, labels: Labels | undefined): boolean {
  const value = labels?.[key];
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "lt":
      return value !== undefined && Number(value) < Number(values[0]);
  }
}

/** `selector.matchLabels` style map to a selector. */
export function selectorFromSet(labels: Labels | undefined): Selector {
  return {
    requirements: Object.keys(labels ?? {})
      .sort()
      .map((key) => ({ key, operator: "=", values: [labels![key]!] })),
  };
}

const selectorCache = new WeakMap<object, Selector>();

/** metav1.LabelSelectorAsSelector: nothing for an absent selector, everything for an empty one. */
export function selectorFromLabelSelector(selector: LabelSelectorShape | undefined): Selector {
  if (!selector) return NOTHING;
  const frozen = Object.isFrozen(selector);
  const known = frozen ? selectorCache.get(selector) : undefined;
  if (known) return known;
  const requirements: Requirement[] = [...selectorFromSet(selector.matchLabels).requirements];
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const op = ({ In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!", Gt: "gt", Lt: "lt" } as const)[
      operator
    ];
    if (op) requirements.push({ key, operator: op, values: [...values].sort() });
  }
  requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const result: Selector = { requirements };
  if (frozen) selectorCache.set(selector, result);
  return result;
}

export function formatSelector(selector: Selector): string {
  return selector.requirements.map(formatRequirement).join(",");
}

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "in":
    case "notin":
      return `${key} ${operator} (${[...values].sort().join(",")})`;
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "gt":
      return `${key}>${values[0]}`;
    case "lt":
      return `${key}<${values[0]}`;
    default:
      return `${key}${operator}${values[0]}`;
  }
}

/** metav1.FormatLabelSelector: `<none>` for an empty one. */
export function formatLabelSelector(selector: LabelSelectorShape | undefined): string {
  if (!selector) return "<none>";
  return formatSelector(selectorFromLabelSelector(selector)) || "<none>";
}

/** `a=1,b=2`, sorted; `<none>` when empty. */
export function formatLabels(labels: Labels | undefined): string {
  const text = Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${labels![key]}`)
    .join(",");
  return text || "<none>";
}

// --- Parsing --------------------------------------------------------------------------------------------------------

interface Token {
  readonly text: string;
  readonly kind: "identifier" | "symbol" | "end";
}

function lex(input: string): Token[] {
  const tokens: Token[] = [];
  let i = 0;
  while (i < input.length) {
    const ch = input[i]!;
    if (" \t\r\n".includes(ch)) {
      i++;
    } else if ("=!(),><".includes(ch)) {
      let symbol = ch;
      if (ch === "=" && input[i + 1] === "=") symbol = "==";
      if (ch === "!" && input[i + 1] === "=") symbol = "!=";
      tokens.push({ text: symbol, kind: "symbol" });
      i += symbol.length;
    } else {
      let end = i;
      while (end < input.length && !" \t\r\n=!(),><".includes(input[end]!)) end++;
      tokens.push({ text: input.slice(i, end), kind: "identifier" });
      i = end;
    }
  }
  tokens.push({ text: "", kind: "end" });
  return tokens;
}

const QUALIFIED_NAME = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

/** labels.Parse: `a=1,b in (x,y),!c,d`. The error is upstream's text. */
export function parseSelector(input: string): Result<Selector, string> {
  const tokens = lex(input);
  let at = 0;
  const peek = (): Token => tokens[at]!;
  const next = (): Token => tokens[at++]!;
  const requirements: Requirement[] = [];
  if (peek().kind === "end") return ok(EVERYTHING);
  for (;;) {
    if (peek().kind === "end" && requirements.length > 0) {
      return failure(`found '', expected: identifier after ','`);
    }
    const first = peek();
    if (first.kind !== "identifier" && !(first.kind === "symbol" && first.text === "!")) {
      return failure(
        requirements.length > 0
          ? `found '${first.text}', expected: identifier after ','`
          : `found '${first.text}', expected: !, identifier, or 'end of string'`,
      );
    }
    let operator: Operator | undefined;
    if (peek().text === "!" && peek().kind === "symbol") {
      next();
      operator = "!";
    }
    const key = next();
    if (key.kind !== "identifier")
      return failure(`unable to parse requirement: found '${key.text}', expected: identifier`);
    const keyError = validateKey(key.text);
    if (keyError) return failure(`unable to parse requirement: ${keyError}`);
    let values: string[] = [];
    const following = peek();
    if (operator === "!") {
      // Nothing follows.
    } else if (following.kind === "end" || following.text === ",") {
      operator = "exists";
    } else {
      const symbol = next().text;
      if (symbol === "in" || symbol === "notin") {
        operator = symbol;
        const open = next();
        if (open.text !== "(") return failure(`unable to parse requirement: found '${open.text}' expected: '('`);
        for (;;) {
          const token = next();
          if (token.text === ")" && token.kind === "symbol") break;
          if (token.kind === "end") return failure(`unable to parse requirement: found '', expected: ',' or ')'`);
          if (token.kind === "identifier") values.push(token.text);
          else if (token.text === ",") {
            if (peek().text === "," || peek().text === ")") values.push("");
          } else return failure(`unable to parse requirement: found '${token.text}', expected: ',', ')' or identifier`);
        }
        if (values.length === 0) values = [""];
      } else if (symbol === "=" || symbol === "==" || symbol === "!=" || symbol === ">" || symbol === "<") {
        operator = symbol === ">" ? "gt" : symbol === "<" ? "lt" : symbol;
        const token = peek();
        if (token.kind === "identifier") values = [next().text];
        else if (token.kind === "end" || token.text === ",") values = [""];
        else return failure(`unable to parse requirement: found '${token.text}', expected: identifier`);
        if ((operator === "gt" || operator === "lt") && !/^[+-]?\d+$/.test(values[0]!)) {
          return failure(
            `unable to parse requirement: values[0][${key.text}]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
          );
        }
      } else {
        return failure(`unable to parse requirement: found '${symbol}', expected: in, notin, =, ==, !=, gt, lt`);
      }
      for (const value of values) {
        if (!LABEL_VALUE.test(value) || value.length > 63) {
          return failure(
            `unable to parse requirement: values[0][${key.text}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
          );
        }
      }
    }
    requirements.push({ key: key.text, operator, values });
    const separator = next();
    if (separator.kind === "end") break;
    if (separator.text !== ",") {
      return failure(`found '${separator.text}', expected: ',' or 'end of string'`);
    }
  }
  requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return ok({ requirements });
}

function validateKey(key: string): string | undefined {
  const slash = key.indexOf("/");
  const name = slash < 0 ? key : key.slice(slash + 1);
  if (!QUALIFIED_NAME.test(name)) {
    return `key: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
  }
  return undefined;
}
