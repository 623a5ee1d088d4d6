/** The tests, in projects: what needs nothing, the lessons, a real PostgreSQL, a real browser on the production build. */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { generateApiTexts } from "./lib/tools/api-texts.mjs";
import { bundle } from "./lib/tools/bundle.mjs";

generateApiTexts(fileURLToPath(new URL(".", import.meta.url)));

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const resolve = {
  alias: [
    // Tests are at home on the server; the package itself knows bundlers only.
    { find: /^server-only$/, replacement: here("./tests/support/server-only.ts") },
    { find: /^@\//, replacement: here("./") },
  ],
};

const project = (name: string, test: Record<string, unknown>, alias = resolve.alias) => ({
  resolve: { alias },
  test: { name, environment: "node", ...test },
});

/** Lessons run much and test no file of the simulator by itself: they take it in one piece, which loads in a moment. */
const simulator = await bundle("simulator/index.ts", here("."));

export default defineConfig({
  test: {
    maxWorkers: availableParallelism(),
    projects: [
      project("unit", {
        include: ["tests/**/*.test.{ts,tsx}"],
        exclude: ["tests/lessons/**", "tests/e2e/**", "tests/**/*.postgres.test.ts"],
        testTimeout: 20_000,
      }),
      project(
        "lessons",
        {
          include: ["tests/lessons/**/*.test.ts"],
          testTimeout: 120_000,
          server: { deps: { external: [/\.cache\/bundles\//] } },
        },
        [{ find: /^@\/simulator$/, replacement: simulator }, ...resolve.alias],
      ),
      project("postgres", { include: ["tests/**/*.postgres.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 }),
      project("e2e", {
        include: ["tests/e2e/**/*.test.ts"],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
    ],
  },
});
