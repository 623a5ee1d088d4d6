/** Images that are tools: curl, netshoot, stress, hpa-example, language toolchains. */
import type { Task } from "../base/task";
import { netPrograms } from "../net/programs/index";
import { serveHttp, textResponse } from "../net/http";
import type { Program } from "../os/process";
import { alpine, debian } from "./bases";
import { type FileSpec, type ImageDefinition, PATH_ENV, defineImage } from "./image";
import { untilSignal, waitSignal } from "./programs";

const MIB = 1024 * 1024;

function bytesOf(text: string): number {
  const m = /^(\d+)([bkmgBKMG]?)$/.exec(text);
  if (!m) return 256 * MIB;
  return Number(m[1]) * 1024 ** Math.max(0, "bkmg".indexOf(m[2]!.toLowerCase() || "b"));
}

/** stress(1): `--cpu N`, `--vm N --vm-bytes B --vm-hang S`, `--timeout S`. */
const stress: Program = function* (process) {
  const args = process.argv.slice(1);
  const value = (...names: string[]): string | undefined => {
    for (const name of names) {
      const at = args.indexOf(name);
      if (at >= 0) return args[at + 1];
      const joined = args.find((arg) => arg.startsWith(`${name}=`));
      if (joined) return joined.slice(name.length + 1);
    }
    return undefined;
  };
  const cpu = Number(value("--cpu", "-c") ?? 0);
  const vm = Number(value("--vm", "-m") ?? 0);
  const io = Number(value("--io", "-i") ?? 0);
  const hdd = Number(value("--hdd", "-d") ?? 0);
  const vmBytes = bytesOf(value("--vm-bytes") ?? "256M");
  const timeout = value("--timeout", "-t");
  if (cpu + vm + io + hdd === 0) {
    yield* process.print(
      "`stress' imposes certain types of compute stress on your system\n\nUsage: stress [OPTION [ARG]] ...\n -c, --cpu N        spawn N workers spinning on sqrt()\n -m, --vm N         spawn N workers spinning on malloc()/free()\n     --vm-bytes B   malloc B bytes per vm worker (default is 256MB)\n -t, --timeout N    timeout after N seconds\n",
    );
    return 0;
  }
  const id = process.nsPid;
  yield* process.print(`stress: info: [${id}] dispatching hogs: ${cpu} cpu, ${io} io, ${vm} vm, ${hdd} hdd\n`);
  const startedAt = process.now();
  const worker = (program: Program) => process.spawn({ argv: ["stress"], program });
  const workers = [
    ...Array.from({ length: cpu }, () =>
      worker(function* (self) {
        for (;;) yield* self.compute(1000);
      }),
    ),
    ...Array.from({ length: vm }, () =>
      worker(function* (self) {
        self.resizeMemory(vmBytes);
        for (;;) {
          yield* self.compute(value("--vm-hang") === undefined ? 900 : 50);
          yield* self.sleep(Math.max(100, Number(value("--vm-hang") ?? 0) * 1000));
        }
      }),
    ),
  ];
  const ended = untilSignal(process, ["TERM", "INT"]);
  let failed = false;
  for (const each of workers)
    each.ended.wait((status) => {
      if (status.signal && !ended.settled) {
        failed = true;
        ended.resolve("TERM");
      }
    });
  const seconds = timeout
    ? Number.parseInt(timeout, 10) * (/m$/.test(timeout) ? 60 : /h$/.test(timeout) ? 3600 : 1)
    : undefined;
  if (seconds !== undefined)
    process.thread(
      (function* (): Task<void> {
        yield* process.sleep(seconds * 1000);
        ended.resolve("CONT");
      })(),
    );
  const signal = yield* waitSignal(ended);
  if (failed) {
    const dead = workers.find((each) => !each.alive);
    const elapsed = Math.round((process.now() - startedAt) / 1000);
    yield* process.printError(
      `stress: FAIL: [${id}] (416) <-- worker ${dead?.nsPid ?? 0} got signal 9\nstress: WARN: [${id}] (418) now reaping child worker processes\nstress: FAIL: [${id}] (452) failed run completed in ${elapsed}s\n`,
    );
  }
  for (const each of workers) each.signal("KILL", { fromOutside: true });
  if (failed) return 1;
  if (signal !== "CONT") return 143;
  yield* process.print(
    `stress: info: [${id}] successful run completed in ${Math.round((process.now() - startedAt) / 1000)}s\n`,
  );
  return 0;
};

