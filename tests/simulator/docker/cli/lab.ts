/** The recorded laptop with its engine, for tests of the docker CLI: commands in a fresh shell in /root/lab. */
import { runToEnd } from "@/lib/headless/run-to-end";
import { createMachine, decodeUtf8 } from "@/simulator";

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

export function dockerLab(scenario = "recorded-docker") {
  const machine = createMachine({ scenario, seed: 1 });
  const run = (
    line: string,
    options: { readonly tty?: boolean; readonly keys?: readonly (readonly [number, string])[] } = {},
  ): Ran => {
    const ran = runToEnd(
      machine,
      line,
      { cwd: "/root/lab", ...(options.tty ? { tty: { columns: 120, rows: 40 } } : {}) },
      undefined,
      options.keys ?? [],
    );
    expectNoFaults(machine.faults);
    return { stdout: decodeUtf8(ran.stdout), stderr: decodeUtf8(ran.stderr), exit: ran.exit };
  };
  return {
    machine,
    run,
    /** Standard output alone, of a command that must succeed. */
    out(line: string): string {
      const ran = run(line);
      if (ran.exit !== 0) throw new Error(`${line}: exit ${ran.exit}\n${ran.stderr}`);
      return ran.stdout;
    },
    write(path: string, content: string): void {
      machine.apply({ kind: "save", path: `/root/lab/${path}`, content });
    },
  };
}

function expectNoFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/** What a terminal's reader sees of text with colours and cursor moves, frame after frame. */
export const plain = (text: string): string => text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\r/g, "");
