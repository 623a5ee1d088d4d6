/** The steps between a fresh clone and a running site, each done only when it is due. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quietEnvironment } from "./install.mjs";

/** What the production build is made of. */
const BUILD_INPUTS = [
  "app",
  "content",
  "docs",
  "lib",
  "prisma",
  "public",
  "simulator",
  "proxy.ts",
  "next.config.mjs",
  "postcss.config.mjs",
  "package-lock.json",
  "tsconfig.json",
];

const bin = (root, ...path) => join(root, "node_modules", ...path);

export function runNode(root, args, environment = {}) {
  return spawnSync(process.execPath, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...quietEnvironment(), ...environment },
  }).status;
}

/** Generates both Prisma clients when a schema has changed. */
export function generateClients(root) {
  for (const database of ["sqlite", "postgresql"]) {
    const schema = `prisma/${database}/schema.prisma`;
    const output = join(root, "prisma", "generated", database);
    const note = join(output, ".schema");
    const { version } = JSON.parse(readFileSync(bin(root, "prisma", "package.json"), "utf8"));
    const hash = createHash("sha256")
      .update(version)
      .update(readFileSync(join(root, schema)))
      .digest("hex");
    if (existsSync(note) && readFileSync(note, "utf8") === hash) continue;
    console.log(`Generating the database client for ${database} …`);
    const done = spawnSync(
      process.execPath,
      [bin(root, "prisma", "build", "index.js"), "generate", "--schema", schema],
      {
        cwd: root,
        env: quietEnvironment(),
        encoding: "utf8",
      },
    );
    if (done.status !== 0) {
      console.error(`${done.stdout}${done.stderr}\nprisma generate failed.`);
      process.exit(1);
    }
    writeFileSync(note, hash);
  }
}

export async function migrate() {
  const { deploy, target } = await import("./migrate.mjs");
  const { database, path } = target();
  const applied = await deploy();
  const where = path === undefined ? database : path;
  console.log(
    applied.length === 0 ? `Database ready (${where}).` : `Database ready (${where}): applied ${applied.join(", ")}.`,
  );
}

/** Builds the site when its sources are not those of the last build. */
export function build(root) {
  const note = join(root, ".next", "course-build");
  const key = fingerprint(root);
  if (existsSync(join(root, ".next", "BUILD_ID")) && existsSync(note) && readFileSync(note, "utf8") === key) {
    console.log("The production build is up to date.");
    return;
  }
  console.log("Building the site (next build), under a minute …");
  if (runNode(root, [bin(root, "next", "dist", "bin", "next"), "build"]) !== 0) {
    console.error("The build failed. Its own words are above.");
    process.exit(1);
  }
  mkdirSync(join(root, ".next"), { recursive: true });
  writeFileSync(note, key);
}

function fingerprint(root) {
  const hash = createHash("sha256");
  const visit = (path) => {
    const full = join(root, path);
    const stat = statSync(full, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isDirectory()) {
      hash.update(path).update("\0").update(readFileSync(full)).update("\0");
      return;
    }
    if (path === "prisma/generated") return;
    for (const name of readdirSync(full).sort()) visit(`${path}/${name}`);
  };
  for (const path of BUILD_INPUTS) visit(path);
  return hash.update(process.versions.node).digest("hex");
}
