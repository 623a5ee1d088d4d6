/** The same story on a real PostgreSQL, and migrations by several deployers at once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Db, openDb } from "@/lib/db/client";
import { deploy } from "@/lib/tools/migrate.mjs";
import { startPostgres } from "@/lib/tools/postgres.mjs";
import { reviewStory, wholeStory } from "./scenario";

let server: Awaited<ReturnType<typeof startPostgres>>;
let db: Db;

beforeAll(async () => {
  server = await startPostgres();
}, 60_000);
afterAll(async () => {
  await db?.$disconnect();
  server?.stop();
});

test("migrations apply once, however many deploy, and stay applied", async () => {
  const applied = await Promise.all([deploy(server.url), deploy(server.url), deploy(server.url)]);
  expect(applied.flat()).toEqual(["0001_init", "0002_reviews"]);
  expect(await deploy(server.url)).toEqual([]);
  db = openDb(server.url);
  const rows = await db.$queryRawUnsafe<{ migration_name: string; finished_at: Date | null }[]>(
    'SELECT * FROM "_prisma_migrations"',
  );
  expect(rows.map((row) => row.migration_name)).toEqual(["0001_init", "0002_reviews"]);
  expect(rows[0]?.finished_at).not.toBeNull();
});

test("PostgreSQL: proofs are recorded once, add up, and are taken back by nothing", () => wholeStory(db));
test("PostgreSQL: a lesson that was done comes due after 1, 3, 7 and 21 days", () => reviewStory(db));
