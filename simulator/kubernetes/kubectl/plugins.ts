/** Plugins: executables named `kubectl-…` on the PATH; the longest name that matches wins. */
import type { Task } from "../../base/task";
import type { Process } from "../../os/process";

/** Runs the plugin for these words; undefined when there is none. */
export function* runPlugin(process: Process, argv: readonly string[]): Task<number | undefined> {
  const words: string[] = [];
  for (const word of argv) {
    if (word.startsWith("-")) break;
    words.push(word.replaceAll("-", "_"));
  }
  for (let count = words.length; count > 0; count--) {
    const name = `kubectl-${words.slice(0, count).join("-")}`;
    const file = process.kernel.which(process.context, name, process.env["PATH"], process.cwd);
    if (!file) continue;
    const child = process.spawn({ argv: [name, ...argv.slice(count)], file });
    const status = yield* process.wait(child);
    return status.code;
  }
  return undefined;
}

/** Every `kubectl-…` on the PATH, in its order. */
export function findPlugins(process: Process): string[] {
  const found: string[] = [];
  for (const folder of (process.env["PATH"] ?? "").split(":")) {
    if (!folder || !process.fs.isDir(folder)) continue;
    for (const name of [...process.fs.readDir(folder)].sort())
      if (name.startsWith("kubectl-")) found.push(`${folder}/${name}`);
  }
  return found;
}
