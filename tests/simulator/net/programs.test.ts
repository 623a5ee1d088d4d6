import { encodeUtf8 } from "@/simulator/base/bytes";
import { serveDns } from "@/simulator/net/dns";
import { serveHttp, textResponse } from "@/simulator/net/http";
import { netOf } from "@/simulator/net/netns";
import { netPrograms } from "@/simulator/net/programs/index";
import { publicIssuer } from "@/simulator/net/tls";
import { expect, test } from "vitest";
import { makeWorld } from "./world";

const resolv = { "/etc/resolv.conf": "nameserver 10.0.0.53\nsearch lab.test\n" };

function lab() {
  const world = makeWorld(netPrograms);
  const server = world.host("server", "10.0.0.2");
  const client = world.host("client", "10.0.0.3", { ...resolv, "/etc/hosts": "127.0.0.1 localhost\n" });
  const names = world.host("names", "10.0.0.53");
  const dropper = world.host("dropper", "10.0.0.4");
  dropper.netns.iptables.apply("filter", "-P INPUT DROP");
  world.start(names, (process) =>
    serveDns(process, {}, function* (question) {
      const name = question.name;
      if (name === "web.lab.test" && question.type === "A")
        return { code: "NOERROR", answers: [{ name, type: "A", ttl: 30, data: "10.0.0.2" }] };
      if (name === "web.lab.test") return { code: "NOERROR", answers: [] };
      if (name === "2.0.0.10.in-addr.arpa")
        return { code: "NOERROR", answers: [{ name, type: "PTR", ttl: 30, data: "web.lab.test" }] };
      return { code: "NXDOMAIN", answers: [] };
    }),
  );
  world.start(server, (process) =>
    serveHttp(process, { port: 80, server: "nginx" }, function* (request) {
      if (request.path === "/missing") return textResponse(404, "not here\n");
      if (request.path === "/moved") return { status: 302, headers: [["Location", "/hello"]] };
      if (request.path === "/slow") yield* process.sleep(10_000);
      if (request.path === "/close") {
        request.connection.close();
        return { status: 200, hijacked: true };
      }
      if (request.path === "/reset") {
        request.connection.reset();
        return { status: 200, hijacked: true };
      }
      if (request.path === "/chunks")
        return {
          status: 200,
          *body(write) {
            yield* write(encodeUtf8("one "));
            yield* write(encodeUtf8("two\n"));
          },
        };
      if (request.path === "/echo") return textResponse(200, `${request.method} ${request.body}\n`);
      return textResponse(200, "hello\n", [["Content-Type", "text/plain"]]);
    }),
  );
  const certificate = (names: string[], issuer: string) => () => ({
    commonName: names[0]!,
    names,
    issuer,
    notBefore: 0,
    notAfter: 4e12,
  });
  world.start(server, (process) =>
    serveHttp(process, { port: 443, tls: certificate(["web", "web.lab.test"], publicIssuer) }, function* () {
      return textResponse(200, "secret\n");
    }),
  );
  world.start(server, (process) =>
    serveHttp(process, { port: 8443, tls: certificate(["self"], "self") }, function* () {
      return textResponse(200, "self\n");
    }),
  );
  return { world, server, client };
}

