/**
 * `npm test`: everything that must hold, from a fresh clone: types, lint, tidy, unit and lesson tests, the production build,
 * and journeys in a real browser and on a real PostgreSQL. Its last line counts what passed and what failed.
 *
 *   npm test -- --quick     leaves out the build, the browser and PostgreSQL
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { install, quietEnvironment } from "./install.mjs";
import { generateApiTexts } from "./api-texts.mjs";
import { build, generateClients } from "./prepare.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
process.chdir(root);
const isQuick = process.argv.includes("--quick");
const counts = { passed: 0, failed: 0 };
const failures = [];
/** A test that was not run has not passed. */
const missing = [];

install(root);
generateClients(root);
generateApiTexts(root);
const { findChromium } = await import("./chromium.mjs");
const { postgresBinaries } = await import("./postgres.mjs");
if (!isQuick) getTools();

await step("types: the simulator", ["node_modules/typescript/bin/tsc", "-p", "simulator"]);
await step("types: the rest", ["node_modules/typescript/bin/tsc", "-p", "."]);
await step("lint", ["node_modules/@biomejs/biome/bin/biome", "check", ".", "--diagnostic-level=error"]);
await vitest(
  "tidy, unit, properties, lessons",
  isQuick
    ? ["--project", "unit", "--project", "lessons"]
    : ["--project", "unit", "--project", "lessons", "--project", "postgres"],
);
if (!isQuick) {
  try {
    build(root);
    counts.passed++;
    await vitest("journeys in a browser", ["--project", "e2e"]);
  } catch (error) {
    failed("production build", error.message);
  }
}

for (const name of failures) console.log(`failed: ${name}`);
for (const name of missing) console.log(`not run: ${name}`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);

/** Chromium and PostgreSQL: found, else from Debian's packages when root, else (Chromium) Playwright's download. */
function getTools() {
  const wanted = [...(findChromium() ? [] : ["chromium"]), ...(postgresBinaries() ? [] : ["postgresql"])];
  const isRootOnDebian = process.getuid?.() === 0 && spawnSync("apt-get", ["--version"]).status === 0;
  if (wanted.length > 0 && isRootOnDebian) {
    console.log(`Installing ${wanted.join(" and ")} with apt-get …`);
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync("apt-get", ["update", "-qq"], { stdio: "inherit", env: environment });
    spawnSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...wanted], {
      stdio: "inherit",
      env: environment,
    });
  }
  if (!findChromium()) {
    console.log("Asking Playwright for a Chromium …");
    spawnSync(process.execPath, ["node_modules/playwright-core/cli.js", "install", "chromium-headless-shell"], {
      stdio: "inherit",
    });
  }
  if (!postgresBinaries()) missing.push("PostgreSQL tests (no initdb on this machine)");
}

async function step(name, args) {
  const started = Date.now();
  const { code, output } = await run(args);
  if (code !== 0) {
    console.log(output);
    failed(name);
  } else {
    counts.passed++;
    console.log(`ok      ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  }
}

/** Runs projects of vitest and adds its own counts. */
async function vitest(name, args) {
  const started = Date.now();
  const report = join(root, ".cache", `vitest-${process.pid}.json`);
  const { code, output } = await run([
    "node_modules/vitest/vitest.mjs",
    "run",
    ...args,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  let result;
  try {
    result = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    result = undefined;
  }
  rmSync(report, { force: true });
  if (code !== 0) console.log(output);
  if (result === undefined) {
    failed(name, "vitest wrote no report");
    return;
  }
  counts.passed += result.numPassedTests;
  counts.failed += result.numFailedTests;
  for (const file of result.testResults) {
    for (const test of file.assertionResults)
      if (test.status === "failed") failures.push(`${file.name.replace(`${root}/`, "")} > ${test.fullName}`);
    if (file.status === "failed" && file.assertionResults.length === 0) failed(file.name.replace(`${root}/`, ""));
  }
  if (code !== 0 && result.numFailedTests === 0 && result.success !== false) failed(name);
  console.log(
    `${code === 0 ? "ok     " : "failed "} ${name}: ${result.numPassedTests} passed, ${result.numFailedTests} failed (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  );
}

function failed(name, why) {
  counts.failed++;
  failures.push(why === undefined ? name : `${name}: ${why}`);
}

function run(args) {
  return new Promise((done) => {
    let output = "";
    const child = spawn(process.execPath, args, { cwd: root, env: { ...quietEnvironment(), CI: "1" } });
    child.stdout.on("data", (data) => {
      output += data;
    });
    child.stderr.on("data", (data) => {
      output += data;
    });
    child.on("close", (code) => done({ code, output }));
  });
}
