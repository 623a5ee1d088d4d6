/** The shelf of builtins: what a shell does itself. */
import type { Builtin, DeclarationBuiltin } from "../state";
import { cd, dirs, popd, pushd, pwd, ulimit, umask } from "./directories";
import { breakLoop, builtinCommand, command, continueLoop, evalText, exec, exit, returnFrom, shift, source, times, trap, wait } from "./flow";
import { bg, disown, fg, jobs, kill } from "./jobs";
import { accepted, alias, bracket, hash, help, history, test, typeOf, unalias } from "./lookup";
import { echo, no, printf, yes } from "./output";
import { declare, exportVariables, getopts, letValues, local, mapfile, read, readonlyVariables, set, shopt, unset } from "./variables";

export const builtins: ReadonlyMap<string, Builtin> = new Map<string, Builtin>([
  [":", yes],
  [".", source],
  ["[", bracket],
  ["alias", alias],
  ["bg", bg],
  ["bind", accepted],
  ["break", breakLoop],
  ["builtin", builtinCommand],
  ["cd", cd],
  ["command", command],
  ["complete", accepted],
  ["compopt", accepted],
  ["continue", continueLoop],
  ["dirs", dirs],
  ["disown", disown],
  ["echo", echo],
  ["enable", accepted],
  ["eval", evalText],
  ["exec", exec],
  ["exit", exit],
  ["false", no],
  ["fg", fg],
  ["getopts", getopts],
  ["hash", hash],
  ["help", help],
  ["history", history],
  ["jobs", jobs],
  ["kill", kill],
  ["let", letValues],
  ["logout", exit],
  ["mapfile", mapfile],
  ["popd", popd],
  ["printf", printf],
  ["pushd", pushd],
  ["pwd", pwd],
  ["read", read],
  ["readarray", mapfile],
  ["return", returnFrom],
  ["set", set],
  ["shift", shift],
  ["shopt", shopt],
  ["source", source],
  ["test", test],
  ["times", times],
  ["trap", trap],
  ["true", yes],
  ["type", typeOf],
  ["ulimit", ulimit],
  ["umask", umask],
  ["unalias", unalias],
  ["unset", unset],
  ["wait", wait],
]);

/** Builtins whose arguments may be assignments: `export x=1`. */
export const declarations: ReadonlyMap<string, DeclarationBuiltin> = new Map<string, DeclarationBuiltin>([
  ["declare", declare],
  ["export", exportVariables],
  ["local", local],
  ["readonly", readonlyVariables],
  ["typeset", declare],
]);
