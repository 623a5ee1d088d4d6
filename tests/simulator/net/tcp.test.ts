import { NO_BYTES, encodeUtf8 } from "@/simulator/base/bytes";
import { httpRequest, serveHttp, textResponse } from "@/simulator/net/http";
import { netOf } from "@/simulator/net/netns";
import { SysError } from "@/simulator/os/errno";
import { expect, test } from "vitest";
import { makeWorld } from "./world";

test("an HTTP round trip between two hosts, by name", () => {
  const world = makeWorld();
  const server = world.host("server", "10.0.0.2");
  const client = world.host("client", "10.0.0.3", { "/etc/hosts": "10.0.0.2 web web.local\n" });
  world.start(server, (process) =>
    serveHttp(process, 80, function* (request) {
      return textResponse(200, `${request.method} ${request.path} from ${request.remoteAddress}`);
    }),
  );
  const ran = world.run(client, function* (process) {
    const response = yield* httpRequest(process, { url: "http://web/hello?x=1" });
    yield* process.print(`${response.status} ${response.body}`);
    return 0;
  });
  expect(ran.out).toBe("200 GET /hello from 10.0.0.3");
  expect(world.network.exchanges).toHaveLength(1);
});

test.each([
  { name: "a closed port is refused at once", to: "10.0.0.2", port: 81, error: "ECONNREFUSED", atLeast: 0, atMost: 10 },
  {
    name: "nobody at the address: no route to host after three ARP requests",
    to: "10.0.0.99",
    port: 80,
    error: "EHOSTUNREACH",
    atLeast: 3000,
    atMost: 3500,
  },
  {
    name: "a dropped SYN times out after 127 s",
    to: "10.0.0.4",
    port: 80,
    error: "ETIMEDOUT",
    atLeast: 127_000,
    atMost: 127_100,
  },
  {
    name: "a network without a route fails at once",
    to: "192.168.7.7",
    port: 80,
    error: "EHOSTUNREACH",
    atLeast: 0,
    atMost: 3500,
  },
])("$name", ({ to, port, error, atLeast, atMost }) => {
  const world = makeWorld();
  world.host("server", "10.0.0.2");
  const dropper = world.host("dropper", "10.0.0.4");
  dropper.netns.iptables.apply("filter", "-P INPUT DROP");
  const client = world.host("client", "10.0.0.3");
  const ran = world.run(client, function* (process) {
    try {
      yield* netOf(process).connect(process, { address: to, port });
    } catch (failure) {
      if (!(failure instanceof SysError)) throw failure;
      yield* process.print(failure.code);
    }
    return 0;
  });
  expect(ran.out).toBe(error);
  expect(ran.ms).toBeGreaterThanOrEqual(atLeast);
  expect(ran.ms).toBeLessThanOrEqual(atMost);
  expect(client.netns.sockets.size).toBe(0);
});

test("a server that ends closes its connections: the client reads the end; a write after that is EPIPE", () => {
  const world = makeWorld();
  const server = world.host("server", "10.0.0.2");
  const client = world.host("client", "10.0.0.3");
  world.start(server, function* (process) {
    const connection = yield* netOf(process).listen({ port: 7, owner: process }).accept();
    const hello = yield* connection.read();
    yield* connection.write(hello);
  });
  const ran = world.run(client, function* (process) {
    const connection = yield* netOf(process).connect(process, { address: "10.0.0.2", port: 7 });
    yield* connection.write(encodeUtf8("hello"));
    yield* process.print(yield* connection.read());
    const end = yield* connection.read();
    yield* process.print(end === NO_BYTES ? "|end" : "|more");
    yield* connection.write(encodeUtf8("x"));
    yield* process.sleep(10);
    try {
      yield* connection.write(encodeUtf8("y"));
    } catch (failure) {
      if (!(failure instanceof SysError)) throw failure;
      yield* process.print(`|${failure.code}`);
    }
    return 0;
  });
  expect(ran.out).toBe("hello|end|EPIPE");
  world.loop.runUntil(world.loop.now() + 1000);
  expect([client.netns.sockets.size, server.netns.sockets.size]).toEqual([0, 0]);
});

