/** DaemonSet controller: one Pod on each node that suits. */
import { deepEqual } from "../../base/json";
import { scaledValue } from "../apimachinery/int-or-string";
import { matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { Status } from "../apimachinery/object";
import type { DaemonSet, Node, Pod, PodTemplateSpec, Toleration } from "../api/types.generated";
import { isNamespaceTerminating, isNotFound } from "../client/client";
import { defineController, type Outcome } from "../client/controller";
import {
  BY_CONTROLLER,
  claim,
  claimable,
  controllerOf,
  indexByController,
  newControllerRef,
} from "../client/controller-ref";
import { Expectations } from "../client/expectations";
import { podMayRunOn } from "../client/node-affinity";
import { keyOf } from "../client/resource-type";
import { CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS } from "../client/resources";
import { isTolerated } from "../client/taints";
import { currentRevision, truncateHistory } from "./controller-revisions";
import { PodControl, slowStartBatch } from "./pod-control";
import { isPodAvailable, isPodReady } from "./pods";

const HASH = "controller-revision-hash";
const GENERATION = "pod-template-generation";
const TEMPLATE_GENERATION = "deprecated.daemonset.template.generation";
const FAILED_BACKOFF_MS = 1000;

/** Daemons stay where others must leave (util.AddOrUpdateDaemonPodTolerations). */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
const HOST_NETWORK_TOLERATION: Toleration = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

export const daemonSetController = defineController({
  name: "daemonset-controller",
  serviceAccount: "daemon-set-controller",
  setup(context) {
    const { client, queue, recorder } = context;
    const expectations = new Expectations(context);
    const podControl = new PodControl({ client, recorder });
    const sets = context.watch(DAEMON_SETS, (set) => [keyOf(set)]).cache;
    const ownerKey = (pod: Pod): string | undefined => {
      const owner = controllerOf(pod);
      return owner?.kind === "DaemonSet" ? `${pod.metadata.namespace}/${owner.name}` : undefined;
    };
    const pods = context.watch(PODS, {
      added(pod) {
        const key = ownerKey(pod);
        if (key) {
          expectations.creationObserved(key);
          queue.add(key);
        } else if (!controllerOf(pod)) {
          for (const set of sets.inNamespace(pod.metadata.namespace!)) {
            if (matches(selectorFromLabelSelector(set.spec.selector), pod.metadata.labels)) queue.add(keyOf(set));
          }
        }
      },
      updated(pod) {
        const key = ownerKey(pod);
        if (key) queue.add(key);
      },
      deleted(pod) {
        const key = ownerKey(pod);
        if (!key) return;
        expectations.deletionObserved(key, keyOf(pod));
        queue.add(key);
      },
    }).cache;
    pods.addIndex(BY_CONTROLLER, indexByController);
    const revisions = context.informer(CONTROLLER_REVISIONS).cache;
    revisions.addIndex(BY_CONTROLLER, indexByController);
    const allKeys = (): Iterable<string> => [...sets.list()].map(keyOf);
    const nodes = context.watch(NODES, (node, old) =>
      old && node.spec === old.spec && node.metadata.labels === old.metadata.labels ? [] : allKeys(),
    ).cache;

    return {
      reconcile(key): Outcome {
        const set = sets.get(key);
        if (!set) {
          expectations.delete(key);
          return undefined;
        }
        if (set.metadata.deletionTimestamp) return undefined;
        context.spend(nodes.size * 0.1);
        const selector = selectorFromLabelSelector(set.spec.selector);
        const { claimed, error } = claim(claimable(pods, set), {
          client,
          owner: set,
          ownerType: DAEMON_SETS,
          type: PODS,
          selector,
        });
        if (error) return { error };
        const generation = set.metadata.annotations?.[TEMPLATE_GENERATION];
        const own = [...revisions.byIndex(BY_CONTROLLER, set.metadata.uid)];
        const revision = currentRevision({
          client,
          owner: set,
          ownerType: DAEMON_SETS,
          template: set.spec.template,
          labels: set.spec.template.metadata?.labels ?? {},
          ...(generation ? { annotations: { [TEMPLATE_GENERATION]: generation } } : {}),
          hashLabel: HASH,
          revisions: own,
          ...(set.status?.collisionCount ? { collisionCount: set.status.collisionCount } : {}),
        });
        if (!revision.ok) return { error: revision.error };
        const hash = revision.value.metadata.labels![HASH]!;
        const byNode = groupByNode(claimed);
        let failed: Status | undefined;
        if (expectations.satisfied(key)) {
          failed = manage(key, set, byNode, hash);
          if (!failed && expectations.satisfied(key) && set.spec.updateStrategy?.type !== "OnDelete") {
            failed = rollOut(key, set, byNode, hash);
          }
        }
        const live = new Set([revision.value.metadata.name]);
        for (const pod of claimed) live.add(`${set.metadata.name}-${pod.metadata.labels?.[HASH]}`);
        truncateHistory(client, own, live, set.spec.revisionHistoryLimit ?? 10);
        const written = writeStatus(set, byNode, hash);
        const problem = failed ?? written;
        return problem ? { error: problem } : undefined;
      },
    };

    /** One Pod too few or too many on each node. */
    function manage(key: string, set: DaemonSet, byNode: Map<string, Pod[]>, hash: string): Status | undefined {
      const create: string[] = [];
      const doomed: Pod[] = [];
      for (const node of nodes.list()) {
        const { shouldRun, shouldContinue } = suits(set, node);
        const here = byNode.get(node.metadata.name) ?? [];
        const alive: Pod[] = [];
        for (const pod of here) {
          if (pod.metadata.deletionTimestamp) continue;
          const phase = pod.status?.phase;
          if (shouldContinue && (phase === "Failed" || phase === "Succeeded")) {
            const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
            const message =
              phase === "Failed"
                ? `Found failed daemon pod ${name} on node ${node.metadata.name}, will try to kill it`
                : `Found succeeded daemon pod ${name} on node ${node.metadata.name}, will try to delete it`;
            recorder.event(set, phase === "Failed" ? "Warning" : "Normal", `${phase}DaemonPod`, message);
            doomed.push(pod);
          } else alive.push(pod);
        }
        if (shouldRun && here.length === 0) create.push(node.metadata.name);
        else if (!shouldContinue) doomed.push(...alive);
        else if (alive.length > 1 && maxSurgeOf(set, nodes.size) === 0) {
          alive.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
          doomed.push(...alive.slice(1));
        }
      }
      for (const [name, here] of byNode) {
        // Pods of nodes that are gone; those that wait for a node that never came.
        if (!nodes.get(name)) doomed.push(...here.filter((pod) => !pod.metadata.deletionTimestamp));
      }
      return apply(key, set, create, doomed, hash);
    }

    function apply(
      key: string,
      set: DaemonSet,
      create: readonly string[],
      doomed: readonly Pod[],
      hash: string,
    ): Status | undefined {
      if (create.length === 0 && doomed.length === 0) return undefined;
      expectations.expect(key, create.length, doomed.map(keyOf));
      const controllerRef = newControllerRef(set, DAEMON_SETS);
      const template = daemonTemplate(set, hash);
      let next = 0;
      const { successes, error } = slowStartBatch(create.length, 1, () => {
        const node = create[next++]!;
        const made = podControl.create({
          owner: set,
          controllerRef,
          template,
          adjust: (pod) => ({ ...pod, spec: pinnedTo(pod.spec as PodTemplateSpec["spec"], node) as Pod["spec"] }),
        });
        return made.ok || isNamespaceTerminating(made.error) ? undefined : made.error;
      });
      for (let i = successes; i < create.length; i++) expectations.creationObserved(key);
      let failed = error;
      for (const pod of doomed) {
        const deleted = podControl.delete(set, pod);
        if (deleted.ok) continue;
        expectations.deletionObserved(key, keyOf(pod));
        if (!isNotFound(deleted.error)) failed ??= deleted.error;
      }
      return failed;
    }

    /** RollingUpdate: old Pods go as far as maxUnavailable allows, those that are not available first; or new ones come beside them. */
    function rollOut(key: string, set: DaemonSet, byNode: Map<string, Pod[]>, hash: string): Status | undefined {
      const desired = [...nodes.list()].filter((node) => suits(set, node).shouldRun).length;
      const { maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {};
      const surge = maxSurgeOf(set, desired);
      const allowed = surge > 0 ? 0 : Math.max(scaledValue(maxUnavailable ?? 1, desired, true) ?? 1, 1);
      const now = context.now();
      const minReadySeconds = set.spec.minReadySeconds ?? 0;
      let unavailable = 0;
      const replaceable: Pod[] = [];
      const urgent: Pod[] = [];
      const create: string[] = [];
      const superseded: Pod[] = [];
      let surging = 0;
      for (const node of nodes.list()) {
        if (!suits(set, node).shouldRun) continue;
        const here = (byNode.get(node.metadata.name) ?? []).filter((pod) => !pod.metadata.deletionTimestamp);
        const newer = here.find((pod) => isCurrent(pod, set, hash));
        const older = here.find((pod) => !isCurrent(pod, set, hash));
        if (surge > 0) {
          if (newer && older) {
            if (isPodAvailable(newer, minReadySeconds, now)) superseded.push(older);
            else surging++;
          } else if (older && !newer) {
            if (isPodAvailable(older, minReadySeconds, now)) create.push(node.metadata.name);
            else urgent.push(older);
          }
          continue;
        }
        if (newer) {
          if (!isPodAvailable(newer, minReadySeconds, now)) unavailable++;
        } else if (!older) unavailable++;
        else if (isPodAvailable(older, minReadySeconds, now)) replaceable.push(older);
        else {
          unavailable++;
          urgent.push(older);
        }
      }
      if (surge > 0) {
        return apply(key, set, create.slice(0, Math.max(surge - surging, 0)), [...superseded, ...urgent], hash);
      }
      const room = Math.max(allowed - unavailable, 0);
      return apply(key, set, [], [...urgent, ...replaceable.slice(0, room)], hash);
    }

    function writeStatus(set: DaemonSet, byNode: Map<string, Pod[]>, hash: string): Status | undefined {
      const now = context.now();
      const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
      for (const node of nodes.list()) {
        const { shouldRun } = suits(set, node);
        const here = byNode.get(node.metadata.name) ?? [];
        if (!shouldRun) {
          if (here.length > 0) counts.misscheduled++;
          continue;
        }
        counts.desired++;
        if (here.length === 0) continue;
        counts.current++;
        const newest = here.toSorted((a, b) =>
          a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1,
        )[0]!;
        if (isPodReady(newest)) {
          counts.ready++;
          if (isPodAvailable(newest, set.spec.minReadySeconds ?? 0, now)) counts.available++;
        }
        if (isCurrent(newest, set, hash)) counts.updated++;
      }
      const unavailable = counts.desired - counts.available;
      const status: DaemonSet["status"] = {
        currentNumberScheduled: counts.current,
        desiredNumberScheduled: counts.desired,
        ...(counts.available ? { numberAvailable: counts.available } : {}),
        numberMisscheduled: counts.misscheduled,
        numberReady: counts.ready,
        ...(unavailable ? { numberUnavailable: unavailable } : {}),
        observedGeneration: set.metadata.generation ?? 1,
        ...(counts.updated ? { updatedNumberScheduled: counts.updated } : {}),
        ...(set.status?.collisionCount ? { collisionCount: set.status.collisionCount } : {}),
        ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
      };
      if (set.spec.minReadySeconds && counts.ready !== counts.available) {
        queue.addAfter(keyOf(set), set.spec.minReadySeconds * 1000);
      }
      if (deepEqual(set.status, status)) return undefined;
      const written = client.updateStatus(DAEMON_SETS, { ...set, status });
      return written.ok || isNotFound(written.error) ? undefined : written.error;
    }
  },
  queue: { backoffBaseMs: FAILED_BACKOFF_MS },
});

const isCurrent = (pod: Pod, set: DaemonSet, hash: string): boolean => {
  const generation = set.metadata.annotations?.[TEMPLATE_GENERATION];
  return (
    pod.metadata.labels?.[HASH] === hash ||
    (generation !== undefined && pod.metadata.labels?.[GENERATION] === generation)
  );
};

function maxSurgeOf(set: DaemonSet, desired: number): number {
  return scaledValue(set.spec.updateStrategy?.rollingUpdate?.maxSurge ?? 0, desired, true) ?? 0;
}

/** The node a daemon Pod is on or is meant for. */
function nodeOf(pod: Pod): string | undefined {
  if (pod.spec.nodeName) return pod.spec.nodeName;
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  for (const term of terms ?? []) {
    const field = term.matchFields?.find(({ key }) => key === "metadata.name");
    if (field?.values?.length === 1) return field.values[0];
  }
  return undefined;
}

function groupByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = nodeOf(pod);
    if (name === undefined) continue;
    const here = byNode.get(name);
    if (here) here.push(pod);
    else byNode.set(name, [pod]);
  }
  return byNode;
}