test.each([
  { name: "plain GET", argv: "curl -s http://web/hello", out: "hello\n", err: "", code: 0 },
  { name: "by address", argv: "curl -s 10.0.0.2", out: "hello\n", err: "", code: 0 },
  { name: "unknown host", argv: "curl http://nope", out: "", err: "curl: (6) Could not resolve host: nope\n", code: 6 },
  {
    name: "closed port",
    argv: "curl -sS http://web:81/",
    out: "",
    err: /^curl: \(7\) Failed to connect to web port 81 after \d+ ms: Couldn't connect to server\n$/,
    code: 7,
  },
  { name: "silent failure", argv: "curl -s http://web:81/", out: "", err: "", code: 7 },
  {
    name: "-f",
    argv: "curl -sSf http://web/missing",
    out: "",
    err: "curl: (22) The requested URL returned error: 404\n",
    code: 22,
  },
  { name: "404 without -f is a success", argv: "curl -s http://web/missing", out: "not here\n", err: "", code: 0 },
  {
    name: "connect timeout",
    argv: "curl -sS -m 2 http://10.0.0.4/",
    out: "",
    err: "curl: (28) Connection timed out after 2000 milliseconds\n",
    code: 28,
  },
  {
    name: "slow answer",
    argv: "curl -sS -m 1 http://web/slow",
    out: "",
    err: "curl: (28) Operation timed out after 1000 milliseconds with 0 bytes received\n",
    code: 28,
  },
  {
    name: "empty reply",
    argv: "curl -sS http://web/close",
    out: "",
    err: "curl: (52) Empty reply from server\n",
    code: 52,
  },
  {
    name: "reset",
    argv: "curl -sS http://web/reset",
    out: "",
    err: "curl: (56) Recv failure: Connection reset by peer\n",
    code: 56,
  },
  {
    name: "redirect not followed",
    argv: "curl -s -o /dev/null -w %{http_code} http://web/moved",
    out: "302",
    err: "",
    code: 0,
  },
  { name: "redirect followed", argv: "curl -sL http://web/moved", out: "hello\n", err: "", code: 0 },
  { name: "POST", argv: "curl -s -d a=1 -d b=2 http://web/echo", out: "POST a=1&b=2\n", err: "", code: 0 },
  { name: "chunked", argv: "curl -s http://web/chunks", out: "one two\n", err: "", code: 0 },
  { name: "TLS", argv: "curl -s https://web/", out: "secret\n", err: "", code: 0 },
  {
    name: "TLS, wrong name",
    argv: "curl -sS https://10.0.0.2/",
    out: "",
    err: /^curl: \(60\) SSL: no alternative certificate subject name matches target host name '10.0.0.2'\n/,
    code: 60,
  },
  {
    name: "TLS, self-signed",
    argv: "curl -sS https://web:8443/",
    out: "",
    err: /^curl: \(60\) SSL certificate problem: self-signed certificate\nMore details here/,
    code: 60,
  },
  { name: "TLS, -k", argv: "curl -sk https://web:8443/", out: "self\n", err: "", code: 0 },
  {
    name: "TLS to a plain port",
    argv: "curl -sS https://web:80/",
    out: "",
    err: "curl: (35) error:0A00010B:SSL routines::wrong version number\n",
    code: 35,
  },
  {
    name: "plain to a TLS port",
    argv: "curl -s http://web:443/",
    out: "Client sent an HTTP request to an HTTPS server.\n",
    err: "",
    code: 0,
  },
  {
    name: "unknown option",
    argv: "curl --wat",
    out: "",
    err: "curl: option --wat: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n",
    code: 2,
  },
  { name: "several URLs", argv: "curl -s http://web/{hello,missing}", out: "hello\nnot here\n", err: "", code: 0 },
  {
    name: "no scheme like this",
    argv: "curl -sS gopher://web/",
    out: "",
    err: 'curl: (1) Protocol "gopher" not supported or disabled in libcurl\n',
    code: 1,
  },
  { name: "busybox wget", argv: "busybox:wget -qO- http://web/hello", out: "hello\n", err: "", code: 0 },
  {
    name: "busybox wget 404",
    argv: "busybox:wget -qO- http://web/missing",
    out: "",
    err: "wget: server returned error: HTTP/1.1 404 Not Found\n",
    code: 1,
  },
  {
    name: "busybox wget refused",
    argv: "busybox:wget -qO- http://web:81",
    out: "",
    err: "wget: can't connect to remote host (10.0.0.2): Connection refused\n",
    code: 1,
  },
  {
    name: "busybox wget bad name",
    argv: "busybox:wget -qO- http://nope",
    out: "",
    err: "wget: bad address 'nope'\n",
    code: 1,
  },
  {
    name: "busybox wget timeout",
    argv: "busybox:wget -qO- -T 2 http://10.0.0.4",
    out: "",
    err: "wget: download timed out\n",
    code: 1,
  },
  {
    name: "nc -z",
    argv: "nc -zv 10.0.0.2 80",
    out: "",
    err: "Connection to 10.0.0.2 80 port [tcp/http] succeeded!\n",
    code: 0,
  },
  {
    name: "nc -z refused",
    argv: "nc -zv 10.0.0.2 81",
    out: "",
    err: "nc: connect to 10.0.0.2 port 81 (tcp) failed: Connection refused\n",
    code: 1,
  },
  {
    name: "nc -z timeout",
    argv: "nc -zv -w 1 10.0.0.4 80",
    out: "",
    err: "nc: connect to 10.0.0.4 port 80 (tcp) timed out: Operation now in progress\n",
    code: 1,
  },
  { name: "dig +short", argv: "dig +short web.lab.test", out: "10.0.0.2\n", err: "", code: 0 },
  { name: "getent", argv: "getent hosts web", out: "10.0.0.2        web\n", err: "", code: 0 },
  {
    name: "nslookup",
    argv: "nslookup web",
    out: "Server:\t\t10.0.0.53\nAddress:\t10.0.0.53#53\n\nNon-authoritative answer:\nName:\tweb.lab.test\nAddress: 10.0.0.2\n\n",
    err: "",
    code: 0,
  },
  {
    name: "nslookup NXDOMAIN",
    argv: "nslookup nope",
    out: "Server:\t\t10.0.0.53\nAddress:\t10.0.0.53#53\n\n** server can't find nope: NXDOMAIN\n\n",
    err: "",
    code: 1,
  },
  {
    name: "busybox nslookup",
    argv: "busybox:nslookup web",
    out: "Server:\t\t10.0.0.53\nAddress:\t10.0.0.53:53\n\nNon-authoritative answer:\nName:\tweb.lab.test\nAddress: 10.0.0.2\n\nNon-authoritative answer:\n\n",
    err: "",
    code: 0,
  },
  {
    name: "busybox ping bad name",
    argv: "busybox:ping -c 1 nope",
    out: "",
    err: "ping: bad address 'nope'\n",
    code: 1,
  },
  {
    name: "ping lost",
    argv: "ping -c 2 -W 1 10.0.0.4",
    out: "PING 10.0.0.4 (10.0.0.4) 56(84) bytes of data.\n\n--- 10.0.0.4 ping statistics ---\n2 packets transmitted, 0 received, 100% packet loss, time 2000ms\n\n",
    err: "",
    code: 1,
  },
])("$name: $argv", ({ argv, out, err, code }) => {
  const { world, client } = lab();
  const ran = world.run(client, argv.split(" "));
  expect(ran.out).toBe(out);
  if (typeof err === "string")
    expect(ran.err.replace(/^ {2}% Total[\s\S]*?\r(?=curl)|^ {2}% Total[\s\S]*?\n(?=curl)/, "")).toBe(err);
  else expect(ran.err).toMatch(err);
  expect(ran.code).toBe(code);
  world.loop.runUntil(world.loop.now() + 20_000);
  expect(client.netns.sockets.size).toBe(0);
  expect(client.netns.datagramSockets.size).toBe(0);
});

