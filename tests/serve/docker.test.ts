/** The real docker CLI over a unix socket and the one inside say the same, command by command. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { mask } from "./masks";
import { InnerWorld, type Outcome, ServedWorld } from "./world";

const dockerfile = `FROM alpine
WORKDIR /app
COPY greeting.txt .
RUN echo built > built.txt
CMD ["cat", "greeting.txt", "built.txt"]
`;

/** In this order; a pair is a command and its standard input. */
const commands: readonly (string | readonly [string, string])[] = [
  "docker version --format '{{.Server.Version}} {{.Server.Os}}'",
  "docker info --format '{{.ServerVersion}} {{.OSType}} {{.Driver}}'",
  "docker pull alpine | sort | uniq | tail -2",
  "docker pull nosuch/image",
  "docker pull -q nginx",
  "docker run -d --name web -p 8080:80 nginx",
  "docker ps --format '{{.Image}} {{.Ports}} {{.Names}}'",
  "docker ps",
  "docker run --rm alpine echo attached",
  "docker run --rm alpine sh -c 'echo out; echo err >&2; exit 5'",
  ["docker run --rm -i alpine cat", "one\ntwo\n"],
  ["docker run -i --name counted alpine wc -l", "one\ntwo\n"],
  "docker logs counted",
  "docker logs web 2>/dev/null | head -3",
  "docker logs --tail 1 missing",
  "docker exec web cat /etc/hostname | wc -c",
  "docker exec web sh -c 'echo out; echo err >&2; exit 4'",
  ["docker exec -i web cat", "piped\n"],
  "docker exec -d web touch /tmp/flag",
  "docker exec web ls /tmp/flag",
  "docker exec web no-such-program",
  "docker run --name worker -d alpine sh -c 'echo begins; sleep 2; echo ends; exit 3'",
  "docker logs -f worker",
  "docker wait worker",
  "docker inspect worker --format '{{.State.Status}} {{.State.ExitCode}}'",
  "docker start -a worker",
  "docker attach worker",
  "docker stats --no-stream --format '{{.Name}} {{.PIDs}}' web",
  "docker top web | head -1",
  "docker cp web:/etc/nginx/nginx.conf . && head -2 nginx.conf",
  "docker cp greeting.txt web:/tmp/ && docker exec web cat /tmp/greeting.txt",
  "docker cp web:/nowhere .",
  "tar -c greeting.txt | docker cp - web:/opt && docker exec web ls /opt",
  "docker diff worker",
  "docker build -q -t greeter . | cut -c1-7",
  "docker run --rm greeter",
  "docker history greeter --format '{{.CreatedBy}}' | head -4",
  "docker image ls --format '{{.Repository}}:{{.Tag}}'",
  "docker tag greeter greeter:v2",
  "docker save greeter:v2 | docker load",
  "docker commit worker kept | cut -c1-7",
  "docker export worker | tar -t 2>/dev/null | grep '^etc/passwd'",
  "docker network create apart",
  "docker network ls --format '{{.Name}} {{.Driver}} {{.Scope}}'",
  "docker network connect apart web",
  "docker network inspect apart --format '{{range .Containers}}{{.Name}}{{end}}'",
  "docker network disconnect apart web && docker network rm apart",
  "docker volume create data",
  "docker run --rm -v data:/data alpine sh -c 'echo kept > /data/file'",
  "docker run --rm -v data:/data alpine cat /data/file",
  "docker volume ls",
  "docker volume inspect data --format '{{.Driver}} {{.Mountpoint}}'",
  "docker events --since 2026-01-01T00:00:00Z --until 2026-03-02T08:00:00Z",
  "docker pause web && docker ps --format '{{.Status}}' | grep -o Paused && docker unpause web",
  "docker restart -t 1 web",
  "docker rename web site",
  "docker update --memory 64m --memory-swap 128m site",
  "docker stop site",
  "docker run -d --restart always --name loop alpine false | wc -c",
  "docker kill site",
  "docker rm -f loop",
  "docker rm site counted worker",
  "docker container prune -f",
  "docker rmi greeter:v2",
  "docker volume rm data",
  "docker run --name bad/name alpine",
  "docker ps -aq",
];

const entries = commands.map((command) => (typeof command === "string" ? ([command, ""] as const) : command));

let outer: ServedWorld;
let inner: InnerWorld;
let outcomes: { readonly real: Outcome; readonly ours: Outcome }[];

beforeAll(async () => {
  outer = await ServedWorld.start("docker", "docker");
  inner = new InnerWorld("docker");
  for (const world of [outer, inner]) {
    world.write("Dockerfile", dockerfile);
    world.write("greeting.txt", "hello\n");
    world.write("bad.Dockerfile", "FROM alpine\nRUN exit 7\n");
  }
  outcomes = [];
  for (const [line, stdin] of entries)
    outcomes.push({ real: await outer.run(line, stdin), ours: inner.run(`export DOCKER_BUILDKIT=0; ${line}`, stdin) });
}, 120_000);

afterAll(() => outer?.close());

const masked = ({ stdout, stderr, exit }: Outcome): Outcome => ({ stdout: mask(stdout), stderr: mask(stderr), exit });

test.for(entries.map(([line], i) => [i, line] as const))("%i: %s", ([i]) => {
  const { real, ours } = outcomes[i]!;
  expect(masked(ours)).toEqual(masked(real));
});

test("events arrive while they happen", async () => {
  const watching = outer.run("timeout 3 docker events --format '{{.Type}} {{.Action}}' --filter type=container");
  await new Promise((resolve) => setTimeout(resolve, 500));
  await outer.run("docker run --rm alpine true");
  const { stdout } = await watching;
  expect(stdout.split("\n")).toEqual([
    "container create",
    "container attach",
    "container start",
    "container die",
    "container destroy",
    "",
  ]);
});
