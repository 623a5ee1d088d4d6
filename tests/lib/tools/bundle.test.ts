import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundle } from "@/lib/tools/bundle.mjs";

const root = mkdtempSync(join(tmpdir(), "bundle-"));
afterAll(() => rmSync(root, { recursive: true }));

test("a bundle is made once, and again when a file that went in has changed", async () => {
  mkdirSync(join(root, "lib"));
  writeFileSync(join(root, "tsconfig.json"), '{"compilerOptions":{"paths":{"@/*":["./*"]}}}');
  writeFileSync(join(root, "lib/b.ts"), "export const b: number = 1;");
  writeFileSync(join(root, "lib/a.ts"), 'import "server-only"; import { b } from "@/lib/b"; export const a = b + 1;');
  const first = await bundle("lib/a.ts", root);
  expect((await import(first)).a).toBe(2);
  expect(await bundle("lib/a.ts", root)).toBe(first);
  writeFileSync(join(root, "lib/b.ts"), "export const b: number = 41;");
  utimesSync(join(root, "lib/b.ts"), 1, 1);
  const second = await bundle("lib/a.ts", root);
  expect((await import(second)).a).toBe(42);
  expect(readdirSync(join(root, ".cache/bundles")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
