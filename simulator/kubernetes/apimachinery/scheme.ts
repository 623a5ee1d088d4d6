/** The scheme: the set of resources a program knows, with lookups by kind, plural and short name. */
import { formatApiVersion } from "./group-version-kind";
import type { ResourceDefinition, ServedVersion } from "./resource";

/** A resource under one of the group versions it is served as. */
export interface ServedResource {
  readonly resource: ResourceDefinition;
  readonly group: string;
  readonly version: string;
  /** Absent for the version it is stored as. */
  readonly conversion?: ServedVersion;
}

export class Scheme {
  readonly #resources: ResourceDefinition[] = [];
  #revision = 0;
  readonly #byPlural = new Map<string, ServedResource>();
  readonly #byKind = new Map<string, ServedResource>();
  #groupVersions: readonly string[] | undefined;
  readonly #plurals = new Found<ServedResource>();
  readonly #groupResources = new Found<ResourceDefinition>();

  constructor(resources: Iterable<ResourceDefinition> = []) {
    for (const resource of resources) this.add(resource);
  }

  add(resource: ResourceDefinition): void {
    this.#revision++;
    this.#resources.push(resource);
    for (const served of versionsOf(resource)) {
      const groupVersion = formatApiVersion(served.group, served.version);
      this.#byPlural.set(`${groupVersion}/${resource.plural}`, served);
      this.#byKind.set(`${groupVersion}/${resource.kind}`, served);
    }
    this.#groupVersions = undefined;
  }

  /** Takes a custom kind back. */
  remove(resource: ResourceDefinition): void {
    this.#revision++;
    const index = this.#resources.indexOf(resource);
    if (index < 0) return;
    this.#resources.splice(index, 1);
    for (const served of versionsOf(resource)) {
      const groupVersion = formatApiVersion(served.group, served.version);
      this.#byPlural.delete(`${groupVersion}/${resource.plural}`);
      this.#byKind.delete(`${groupVersion}/${resource.kind}`);
    }
    this.#groupVersions = undefined;
  }

  /** Grows when kinds come or go: what was derived from them is then out of date. */
  get revision(): number {
    return this.#revision;
  }

  get resources(): readonly ResourceDefinition[] {
    return this.#resources;
  }

  /** By group version (`apps/v1`) and plural name. */
  byPlural(groupVersion: string, plural: string): ServedResource | undefined {
    return this.#plurals.get(
      groupVersion,
      plural,
      () => this.#byPlural.get(`${groupVersion}/${plural}`),
      this.#revision,
    );
  }

  /** By apiVersion and kind, as an object states them. */
  byKind(apiVersion: string, kind: string): ServedResource | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  /** The stored definition of a group's resource, whatever the version. */
  byGroupResource(group: string, plural: string): ResourceDefinition | undefined {
    const find = (): ResourceDefinition | undefined =>
      this.#resources.find((r) => r.group === group && r.plural === plural);
    return this.#groupResources.get(group, plural, find, this.#revision);
  }

  /** The stored definition of a group's kind. */
  byGroupKind(group: string, kind: string): ResourceDefinition | undefined {
    return this.#resources.find((r) => r.group === group && r.kind === kind);
  }

  /** Every `group/version` served, in the order of definition. */
  groupVersions(): readonly string[] {
    if (!this.#groupVersions) {
      const found = new Set<string>();
      for (const { group, version } of this.#byPlural.values()) found.add(formatApiVersion(group, version));
      this.#groupVersions = [...found];
    }
    return this.#groupVersions;
  }

  /** What one group version serves, in the order of definition. */
  servedIn(groupVersion: string): readonly ServedResource[] {
    return [...this.#byPlural.values()].filter((s) => formatApiVersion(s.group, s.version) === groupVersion);
  }
}

/** What was found for two names, until kinds come or go. Two maps are looked into faster than one text is put together. */
class Found<T> {
  #revision = -1;
  readonly #byFirst = new Map<string, Map<string, T>>();

  get(first: string, second: string, find: () => T | undefined, revision: number): T | undefined {
    if (revision !== this.#revision) {
      this.#byFirst.clear();
      this.#revision = revision;
    }
    let bySecond = this.#byFirst.get(first);
    const known = bySecond?.get(second);
    if (known !== undefined) return known;
    const found = find();
    if (found === undefined) return undefined;
    if (!bySecond) this.#byFirst.set(first, (bySecond = new Map()));
    bySecond.set(second, found);
    return found;
  }
}

function versionsOf(resource: ResourceDefinition): ServedResource[] {
  return [
    { resource, group: resource.group, version: resource.version },
    ...resource.otherVersions.map((conversion) => ({
      resource,
      group: conversion.group,
      version: conversion.version,
      conversion,
    })),
  ];
}
