/** How dockerd finds a registry on its own host: by asking for /v2/, as every client of a registry begins. */
import { decodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { type Registry, STORE_HEADER, storeOf } from "../../containerd/registry";
import { HttpFailure, headerOf, httpRequest } from "../../net/http";
import type { Process } from "../../os/process";

/** The registry behind `localhost:5000`; a text is what was in the way, in dockerd's words. */
export function* probeRegistry(process: Process, domain: string): Task<Registry | string> {
  try {
    const answer = yield* httpRequest(process, { url: `http://${domain}/v2/`, timeoutMs: 15_000 });
    const store = headerOf(answer.headers, STORE_HEADER.toLowerCase());
    if (store !== undefined) return storeOf(process.kernel.loop, store);
    const text = decodeUtf8(answer.body);
    return `error parsing HTTP ${answer.status} response body: invalid character '${text[0] ?? ""}' looking for beginning of value: ${JSON.stringify(text)}`;
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    return error.message;
  }
}
