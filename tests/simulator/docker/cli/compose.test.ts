/** docker compose: files, order, health, profiles, scale, and what is taken down. */
import { beforeEach, expect, test } from "vitest";
import { dockerLab, plain } from "./lab";

let lab: ReturnType<typeof dockerLab>;

const FILE = `services:
  web:
    image: nginx
    ports: ["8088:80"]
    depends_on:
      db: { condition: service_healthy }
  db:
    image: redis
    volumes: [data:/data]
    healthcheck: { test: ["CMD", "redis-cli", "ping"], interval: 1s }
  tool:
    image: busybox
    profiles: [debug]
    command: echo tool
volumes:
  data:
`;

beforeEach(() => {
  lab = dockerLab();
  lab.write("compose.yaml", FILE);
});

const lines = (text: string): string[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.trim());

test("config lists what the chosen profiles have", () => {
  expect(lines(lab.out("docker compose config --services"))).toEqual(["db", "web"]);
  expect(lines(lab.out("docker compose --profile debug config --services"))).toEqual(["db", "tool", "web"]);
  expect(lab.out("docker compose config")).toContain("condition: service_healthy");
});

test("a service waits until what it needs is healthy", () => {
  const { stderr, exit } = lab.run("docker compose up -d");
  expect(exit).toBe(0);
  const said = lines(stderr);
  expect(said.indexOf("Container compose-db-1  Healthy")).toBeGreaterThan(
    said.indexOf("Container compose-db-1  Waiting"),
  );
  expect(said.indexOf("Container compose-web-1  Starting")).toBeGreaterThan(
    said.indexOf("Container compose-db-1  Healthy"),
  );
  expect(lab.out("curl -s -o /dev/null -w '%{http_code}' localhost:8088")).toBe("200");
  expect(lines(lab.out('docker compose ps --format "{{.Service}} {{.State}} {{.Health}}"'))).toEqual([
    "db running healthy",
    "web running",
  ]);
});

test("a service whose dependency never gets healthy does not start", () => {
  lab.write(
    "compose.yaml",
    FILE.replace('["CMD", "redis-cli", "ping"], interval: 1s', '["CMD", "false"], interval: 1s, retries: 1'),
  );
  const { stderr, exit } = lab.run("docker compose up -d");
  expect(exit).toBe(1);
  expect(stderr).toContain("dependency failed to start: container compose-db-1 is unhealthy");
  expect(lab.out("docker compose ps -a --format '{{.Service}} {{.State}}'")).toContain("web created");
});

test("what runs is left alone, what is missing is made, and what changed is made anew", () => {
  lab.out("docker compose up -d");
  expect(lines(lab.run("docker compose up -d").stderr).filter((line) => !/Waiting|Healthy/.test(line))).toEqual([
    "Container compose-db-1  Running",
    "Container compose-web-1  Running",
  ]);
  const before = lab.out("docker ps -q --no-trunc -f name=web");
  lab.write("compose.yaml", FILE.replace("8088:80", "8089:80"));
  expect(lab.run("docker compose up -d").stderr).toContain("Container compose-web-1  Recreated");
  expect(lab.out("docker ps -q --no-trunc -f name=web")).not.toBe(before);
});

test("the last of several begins, as Go's scheduler has it", () => {
  lab.write(
    "compose.yaml",
    "services:\n  a: { image: busybox, command: sleep 99 }\n  b: { image: busybox, command: sleep 99 }\n",
  );
  const said = lines(lab.run("docker compose create").stderr);
  expect(said.slice(-4)).toEqual([
    "Container compose-b-1  Creating",
    "Container compose-a-1  Creating",
    "Container compose-b-1  Created",
    "Container compose-a-1  Created",
  ]);
});

test("scaling adds and takes away by number", () => {
  lab.write("compose.yaml", "services:\n  a: { image: busybox, command: sleep 99 }\n");
  lab.out("docker compose up -d --scale a=3");
  expect(lines(lab.out("docker compose ps --format '{{.Name}}'"))).toEqual([
    "compose-a-1",
    "compose-a-2",
    "compose-a-3",
  ]);
  lab.out("docker compose up -d --scale a=1");
  expect(lines(lab.out("docker compose ps --format '{{.Name}}'"))).toEqual(["compose-a-1"]);
});

test("run, exec, port and logs reach the service they name", () => {
  lab.out("docker compose up -d");
  expect(lab.out("docker compose run --rm tool echo once")).toBe("once\n");
  expect(lab.out("docker compose exec db redis-cli ping")).toBe("PONG\n");
  expect(lab.out("docker compose port web 80")).toBe("0.0.0.0:8088\n");
  expect(lab.out("docker compose logs db")).toMatch(/^db-1 {2}\| .*Ready to accept connections/m);
  expect(lab.run("docker compose exec tool true").stderr).toBe('service "tool" is not running\n');
});

test("down takes containers and the network, and named volumes only when asked", () => {
  lab.out("docker compose up -d");
  lab.out("docker compose down");
  expect(lab.out("docker ps -aq")).toBe("");
  expect(lab.out("docker network ls --format '{{.Name}}'")).not.toContain("compose_default");
  expect(lab.out("docker volume ls -q")).toBe("compose_data\n");
  lab.out("docker compose up -d && docker compose down -v");
  expect(lab.out("docker volume ls -q")).toBe("");
});

test("services that left the file are orphans until they are removed", () => {
  lab.out("docker compose up -d");
  lab.write("compose.yaml", "services:\n  db: { image: redis }\n");
  expect(lab.run("docker compose up -d").stderr).toContain(
    "Found orphan containers ([compose-web-1]) for this project.",
  );
  lab.out("docker compose up -d --remove-orphans");
  expect(lab.out("docker ps -a --format '{{.Names}}'")).not.toContain("web");
});

test("a terminal gets a picture that is drawn anew, one for each phase", () => {
  const { stdout } = lab.run("docker compose up -d", { tty: true });
  const frames = plain(stdout).split("[+] Running ").slice(1);
  expect(frames.length).toBeGreaterThan(2);
  expect(frames.at(-1)).toMatch(/^4\/4\n/);
  expect(frames.at(-1)).toMatch(/✔ Container compose-web-1 +Started/);
});

const refusals: readonly (readonly [name: string, line: string, said: string])[] = [
  ["an unknown service", "docker compose up nosuch", "no such service: nosuch"],
  ["no file", "docker compose -f nope.yaml up", "open /root/lab/nope.yaml: no such file or directory"],
  ["a bad scale", "docker compose up -d --scale web", 'invalid --scale option "web". Should be SERVICE=NUM'],
  ["a bad --rmi", "docker compose down --rmi x", 'invalid value for --rmi: "x"'],
];
test.each(refusals)("refuses %s", (_name, line, said) => {
  const ran = lab.run(line);
  expect([ran.exit === 0, ran.stderr.trim()]).toEqual([false, said]);
});
