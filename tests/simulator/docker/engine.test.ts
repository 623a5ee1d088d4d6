import { expect, test } from "vitest";
import { smallHost } from "./small-host";

test("a container runs, logs, ends with its code, and is removed", () => {
  const host = smallHost();
  host.preload("busybox");
  const id = host.run("busybox", ["sh", "-c", "echo out; echo err >&2; exit 3"], { name: "one" });
  host.settle(2000);
  const logs = host.call("GET", `/containers/${id}/logs`, { query: { stdout: "1", stderr: "1" } });
  expect([host.text(logs.frames), host.text(logs.frames, "stderr")]).toEqual(["out\n", "err\n"]);
  expect(host.call("GET", "/containers/one/json").body.State).toMatchObject({
    Status: "exited",
    ExitCode: 3,
    Running: false,
  });
  expect(host.call("DELETE", "/containers/one").status).toBe(204);
  expect(host.call("GET", "/containers/one/json").body).toEqual({ message: "No such container: one" });
});

test.each([
  {
    name: "not in PATH",
    command: ["nosuch"],
    status: 400,
    message: 'exec: "nosuch": executable file not found in $PATH',
  },
  {
    name: "no such file",
    command: ["/no/such"],
    status: 400,
    message: 'exec: "/no/such": stat /no/such: no such file or directory',
  },
  { name: "not executable", command: ["/etc/passwd"], status: 400, message: 'exec: "/etc/passwd": permission denied' },
])("a command that cannot be started: $name", ({ command, status, message }) => {
  const host = smallHost();
  host.preload("busybox");
  const created = host.call("POST", "/containers/create", { body: { Image: "busybox", Cmd: command } });
  const started = host.call("POST", `/containers/${created.body.Id}/start`);
  expect(started.status).toBe(status);
  expect(started.body.message).toBe(
    `failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${message}`,
  );
  expect(host.call("GET", `/containers/${created.body.Id}/json`).body.State.Status).toBe("created");
  expect(host.netns.interfaces.filter((each) => each.kind === "veth")).toEqual([]);
});

test.each([
  { name: "another container", second: true, message: /Bind for 0\.0\.0\.0:8080 failed: port is already allocated$/ },
  {
    name: "a process of the host",
    second: false,
    message: /failed to bind host port for 0\.0\.0\.0:8080:172\.17\.0\.2:80\/tcp: address already in use$/,
  },
])("a port that $name has", ({ second, message }) => {
  const host = smallHost();
  host.preload("busybox");
  const ports = { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } };
  if (second) host.run("busybox", ["sleep", "1000"], { host: ports });
  else host.netns.listen({ port: 8080, owner: host.engine.daemon.process });
  expect(() => host.run("busybox", ["sleep", "1000"], { name: "late", host: ports })).toThrow(message);
  // Nothing of the failed attempt stays behind.
  expect(host.engine.daemon.networks.get("bridge").active.size).toBe(second ? 1 : 0);
  expect(host.netns.iptables.chain("nat", "DOCKER")!.rules.length).toBe(second ? 1 : 0);
});

test("a published port leads to the server inside, from the host and through the rules", () => {
  const host = smallHost();
  host.preload("nginx");
  host.run("nginx", [], {
    name: "web",
    host: { PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } },
    config: { Cmd: null },
  });
  host.preload("busybox");
  const id = host.run("busybox", ["wget", "-q", "-O", "-", "http://172.17.0.2/"], { name: "client" });
  host.settle(2000);
  const logs = host.call("GET", `/containers/${id}/logs`, { query: { stdout: "1" } });
  expect(host.text(logs.frames)).toContain("Welcome to nginx!");
  expect(host.call("GET", "/containers/web/json").body.NetworkSettings.Ports["80/tcp"]).toEqual([
    { HostIp: "0.0.0.0", HostPort: "8080" },
    { HostIp: "::", HostPort: "8080" },
  ]);
});

test("names of containers resolve in a network of one's own and not in the default one", () => {
  const host = smallHost();
  host.preload("busybox");
  host.call("POST", "/networks/create", { body: { Name: "app" } });
  host.run("busybox", ["sleep", "1000"], { name: "db", host: { NetworkMode: "app" } });
  const found = host.run("busybox", ["ping", "-c", "1", "db"], { host: { NetworkMode: "app" } });
  const lost = host.run("busybox", ["ping", "-c", "1", "db"]);
  host.settle(20_000);
  expect(host.call("GET", `/containers/${found}/json`).body.State.ExitCode).toBe(0);
  expect(host.call("GET", `/containers/${lost}/json`).body.State.ExitCode).toBe(1);
});

test("restart policies: on-failure tries as often as it may, and waits longer each time", () => {
  const host = smallHost();
  host.preload("busybox");
  const id = host.run("busybox", ["sh", "-c", "echo try; exit 7"], {
    host: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } },
  });
  host.settle(10_000);
  const { RestartCount, State } = host.call("GET", `/containers/${id}/json`).body;
  expect([RestartCount, State.Status, State.ExitCode]).toEqual([2, "exited", 7]);
  const logs = host.call("GET", `/containers/${id}/logs`, { query: { stdout: "1" } });
  expect(host.text(logs.frames)).toBe("try\ntry\ntry\n");
});

test("stop waits its time for a program that ignores TERM, then kills it; the events tell of it in order", () => {
  const host = smallHost();
  host.preload("busybox");
  host.run("busybox", ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], { name: "deaf" });
  const before = host.loop.now();
  host.call("POST", "/containers/deaf/stop", { query: { t: "3" } });
  expect(host.loop.now() - before).toBeGreaterThanOrEqual(3000);
  expect(host.call("GET", "/containers/deaf/json").body.State.ExitCode).toBe(137);
  const actions = host.engine.daemon.events.all().map(({ event }) => `${event.Type} ${event.Action}`);
  expect(actions).toEqual([
    "container create",
    "network connect",
    "container start",
    "container kill",
    "container kill",
    "network disconnect",
    "container stop",
    "container die",
  ]);
});

test("a health check turns healthy, and unhealthy after its retries", () => {
  const host = smallHost();
  host.preload("busybox");
  const second = 1e9;
  host.run("busybox", ["sleep", "1000"], {
    name: "checked",
    config: { Healthcheck: { Test: ["CMD-SHELL", "test ! -e /broken"], Interval: second, Retries: 2 } },
  });
  const status = (): string => host.call("GET", "/containers/checked/json").body.State.Health.Status;
  expect(status()).toBe("starting");
  host.settle(2500);
  expect(status()).toBe("healthy");
  const exec = host.call("POST", "/containers/checked/exec", { body: { Cmd: ["touch", "/broken"] } });
  host.call("POST", `/exec/${exec.body.Id}/start`, { body: { Detach: true } });
  host.settle(4000);
  expect(status()).toBe("unhealthy");
});

test("an API version that is too new or too old is refused", () => {
  const host = smallHost();
  expect(host.call("GET", "/v1.99/containers/json").body.message).toBe(
    "client version 1.99 is too new. Maximum supported API version is 1.51",
  );
  expect(host.call("GET", "/v1.23/containers/json").status).toBe(400);
  expect(host.call("GET", "/v1.50/containers/json").body).toEqual([]);
});