test("busybox ping prints what the recording shows", () => {
  const { world, client } = lab();
  const ran = world.run(client, ["busybox:ping", "-c", "1", "web"]);
  expect(ran.out).toMatch(
    /^PING web \(10\.0\.0\.2\): 56 data bytes\n64 bytes from 10\.0\.0\.2: seq=0 ttl=64 time=0\.\d{3} ms\n\n--- web ping statistics ---\n1 packets transmitted, 1 packets received, 0% packet loss\nround-trip min\/avg\/max = 0\.\d{3}\/0\.\d{3}\/0\.\d{3} ms\n$/,
  );
});

test("curl -v shows the exchange and -i the headers", () => {
  const { world, client } = lab();
  const ran = world.run(client, ["curl", "-sv", "http://web/hello"]);
  expect(ran.err).toBe(
    "*   Trying 10.0.0.2:80...\n* Connected to web (10.0.0.2) port 80 (#0)\n> GET /hello HTTP/1.1\n> Host: web\n> User-Agent: curl/7.88.1\n> Accept: */*\n> \n< HTTP/1.1 200 OK\n< Server: nginx\n< Date: Tue, 14 Nov 2023 22:13:20 GMT\n< Content-Type: text/plain\n< Content-Length: 6\n< Connection: keep-alive\n< \n{ [6 bytes data]\n* Connection #0 to host web left intact\n",
  );
});

test("the progress meter is written where output is no terminal", () => {
  const { world, client } = lab();
  const ran = world.run(client, ["curl", "-o", "/tmp/page", "http://web/hello"]);
  expect(ran.err).toMatch(
    /^ {2}% Total {4}% Received % Xferd {2}Average Speed[\s\S]*\n\r[\s\S]*\r100 {5}6 {2}100 {5}6 {4}0 {5}0 +\d+ {6}0 --:--:-- --:--:-- --:--:-- +\d+\n$/,
  );
  expect(client.context.mounts.readFile("/tmp/page")).toBe("hello\n");
});

test("ping to an address that nobody has", () => {
  const { world, client } = lab();
  const ran = world.run(client, ["ping", "-c", "1", "10.0.0.77"]);
  expect(ran.out).toContain("From 10.0.0.3 icmp_seq=1 Destination Host Unreachable\n");
  expect(ran.out).toContain("1 packets transmitted, 0 received, +1 errors, 100% packet loss");
  expect(ran.code).toBe(1);
});

