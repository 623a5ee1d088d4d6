/** Pathname expansion: walks the file tree along a pattern. */
import type { Process } from "../os/process";
import { hasMagic, patternRegExp, unescapePattern } from "./pattern";

export interface GlobOptions {
  readonly dotglob: boolean;
  readonly ignoreCase: boolean;
  readonly globstar: boolean;
}

/** The paths that match, sorted; none when nothing does. */
export function globPaths(process: Process, pattern: string, options: GlobOptions): string[] {
  const parts = pattern.split("/");
  let bases: string[] = [""];
  if (parts[0] === "") {
    parts.shift();
    bases = ["/"];
  }
  parts.forEach((part, index) => {
    const isLast = index === parts.length - 1;
    const next: string[] = [];
    for (const base of bases) {
      if (part === "") {
        if (isLast && process.fs.isDir(process.path(base || "."))) next.push(`${base}/`.replace(/\/{2,}$/, "/"));
        else if (!isLast) next.push(base);
        continue;
      }
      const join = (name: string): string => (base === "" || base.endsWith("/") ? base + name : `${base}/${name}`);
      if (options.globstar && part === "**") {
        next.push(...walk(process, base, isLast, join));
        continue;
      }
      if (!hasMagic(part)) {
        const path = join(unescapePattern(part));
        if (process.fs.find(process.path(path), { followLast: !isLast })) next.push(path);
        continue;
      }
      const regexp = patternRegExp(part, options.ignoreCase);
      const showsDots = options.dotglob || part.startsWith(".") || part.startsWith("\\.");
      for (const name of entriesOf(process, base)) {
        if (name.startsWith(".") && !showsDots) continue;
        if (!regexp.test(name)) continue;
        const path = join(name);
        if (isLast || process.fs.isDir(process.path(path))) next.push(path);
      }
      if (part.startsWith(".") || part.startsWith("\\."))
        for (const name of [".", ".."]) if (regexp.test(name)) next.push(join(name));
    }
    bases = next;
  });
  return bases.sort(byCodePoint);
}

function entriesOf(process: Process, base: string): string[] {
  const path = process.path(base || ".");
  return process.fs.isDir(path) ? process.fs.readDir(path) : [];
}

function walk(process: Process, base: string, isLast: boolean, join: (name: string) => string): string[] {
  const found: string[] = isLast ? [] : [base];
  const visit = (at: string): void => {
    for (const name of entriesOf(process, at)) {
      if (name.startsWith(".")) continue;
      const path = at === base ? join(name) : `${at}/${name}`;
      const node = process.fs.find(process.path(path), { followLast: false });
      if (isLast || node?.kind === "dir") found.push(path);
      if (node?.kind === "dir") visit(path);
    }
  };
  visit(base);
  return found;
}

/** The order of UTF-8 bytes, as in the C.UTF-8 locale. */
export function byCodePoint(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit < 0xe000;
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
