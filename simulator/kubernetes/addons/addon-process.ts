/** What add-on programs that run in containers need of the cluster: a way to the API server, and credentials. */
import { decodeUtf8 } from "../../base/bytes";
import { SysError } from "../../os/errno";
import { Deferred, type Task, suspend } from "../../base/task";
import type { Process } from "../../os/process";
import type { Credentials, Transport } from "../apimachinery/transport";
import { Client } from "../client/client";
import { InformerFactory } from "../client/informer";
import { Scope } from "../client/scope";

export interface AddonDependencies {
  readonly transport: Transport;
  /** Credentials where the Pod has no service account token mounted: the cluster's choice for this program. */
  credentials?(program: string): Credentials | undefined;
}

const TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/** In-cluster configuration: the mounted token, else what the cluster hands out. */
export function credentialsOf(
  process: Process,
  dependencies: AddonDependencies,
  program: string,
): Credentials | undefined {
  try {
    const token = decodeUtf8(process.fs.readFile(TOKEN)).trim();
    if (token !== "") return { token };
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return dependencies.credentials?.(program);
}

export interface AddonRun {
  readonly scope: Scope;
  readonly client: Client;
  readonly informers: InformerFactory;
}

/** A client with informers that live as long as the process. */
export function addonRun(
  process: Process,
  dependencies: AddonDependencies,
  program: string,
  version = "v1.36.2",
): AddonRun {
  const { loop, random } = process.kernel;
  const scope = new Scope(loop);
  const credentials = credentialsOf(process, dependencies, program);
  const client = new Client({
    transport: dependencies.transport,
    userAgent: `${program}/${version} (linux/amd64)`,
    ...(credentials ? { credentials } : {}),
  });
  process.atExit(() => scope.end());
  return {
    scope,
    client,
    informers: new InformerFactory({
      scope,
      client,
      random: random.stream(`${program}/${process.context.hostname()}`),
    }),
  };
}

/** Starts the informers and waits until each has its first list. */
export function* startInformers(informers: InformerFactory): Task<void> {
  const synced = new Deferred<true>();
  informers.start();
  informers.whenSynced(() => synced.resolve(true));
  yield* suspend(synced.wait);
}

/** Waits until the process is told to end: TERM and INT end it with 0, as Go programs that shut down cleanly do. */
export function* untilTerminated(process: Process): Task<number> {
  const told = new Deferred<true>();
  for (const signal of ["TERM", "INT"] as const) process.onSignal(signal, () => told.resolve(true));
  yield* suspend(told.wait);
  return 0;
}
