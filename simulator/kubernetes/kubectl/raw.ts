/** `--raw`: the body as the server sent it. */
import type { ApiResponse } from "../../base/door";
import type { Task } from "../../base/task";
import type { Process } from "../../os/process";
import { goJson } from "../../text/go-json";
import { wireForm } from "../apimachinery/wire-form";

export function* printRaw(process: Process, answer: ApiResponse): Task<void> {
  yield* process.print(rawBody(answer));
}

/** Plain text as it is; objects as the server writes them: /version and the list of paths indented, others on one line. */
export function rawBody(answer: ApiResponse, isPretty = false): string {
  const { body } = answer;
  if (body === undefined) return "";
  if (typeof body === "string") return body;
  const shown = wireForm(body) as Readonly<Record<string, unknown>>;
  const keys = Object.keys(shown);
  if (isPretty || keys.includes("gitVersion") || (keys.length === 1 && keys[0] === "paths"))
    return goJson(shown, { indent: "  ", sortKeys: false });
  return `${goJson(shown, { sortKeys: false })}\n`;
}
