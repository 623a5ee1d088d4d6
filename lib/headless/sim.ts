/**
 * npm run --silent sim -- [--scenario NAME] [--seed N] (-c 'commands' | FILE | --jsonl | --list)
 * Runs commands in a world and prints what a terminal would show. Exit status: that of the last command.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type Machine, bytesToArray, createMachine, scenarios } from "@/simulator";
import { type JsonlRequest, answer } from "./jsonl";
import { LAB, runToEnd } from "./run-to-end";

const usage = `Usage: npm run --silent sim -- [options] FILE
       npm run --silent sim -- [options] -c 'commands'
       npm run --silent sim -- [options] --jsonl
       npm run --silent sim -- --list

  --scenario NAME   the world to start in (default: kubernetes)
  --seed N          another run of chance (default: 1)
  -c COMMANDS       commands to run
  --jsonl           read one JSON request a line, answer each with one line
  --list            name the scenarios
`;

async function main(): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    process.stderr.write(`sim: ${(error as Error).message}\n${usage}`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (values.list) {
    for (const scenario of scenarios) process.stdout.write(`${scenario.name.padEnd(22)}${scenario.description}\n`);
    return 0;
  }
  if (!scenarios.some((scenario) => scenario.name === values.scenario)) {
    process.stderr.write(
      `sim: no scenario "${values.scenario}". There are: ${scenarios.map((one) => one.name).join(", ")}\n`,
    );
    return 2;
  }
  const seed = Number(values.seed);
  if (!Number.isInteger(seed) || seed < 0) {
    process.stderr.write(`sim: --seed takes a whole number, not "${values.seed}"\n`);
    return 2;
  }
  const machine = createMachine({ scenario: values.scenario, seed });
  if (values.jsonl) return serveJsonl(machine);
  process.once("exit", () => reportFaults(machine, 0));
  let commands = values.command;
  if (commands === undefined) {
    const file = positionals[0];
    if (file === undefined) {
      process.stderr.write(usage);
      return 2;
    }
    try {
      commands = readFileSync(file, "utf8");
    } catch (error) {
      process.stderr.write(`sim: ${file}: ${(error as Error).message}\n`);
      return 2;
    }
  }
  const run = runToEnd(machine, commands, { cwd: LAB }, (chunk, stream) => process[stream].write(bytesToArray(chunk)));
  return run.exit;
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      scenario: { type: "string", default: "kubernetes" },
      seed: { type: "string", default: "1" },
      command: { type: "string", short: "c" },
      jsonl: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
}

/** Says on standard error what the simulator itself got wrong, from the n-th on. Answers how many there are. */
function reportFaults(machine: Machine, from: number): number {
  for (const fault of machine.faults.slice(from)) process.stderr.write(`sim: a bug of the simulator: ${fault}\n`);
  return machine.faults.length;
}

async function serveJsonl(machine: Machine): Promise<number> {
  let last = 0;
  let reported = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    let request: JsonlRequest;
    try {
      request = JSON.parse(line) as JsonlRequest;
    } catch (error) {
      process.stdout.write(`${JSON.stringify({ error: `not JSON: ${(error as Error).message}` })}\n`);
      continue;
    }
    const reply = answer(machine, request);
    if ("exit" in reply) last = reply.exit;
    reported = reportFaults(machine, reported);
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
  return last;
}

main().then((code) => {
  process.exitCode = code;
});
