/**
 * npm run bench -- [--json] [--only TEXT] [--no-comparison] [--large]: measures what the project promises about speed and size, on
 * this machine. Median of five unless said otherwise; user CPU beside it, which is what counts where others are busy.
 * Nothing here decides whether a test passes.
 */
import { readContent } from "@/lib/lessons/loader";
import { LessonSession } from "@/lib/checker/session";
import { openTerminal, play } from "@/lib/checker/play";
import { type Machine, createMachine } from "@/simulator";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { runToEnd } from "@/lib/headless/run-to-end";

interface Row {
  readonly name: string;
  readonly value: number | undefined;
  readonly unit: "ms" | "KB" | "KB gzip" | "MB" | "× real time";
  /** User CPU of the same runs, in ms: what it takes when nobody else is busy. */
  readonly cpu?: number;
  /** What it must reach; smaller is better unless the unit is a speed. */
  readonly target?: number;
  readonly note?: string;
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    "no-comparison": { type: "boolean", default: false },
    large: { type: "boolean", default: false },
  },
});

const rows: Row[] = [];
const say = (text: string): void => void (values.json || process.stderr.write(text));

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

interface Took {
  readonly wall: number;
  readonly cpu: number;
}

const isWanted = (name: string): boolean => name.includes(values.only);

/** `measure` answers what one run took. The first, cold one does not count where there are several. */
function time(name: string, target: number | undefined, measure: () => Took, runs = 5): void {
  if (!isWanted(name)) return;
  say(`  ${name} …\r`);
  if (runs > 1) measure();
  const took = Array.from({ length: runs }, measure);
  const value = median(took.map(({ wall }) => wall));
  const cpu = median(took.map((one) => one.cpu));
  rows.push({ name, value, unit: "ms", cpu, ...(target === undefined ? {} : { target }) });
}

function clocked(run: () => void): Took {
  const before = process.cpuUsage();
  const start = performance.now();
  run();
  const wall = performance.now() - start;
  return { wall, cpu: process.cpuUsage(before).user / 1000 };
}

/** Bytes of the heap after a collection, where node runs with --expose-gc; otherwise as they are. */
function heapUsed(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

function sh(machine: Machine, line: string): string {
  const done = runToEnd(machine, line, {});
  if (done.exit !== 0) throw new Error(`${line}: exit ${done.exit}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

function untilReady(machine: Machine, replicas: number, namespace = "default", name = "bench"): void {
  const limit = machine.now() + 600_000;
  for (;;) {
    const answer = machine.observe.kubernetes({
      method: "GET",
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`,
    });
    const status = (answer?.body as { status?: { readyReplicas?: number } } | undefined)?.status;
    if (status?.readyReplicas === replicas) return;
    if (machine.now() > limit) throw new Error(`${replicas} replicas were not ready in ten virtual minutes`);
    machine.runUntil(machine.now() + 100);
  }
}

// ---- worlds ------------------------------------------------------------------------------------------------------------

const world = (scenario: string) => (): Took => {
  let machine: Machine | undefined;
  const took = clocked(() => {
    machine = createMachine({ scenario, seed: 1 });
  });
  const nodes = machine!.observe.kubernetes({ method: "GET", path: "/api/v1/nodes" })?.body as {
    items: { status: { conditions: { type: string; status: string }[] } }[];
  };
  const ready = nodes.items.filter((node) =>
    node.status.conditions.some((one) => one.type === "Ready" && one.status === "True"),
  );
  if (ready.length < 3) throw new Error(`only ${ready.length} nodes are Ready`);
  return took;
};

time("world with 3 Ready nodes", 50, world("managed"));
time("kubeadm-like world with 3 Ready nodes and add-ons", undefined, world("kubernetes"));

time("100-replica Deployment, all Ready", 200, () => {
  const machine = createMachine({ scenario: "managed", seed: 2 });
  return clocked(() => {
    sh(machine, "kubectl create deployment bench --image=nginx --replicas=100");
    untilReady(machine, 100);
  });
});

time("rolling update of 100 Pods", 150, () => {
  const machine = createMachine({ scenario: "managed", seed: 8 });
  sh(machine, "kubectl create deployment bench --image=nginx --replicas=100");
  untilReady(machine, 100);
  return clocked(() => {
    sh(machine, "kubectl set image deployment/bench nginx=httpd");
    sh(machine, "kubectl rollout status deployment/bench");
  });
});

if (isWanted("heap a Pod")) {
  say("  heap a Pod …\r");
  const machine = createMachine({ scenario: "ten-nodes", seed: 9 });
  const before = heapUsed();
  sh(machine, "kubectl create deployment bench --image=nginx --replicas=1000");
  untilReady(machine, 1000);
  const value = (heapUsed() - before) / 1000 / 1024;
  rows.push({
    name: "heap a Pod",
    value,
    unit: "KB",
    target: 16,
    note: "of 1,000 running ones, with their containers and all history",
  });
}