/** The page of the autoscaling walk-through: each request costs CPU time. */
const hpaExample: Program = function* (process) {
  process.resizeMemory(12 * MIB);
  process.thread(
    serveHttp(process, { port: 80, server: "Apache/2.4.10 (Debian)" }, function* () {
      yield* process.compute(120);
      return textResponse(200, "OK!");
    }) as Task<void>,
  );
  yield* waitSignal(untilSignal(process, ["TERM", "INT", "WINCH"]));
  return 0;
};

/** A version line, and an honest refusal of anything else. */
const toolchain = (name: string, version: string, flags: readonly string[]): Program =>
  function* (process) {
    const [first = ""] = process.argv.slice(1);
    if (flags.includes(first)) {
      yield* process.print(`${version}\n`);
      return 0;
    }
    yield* process.printError(`${name}: running programs is not simulated here; their images' own servers are\n`);
    return 1;
  };

export const toolPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["stress", stress],
  ["hpa-example", hpaExample],
  ["java", toolchain("java", 'openjdk version "21.0.8" 2025-07-15 LTS', ["-version", "--version"])],
  ["javac", toolchain("javac", "javac 21.0.8", ["-version", "--version"])],
  ["go", toolchain("go", "go version go1.25.4 linux/amd64", ["version"])],
]);

/** Network programs under their plain names. */
const netFiles = (): Record<string, FileSpec> =>
  Object.fromEntries(
    [...netPrograms.keys()]
      .filter((name) => !name.includes(":") && name !== "docker-proxy")
      .map((name) => [`/usr/bin/${name}`, { program: name }]),
  );

const simple = (options: {
  readonly repository: string;
  readonly tags: readonly string[];
  readonly description: string;
  readonly base: ImageDefinition;
  readonly files: Readonly<Record<string, FileSpec>>;
  readonly size: number;
  readonly config: NonNullable<Parameters<typeof defineImage>[0]["config"]>;
  readonly steps?: readonly string[];
}): ImageDefinition =>
  defineImage({
    repository: options.repository,
    tags: options.tags,
    description: options.description,
    base: options.base,
    created: "2026-01-30T09:00:00Z",
    layers: [
      { createdBy: "RUN /bin/sh -c set -eux; install # buildkit", files: options.files, size: options.size },
      ...(options.steps ?? []).map((createdBy) => ({ createdBy })),
    ],
    config: options.config,
  });