test("a namespace with lo alone prints what the recording of --net none shows", () => {
  const world = makeWorld(netPrograms);
  const lonely = world.host("lonely");
  expect(world.run(lonely, ["busybox:ip", "a"]).out).toBe(
    "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n    inet6 ::1/128 scope host \n       valid_lft forever preferred_lft forever\n",
  );
});

test("nc sends its input and prints the answer", () => {
  const { world, server, client } = lab();
  world.start(server, function* (process) {
    const listener = netOf(process).listen({ port: 6379, owner: process });
    for (;;) {
      const connection = yield* listener.accept();
      if ((yield* connection.read()) === "PING\r\n") yield* connection.write(encodeUtf8("+PONG\r\n"));
    }
  });
  const ran = world.run(client, ["busybox:nc", "-w", "1", "web", "6379"], 60, "PING\r\n");
  expect(ran).toMatchObject({ out: "+PONG\r\n", code: 0 });
});

test("ss lists who listens", () => {
  const { world, server } = lab();
  const lines = world.run(server, ["ss", "-tln"]).out.split("\n");
  expect(lines[0]).toMatch(/^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port +Process$/);
  expect(lines[1]).toMatch(/^LISTEN 0 +4096 +0\.0\.0\.0:80 +0\.0\.0\.0:\* +$/);
});

test("iptables: what goes in comes out as iptables-save prints it", () => {
  const world = makeWorld(netPrograms);
  const host = world.host("host", "10.0.0.2");
  const rules = [
    "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
    "-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
    "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
    "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
  ];
  expect(world.run(host, ["iptables", "-t", "nat", "-N", "DOCKER"]).code).toBe(0);
  for (const rule of rules)
    expect(world.run(host, ["iptables", "-t", "nat", ...rule.split(" ")])).toMatchObject({ code: 0, err: "" });
  const saved = world
    .run(host, ["iptables-save", "-t", "nat"])
    .out.split("\n")
    .filter((line) => line.startsWith("-A"));
  expect(saved).toEqual(rules);
  expect(world.run(host, ["iptables", "-t", "nat", "-L", "DOCKER", "-n"]).out).toBe(
    "Chain DOCKER (2 references)\ntarget     prot opt source               destination         \nDNAT       tcp  --  0.0.0.0/0            0.0.0.0/0            tcp dpt:8080 to:172.17.0.2:80\n",
  );
  expect(world.run(host, ["iptables", "-t", "nat", "-nvL", "POSTROUTING"]).out).toBe(
    "Chain POSTROUTING (policy ACCEPT 0 packets, 0 bytes)\n pkts bytes target     prot opt in     out     source               destination         \n    0     0 MASQUERADE  all  --  *      !docker0  172.17.0.0/16        0.0.0.0/0           \n",
  );
  expect(world.run(host, ["iptables", "-D", "INPUT", "-p", "tcp", "-j", "DROP"])).toMatchObject({
    code: 1,
    err: "iptables: Bad rule (does a matching rule exist in that chain?).\n",
  });
  expect(world.run(host, ["iptables", "-A", "NOPE", "-j", "DROP"])).toMatchObject({
    code: 1,
    err: "iptables: No chain/target/match by that name.\n",
  });
});

test("docker-proxy serves a published port on both loopbacks", () => {
  const world = makeWorld(netPrograms);
  const host = world.host("host", "10.0.0.2");
  const docker0 = world.bridge(host, "docker0", "172.17.0.1");
  const web = world.container(host, docker0, "web", "172.17.0.2");
  world.start(web, (process) =>
    serveHttp(process, 80, function* (request) {
      return textResponse(200, request.remoteAddress);
    }),
  );
  for (const address of ["0.0.0.0", "::"])
    world.start(host, netPrograms.get("docker-proxy")!, [
      "docker-proxy",
      "-proto",
      "tcp",
      "-host-ip",
      address,
      "-host-port",
      "8080",
      "-container-ip",
      "172.17.0.2",
      "-container-port",
      "80",
    ]);
  expect(world.run(host, ["curl", "-s", "http://127.0.0.1:8080/"]).out).toBe("172.17.0.1");
  expect(world.run(host, ["curl", "-s", "http://[::1]:8080/"]).out).toBe("172.17.0.1");
  expect(
    world
      .run(host, ["ss", "-tlnH"])
      .out.split("\n")
      .filter((line) => line.includes(":8080")),
  ).toHaveLength(2);
});
