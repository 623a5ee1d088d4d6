/** The wide columns that every workload prints. */
import { formatLabelSelector, formatLabels } from "../apimachinery/labels";
import type { KubeObject } from "../apimachinery/object";
import { column, wide } from "../apimachinery/printing";
import type { Column } from "../apimachinery/table";
import type { PodTemplateSpec } from "./types.generated";

interface WithTemplate extends KubeObject {
  readonly spec: { readonly template?: PodTemplateSpec; readonly selector?: unknown };
}

const containers = (object: WithTemplate) => object.spec.template?.spec?.containers ?? [];

export const containersColumn: Column = column(
  "Containers",
  (o: WithTemplate) =>
    containers(o)
      .map((c) => c.name)
      .join(","),
  wide,
);
export const imagesColumn: Column = column(
  "Images",
  (o: WithTemplate) =>
    containers(o)
      .map((c) => c.image ?? "")
      .join(","),
  wide,
);

/** `app=web,tier=front`, of a LabelSelector. */
export const selectorColumn: Column = column(
  "Selector",
  (o: WithTemplate) => formatLabelSelector(o.spec.selector as never),
  wide,
);

/** Of a plain map. */
export const mapSelectorColumn: Column = column(
  "Selector",
  (o: WithTemplate) => formatLabels(o.spec.selector as never),
  wide,
);
