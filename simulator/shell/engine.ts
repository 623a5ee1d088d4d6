/** Joins the interpreter's parts into the engine that shells carry with them. */
import { builtins, declarations } from "./builtins/index";
import { callFunction, processSubstitution, runText, substitute } from "./execute";
import { callBuiltin, isBuiltin, runProgramByName } from "./simple-command";
import type { Engine } from "./state";

export const engine: Engine = {
  runText,
  callFunction,
  substitute,
  processSubstitution,
  builtins,
  declarations,
  *runCommand(shell, argv, options = {}) {
    const name = argv[0]!;
    if (!options.skipFunctions && shell.functions.has(name)) return yield* callFunction(shell, name, argv.slice(1));
    if (isBuiltin(shell, name)) return yield* callBuiltin(shell, name, argv.slice(1));
    return yield* runProgramByName(shell, argv, options.env);
  },
};
