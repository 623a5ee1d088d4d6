/** The shelf of programs, by name. */
import type { ShellHost } from "../host";
import type { ToolRun } from "../tool";
import { gzip, tar } from "./archive";
import { awk } from "./awk";
import { cat, clear, echo, failQuietly, head, nproc, printf, rev, seq, sleep, succeed, tac, tail, yes } from "./basic";
import { base64, checksum, cmp, dd, hexdump, od, xxd } from "./binary";
import { date } from "./date";
import { diff } from "./diff";
import { env, expr, getconf, hostname, nice, nohup, printenv, stty, test, time, timeout, tput, tty, uname, watch, which } from "./environment";
import { basename, chmod, chown, cp, dirname, ln, mkdir, mkfifo, mktemp, mv, pwd, readlink, realpath, rm, rmdir, touch } from "./files";
import { find, xargs } from "./find";
import { grep } from "./grep";
import { jq, yq } from "./jq";
import { ls } from "./ls";
import { editorTool, less, man } from "./pager";
import { free, kill, killall, lsof, pgrep, pidof, ps, stress, top, uptime } from "./processes";
import { sed } from "./sed";
import { df, dmesg, du, file, mount, stat } from "./system";
import { column, comm, cut, expand, fold, join, nl, paste, shuf, sort, split, strings, tee, tr, uniq, wc } from "./text";
import { groups, id, whoami } from "./users";

/** Programs that need nothing of the world but their process. */
export const coreutils: ReadonlyMap<string, ToolRun> = new Map<string, ToolRun>([
  ["[", test],
  ["awk", awk],
  ["base64", base64],
  ["basename", basename],
  ["cat", cat],
  ["chgrp", chown],
  ["chmod", chmod],
  ["chown", chown],
  ["clear", clear],
  ["cmp", cmp],
  ["column", column],
  ["comm", comm],
  ["cp", cp],
  ["cut", cut],
  ["date", date],
  ["dd", dd],
  ["df", df],
  ["diff", diff],
  ["dir", ls],
  ["dirname", dirname],
  ["dmesg", dmesg],
  ["du", du],
  ["echo", echo],
  ["egrep", grep],
  ["env", env],
  ["expand", expand],
  ["expr", expr],
  ["false", failQuietly],
  ["fgrep", grep],
  ["file", file],
  ["find", find],
  ["fold", fold],
  ["free", free],
  ["gawk", awk],
  ["getconf", getconf],
  ["grep", grep],
  ["groups", groups],
  ["gunzip", gzip],
  ["gzip", gzip],
  ["hd", hexdump],
  ["head", head],
  ["hexdump", hexdump],
  ["hostname", hostname],
  ["id", id],
  ["join", join],
  ["jq", jq],
  ["kill", kill],
  ["killall", killall],
  ["less", less],
  ["ln", ln],
  ["ls", ls],
  ["lsof", lsof],
  ["man", man],
  ["mawk", awk],
  ["md5sum", checksum],
  ["mkdir", mkdir],
  ["mkfifo", mkfifo],
  ["mktemp", mktemp],
  ["more", less],
  ["mount", mount],
  ["mv", mv],
  ["nice", nice],
  ["nl", nl],
  ["nohup", nohup],
  ["nproc", nproc],
  ["od", od],
  ["paste", paste],
  ["pgrep", pgrep],
  ["pidof", pidof],
  ["pkill", pgrep],
  ["printenv", printenv],
  ["printf", printf],
  ["ps", ps],
  ["pwd", pwd],
  ["readlink", readlink],
  ["realpath", realpath],
  ["reset", clear],
  ["rev", rev],
  ["rm", rm],
  ["rmdir", rmdir],
  ["sed", sed],
  ["seq", seq],
  ["sha1sum", checksum],
  ["sha224sum", checksum],
  ["sha256sum", checksum],
  ["sha512sum", checksum],
  ["shuf", shuf],
  ["sleep", sleep],
  ["sort", sort],
  ["split", split],
  ["stat", stat],
  ["stress", stress],
  ["strings", strings],
  ["stty", stty],
  ["sync", succeed],
  ["tac", tac],
  ["tail", tail],
  ["tar", tar],
  ["tee", tee],
  ["test", test],
  ["time", time],
  ["timeout", timeout],
  ["top", top],
  ["touch", touch],
  ["tput", tput],
  ["tr", tr],
  ["true", succeed],
  ["tty", tty],
  ["uname", uname],
  ["unexpand", expand],
  ["uniq", uniq],
  ["unlink", rm],
  ["uptime", uptime],
  ["watch", watch],
  ["wc", wc],
  ["which", which],
  ["whoami", whoami],
  ["xargs", xargs],
  ["xxd", xxd],
  ["yes", yes],
  ["yq", yq],
  ["zcat", gzip],
]);

const editorNames = ["editor", "nano", "vi", "view", "vim"];

/** All programs, those joined to the world by `host` included. */
export function makeCoreutils(host: ShellHost): ReadonlyMap<string, ToolRun> {
  const editor = editorTool(host.editor);
  return new Map([...coreutils, ...editorNames.map((name) => [name, editor] as const)]);
}

export const coreutilNames: readonly string[] = [...coreutils.keys(), ...editorNames].sort();
