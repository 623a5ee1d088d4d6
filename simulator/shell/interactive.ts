/** placeholder */
import type { Task } from "../base/task";
import type { Shell } from "./state";
export function* runInteractive(_shell: Shell, _options: { readonly login: boolean; readonly norc: boolean }): Task<number> {
  return 0;
}
