/** Text as it is compared when accents do not matter: "Không gian tên" is found by "khong gian ten". */

export const fold = (text: string): string =>
  text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/Đ/g, "D").toLowerCase();

/** As typed, but for case and the form of its letters. */
export const plain = (text: string): string => text.normalize("NFC").toLowerCase();

export interface Searchable {
  /** What the thing is called; a match here stands before others. */
  readonly name: string;
  /** What is said about it. */
  readonly text: string;
}

/**
 * The items that hold every word of the query, with or without accents. The query as the beginning of a name comes
 * first, then anywhere in a name, then where the accents agree, then the query as a phrase, then the rest.
 */
export function search<T extends Searchable>(items: readonly T[], query: string): readonly T[] {
  const words = fold(query).trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return items;
  const phrase = words.join(" ");
  const exact = plain(query).trim();
  const ranked = items.flatMap((item, index) => {
    const name = fold(item.name);
    const all = `${name} ${fold(item.text)}`;
    if (!words.every((word) => all.includes(word))) return [];
    const whole = plain(`${item.name} ${item.text}`);
    const rank = name.startsWith(phrase)
      ? 0
      : name.includes(phrase)
        ? 1
        : whole.includes(exact)
          ? 2
          : all.includes(phrase)
            ? 3
            : 4;
    return [{ item, rank, index }];
  });
  return ranked.sort((a, b) => a.rank - b.rank || a.index - b.index).map(({ item }) => item);
}
