import { encodeUtf8 } from "@/simulator/base/bytes";
import type { ServerFrame } from "@/simulator/base/door";
import { encodeTar } from "@/simulator/os/tar";
import type { BuildMessage, SolveStatus } from "@/simulator/docker/api/build";
import { FileInode } from "@/simulator/os/inode";
import { expect, test } from "vitest";
import { smallHost } from "./small-host";

const context = (files: Record<string, string>) =>
  encodeTar(Object.entries(files).map(([name, content]) => ({ name, node: new FileInode(encodeUtf8(content)) })));

const messages = (frames: readonly ServerFrame[]): BuildMessage[] =>
  frames.map((frame) => (frame.channel === "message" ? (frame.value as BuildMessage) : {}));

const classic = (frames: readonly ServerFrame[]): string =>
  messages(frames)
    .map((message) => message.stream ?? (message.error === undefined ? "" : `ERROR ${message.error}\n`))
    .join("")
    .replace(/\b[0-9a-f]{12}\b/g, "<id>");

/** Vertices in the order they ended, as name, and CACHED or ERROR. */
const vertices = (frames: readonly ServerFrame[]): string[] =>
  messages(frames).flatMap((message) =>
    message.id === "moby.buildkit.trace"
      ? ((message.aux as SolveStatus).vertexes ?? [])
          .filter((vertex) => vertex.completed !== undefined)
          .map(
            (vertex) =>
              `${vertex.name}${vertex.cached ? " CACHED" : ""}${vertex.error === undefined ? "" : ` ERROR ${vertex.error}`}`,
          )
      : [],
  );

const files = {
  Dockerfile:
    'FROM busybox:latest\nLABEL maintainer="me"\nWORKDIR /app\nCOPY server /app/server\nRUN echo building && chmod +x server\nENV APP_ENV=prod\nEXPOSE 5000\nCMD ["/app/server"]\n',
  server: "x".repeat(100),
};

test("the classic builder: a step, an image and a container each; the second time all from the cache", () => {
  const host = smallHost();
  host.preload("busybox");
  const build = () => host.call("POST", "/build", { query: { t: "app:1", version: "1" }, body: context(files) });
  expect(classic(build().frames)).toBe(`Step 1/8 : FROM busybox:latest
 ---> <id>
Step 2/8 : LABEL maintainer="me"
 ---> Running in <id>
 ---> Removed intermediate container <id>
 ---> <id>
Step 3/8 : WORKDIR /app
 ---> Running in <id>
 ---> Removed intermediate container <id>
 ---> <id>
Step 4/8 : COPY server /app/server
 ---> <id>
Step 5/8 : RUN echo building && chmod +x server
 ---> Running in <id>
building
 ---> Removed intermediate container <id>
 ---> <id>
Step 6/8 : ENV APP_ENV=prod
 ---> Running in <id>
 ---> Removed intermediate container <id>
 ---> <id>
Step 7/8 : EXPOSE 5000
 ---> Running in <id>
 ---> Removed intermediate container <id>
 ---> <id>
Step 8/8 : CMD ["/app/server"]
 ---> Running in <id>
 ---> Removed intermediate container <id>
 ---> <id>
Successfully built <id>
Successfully tagged app:1
`);
  const first = host.call("GET", "/images/app:1/json").body;
  expect(first.Config).toMatchObject({
    Cmd: ["/app/server"],
    WorkingDir: "/app",
    Labels: { maintainer: "me" },
    ExposedPorts: { "5000/tcp": {} },
  });
  expect(classic(build().frames).match(/Using cache/g)).toHaveLength(7);
  expect(host.call("GET", "/images/app:1/json").body.Id).toBe(first.Id);
  expect(
    host
      .call("GET", "/images/app:1/history")
      .body.map((row: { CreatedBy: string }) => row.CreatedBy)
      .slice(0, 4),
  ).toEqual([
    '/bin/sh -c #(nop)  CMD ["/app/server"]',
    "/bin/sh -c #(nop)  EXPOSE 5000",
    "/bin/sh -c #(nop)  ENV APP_ENV=prod",
    "/bin/sh -c echo building && chmod +x server",
  ]);
});

test("BuildKit: vertices, cache by content, and the same image again", () => {
  const host = smallHost();
  host.preload("busybox");
  const build = (change: Record<string, string> = {}) =>
    host.call("POST", "/build", { query: { t: "app:1", version: "2" }, body: context({ ...files, ...change }) });
  expect(vertices(build().frames)).toEqual([
    "[internal] load build definition from Dockerfile",
    "[internal] load metadata for docker.io/library/busybox:latest",
    "[internal] load .dockerignore",
    "[1/4] FROM docker.io/library/busybox:latest",
    "[internal] load build context",
    "[2/4] WORKDIR /app",
    "[3/4] COPY server /app/server",
    "[4/4] RUN echo building && chmod +x server",
    "exporting to image",
  ]);
  const id = host.call("GET", "/images/app:1/json").body.Id;
  expect(vertices(build().frames).filter((name) => name.endsWith(" CACHED"))).toHaveLength(3);
  expect(host.call("GET", "/images/app:1/json").body.Id).toBe(id);
  // A changed file brings back everything from its COPY on, and nothing before.
  expect(vertices(build({ server: "y" }).frames).filter((name) => name.endsWith(" CACHED"))).toEqual([
    "[2/4] WORKDIR /app CACHED",
  ]);
});

