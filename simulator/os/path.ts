/** POSIX paths, as text. */

/** Makes `path` absolute from `cwd` and removes `.`, `..` and doubled slashes, without following symbolic links. */
export function absolute(cwd: string, path: string): string {
  const names: string[] = [];
  for (const name of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") names.pop();
    else names.push(name);
  }
  return `/${names.join("/")}`;
}

export function join(...parts: readonly string[]): string {
  return parts.join("/").replace(/\/{2,}/g, "/");
}

export function basename(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "") return path.startsWith("/") ? "/" : "";
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

export function dirname(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  const at = trimmed.lastIndexOf("/");
  if (at < 0) return path.startsWith("/") ? "/" : ".";
  return trimmed.slice(0, at).replace(/\/+$/, "") || "/";
}
