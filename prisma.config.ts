/** Which of the two schemas Prisma's own tools see: PostgreSQL when DATABASE_URL says so, else SQLite. */
import { defineConfig } from "prisma/config";

const url = process.env["DATABASE_URL"] ?? "file:./.data/course.db";
const database = url.startsWith("postgres") ? "postgresql" : "sqlite";

export default defineConfig({
  schema: `prisma/${database}/schema.prisma`,
  migrations: { path: `prisma/${database}/migrations` },
  datasource: { url },
});
