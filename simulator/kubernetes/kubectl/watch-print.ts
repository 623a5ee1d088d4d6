/** The loop behind `get --watch`: prints each event as it comes. */
import type { Task } from "../../base/task";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Factory } from "./factory";
import { ApiFailure } from "./failure";
import { watchReader, type Query } from "./rest";

export interface WatchPrint {
  readonly path: string;
  readonly query: Query;
  readonly accept?: string;
  readonly show: (type: string, object: unknown) => string;
  /** Ends the watch when it says so. */
  readonly until?: (type: string, object: unknown) => boolean;
}

export function* watchAndPrint(factory: Factory, options: WatchPrint): Task<number> {
  const stream = yield* factory.client.stream("GET", options.path, {
    query: { ...options.query, watch: "true" },
    accept: options.accept,
  });
  const events = watchReader<KubeObject>(stream);
  try {
    for (;;) {
      // When the server ends the watch, the command ends: kubectl does not begin anew.
      const event = yield* events.next(factory.process);
      if (!event) return 0;
      if (event.type === "ERROR") throw new ApiFailure(event.object as unknown as Status);
      if (event.type === "BOOKMARK") continue;
      yield* factory.process.print(options.show(event.type, event.object));
      if (options.until?.(event.type, event.object)) return 0;
    }
  } finally {
    events.close();
  }
}
