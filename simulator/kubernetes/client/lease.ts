/**
 * Leader election with a Lease object (client-go's leaderelection): who holds the lease works; who cannot renew it in
 * time stops; another takes it over once it has not changed for its duration, by the taker's own clock.
 */
import type { Random } from "../../base/random";
import type { Lease } from "../api/types.generated";
import type { Client } from "./client";
import { EventRecorder, microTime } from "./event-recorder";
import { LEASES } from "./resources";
import type { Scope } from "./scope";

export interface LeaderElectionOptions {
  readonly scope: Scope;
  readonly client: Client;
  readonly random: Random;
  /** The Lease's name: `kube-scheduler`. */
  readonly name: string;
  readonly namespace?: string;
  /** `control-plane_<uuid>`. */
  readonly identity: string;
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
  onStartedLeading(): void;
  /** The lease could not be renewed in time: upstream's components exit. */
  onStoppedLeading(): void;
}

/**
 * The lease with another renewal. Written out for the two forms that there are, a leader's and a node's: a copy of a
 * frozen object costs several times as much, and this is what a world at rest does most.
 */
export function renewed(lease: Lease, renewTime: string): Lease {
  const { kind, apiVersion, metadata, spec } = lease;
  const { holderIdentity, leaseDurationSeconds, acquireTime, leaseTransitions } = spec;
  let count = 0;
  for (const _ in spec) count++;
  if (holderIdentity !== undefined && leaseDurationSeconds !== undefined) {
    if (count === 5 && acquireTime !== undefined && leaseTransitions !== undefined)
      return {
        kind,
        apiVersion,
        metadata,
        spec: { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions },
      };
    if (count === 3) return { kind, apiVersion, metadata, spec: { holderIdentity, leaseDurationSeconds, renewTime } };
  }
  return { ...lease, spec: { ...spec, renewTime } };
}

/** Takes part in the election until the scope ends. What it answers gives the lease back, if it is held (ReleaseOnCancel). */
export function elect(options: LeaderElectionOptions): () => void {
  const {
    scope,
    client,
    random,
    name,
    namespace = "kube-system",
    identity,
    leaseDurationMs = 15_000,
    renewDeadlineMs = 10_000,
    retryPeriodMs = 2000,
  } = options;
  const recorder = new EventRecorder({ client, clock: scope, component: identity.replace(/_.*/, "") || identity });
  let observed: { readonly resourceVersion: string; readonly at: number } | undefined;
  let isLeading = false;
  /** The lease as this candidate last wrote it. */
  let held: Lease | undefined;
  let renewedAt = 0;

  const took = (lease: Lease, now: number): true => {
    held = lease;
    observed = { resourceVersion: lease.metadata.resourceVersion, at: now };
    return true;
  };

  const tryOnce = (): boolean => {
    const now = scope.now();
    // A leader whose lease is good renews it without asking first; when that fails it looks, as client-go does.
    if (isLeading && held && observed && observed.at + leaseDurationMs > now) {
      const answer = client.update(LEASES, renewed(held, microTime(now)));
      if (answer.ok) return took(answer.value, now);
    }
    held = undefined;
    const got = client.get(LEASES, { namespace, name });
    if (!got.ok) {
      if (got.error.reason !== "NotFound") return false;
      const created = client.create(LEASES, {
        metadata: { name, namespace },
        spec: {
          holderIdentity: identity,
          leaseDurationSeconds: leaseDurationMs / 1000,
          acquireTime: microTime(now),
          renewTime: microTime(now),
          leaseTransitions: 0,
        },
      });
      return created.ok;
    }
    const lease: Lease = got.value;
    const { spec } = lease;
    if (observed?.resourceVersion !== lease.metadata.resourceVersion) {
      observed = { resourceVersion: lease.metadata.resourceVersion, at: now };
    }
    const isMine = spec.holderIdentity === identity;
    if (!isMine && spec.holderIdentity && observed.at + leaseDurationMs > now) return false;
    const updated = client.update(LEASES, {
      ...lease,
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: leaseDurationMs / 1000,
        acquireTime: isMine ? (spec.acquireTime ?? microTime(now)) : microTime(now),
        renewTime: microTime(now),
        leaseTransitions: (spec.leaseTransitions ?? 0) + (isMine ? 0 : 1),
      },
    });
    return updated.ok && took(updated.value, now);
  };

  const step = (): void => {
    const isHeld = tryOnce();
    const now = scope.now();
    if (isHeld) {
      renewedAt = now;
      if (!isLeading) {
        isLeading = true;
        recorder.event(
          { kind: "Lease", namespace, name, apiVersion: LEASES.apiVersion },
          "Normal",
          "LeaderElection",
          `${identity} became leader`,
        );
        options.onStartedLeading();
      }
    } else if (isLeading && now - renewedAt >= renewDeadlineMs) {
      isLeading = false;
      options.onStoppedLeading();
      return;
    }
    // Candidates spread their attempts (jitter factor 1.2); a leader renews at a steady beat.
    scope.after(isLeading ? retryPeriodMs : retryPeriodMs * (1 + 1.2 * random.float()), step);
  };
  step();
  return () => {
    if (!isLeading) return;
    const got = client.get(LEASES, { namespace, name });
    if (!got.ok || got.value.spec.holderIdentity !== identity) return;
    const now = microTime(scope.now());
    client.update(LEASES, {
      ...got.value,
      spec: {
        holderIdentity: "",
        leaseDurationSeconds: 1,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: got.value.spec.leaseTransitions ?? 0,
      },
    });
  };
}
