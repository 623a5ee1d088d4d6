/** "Did you mean this?": cobra's suggestions by edit distance and prefix. */

/** Levenshtein distance, case folded when asked. */
export function editDistance(a: string, b: string, ignoreCase = true): number {
  const s = ignoreCase ? a.toLowerCase() : a;
  const t = ignoreCase ? b.toLowerCase() : b;
  let previous = Array.from({ length: t.length + 1 }, (_, j) => j);
  for (let i = 1; i <= s.length; i++) {
    const row = [i];
    for (let j = 1; j <= t.length; j++) {
      row[j] = s[i - 1] === t[j - 1] ? previous[j - 1]! : 1 + Math.min(previous[j]!, row[j - 1]!, previous[j - 1]!);
    }
    previous = row;
  }
  return previous[t.length]!;
}

export interface Candidate {
  readonly name: string;
  readonly suggestFor?: readonly string[];
}

/** cobra's SuggestionsFor: names within `distance` edits, names that start with what was typed, and declared ones. */
export function suggestions(typed: string, candidates: readonly Candidate[], distance = 2): string[] {
  const found: string[] = [];
  for (const { name, suggestFor } of candidates) {
    const near = editDistance(typed, name) <= distance;
    const prefix = name.toLowerCase().startsWith(typed.toLowerCase());
    if (near || prefix) found.push(name);
    for (const explicit of suggestFor ?? []) if (explicit.toLowerCase() === typed.toLowerCase()) found.push(name);
  }
  return found;
}
