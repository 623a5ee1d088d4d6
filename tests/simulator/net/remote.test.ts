import { encodeUtf8 } from "@/simulator/base/bytes";
import { serveConnection, serveHttp, textResponse } from "@/simulator/net/http";
import { netPrograms } from "@/simulator/net/programs/index";
import { listenUnix } from "@/simulator/net/unix";
import type { Program } from "@/simulator/os/process";
import { expect, test } from "vitest";
import { makeWorld } from "./world";

const sh: Program = function* (process) {
  const [, , command] = process.argv;
  if (command === "fail") {
    yield* process.printError("it failed\n");
    return 3;
  }
  if (command === "cat") {
    yield* process.write(1, yield* process.readAll(0));
    return 0;
  }
  yield* process.print(`${process.context.hostname()} ${process.env["USER"]} ${command}\n`);
  return 0;
};

test("ssh runs a command on another host, with its output, input and exit code", () => {
  const world = makeWorld(new Map([...netPrograms, ["sh", sh]]));
  const node = world.host("node-1", "10.0.0.11");
  const laptop = world.host("laptop", "10.0.0.2", { "/etc/hosts": "10.0.0.11 node-1\n10.0.0.12 node-2\n" });
  world.start(node, netPrograms.get("sshd")!, ["sshd"]);
  expect(world.run(laptop, ["ssh", "root@node-1", "uname", "-a"])).toMatchObject({
    out: "node-1 root uname -a\n",
    err: "",
    code: 0,
  });
  expect(world.run(laptop, ["ssh", "node-1", "fail"])).toMatchObject({ out: "", err: "it failed\n", code: 3 });
  expect(world.run(laptop, ["ssh", "node-1", "cat"], 60, "some input\n")).toMatchObject({
    out: "some input\n",
    code: 0,
  });
  expect(world.run(laptop, ["ssh", "node-2"])).toMatchObject({
    err: "ssh: connect to host node-2 port 22: No route to host\n",
    code: 255,
  });
  expect(world.run(laptop, ["ssh", "node-9"])).toMatchObject({
    err: "ssh: Could not resolve hostname node-9: Name or service not known\n",
    code: 255,
  });
  expect(node.kernel.processes.size).toBe(1);
});

test("curl reaches a server on a Unix socket", () => {
  const world = makeWorld(netPrograms);
  const host = world.host("host", "10.0.0.2");
  world.start(host, function* (process) {
    process.fs.makeDirs("/var/run");
    const listener = listenUnix(process, "/var/run/docker.sock");
    for (;;) {
      const connection = yield* listener.accept();
      process.thread(
        serveConnection(process, connection, {}, function* (request) {
          return textResponse(200, `pong ${request.path}\n`);
        }),
      );
    }
  });
  expect(
    world.run(host, ["curl", "-s", "--unix-socket", "/var/run/docker.sock", "http://localhost/_ping"]),
  ).toMatchObject({ out: "pong /_ping\n", code: 0 });
  expect(world.run(host, ["curl", "-s", "--unix-socket", "/var/run/other.sock", "http://localhost/_ping"]).code).toBe(
    7,
  );
});

test("GNU wget tells what it does, and saves", () => {
  const world = makeWorld(netPrograms);
  const server = world.host("server", "10.0.0.2");
  world.start(server, (process) =>
    serveHttp(process, 80, function* (request) {
      return request.path === "/page.html"
        ? textResponse(200, "hello\n", [["Content-Type", "text/html"]])
        : textResponse(404, "no\n");
    }),
  );
  const client = world.host("client", "10.0.0.3");
  const ran = world.run(client, ["wget", "http://10.0.0.2/page.html"]);
  expect(ran.err).toContain(
    "--2023-11-14 22:13:20--  http://10.0.0.2/page.html\nConnecting to 10.0.0.2:80... connected.\nHTTP request sent, awaiting response... 200 OK\nLength: 6 [text/html]\nSaving to: ‘page.html’\n\n",
  );
  expect(ran.err).toMatch(/‘page.html’ saved \[6\/6\]\n\n$/);
  expect(client.context.mounts.readFile("/page.html")).toBe(encodeUtf8("hello\n"));
  expect(world.run(client, ["wget", "-q", "http://10.0.0.2/none"])).toMatchObject({ err: "", code: 8 });
});

test("two runs of the same world give the same bytes", () => {
  const once = (): string => {
    const world = makeWorld(netPrograms);
    const server = world.host("server", "10.0.0.2");
    const client = world.host("client", "10.0.0.3");
    world.start(server, (process) =>
      serveHttp(process, 80, function* () {
        return textResponse(200, "hello\n");
      }),
    );
    return JSON.stringify([
      world.run(client, ["ping", "-c", "3", "10.0.0.2"]),
      world.run(client, ["curl", "-sv", "-w", "%{local_port} %{time_total}", "http://10.0.0.2/"]),
      world.run(client, ["conntrack", "-L"]),
    ]);
  };
  expect(once()).toBe(once());
});
