/** Images that misbehave in one way each, for lessons about finding out why. */
import type { Task } from "../base/task";
import { serveHttp, textResponse } from "../net/http";
import type { Program } from "../os/process";
import { busybox } from "./bases";
import { type ImageDefinition, defineImage } from "./image";
import { slashTime, untilSignal, waitSignal } from "./programs";

const MIB = 1024 * 1024;

/** Ends with an error a moment after it started. */
const crash: Program = function* (process) {
  yield* process.print(`${slashTime(process.now())} starting\n`);
  yield* process.sleep(800);
  yield* process.printError(`${slashTime(process.now())} fatal: required setting DATABASE_URL is missing\n`);
  return 1;
};

/** Needs `START_SECONDS` (60) before it listens. */
const slowStart: Program = function* (process) {
  const seconds = Number(process.env["START_SECONDS"] ?? 60);
  const ended = untilSignal(process, ["TERM", "INT"]);
  yield* process.print(`${slashTime(process.now())} warming up for ${seconds} s\n`);
  process.thread(
    (function* (): Task<void> {
      yield* process.sleep(seconds * 1000);
      yield* process.print(`${slashTime(process.now())} listening on port 8080\n`);
      yield* serveHttp(process, 8080, function* () {
        return textResponse(200, "ready\n");
      });
    })(),
  );
  yield* waitSignal(ended);
  return 143;
};

/** Grows by `LEAK_MIB` (4) a second until something stops it. */
const leak: Program = function* (process) {
  const step = Number(process.env["LEAK_MIB"] ?? 4) * MIB;
  process.onSignal("TERM", () => process.signal("KILL", { fromOutside: true }));
  for (let size = 8 * MIB; ; size += step) {
    process.resizeMemory(size);
    yield* process.print(`${slashTime(process.now())} holding ${Math.round(size / MIB)} MiB\n`);
    yield* process.sleep(1000);
  }
};

/** Serves, but `/healthz` turns bad after `FAIL_AFTER_SECONDS` (30). */
const unhealthy: Program = function* (process) {
  const failAt = process.now() + Number(process.env["FAIL_AFTER_SECONDS"] ?? 30) * 1000;
  const ended = untilSignal(process, ["TERM", "INT"]);
  process.thread(
    serveHttp(process, 8080, function* (request) {
      const isBad = process.now() >= failAt;
      if (request.path === "/healthz" && isBad) return textResponse(500, "deadlock detected\n");
      return textResponse(200, "ok\n");
    }) as Task<void>,
  );
  yield* process.print(`${slashTime(process.now())} listening on port 8080\n`);
  yield* waitSignal(ended);
  return 143;
};

/** Uses all the CPU it can get. */
const burn: Program = function* (process) {
  yield* process.print(`${slashTime(process.now())} computing\n`);
  for (;;) yield* process.compute(1000);
};

export const faultyPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["faulty-crash", crash],
  ["faulty-slow-start", slowStart],
  ["faulty-leak", leak],
  ["faulty-unhealthy", unhealthy],
  ["faulty-burn", burn],
]);

const define = (tag: string, port: boolean): ImageDefinition =>
  defineImage({
    repository: "lab/faulty",
    tags: [tag],
    base: busybox,
    created: "2026-02-24T12:00:00Z",
    layers: [
      { createdBy: `COPY ${tag} /app # buildkit`, files: { "/app": { program: `faulty-${tag}` } }, size: 700_000 },
      { createdBy: 'ENTRYPOINT ["/app"]' },
    ],
    config: { Entrypoint: ["/app"], Cmd: undefined as never, ...(port ? { ExposedPorts: { "8080/tcp": {} } } : {}) },
  });

export const faultyImages: readonly ImageDefinition[] = [
  define("crash", false),
  define("slow-start", true),
  define("leak", false),
  define("unhealthy", true),
  define("burn", false),
];
