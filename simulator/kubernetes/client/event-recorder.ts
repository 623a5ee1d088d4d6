/**
 * Events as client-go records them. EventRecorder writes core/v1 Events and counts repetitions (its correlator:
 * spam filter, aggregation of similar events, a PATCH of count and lastTimestamp); SeriesRecorder writes
 * events.k8s.io/v1 Events, whose repetitions become a series (the scheduler's way).
 */
import { type Clock, rfc3339 } from "../../base/clock";
import type { KubeObject } from "../apimachinery/object";
import type { Event, EventsEvent, ObjectReference } from "../api/types.generated";
import { type Client, isAlreadyExists, isNotFound, type NewObject } from "./client";
import { EVENTS, EVENTS_V1 } from "./resources";
import type { Scope } from "./scope";

export type EventType = "Normal" | "Warning";

/** What an event is about: an object, or a reference to one (a container of a Pod has a fieldPath). */
export type EventSubject = KubeObject | ObjectReference;

/** ref.GetReference. */
export function referenceTo(subject: EventSubject): ObjectReference {
  if (!("metadata" in subject) || typeof subject.metadata !== "object") return subject as ObjectReference;
  const { apiVersion, kind, metadata } = subject as KubeObject;
  return {
    kind,
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    name: metadata.name,
    uid: metadata.uid,
    apiVersion,
    resourceVersion: metadata.resourceVersion,
  };
}

/** RFC 3339 with six digits, as metav1.MicroTime prints. */
export function microTime(instant: number): string {
  const micros = Math.floor((instant - Math.floor(instant / 1000) * 1000) * 1000);
  return `${rfc3339(instant).slice(0, -1)}.${String(micros).padStart(6, "0")}Z`;
}

const SIMILAR_WINDOW_MS = 600_000;
const SIMILAR_MAX = 10;
const SPAM_BURST = 25;
const SPAM_REFILL_PER_MS = 1 / 300_000;
/** client-go's LRU holds 4096 entries a table. */
const CACHE_MAX = 4096;

interface Observation {
  count: number;
  name: string;
  firstTimestamp: string;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly component: string;
  /** The node, for kubelets and kube-proxies. */
  readonly host?: string;
}

export class EventRecorder {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #host: string;
  readonly #observations = new Map<string, Observation>();
  readonly #similar = new Map<string, { readonly messages: Set<string>; last: number }>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #names = new EventNames();
  #combinedCount = 0;

  constructor({ client, clock, component, host = "" }: EventRecorderOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#component = component;
    this.#host = host;
  }

