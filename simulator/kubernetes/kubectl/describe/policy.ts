/** Describes HorizontalPodAutoscalers, PodDisruptionBudgets and PriorityClasses. */
import { formatLabelSelector } from "../../apimachinery/labels";
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { type Part, rfc1123, writeAnnotations, writeLabels, type Writer } from "./page";

export const hpaDescriber: Describer = {
  group: "autoscaling",
  kind: "HorizontalPodAutoscaler",
  *describe(w, hpa, context) {
    const { metadata, spec, status = {} } = hpa;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    writeLabels(w, "Labels", metadata.labels);
    writeAnnotations(w, "Annotations", metadata.annotations);
    w.write(0, `CreationTimestamp:\t${rfc1123(metadata.creationTimestamp)}\n`);
    w.write(0, `Reference:\t${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}\n`);
    w.write(0, "Metrics:\t( current / target )\n");
    (spec.metrics ?? []).forEach((metric: Part, i: number) => {
      writeMetric(w, metric, status.currentMetrics?.[i]);
    });
    w.write(0, `Min replicas:\t${spec.minReplicas ?? "<unset>"}\n`);
    w.write(0, `Max replicas:\t${spec.maxReplicas}\n`);
    if (spec.behavior) {
      w.write(0, "Behavior:\n");
      writeDirection(w, "Scale Up", spec.behavior.scaleUp);
      writeDirection(w, "Scale Down", spec.behavior.scaleDown);
    }
    w.write(
      0,
      `${spec.scaleTargetRef.kind} pods:\t${status.currentReplicas ?? 0} current / ${status.desiredReplicas ?? 0} desired\n`,
    );
    if (status.conditions?.length) {
      w.write(0, "Conditions:\n");
      w.write(1, "Type\tStatus\tReason\tMessage\n");
      w.write(1, "----\t------\t------\t-------\n");
      for (const each of status.conditions)
        w.write(1, `${each.type}\t${each.status}\t${each.reason}\t${each.message}\n`);
    }
    writeEvents(w, context.events, context.now);
  },
};

function writeMetric(w: Writer, metric: Part, current: Part): void {
  const resource = metric.resource ?? metric.containerResource;
  if (!resource) {
    const other = metric.pods ?? metric.object ?? metric.external ?? {};
    const target = other.target?.averageValue ?? other.target?.value ?? "<auto>";
    w.write(
      1,
      `"${other.metric?.name ?? ""}" on ${metric.type === "Pods" ? "pods" : (other.describedObject?.name ?? metric.type)}:\t<unknown> / ${target}\n`,
    );
    return;
  }
  const now = (current?.resource ?? current?.containerResource)?.current;
  w.write(1, `resource ${resource.name} on pods`);
  if (resource.target.averageValue !== undefined) {
    w.write(0, `:\t${now?.averageValue ?? "<unknown>"} / ${resource.target.averageValue}\n`);
    return;
  }
  const used = now?.averageUtilization === undefined ? "<unknown>" : `${now.averageUtilization}% (${now.averageValue})`;
  const target = resource.target.averageUtilization === undefined ? "<auto>" : `${resource.target.averageUtilization}%`;
  w.write(0, `  (as a percentage of request):\t${used} / ${target}\n`);
}

function writeDirection(w: Writer, title: string, rules: Part): void {
  if (!rules) return;
  w.write(1, `${title}:\n`);
  if (rules.stabilizationWindowSeconds !== undefined)
    w.write(2, `Stabilization Window: ${rules.stabilizationWindowSeconds} seconds\n`);
  if (!rules.policies?.length) return;
  w.write(2, `Select Policy: ${rules.selectPolicy ?? "Max"}\n`);
  w.write(2, "Policies:\n");
  for (const policy of rules.policies)
    w.write(3, `- Type: ${policy.type}\tValue: ${policy.value}\tPeriod: ${policy.periodSeconds} seconds\n`);
}

export const pdbDescriber: Describer = {
  group: "policy",
  kind: "PodDisruptionBudget",
  *describe(w, pdb, context) {
    const { metadata, spec, status = {} } = pdb;
    w.write(0, `Name:\t${metadata.name}\n`);
    w.write(0, `Namespace:\t${metadata.namespace}\n`);
    if (spec.minAvailable !== undefined) w.write(0, `Min available:\t${spec.minAvailable}\n`);
    else if (spec.maxUnavailable !== undefined) w.write(0, `Max unavailable:\t${spec.maxUnavailable}\n`);
    w.write(0, `Selector:\t${spec.selector ? formatLabelSelector(spec.selector) : "<unset>"}\n`);
    w.write(0, "Status:\n");
    w.write(2, `Allowed disruptions:\t${status.disruptionsAllowed ?? 0}\n`);
    w.write(2, `Current:\t${status.currentHealthy ?? 0}\n`);
    w.write(2, `Desired:\t${status.desiredHealthy ?? 0}\n`);
    w.write(2, `Total:\t${status.expectedPods ?? 0}\n`);
    writeEvents(w, context.events, context.now);
  },
};

export const priorityClassDescriber: Describer = {
  group: "scheduling.k8s.io",
  kind: "PriorityClass",
  *describe(w, priority, context) {
    w.write(0, `Name:\t${priority.metadata.name}\n`);
    w.write(0, `Value:\t${priority.value}\n`);
    w.write(0, `GlobalDefault:\t${priority.globalDefault === true}\n`);
    w.write(0, `PreemptionPolicy:\t${priority.preemptionPolicy ?? ""}\n`);
    w.write(0, `Description:\t${priority.description ?? ""}\n`);
    const annotations: Readonly<Record<string, string>> = priority.metadata.annotations ?? {};
    const text = Object.keys(annotations)
      .sort()
      .map((key) => `${key}=${annotations[key]}`)
      .join(",");
    w.write(0, `Annotations:\t${text || "<none>"}\n`);
    writeEvents(w, context.events, context.now);
  },
};
