/** The line protocol of the headless entry: one JSON request a line, one JSON answer each, in order. */
import { type Machine, decodeUtf8 } from "@/simulator";
import { LAB, runToEnd } from "./run-to-end";

export type JsonlRequest =
  | {
      readonly cmd: string;
      /** Seconds since the world began: the clock is moved there first, where that is in the future. */
      readonly at?: number;
      readonly tty?: boolean;
      /** Text for standard input; on a terminal [seconds since the start, keys] pairs. */
      readonly stdin?: string | readonly (readonly [number, string])[];
    }
  | { readonly file: string; readonly content: string };

export type JsonlAnswer =
  | { readonly stdout: string; readonly stderr: string; readonly exit: number; readonly at: number }
  | { readonly ok: true }
  | { readonly error: string };

export function answer(machine: Machine, request: JsonlRequest): JsonlAnswer {
  if ("file" in request) {
    const path = request.file.startsWith("/") ? request.file : `${LAB}/${request.file}`;
    machine.apply({ kind: "save", path, content: request.content });
    return { ok: true };
  }
  if (typeof request.cmd !== "string") return { error: 'a request has "cmd", or "file" and "content"' };
  if (request.at !== undefined && request.at * 1000 > machine.now()) machine.runUntil(Math.ceil(request.at * 1000));
  const keys = typeof request.stdin === "object" ? request.stdin : [];
  const run = runToEnd(
    machine,
    request.cmd,
    {
      cwd: LAB,
      ...(request.tty ? { tty: { columns: 120, rows: 40 } } : {}),
      ...(typeof request.stdin === "string" ? { stdin: request.stdin } : {}),
    },
    undefined,
    keys.map(([seconds, text]) => [seconds * 1000, text] as const),
  );
  return {
    stdout: decodeUtf8(run.stdout),
    stderr: decodeUtf8(run.stderr),
    exit: run.exit,
    at: Math.round(machine.now()) / 1000,
  };
}
