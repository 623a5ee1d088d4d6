/** Prompt escapes: `\u@\h:\w\$ `. */
import type { Task } from "../base/task";
import { expandText } from "./expand";
import type { Shell } from "./state";
import { strftime } from "./strftime";

/** The text of PS1 or PS2. `\[` and `\]` become the marks \x01 and \x02 around what has no width. */
export function* renderPrompt(shell: Shell, source: string): Task<string> {
  const { process } = shell;
  const host = process.context.hostname();
  const home = shell.get("HOME");
  const cwd = process.cwd;
  const short =
    home && home !== "/" && (cwd === home || cwd.startsWith(`${home}/`)) ? `~${cwd.slice(home.length)}` : cwd;
  const one = (code: string): string => {
    switch (code[0]) {
      case "u":
        return process.context.user;
      case "h":
        return host.split(".")[0]!;
      case "H":
        return host;
      case "w":
        return short;
      case "W":
        return short === "~" ? "~" : cwd === "/" ? "/" : cwd.slice(cwd.lastIndexOf("/") + 1);
      case "$":
        return process.context.uid === 0 ? "#" : "\\$";
      case "n":
        return "\n";
      case "r":
        return "\r";
      case "t":
        return strftime("%T", process.now());
      case "T":
        return strftime("%I:%M:%S", process.now());
      case "@":
        return strftime("%I:%M %p", process.now());
      case "A":
        return strftime("%R", process.now());
      case "d":
        return strftime("%a %b %d", process.now());
      case "s":
        return shell.name.slice(shell.name.lastIndexOf("/") + 1);
      case "v":
        return "5.2";
      case "V":
        return "5.2.15";
      case "j":
        return String(shell.jobs?.jobs.size ?? 0);
      case "!":
      case "#":
        return String((shell.history?.first ?? 1) + (shell.history?.lines.length ?? 0));
      case "e":
        return "\x1b";
      case "a":
        return "\x07";
      case "\\":
        return "\\\\";
      case "[":
        return "\x01";
      case "]":
        return "\x02";
      default:
        return /^[0-7]{3}$/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : `\\${code}`;
    }
  };
  const decoded =
    shell.flavour === "dash" ? source : source.replace(/\\([0-7]{3}|[\s\S])/g, (_all, code: string) => one(code));
  const status = shell.status;
  const text = yield* expandText(shell, decoded);
  shell.status = status;
  return text;
}
