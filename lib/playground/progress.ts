/** A learner's progress as the browser knows it: what it has seen itself, and what the server has proved. Browser only. */
import { openStore, type ProgressRecord, type ReviewState, type Store } from "./store";
import { drainOutbox } from "./upload";

export interface KnownProgress {
  readonly lessons: Readonly<Record<string, LessonProgress>>;
  /** What comes due again, and when: as the server says, or said last. */
  readonly reviews: readonly ReviewState[];
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
  const reviews = await knownReviews(store, there?.reviews).catch(() => there?.reviews ?? []);
  store?.close();
  return { lessons: join(here, there?.lessons ?? []), reviews, isOffline: there === undefined };
}

/** The server's word is kept for when it cannot be asked; then a date that has passed counts. */
async function knownReviews(
  store: Store | undefined,
  fresh: readonly ReviewState[] | undefined,
): Promise<readonly ReviewState[]> {
  if (store === undefined) return fresh ?? [];
  if (fresh === undefined) {
    const now = new Date().toISOString();
    const kept = await store.getAll("reviews");
    return kept.map((review) => ({ ...review, isDue: review.dueAt !== undefined && review.dueAt <= now }));
  }
  const tx = store.transaction("reviews", "readwrite");
  await tx.store.clear();
  for (const review of fresh) await tx.store.put(review);
  await tx.done;
  return fresh;
}

/** Gives a review up. False when the server could not be told. */
export async function giveUpReview(lesson: string, round: number): Promise<boolean> {
  try {
    const response = await fetch("/api/reviews", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ lesson, round }),
    });
    return response.ok;
  } catch {
    return false;
  }
}

interface ServerAnswer {
  readonly lessons: readonly ServerRecord[];
  readonly reviews: readonly ReviewState[];
}

async function fromServer(): Promise<ServerAnswer | undefined> {
  try {
    const response = await fetch("/api/progress", { cache: "no-store" });
    if (!response.ok) return undefined;
    return (await response.json()) as ServerAnswer;
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
