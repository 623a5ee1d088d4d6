/** The worker's entry: takes the lesson's lock, finds or makes its world, and passes messages to it. */
import { MissingPart, SIMULATOR_VERSION } from "@/simulator/core";
import { fetchFirstParts, fetchPart, fetchRemainingParts, keepForOffline } from "./parts";
import type { FromWorker, ToWorker, WorldSpec } from "./protocol";
import { openStore, type Store } from "./store";
import { drainOutbox } from "./upload";
import { dropAttempt, storedLog, type Tell, World } from "./world";

const scope = self as unknown as {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  addEventListener(type: string, listener: (event: MessageEvent<ToWorker>) => void): void;
};

const tell: Tell = (message, transfer = []) => scope.postMessage(message, transfer);

let world: World | undefined;
let store: Store | undefined;
let spec: WorldSpec | undefined;
let release: (() => void) | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
/** Messages are handled one after another: a reset waits for its reads before the next key is taken. */
let queue: Promise<void> = Promise.resolve();

scope.addEventListener("message", ({ data }) => {
  queue = queue.then(() => handle(data)).catch((error) => report(error));
});
scope.addEventListener("online", () => void upload());

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "start":
      return start(message.world, message.steal);
    case "input":
      return guarded((present) => present.apply(message.input));
    case "speed":
      return guarded((present) => present.setSpeed(message.speed));
    case "skip":
      return guarded((present) => present.skip(message.skip));
    case "hint":
      return guarded((present) => present.noteHint());
    case "visible":
      return guarded((present) => present.show(message.visible));
    case "reset":
      return reset();
    case "undoReset":
      return undoReset();
  }
}

async function guarded(act: (present: World) => void | Promise<void>): Promise<void> {
  if (world === undefined) return;
  try {
    await act(world);
  } catch (error) {
    world.fail(error);
  }
}

function report(error: unknown): void {
  if (world !== undefined) world.fail(error);
  else tell({ kind: "failure", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

async function start(wanted: WorldSpec, steal: boolean): Promise<void> {
  spec = wanted;
  if (!(await takeLock(wanted.key, steal))) {
    tell({ kind: "held" });
    return;
  }
  await fetchFirstParts(wanted.start.scenario, wanted.start.commands ?? []);
  // A browser that gives no storage (some private windows) still gets a world; it just cannot keep it.
  store ??= await openStore().catch(() => undefined);
  if (store === undefined) tell({ kind: "saved", saving: "failed" });
  const record = await store?.get("worlds", wanted.key);
  const log = store && record ? await storedLog(store, record, wanted) : undefined;
  if (store && record && log !== undefined) {
    world = await make(record.attempt, record.hints);
    const terminals = await world.restore(log, record.end);
    world.begin();
    tell({
      kind: "ready",
      terminals,
      isRestored: log.length > 0,
      isOutdated: false,
      canUndoReset: record.previous !== undefined,
    });
  } else {
    await fresh();
    // A review's next round is another world by design.
    const isOutdated = record !== undefined && wanted.review === undefined;
    tell({ kind: "ready", terminals: [], isRestored: false, isOutdated, canUndoReset: false });
  }
  void upload();
  void fetchRemainingParts(wanted.start.scenario)
    .then(keepForOffline)
    .catch(() => {});
}

/** A new attempt in place of the present one. */
async function fresh(): Promise<void> {
  if (spec === undefined) return;
  const attempt = crypto.randomUUID();
  const before = world?.record();
  world?.stop();
  world = await make(attempt);
  const { key, startHash } = spec;
  const old = await store?.get("worlds", key);
  const previous = before === undefined ? {} : { previous: before };
  await store?.put("worlds", { key, attempt, startHash, version: SIMULATOR_VERSION, end: 0, ...previous });
  if (store && old?.previous) await dropAttempt(store, old.previous.attempt);
  if (store && old && before === undefined) await dropAttempt(store, old.attempt);
  world.begin();
}

async function reset(): Promise<void> {
  if (world === undefined) return;
  tell({ kind: "cleared" });
  await fresh();
  tell({ kind: "ready", terminals: [], isRestored: false, isOutdated: false, canUndoReset: store !== undefined });
}

async function undoReset(): Promise<void> {
  const present = spec && (await store?.get("worlds", spec.key));
  if (!present?.previous || !spec || !store) return;
  const log = await storedLog(store, present.previous, spec);
  if (log === undefined) return;
  world?.stop();
  tell({ kind: "cleared" });
  world = await make(present.previous.attempt);
  const terminals = await world.restore(log, present.previous.end);
  await store.put("worlds", { key: spec.key, ...present.previous });
  await dropAttempt(store, present.attempt);
  world.begin();
  tell({ kind: "ready", terminals, isRestored: true, isOutdated: false, canUndoReset: false });
}

async function make(attempt: string, hints = 0): Promise<World> {
  const onProof = () => {
    tell({ kind: "saved", saving: "waiting" });
    void upload();
  };
  for (;;) {
    try {
      return new World(spec!, attempt, store, tell, onProof, hints);
    } catch (error) {
      // Its start state runs a program that is not here yet; a world made anew is the same world.
      if (!(error instanceof MissingPart)) throw error;
      await fetchPart(error.part);
    }
  }
}

async function upload(): Promise<void> {
  if (store === undefined) return;
  clearTimeout(retry);
  const result = await drainOutbox(store).catch(() => "offline" as const);
  if (result === "sent") tell({ kind: "saved", saving: "proved" });
  if (result === "refused") tell({ kind: "saved", saving: "refused" });
  if (result === "offline") {
    tell({ kind: "saved", saving: "waiting" });
    retry = setTimeout(() => void upload(), 30_000);
  }
}

/** One tab has a world at a time: two writers would make one log out of two stories. */
async function takeLock(key: string, steal: boolean): Promise<boolean> {
  if (typeof navigator.locks === "undefined" || release !== undefined) return true;
  return new Promise((taken) => {
    navigator.locks
      .request(`world:${key}`, steal ? { steal: true } : { ifAvailable: true }, (lock) => {
        if (lock === null) {
          taken(false);
          return;
        }
        taken(true);
        return new Promise<void>((free) => {
          release = free;
        });
      })
      .catch(() => {
        // Another tab took it over.
        release = undefined;
        world?.stop();
        world = undefined;
        tell({ kind: "held" });
      });
  });
}