time(
  "kubectl get pods with 1,000 Pods",
  20,
  (() => {
    let machine: Machine | undefined;
    return () => {
      if (!machine) {
        machine = createMachine({ scenario: "ten-nodes", seed: 3 });
        sh(machine, "kubectl create deployment bench --image=nginx --replicas=1000");
        untilReady(machine, 1000);
      }
      const world = machine;
      return clocked(() => void sh(world, "kubectl get pods"));
    };
  })(),
);

time(
  "1,000 Pods on 10 nodes, from create to all Ready",
  1000,
  () => {
    const machine = createMachine({ scenario: "ten-nodes", seed: 4 });
    return clocked(() => {
      sh(machine, "kubectl create deployment bench --image=nginx --replicas=1000");
      untilReady(machine, 1000);
    });
  },
  3,
);

time(
  "replay of a lesson's log (50 commands, 30 virtual minutes)",
  100,
  (() => {
    const lesson = readContent().courses[0]!.lessons.find((one) => one.data.id === "first-deployment")!;
    const session = new LessonSession(createMachine(lesson.start), lesson.data);
    openTerminal(session);
    play(session, lesson.data.solution);
    const more = [
      "kubectl get pods",
      "kubectl get deployments -o wide",
      "kubectl describe deployment hello-world-rest-api",
      "kubectl get events",
      "ls -la",
    ];
    for (let i = 0; i < 44; i++) {
      play(session, [more[i % more.length]!, { wait: 36 }]);
    }
    const log = session.machine.log();
    return () =>
      clocked(() => {
        const again = new LessonSession(createMachine(log.start), lesson.data);
        for (const { at, ...input } of log.entries) {
          again.advanceTo(at);
          again.apply(input);
        }
        again.advanceTo(log.end);
        if (again.machine.stateHash() !== session.machine.stateHash()) throw new Error("the replay differs");
      });
  })(),
);

time(
  "docker run of a present image",
  5,
  (() => {
    const machine = createMachine({ scenario: "docker", seed: 5 });
    sh(machine, "docker pull -q nginx");
    let count = 0;
    return () => clocked(() => void sh(machine, `docker run -d --name bench-${count++} nginx`));
  })(),
);

time(
  "1,000 containers",
  2000,
  () => {
    const machine = createMachine({ scenario: "docker", seed: 10 });
    sh(machine, "docker pull -q nginx");
    return clocked(() => void sh(machine, "for i in $(seq 1000); do docker run -d --name bench-$i nginx; done"));
  },
  3,
);

time(
  "a 1,000,000-line docker logs | grep | wc -l",
  2000,
  (() => {
    const machine = createMachine({ scenario: "docker", seed: 6 });
    sh(machine, "docker run --name lines busybox sh -c 'seq 1000000' >/dev/null");
    return () => clocked(() => void sh(machine, "docker logs lines | grep 7 | wc -l"));
  })(),
  3,
);

if (isWanted("idle cluster")) {
  say("  idle cluster …\r");
  const machine = createMachine({ scenario: "managed", seed: 7 });
  const virtual = 3_600_000;
  const { wall, cpu } = clocked(() => void machine.runUntil(machine.now() + virtual));
  rows.push({ name: "idle cluster", value: Math.round(virtual / wall), unit: "× real time", cpu, target: 20_000 });
}

// ---- large -------------------------------------------------------------------------------------------------------------

const LARGE = "100 nodes with 3,000 Pods";
if (values.large && isWanted(LARGE)) {
  say(`  ${LARGE} …\r`);
  const { wall, cpu } = clocked(() => {
    const machine = createMachine({ scenario: "hundred-nodes", seed: 11 });
    sh(machine, "kubectl create deployment bench --image=nginx --replicas=3000");
    untilReady(machine, 3000);
  });
  rows.push({ name: LARGE, value: wall, unit: "ms", cpu, target: 6000, note: "one run" });
  rows.push({ name: `${LARGE}: memory`, value: process.memoryUsage().rss / 1024 / 1024, unit: "MB", target: 1500 });
}

// ---- sizes -------------------------------------------------------------------------------------------------------------

const kilobytes = (bytes: Uint8Array | Buffer): number =>
  Math.round((gzipSync(bytes, { level: 9 }).length / 1024) * 10) / 10;

