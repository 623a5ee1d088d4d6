/** The Pod Template section, and the scheduling lines that Pods have too. */
import { formatLabelSelector } from "../../apimachinery/labels";
import { compareStrings } from "../../../text/strconv";
import { writeContainers } from "./containers";
import { type Part, writeAnnotations, writeLabels, type Writer } from "./page";
import { writeVolumes } from "./volumes";

export function writePodTemplate(w: Writer, template: Part): void {
  w.write(0, "Pod Template:\n");
  if (!template) {
    w.write(1, "<unset>");
    return;
  }
  const { metadata = {}, spec = {} } = template;
  writeLabels(w, "  Labels", metadata.labels);
  if (metadata.annotations && Object.keys(metadata.annotations).length > 0)
    writeAnnotations(w, "  Annotations", metadata.annotations);
  if (spec.serviceAccountName) w.write(0, `  Service Account:\t${spec.serviceAccountName}\n`);
  if (spec.initContainers?.length) writeContainers(w, "Init Containers", spec.initContainers, undefined, "  ");
  writeContainers(w, "Containers", spec.containers, undefined, "  ");
  writeVolumes(w, spec.volumes, "  ");
  writeSpread(w, spec.topologySpreadConstraints, "  ");
  if (spec.priorityClassName) w.write(0, `  Priority Class Name:\t${spec.priorityClassName}\n`);
  writeLabels(w, "  Node-Selectors", spec.nodeSelector);
  writeTolerations(w, "  Tolerations", spec.tolerations);
}

export function writeTolerations(w: Writer, title: string, tolerations: readonly Part[] | undefined): void {
  if (!tolerations || tolerations.length === 0) {
    w.write(0, `${title}:\t<none>\n`);
    return;
  }
  const sorted = [...tolerations].sort((a, b) => compareStrings(a.key ?? "", b.key ?? ""));
  sorted.forEach((toleration, i) => {
    const { key = "", value = "", effect = "", operator, tolerationSeconds } = toleration;
    let text = key;
    if (value) text += `=${value}`;
    if (effect) text += `:${effect}`;
    if (operator === "Exists" && !value) text += key || effect ? " op=Exists" : "op=Exists";
    if (tolerationSeconds !== undefined) text += ` for ${tolerationSeconds}s`;
    w.write(0, `${i === 0 ? `${title}:` : ""}\t${text}\n`);
  });
}

export function writeSpread(w: Writer, constraints: readonly Part[] | undefined, space: string): void {
  if (!constraints || constraints.length === 0) return;
  const sorted = [...constraints].sort((a, b) => compareStrings(a.topologyKey, b.topologyKey));
  sorted.forEach((constraint, i) => {
    const head = i === 0 ? `${space}Topology Spread Constraints:\t` : `${space}\t`;
    const selector = constraint.labelSelector ? ` for selector ${formatLabelSelector(constraint.labelSelector)}` : "";
    w.write(
      0,
      `${head}${constraint.topologyKey}:${constraint.whenUnsatisfiable} when max skew ${constraint.maxSkew} is exceeded${selector}\n`,
    );
  });
}
