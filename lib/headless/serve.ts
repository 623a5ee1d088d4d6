/**
 * npm run --silent sim:serve -- [--scenario NAME] [--seed N] [--port P] [--docker-port P | --docker-socket PATH]
 *                               [--kubeconfig FILE] [--speed X]
 * Serves a world's Kubernetes API and Docker Engine API on the loopback, for the real kubectl and docker.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { scenarios } from "@/simulator";
import { serve } from "./serve/serve";

const usage = `Usage: npm run --silent sim:serve -- [options]

  --scenario NAME        the world (default: kubernetes)
  --seed N               another run of chance (default: 1)
  --port P               port of the Kubernetes API (default: 6443; 0: any)
  --docker-port P        TCP port of the Docker Engine API (0: any)
  --docker-socket PATH   unix socket of the Docker Engine API (default, without --docker-port: docker.sock in the
                         folder for temporary files)
  --kubeconfig FILE      where the kubeconfig goes (default: kubeconfig in the folder for temporary files)
  --speed X              virtual seconds in a real one (default: 1), or "max": time runs ahead while a request waits
`;

function fail(message: string): never {
  process.stderr.write(`sim:serve: ${message}\n${usage}`);
  process.exit(2);
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) fail(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}

function parse() {
  try {
    return parseArgs({
      options: {
        scenario: { type: "string", default: "kubernetes" },
        seed: { type: "string", default: "1" },
        port: { type: "string", default: "6443" },
        "docker-port": { type: "string" },
        "docker-socket": { type: "string" },
        kubeconfig: { type: "string" },
        speed: { type: "string", default: "1" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

async function main(): Promise<void> {
  const values = parse();
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (!scenarios.some(({ name }) => name === values.scenario))
    fail(`no scenario "${values.scenario}". There are: ${scenarios.map(({ name }) => name).join(", ")}`);
  const speed = values.speed === "max" ? "max" : Number(values.speed);
  if (speed !== "max" && !(speed > 0)) fail(`--speed takes a number above 0 or "max", not "${values.speed}"`);
  const kubeconfig = values.kubeconfig ?? join(tmpdir(), "kubeconfig");
  const dockerSocket =
    values["docker-socket"] ?? (values["docker-port"] === undefined ? join(tmpdir(), "docker.sock") : undefined);
  const served = await serve({
    scenario: values.scenario,
    seed: wholeNumber("seed", values.seed),
    port: wholeNumber("port", values.port),
    speed,
    kubeconfig,
    ...(values["docker-port"] === undefined ? {} : { dockerPort: wholeNumber("docker-port", values["docker-port"]) }),
    ...(dockerSocket === undefined ? {} : { dockerSocket }),
  });
  served.driver.onFault = (text) => process.stderr.write(`sim:serve: a bug of the simulator: ${text}\n`);
  if (served.kubernetes) process.stdout.write(`${served.kubernetes.url}\nexport KUBECONFIG=${kubeconfig}\n`);
  for (const host of served.dockerHosts) process.stdout.write(`export DOCKER_HOST=${host}\n`);
  const stop = (): void => void served.close().then(() => process.exit(0));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`sim:serve: ${(error as Error).message}\n`);
  process.exitCode = 1;
});
