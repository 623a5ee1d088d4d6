/**
 * Migrations without Prisma's native engine, which has to be downloaded: the same engine as WebAssembly, from npm.
 *
 *   node lib/tools/migrate.mjs deploy       applies what is missing to DATABASE_URL (default: .data/course.db)
 *   node lib/tools/migrate.mjs new <name>   writes a migration for each database from the change in prisma/sqlite/schema.prisma
 *
 * Applied migrations are recorded in `_prisma_migrations`, as `prisma migrate deploy` does. Deployers take turns: an
 * advisory lock on PostgreSQL, a lock file next to the database on SQLite.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const DEFAULT_URL = `file:${join(ROOT, ".data", "course.db")}`;
const NO_FILTER = { externalTables: [], externalEnums: [] };
const DATABASES = ["sqlite", "postgresql"];

/** Which database a URL means, and how to reach it. */
export function target(url = process.env.DATABASE_URL || DEFAULT_URL) {
  if (/^postgres(ql)?:/.test(url)) return { database: "postgresql", url };
  if (!url.startsWith("file:")) throw new Error(`DATABASE_URL must begin with file: or postgresql:, not "${url}"`);
  const path = resolve(ROOT, url.slice("file:".length).replace(/^\/\/(?=\/)/, ""));
  return { database: "sqlite", url: `file:${path}`, path };
}

/**
 * Applies the missing migrations and returns their names. In a process of its own: the engine serves one database a
 * process, and when it gives up it does so by ending everything around it.
 */
export function deploy(url = target().url) {
  return new Promise((applied, failed) => {
    const options = { env: { ...process.env, DATABASE_URL: url }, timeout: 180_000, cwd: ROOT };
    execFile(
      process.execPath,
      [fileURLToPath(new URL("lib/tools/migrate.mjs", `${pathToFileURL(ROOT)}/`)), "deploy", "--json"],
      options,
      (error, stdout, stderr) => {
        if (error) failed(new Error(stderr.trim() || `The migrations could not be applied: ${error.message}`));
        else applied(JSON.parse(stdout));
      },
    );
  });
}

async function deployHere() {
  const to = target();
  return withLock(to, async () => {
    const engine = await schemaEngine(to);
    try {
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: migrationsList(to.database),
        filters: NO_FILTER,
      });
      return appliedMigrationNames;
    } catch (error) {
      throw new Error(`The migrations could not be applied: ${messageOf(error)}`);
    }
  });
}

async function schemaEngine({ database, url }) {
  const { SchemaEngine } = await loadEngine();
  const { bindMigrationAwareSqlAdapterFactory } = await import("@prisma/driver-adapter-utils");
  let factory;
  if (database === "postgresql") {
    const { PrismaPg } = await import("@prisma/adapter-pg");
    const schema = new URL(url).searchParams.get("schema") ?? undefined;
    factory = new PrismaPg({ connectionString: url }, schema === undefined ? undefined : { schema });
  } else {
    const { PrismaLibSql } = await import("@prisma/adapter-libsql");
    factory = new PrismaLibSql({ url });
  }
  const schema = join(ROOT, "prisma", database, "schema.prisma");
  const datamodels = [[schema, readFileSync(schema, "utf8")]];
  return SchemaEngine.new({ datamodels }, () => {}, bindMigrationAwareSqlAdapterFactory(factory));
}

/** The package's own entry asks a bundler for the .wasm file; Node is given it by hand. */
async function loadEngine() {
  const bindings = await import("@prisma/schema-engine-wasm/schema_engine_bg");
  const bytes = readFileSync(
    createRequire(import.meta.url)
      .resolve("@prisma/schema-engine-wasm")
      .replace(/\.js$/, "_bg.wasm"),
  );
  // Where the engine leaves its own message before it gives up.
  globalThis.PRISMA_WASM_PANIC_REGISTRY ??= {
    message: "",
    set_message(text) {
      this.message = text;
    },
  };
  const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return bindings;
}

function migrationsList(database) {
  const baseDir = join(ROOT, "prisma", database, "migrations");
  const folders = existsSync(baseDir) ? readdirSync(baseDir, { withFileTypes: true }) : [];
  return {
    baseDir,
    lockfile: { path: "migration_lock.toml", content: readIfThere(join(baseDir, "migration_lock.toml")) },
    shadowDbInitScript: "",
    migrationDirectories: folders
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
      .map((name) => ({
        path: name,
        migrationFile: {
          path: "migration.sql",
          content: { tag: "ok", value: readFileSync(join(baseDir, name, "migration.sql"), "utf8") },
        },
      })),
  };
}

