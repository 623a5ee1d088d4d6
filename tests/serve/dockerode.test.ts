/** dockerode, a client that is no command line, over TCP. */
import { Writable } from "node:stream";
import Docker from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Served, serve } from "@/lib/headless/serve/serve";

let served: Served;
let docker: Docker;

beforeAll(async () => {
  served = await serve({ scenario: "docker", seed: 3, speed: "max", port: 0, dockerPort: 0 });
  docker = new Docker({ host: "127.0.0.1", port: Number(new URL(served.dockerHosts[0]!).port) });
  await finished(await docker.pull("alpine:latest"));
}, 60_000);

afterAll(() => served?.close());

const finished = (stream: NodeJS.ReadableStream): Promise<unknown[]> =>
  new Promise((resolve, reject) =>
    docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output))),
  );

class Collected extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const ended = (stream: NodeJS.ReadableStream): Promise<void> =>
  new Promise((resolve) => stream.on("end", resolve).on("close", resolve));

test("pull tells its progress", async () => {
  const messages = (await finished(await docker.pull("busybox:latest"))) as { status: string }[];
  expect(messages[0]!.status).toBe("Pulling from library/busybox");
  expect(messages.at(-1)!.status).toMatch(/^Status: (Downloaded newer image|Image is up to date) for busybox:latest$/);
});

test("a missing image fails with the engine's words", async () => {
  await expect(docker.createContainer({ Image: "nowhere" })).rejects.toMatchObject({
    statusCode: 404,
    json: { message: "No such image: nowhere:latest" },
  });
});

test("create, attach, start, wait: outputs come apart", async () => {
  const container = await docker.createContainer({
    Image: "alpine",
    Cmd: ["sh", "-c", "echo out; echo err >&2; exit 2"],
  });
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const over = ended(stream);
  const [stdout, stderr] = [new Collected(), new Collected()];
  docker.modem.demuxStream(stream, stdout, stderr);
  await container.start();
  expect(await container.wait()).toMatchObject({ StatusCode: 2 });
  await over;
  expect([stdout.text, stderr.text]).toEqual(["out\n", "err\n"]);
  const logs = await container.logs({ stdout: true, stderr: true });
  expect(logs.toString("latin1")).toBe("\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n");
  await container.remove();
  await expect(container.inspect()).rejects.toMatchObject({ statusCode: 404 });
});

test("a hijacked connection takes input and its end", async () => {
  const container = await docker.createContainer({
    Image: "alpine",
    Cmd: ["wc", "-c"],
    OpenStdin: true,
    StdinOnce: true,
  });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const over = ended(stream);
  const stdout = new Collected();
  docker.modem.demuxStream(stream, stdout, new Collected());
  await container.start();
  stream.end("123456");
  await container.wait();
  await over;
  expect(stdout.text.trim()).toBe("6");
});

test("exec, with and without a terminal", async () => {
  const container = await docker.createContainer({ Image: "alpine", Cmd: ["sleep", "1000"] });
  await container.start();
  for (const [Tty, wanted] of [
    [false, "hello\n"],
    [true, "hello\r\n"],
  ] as const) {
    const command = await container.exec({ Cmd: ["echo", "hello"], AttachStdout: true, AttachStderr: true, Tty });
    const stream = await command.start({ Tty });
    const over = ended(stream);
    const stdout = new Collected();
    if (Tty) stream.pipe(stdout);
    else docker.modem.demuxStream(stream, stdout, new Collected());
    await over;
    expect(stdout.text).toBe(wanted);
    expect(await command.inspect()).toMatchObject({ ExitCode: 0, Running: false });
  }
  const stats = await container.stats({ stream: false });
  expect(stats.memory_stats.usage).toBeGreaterThan(0);
  await container.remove({ force: true });
});

test("events come as they happen, one JSON value a line", async () => {
  const stream = await docker.getEvents({ filters: { type: ["volume"] } });
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await docker.createVolume({ Name: "one" });
  await docker.getVolume("one").remove();
  for (let i = 0; i < 50 && text.split("\n").length < 3; i++) await new Promise((resolve) => setTimeout(resolve, 20));
  (stream as unknown as { destroy(): void }).destroy();
  const actions = text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { Action: string }).Action);
  expect(actions).toEqual(["create", "destroy"]);
});

test("archives go in and out", async () => {
  const container = await docker.createContainer({ Image: "alpine" });
  const archive = await container.getArchive({ path: "/etc/hostname" });
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  await container.putArchive(Buffer.concat(parts), { path: "/tmp" });
  const stat = await container.infoArchive({ path: "/tmp/hostname" });
  const head = (stat as unknown as { headers: Record<string, string> }).headers["x-docker-container-path-stat"]!;
  expect(JSON.parse(Buffer.from(head, "base64").toString())).toMatchObject({ name: "hostname" });
});
