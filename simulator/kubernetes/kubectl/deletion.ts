/** Deleting an object and waiting until it is gone. */
import type { Task } from "../../base/task";
import type { KubeObject, Status } from "../apimachinery/object";
import { groupResource, resourcePath } from "./discovery";
import type { Factory } from "./factory";
import { ApiFailure, CommandFailure } from "./failure";
import { watchReader } from "./rest";
import type { Plan } from "./targets";

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Background" | "Orphan" | "Foreground";
  readonly dryRun?: boolean;
}

type Named = Pick<Plan & { name: string }, "mapping" | "namespace" | "name">;

/** Sends the DELETE; the uid of what was deleted. */
export function* deleteObject(factory: Factory, target: Named, options: DeleteOptions): Task<string | undefined> {
  const answer = yield* factory.client.json<KubeObject | Status>(
    "DELETE",
    resourcePath(target.mapping, target.namespace, target.name),
    {
      query: { dryRun: options.dryRun ? "All" : undefined },
      body: {
        kind: "DeleteOptions",
        apiVersion: "v1",
        ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
        ...(options.propagationPolicy ? { propagationPolicy: options.propagationPolicy } : {}),
        ...(options.dryRun ? { dryRun: ["All"] } : {}),
      },
    },
  );
  return answer.kind === "Status" ? (answer as Status).details?.uid : (answer as KubeObject).metadata?.uid;
}

/** Waits until the object with this uid is no longer there. */
export function* waitUntilGone(
  factory: Factory,
  target: Named,
  uid: string | undefined,
  timeoutMs: number,
): Task<void> {
  const { process } = factory;
  const deadline = process.now() + timeoutMs;
  const timedOut = (): CommandFailure =>
    new CommandFailure(
      `timed out waiting for the condition on ${groupResource(target.mapping).split(".")[0]}/${target.name}`,
    );
  for (;;) {
    let version: string;
    try {
      const object = yield* factory.client.get<KubeObject>(resourcePath(target.mapping, target.namespace, target.name));
      if (uid !== undefined && object.metadata.uid !== uid) return;
      version = object.metadata.resourceVersion;
    } catch (error) {
      if (error instanceof ApiFailure && error.isNotFound) return;
      throw error;
    }
    if (process.now() >= deadline) throw timedOut();
    const stream = yield* factory.client.stream("GET", resourcePath(target.mapping, target.namespace), {
      query: { fieldSelector: `metadata.name=${target.name}`, resourceVersion: version, watch: "true" },
    });
    const events = watchReader(stream);
    try {
      for (;;) {
        const event = yield* events.next(process, deadline - process.now());
        if (!event) break;
        if (event.type === "DELETED") return;
        if (event.type === "ERROR") break;
      }
    } finally {
      events.close();
    }
    if (process.now() >= deadline) throw timedOut();
  }
}

/** A week: kubectl's "as long as it takes". */
export const FOREVER_MS = 168 * 3_600_000;

export function* deleteAndWait(
  factory: Factory,
  target: Named,
  options: DeleteOptions,
  timeoutMs = FOREVER_MS,
): Task<void> {
  const uid = yield* deleteObject(factory, target, options);
  yield* waitUntilGone(factory, target, uid, timeoutMs);
}
