/** What a browser keeps, in IndexedDB: each world's log (one record an input), progress, and proofs still to be sent. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { LogEntry } from "@/simulator";

/** One attempt at a lesson: a log from the lesson's start. */
export interface AttemptRecord {
  readonly attempt: string;
  readonly version: number;
  readonly startHash: string;
  /** Virtual ms reached. */
  readonly end: number;
}

export interface WorldRecord extends AttemptRecord {
  readonly key: string;
  /** The world before the last reset. */
  readonly previous?: AttemptRecord;
  /** Hints shown in this attempt. */
  readonly hints?: number;
}

/** A proof to be sent: a prefix of an attempt's log, and the state it leads to. */
export interface OutboxRecord extends AttemptRecord {
  readonly lesson: string;
  readonly entries: number;
  readonly hash: string;
  readonly review?: { readonly round: number; readonly hints: number };
}

/** When a lesson comes due again, as the server said last. */
export interface ReviewState {
  readonly lesson: string;
  readonly step: number;
  readonly round: number;
  readonly dueAt?: string;
  readonly isDue: boolean;
  readonly passedAt?: string;
  readonly hints?: number;
}

export interface ProgressRecord {
  readonly lesson: string;
  /** Goal id to the virtual ms it was met at. */
  readonly goals: Readonly<Record<string, number>>;
  readonly goalsTotal: number;
  readonly startedAt: string;
  readonly doneAt?: string;
  readonly doneMs?: number;
}

interface CourseDb extends DBSchema {
  worlds: { key: string; value: WorldRecord };
  entries: { key: [string, number]; value: LogEntry };
  outbox: { key: string; value: OutboxRecord };
  progress: { key: string; value: ProgressRecord };
  reviews: { key: string; value: ReviewState };
}

export type Store = IDBPDatabase<CourseDb>;

export function openStore(): Promise<Store> {
  return openDB<CourseDb>("course", 2, {
    upgrade(db, before) {
      if (before < 2) db.createObjectStore("reviews", { keyPath: "lesson" });
      if (before >= 1) return;
      db.createObjectStore("worlds", { keyPath: "key" });
      db.createObjectStore("entries");
      db.createObjectStore("outbox", { keyPath: "attempt" });
      db.createObjectStore("progress", { keyPath: "lesson" });
    },
    blocking: (_now, _next, event) => (event.target as IDBDatabase).close(),
  });
}

const wholeAttempt = (attempt: string) => IDBKeyRange.bound([attempt, 0], [attempt, Number.MAX_SAFE_INTEGER]);

/** An attempt's inputs in order; the first `count` of them when given. */
export async function readEntries(store: Store, attempt: string, count?: number): Promise<LogEntry[]> {
  const all = await store.getAll("entries", wholeAttempt(attempt), count);
  return all;
}

export const appendEntry = (store: Store, attempt: string, index: number, entry: LogEntry): Promise<unknown> =>
  store.put("entries", entry, [attempt, index]);

export const deleteEntries = (store: Store, attempt: string): Promise<void> =>
  store.delete("entries", wholeAttempt(attempt));

/** Merges goals into a lesson's progress: what was met once stays met, at its earliest time. */
export async function mergeProgress(
  store: Store,
  lesson: string,
  goalsTotal: number,
  goals: Readonly<Record<string, number>>,
  now: string,
): Promise<ProgressRecord> {
  const tx = store.transaction("progress", "readwrite");
  const before = await tx.store.get(lesson);
  const merged: Record<string, number> = { ...before?.goals };
  for (const [goal, at] of Object.entries(goals)) merged[goal] ??= at;
  const isDone = goalsTotal > 0 && Object.keys(merged).length >= goalsTotal;
  const finished =
    isDone && before?.doneAt === undefined ? { doneAt: now, doneMs: Math.max(0, ...Object.values(merged)) } : {};
  const after: ProgressRecord = { lesson, startedAt: now, ...before, ...finished, goals: merged, goalsTotal };
  await tx.store.put(after);
  await tx.done;
  return after;
}