  event(subject: EventSubject, type: EventType, reason: string, message: string): void {
    const reference = referenceTo(subject);
    const now = this.#clock.now();
    if (!this.#allowed(reference, now)) return;
    const similarKey = this.#eventKey(reference, type, reason);
    const isCombined = this.#isCombined(similarKey, message, now);
    const text = isCombined ? `(combined from similar events): ${message}` : message;
    const key = isCombined ? similarKey : `${similarKey}|${message}`;
    const timestamp = rfc3339(now);
    const seen = touch(this.#observations, key);
    if (seen) {
      seen.count++;
      const patched = this.#client.patch(EVENTS, { namespace: namespaceOf(reference), name: seen.name }, "strategic", {
        count: seen.count,
        lastTimestamp: timestamp,
        message: text,
      });
      if (patched.ok || !isNotFound(patched.error)) return;
      // It has expired or was deleted: begin anew, keeping the count as client-go does.
      seen.name = this.#names.next(reference.name ?? "", now);
      this.#create(reference, type, reason, text, seen, timestamp);
      return;
    }
    const observation = { count: 1, name: this.#names.next(reference.name ?? "", now), firstTimestamp: timestamp };
    remember(this.#observations, key, observation);
    this.#create(reference, type, reason, text, observation, timestamp);
  }

  #create(
    involvedObject: ObjectReference,
    type: EventType,
    reason: string,
    message: string,
    { name, count, firstTimestamp }: Observation,
    lastTimestamp: string,
  ): void {
    const event: NewObject<Event> = {
      metadata: { name, namespace: namespaceOf(involvedObject) },
      involvedObject,
      reason,
      message,
      source: { component: this.#component, ...(this.#host ? { host: this.#host } : {}) },
      firstTimestamp,
      lastTimestamp,
      count,
      type,
      eventTime: null as unknown as string,
      reportingComponent: this.#component,
      reportingInstance: this.#host,
    };
    // What cannot be recorded (a namespace that is going, a server that is away) is dropped, as client-go drops it.
    this.#client.create(EVENTS, event);
  }

  #eventKey(r: ObjectReference, type: EventType, reason: string): string {
    return `${this.#component}|${this.#host}|${r.kind}|${r.namespace ?? ""}|${r.name}|${r.fieldPath ?? ""}|${r.uid ?? ""}|${r.apiVersion}|${type}|${reason}`;
  }

  /** EventSourceObjectSpamFilter: one source may say 25 things of an object at once, then one each five minutes. */
  #allowed(r: ObjectReference, now: number): boolean {
    const key = `${r.kind}|${r.namespace ?? ""}|${r.name}|${r.uid ?? ""}`;
    const known = touch(this.#buckets, key);
    const bucket = known ?? { tokens: SPAM_BURST, at: now };
    if (!known) remember(this.#buckets, key, bucket);
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (now - bucket.at) * SPAM_REFILL_PER_MS);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  /** EventAggregator: from the tenth different message of a kind on, they are combined. */
  #isCombined(key: string, message: string, now: number): boolean {
    let record = touch(this.#similar, key);
    if (!record || now - record.last > SIMILAR_WINDOW_MS) {
      record = { messages: new Set(), last: now };
      remember(this.#similar, key, record);
    }
    record.last = now;
    record.messages.add(message);
    if (record.messages.size < SIMILAR_MAX) return false;
    // Upstream pops any one of them (Go's map order); we one at a time, so that a cycle of messages gets through too.
    record.messages.delete([...record.messages][(this.#combinedCount++ * 7) % record.messages.size]!);
    return true;
  }
}

export interface SeriesRecorderOptions {
  readonly client: Client;
  readonly scope: Scope;
  readonly controller: string;
  readonly instance: string;
}

interface SeriesEntry {
  readonly event: NewObject<EventsEvent>;
  readonly eventAt: number;
  series: { count: number; lastObservedAt: number } | undefined;
}

const SERIES_REFRESH_MS = 30 * 60_000;
const SERIES_FINISH_MS = 6 * 60_000;

/** tools/events' recorder: a repetition within six minutes makes a series, written at its first repetition and rarely after. */
export class SeriesRecorder {
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #controller: string;
  readonly #instance: string;
  readonly #cache = new Map<string, SeriesEntry>();
  readonly #names = new EventNames();

  constructor({ client, scope, controller, instance }: SeriesRecorderOptions) {
    this.#client = client;
    this.#scope = scope;
    this.#controller = controller;
    this.#instance = instance;
    scope.every(SERIES_REFRESH_MS, () => this.#refresh());
    scope.every(SERIES_FINISH_MS, () => this.#finish());
  }

  event(
    subject: EventSubject,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    related?: EventSubject,
  ): void {
    const now = this.#scope.now();
    const regarding = referenceTo(subject);
    const relatedReference = related ? referenceTo(related) : undefined;
    const key = `${type}|${action}|${reason}|${regarding.kind}|${regarding.namespace ?? ""}|${regarding.name}|${regarding.uid ?? ""}|${regarding.resourceVersion ?? ""}|${relatedReference?.uid ?? ""}`;
    const known = this.#cache.get(key);
    if (known) {
      if (known.series) {
        known.series.count++;
        known.series.lastObservedAt = now;
        return;
      }
      known.series = { count: 2, lastObservedAt: now };
      this.#write(known);
      return;
    }
    const event: NewObject<EventsEvent> = {
      metadata: { name: this.#names.next(regarding.name ?? "", now), namespace: namespaceOf(regarding) },
      eventTime: microTime(now),
      reportingController: this.#controller,
      reportingInstance: this.#instance,
      action,
      reason,
      regarding,
      ...(relatedReference ? { related: relatedReference } : {}),
      note: note.length > 1024 ? `${note.slice(0, 1021)}...` : note,
      type,
    };
    remember(this.#cache, key, { event, eventAt: now, series: undefined });
    this.#client.create(EVENTS_V1, event);
  }

  #write({ event, series }: SeriesEntry): void {
    if (!series) return;
    const state = { count: series.count, lastObservedTime: microTime(series.lastObservedAt) };
    const name = { namespace: event.metadata.namespace!, name: event.metadata.name! };
    const patched = this.#client.patch(EVENTS_V1, name, "strategic", { series: state });
    if (!patched.ok && isNotFound(patched.error)) {
      const created = this.#client.create(EVENTS_V1, { ...event, series: state });
      if (!created.ok && !isAlreadyExists(created.error)) return;
    }
  }

  #refresh(): void {
    for (const entry of this.#cache.values()) if (entry.series) this.#write(entry);
  }

  #finish(): void {
    const now = this.#scope.now();
    for (const [key, entry] of [...this.#cache]) {
      if (entry.series) {
        if (now - entry.series.lastObservedAt < SERIES_FINISH_MS) continue;
        this.#write(entry);
      } else if (now - entry.eventAt < SERIES_FINISH_MS) continue;
      this.#cache.delete(key);
    }
  }
}

/** Events are named `object.nanoseconds`, in hex. Our clock can stand still, so a sequence keeps names apart. */
class EventNames {
  #last = 0n;

  next(object: string, now: number): string {
    const nanos = BigInt(Math.floor(now * 1000)) * 1000n;
    this.#last = nanos > this.#last ? nanos : this.#last + 1n;
    return `${object}.${this.#last.toString(16)}`;
  }
}

const namespaceOf = ({ namespace }: ObjectReference): string => namespace || "default";

/** Reads an entry and makes it the youngest: the maps are LRU caches in the order of insertion. */
function touch<V>(cache: Map<string, V>, key: string): V | undefined {
  const value = cache.get(key);
  if (value !== undefined) {
    cache.delete(key);
    cache.set(key, value);
  }
  return value;
}

function remember<V>(cache: Map<string, V>, key: string, value: V): void {
  cache.set(key, value);
  if (cache.size > CACHE_MAX) {
    const oldest = cache.keys().next().value;
    if (oldest !== undefined) cache.delete(oldest);
  }
}
