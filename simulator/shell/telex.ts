/** Undoes a Vietnamese input method that was left on: the keys a word with diacritics was typed with. */

const tones: Readonly<Record<string, string>> = {
  "\u0301": "s1",
  "\u0300": "f2",
  "\u0309": "r3",
  "\u0303": "x4",
  "\u0323": "j5",
};
/** Marks that change a vowel: the Telex key (the vowel itself, or w) and the VNI digit. */
const shapes: Readonly<Record<string, { readonly telex: "double" | "w"; readonly vni: string }>> = {
  "\u0302": { telex: "double", vni: "6" },
  "\u031b": { telex: "w", vni: "7" },
  "\u0306": { telex: "w", vni: "8" },
};
const VARIANTS_MAX = 400;

/**
 * The key sequences that Telex (first) or VNI would have turned into `word`, most likely first. A key that sets a mark
 * may have been typed anywhere after its letter: `logs` and `losg` both give `lóg`. Empty when nothing needs undoing.
 */
export function unTelex(word: string): string[] {
  const text = word.normalize("NFD");
  if (!/[\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323]|[đĐ]/.test(text)) return [];
  const found: string[] = [];
  for (const method of ["telex", "vni"] as const) {
    let variants = [{ keys: "", pending: [] as readonly { readonly key: string; readonly from: number }[] }];
    let base = "";
    for (const ch of text) {
      const upper = base !== "" && base === base.toUpperCase() && base !== base.toLowerCase();
      const shape = shapes[ch];
      const tone = tones[ch];
      if (shape || tone) {
        const key = tone
          ? method === "telex"
            ? tone[0]!
            : tone[1]!
          : method === "vni"
            ? shape!.vni
            : shape!.telex === "double"
              ? base
              : "w";
        const cased = upper && /[a-z]/.test(key) ? key : key;
        variants = variants.map(({ keys, pending }) => ({
          keys,
          pending: [
            ...pending,
            { key: cased.toLowerCase() === base.toLowerCase() ? base.toLowerCase() : cased, from: keys.length },
          ],
        }));
        continue;
      }
      if (ch === "đ" || ch === "Đ") {
        const key = method === "telex" ? "d" : "9";
        base = ch === "đ" ? "d" : "D";
        variants = variants.map(({ keys, pending }) => ({
          keys: keys + base,
          pending: [...pending, { key, from: keys.length + 1 }],
        }));
        continue;
      }
      base = ch;
      variants = variants.map(({ keys, pending }) => ({ keys: keys + ch, pending }));
    }
    for (const { keys, pending } of variants) {
      for (const each of place(keys, pending)) if (!found.includes(each)) found.push(each);
      // Telex also makes ư of a lone w.
      if (method === "telex" && /u/i.test(keys) && pending.some(({ key }) => key === "w")) {
        const rest = pending.filter(({ key }) => key !== "w");
        const w = pending.find(({ key }) => key === "w")!;
        const alone = `${keys.slice(0, w.from - 1)}w${keys.slice(w.from)}`;
        for (const each of place(alone, rest)) if (!found.includes(each)) found.push(each);
      }
    }
  }
  return found;
}

/** Puts pending keys back: tones most likely at the end of the word, shapes right after their letter, then anywhere between. */
function place(keys: string, pending: readonly { readonly key: string; readonly from: number }[]): string[] {
  let list: { readonly text: string; readonly shift: readonly number[] }[] = [{ text: keys, shift: [] }];
  for (const { key, from } of pending) {
    const next: typeof list = [];
    for (const { text, shift } of list) {
      const isTone = /^[sfrxj1-5]$/.test(key);
      const first = from + shift.filter((at) => at <= from).length;
      const places: number[] = [];
      for (let at = first; at <= text.length; at++) places.push(at);
      if (isTone) places.reverse();
      for (const at of places) next.push({ text: text.slice(0, at) + key + text.slice(at), shift: [...shift, at] });
      if (next.length > VARIANTS_MAX) break;
    }
    list = next;
  }
  return list.map(({ text }) => text);
}

/** The first reading of a word that is known; undefined when none is. */
export function knownReading(word: string, isKnown: (candidate: string) => boolean): string | undefined {
  return unTelex(word).find(isKnown);
}
