/** A learner's progress as the browser knows it: what it has seen itself, and what the server has proved. Browser only. */
import { openStore, type ProgressRecord } from "./store";
import { drainOutbox } from "./upload";

export interface KnownProgress {
  readonly lessons: Readonly<Record<string, LessonProgress>>;
  /** The server could not be asked. */
  readonly isOffline: boolean;
}

export interface LessonProgress {
  readonly goals: Readonly<Record<string, number>>;
  readonly doneAt?: string;
  readonly doneMs?: number;
}

interface ServerRecord {
  readonly lesson: string;
  readonly goals: readonly { readonly goal: string; readonly atMs: number }[];
  readonly doneAt?: string;
  readonly doneMs?: number;
}

export async function knownProgress(): Promise<KnownProgress> {
  const store = await openStore().catch(() => undefined);
  // What waits is sent first, so that the answer below counts it.
  if (store) await drainOutbox(store).catch(() => "offline");
  const [here, there] = await Promise.all([store?.getAll("progress").catch(() => []) ?? [], fromServer()]);
  store?.close();
  return { lessons: join(here, there ?? []), isOffline: there === undefined };
}

async function fromServer(): Promise<readonly ServerRecord[] | undefined> {
  try {
    const response = await fetch("/api/progress", { cache: "no-store" });
    if (!response.ok) return undefined;
    return ((await response.json()) as { readonly lessons: readonly ServerRecord[] }).lessons;
  } catch {
    return undefined;
  }
}

/** The earlier time and the larger set of goals win: both sides only ever add. */
export function join(
  here: readonly ProgressRecord[],
  there: readonly ServerRecord[],
): Readonly<Record<string, LessonProgress>> {
  const joined: Record<string, LessonProgress> = {};
  for (const record of here) joined[record.lesson] = record;
  for (const record of there) {
    const local = joined[record.lesson];
    const goals = { ...Object.fromEntries(record.goals.map(({ goal, atMs }) => [goal, atMs])), ...local?.goals };
    joined[record.lesson] = { ...record, ...local, goals };
  }
  return joined;
}
