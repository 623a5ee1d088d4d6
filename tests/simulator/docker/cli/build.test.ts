/** docker build at the command line: both builders' words, the cache, contexts, terminals, failures. */
import { beforeEach, expect, test } from "vitest";
import { dockerLab, plain } from "./lab";

let lab: ReturnType<typeof dockerLab>;

beforeEach(() => {
  lab = dockerLab();
  lab.write("app/Dockerfile", "FROM busybox\nWORKDIR /app\nCOPY a.txt .\nRUN echo building > log\nCMD cat a.txt\n");
  lab.write("app/a.txt", "one\n");
  lab.write("app/.dockerignore", "*.md\n");
});

/** A plain progress with its numbers and times taken out. */
const steps = (stderr: string): string[] =>
  stderr.split("\n").flatMap((line) => /^#\d+ (.*)$/.exec(line)?.[1]?.replace(/\d+\.\d+s?/g, "<t>") ?? []);

test("the second build takes every step from the cache", () => {
  expect(steps(lab.run("docker build -t app app").stderr)).toContain("[3/4] COPY a.txt .");
  const again = lab.run("docker build -t app app").stderr;
  expect(again.match(/^#\d+ CACHED$/gm)).toHaveLength(3);
  expect(lab.out("docker run --rm app")).toBe("one\n");
});

test("a changed file ends the cache from its COPY on", () => {
  lab.run("docker build -t app app");
  lab.write("app/a.txt", "two\n");
  expect(lab.run("docker build -t app app").stderr.match(/^#\d+ CACHED$/gm)).toHaveLength(1);
  expect(lab.out("docker run --rm app")).toBe("two\n");
});

test("what .dockerignore names changes nothing", () => {
  lab.run("docker build -t app app");
  lab.write("app/notes.md", "notes\n");
  expect(lab.run("docker build -t app app").stderr.match(/^#\d+ CACHED$/gm)).toHaveLength(3);
});

test("--no-cache makes steps anew beside what the cache has", () => {
  lab.run("docker build -t app app");
  const count = (): number => Number(lab.out("docker system df --format '{{.TotalCount}}' | tail -1"));
  const before = count();
  lab.run("docker build --no-cache -t app app");
  expect(count()).toBe(before + 2);
});

test("copies of the folder are records of their own, for the Dockerfile, .dockerignore and the context", () => {
  lab.run("docker build -t app app");
  const du = lab.out("docker buildx du --verbose");
  expect(du.match(/Description:\tlocal source for (\S+)/g)?.sort()).toEqual([
    "Description:\tlocal source for context",
    "Description:\tlocal source for context-.dockerignore",
    "Description:\tlocal source for dockerfile",
  ]);
  expect(lab.out("docker builder prune -af")).toContain("Total:");
  expect(lab.out("docker buildx du")).toContain("Total:\t\t0B");
});

test("a step that fails shows its output, the place in the Dockerfile and the exit code", () => {
  lab.write("bad/Dockerfile", "FROM busybox\nRUN echo ok\nRUN cat /nosuch\n");
  const { stderr, exit } = lab.run("docker build bad");
  expect(exit).toBe(1);
  expect(stderr).toContain("cat: can't open '/nosuch': No such file or directory");
  expect(stderr).toContain("   3 | >>> RUN cat /nosuch\n");
  expect(stderr).toMatch(
    /ERROR: failed to build: failed to solve: process "\/bin\/sh -c cat \/nosuch" did not complete successfully: exit code: 1\n$/,
  );
});

test("only the stages that the target needs are built", () => {
  lab.write(
    "multi/Dockerfile",
    "FROM busybox AS builder\nRUN echo artifact > /out\nFROM busybox AS test\nRUN exit 1\nFROM busybox\nCOPY --from=builder /out /out\nCMD cat /out\n",
  );
  expect(lab.run("docker build -t multi multi").exit).toBe(0);
  expect(lab.out("docker run --rm multi")).toBe("artifact\n");
  expect(lab.run("docker build --target test multi").exit).toBe(1);
});

test("a terminal's picture counts steps that have not begun", () => {
  const { stdout, exit } = lab.run("docker build -t app app", { tty: true });
  expect(exit).toBe(0);
  const frames = plain(stdout).split("[+] Building ").slice(1);
  expect(frames[0]).toMatch(/^0\.0s \(0\/1\) +docker:default\n$/);
  expect(frames[1]).toMatch(/^0\.\ds \(\d\/8\)/);
  expect(frames.at(-1)).toMatch(/^\d\.\ds \(9\/9\) FINISHED/);
});

test("a cache mount keeps its files from one build to the next, and not in the image", () => {
  const build = (n: number): string =>
    lab.run(
      `printf 'FROM busybox\\nRUN --mount=type=cache,target=/c echo ${n} >> /c/log; cp /c/log /log\\n' | docker build -q -t kept -`,
    ).stderr;
  expect(build(1) + build(2)).toBe("");
  expect(lab.out("docker run --rm kept cat /log")).toBe("1\n2\n");
  expect(lab.run("docker run --rm kept ls /c/log").exit).toBe(1);
});

test("what an instruction says wrongly fails at its line", () => {
  const { stderr } = lab.run("printf 'FROM busybox\nEXPOSE x\n' | docker build -");
  expect(stderr).toContain("   2 | >>> EXPOSE x\n");
  expect(stderr).toContain("ERROR: failed to build: failed to solve: Invalid containerPort: x\n");
});

test("quiet builds print the id alone", () => {
  const { stdout, stderr } = lab.run("docker build -q app");
  expect(stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(stderr).toBe("");
});

test("the Dockerfile may come on standard input", () => {
  expect(lab.run('printf "FROM busybox\\nCMD echo piped" | docker build -q -t piped -').exit).toBe(0);
  expect(lab.out("docker run --rm piped")).toBe("piped\n");
});

test("the classic builder leaves the container of a step that failed, unless it is told to remove it", () => {
  lab.write("bad/Dockerfile", "FROM busybox\nRUN echo ok\nRUN false\n");
  const { stdout, exit } = lab.run("DOCKER_BUILDKIT=0 docker build bad");
  expect(exit).toBe(1);
  expect(stdout).toMatch(/Step 3\/3 : RUN false\n ---> Running in [0-9a-f]{12}\n$/);
  expect(lab.out("docker ps -a --format '{{.Command}} {{.Status}}'")).toMatch(/^"\/bin\/sh -c false" Exited \(1\)/);
  lab.out("docker container prune -f");
  lab.run("DOCKER_BUILDKIT=0 docker build --force-rm bad");
  expect(lab.out("docker ps -aq")).toBe("");
});

test("the classic builder's cache works step by step", () => {
  lab.run("DOCKER_BUILDKIT=0 docker build -t app app");
  const again = lab.out("DOCKER_BUILDKIT=0 docker build -t app app 2>/dev/null");
  expect(again.match(/---> Using cache/g)).toHaveLength(4);
});

test("layers that the build cache holds outlive the image", () => {
  lab.out("docker build -q -t app app");
  lab.write("app/a.txt", "two\n");
  lab.out("docker build -q -t app app");
  expect(lab.out("docker image prune -f").match(/^deleted: /gm)).toHaveLength(1);
});

const refusals: readonly (readonly [name: string, line: string, said: string])[] = [
  ["a folder that is not there", "docker build nowhere", 'unable to prepare context: path "nowhere" not found'],
  ["an invalid tag", "docker build -t BAD app", 'invalid tag "BAD": repository name must be lowercase'],
  ["an unknown target", "docker build --target x app", 'failed to solve: target stage "x" could not be found'],
];
test.each(refusals)("refuses %s", (_name, line, said) => {
  const ran = lab.run(line);
  expect(ran.exit).toBe(1);
  expect(ran.stderr.split("\n").at(-2)).toBe(`ERROR: failed to build: ${said}`);
});
