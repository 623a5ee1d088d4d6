/** Describes Deployments, ReplicaSets, ReplicationControllers, StatefulSets and DaemonSets. */
import type { Task } from "../../../base/task";
import { compareStrings } from "../../../text/strconv";
import { deepEqual } from "../../../base/json";
import {
  formatLabelSelector,
  formatLabels,
  formatSelector,
  matches,
  selectorFromLabelSelector,
} from "../../apimachinery/labels";
import type { DescribeContext, Describer } from "./describer";
import { writeEvents } from "./events";
import { controllerOf, intOrString, type Page, type Part, rfc1123, writeAnnotations, writeLabels } from "./page";
import { writePodTemplate } from "./pod-template";

export const deploymentDescriber: Describer = {
  group: "apps",
  kind: "Deployment",
  *describe(w, deployment, context) {
    const { metadata, spec, status = {} } = deployment;
    w.write(0, `Name:\t${metadata.name}\nNamespace:\t${metadata.namespace}\n`);
    w.write(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Selector:\t${formatLabelSelector(spec.selector)}\n`);
    w.write(
      0,
      `Replicas:\t${spec.replicas ?? 1} desired | ${status.updatedReplicas ?? 0} updated | ${status.replicas ?? 0} total | ${status.availableReplicas ?? 0} available | ${status.unavailableReplicas ?? 0} unavailable\n`,
    );
    w.write(0, `StrategyType:\t${spec.strategy?.type ?? ""}\n`);
    w.write(0, `MinReadySeconds:\t${spec.minReadySeconds ?? 0}\n`);
    const rolling = spec.strategy?.rollingUpdate;
    if (rolling)
      w.write(
        0,
        `RollingUpdateStrategy:\t${intOrString(rolling.maxUnavailable)} max unavailable, ${intOrString(rolling.maxSurge)} max surge\n`,
      );
    writePodTemplate(w, spec.template);
    if (status.conditions?.length) {
      w.write(0, "Conditions:\n  Type\tStatus\tReason\n");
      w.write(1, "----\t------\t------\n");
      for (const condition of status.conditions)
        w.write(1, `${condition.type} \t${condition.status}\t${condition.reason ?? ""}\n`);
    }
    const { older, current } = yield* replicaSetsOf(deployment, context);
    w.write(0, `OldReplicaSets:\t${replicaSetsText(older)}\n`);
    w.write(0, `NewReplicaSet:\t${replicaSetsText(current ? [current] : [])}\n`);
    writeEvents(w, context.events, context.now);
  },
};

const replicaSetsText = (sets: readonly Part[]): string =>
  sets.length === 0
    ? "<none>"
    : sets
        .map((set) => `${set.metadata.name} (${set.status?.replicas ?? 0}/${set.spec.replicas ?? 0} replicas created)`)
        .join(", ");

/** The ReplicaSets a Deployment controls, oldest first, and the one whose template is the Deployment's. */
export function* replicaSetsOf(
  deployment: Part,
  context: Pick<DescribeContext, "list">,
): Task<{ readonly older: readonly Part[]; readonly current: Part | undefined }> {
  const sets = (yield* context.list(`/apis/apps/v1/namespaces/${deployment.metadata.namespace}/replicasets`, {
    labelSelector: formatSelector(selectorFromLabelSelector(deployment.spec.selector)),
  })) as readonly Part[];
  const owned = sets
    .filter((set) =>
      set.metadata.ownerReferences?.some((owner: Part) => owner.controller && owner.uid === deployment.metadata.uid),
    )
    .sort(byCreation);
  const current = owned.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
  return { older: owned.filter((set) => set !== current), current };
}

const byCreation = (a: Part, b: Part): number =>
  compareStrings(a.metadata.creationTimestamp, b.metadata.creationTimestamp) ||
  compareStrings(a.metadata.name, b.metadata.name);

/** Equal but for the hash that the controller adds. */
export function sameTemplate(a: Part, b: Part): boolean {
  const strip = (template: Part): Part => {
    const { "pod-template-hash": _, ...labels } = template.metadata?.labels ?? {};
    const annotations = template.metadata?.annotations ?? {};
    return { labels, annotations, spec: template.spec };
  };
  return deepEqual(strip(a), strip(b));
}

/** "1 Running / 0 Waiting / 0 Succeeded / 0 Failed" of the Pods an object controls. */
function* podStatuses(owner: Part, selectorText: string, context: DescribeContext): Task<string> {
  const pods = (yield* context.list(`/api/v1/namespaces/${owner.metadata.namespace}/pods`, {
    labelSelector: selectorText,
  })) as readonly Part[];
  const counts: Record<string, number> = {};
  for (const pod of pods) {
    if (!pod.metadata.ownerReferences?.some((each: Part) => each.controller && each.uid === owner.metadata.uid))
      continue;
    counts[pod.status?.phase ?? ""] = (counts[pod.status?.phase ?? ""] ?? 0) + 1;
  }
  const count = (phase: string): number => counts[phase] ?? 0;
  return `${count("Running")} Running / ${count("Pending")} Waiting / ${count("Succeeded")} Succeeded / ${count("Failed")} Failed`;
}

function writeConditions(w: Page, conditions: readonly Part[] | undefined): void {
  if (!conditions?.length) return;
  w.write(0, "Conditions:\n  Type\tStatus\tReason\n");
  w.write(1, "----\t------\t------\n");
  for (const condition of conditions)
    w.write(1, `${condition.type} \t${condition.status}\t${condition.reason ?? ""}\n`);
}

const replicaSetLike = (group: string, kind: string): Describer => ({
  group,
  kind,
  *describe(w, set, context) {
    const { metadata, spec, status = {} } = set;
    const selector = kind === "ReplicaSet" ? formatLabelSelector(spec.selector) : formatLabels(spec.selector);
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    w.write(0, `Selector:\t${selector}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    const controller = controllerOf(set);
    if (controller) w.write(0, `Controlled By:\t${controller}\n`);
    w.write(0, `Replicas:\t${status.replicas ?? 0} current / ${spec.replicas ?? 1} desired\n`);
    w.write(0, `Pods Status:\t${yield* podStatuses(set, selector, context)}\n`);
    writePodTemplate(w, spec.template);
    writeConditions(w, status.conditions);
    writeEvents(w, context.events, context.now);
  },
});

