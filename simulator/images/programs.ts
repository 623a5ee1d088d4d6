/** What image programs share: signals that end them well, log lines with times, and one shape for small servers. */
import { civilTime } from "../base/clock";
import { Deferred, type Task, firstOf, suspend } from "../base/task";
import type { Process } from "../os/process";
import type { SignalName } from "../os/signals";

/** Settles with the first of these signals. */
export function untilSignal(process: Process, signals: readonly SignalName[]): Deferred<SignalName> {
  const received = new Deferred<SignalName>();
  for (const signal of signals) process.onSignal(signal, (name) => received.resolve(name));
  return received;
}

/** Waits for a signal while threads serve. */
export const waitSignal = (received: Deferred<SignalName>): Task<SignalName> => suspend(received.wait);

export const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
export const two = (value: number): string => String(value).padStart(2, "0");

/** `23/Nov/2026:11:05:01 +0000` */
export function clfTime(at: number): string {
  const t = civilTime(at);
  return `${two(t.day)}/${months[t.month - 1]}/${t.year}:${two(t.hour)}:${two(t.minute)}:${two(t.second)} +0000`;
}

/** `2026/11/23 11:05:01` */
export function slashTime(at: number): string {
  const t = civilTime(at);
  return `${t.year}/${two(t.month)}/${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
}

/** `2026-11-23 11:05:01.123` */
export function dashTime(at: number, fraction = true): string {
  const t = civilTime(at);
  const text = `${t.year}-${two(t.month)}-${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
  return fraction ? `${text}.${String(t.millisecond).padStart(3, "0")}` : text;
}

/** `Mon Nov 23 11:05:01.123456 2026` */
export function apacheTime(at: number): string {
  const t = civilTime(at);
  return `${days[t.weekday]} ${months[t.month - 1]} ${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}.${String(t.millisecond).padStart(3, "0")}000 ${t.year}`;
}

/** Waits until a signal or the end of a task that may fail. */
export const either = (
  a: Deferred<unknown>,
  b: Deferred<unknown>,
): Task<{ readonly index: number; readonly value: unknown }> => suspend(firstOf([a.wait as never, b.wait as never]));

const types: Readonly<Record<string, string>> = {
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  js: "application/javascript",
  json: "application/json",
  txt: "text/plain",
  xml: "text/xml",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  ico: "image/x-icon",
};

export const contentType = (path: string, fallback = "application/octet-stream"): string =>
  types[/\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ""] ?? fallback;
