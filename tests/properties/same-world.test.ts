/** A world is a function of its start alone: the tenth one made in a process is the first one, byte for byte. */
import { expect, test } from "vitest";
import { runToEnd } from "@/lib/headless/run-to-end";
import { createMachine, type StartState } from "@/simulator";

interface Trace {
  readonly hash: string;
  readonly steps: number;
  readonly revision: number;
  readonly epoch: number;
  readonly output: string;
}

/** Lives a while in a world and says everything that could tell it from another. */
function live(start: StartState, commands: readonly string[]): Trace {
  const machine = createMachine(start);
  let output = "";
  for (const command of commands) {
    const run = runToEnd(machine, command, {});
    output += `${run.exit}\n${run.stdout}${run.stderr}`;
  }
  machine.runUntil(machine.now() + 60_000);
  expect(machine.faults).toEqual([]);
  return { hash: machine.stateHash(), steps: machine.steps, revision: machine.revision, epoch: machine.epoch, output };
}

const docker: readonly string[] = [
  "docker run -d --name web -p 8080:80 nginx && curl -s localhost:8080 | head -3",
  "docker exec web sh -c 'echo changed > /usr/share/nginx/html/index.html'; curl -s localhost:8080; docker diff web",
  "docker run --rm -v data:/data busybox sh -c 'date >> /data/log; cat /data/log'; docker ps -a; docker images",
];
const kubernetes: readonly string[] = [
  "kubectl create deployment web --image=nginx --replicas=3 && kubectl rollout status deployment/web",
  "kubectl expose deployment web --port=80 && kubectl get all -o wide; kubectl get events",
  "kubectl delete pod -l app=web --wait=false; kubectl create token default; kubectl get deployment web -o yaml --show-managed-fields",
];

const worlds: readonly { readonly start: StartState; readonly commands: readonly string[] }[] = [
  { start: { scenario: "docker", seed: 1 }, commands: docker },
  { start: { scenario: "kubernetes", seed: 1 }, commands: kubernetes },
  { start: { scenario: "managed", seed: 2 }, commands: kubernetes },
];

test.each(worlds)(
  "$start.scenario: the first and later worlds of one process are the same (seed $start.seed)",
  ({ start, commands }) => {
    const first = live(start, commands);
    // Others in between, with other seeds and other lives, leave nothing behind that could be seen.
    live({ ...start, seed: 77 }, [...commands].reverse());
    live({ scenario: "docker", seed: start.seed }, docker.slice(1));
    expect(live(start, commands)).toEqual(first);
    expect(live(start, commands)).toEqual(first);
  },
);

test("two worlds that live at the same time do not touch each other", () => {
  const start: StartState = { scenario: "managed", seed: 5 };
  const alone = createMachine(start);
  const left = createMachine(start);
  const right = createMachine({ ...start, seed: 6 });
  const steps = [
    "kubectl create deployment web --image=nginx",
    "docker run -d --name web nginx",
    "kubectl get pods -A -o wide; docker ps",
  ];
  const said = (machine: typeof left, line: string): string => runToEnd(machine, line, {}).stdout;
  const apart = steps.map((line) => said(alone, line));
  const together = steps.map((line) => {
    said(right, `${line}; touch /tmp/right`);
    return said(left, line);
  });
  expect(together).toEqual(apart);
  expect(left.stateHash()).toBe(alone.stateHash());
  expect(left.stateHash()).not.toBe(right.stateHash());
});
