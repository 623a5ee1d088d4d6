/** dockerd's socket: a file of the host, which curl and containers reach as the CLI does. */
import { expect, test } from "vitest";
import { dockerLab } from "./cli/lab";

const curl = (path: string, options = ""): string =>
  `curl -s ${options} --unix-socket /var/run/docker.sock 'http://localhost${path}'`;

test("curl speaks the Engine API", () => {
  const lab = dockerLab();
  expect(lab.out(curl("/_ping"))).toBe("OK");
  expect(lab.out(`${curl("/version")} | jq -r .ApiVersion`)).toBe("1.51\n");
  const post = '-X POST -H "Content-Type: application/json"';
  lab.out(curl("/v1.51/containers/create?name=hi", `${post} -d '{"Image":"busybox","Cmd":["echo","hi"]}'`));
  expect(lab.out(curl("/containers/hi/start", `${post} -o /dev/null -w '%{http_code}'`))).toBe("204");
  expect(lab.out(`sleep 1; ${curl("/containers/hi/logs?stdout=1")} | tail -c 3`)).toBe("hi\n");
  expect(lab.out(curl("/containers/nope/json"))).toBe('{"message":"No such container: nope"}\n');
});

test("output without a terminal comes in frames of eight bytes of head", () => {
  const lab = dockerLab();
  lab.out("docker run --name both busybox sh -c 'echo out; echo err >&2'");
  expect(lab.out(`${curl("/containers/both/logs?stdout=1&stderr=1")} | od -An -tx1 -v | tr -d ' \\n'`)).toBe(
    "01000000000000046f75740a02000000000000046572720a",
  );
});

test("events flow until the client hangs up", () => {
  const lab = dockerLab();
  const { stdout } = lab.run(`timeout 2 ${curl("/events", "-N")} & sleep 0.5; docker run --rm busybox true; wait`);
  const seen = stdout
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { Action: string }).Action);
  expect(seen.slice(0, 2)).toEqual(["create", "attach"]);
  expect(seen.at(-1)).toBe("destroy");
});

test("a container with the socket commands the engine it runs on; one without does not", () => {
  const lab = dockerLab("docker");
  lab.out("docker pull -q docker:cli");
  expect(
    lab.out(
      "docker run --rm --name me -v /var/run/docker.sock:/var/run/docker.sock docker:cli ps --format '{{.Names}}'",
    ),
  ).toBe("me\n");
  const alone = lab.run("docker run --rm docker:cli ps");
  expect(alone.stderr).toBe(
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n",
  );
  const elsewhere =
    "docker run --rm -v /var/run/docker.sock:/d.sock -e DOCKER_HOST=unix:///d.sock docker:cli version -f '{{.Server.Os}}'";
  expect(lab.out(elsewhere)).toBe("linux\n");
});

test("without the file there is no way to the engine", () => {
  const lab = dockerLab();
  lab.out("rm /var/run/docker.sock");
  expect(lab.run("docker ps").exit).toBe(1);
});
