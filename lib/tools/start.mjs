/**
 * `npm start`: from a fresh clone to the site at http://localhost:3000, saying what it does. `--dev` serves the sources as
 * they change. PORT chooses another port; HOST=0.0.0.0 lets other machines in.
 */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { install, quietEnvironment } from "./install.mjs";
import { generateApiTexts } from "./api-texts.mjs";
import { build, generateClients, migrate } from "./prepare.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const isDev = process.argv.includes("--dev");
const port = Number(process.env.PORT || 3000);
const host = process.env.HOST || "localhost";
process.chdir(root);

if (!Number.isInteger(port) || port < 1 || port > 65535)
  stop(`PORT must be a number from 1 to 65535, not "${process.env.PORT}".`);
if (!(await isFree(port))) stop(`Port ${port} is in use. Choose another one: PORT=${port + 1} npm start`);

install(root);
generateClients(root);
generateApiTexts(root);
try {
  await migrate();
} catch (error) {
  stop(`${error.message}\nDATABASE_URL names the database; without it, a file under .data/ is used.`);
}
if (!isDev) build(root);
// The replay of attempts runs in threads of its own; made now, the first learner does not wait for it.
const { bundle } = await import("./bundle.mjs");
await bundle("lib/replay/thread.ts", root);

const next = join(root, "node_modules", "next", "dist", "bin", "next");
const server = spawn(process.execPath, [next, isDev ? "dev" : "start", "--port", String(port), "--hostname", host], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
  env: { ...quietEnvironment(), NODE_ENV: isDev ? "development" : "production" },
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.kill(signal));
server.on("exit", (code, signal) => process.exit(signal ? 0 : (code ?? 1)));
void announce();

async function announce() {
  for (let tries = 0; tries < 240 && server.exitCode === null; tries++) {
    try {
      await fetch(`http://localhost:${port}/icon.svg`);
      console.log(`\nThe course is at http://localhost:${port} — Ctrl-C ends it.\n`);
      return;
    } catch {
      await new Promise((later) => setTimeout(later, 250));
    }
  }
}

function isFree(number) {
  return new Promise((answer) => {
    const probe = createServer();
    probe.once("error", () => answer(false));
    probe.listen(number, () => probe.close(() => answer(true)));
  });
}

function stop(message) {
  console.error(message);
  process.exit(1);
}
