/** Promises of the shell: quoting comes back as it was, pipelines agree with a model, the same run gives the same bytes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { quoteForReuse, singleQuote } from "@/simulator/shell/quoting";
import { graphemes, textWidth } from "@/simulator/shell/width";
import { openTerminal, runScript } from "./world";

const text = fc.string({ unit: fc.constantFrom(..."ab'\"\\$`!*?[]{}()<>|&;#~ \t\n=éđ日".split("")), maxLength: 12 });

test("printf %q and ${x@Q} give back the text they were given (seed 11)", () => {
  fc.assert(
    fc.property(text, (value) => {
      const script = `x=${quoteForReuse(value)}; y=${singleQuote(value)}; [ "$x" = "$y" ] && printf '%s' "$x"`;
      expect(runScript(script)).toMatchObject({ stdout: value, exit: 0, stderr: "" });
    }),
    { seed: 11, numRuns: 60 },
  );
});

/** Stages of pipelines and what they do to lines. */
const stages: Record<string, (lines: readonly string[]) => string[]> = {
  cat: (lines) => [...lines],
  sort: (lines) => [...lines].sort(),
  "sort -r": (lines) => [...lines].sort().reverse(),
  "sort -u": (lines) => [...new Set(lines)].sort(),
  uniq: (lines) => lines.filter((line, index) => index === 0 || line !== lines[index - 1]),
  tac: (lines) => [...lines].reverse(),
  "head -3": (lines) => lines.slice(0, 3),
  "tail -2": (lines) => lines.slice(-2),
  "tail -n +2": (lines) => lines.slice(1),
  "grep a": (lines) => lines.filter((line) => line.includes("a")),
  "grep -v b": (lines) => lines.filter((line) => !line.includes("b")),
  "tr ab ba": (lines) => lines.map((line) => line.replace(/[ab]/g, (ch) => (ch === "a" ? "b" : "a"))),
  "sed s/a/x/": (lines) => lines.map((line) => line.replace("a", "x")),
  "sed 1d": (lines) => lines.slice(1),
  "awk '{print $0 \"!\"}'": (lines) => lines.map((line) => `${line}!`),
  "cut -c1": (lines) => lines.map((line) => line.slice(0, 1)),
  rev: (lines) => lines.map((line) => [...line].reverse().join("")),
};

test("random pipelines agree with a model (seed 12)", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[abc]{0,3}$/), { maxLength: 8 }),
      fc.array(fc.constantFrom(...Object.keys(stages)), { minLength: 1, maxLength: 5 }),
      (lines, names) => {
        const input = lines.map((line) => `${line}\n`).join("");
        const expected = names.reduce((current, name) => stages[name]!(current), lines as string[]);
        const run = runScript(`${["cat /in", ...names].join(" | ")}`, { files: { "/in": input } });
        expect(run.stdout).toBe(expected.map((line) => `${line}\n`).join(""));
      },
    ),
    { seed: 12, numRuns: 120 },
  );
});

test("the same run twice gives the same bytes and takes the same virtual time", () => {
  const script = `for i in 1 2 3; do (sleep 0.$i; echo "$i $RANDOM") & done; wait; mktemp -u; seq 200 | shuf | head -3; date +%s.%N; awk 'BEGIN{print rand()}'; time sleep 0.2`;
  expect(runScript(script)).toEqual(runScript(script));
});

test("a terminal session typed twice is the same", () => {
  const play = (): string => {
    const terminal = openTerminal();
    for (const keys of ["ls /\r", "sleep 5 &\r", "echo việt | rev\r", "while :; do :; done\r", "\x03", "history\r"])
      terminal.type(keys);
    return terminal.output;
  };
  expect(play()).toBe(play());
});

test("graphemes join to the text they came from, and widths add up (seed 13)", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 10 }), (value) => {
      expect(graphemes(value).join("")).toBe(value);
      expect(textWidth(value)).toBeGreaterThanOrEqual(0);
    }),
    { seed: 13, numRuns: 300 },
  );
});

test.each([
  ["a", 1],
  ["ế", 1],
  ["e\u0302\u0301", 1],
  ["日本", 4],
  ["👍", 2],
  ["👨‍👩‍👧", 2],
  ["🇻🇳", 2],
  ["한글", 4],
])("%s is %i cells wide", (value, width) => expect(textWidth(value)).toBe(width));

test("a million lines go through grep and wc", () => {
  const run = runScript("seq 1000000 | grep 7 | wc -l");
  expect(run.stdout).toBe("468559\n");
});
