/** cd, pwd, pushd, popd, dirs, umask, ulimit. */
import { SysError } from "../../os/errno";
import { absolute } from "../../os/path";
import type { Builtin, Shell } from "../state";
import { allowed } from "../test-expression";

function* change(shell: Shell, name: string, target: string, physical: boolean, builtin: string) {
  const path = physical ? undefined : absolute(shell.get("PWD") ?? shell.process.cwd, target);
  try {
    const full = path ?? shell.process.fs.realPath(shell.process.path(target));
    const node = shell.process.fs.lookup(full);
    if (node.kind !== "dir") throw new SysError("ENOTDIR");
    if (!allowed(shell.process, node, 1)) throw new SysError("EACCES");
    shell.set("OLDPWD", shell.process.cwd);
    shell.process.cwd = full;
    shell.set("PWD", full);
    return 0;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (shell.flavour === "bash") yield* shell.error(`${builtin}: ${name}: ${error.text}`);
    else if (shell.flavour === "dash") yield* shell.error(`cd: can't cd to ${name}`);
    else yield* shell.error(`cd: can't cd to ${name}: ${error.text}`);
    return shell.flavour === "dash" ? 2 : 1;
  }
}

export const cd: Builtin = function* (shell, args) {
  let physical = false;
  const rest = [...args];
  while (rest[0] !== undefined && /^-[LPe@]+$/.test(rest[0])) physical = rest.shift()!.includes("P");
  if (rest[0] === "--") rest.shift();
  if (rest[0]?.startsWith("-") && rest[0] !== "-" && shell.flavour === "bash") {
    yield* shell.error(`cd: ${rest[0].slice(0, 2)}: invalid option`);
    yield* shell.process.printError("cd: usage: cd [-L|[-P [-e]] [-@]] [dir]\n");
    return 2;
  }
  if (rest.length > 1 && shell.flavour === "bash") {
    yield* shell.error("cd: too many arguments");
    return 1;
  }
  let target = rest[0];
  let announce = false;
  if (target === undefined) {
    target = shell.get("HOME");
    if (target === undefined) {
      yield* shell.error("cd: HOME not set");
      return 1;
    }
  } else if (target === "-") {
    target = shell.get("OLDPWD");
    if (target === undefined) {
      yield* shell.error("cd: OLDPWD not set");
      return 1;
    }
    announce = true;
  } else if (shell.get("CDPATH") && !/^\.{0,2}\//.test(target)) {
    for (const base of shell.get("CDPATH")!.split(":")) {
      const candidate = `${base || "."}/${target}`;
      if (!shell.process.fs.isDir(shell.process.path(candidate))) continue;
      announce = base !== "" && base !== ".";
      target = candidate;
      break;
    }
  }
  if (target === "") return 0;
  const status = yield* change(shell, target, target, physical, "cd");
  if (status === 0 && announce) yield* shell.print(`${shell.process.cwd}\n`);
  return status;
};

export const pwd: Builtin = function* (shell, args) {
  const physical = args.some((arg) => /^-\w*P/.test(arg)) || shell.options.has("physical");
  yield* shell.print(`${physical ? shell.process.fs.realPath(shell.process.cwd) : shell.process.cwd}\n`);
  return 0;
};

const tilde = (shell: Shell, path: string): string => {
  const home = shell.get("HOME");
  if (!home || home === "/") return path;
  return path === home ? "~" : path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
};

function* showStack(shell: Shell, long = false) {
  const all = [shell.process.cwd, ...shell.directoryStack];
  yield* shell.print(`${all.map((path) => (long ? path : tilde(shell, path))).join(" ")}\n`);
}

export const dirs: Builtin = function* (shell, args) {
  if (args.includes("-c")) {
    shell.directoryStack = [];
    return 0;
  }
  const all = [shell.process.cwd, ...shell.directoryStack].map((path) =>
    args.includes("-l") ? path : tilde(shell, path),
  );
  if (args.includes("-v"))
    yield* shell.print(all.map((path, index) => `${String(index).padStart(2)}  ${path}\n`).join(""));
  else if (args.includes("-p")) yield* shell.print(`${all.join("\n")}\n`);
  else yield* shell.print(`${all.join(" ")}\n`);
  return 0;
};

export const pushd: Builtin = function* (shell, args) {
  const quiet = args.includes("-n");
  const target = args.find((arg) => arg !== "-n");
  const before = shell.process.cwd;
  if (target === undefined || /^[-+]\d+$/.test(target)) {
    const all = [before, ...shell.directoryStack];
    if (all.length < 2) {
      yield* shell.error("pushd: no other directory");
      return 1;
    }
    const turn =
      target === undefined ? 1 : target[0] === "+" ? Number(target.slice(1)) : all.length - 1 - Number(target.slice(1));
    if (target === undefined) [all[0], all[1]] = [all[1]!, all[0]!];
    else all.push(...all.splice(0, turn));
    const status = yield* change(shell, all[0]!, all[0]!, false, "pushd");
    if (status !== 0) return status;
    shell.directoryStack = all.slice(1);
  } else {
    if (!quiet) {
      const status = yield* change(shell, target, target, false, "pushd");
      if (status !== 0) return status;
    }
    shell.directoryStack = [quiet ? shell.process.path(target) : before, ...shell.directoryStack];
  }
  yield* showStack(shell);
  return 0;
};

