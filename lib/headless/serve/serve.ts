/** Starts the servers of a machine and tells where they are. */
import { rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { createMachine } from "@/simulator";
import { CertificateAuthority } from "./certificates";
import { createDockerServer } from "./docker-server";
import { Driver, type Speed } from "./driver";
import { servedKubeconfig } from "./kubeconfig";
import { createKubernetesServer } from "./kubernetes-server";

export interface ServeOptions {
  readonly scenario: string;
  readonly seed: number;
  readonly speed: Speed;
  /** Of the Kubernetes API; 0 takes one that is free. */
  readonly port: number;
  readonly dockerPort?: number;
  readonly dockerSocket?: string;
  readonly kubeconfig?: string;
}

export interface Served {
  readonly driver: Driver;
  /** Undefined where the world has no cluster. */
  readonly kubernetes: { readonly url: string; readonly kubeconfig: string } | undefined;
  /** As DOCKER_HOST has it; undefined where the world has no engine or no place for it was named. */
  readonly dockerHosts: readonly string[];
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

export async function serve(options: ServeOptions): Promise<Served> {
  const machine = createMachine({ scenario: options.scenario, seed: options.seed });
  const driver = new Driver(machine, options.speed);
  const servers: Server[] = [];
  const sockets = new Set<{ destroy(): void }>();
  const start = async (server: Server, where: { port: number } | { path: string }): Promise<number> => {
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen("port" in where ? { host: LOOPBACK, port: where.port } : where, resolve);
    });
    servers.push(server);
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  const close = async (): Promise<void> => {
    driver.stop();
    for (const socket of [...sockets]) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  };
  try {
    let kubernetes: Served["kubernetes"];
    if (machine.observe.kubernetes({ method: "GET", path: "/version" })) {
      const authority = new CertificateAuthority();
      const port = await start(createKubernetesServer(driver, authority), { port: options.port });
      const kubeconfig = servedKubeconfig(machine, authority, port);
      if (kubeconfig !== undefined) {
        kubernetes = { url: `https://${LOOPBACK}:${port}`, kubeconfig };
        if (options.kubeconfig !== undefined) writeFileSync(options.kubeconfig, kubeconfig, { mode: 0o600 });
      }
    }
    const dockerHosts: string[] = [];
    if (machine.observe.docker({ method: "GET", path: "/_ping" })) {
      if (options.dockerPort !== undefined)
        dockerHosts.push(`tcp://${LOOPBACK}:${await start(createDockerServer(driver), { port: options.dockerPort })}`);
      if (options.dockerSocket !== undefined) {
        // What an earlier run left behind.
        rmSync(options.dockerSocket, { force: true });
        await start(createDockerServer(driver), { path: options.dockerSocket });
        dockerHosts.push(`unix://${options.dockerSocket}`);
      }
    }
    return { driver, kubernetes, dockerHosts, close };
  } catch (error) {
    await close();
    throw error;
  }
}