async function withLock(to, work) {
  if (to.database === "sqlite") {
    mkdirSync(dirname(to.path), { recursive: true });
    return withLockFile(`${to.path}.migrating`, work);
  }
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: to.url });
  await client.connect();
  try {
    // Any number will do as long as it is ours; the lock goes when the connection does. Prisma's own is 72707369.
    await client.query("SELECT pg_advisory_lock(724810223)");
    return await work();
  } finally {
    await client.end();
  }
}

/** One process at a time. The lock of a process that died is taken over. */
async function withLockFile(path, work) {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (isStale(path)) rmSync(path, { force: true });
      else if (Date.now() > giveUpAt)
        throw new Error(`Another process has held ${path} for a minute. Remove it if none is running.`);
      else await new Promise((wake) => setTimeout(wake, 100));
    }
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function isStale(path) {
  try {
    const owner = Number(readFileSync(path, "utf8"));
    if (owner > 0) {
      process.kill(owner, 0);
      return false;
    }
    return Date.now() - statSync(path).mtimeMs > 5000;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Writes the next migration of both databases from the difference to the schema of the last one. */
async function writeMigrations(name) {
  if (!/^[a-z0-9_]+$/.test(name ?? "")) throw new Error("usage: node lib/tools/migrate.mjs new <name_in_snake_case>");
  const source = readFileSync(join(ROOT, "prisma/sqlite/schema.prisma"), "utf8");
  const written = source
    .replace(
      /^\/\/ The PostgreSQL schema is written[^\n]*/m,
      "// Written from prisma/sqlite/schema.prisma by lib/tools/migrate.mjs; do not edit.",
    )
    .replace("../generated/sqlite", "../generated/postgresql")
    .replace('provider = "sqlite"', 'provider = "postgresql"');
  writeFileSync(join(ROOT, "prisma/postgresql/schema.prisma"), written);
  const number = String(migrationsList("sqlite").migrationDirectories.length + 1).padStart(4, "0");
  // The engine asks a PostgreSQL server for its version even to compare two texts; and it serves one database a process.
  const { startPostgres } = await import("./postgres.mjs");
  const server = await startPostgres();
  try {
    for (const database of DATABASES) {
      const url = database === "sqlite" ? "file::memory:" : server.url;
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "diff", `${number}_${name}`, database, url], {
        stdio: "inherit",
      });
    }
  } finally {
    server.stop();
  }
}

async function writeMigration(name, database, url) {
  const folder = join(ROOT, "prisma", database, "migrations");
  const schema = readFileSync(join(ROOT, "prisma", database, "schema.prisma"), "utf8");
  const snapshot = join(folder, "snapshot.prisma");
  const before = readIfThere(snapshot);
  const engine = await schemaEngine({ database, url });
  const { stdout } = await engine.diff({
    from:
      before === null
        ? { tag: "empty" }
        : { tag: "schemaDatamodel", files: [{ path: "before.prisma", content: before }] },
    to: { tag: "schemaDatamodel", files: [{ path: "after.prisma", content: schema }] },
    script: true,
    exitCode: null,
    filters: NO_FILTER,
  });
  if (!stdout?.trim() || stdout.includes("This is an empty migration")) {
    console.log(`${database}: nothing has changed`);
    return;
  }
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "migration.sql"), stdout);
  writeFileSync(snapshot, schema);
  writeFileSync(
    join(folder, "migration_lock.toml"),
    `# Please do not edit this file manually\nprovider = "${database}"\n`,
  );
  console.log(`${database}: wrote ${name}`);
}

const readIfThere = (path) => (existsSync(path) ? readFileSync(path, "utf8") : null);

/** The engine's errors are objects with the message for people inside. */
function messageOf(error) {
  try {
    return JSON.parse(error.message).message ?? error.message;
  } catch {
    return error?.message ?? String(error);
  }
}

/** The engine's last words come as an error that nobody awaits. */
function reportPanic(error) {
  console.error(`The schema engine gave up: ${globalThis.PRISMA_WASM_PANIC_REGISTRY?.message || messageOf(error)}`);
  process.exit(1);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.on("uncaughtException", reportPanic);
  process.on("unhandledRejection", reportPanic);
  const [command, name, ...rest] = process.argv.slice(2);
  try {
    if (command === "deploy") {
      const applied = await deployHere();
      if (name === "--json") console.log(JSON.stringify(applied));
      else console.log(applied.length === 0 ? "The database is up to date." : `Applied ${applied.join(", ")}.`);
    } else if (command === "new") await writeMigrations(name);
    else if (command === "diff") await writeMigration(name, ...rest);
    else throw new Error("usage: node lib/tools/migrate.mjs deploy | new <name>");
    process.exit(0);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