export const popd: Builtin = function* (shell, args) {
  if (shell.directoryStack.length === 0) {
    yield* shell.error("popd: directory stack empty");
    return 1;
  }
  const which = args.find((arg) => /^[-+]\d+$/.test(arg));
  if (which && which !== "+0") {
    const at = which[0] === "+" ? Number(which.slice(1)) - 1 : shell.directoryStack.length - 1 - Number(which.slice(1));
    shell.directoryStack.splice(at, 1);
  } else {
    const [next, ...rest] = shell.directoryStack;
    const status = yield* change(shell, next!, next!, false, "popd");
    if (status !== 0) return status;
    shell.directoryStack = rest;
  }
  yield* showStack(shell);
  return 0;
};

export const umask: Builtin = function* (shell, args) {
  const symbolic = args.includes("-S");
  const mask = args.find((arg) => !arg.startsWith("-"));
  if (mask === undefined) {
    const value = shell.process.umask;
    const letters = (bits: number): string => (bits & 4 ? "r" : "") + (bits & 2 ? "w" : "") + (bits & 1 ? "x" : "");
    if (symbolic)
      yield* shell.print(`u=${letters((~value >> 6) & 7)},g=${letters((~value >> 3) & 7)},o=${letters(~value & 7)}\n`);
    else yield* shell.print(`${value.toString(8).padStart(4, "0")}\n`);
    return 0;
  }
  if (!/^[0-7]{1,4}$/.test(mask)) {
    yield* shell.error(
      `umask: ${mask}: ${/^\d+$/.test(mask) ? "octal number out of range" : "invalid symbolic mode operator"}`,
    );
    return 1;
  }
  shell.process.umask = Number.parseInt(mask, 8);
  return 0;
};

const limitRows: readonly (readonly [string, string, string, string])[] = [
  ["R", "real-time non-blocking time  (microseconds, -R)", "unlimited", ""],
  ["c", "core file size              (blocks, -c)", "0", ""],
  ["d", "data seg size               (kbytes, -d)", "unlimited", ""],
  ["e", "scheduling priority                 (-e)", "0", ""],
  ["f", "file size                   (blocks, -f)", "unlimited", ""],
  ["i", "pending signals                     (-i)", "31528", ""],
  ["l", "max locked memory           (kbytes, -l)", "8192", ""],
  ["m", "max memory size             (kbytes, -m)", "unlimited", ""],
  ["n", "open files                          (-n)", "1048576", ""],
  ["p", "pipe size                (512 bytes, -p)", "8", ""],
  ["q", "POSIX message queues         (bytes, -q)", "819200", ""],
  ["r", "real-time priority                  (-r)", "0", ""],
  ["s", "stack size                  (kbytes, -s)", "8192", ""],
  ["t", "cpu time                   (seconds, -t)", "unlimited", ""],
  ["u", "max user processes                  (-u)", "unlimited", ""],
  ["v", "virtual memory              (kbytes, -v)", "unlimited", ""],
  ["x", "file locks                          (-x)", "unlimited", ""],
];

/** What `docker run --ulimit` and setrlimit(2) call the limits; sizes are bytes there and units of the table here. */
const limitNames: Readonly<Record<string, readonly [name: string, unit: number]>> = {
  c: ["core", 512],
  d: ["data", 1024],
  e: ["nice", 1],
  f: ["fsize", 512],
  i: ["sigpending", 1],
  l: ["memlock", 1024],
  m: ["rss", 1024],
  n: ["nofile", 1],
  q: ["msgqueue", 1],
  r: ["rtprio", 1],
  R: ["rttime", 1],
  s: ["stack", 1024],
  t: ["cpu", 1],
  u: ["nproc", 1],
  v: ["as", 1024],
  x: ["locks", 1],
};

function limitOf(shell: Shell, letter: string, usual: string, hard: boolean): string {
  const [name, unit] = limitNames[letter] ?? ["", 1];
  const set = shell.process.context.limits?.[name];
  if (!set) return usual;
  const value = hard ? set.hard : set.soft;
  return value < 0 ? "unlimited" : String(Math.floor(value / unit));
}

export const ulimit: Builtin = function* (shell, args) {
  const flags = args
    .filter((arg) => arg.startsWith("-"))
    .join("")
    .replaceAll("-", "")
    .replace(/[SH]/g, "");
  const hard = args.some((arg) => arg.startsWith("-") && arg.includes("H"));
  const value = args.find((arg) => !arg.startsWith("-"));
  if (value !== undefined) {
    yield* shell.error(
      "ulimit: setting limits is not simulated; limit a container's resources with docker run --memory/--cpus instead",
    );
    return 1;
  }
  if (flags.includes("a")) {
    yield* shell.print(
      limitRows.map(([letter, text, limit]) => `${text} ${limitOf(shell, letter, limit, hard)}\n`).join(""),
    );
    return 0;
  }
  for (const letter of flags || "f") {
    const row = limitRows.find(([flag]) => flag === letter);
    if (!row) {
      yield* shell.error(`ulimit: -${letter}: invalid option`);
      return 2;
    }
    yield* shell.print(`${limitOf(shell, letter, row[2], hard)}\n`);
  }
  return 0;
};