test("stages: only those that the target needs are built; files travel with COPY --from", () => {
  const host = smallHost();
  host.preload("busybox");
  const Dockerfile =
    'FROM busybox AS builder\nRUN echo artifact > /out.txt\nFROM busybox AS test\nRUN exit 1\nFROM busybox\nCOPY --from=builder /out.txt /out.txt\nCMD ["cat","/out.txt"]\n';
  const { frames } = host.call("POST", "/build", {
    query: { t: "multi", version: "2" },
    body: context({ Dockerfile }),
  });
  expect(vertices(frames)).toContain("[stage-2 2/2] COPY --from=builder /out.txt /out.txt");
  expect(vertices(frames).some((name) => name.startsWith("[test"))).toBe(false);
  const id = host.run("multi", [], { config: { Cmd: null } });
  host.settle(1000);
  expect(host.text(host.call("GET", `/containers/${id}/logs`, { query: { stdout: "1" } }).frames)).toBe("artifact\n");
});

test.each([
  {
    name: "a command that fails",
    text: "FROM busybox\nRUN cat /nosuch\n",
    classic: "The command '/bin/sh -c cat /nosuch' returned a non-zero code: 1",
    buildkit: 'failed to solve: process "/bin/sh -c cat /nosuch" did not complete successfully: exit code: 1',
  },
  {
    name: "a file that is not there",
    text: "FROM busybox\nCOPY nosuch.txt /\n",
    classic:
      "COPY failed: file not found in build context or excluded by .dockerignore: stat nosuch.txt: file does not exist",
    buildkit:
      /^failed to solve: failed to compute cache key: failed to calculate checksum of ref \S+::\w{25}: "\/nosuch.txt": not found$/,
  },
  {
    name: "an image that is not there",
    text: "FROM nosuch:1\n",
    classic:
      "pull access denied for nosuch, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    buildkit:
      "failed to solve: nosuch:1: failed to resolve source metadata for docker.io/library/nosuch:1: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
  },
])("both builders word $name in their own way", ({ text, classic: plain, buildkit }) => {
  const host = smallHost();
  host.preload("busybox");
  const failure = (version: string) =>
    messages(host.call("POST", "/build", { query: { version }, body: context({ Dockerfile: text }) }).frames).find(
      (message) => message.error !== undefined,
    )?.error;
  expect(failure("1")).toBe(plain);
  if (typeof buildkit === "string") expect(failure("2")).toBe(buildkit);
  else expect(failure("2")).toMatch(buildkit);
});

test.each([
  {
    name: "an unknown instruction",
    text: "FROM busybox\nFOO bar\n",
    classic: "dockerfile parse error on line 2: unknown instruction: FOO (did you mean FROM?)",
  },
  { name: "no FROM", text: "RUN echo x\n", classic: "no build stage in current context" },
  { name: "nothing", text: "# only a comment\n", classic: "the Dockerfile (Dockerfile) cannot be empty" },
  {
    name: "half an ENV",
    text: "FROM busybox\nENV X\n",
    classic: "failed to parse Dockerfile: ENV must have two arguments",
  },
])("a Dockerfile with $name is refused before anything is built", ({ text, classic: message }) => {
  const host = smallHost();
  const answer = host.call("POST", "/build", { query: { version: "1" }, body: context({ Dockerfile: text }) });
  expect([answer.status, answer.body.message]).toEqual([400, message]);
});

test("arguments: build arguments win over defaults, ENV over ARG, and .dockerignore keeps files out", () => {
  const host = smallHost();
  host.preload("busybox");
  const body = context({
    Dockerfile:
      "ARG V=1\nFROM busybox\nARG V\nARG NAME=x\nENV BOTH=env\nARG BOTH=arg\nCOPY . /src\nRUN echo $NAME $V $BOTH > /said; ls /src >> /said\n",
    "keep.txt": "",
    "drop.log": "",
    ".dockerignore": "*.log\n.dockerignore\nDockerfile\n",
  });
  host.call("POST", "/build", { query: { t: "args", version: "2", buildargs: '{"NAME":"bob"}' }, body });
  const id = host.run("args", ["cat", "/said"]);
  host.settle(1000);
  expect(host.text(host.call("GET", `/containers/${id}/logs`, { query: { stdout: "1" } }).frames)).toBe(
    "bob 1 env\nkeep.txt\n",
  );
});
