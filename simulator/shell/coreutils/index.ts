/** The shelf of programs, by name. */
import { Part } from "../../base/part";
import type { ShellHost } from "../host";
import type { ToolRun } from "../tool";
import { cat, clear, echo, failQuietly, head, nproc, printf, rev, seq, sleep, succeed, tac, tail, yes } from "./basic";
import type * as more from "./more";

/** The code of the tools that a page may load later; parts/tools.ts provides it. */
export const moreTools = new Part<typeof more>("tools");

const laterTool = (pick: (code: typeof more) => ToolRun): ToolRun =>
  function* (tool) {
    const code = yield* moreTools.use(tool.process.kernel.loop);
    return yield* pick(code)(tool);
  };

const later = (name: Exclude<keyof typeof more, "editorTool">): ToolRun => laterTool((code) => code[name]);

/** `ps` of a BusyBox that was built without CPU times. */
export const psWithoutTime: ToolRun = later("psWithoutTime");

/** Programs that need nothing of the world but their process. */
export const coreutils: ReadonlyMap<string, ToolRun> = new Map<string, ToolRun>([
  ["[", later("test")],
  ["awk", later("awk")],
  ["base64", later("base64")],
  ["basename", later("basename")],
  ["cat", cat],
  ["chgrp", later("chown")],
  ["chmod", later("chmod")],
  ["chown", later("chown")],
  ["clear", clear],
  ["cmp", later("cmp")],
  ["column", later("column")],
  ["comm", later("comm")],
  ["cp", later("cp")],
  ["cut", later("cut")],
  ["date", later("date")],
  ["dd", later("dd")],
  ["df", later("df")],
  ["diff", later("diff")],
  ["dir", later("ls")],
  ["dirname", later("dirname")],
  ["dmesg", later("dmesg")],
  ["du", later("du")],
  ["echo", echo],
  ["egrep", later("grep")],
  ["env", later("env")],
  ["expand", later("expand")],
  ["expr", later("expr")],
  ["false", failQuietly],
  ["fgrep", later("grep")],
  ["file", later("file")],
  ["find", later("find")],
  ["fold", later("fold")],
  ["free", later("free")],
  ["gawk", later("awk")],
  ["getconf", later("getconf")],
  ["grep", later("grep")],
  ["groups", later("groups")],
  ["gunzip", later("gzip")],
  ["gzip", later("gzip")],
  ["hd", later("hexdump")],
  ["head", head],
  ["hexdump", later("hexdump")],
  ["hostname", later("hostname")],
  ["id", later("id")],
  ["join", later("join")],
  ["jq", later("jq")],
  ["kill", later("kill")],
  ["killall", later("killall")],
  ["less", later("less")],
  ["ln", later("ln")],
  ["ls", later("ls")],
  ["lsof", later("lsof")],
  ["man", later("man")],
  ["mawk", later("awk")],
  ["md5sum", later("checksum")],
  ["mkdir", later("mkdir")],
  ["mkfifo", later("mkfifo")],
  ["mktemp", later("mktemp")],
  ["more", later("less")],
  ["mount", later("mount")],
  ["mv", later("mv")],
  ["nice", later("nice")],
  ["nl", later("nl")],
  ["nohup", later("nohup")],
  ["nproc", nproc],
  ["od", later("od")],
  ["paste", later("paste")],
  ["pgrep", later("pgrep")],
  ["pidof", later("pidof")],
  ["pkill", later("pgrep")],
  ["printenv", later("printenv")],
  ["printf", printf],
  ["ps", later("ps")],
  ["pwd", later("pwd")],
  ["readlink", later("readlink")],
  ["realpath", later("realpath")],
  ["reset", clear],
  ["rev", rev],
  ["rm", later("rm")],
  ["rmdir", later("rmdir")],
  ["sed", later("sed")],
  ["seq", seq],
  ["sha1sum", later("checksum")],
  ["sha224sum", later("checksum")],
  ["sha256sum", later("checksum")],
  ["sha512sum", later("checksum")],
  ["shuf", later("shuf")],
  ["sleep", sleep],
  ["sort", later("sort")],
  ["split", later("split")],
  ["stat", later("stat")],
  ["stress", later("stress")],
  ["strings", later("strings")],
  ["stty", later("stty")],
  ["sync", succeed],
  ["tac", tac],
  ["tail", tail],
  ["tar", later("tar")],
  ["tee", later("tee")],
  ["test", later("test")],
  ["time", later("time")],
  ["timeout", later("timeout")],
  ["top", later("top")],
  ["touch", later("touch")],
  ["tput", later("tput")],
  ["tr", later("tr")],
  ["true", succeed],
  ["tty", later("tty")],
  ["uname", later("uname")],
  ["unexpand", later("expand")],
  ["uniq", later("uniq")],
  ["unlink", later("rm")],
  ["uptime", later("uptime")],
  ["watch", later("watch")],
  ["wc", later("wc")],
  ["which", later("which")],
  ["whoami", later("whoami")],
  ["xargs", later("xargs")],
  ["xxd", later("xxd")],
  ["yes", yes],
  ["yq", later("yq")],
  ["zcat", later("gzip")],
]);

const editorNames = ["editor", "nano", "vi", "view", "vim"];

/** All programs, those joined to the world by `host` included. */
export function makeCoreutils(host: ShellHost): ReadonlyMap<string, ToolRun> {
  const editor = laterTool((code) => code.editorTool(host.editor));
  return new Map([...coreutils, ...editorNames.map((name) => [name, editor] as const)]);
}

export const coreutilNames: readonly string[] = [...coreutils.keys(), ...editorNames].sort();
