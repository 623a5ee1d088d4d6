/** POSIX paths, as text. */

/** Makes `path` absolute from `cwd` and removes `.`, `..` and doubled slashes, without following symbolic links. */
export function absolute(cwd: string, path: string): string {
  if (path.charCodeAt(0) === 47 && isClean(path)) return path;
  const names: string[] = [];
  for (const name of (path.startsWith("/") ? path : `${cwd}/${path}`).split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") names.pop();
    else names.push(name);
  }
  return `/${names.join("/")}`;
}

/** Whether an absolute path has no empty, `.` or `..` names. */
function isClean(path: string): boolean {
  if (path.length > 1 && path.charCodeAt(path.length - 1) === 47) return false;
  for (let at = 0; at >= 0 && at + 1 < path.length; at = path.indexOf("/", at + 1)) {
    const first = path.charCodeAt(at + 1);
    if (first === 47) return false;
    if (first !== 46) continue;
    // `.x` and `..x` are names like any other; telling them apart is left to who takes the path to pieces.
    return false;
  }
  return true;
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
