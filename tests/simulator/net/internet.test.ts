import { Internet } from "@/simulator/net/internet";
import { netPrograms } from "@/simulator/net/programs/index";
import { expect, test } from "vitest";
import { makeWorld } from "./world";

function home() {
  const world = makeWorld(netPrograms);
  const laptop = world.host("laptop", "192.168.1.20", { "/etc/resolv.conf": "nameserver 192.168.1.1\n" });
  const internet = new Internet(world.network, {
    random: world.random,
    lan: world.lan,
    gateway: { address: "192.168.1.1", prefix: 24 },
  });
  return { world, laptop, internet };
}

test("the laptop reaches example.com over HTTP and HTTPS, and pays for the distance", () => {
  const { world, laptop } = home();
  const ran = world.run(laptop, ["curl", "-s", "https://example.com"]);
  expect(ran.out).toContain("<h1>Example Domain</h1>");
  expect(ran.ms).toBeGreaterThan(60);
  expect(world.run(laptop, ["curl", "-sI", "http://hub.docker.com/"]).out).toMatch(
    /^HTTP\/1\.1 301 Moved Permanently\r\nDate: .*\r\nLocation: https:\/\/hub\.docker\.com\/\r\n/,
  );
  expect(world.run(laptop, ["curl", "-s", "https://registry-1.docker.io/v2/"]).out).toBe(
    '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}',
  );
});

test("a container on a docker bridge goes out through two translations", () => {
  const { world, laptop } = home();
  const docker0 = world.bridge(laptop, "docker0", "172.17.0.1");
  const box = world.container(laptop, docker0, "box", "172.17.0.2", { "/etc/resolv.conf": "nameserver 8.8.8.8\n" });
  expect(world.run(box, ["curl", "-sS", "-m", "5", "https://httpbin.org/ip"]).code).toBe(28);
  laptop.netns.iptables.apply("nat", "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE");
  expect(world.run(box, ["curl", "-s", "https://httpbin.org/ip"]).out).toBe('{"origin":"203.0.113.10"}');
  const hops = world.run(box, ["traceroute", "-n", "93.184.215.14"]).out.split("\n").slice(1, 4);
  expect(hops.map((line) => line.trim().split(/\s+/)[1])).toEqual(["172.17.0.1", "192.168.1.1", "93.184.215.14"]);
});

test("names that nobody has, addresses that nobody has, and no line at all", () => {
  const { world, laptop, internet } = home();
  expect(world.run(laptop, ["curl", "-sS", "https://no.such.name/"])).toMatchObject({
    code: 6,
    err: "curl: (6) Could not resolve host: no.such.name\n",
  });
  expect(world.run(laptop, ["curl", "-sS", "--connect-timeout", "3", "http://9.9.9.9/"])).toMatchObject({ code: 28 });
  internet.router.up = false;
  const offline = world.run(laptop, ["curl", "-sS", "https://example.com"], 60);
  expect(offline).toMatchObject({ code: 6, err: "curl: (6) Could not resolve host: example.com\n" });
});
