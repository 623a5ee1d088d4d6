/** The production build on a port and a database of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deploy } from "@/lib/tools/migrate.mjs";

export interface Site {
  readonly url: string;
  /** Its database, as a URL. */
  readonly database: string;
  /** Ends the server and starts it again on the same port and data. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

export async function startSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "course-site-"));
  const database = `file:${join(folder, "course.db")}`;
  await deploy(database);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  let server: ChildProcess;
  let log = "";
  const start = async () => {
    server = spawn(process.execPath, ["node_modules/next/dist/bin/next", "start", "--port", String(port)], {
      env: {
        ...process.env,
        NODE_ENV: "production",
        DATABASE_URL: database,
        DATA_DIR: folder,
        NEXT_TELEMETRY_DISABLED: "1",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.stdout?.on("data", (data) => {
      log += data;
    });
    server.stderr?.on("data", (data) => {
      log += data;
    });
    for (let tries = 0; tries < 200; tries++) {
      if (server.exitCode !== null) throw new Error(`next start ended:\n${log}`);
      const isUp = await fetch(`${url}/icon.svg`).then(
        (response) => response.ok,
        () => false,
      );
      if (isUp) return;
      await new Promise((later) => setTimeout(later, 150));
    }
    throw new Error(`next start did not answer:\n${log}`);
  };
  const stop = () =>
    new Promise<void>((ended) => {
      const ending = server;
      if (ending.exitCode !== null || ending.signalCode !== null) return ended();
      const hurry = setTimeout(() => ending.kill("SIGKILL"), 4000);
      ending.once("exit", () => {
        clearTimeout(hurry);
        ended();
      });
      ending.kill("SIGTERM");
    });
  await start();
  return {
    url,
    database,
    stop,
    restart: start,
    async dispose() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const freePort = (): Promise<number> =>
  new Promise((found, failed) => {
    const probe = createServer();
    probe.on("error", failed);
    probe.listen(0, () => {
      const address = probe.address();
      probe.close(() => found(typeof address === "object" && address ? address.port : 0));
    });
  });