export const toolImages: readonly ImageDefinition[] = [
  simple({
    repository: "docker",
    tags: ["cli", "28-cli", "28.5-cli", "28.5.2-cli"],
    description: "Docker in Docker!",
    base: alpine,
    files: {
      "/usr/local/bin/docker": { program: "docker" },
      "/usr/local/bin/docker-entrypoint.sh": {
        script:
          '#!/bin/sh\nset -eu\n\n# first arg is `-f` or `--some-option`\nif [ "${1#-}" != "$1" ]; then\n\tset -- docker "$@"\nfi\n\n# if our command is a valid Docker subcommand, let\'s invoke it through Docker instead\nif docker help "$1" > /dev/null 2>&1; then\n\tset -- docker "$@"\nfi\n\nexec "$@"\n',
      },
    },
    size: 188_000_000,
    steps: ["ENV DOCKER_VERSION=28.5.2", 'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["sh"]'],
    config: {
      Env: [PATH_ENV, "DOCKER_VERSION=28.5.2"],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["sh"],
    },
  }),
  simple({
    repository: "curlimages/curl",
    tags: ["latest", "8.16.0"],
    description: "official docker image for curl - command line tool and library for transferring data with URLs",
    base: alpine,
    files: {
      "/usr/bin/curl": { program: "curl" },
      "/entrypoint.sh": {
        script:
          '#!/bin/sh\nif [ "${1#-}" != "$1" ] || [ "${1#*:}" != "$1" ]; then\n  set -- curl "$@"\nfi\nexec "$@"\n',
      },
      "/home/curl_user": { dir: 0o755, uid: 100, gid: 101 },
      "/etc/passwd":
        "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\ncurl_user:x:100:101::/home/curl_user:/bin/sh\n",
    },
    size: 18_000_000,
    steps: ["USER curl_user", 'ENTRYPOINT ["/entrypoint.sh"]', 'CMD ["curl"]'],
    config: { Env: [PATH_ENV], Entrypoint: ["/entrypoint.sh"], Cmd: ["curl"], User: "curl_user" },
  }),
  simple({
    repository: "nicolaka/netshoot",
    tags: ["latest", "v0.14"],
    description: "a Docker + Kubernetes network trouble-shooting swiss-army container",
    base: alpine,
    files: { ...netFiles(), "/bin/bash": { program: "bash" }, "/usr/bin/jq": { program: "jq" } },
    size: 200_000_000,
    steps: ['CMD ["zsh"]'],
    config: { Env: [PATH_ENV], Cmd: ["bash"] },
  }),
  simple({
    repository: "polinux/stress",
    tags: ["latest", "1.0.4"],
    description: "stress: a workload generator",
    base: alpine,
    files: { "/usr/local/bin/stress": { program: "stress" } },
    size: 2_000_000,
    config: { Env: [PATH_ENV], Cmd: ["stress"] },
  }),
  simple({
    repository: "registry.k8s.io/hpa-example",
    tags: ["latest"],
    description: "",
    base: debian,
    files: { "/usr/local/bin/apache2-foreground": { program: "hpa-example" } },
    size: 180_000_000,
    steps: ["EXPOSE map[80/tcp:{}]", 'CMD ["apache2-foreground"]'],
    config: { Env: [PATH_ENV], Cmd: ["apache2-foreground"], ExposedPorts: { "80/tcp": {} } },
  }),
  simple({
    repository: "golang",
    tags: ["latest", "1.25", "1.25-alpine", "1.24", "alpine", "1.24-alpine"],
    description: "Go (golang) is a general purpose, higher-level, imperative programming language.",
    base: debian,
    files: { "/usr/local/go/bin/go": { program: "go" }, "/go/src": { dir: 0o755 }, "/go/bin": { dir: 0o755 } },
    size: 670_000_000,
    steps: ["ENV GOPATH=/go", "WORKDIR /go"],
    config: {
      Env: [
        "PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "GOLANG_VERSION=1.25.4",
        "GOPATH=/go",
      ],
      Cmd: ["bash"],
      WorkingDir: "/go",
    },
  }),
  ...(["openjdk", "eclipse-temurin"] as const).map((repository) =>
    simple({
      repository,
      tags: [
        "latest",
        "21",
        "17",
        "21-jre",
        "17-jre",
        "21-jdk",
        "8-jdk-alpine",
        "8-jre-alpine",
        "17-alpine",
        "21-jre-alpine",
        "17-jdk-slim",
        "11",
      ],
      description: "OpenJDK: Java Development Kits and Runtimes",
      base: debian,
      files: { "/opt/java/openjdk/bin/java": { program: "java" }, "/opt/java/openjdk/bin/javac": { program: "javac" } },
      size: 230_000_000,
      steps: ["ENV JAVA_VERSION=jdk-21.0.8+9"],
      config: {
        Env: [
          "PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          "JAVA_HOME=/opt/java/openjdk",
          "JAVA_VERSION=jdk-21.0.8+9",
        ],
        Cmd: ["bash"],
      },
    }),
  ),
];
