/** --from-literal, --from-file and --from-env-file, for ConfigMaps and Secrets. */
import { decodeUtf8, encodeUtf8, type Bytes } from "../../../../base/bytes";
import { SysError } from "../../../../os/errno";
import type { Process } from "../../../../os/process";
import { compareStrings } from "../../../../text/strconv";
import { configMapKey, environmentVariableName } from "../../../apimachinery/validation";
import { fail } from "../../failure";

export interface DataSources {
  readonly literals: readonly string[];
  readonly files: readonly string[];
  readonly envFiles: readonly string[];
}

/** Keys and their bytes, in order. `taken` says how a key that comes twice is refused. */
export function readDataSources(
  process: Process,
  sources: DataSources,
  taken: (key: string) => string,
): Map<string, Bytes> {
  if (sources.envFiles.length > 0 && (sources.files.length > 0 || sources.literals.length > 0)) {
    fail("from-env-file cannot be combined with from-file or from-literal");
  }
  const data = new Map<string, Bytes>();
  const add = (key: string, value: Bytes): void => {
    const problems = configMapKey(key);
    if (problems.length > 0)
      fail(`${JSON.stringify(key)} is not a valid key name for a ConfigMap: ${problems.join(",")}`);
    if (data.has(key)) fail(taken(key));
    data.set(key, value);
  };
  for (const literal of sources.literals) {
    const at = literal.indexOf("=");
    if (at <= 0) fail(`invalid literal source ${literal}, expected key=value`);
    add(literal.slice(0, at), encodeUtf8(unquoted(literal.slice(at + 1))));
  }
  for (const file of sources.files) for (const [key, bytes] of fileEntries(process, file)) add(key, bytes);
  for (const file of sources.envFiles)
    for (const [key, value] of envEntries(process, file)) add(key, encodeUtf8(value));
  return data;
}

/** A value in matching quotes loses them. */
const unquoted = (text: string): string =>
  text.length >= 2 && (text[0] === '"' || text[0] === "'") && text[0] === text.at(-1) ? text.slice(1, -1) : text;

function fileEntries(process: Process, source: string): [string, Bytes][] {
  const parts = source.split("=");
  if (parts.length > 2) fail(`key names or file paths cannot contain '='`);
  const [key, path] = parts.length === 2 ? (parts as [string, string]) : [basename(source), source];
  if (parts.length === 2 && key === "") fail(`key name for file path ${path} missing`);
  if (parts.length === 2 && path === "") fail(`file path for key name ${key} missing`);
  const absolute = process.path(path);
  if (!process.fs.exists(absolute)) fail(`error reading ${path}: no such file or directory`);
  if (!process.fs.isDir(absolute)) return [[key, read(process, path)]];
  if (parts.length === 2) fail(`cannot give a key name for a directory path`);
  const names = [...process.fs.readDir(absolute)].sort(compareStrings);
  return names
    .filter((name) => !process.fs.isDir(`${absolute.replace(/\/$/, "")}/${name}`))
    .map((name) => [name, read(process, `${path.replace(/\/$/, "")}/${name}`)]);
}

function read(process: Process, path: string): Bytes {
  try {
    return process.fs.readFile(process.path(path));
  } catch (error) {
    if (error instanceof SysError) return fail(`error reading ${path}: ${error.message.toLowerCase()}`);
    throw error;
  }
}

function envEntries(process: Process, path: string): [string, string][] {
  if (!process.fs.exists(process.path(path))) fail(`error reading ${path}: no such file or directory`);
  const entries: [string, string][] = [];
  for (const raw of decodeUtf8(read(process, path)).split("\n")) {
    const line = raw.replace(/^\s+/, "").replace(/\r$/, "");
    if (line === "" || line.startsWith("#")) continue;
    const at = line.indexOf("=");
    const key = at < 0 ? line : line.slice(0, at);
    const problems = environmentVariableName(key);
    if (problems.length > 0) fail(`${JSON.stringify(key)} is not a valid key name: ${problems.join(";")}`);
    // A name alone takes its value from kubectl's own environment.
    entries.push([key, at < 0 ? (process.env[key] ?? "") : line.slice(at + 1)]);
  }
  return entries;
}

const basename = (path: string): string => path.replace(/\/+$/, "").replace(/^.*\//, "");
