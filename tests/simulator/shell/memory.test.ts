/** A shell whose variables grow without end is killed for lack of memory; nothing of ours breaks. */
import { expect, test } from "vitest";
import { ENV, makeLaptop, runScript } from "./world";

test.each([
  ["a text that doubles", "x=a; while :; do x=$x$x; done"],
  ["a text that is appended to itself", "x=a; while :; do x+=$x; done"],
  ["parameters that double", 'set -- 1 2; while :; do set -- "$@" "$@"; done'],
  ["another program's text", "awk 'BEGIN { x = \"a\"; while (1) x = x x }'"],
])("%s", (_name, script) => {
  const { stdout, stderr, exit } = runScript(script, {
    argv: ["bash", "-c", `bash -c '${script.replaceAll("'", "'\\''")}'; echo $?`],
  });
  expect(stdout).toBe("137\n");
  expect(stderr).toContain("Killed");
  expect(exit).toBe(0);
});

test("large variables count as memory until they are gone", () => {
  const peak = (script: string): number => {
    const { loop, kernel, context } = makeLaptop();
    const process = kernel.spawn(context, undefined, { argv: ["bash", "-c", script], env: ENV });
    while (!process.ended.settled) loop.step();
    return Math.round(kernel.rootCgroup.memoryPeakBytes / 1e6);
  };
  const one = "printf -v x %20000000s; sleep 1";
  expect(peak(":")).toBeLessThan(2);
  expect(peak(one)).toBe(21);
  expect(peak(`${one}; unset x; ${one}`)).toBe(21);
  expect(peak(`${one}; y=$x; sleep 1`)).toBe(41);
});
