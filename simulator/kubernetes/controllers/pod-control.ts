/** RealPodControl: creates Pods from a template and deletes them, and tells of it in Events on their owner. */
import { ok, type Result } from "../../base/result";
import type { KubeObject, OwnerReference, Status } from "../apimachinery/object";
import type { Pod, PodTemplateSpec } from "../api/types.generated";
import { type Client, isNamespaceTerminating, isNotFound, type NewObject } from "../client/client";
import type { EventRecorder } from "../client/event-recorder";
import { PODS } from "../client/resources";

export interface PodControlOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
}

export interface PodRequest {
  readonly owner: KubeObject;
  readonly controllerRef: OwnerReference;
  readonly template: PodTemplateSpec;
  /** Instead of a generated name. */
  readonly name?: string;
  /** Changes the Pod made from the template before it is sent. */
  readonly adjust?: (pod: NewObject<Pod>) => NewObject<Pod>;
}

export class PodControl {
  readonly #client: Client;
  readonly #recorder: EventRecorder;

  constructor({ client, recorder }: PodControlOptions) {
    this.#client = client;
    this.#recorder = recorder;
  }

  create({ owner, controllerRef, template, name, adjust }: PodRequest): Result<Pod, Status> {
    const { labels, annotations, finalizers } = template.metadata ?? {};
    const draft: NewObject<Pod> = {
      metadata: {
        ...(name === undefined ? { generateName: podPrefix(owner.metadata.name) } : { name }),
        namespace: owner.metadata.namespace!,
        ...(labels ? { labels } : {}),
        ...(annotations ? { annotations } : {}),
        ...(finalizers ? { finalizers } : {}),
        ownerReferences: [controllerRef],
      },
      spec: template.spec!,
    };
    const created = this.#client.create(PODS, adjust ? adjust(draft) : draft);
    if (created.ok) {
      this.#recorder.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${created.value.metadata.name}`);
    } else if (!isNamespaceTerminating(created.error)) {
      this.#recorder.event(owner, "Warning", "FailedCreate", `Error creating: ${created.error.message}`);
    }
    return created;
  }

  /** A Pod that is gone already counts as deleted only for the caller: the Result is NotFound. */
  delete(owner: KubeObject, pod: Pod): Result<void, Status> {
    const { namespace, name } = pod.metadata;
    const deleted = this.#client.delete(PODS, { namespace: namespace!, name });
    if (!deleted.ok) {
      if (!isNotFound(deleted.error)) {
        this.#recorder.event(owner, "Warning", "FailedDelete", `Error deleting: ${deleted.error.message}`);
      }
      return deleted;
    }
    this.#recorder.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    return ok();
  }
}

/** `web-7d4cbd4f8-`; without the dash where the prefix would be no valid name otherwise. */
const podPrefix = (name: string): string => `${name}-`;

/**
 * slowStartBatch: tries 1, 2, 4, … at a time and stops after the batch that had a failure, so that what cannot be
 * created (no quota) is not tried a hundred times. Answers how many succeeded, and the first failure.
 */
export function slowStartBatch(
  count: number,
  initialBatchSize: number,
  run: () => Status | undefined,
): { readonly successes: number; readonly error?: Status } {
  let remaining = count;
  let successes = 0;
  for (let batch = Math.min(remaining, initialBatchSize); batch > 0; batch = Math.min(2 * batch, remaining)) {
    let error: Status | undefined;
    for (let i = 0; i < batch; i++) {
      const failed = run();
      if (failed) error ??= failed;
      else successes++;
    }
    if (error) return { successes, error };
    remaining -= batch;
  }
  return { successes };
}
