/** One transaction, tried again when another request was in its way. */
import type { Db, Transaction } from "@/lib/db/client";

/** P2002: two requests made the same row. P2034: a write conflict. Either way the second try sees what the first one did. */
const RETRIED = new Set(["P2002", "P2034"]);

export async function atOnce(db: Db, work: (tx: Transaction) => Promise<void>, tries = 3): Promise<void> {
  try {
    await db.$transaction(work);
  } catch (error) {
    if (tries <= 1 || !RETRIED.has((error as { code?: string }).code ?? "")) throw error;
    await atOnce(db, work, tries - 1);
  }
}
