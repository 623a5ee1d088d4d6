/** Events, served as v1 and as events.k8s.io/v1. */
import { translateTimestampSince } from "../../apimachinery/age";
import type { Instant } from "../../../base/clock";
import { column, wide } from "../../apimachinery/printing";
import { type Draft, defineResource } from "../../apimachinery/resource";
import type { KubeObject } from "../../apimachinery/object";
import type { Cell, Column } from "../../apimachinery/table";
import type { Event } from "../types.generated";

export type { Event, EventSource } from "../types.generated";

export const event = defineResource<Event>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  namespaced: true,
  schema: "core.v1.Event",
  allowCreateOnUpdate: true,
  otherVersions: [
    {
      group: "events.k8s.io",
      version: "v1",
      schema: "events.v1.Event",
      fromStored: toEventsV1,
      toStored: fromEventsV1,
    },
  ],
  selectableFields: {
    "involvedObject.kind": (e) => e.involvedObject.kind ?? "",
    "involvedObject.namespace": (e) => e.involvedObject.namespace ?? "",
    "involvedObject.name": (e) => e.involvedObject.name ?? "",
    "involvedObject.uid": (e) => e.involvedObject.uid ?? "",
    "involvedObject.apiVersion": (e) => e.involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": (e) => e.involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": (e) => e.involvedObject.fieldPath ?? "",
    reason: (e) => e.reason ?? "",
    reportingComponent: (e) => e.reportingComponent || e.source?.component || "",
    source: (e) => e.source?.component || e.reportingComponent || "",
    type: (e) => e.type ?? "",
  },
  columns: [
    eventColumn("Last Seen", lastSeen),
    eventColumn("Type", (e) => e.type ?? ""),
    eventColumn("Reason", (e) => e.reason ?? ""),
    eventColumn("Object", ({ involvedObject: o }) =>
      o.name ? `${(o.kind ?? "").toLowerCase()}/${o.name}` : (o.kind ?? "").toLowerCase(),
    ),
    eventColumn("Subobject", (e) => e.involvedObject.fieldPath ?? "", wide),
    eventColumn("Source", sourceOf, wide),
    eventColumn("Message", (e) => (e.message ?? "").trim()),
    eventColumn("First Seen", firstSeen, wide),
    eventColumn("Count", (e) => e.series?.count ?? (e.count || 1), wide),
    eventColumn("Name", (e) => e.metadata.name, wide),
  ],
});

/** A column of either form: rows of events.k8s.io are read as the core events they are stored as. */
function eventColumn(name: string, cell: (e: Event, now: Instant) => Cell, options?: typeof wide): Column {
  return column<Event>(name, (e, now) => cell(e.involvedObject ? e : (fromEventsV1({ ...e }) as Event), now), options);
}

function firstSeen(e: Event, now: Instant): string {
  return translateTimestampSince(e.firstTimestamp ?? e.eventTime, now);
}

function lastSeen(e: Event, now: Instant): string {
  if (e.series?.lastObservedTime) return translateTimestampSince(e.series.lastObservedTime, now);
  return e.lastTimestamp ? translateTimestampSince(e.lastTimestamp, now) : firstSeen(e, now);
}

function sourceOf({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || "";
  const host = source?.host || (source?.component ? "" : reportingInstance) || "";
  return host ? `${component}, ${host}` : component;
}

/** Field names differ between the two groups; the objects are the same. */
const RENAMED: readonly (readonly [string, string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

function toEventsV1(stored: KubeObject): KubeObject {
  const served: Draft = { ...stored, apiVersion: "events.k8s.io/v1" };
  for (const [core, other] of RENAMED) {
    if (served[core] !== undefined) served[other] = served[core];
    delete served[core];
  }
  return served;
}

function fromEventsV1(draft: Draft): Draft {
  for (const [core, other] of RENAMED) {
    if (draft[other] !== undefined) draft[core] = draft[other];
    delete draft[other];
  }
  draft.involvedObject ??= {};
  draft.source ??= {};
  return draft;
}
