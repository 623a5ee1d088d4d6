import "@/simulator/parts/net-tools";
import "@/simulator/parts/servers";
import "@/simulator/parts/tools";
import { images, imagePrograms } from "@/simulator/images/index";
import * as servers from "@/simulator/images/servers";
import { readScript } from "@/simulator/images/script-server";
import { parseNginxConf } from "@/simulator/images/nginx-conf";
import { netPrograms } from "@/simulator/net/programs/index";
import { programNameOf } from "@/simulator/os/kernel";
import { shellPrograms } from "@/simulator/shell/index";
import { expect, test } from "vitest";
import { smallHost } from "../docker/small-host";

test("every executable of every image is a program of this world", () => {
  // The world itself joins the docker CLI: it needs an engine to speak to.
  const known = new Set(["docker", ...shellPrograms.keys(), ...netPrograms.keys(), ...imagePrograms.keys()]);
  const unknown = new Set<string>();
  for (const definition of images)
    for (const layer of definition.image().layers)
      for (const { node } of layer.changes) {
        const name = node?.kind === "file" ? programNameOf(node.content) : undefined;
        if (name !== undefined && !known.has(name)) unknown.add(`${definition.repository}: ${name}`);
      }
  expect([...unknown]).toEqual([]);
});

test("no repository has a tag twice", () => {
  const seen = new Set<string>();
  for (const { repository, tags } of images)
    for (const tag of tags) {
      expect(seen.has(`${repository}:${tag}`)).toBe(false);
      seen.add(`${repository}:${tag}`);
    }
});

test("redis answers its client, keeps data in its volume, and loses nothing over a restart", () => {
  const host = smallHost();
  host.preload("redis");
  host.run("redis", [], { name: "db", config: { Cmd: null }, host: { Binds: ["data:/data"] } });
  host.settle(500);
  const ask = (...command: string[]): string => {
    const exec = host.call("POST", "/containers/db/exec", {
      body: { Cmd: ["redis-cli", ...command], AttachStdout: true },
    });
    return host.text(host.call("POST", `/exec/${exec.body.Id}/start`, { body: {} }).frames);
  };
  expect([ask("ping"), ask("set", "a", "1"), ask("incr", "a"), ask("lpush", "l", "x"), ask("get", "l")]).toEqual([
    "PONG\n",
    "OK\n",
    "2\n",
    "1\n",
    "WRONGTYPE Operation against a key holding the wrong kind of value\n\n",
  ]);
  host.call("POST", "/containers/db/restart");
  host.settle(500);
  expect(ask("get", "a")).toBe("2\n");
});

test.each([
  {
    name: "an express server",
    text: "const app = require('express')();\nconst port = process.env.PORT || 3000;\napp.get('/', (req, res) => {\n  res.send('Hello');\n});\napp.get('/x', (req, res) => res.json({ ok: true }));\napp.listen(port, () => console.log(`up on ${port}`));\n",
    routes: { "/": "Hello", "/x": '{"ok":true}' },
    port: 3000,
  },
  {
    name: "a plain server",
    text: "require('http').createServer((req, res) => {\n  res.end('hi\\n');\n}).listen(8080);\n",
    routes: {},
    port: 8080,
  },
])("a script is read for what it plainly says: $name", ({ text, routes, port }) => {
  const read = readScript(text, "javascript");
  if (read.kind !== "server") throw new Error(read.kind);
  expect([Object.fromEntries(read.server.routes), read.server.port]).toEqual([routes, port]);
});

test("a script that does more is refused with the reason", () => {
  const computed =
    "const app = require('express')();\napp.get('/', (req, res) => {\n  res.send('Hello ' + req.query.name);\n});\napp.listen(3000);\n";
  expect(readScript(computed, "javascript")).toEqual({ kind: "unknown", reason: "its answers are computed" });
  expect(readScript("for (let i = 0; i < 3; i++) console.log(i);\n", "javascript")).toEqual({
    kind: "unknown",
    reason: "it does more than print lines",
  });
});

test("nginx's own words for a broken configuration", () => {
  expect(() => parseNginxConf("server {\n  listen 80\n}\n")).toThrow('unexpected "}"');
  expect(() => parseNginxConf("server {\n")).toThrow('unexpected end of file, expecting "}"');
});

test("nginx tries a taken port five times, says so, and gives up", () => {
  const host = smallHost();
  host.preload("nginx");
  host.run("nginx", [], { name: "first", config: { Cmd: null, Entrypoint: null } });
  host.run("nginx", [], {
    name: "second",
    config: { Cmd: null, Entrypoint: null },
    host: { NetworkMode: "container:first" },
  });
  host.settle(5000);
  const logs = host.call("GET", "/containers/second/logs", { query: { stdout: "1", stderr: "1" } });
  const log = host.text(logs.frames, "stderr");
  expect(log.match(/\[notice\] 1#1: try again to bind\(\) after 500ms/g)).toHaveLength(5);
  expect(
    log.match(/^nginx: \[emerg\] bind\(\) to 0\.0\.0\.0:80 failed \(98: Address already in use\)$/gm),
  ).toHaveLength(5);
  expect(log.trimEnd().endsWith("nginx: [emerg] still could not bind()")).toBe(true);
  expect(host.call("GET", "/containers/second/json").body.State.ExitCode).toBe(1);
  expect(host.call("GET", "/containers/first/json").body.State.Status).toBe("running");
});

test("the programs that are fetched later are listed by the names their part has them under", () => {
  for (const [shelf, programs] of [
    ["databasePrograms", servers.databasePrograms],
    ["languagePrograms", servers.languagePrograms],
  ] as const)
    for (const name of programs.keys()) expect(imagePrograms.has(name), `${shelf}: ${name}`).toBe(true);
});
