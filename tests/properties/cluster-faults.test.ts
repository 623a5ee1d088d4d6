/**
 * Random operations and random troubles, many times over: whatever happens, the invariants hold, and once the troubles
 * are over every workload meets its spec. `SEEDS=1000 FIRST_SEED=1 npx vitest run tests/properties/cluster-faults.test.ts`
 */
import { expect, test } from "vitest";
import { runSeed } from "./cluster-faults";

const first = Number(process.env["FIRST_SEED"] ?? 1);
const count = Number(process.env["SEEDS"] ?? 25);

/** Seeds that once failed stay here for good. */
const remembered: readonly number[] = [208, 267];

const seeds = [...new Set([...remembered, ...Array.from({ length: count }, (_, i) => first + i)])];

test.each(seeds)("seed %i", { timeout: 60_000 }, (seed) => {
  const { wrong, steps } = runSeed(seed);
  const repeat = `FIRST_SEED=${seed} SEEDS=1 npx vitest run tests/properties/cluster-faults.test.ts`;
  expect(wrong, `repeat with: ${repeat}\n${steps.join("\n")}\n${wrong.join("\n")}\n`).toEqual([]);
});
