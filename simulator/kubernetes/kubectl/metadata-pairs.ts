/** `KEY=VALUE … KEY-`: the changes that label and annotate make. */
import { fail } from "./failure";

export interface PairArguments {
  readonly resources: readonly string[];
  readonly pairs: readonly string[];
}

/** Types and names come first; changes follow. */
export function splitPairs(args: readonly string[], pairType: string): PairArguments {
  const resources: string[] = [];
  const pairs: string[] = [];
  for (const arg of args) {
    const isPair = (arg.includes("=") && arg[0] !== "=") || (arg.endsWith("-") && arg !== "-");
    if (isPair) pairs.push(arg);
    else if (pairs.length === 0) resources.push(arg);
    else fail(`all resources must be specified before ${pairType} changes: ${arg}`);
  }
  return { resources, pairs };
}

export interface Changes {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** `check` says what is wrong with a value. */
export function parsePairs(
  pairs: readonly string[],
  what: "label" | "annotation",
  check?: (pair: string, value: string) => string | undefined,
): Changes {
  const set: Record<string, string> = {};
  const remove: string[] = [];
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at >= 0) {
      const key = pair.slice(0, at);
      if (key === "") fail(`invalid ${what} spec: ${pair}`);
      const value = pair.slice(at + 1);
      const problem = check?.(pair, value);
      if (problem) fail(problem);
      set[key] = value;
    } else if (pair.endsWith("-")) remove.push(pair.slice(0, -1));
    else fail(`unknown ${what} spec: ${pair}`);
  }
  for (const key of remove) {
    if (!Object.hasOwn(set, key)) continue;
    fail(
      what === "label"
        ? `can not both modify and remove a label in the same command`
        : `can not both modify and remove the following annotation(s) in the same command: ${key}`,
    );
  }
  return { set, remove };
}
