import { LessonSession } from "@/lib/checker/session";
import { createMachine, type Input, MissingPart } from "@/simulator/core";
import { expect, test } from "vitest";

// Only `core` is imported above: at first no part is there. The tests of this file run in order.

const loaders: Readonly<Record<string, () => Promise<unknown>>> = {
  "docker-cli": () => import("@/simulator/parts/docker-cli"),
  tools: () => import("@/simulator/parts/tools"),
  "net-tools": () => import("@/simulator/parts/net-tools"),
  servers: () => import("@/simulator/parts/servers"),
  build: () => import("@/simulator/parts/build"),
};

const inputs: readonly Input[] = [
  { kind: "open", terminal: 1, columns: 80, rows: 24 },
  { kind: "type", terminal: 1, text: "docker run -d --name web -p 8080:80 nginx\r" },
  { kind: "type", terminal: 1, text: "curl -s localhost:8080 | grep title | awk '{ print NR }' & ls /\r" },
  { kind: "type", terminal: 1, text: "printf 'FROM busybox\\nRUN echo hi\\n' | docker build -q -\r" },
];

const title = { vi: "a", en: "b" };
const tasks = [
  {
    id: "t",
    title,
    hints: [],
    goals: [{ id: "g", title, check: { kind: "docker.container", name: "web", state: "running" } }],
  },
];

async function play(): Promise<{ readonly hash: string; readonly goals: unknown; readonly waitedFor: string[] }> {
  const session = new LessonSession(createMachine({ scenario: "docker", seed: 5 }), { tasks });
  const { machine } = session;
  const waitedFor: string[] = [];
  for (const input of inputs) {
    session.apply(input);
    const until = machine.now() + 20_000;
    while (!session.advanceTo(until)) {
      const part = machine.missing;
      if (part === undefined) throw new Error("the session stopped for no reason");
      waitedFor.push(part);
      const at = machine.now();
      expect(session.advanceTo(until), "nothing moves before the part is there").toBe(false);
      expect(machine.now()).toBe(at);
      expect(() => machine.apply({ kind: "type", terminal: 1, text: "x" })).toThrow(MissingPart);
      await loaders[part]!();
    }
  }
  return { hash: machine.stateHash(), goals: session.goals, waitedFor };
}

test("a start state that runs a program which is not there names the part", () => {
  expect(() => createMachine({ scenario: "docker", seed: 5, commands: ["docker version"] })).toThrow(
    new MissingPart("docker-cli"),
  );
});

test("a world is the same whether its code was there or came when it was needed", async () => {
  const first = await play();
  expect([...first.waitedFor].sort()).toEqual(["build", "docker-cli", "net-tools", "servers", "tools"]);
  const second = await play();
  expect(second.waitedFor).toEqual([]);
  expect(second.hash).toBe(first.hash);
  expect(second.goals).toEqual(first.goals);
  expect(JSON.stringify(first.goals)).toContain('"met":true');
});
