/** Installs what package-lock.json names, if that has not been done. Uses nothing that would have to be installed first. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Nothing is downloaded besides npm packages: Prisma's native engines are not needed, for its WebAssembly one is used. */
export const quietEnvironment = () => ({
  ...process.env,
  PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? process.execPath,
  PRISMA_SKIP_POSTINSTALL_GENERATE: "1",
  PRISMA_HIDE_UPDATE_MESSAGE: "1",
  CHECKPOINT_DISABLE: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1",
});

/** Runs npm without depending on a shell's idea of it. */
export function npm(root, args) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith(".js")
    ? [process.execPath, [cli]]
    : [process.platform === "win32" ? "npm.cmd" : "npm", []];
  return spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio: "inherit",
    env: quietEnvironment(),
    shell: process.platform === "win32" && first.length === 0,
  }).status;
}

/** True when something had to be installed. Ends the process when it could not be. */
export function install(root) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Node ${process.versions.node} is too old: 20.19 or newer is needed. Get it from https://nodejs.org.`,
    );
    process.exit(1);
  }
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const note = join(root, "node_modules", ".course-installed");
  if (existsSync(note) && readFileSync(note, "utf8") === lock) return false;
  if (isComplete(root)) {
    writeFileSync(note, lock);
    return false;
  }
  console.log("Installing packages (npm ci), about a minute …");
  if (npm(root, ["ci", "--no-audit", "--no-fund"]) !== 0) {
    console.error("npm ci failed. Its own words are above; with a connection to the npm registry, try again.");
    process.exit(1);
  }
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(note, lock);
  return true;
}

/** Whether npm's record of what it installed agrees with the lock file: somebody ran npm ci by hand. */
function isComplete(root) {
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    const present = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8")).packages;
    return Object.entries(wanted).every(
      ([path, { version, optional }]) => path === "" || optional || present[path]?.version === version,
    );
  } catch {
    return false;
  }
}
