/** The worker's world without a worker: what it tells the page. */
import { afterEach, expect, test } from "vitest";
import type { FromWorker, LineRun } from "@/lib/playground/protocol";
import { World } from "@/lib/playground/world";
// Every part of the simulator, as on the server: nothing has to be fetched.
import "@/simulator";

const text = { vi: "a", en: "b" };
const lesson = {
  tasks: [
    {
      id: "t",
      title: text,
      hints: [],
      goals: [{ id: "made", title: text, check: { kind: "file", path: "/root/made" } }],
    },
  ],
};

let world: World | undefined;
afterEach(() => world?.stop());

function start() {
  const told: FromWorker[] = [];
  const spec = { key: "c/l", start: { scenario: "docker", seed: 1 }, startHash: "x", lesson };
  const made = new World(
    spec,
    "attempt",
    undefined,
    (message) => told.push(message),
    () => {},
  );
  world = made;
  made.begin();
  made.apply({ kind: "open", terminal: 1, columns: 80, rows: 24 });
  const type = (line: string) => made.apply({ kind: "type", terminal: 1, text: `${line}\r` });
  const screen = () =>
    told
      .flatMap((message) => (message.kind === "output" ? message.chunks : []))
      .map((chunk) => ("bytes" in chunk ? new TextDecoder().decode(chunk.bytes) : ""))
      .join("");
  const seconds = () => {
    const clock = told.findLast((message) => message.kind === "clock");
    return clock === undefined ? 0 : clock.clock.at / 1000;
  };
  const isSkipping = () => told.findLast((message) => message.kind === "clock")?.clock.skippingTo !== undefined;
  return { world: made, told, type, screen, seconds, isSkipping };
}

const soon = (what: () => boolean) => expect.poll(what, { timeout: 15_000, interval: 20 }).toBe(true);

test("skipping to the next change goes on until something is printed, and no further", async () => {
  const { world, type, screen, seconds, isSkipping } = start();
  await soon(() => screen().includes("laptop:~#"));
  type("sleep 100; echo awake; sleep 1000");
  await soon(() => screen().includes("sleep 1000"));
  world.skip("change");
  await soon(() => screen().includes("awake\r\n"));
  await soon(() => !isSkipping());
  expect(seconds()).toBeGreaterThanOrEqual(100);
  expect(seconds()).toBeLessThan(110);
});

test("a goal that is met ends it, too; with every goal met, the lines that led there are told", async () => {
  const { world, told, type, screen, seconds, isSkipping } = start();
  const path = () => told.findLast((message) => message.kind === "path")?.path as readonly LineRun[] | undefined;
  await soon(() => screen().includes("laptop:~#"));
  type("echo a detour");
  type("(sleep 50; touch /root/made) &");
  await soon(() => screen().includes("[1]"));
  await soon(() => screen().trimEnd().endsWith("laptop:~#"));
  expect(path()).toBeUndefined();
  world.skip("change");
  await soon(() => path() !== undefined);
  await soon(() => !isSkipping());
  expect(seconds()).toBeLessThan(60);
  expect(path()?.map(({ host, text }) => [host, text])).toEqual([
    ["laptop", "echo a detour"],
    ["laptop", "(sleep 50; touch /root/made) &"],
  ]);
});

test("skips of a length add up", async () => {
  const { world, screen, seconds, isSkipping } = start();
  await soon(() => screen().includes("laptop:~#"));
  world.skip(10_000);
  world.skip(60_000);
  await soon(() => seconds() >= 70 && !isSkipping());
  expect(seconds()).toBeLessThan(80);
});
