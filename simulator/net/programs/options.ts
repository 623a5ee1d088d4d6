/** getopt_long's grammar for the programs of this shelf: clusters, attached values, `--name=value`, `--`. */

export interface OptionSpec {
  /** getopt's: `so:X:` means -s, -o value, -X value. */
  readonly short: string;
  /** Long name to the canonical one; a final `:` means that it takes a value. */
  readonly long?: Readonly<Record<string, string>>;
}

export interface ParsedOptions {
  /** In the order given: canonical name and value ("" for flags). */
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly operands: readonly string[];
  readonly error?: { readonly kind: "unknown" | "missing"; readonly option: string };
  has(name: string): boolean;
  /** The last value given. */
  value(name: string): string | undefined;
  values(name: string): readonly string[];
}

export function parseOptions(args: readonly string[], spec: OptionSpec): ParsedOptions {
  const options: [string, string][] = [];
  const operands: string[] = [];
  const finish = (error?: ParsedOptions["error"]): ParsedOptions => ({
    options,
    operands,
    ...(error ? { error } : {}),
    has: (name) => options.some(([key]) => key === name),
    value: (name) => options.findLast(([key]) => key === name)?.[1],
    values: (name) => options.filter(([key]) => key === name).map(([, value]) => value),
  });
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (word === "--") {
      operands.push(...args.slice(i + 1));
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const canonical = longName(name, spec.long ?? {});
      if (canonical === undefined) return finish({ kind: "unknown", option: word });
      if (!canonical.endsWith(":")) options.push([canonical, ""]);
      else if (equals >= 0) options.push([canonical.slice(0, -1), word.slice(equals + 1)]);
      else if (i + 1 < args.length) options.push([canonical.slice(0, -1), args[++i]!]);
      else return finish({ kind: "missing", option: word });
      continue;
    }
    if (word[0] !== "-" || word === "-") {
      operands.push(word);
      continue;
    }
    for (let k = 1; k < word.length; k++) {
      const letter = word[k]!;
      const at = letter === ":" ? -1 : spec.short.indexOf(letter);
      if (at < 0) return finish({ kind: "unknown", option: `-${letter}` });
      if (spec.short[at + 1] !== ":") {
        options.push([letter, ""]);
        continue;
      }
      const rest = word.slice(k + 1);
      if (rest !== "") options.push([letter, rest]);
      else if (i + 1 < args.length) options.push([letter, args[++i]!]);
      else return finish({ kind: "missing", option: `-${letter}` });
      break;
    }
  }
  return finish();
}

/** Exact, or the only one that begins so. */
function longName(name: string, long: Readonly<Record<string, string>>): string | undefined {
  if (Object.hasOwn(long, name)) return long[name];
  const candidates = Object.keys(long).filter((candidate) => candidate.startsWith(name));
  const meanings = new Set(candidates.map((candidate) => long[candidate]));
  return name !== "" && meanings.size === 1 ? long[candidates[0]!] : undefined;
}
