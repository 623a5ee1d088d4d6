/** The shell as `test` and `[[ ]]` ask it: which names are set, which options are on. */
import type { Shell } from "./state";
import type { TestScope } from "./test-expression";

export const testScope = (shell: Shell): TestScope => ({
  process: shell.process,
  isSet: (name: string): boolean => {
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(name);
    if (indexed && (indexed[2] === "@" || indexed[2] === "*")) return shell.variable(indexed[1]!) !== undefined;
    if (indexed) return shell.element(indexed[1]!, indexed[2]!) !== undefined;
    if (/^\d+$/.test(name)) return shell.positional[Number(name) - 1] !== undefined;
    return shell.get(name) !== undefined;
  },
  isReference: (name: string): boolean => shell.variables.get(name)?.reference ?? false,
  isOption: (name: string): boolean => shell.options.has(name),
});
