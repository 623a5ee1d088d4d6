/** The one Prisma client: SQLite in a file by default, PostgreSQL when DATABASE_URL says so. Server only. */
import "server-only";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { PrismaLibSql } from "@prisma/adapter-libsql";
import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient as PostgresClient } from "@/prisma/generated/postgresql/client";
import { PrismaClient as SqliteClient } from "@/prisma/generated/sqlite/client";
import { dataFolder } from "./folder";

/** Both clients are generated from the same models; the SQLite one's types stand for both. */
export type Db = SqliteClient;

/** What a query may be run on: the client, or a transaction of it. */
export type Transaction = Parameters<Parameters<Db["$transaction"]>[0]>[0];

export function openDb(url = process.env["DATABASE_URL"] || `file:${join(dataFolder(), "course.db")}`): Db {
  if (/^postgres(ql)?:/.test(url)) {
    const schema = new URL(url).searchParams.get("schema") ?? undefined;
    const adapter = new PrismaPg({ connectionString: url }, schema === undefined ? undefined : { schema });
    return new PostgresClient({ adapter }) as unknown as Db;
  }
  const path = resolve(url.replace(/^file:(\/\/(?=\/))?/, ""));
  mkdirSync(dirname(path), { recursive: true });
  return new SqliteClient({ adapter: new PrismaLibSql({ url: `file:${path}` }) });
}

// Kept on globalThis, so that a development reload does not open one more connection each time.
const shared = globalThis as { courseDb?: Db };

export function db(): Db {
  shared.courseDb ??= openDb();
  return shared.courseDb;
}
