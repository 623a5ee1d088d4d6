/** Sends waiting proofs to the server, oldest first; safe to call at any time, from any tab, as often as one likes. */
import { deleteEntries, type OutboxRecord, readEntries, type Store } from "./store";

export type UploadResult = "nothing" | "sent" | "offline" | "refused";

/** Answers that sending the same log again cannot change. */
const FINAL = new Set([400, 404, 409, 413, 422]);

export async function drainOutbox(store: Store): Promise<UploadResult> {
  const drain = () => drainNow(store);
  // One tab sends at a time; the others find nothing left to send.
  return typeof navigator.locks === "undefined" ? drain() : navigator.locks.request("course-upload", drain);
}

async function drainNow(store: Store): Promise<UploadResult> {
  let result: UploadResult = "nothing";
  for (const record of await store.getAll("outbox")) {
    const status = await send(store, record);
    if (status === undefined) return "offline";
    if (status !== 200 && !FINAL.has(status)) return "offline";
    if (status !== 200) console.warn(`The server would not take the proof of ${record.lesson}: ${status}`);
    await forget(store, record);
    result = status === 200 ? "sent" : "refused";
  }
  return result;
}

/** The status of the answer; undefined when there was none. */
async function send(store: Store, record: OutboxRecord): Promise<number | undefined> {
  const entries = await readEntries(store, record.attempt, record.entries);
  const body = JSON.stringify({
    attempt: record.attempt,
    lesson: record.lesson,
    version: record.version,
    startHash: record.startHash,
    entries,
    end: record.end,
    hash: record.hash,
    ...(record.review === undefined ? {} : { review: record.review }),
  });
  try {
    const first = await post(body);
    if (first !== 401) return first;
    // The cookie is gone: asking for progress brings a new one.
    await fetch("/api/progress", { cache: "no-store" });
    return await post(body);
  } catch {
    return undefined;
  }
}

async function post(body: string): Promise<number> {
  const response = await fetch("/api/attempts", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  return response.status;
}

/** Drops a proof that was answered, unless a longer one took its place meanwhile; then inputs nobody needs any more. */
async function forget(store: Store, sent: OutboxRecord): Promise<void> {
  const tx = store.transaction("outbox", "readwrite");
  const present = await tx.store.get(sent.attempt);
  const isSame = present !== undefined && present.entries === sent.entries && present.end === sent.end;
  if (isSame) await tx.store.delete(sent.attempt);
  await tx.done;
  if (!isSame) return;
  const worlds = await store.getAll("worlds");
  const isUsed = worlds.some((world) => world.attempt === sent.attempt || world.previous?.attempt === sent.attempt);
  if (!isUsed) await deleteEntries(store, sent.attempt);
}
