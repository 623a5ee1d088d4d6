/** `--raw`: the body as the server sent it. */
import type { ApiResponse } from "../../base/door";
import type { Task } from "../../base/task";
import type { Process } from "../../os/process";
import { goJson } from "../../text/go-json";

export function* printRaw(process: Process, answer: ApiResponse): Task<void> {
  yield* process.print(rawBody(answer));
}

/** Plain text as it is; objects as the server writes them: /version and the list of paths indented, others on one line. */
export function rawBody(answer: ApiResponse): string {
  const { body } = answer;
  if (body === undefined) return "";
  if (typeof body === "string") return body;
  const keys = Object.keys(body as object);
  if (keys.includes("gitVersion") || (keys.length === 1 && keys[0] === "paths"))
    return goJson(body, { indent: "  ", sortKeys: false });
  return `${goJson(body, { sortKeys: false })}\n`;
}
