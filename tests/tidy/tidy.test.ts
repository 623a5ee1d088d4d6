import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { floors } from "./floors";
import { type SourceFile, importsOf, readSource, roomOf, root, sourceFiles } from "./source";

const files = sourceFiles(["simulator", "lib", "app"]);

function wrongImports(sources: readonly SourceFile[]): string[] {
  const wrong: string[] = [];
  for (const file of sources) {
    const room = roomOf(file.path);
    if (!room) {
      wrong.push(`${file.path} stands in no room of the table`);
      continue;
    }
    for (const { target, specifier } of importsOf(file)) {
      if (target === undefined || /\.(css|json|svg)$/.test(target)) continue;
      const other = roomOf(target);
      if (other === room || (other && floors[room]!.includes(other))) continue;
      wrong.push(`${file.path} imports ${specifier} (${room} → ${other ?? "outside"})`);
    }
  }
  return wrong;
}

/** Names that would let the outside in, with what to use in their place. */
const banned: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/, "Date: use Clock and base/clock"],
  [/\bMath\s*\.\s*random\b/, "Math.random: use Random"],
  [/\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|requestAnimationFrame)\b/, "timers: use Loop"],
  [/\bPromise\b|\basync\b|\bawait\b/, "Promise, async: use Task"],
  [/\bIntl\b|\.\s*toLocale\w+\(|\blocaleCompare\b/, "locale"],
  [/\bperformance\b|\bcrypto\s*\./, "performance, crypto: use Clock, Random, base/hash"],
  [/\b(?:window|navigator|globalThis)\s*\./, "DOM"],
  // `process` is the simulator's own kind of process here; these members only Node's has.
  [/\bprocess\s*\.\s*(?:hrtime|platform|versions|nextTick|cpuUsage|memoryUsage|binding)\b/, "Node's process"],
  [/\b(?:require|structuredClone|fetch)\s*\(/, "require, structuredClone, fetch"],
  [/\b(?:WeakRef|FinalizationRegistry)\b/, "garbage collection is not deterministic"],
];

function undeterministic(sources: readonly SourceFile[]): string[] {
  const wrong: string[] = [];
  for (const file of sources) {
    if (!file.path.startsWith("simulator/")) continue;
    file.words.split("\n").forEach((line, index) => {
      for (const [pattern, why] of banned) if (pattern.test(line)) wrong.push(`${file.path}:${index + 1} ${why}`);
    });
    for (const { specifier, target } of importsOf(file))
      if (
        target === undefined &&
        /^node:|^(?:fs|path|os|crypto|http|https|net|child_process|worker_threads|util|events|stream|zlib)(?:\/|$)/.test(
          specifier,
        )
      )
        wrong.push(`${file.path} imports ${specifier}`);
  }
  return wrong;
}

function fileCycles(sources: readonly SourceFile[]): string[] {
  const known = new Set(sources.map((file) => file.path));
  const resolve = (target: string): string | undefined =>
    [target, `${target}.ts`, `${target}.tsx`, `${target}/index.ts`].find((candidate) => known.has(candidate));
  const edges = new Map(
    sources.map((file) => [
      file.path,
      importsOf(file).flatMap(({ target }) => {
        const path = target === undefined ? undefined : resolve(target);
        return path && path !== file.path ? [path] : [];
      }),
    ]),
  );
  const cycles: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    state.set(path, "open");
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    state.set(path, "done");
  };
  for (const file of sources) visit(file.path, []);
  return cycles;
}

test("imports only go down", () => {
  expect(wrongImports(files)).toEqual([]);
});

test("the simulator touches no clock, chance, timer, Promise, locale, DOM or Node", () => {
  expect(undeterministic(files)).toEqual([]);
});

test("no cycles between files", () => {
  expect(fileCycles(files)).toEqual([]);
});

test("each room of the table uses only rooms above it, and exists", () => {
  const seen = new Set<string>();
  for (const [room, allowed] of Object.entries(floors)) {
    for (const other of allowed) expect(seen.has(other) || other === "prisma", `${room} → ${other}`).toBe(true);
    seen.add(room);
    expect(existsSync(join(root, room)), room).toBe(true);
  }
});

test("a mirrored test has its source", () => {
  const orphans = sourceFiles(["tests/simulator", "tests/lib"])
    .filter((file) => file.path.endsWith(".test.ts"))
    .map((file) => file.path.replace(/^tests\//, "").replace(/\.test\.ts$/, ""))
    .filter((path) => !["", ".ts", ".tsx", "/index.ts"].some((ending) => existsSync(join(root, path + ending))))
    .filter((path) => !existsSync(join(root, path.slice(0, path.lastIndexOf("/")))));
  expect(orphans).toEqual([]);
});

test("the tidy tests can fail", () => {
  const bad = [
    readSource(
      "simulator/base/bad.ts",
      'import { x } from "../os/kernel";\nimport fs from "node:fs";\nconst t = Date.now();',
    ),
    readSource("simulator/os/ok.ts", "/** Date.now() is banned */\nconst text = 'Math.random()';"),
    readSource("simulator/os/a.ts", 'import type { B } from "./b";'),
    readSource("simulator/os/b.ts", 'import type { A } from "./a";'),
  ];
  expect(wrongImports(bad)).toHaveLength(1);
  expect(undeterministic(bad)).toEqual([
    "simulator/base/bad.ts:3 Date: use Clock and base/clock",
    "simulator/base/bad.ts imports node:fs",
  ]);
  expect(fileCycles(bad)).toEqual(["simulator/os/a.ts → simulator/os/b.ts → simulator/os/a.ts"]);
});
