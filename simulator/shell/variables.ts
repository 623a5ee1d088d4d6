/** Shell variables: scalars, indexed and associative arrays, and their attributes. */

export interface Variable {
  /** The value of a scalar; undefined where it is declared but not set. */
  value: string | undefined;
  /** Elements of an indexed array, by index. */
  list: Map<number, string> | undefined;
  /** Elements of an associative array, in the order they came. */
  map: Map<string, string> | undefined;
  exported: boolean;
  readonly: boolean;
  integer: boolean;
  /** `declare -l` and `declare -u`. */
  letters: "lower" | "upper" | undefined;
  /** `declare -n`: the value is the name of another variable. */
  reference: boolean;
}

export const newVariable = (value?: string): Variable => ({
  value,
  list: undefined,
  map: undefined,
  exported: false,
  readonly: false,
  integer: false,
  letters: undefined,
  reference: false,
});

export const copyVariable = (variable: Variable): Variable => ({
  ...variable,
  list: variable.list && new Map(variable.list),
  map: variable.map && new Map(variable.map),
});

export const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(text);

/** The indices of an indexed array, ascending. */
export function sortedIndices(list: ReadonlyMap<number, string>): number[] {
  const indices = [...list.keys()];
  for (let i = 1; i < indices.length; i++) if (indices[i]! < indices[i - 1]!) return indices.sort((a, b) => a - b);
  return indices;
}

/** All elements in order; a scalar is an array of one. */
export function elementsOf(variable: Variable | undefined): string[] {
  if (!variable) return [];
  if (variable.map) return bashHashOrder(variable.map).map((key) => variable.map!.get(key)!);
  if (variable.list) return sortedIndices(variable.list).map((index) => variable.list!.get(index)!);
  return variable.value === undefined ? [] : [variable.value];
}

export function keysOf(variable: Variable | undefined): string[] {
  if (!variable) return [];
  if (variable.map) return bashHashOrder(variable.map);
  if (variable.list) return sortedIndices(variable.list).map(String);
  return variable.value === undefined ? [] : ["0"];
}

/** What `$name` gives: element 0 of an array. */
export function scalarOf(variable: Variable | undefined): string | undefined {
  if (!variable) return undefined;
  if (variable.list) return variable.list.get(0);
  if (variable.map) return variable.map.get("0");
  return variable.value;
}

/**
 * bash walks an associative array in the order of its hash table: 1024 buckets of FNV-1 hashes, the newest entry of a
 * bucket first. Scripts that print one show this order, so it is kept.
 */
export function bashHashOrder(map: ReadonlyMap<string, string>): string[] {
  const buckets = new Map<number, string[]>();
  for (const key of map.keys()) {
    let hash = 2166136261;
    for (let i = 0; i < key.length; i++) {
      hash = Math.imul(hash, 16777619);
      hash = (hash ^ key.charCodeAt(i)) >>> 0;
    }
    const bucket = hash & 1023;
    const chain = buckets.get(bucket);
    if (chain) chain.unshift(key);
    else buckets.set(bucket, [key]);
  }
  return [...buckets.keys()].sort((a, b) => a - b).flatMap((bucket) => buckets.get(bucket)!);
}
