/** The audit log: one entry a request, bounded. */
import type { RequestInfo } from "../apimachinery/transport";

/** Same shape as the machine's AuditEntry, which is what reads it. */
export interface AuditEntry {
  readonly at: number;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly code: number;
}

/** Groups and resources joined, as entries write them: few, and kept, so that entries share their text. */
const names = new Map<string, Map<string, string>>();

function resourceName(group: string, resource: string): string {
  if (group === "") return resource;
  let byResource = names.get(group);
  if (!byResource) names.set(group, (byResource = new Map()));
  let name = byResource.get(resource);
  if (name === undefined) {
    name = `${resource}.${group}`;
    if (byResource.size < 500) byResource.set(resource, name);
  }
  return name;
}

export function auditEntry(at: number, user: string, userAgent: string, info: RequestInfo, code: number): AuditEntry {
  const { verb, subresource, namespace, name } = info;
  const resource = info.isResource ? resourceName(info.group, info.resource) : info.path;
  const entry: { -readonly [K in keyof AuditEntry]: AuditEntry[K] } = { at, user, userAgent, verb, resource, code };
  if (subresource) entry.subresource = subresource;
  if (namespace) entry.namespace = namespace;
  if (name) entry.name = name;
  return entry;
}

export class AuditLog {
  readonly #max: number;
  #entries: AuditEntry[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  add(entry: AuditEntry): void {
    this.#entries.push(entry);
    // Dropped in halves, so that adding stays cheap.
    if (this.#entries.length >= this.#max * 2) this.#entries = this.#entries.slice(-this.#max);
  }

  /** Oldest first. `at` is an instant of the loop's clock. */
  entries(): readonly AuditEntry[] {
    return this.#entries;
  }
}