const tolerationsOf = (set: DaemonSet): readonly Toleration[] => [
  ...(set.spec.template.spec?.tolerations ?? []),
  ...DAEMON_TOLERATIONS,
  ...(set.spec.template.spec?.hostNetwork ? [HOST_NETWORK_TOLERATION] : []),
];

/** NodeShouldRunDaemonPod. */
function suits(set: DaemonSet, node: Node): { readonly shouldRun: boolean; readonly shouldContinue: boolean } {
  const spec = set.spec.template.spec!;
  const pod = { metadata: {}, spec } as unknown as Pod;
  if (spec.nodeName && spec.nodeName !== node.metadata.name) return { shouldRun: false, shouldContinue: false };
  if (!podMayRunOn(pod, node)) return { shouldRun: false, shouldContinue: false };
  const tolerations = tolerationsOf(set);
  let shouldRun = true;
  for (const taint of node.spec?.taints ?? []) {
    if (taint.effect === "PreferNoSchedule" || isTolerated(taint, tolerations)) continue;
    if (taint.effect === "NoExecute") return { shouldRun: false, shouldContinue: false };
    shouldRun = false;
  }
  return { shouldRun, shouldContinue: true };
}

function daemonTemplate(set: DaemonSet, hash: string): PodTemplateSpec {
  const { template } = set.spec;
  const generation = set.metadata.annotations?.[TEMPLATE_GENERATION];
  return {
    ...template,
    metadata: {
      ...template.metadata,
      labels: {
        ...template.metadata?.labels,
        ...(generation ? { [GENERATION]: generation } : {}),
        [HASH]: hash,
      },
    },
    spec: { ...template.spec!, tolerations: tolerationsOf(set) },
  };
}

/** ReplaceDaemonSetPodNodeNameNodeAffinity. */
function pinnedTo(spec: PodTemplateSpec["spec"], node: string): PodTemplateSpec["spec"] {
  const field = { key: "metadata.name", operator: "In" as const, values: [node] };
  const required = spec!.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const nodeSelectorTerms = required
    ? required.nodeSelectorTerms.map((term) => ({ ...term, matchFields: [field] }))
    : [{ matchFields: [field] }];
  return {
    ...spec!,
    affinity: {
      ...spec!.affinity,
      nodeAffinity: {
        ...spec!.affinity?.nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
      },
    },
  };
}
