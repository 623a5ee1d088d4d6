/**
 * Explaining why nothing matches: of all candidates the one that fits most criteria is taken, and the first criterion
 * it fails is what the learner hears.
 */
import { agree } from "./plural";
import { type Text, type Verdict, met, unmet } from "./verdict";

export interface Criterion<T> {
  readonly matches: (candidate: T) => boolean;
  /** A phrase that follows the thing's name: "đang chạy", "is running". */
  readonly expected: Text;
  /** A sentence about this candidate. */
  readonly found: (candidate: T) => Text;
  /** Where to look; absent: the search's own. */
  readonly look?: (candidate: T) => string;
}

export interface Search<T> {
  readonly candidates: readonly T[];
  readonly criteria: readonly Criterion<T>[];
  /** What is looked for, as a noun phrase: "container `web`". */
  readonly what: Text;
  readonly count: { readonly min: number; readonly max: number };
  /** Said when there is no candidate at all. */
  readonly none: Text;
  readonly look: string;
}

export function judge<T>(search: Search<T>): Verdict {
  const matching = search.candidates.filter((candidate) => search.criteria.every((one) => one.matches(candidate)));
  const { min, max } = search.count;
  if (matching.length >= min && matching.length <= max) return met;

  const expected = wanted(search);
  if (matching.length > max) {
    return unmet(
      expected,
      { vi: `Hiện có ${matching.length}.`, en: `There ${agree(matching.length, "is", "are")} ${matching.length} now.` },
      search.look,
    );
  }
  if (search.candidates.length === 0) return unmet(expected, search.none, search.look);
  const rest = search.candidates.filter((candidate) => !matching.includes(candidate));
  if (matching.length > 0 && rest.length === 0) {
    return unmet(
      expected,
      { vi: `Mới có ${matching.length} trên ${min}.`, en: `Only ${matching.length} of ${min} so far.` },
      search.look,
    );
  }
  const nearest = best(rest, search.criteria);
  const failed = search.criteria.find((one) => !one.matches(nearest))!;
  const found = failed.found(nearest);
  const progress: Text =
    matching.length > 0
      ? {
          vi: `Mới có ${matching.length} trên ${min}. ${found.vi}`,
          en: `${matching.length} of ${min} so far. ${found.en}`,
        }
      : found;
  return unmet(expected, progress, failed.look?.(nearest) ?? search.look);
}

function best<T>(candidates: readonly T[], criteria: readonly Criterion<T>[]): T {
  let chosen = candidates[0] as T;
  let chosenScore = -1;
  for (const candidate of candidates) {
    // Earlier criteria say what the thing is; later ones what it should be like.
    const score = criteria.reduce(
      (sum, one, index) => sum + (one.matches(candidate) ? 2 ** (criteria.length - index) : 0),
      0,
    );
    // Of equals the newest, which stands last.
    if (score >= chosenScore) {
      chosen = candidate;
      chosenScore = score;
    }
  }
  return chosen;
}

function wanted<T>(search: Search<T>): Text {
  const { min, max } = search.count;
  const phrases = search.criteria.map((one) => one.expected).filter((phrase) => phrase.en !== "");
  const amount: Text =
    max === 0
      ? { vi: "không còn ", en: "no " }
      : min > 1
        ? { vi: `${max === min ? "đúng" : "ít nhất"} ${min} `, en: `${max === min ? "exactly" : "at least"} ${min} × ` }
        : { vi: "", en: "" };
  return {
    vi: capital(`${amount.vi}${search.what.vi}${listed(phrases.map((phrase) => phrase.vi))}.`),
    en: capital(`${amount.en}${search.what.en}${listed(phrases.map((phrase) => phrase.en))}.`),
  };
}

const listed = (phrases: readonly string[]): string => (phrases.length === 0 ? "" : ` ${phrases.join(", ")}`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