if (isWanted("simulator worker")) {
  const result = await build({
    entryPoints: ["lib/playground/worker.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    splitting: true,
    outdir: ".cache/bench-worker",
    write: false,
    alias: { "@": "." },
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
  });
  const named = (pattern: RegExp) => result.outputFiles.find((file) => pattern.test(file.path))!;
  /** What a file needs at once: itself and the chunks that it imports statically. */
  const needs = (path: string, known = new Set<string>()): Set<string> => {
    if (known.has(path)) return known;
    known.add(path);
    const text = result.outputFiles.find((file) => file.path === path)!.text;
    for (const match of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) needs(join(path, "..", match[1]!), known);
    return known;
  };
  const sizeOf = (...patterns: RegExp[]): number => {
    const paths = new Set(patterns.flatMap((pattern) => [...needs(named(pattern).path)]));
    const sum = [...paths].reduce(
      (total, path) => total + kilobytes(result.outputFiles.find((file) => file.path === path)!.contents),
      0,
    );
    return Math.round(sum * 10) / 10;
  };
  const entry = /worker\.js$/;
  const unit = "KB gzip";
  rows.push({ name: "simulator worker", value: sizeOf(entry), unit, target: 250, note: "up to the first prompt" });
  rows.push({
    name: "simulator worker and the docker CLI",
    value: sizeOf(entry, /docker-cli-/),
    unit,
    note: "fetched after the prompt, or with the first command",
  });
  rows.push({
    name: "simulator worker with a cluster",
    value: sizeOf(entry, /kubernetes-/),
    unit,
    target: 350,
    note: "up to the first prompt",
  });
  rows.push({
    name: "simulator worker, everything",
    value: Math.round(result.outputFiles.reduce((sum, file) => sum + kilobytes(file.contents), 0) * 10) / 10,
    unit,
    note: "fetched in the quiet after the prompt",
  });
}

if (isWanted("lesson page script before the terminal")) {
  const page = ".next/server/app/en/courses/docker-kubernetes/image-container.html";
  const found = existsSync(page) ? page : undefined;
  let size: number | undefined;
  if (found) {
    const scripts = new Set(
      [...readFileSync(found, "utf8").matchAll(/<script[^>]+src="\/_next\/([^"?]+)/g)].map((match) => match[1]!),
    );
    size = [...scripts].reduce((sum, path) => sum + kilobytes(readFileSync(join(".next", path))), 0);
  }
  rows.push({
    name: "lesson page script before the terminal",
    value: size === undefined ? undefined : Math.round(size * 10) / 10,
    unit: "KB gzip",
    target: 200,
    ...(size === undefined ? { note: "build the site first (npm start, or npm run build)" } : {}),
  });
}

// ---- comparison --------------------------------------------------------------------------------------------------------

if (!values["no-comparison"] && isWanted("webernetes")) {
  say("  webernetes …\r");
  const outfile = join(process.cwd(), ".cache/bench-webernetes.mjs");
  mkdirSync(".cache", { recursive: true });
  await build({
    entryPoints: ["tests/bench/webernetes.ts"],
    bundle: true,
    format: "esm",
    platform: "node",
    outfile,
    logLevel: "error",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  const other = (await import(pathToFileURL(outfile).href)) as typeof import("./webernetes");
  rows.push({ name: "webernetes 0.3.5: boot, 3 nodes", value: await other.bootMs(), unit: "ms", note: "one run" });
  rows.push({
    name: "webernetes 0.3.5: 100 Pods, all Ready",
    value: await other.deploymentReadyMs(100, 3, 60_000),
    unit: "ms",
    note: "one run",
  });
  rows.push({
    name: "webernetes 0.3.5: 1,000 Pods, all Ready",
    value: await other.deploymentReadyMs(1000, 10, 120_000),
    unit: "ms",
    note: "one run",
  });
}

if (values.json) {
  process.stdout.write(`${JSON.stringify({ node: process.version, rows }, undefined, 2)}\n`);
} else {
  const show = (row: Row): string =>
    row.value === undefined ? "–" : `${row.value.toFixed(row.unit === "× real time" ? 0 : 1)} ${row.unit}`;
  const isGood = (row: Row): boolean | undefined =>
    row.target === undefined || row.value === undefined
      ? undefined
      : row.unit === "× real time"
        ? row.value >= row.target
        : row.value <= row.target;
  const width = Math.max(...rows.map((row) => row.name.length));
  for (const row of rows) {
    const target = row.target === undefined ? "" : `${isGood(row) ? "ok  " : "MISS"} target ${row.target}`;
    const cpu = row.cpu === undefined ? "" : `${row.cpu.toFixed(1)} ms CPU`;
    process.stdout.write(
      `${`${row.name.padEnd(width)}  ${show(row).padStart(16)}  ${cpu.padStart(16)}  ${target.padEnd(18)} ${row.note ?? ""}`.trimEnd()}\n`,
    );
  }
}
process.exit(0);
