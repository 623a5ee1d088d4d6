/** Brace expansion, on the source text of a word: `{a,b}`, `{1..5}`, `{a..e..2}`. */

/** The texts a word's source stands for; just itself when it has no braces to expand. */
export function expandBraces(text: string): string[] {
  const open = findOpening(text, 0);
  if (!open) return [text];
  const before = text.slice(0, open.start);
  const after = expandBraces(text.slice(open.end + 1));
  const middle = open.sequence ?? open.parts.flatMap((part) => expandBraces(part));
  const out: string[] = [];
  for (const item of middle) for (const rest of after) out.push(before + item + rest);
  return out;
}

interface Opening {
  readonly start: number;
  readonly end: number;
  readonly parts: readonly string[];
  readonly sequence: readonly string[] | undefined;
}

function findOpening(text: string, from: number): Opening | undefined {
  for (let i = from; i < text.length; i++) {
    const skipped = skipQuoted(text, i);
    if (skipped > i) {
      i = skipped - 1;
      continue;
    }
    if (text[i] !== "{") continue;
    const group = readGroup(text, i);
    if (!group) continue;
    const sequence = group.parts.length === 1 ? expandSequence(group.parts[0]!) : undefined;
    if (group.parts.length > 1 || sequence) return { start: i, end: group.end, parts: group.parts, sequence };
  }
  return undefined;
}

function readGroup(text: string, start: number): { readonly end: number; readonly parts: string[] } | undefined {
  const parts: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let i = start; i < text.length; i++) {
    const skipped = skipQuoted(text, i);
    if (skipped > i) {
      i = skipped - 1;
      continue;
    }
    if (text[i] === "{") depth++;
    else if (text[i] === "," && depth === 1) {
      parts.push(text.slice(from, i));
      from = i + 1;
    } else if (text[i] === "}" && --depth === 0) {
      parts.push(text.slice(from, i));
      return { end: i, parts };
    }
  }
  return undefined;
}

/** Past a quoted stretch, `${…}`, `$(…)` or backquotes that starts here; `i` when none does. */
function skipQuoted(text: string, i: number): number {
  const ch = text[i];
  if (ch === "\\") return i + 2;
  if (ch === "'") {
    const end = text.indexOf("'", i + 1);
    return end < 0 ? text.length : end + 1;
  }
  if (ch === "`") {
    const end = text.indexOf("`", i + 1);
    return end < 0 ? text.length : end + 1;
  }
  if (ch === '"') {
    let at = i + 1;
    while (at < text.length && text[at] !== '"')
      at = Math.max(at + 1, text[at] === "'" ? at + 1 : skipQuoted(text, at));
    return at + 1;
  }
  if (ch === "$" && (text[i + 1] === "{" || text[i + 1] === "(")) {
    const open = text[i + 1]!;
    const close = open === "{" ? "}" : ")";
    let depth = 0;
    let at = i + 1;
    while (at < text.length) {
      if (text[at] === open) depth++;
      else if (text[at] === close && --depth === 0) return at + 1;
      const skipped = skipQuoted(text, at);
      at = Math.max(at + 1, skipped);
    }
    return text.length;
  }
  return i;
}

const SEQUENCE_MAX = 100_000;

function expandSequence(text: string): string[] | undefined {
  const numbers = /^(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$/.exec(text);
  if (numbers) {
    const from = Number(numbers[1]);
    const to = Number(numbers[2]);
    const step = Math.abs(Number(numbers[3] ?? 1)) || 1;
    const isPadded = /^-?0\d/.test(numbers[1]!) || /^-?0\d/.test(numbers[2]!);
    const width = isPadded ? Math.max(numbers[1]!.length, numbers[2]!.length) : 0;
    const out: string[] = [];
    for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) {
      const digits = String(Math.abs(n));
      out.push(n < 0 ? `-${digits.padStart(width - 1, "0")}` : digits.padStart(width, "0"));
      if (out.length > SEQUENCE_MAX) return undefined;
    }
    return out;
  }
  const letters = /^([A-Za-z])\.\.([A-Za-z])(?:\.\.(-?\d+))?$/.exec(text);
  if (!letters) return undefined;
  const from = letters[1]!.charCodeAt(0);
  const to = letters[2]!.charCodeAt(0);
  const step = Math.abs(Number(letters[3] ?? 1)) || 1;
  const out: string[] = [];
  for (let n = from; from <= to ? n <= to : n >= to; n += from <= to ? step : -step) {
    const ch = String.fromCharCode(n);
    out.push(/[\\`]/.test(ch) ? `\\${ch}` : ch);
  }
  return out;
}
