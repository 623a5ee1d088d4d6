/** The Events section at the foot of most pages. */
import { parseRfc3339 } from "../../../base/clock";
import { humanDuration } from "../../../text/human-duration";
import type { Task } from "../../../base/task";
import type { KubeList, KubeObject } from "../../apimachinery/object";
import type { Factory } from "../factory";
import type { Part, Writer } from "./page";

/** The events about an object by the time of their last occurrence; undefined where events are not shown. */
export function* eventsOf(
  factory: Factory,
  object: KubeObject,
  options: { readonly uid?: string } = {},
): Task<readonly Part[]> {
  const namespace = object.metadata.namespace ?? "";
  const selector = [
    `involvedObject.name=${object.metadata.name}`,
    ...(namespace ? [`involvedObject.namespace=${namespace}`] : []),
    `involvedObject.kind=${object.kind}`,
    `involvedObject.uid=${options.uid ?? object.metadata.uid}`,
  ].join(",");
  const path = namespace ? `/api/v1/namespaces/${namespace}/events` : "/api/v1/events";
  const list = yield* factory.client.get<KubeList>(path, { fieldSelector: selector, limit: "500" });
  // Events of the newer API have no such time and come first.
  const time = (event: Part): number => (event.lastTimestamp && parseRfc3339(event.lastTimestamp)) || 0;
  return [...((list.items ?? []) as readonly Part[])].sort((a, b) => time(a) - time(b));
}

export const lastSeen = (event: Part): number => {
  const series = event.series?.lastObservedTime;
  const text = series ?? event.lastTimestamp ?? event.eventTime ?? event.metadata?.creationTimestamp;
  return (text && parseRfc3339(text)) || 0;
};

/** By the time of the last occurrence, as kubectl events sorts them. */
export function sortEvents(events: readonly Part[]): readonly Part[] {
  const time = (event: Part): number => {
    const text = event.series ? event.series.lastObservedTime : (event.lastTimestamp ?? event.eventTime);
    return (text && parseRfc3339(text)) || 0;
  };
  return [...events].sort((a, b) => time(a) - time(b));
}

const since = (text: string | undefined, now: number): string => {
  const instant = text ? parseRfc3339(text) : undefined;
  return instant === undefined ? "<unknown>" : humanDuration(now - instant);
};

/** "5s" or "5s (x2 over 7s)". */
export function eventAge(event: Part, now: number): string {
  const first = event.firstTimestamp ? since(event.firstTimestamp, now) : since(event.eventTime, now);
  if (event.series) return `${since(event.series.lastObservedTime, now)} (x${event.series.count} over ${first})`;
  if ((event.count ?? 0) > 1) return `${since(event.lastTimestamp, now)} (x${event.count} over ${first})`;
  return first;
}

export function writeEvents(w: Writer, events: readonly Part[] | undefined, now: number): void {
  if (!events) return;
  if (events.length === 0) {
    w.write(0, "Events:\t<none>\n");
    return;
  }
  w.flush();
  w.write(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n");
  w.write(1, "----\t------\t----\t----\t-------\n");
  for (const event of events) {
    const source = event.source?.component || event.reportingComponent || event.reportingController || "";
    const path = event.involvedObject?.fieldPath ?? "";
    const message = String(event.message ?? "").trim();
    w.write(
      1,
      `${event.type}\t${event.reason}\t${eventAge(event, now)}\t${source}\t${path ? `${path}: ` : ""}${message}\n`,
    );
  }
}
