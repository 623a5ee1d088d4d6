/** Reads the project's own source files: what they import and which words their code uses. */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { floors } from "./floors";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export interface SourceFile {
  /** From the top of the project, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Without comments; strings are kept. */
  readonly code: string;
  /** Without comments and string contents: only words of the program itself. */
  readonly words: string;
}

export function sourceFiles(folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) => walk(join(root, folder)))
    .map((path) => readSource(relative(root, path), readFileSync(path, "utf8")));
}

export function readSource(path: string, text: string): SourceFile {
  return { path, text, code: strip(text, false), words: strip(text, true) };
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === "generated" || entry.name === "node_modules" ? [] : walk(path);
      return /\.(ts|tsx)$/.test(entry.name) && !entry.name.endsWith(".d.ts") ? [path] : [];
    });
}

/** Removes comments and, where asked, what stands inside strings and regular expressions. */
function strip(text: string, strings: boolean): string {
  const pattern =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|(?<=[=(,:;!&|?{}[\s]|return\s)\/(?![*/])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*/g;
  return text.replace(pattern, (match) => {
    if (match.startsWith("//") || match.startsWith("/*")) return match.replace(/[^\n]/g, " ");
    if (!strings) return match;
    if (match.startsWith("`")) return `\`${templateCode(match)}\``;
    return '""';
  });
}

/** The `${…}` parts of a template literal: they are code. */
function templateCode(literal: string): string {
  return [...literal.matchAll(/\$\{([^}]*)\}/g)].map((match) => `\${${match[1]}}`).join("");
}

export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The imported file or folder from the top of the project; undefined for packages. */
  readonly target: string | undefined;
}

export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const pattern =
    /(?:^|[\s;])(?:import|export)\s[^"'`;]*?from\s*["']([^"']+)["']|(?:^|[\s;])import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']|new URL\(\s*["'](\.[^"']+)["']/g;
  for (const match of file.code.matchAll(pattern)) {
    const specifier = (match[1] ?? match[2] ?? match[3] ?? match[4])!;
    const target = specifier.startsWith(".")
      ? normalize(join(dirname(file.path), specifier))
      : specifier.startsWith("@/")
        ? specifier.slice(2)
        : undefined;
    found.push({ from: file.path, specifier, target });
  }
  return found;
}

/** The room a path stands in: the longest entry of the floors table that holds it. */
export function roomOf(path: string): string | undefined {
  let best: string | undefined;
  for (const room of Object.keys(floors)) {
    // "simulator" is its doors alone.
    if (
      room === "simulator"
        ? /^simulator(\/(index|core|kubernetes)(\.ts)?)?$/.test(path)
        : path === room || path.startsWith(`${room}/`)
    )
      if (!best || room.length > best.length) best = room;
  }
  return best;
}