export const replicaSetDescriber = replicaSetLike("apps", "ReplicaSet");
export const replicationControllerDescriber = replicaSetLike("", "ReplicationController");

export const statefulSetDescriber: Describer = {
  group: "apps",
  kind: "StatefulSet",
  *describe(w, set, context) {
    const { metadata, spec, status = {} } = set;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    w.write(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}\n`);
    w.write(0, `Selector:\t${formatLabelSelector(spec.selector)}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Replicas:\t${spec.replicas ?? 1} desired | ${status.replicas ?? 0} total\n`);
    w.write(0, `Update Strategy:\t${spec.updateStrategy?.type ?? ""}\n`);
    const rolling = spec.updateStrategy?.rollingUpdate;
    if (rolling) {
      if (rolling.partition !== undefined) w.write(1, `Partition:\t${rolling.partition}\n`);
      if (rolling.maxUnavailable !== undefined) w.write(1, `MaxUnavailable:\t${rolling.maxUnavailable}\n`);
    }
    w.write(0, `Pods Status:\t${yield* podStatuses(set, formatLabelSelector(spec.selector), context)}\n`);
    writePodTemplate(w, spec.template);
    writeVolumeClaims(w, spec.volumeClaimTemplates);
    writeEvents(w, context.events, context.now);
  },
};

function writeVolumeClaims(w: Page, templates: readonly Part[] | undefined): void {
  if (!templates?.length) {
    w.write(0, "Volume Claims:\t<none>\n");
    return;
  }
  w.write(0, "Volume Claims:\n");
  for (const claim of templates) {
    w.write(0, `  Name:\t${claim.metadata.name}\n`);
    w.write(0, `  StorageClass:\t${claim.spec.storageClassName ?? ""}\n`);
    writeLabels(w, "  Labels", claim.metadata.labels);
    writeAnnotations(w, "  Annotations", claim.metadata.annotations);
    w.write(0, `  Capacity:\t${claim.spec.resources?.requests?.storage ?? "<default>"}\n`);
    w.write(0, `  Access Modes:\t[${(claim.spec.accessModes ?? []).join(" ")}]\n`);
  }
}

export const daemonSetDescriber: Describer = {
  group: "apps",
  kind: "DaemonSet",
  *describe(w, set, context) {
    const { metadata, spec, status = {} } = set;
    const selector = formatLabelSelector(spec.selector);
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    w.write(0, `Selector:\t${selector}\n`);
    w.write(0, `Node-Selector:\t${formatLabels(spec.template?.spec?.nodeSelector)}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `Desired Number of Nodes Scheduled: ${status.desiredNumberScheduled ?? 0}\n`);
    w.write(0, `Current Number of Nodes Scheduled: ${status.currentNumberScheduled ?? 0}\n`);
    w.write(0, `Number of Nodes Scheduled with Up-to-date Pods: ${status.updatedNumberScheduled ?? 0}\n`);
    w.write(0, `Number of Nodes Scheduled with Available Pods: ${status.numberAvailable ?? 0}\n`);
    w.write(0, `Number of Nodes Misscheduled: ${status.numberMisscheduled ?? 0}\n`);
    w.write(0, `Pods Status:\t${yield* podStatuses(set, selector, context)}\n`);
    writePodTemplate(w, spec.template);
    writeEvents(w, context.events, context.now);
  },
};

/** Whether a Pod is selected by an object's spec.selector. */
export const selects = (selector: Part, pod: Part): boolean =>
  matches(selectorFromLabelSelector(selector), pod.metadata.labels);