test("a writer waits while the reader does not read", () => {
  const world = makeWorld();
  const server = world.host("server", "10.0.0.2");
  const client = world.host("client", "10.0.0.3");
  let written = 0;
  world.start(server, function* (process) {
    const connection = yield* netOf(process).listen({ port: 7, owner: process }).accept();
    yield* process.sleep(5000);
    while ((yield* connection.read()) !== NO_BYTES);
  });
  const chunk = "x".repeat(50_000);
  world.start(client, function* (process) {
    const connection = yield* netOf(process).connect(process, { address: "10.0.0.2", port: 7 });
    for (let i = 0; i < 20; i++) {
      yield* connection.write(encodeUtf8(chunk));
      written++;
    }
  });
  world.loop.runUntil(world.loop.now() + 4000);
  expect(written).toBe(5);
  world.loop.runUntil(world.loop.now() + 4000);
  expect(written).toBe(20);
});

test("two listeners on one port clash; [::] v6only and 0.0.0.0 do not", () => {
  const world = makeWorld();
  const server = world.host("server", "10.0.0.2");
  const ran = world.run(server, function* (process) {
    const netns = netOf(process);
    netns.listen({ port: 80, owner: process });
    netns.listen({ address: "::", port: 80, owner: process, v6only: true });
    for (const address of ["127.0.0.1", "0.0.0.0", "::", "10.9.9.9"])
      try {
        netns.listen({ address, port: 80, owner: process });
        yield* process.print("ok ");
      } catch (failure) {
        if (!(failure instanceof SysError)) throw failure;
        yield* process.print(`${failure.code} `);
      }
    return 0;
  });
  expect(ran.out).toBe("EADDRINUSE EADDRINUSE EADDRINUSE EADDRNOTAVAIL ");
  expect(server.netns.listeners.size).toBe(0);
});

test("an open connection stalls while a rule drops it and goes on when the rule is gone", () => {
  const world = makeWorld();
  const server = world.host("server", "10.0.0.2");
  const client = world.host("client", "10.0.0.3");
  const heard: number[] = [];
  world.start(server, function* (process) {
    const connection = yield* netOf(process).listen({ port: 7, owner: process }).accept();
    while ((yield* connection.read()) !== NO_BYTES) heard.push(process.now());
  });
  const began = world.loop.now();
  world.start(client, function* (process) {
    const connection = yield* netOf(process).connect(process, { address: "10.0.0.2", port: 7 });
    for (;;) {
      yield* connection.write(encodeUtf8("tick"));
      yield* process.sleep(1000);
    }
  });
  world.loop.runUntil(began + 1500);
  server.netns.iptables.apply("filter", "-A INPUT -p tcp --dport 7 -j DROP");
  world.loop.runUntil(began + 5500);
  expect(heard.length).toBe(2);
  server.netns.iptables.apply("filter", "-F INPUT");
  world.loop.runUntil(began + 15_500);
  expect(heard.length).toBeGreaterThan(12);
});

test("docker's published port: DNAT from outside, the answer finds its way back, and the source is kept", () => {
  const world = makeWorld();
  const laptop = world.host("laptop", "10.0.0.2");
  const docker0 = world.bridge(laptop, "docker0", "172.17.0.1");
  const web = world.container(laptop, docker0, "web", "172.17.0.2");
  const other = world.host("other", "10.0.0.9");
  const tables = laptop.netns.iptables;
  for (const rule of [
    "-N DOCKER",
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
  ])
    expect(tables.apply("nat", rule)).toMatchObject({ ok: true });
  world.start(web, (process) =>
    serveHttp(process, 80, function* (request) {
      return textResponse(200, request.remoteAddress);
    }),
  );
  world.start(other, (process) =>
    serveHttp(process, 80, function* (request) {
      return textResponse(200, request.remoteAddress);
    }),
  );
  const get = (url: string) =>
    function* (process: Parameters<typeof httpRequest>[0]) {
      yield* process.print((yield* httpRequest(process, { url })).body);
      return 0;
    };
  expect(world.run(other, get("http://10.0.0.2:8080/")).out).toBe("10.0.0.9");
  expect(world.run(laptop, get("http://10.0.0.2:8080/")).out).toBe("10.0.0.2");
  // The other host knows no way to 172.17: without MASQUERADE its answer would be lost.
  expect(world.run(web, get("http://10.0.0.9/")).out).toBe("10.0.0.2");
  tables.apply("nat", "-F POSTROUTING");
  expect(world.run(web, get("http://10.0.0.9/"), 20).code).toBeUndefined();
});
