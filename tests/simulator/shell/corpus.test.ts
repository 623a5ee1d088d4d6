/** Cases recorded from the real bash (tests/data/shell/record.mjs), played in our shell and compared byte for byte. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runScript } from "./world";

interface Recorded {
  readonly name: string;
  readonly shell: string;
  readonly script: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

const cases = JSON.parse(readFileSync(new URL("../../data/shell/cases.json", import.meta.url), "utf8")) as Recorded[];

test("there are at least 400 recorded cases", () => expect(cases.length).toBeGreaterThanOrEqual(400));

test.each(cases)("$name: $script", ({ shell, script, stdout, stderr, exit }) => {
  const ours = runScript(script, { argv: [shell, "-c", script] });
  expect({ stdout: ours.stdout, stderr: ours.stderr, exit: ours.exit }).toEqual({ stdout, stderr, exit });
});
