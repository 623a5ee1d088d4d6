/** Manifests: files, folders and standard input to objects, with kubectl's words for what cannot be read. */
import { decodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { compareStrings } from "../../text/strconv";
import { parseYaml, splitYamlDocuments } from "../../text/yaml";
import type { KubeObject } from "../apimachinery/object";
import { type AnyFailure, CommandFailure, fail } from "./failure";

export interface ManifestObject {
  readonly object: KubeObject;
  /** The file as it was named, or "STDIN". */
  readonly source: string;
}

export interface ManifestOptions {
  readonly filenames: readonly string[];
  readonly recursive?: boolean;
  /** Checks that a document is an object with kind and apiVersion, as `--validate` does. */
  readonly validate?: boolean;
}

/** Everything in the named files, lists taken apart. Failures of single documents are collected. */
export function* readManifests(
  process: Process,
  options: ManifestOptions,
): Task<{ readonly objects: readonly ManifestObject[]; readonly failures: readonly AnyFailure[] }> {
  const objects: ManifestObject[] = [];
  const failures: AnyFailure[] = [];
  for (const name of options.filenames) {
    for (const source of yield* sourcesOf(process, name, options.recursive ?? false)) {
      try {
        for (const object of parseDocuments(source, options.validate ?? true))
          objects.push({ object, source: source.name });
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        failures.push(error);
      }
    }
  }
  return { objects, failures };
}

interface Source {
  readonly name: string;
  readonly text: string;
}

function* sourcesOf(process: Process, name: string, recursive: boolean): Task<readonly Source[]> {
  if (name === "-") return [{ name: "STDIN", text: decodeUtf8(yield* process.readAll()) }];
  if (/^https?:\/\//.test(name)) {
    return fail(`reading manifests from a URL is not simulated here; save it with curl and pass the file: ${name}`);
  }
  const matched = /[*?[]/.test(name) && !process.fs.exists(process.path(name)) ? glob(process, name) : [name];
  return matched.flatMap((path) => readPath(process, path, recursive, true));
}

function readPath(process: Process, path: string, recursive: boolean, isTop: boolean): Source[] {
  const absolute = process.path(path);
  if (!process.fs.exists(absolute)) return fail(`the path "${path}" does not exist`);
  if (!process.fs.isDir(absolute)) {
    if (!isTop && !/\.(json|yaml|yml)$/.test(path)) return [];
    try {
      return [{ name: path, text: process.readText(path) }];
    } catch (error) {
      if (error instanceof SysError) return fail(`open ${path}: ${error.message.toLowerCase()}`);
      throw error;
    }
  }
  const entries = [...process.fs.readDir(absolute)]
    .filter((each) => each !== "." && each !== "..")
    .sort(compareStrings);
  const sources = entries.flatMap((entry) => {
    const child = path === "." ? entry : `${path.replace(/\/$/, "")}/${entry}`;
    if (process.fs.isDir(process.path(child)) && !recursive) return [];
    return readPath(process, child, recursive, false);
  });
  if (isTop && sources.length === 0) {
    fail(`error reading [${path}]: recognized file extensions are [.json .yaml .yml]`);
  }
  return sources;
}

function glob(process: Process, pattern: string): string[] {
  const slash = pattern.lastIndexOf("/");
  const folder = slash < 0 ? "." : pattern.slice(0, slash) || "/";
  const last = pattern.slice(slash + 1);
  const expression = new RegExp(
    `^${last
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );
  const absolute = process.path(folder);
  const names = process.fs.isDir(absolute)
    ? [...process.fs.readDir(absolute)].filter((name) => expression.test(name)).sort(compareStrings)
    : [];
  if (names.length === 0) fail(`the path "${pattern}" does not exist`);
  return names.map((name) => (slash < 0 ? name : `${pattern.slice(0, slash + 1)}${name}`));
}

function parseDocuments(source: Source, validate: boolean): KubeObject[] {
  return splitYamlDocuments(source.text).flatMap((text) => {
    const parsed = parseYaml(text);
    if (!parsed.ok) return fail(`error parsing ${source.name}: error converting YAML to JSON: ${parsed.error}`);
    const value = parsed.value.value;
    if (value === undefined || value === null) return [];
    return flatten(checked(value, source.name, validate));
  });
}

function checked(value: unknown, source: string, validate: boolean): KubeObject {
  const missing: string[] = [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) missing.push("invalid object to validate");
  else {
    const { apiVersion, kind } = value as Partial<KubeObject>;
    if (typeof apiVersion !== "string" || apiVersion === "") missing.push("apiVersion not set");
    if (typeof kind !== "string" || kind === "") missing.push("kind not set");
  }
  if (missing.length === 0) return value as KubeObject;
  if (validate) {
    const what = missing.length === 1 ? missing[0]! : `[${missing.join(", ")}]`;
    fail(
      `error validating ${JSON.stringify(source)}: error validating data: ${what}; if you choose to ignore these errors, turn validation off with --validate=false`,
    );
  }
  const field = missing.includes("kind not set") ? "Kind" : "apiVersion";
  return fail(`unable to decode ${JSON.stringify(source)}: Object '${field}' is missing in '${JSON.stringify(value)}'`);
}

function flatten(object: KubeObject): KubeObject[] {
  if (!object.kind.endsWith("List") || !Array.isArray(object["items"])) return [object];
  return (object["items"] as KubeObject[]).flatMap(flatten);
}
