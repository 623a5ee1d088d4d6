/** A served world with real clients beside it, and a second one of the same seed for the clients inside. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LAB, runToEnd } from "@/lib/headless/run-to-end";
import { type Served, serve } from "@/lib/headless/serve/serve";
import { realClient } from "@/lib/tools/real-clients.mjs";
import { type Machine, createMachine, decodeUtf8 } from "@/simulator";

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: number;
}

const SEED = 7;

export class ServedWorld {
  readonly served: Served;
  /** Where commands run, with a docker.sock and a kubeconfig. */
  readonly folder: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(served: Served, folder: string, environment: NodeJS.ProcessEnv) {
    this.served = served;
    this.folder = folder;
    this.#environment = environment;
  }

  static async start(scenario: string, client: "kubectl" | "docker"): Promise<ServedWorld> {
    const program = realClient(client);
    const home = mkdtempSync(join(tmpdir(), "served-"));
    const folder = join(home, "lab");
    const programs = join(home, "bin");
    for (const each of [folder, programs]) mkdirSync(each);
    symlinkSync(program, join(programs, client));
    const kubeconfig = join(home, "kubeconfig");
    const dockerSocket = join(home, "docker.sock");
    const served = await serve({ scenario, seed: SEED, speed: "max", port: 0, kubeconfig, dockerSocket });
    return new ServedWorld(served, folder, {
      NODE_ENV: "test",
      HOME: home,
      PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`,
      KUBECONFIG: kubeconfig,
      KUBECACHEDIR: join(home, "cache"),
      DOCKER_HOST: `unix://${dockerSocket}`,
      DOCKER_CONFIG: join(home, "docker"),
      DOCKER_BUILDKIT: "0",
      LANG: "C.UTF-8",
    });
  }

  write(path: string, content: string): void {
    const full = join(this.folder, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }

  /** A command line with the real client. */
  run(line: string, stdin = ""): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn("bash", ["-c", line], { cwd: this.folder, env: this.#environment });
      let stdout = "";
      let stderr = "";
      const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      child.on("error", reject);
      child.on("close", (code) => {
        clearTimeout(timer);
        resolve({ stdout, stderr, exit: code ?? 137 });
      });
      child.stdin.on("error", () => {});
      child.stdin.end(stdin);
    });
  }

  async close(): Promise<void> {
    await this.served.close();
    rmSync(dirname(this.folder), { recursive: true, force: true });
  }
}

/** The same world with the clients that live in it. */
export class InnerWorld {
  readonly machine: Machine;

  constructor(scenario: string) {
    this.machine = createMachine({ scenario, seed: SEED });
  }

  write(path: string, content: string): void {
    this.machine.apply({ kind: "save", path: `${LAB}/${path}`, content });
  }

  run(line: string, stdin = ""): Outcome {
    const { stdout, stderr, exit } = runToEnd(this.machine, line, { cwd: LAB, stdin });
    return { stdout: decodeUtf8(stdout), stderr: decodeUtf8(stderr), exit };
  }
}
