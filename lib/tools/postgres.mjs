/** A PostgreSQL server of its own for tests and for writing migrations: temporary folder, loopback port, gone at the end. */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const asRoot = process.getuid?.() === 0;

/** Where initdb and pg_ctl are, or undefined. */
export function postgresBinaries() {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return folders.find((folder) => folder && existsSync(join(folder, "initdb")) && existsSync(join(folder, "pg_ctl")));
}

/** Starts a server. PostgreSQL refuses to run as root, so root runs it as the user `postgres`. */
export async function startPostgres() {
  const bin = postgresBinaries();
  if (bin === undefined) throw new Error("PostgreSQL is not installed: no initdb found.");
  const folder = mkdtempSync(join(tmpdir(), "course-postgres-"));
  const run = (command) => {
    const options = { cwd: folder, stdio: ["ignore", "ignore", "pipe"], shell: false };
    if (asRoot) execFileSync("su", ["postgres", "-s", "/bin/sh", "-c", command], options);
    else execFileSync("/bin/sh", ["-c", command], options);
  };
  if (asRoot) {
    const uid = Number(execFileSync("id", ["-u", "postgres"], { encoding: "utf8" }));
    chownSync(folder, uid, -1);
  }
  const port = await freePort();
  run(`${bin}/initdb -D ${folder}/data -A trust -U course --locale=C -E UTF8`);
  run(
    `${bin}/pg_ctl -D ${folder}/data -l ${folder}/log -w -o "-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off" start`,
  );
  return {
    url: `postgresql://course@127.0.0.1:${port}/postgres`,
    stop() {
      run(`${bin}/pg_ctl -D ${folder}/data -m immediate stop`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const freePort = () =>
  new Promise((found, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
