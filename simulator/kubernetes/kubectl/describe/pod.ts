/** Describes Pods. */
import { humanDuration } from "../../../text/human-duration";
import { parseRfc3339 } from "../../../base/clock";
import { writeContainers, writeResources } from "./containers";
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { controllerOf, type Part, rfc1123, writeAnnotations, writeLabels, type Writer } from "./page";
import { writeSpread, writeTolerations } from "./pod-template";
import { writeVolumes } from "./volumes";

export const podDescriber: Describer = {
  group: "",
  kind: "Pod",
  *describe(w, pod, context) {
    const { spec, status } = pod;
    writeHead(w, pod, context.now);
    if (spec.initContainers?.length)
      writeContainers(
        w,
        "Init Containers",
        spec.initContainers,
        status.initContainerStatuses,
        "",
        fieldResolver(pod),
        pod,
      );
    writeContainers(w, "Containers", spec.containers, status.containerStatuses, "", fieldResolver(pod), pod);
    if (spec.ephemeralContainers?.length) {
      writeContainers(
        w,
        "Ephemeral Containers",
        spec.ephemeralContainers,
        status.ephemeralContainerStatuses,
        "",
        fieldResolver(pod),
        pod,
      );
    }
    if (spec.readinessGates?.length) {
      w.write(0, "Readiness Gates:\n  Type\tStatus\n");
      for (const gate of spec.readinessGates) {
        const condition = status.conditions?.find((each: Part) => each.type === gate.conditionType);
        w.write(1, `${gate.conditionType} \t${condition?.status ?? "<none>"} \n`);
      }
    }
    if (status.conditions?.length) {
      w.write(0, "Conditions:\n  Type\tStatus\n");
      for (const condition of status.conditions) w.write(1, `${condition.type} \t${condition.status} \n`);
    }
    writeVolumes(w, spec.volumes, "");
    w.write(0, `QoS Class:\t${status.qosClass ?? ""}\n`);
    writeLabels(w, "Node-Selectors", spec.nodeSelector);
    writeTolerations(w, "Tolerations", spec.tolerations);
    writeSpread(w, spec.topologySpreadConstraints, "");
    writeEvents(w, context.events, context.now);
  },
};

function writeHead(w: Writer, pod: Part, now: number): void {
  const { metadata, spec, status } = pod;
  w.write(0, `Name:\t${metadata.name}\n`);
  w.write(0, `Namespace:\t${metadata.namespace}\n`);
  if (spec.priority !== undefined) w.write(0, `Priority:\t${spec.priority}\n`);
  if (spec.priorityClassName) w.write(0, `Priority Class Name:\t${spec.priorityClassName}\n`);
  if (spec.runtimeClassName) w.write(0, `Runtime Class Name:\t${spec.runtimeClassName}\n`);
  if (spec.serviceAccountName) w.write(0, `Service Account:\t${spec.serviceAccountName}\n`);
  w.write(0, `Node:\t${spec.nodeName ? `${spec.nodeName}/${status.hostIP ?? ""}` : "<none>"}\n`);
  if (status.startTime) w.write(0, `Start Time:\t${rfc1123(status.startTime)}\n`);
  writeLabels(w, "Labels", metadata.labels);
  writeAnnotations(w, "Annotations", metadata.annotations);
  const isOver = status.phase === "Failed" || status.phase === "Succeeded";
  if (metadata.deletionTimestamp && !isOver) {
    const lasting = humanDuration(now - (parseRfc3339(metadata.deletionTimestamp) ?? now));
    w.write(0, `Status:\tTerminating (lasts ${lasting})\n`);
    w.write(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds}s\n`);
  } else w.write(0, `Status:\t${status.phase ?? ""}\n`);
  if (status.reason) w.write(0, `Reason:\t${status.reason}\n`);
  if (status.message) w.write(0, `Message:\t${status.message}\n`);
  const seccomp = spec.securityContext?.seccompProfile;
  if (seccomp) {
    w.write(0, `SeccompProfile:\t${seccomp.type}\n`);
    if (seccomp.type === "Localhost") w.write(0, `LocalhostProfile:\t${seccomp.localhostProfile}\n`);
  }
  w.write(0, `IP:\t${status.podIP ?? ""}\n`);
  if (!status.podIPs?.length) w.write(0, "IPs:\t<none>\n");
  else {
    w.write(0, "IPs:\n");
    for (const { ip } of status.podIPs) w.write(1, `IP:\t${ip}\n`);
  }
  const controller = controllerOf(pod);
  if (controller) w.write(0, `Controlled By:\t${controller}\n`);
  if (status.nominatedNodeName) w.write(0, `NominatedNodeName:\t${status.nominatedNodeName}\n`);
  if (spec.resources) {
    w.write(0, "Resources:\n");
    writeResources(w, spec.resources, 1);
  }
}

/** fieldRef values that can be read off the Pod itself. */
function fieldResolver(pod: Part): (apiVersion: string, fieldPath: string) => string {
  return (_, fieldPath) => {
    const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
    if (keyed) return pod.metadata[keyed[1]!]?.[keyed[2]!] ?? "";
    if (fieldPath === "metadata.name") return pod.metadata.name;
    if (fieldPath === "metadata.namespace") return pod.metadata.namespace;
    if (fieldPath === "metadata.uid") return pod.metadata.uid;
    return "";
  };
}
