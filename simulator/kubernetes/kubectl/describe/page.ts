/** The page a describer writes: text with tabs, aligned as `kubectl describe` does, and the pieces that pages share. */
import { parseRfc3339, civilTime } from "../../../base/clock";
import { compareStrings } from "../../../text/strconv";
import { KUBECTL_DESCRIBE, TabWriter } from "../../../text/tabwriter";
import type { KubeObject } from "../../apimachinery/object";
import { LAST_APPLIED } from "../create-object";

/** Any part of an API object, read without its type: describers work on what the server sent. */
// biome-ignore lint/suspicious/noExplicitAny: describers read many kinds.
export type Part = any;

/** Takes lines; level n is indented by 2n spaces. */
export interface Writer {
  write(level: number, text: string): void;
  flush(): void;
}

export class Page implements Writer {
  readonly #writer = new TabWriter(KUBECTL_DESCRIBE);
  #out = "";

  write(level: number, text: string): void {
    this.#writer.write("  ".repeat(level) + text);
  }

  /** What follows is aligned on its own. */
  flush(): void {
    this.#out += this.#writer.flush();
  }

  text(): string {
    this.flush();
    return this.#out;
  }
}

/** Text with its tabs, for pages that are not aligned (rollout history). */
export class RawPage implements Writer {
  out = "";
  write(level: number, text: string): void {
    this.out += "  ".repeat(level) + text;
  }
  flush(): void {}
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** RFC 1123 with a numeric zone: `Mon, 23 Nov 2026 11:47:18 +0000`. */
export function rfc1123(timestamp: string | undefined | null): string {
  const instant = timestamp ? parseRfc3339(timestamp) : undefined;
  if (instant === undefined) return "Mon, 01 Jan 0001 00:00:00 +0000";
  const t = civilTime(instant);
  const pad = (n: number, width = 2): string => String(n).padStart(width, "0");
  return `${DAYS[t.weekday]}, ${pad(t.day)} ${MONTHS[t.month - 1]} ${pad(t.year, 4)} ${pad(t.hour)}:${pad(t.minute)}:${pad(t.second)} +0000`;
}

export function writeLabels(w: Writer, title: string, labels: Readonly<Record<string, string>> | undefined): void {
  const keys = Object.keys(labels ?? {}).sort(compareStrings);
  if (keys.length === 0) {
    w.write(0, `${title}:\t<none>\n`);
    return;
  }
  keys.forEach((key, i) => {
    w.write(0, `${i === 0 ? `${title}:` : ""}\t${key}=${labels![key]}\n`);
  });
}

const ANNOTATION_MAX = 140;

export function writeAnnotations(
  w: Writer,
  title: string,
  annotations: Readonly<Record<string, string>> | undefined,
): void {
  const keys = Object.keys(annotations ?? {})
    .filter((key) => key !== LAST_APPLIED)
    .sort(compareStrings);
  if (keys.length === 0) {
    w.write(0, `${title}:\t<none>\n`);
    return;
  }
  keys.forEach((key, i) => {
    const head = i === 0 ? `${title}:\t` : "\t";
    const value = annotations![key]!.replace(/\n$/, "");
    if (value.length + key.length + 2 <= ANNOTATION_MAX && !value.includes("\n")) {
      w.write(0, `${head}${key}: ${value}\n`);
      return;
    }
    w.write(0, `${head}${key}:\n`);
    for (const line of value.split("\n")) {
      w.write(0, `\t  ${line.length > ANNOTATION_MAX - 2 ? `${line.slice(0, ANNOTATION_MAX - 2)}...` : line}\n`);
    }
  });
}

/** "Deployment/web", of the controlling owner. */
export function controllerOf(object: KubeObject): string | undefined {
  const owner = object.metadata.ownerReferences?.find((each) => each.controller);
  return owner && `${owner.kind}/${owner.name}`;
}

export const stringOrNone = (text: string | undefined): string => text || "<none>";

/** Go's spelling of truth on these pages. */
export const boolText = (value: boolean | undefined): string => (value ? "True" : "False");

/** Entries of a resource list in order of name. */
export const sortedEntries = <T>(map: Readonly<Record<string, T>> | undefined): [string, T][] =>
  Object.entries(map ?? {}).sort(([a], [b]) => compareStrings(a, b));

/** An environment-independent rendering of an int-or-string. */
export const intOrString = (value: unknown): string =>
  value === undefined || value === null ? "<nil>" : String(value);
