/** The shelf of programs, by name. */
import type { ToolRun } from "../tool";
import { cat, clear, echo, failQuietly, head, nproc, printf, rev, seq, sleep, succeed, tac, tail, yes } from "./basic";
import { date } from "./date";
import { basename, chmod, chown, cp, dirname, ln, mkdir, mkfifo, mktemp, mv, pwd, readlink, realpath, rm, rmdir, touch } from "./files";
import { ls } from "./ls";
import { groups, id, whoami } from "./users";

export const coreutils: ReadonlyMap<string, ToolRun> = new Map<string, ToolRun>([
  ["basename", basename],
  ["cat", cat],
  ["chgrp", chown],
  ["chmod", chmod],
  ["chown", chown],
  ["clear", clear],
  ["cp", cp],
  ["date", date],
  ["dirname", dirname],
  ["echo", echo],
  ["false", failQuietly],
  ["groups", groups],
  ["head", head],
  ["id", id],
  ["ln", ln],
  ["ls", ls],
  ["mkdir", mkdir],
  ["mkfifo", mkfifo],
  ["mktemp", mktemp],
  ["mv", mv],
  ["nproc", nproc],
  ["printf", printf],
  ["pwd", pwd],
  ["readlink", readlink],
  ["realpath", realpath],
  ["reset", clear],
  ["rev", rev],
  ["rm", rm],
  ["rmdir", rmdir],
  ["seq", seq],
  ["sleep", sleep],
  ["sync", succeed],
  ["tac", tac],
  ["tail", tail],
  ["touch", touch],
  ["true", succeed],
  ["whoami", whoami],
  ["yes", yes],
]);
