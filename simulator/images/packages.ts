/** Package managers, as Dockerfiles call them: apk, apt-get, pip, npm. They know the programs that this world has. */
import { encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { netPrograms } from "../net/programs/index";
import { executable } from "../os/kernel";
import { join } from "../os/path";
import type { Process, Program } from "../os/process";
import { shellPrograms } from "../shell/index";

/** Packages and the programs they bring; names on both sides as Alpine and Debian have them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  bash: ["bash"],
  "bind-tools": ["dig", "nslookup", "host"],
  "bind9-dnsutils": ["dig", "nslookup", "host"],
  "bind9-host": ["host"],
  "ca-certificates": [],
  coreutils: [],
  curl: ["curl"],
  dnsutils: ["dig", "nslookup", "host"],
  findutils: [],
  git: [],
  gnupg: [],
  iproute2: ["ip", "ss"],
  iptables: ["iptables", "iptables-save", "iptables-restore"],
  "iputils-ping": ["ping"],
  iputils: ["ping"],
  jq: ["jq"],
  less: ["less"],
  "netcat-openbsd": ["nc"],
  "netcat-traditional": ["nc"],
  "net-tools": ["ifconfig", "netstat", "route", "arp"],
  nano: ["nano"],
  nginx: ["nginx"],
  nodejs: ["node"],
  npm: ["npm"],
  "openssh-client": ["ssh"],
  openssl: [],
  procps: ["ps", "top", "free", "uptime", "watch", "pgrep", "pkill"],
  python3: ["python3"],
  "py3-pip": ["pip"],
  "python3-pip": ["pip"],
  redis: ["redis-server", "redis-cli"],
  "redis-tools": ["redis-cli"],
  stress: ["stress"],
  tini: [],
  tree: ["tree"],
  tzdata: [],
  unzip: ["unzip"],
  vim: ["vi"],
  wget: ["wget"],
};

const versionOf = (name: string): string => `${1 + (name.length % 9)}.${(name.charCodeAt(0) * 7) % 30}.${name.length}`;

function install(process: Process, name: string): void {
  for (const program of packages[name] ?? [])
    if (netPrograms.has(program) || shellPrograms.has(program) || process.kernel.programs.has(program))
      process.fs.writeFile(`/usr/bin/${program}`, encodeUtf8(executable(program)), { mode: 0o755 });
}

const readDb = (process: Process, path: string): string[] => {
  const node = process.fs.find(path);
  return node?.kind === "file" ? node.read().split("\n").filter(Boolean) : [];
};

const apk: Program = function* (process) {
  const args = process.argv
    .slice(1)
    .filter((arg, i, all) => !(arg.startsWith("-") || all[i - 1] === "-t" || all[i - 1] === "--virtual"));
  const [command, ...names] = args;
  const db = "/lib/apk/db/installed";
  const mirror = "https://dl-cdn.alpinelinux.org/alpine/v3.22";
  const installed = readDb(process, db);
  const summary = (count: number): string => `OK: ${8 + count} MiB in ${16 + count} packages\n`;
  switch (command) {
    case "update":
      yield* process.sleep(400);
      yield* process.print(
        `fetch ${mirror}/main/x86_64/APKINDEX.tar.gz\nfetch ${mirror}/community/x86_64/APKINDEX.tar.gz\nv3.22.1-95-g1d45bdea6ea [${mirror}/main]\nv3.22.1-97-g9fa6e5a1ca1 [${mirror}/community]\nOK: 26327 distinct packages available\n`,
      );
      return 0;
    case "add": {
      yield* process.sleep(500);
      yield* process.print(
        `fetch ${mirror}/main/x86_64/APKINDEX.tar.gz\nfetch ${mirror}/community/x86_64/APKINDEX.tar.gz\n`,
      );
      const plain = names.map((name) => name.replace(/[=<>~@].*$/, ""));
      const unknown = plain.filter((name) => !(name in packages));
      if (unknown.length > 0) {
        yield* process.printError(
          `ERROR: unable to select packages:\n${unknown.map((name) => `  ${name} (no such package):\n    required by: world[${name}]\n`).join("")}`,
        );
        return unknown.length;
      }
      const fresh = plain.filter((name) => !installed.includes(name));
      for (const [i, name] of fresh.entries()) {
        yield* process.sleep(150);
        install(process, name);
        yield* process.print(`(${i + 1}/${fresh.length}) Installing ${name} (${versionOf(name)}-r0)\n`);
      }
      process.fs.writeFile(db, encodeUtf8([...installed, ...fresh].map((name) => `${name}\n`).join("")));
      if (fresh.length > 0) yield* process.print("Executing busybox-1.37.0-r18.trigger\n");
      yield* process.print(summary(installed.length + fresh.length));
      return 0;
    }
    case "del":
      for (const [i, name] of names.entries())
        yield* process.print(`(${i + 1}/${names.length}) Purging ${name} (${versionOf(name)}-r0)\n`);
      process.fs.writeFile(
        db,
        encodeUtf8(
          installed
            .filter((name) => !names.includes(name))
            .map((name) => `${name}\n`)
            .join(""),
        ),
      );
      yield* process.print(summary(Math.max(0, installed.length - names.length)));
      return 0;
    case "info":
      yield* process.print(installed.map((name) => `${name}\n`).join(""));
      return 0;
    default:
      yield* process.printError(`apk: '${command ?? ""}' is not simulated; add, del, update and info are\n`);
      return 1;
  }
};

const aptGet: Program = function* (process) {
  const args = process.argv.slice(1).filter((arg) => !arg.startsWith("-"));
  const [command, ...names] = args;
  const lists = "/var/lib/apt/lists/deb.debian.org_debian_dists_trixie_InRelease";
  switch (command) {
    case "update":
      yield* process.sleep(900);
      process.fs.makeDirs("/var/lib/apt/lists");
      process.fs.writeFile(lists, encodeUtf8("Origin: Debian\n"));
      yield* process.print(
        "Get:1 http://deb.debian.org/debian trixie InRelease [140 kB]\nGet:2 http://deb.debian.org/debian trixie-updates InRelease [47.1 kB]\nGet:3 http://deb.debian.org/debian-security trixie-security InRelease [43.4 kB]\nGet:4 http://deb.debian.org/debian trixie/main amd64 Packages [9669 kB]\nFetched 9954 kB in 1s (9210 kB/s)\nReading package lists...\n",
      );
      return 0;
    case "install": {
      yield* process.print("Reading package lists...\nBuilding dependency tree...\nReading state information...\n");
      const known = process.fs.exists(lists);
      const plain = names.map((name) => name.replace(/=.*$/, ""));
      const unknown = plain.filter((name) => !known || !(name in packages));
      if (unknown.length > 0) {
        yield* process.printError(unknown.map((name) => `E: Unable to locate package ${name}\n`).join(""));
        return 100;
      }
      yield* process.print(
        `The following NEW packages will be installed:\n  ${plain.join(" ")}\n0 upgraded, ${plain.length} newly installed, 0 to remove and 0 not upgraded.\nNeed to get ${plain.length * 312} kB of archives.\nAfter this operation, ${plain.length * 900} kB of additional disk space will be used.\n`,
      );
      for (const [i, name] of plain.entries()) {
        yield* process.sleep(200);
        yield* process.print(
          `Get:${i + 1} http://deb.debian.org/debian trixie/main amd64 ${name} amd64 ${versionOf(name)}-1 [312 kB]\n`,
        );
      }
      for (const name of plain) {
        install(process, name);
        yield* process.print(
          `Selecting previously unselected package ${name}.\nUnpacking ${name} (${versionOf(name)}-1) ...\n`,
        );
      }
      for (const name of plain) yield* process.print(`Setting up ${name} (${versionOf(name)}-1) ...\n`);
      return 0;
    }
    case "clean":
    case "autoclean":
      return 0;
    case "autoremove":
    case "upgrade":
    case "dist-upgrade":
      yield* process.print(
        "Reading package lists...\nBuilding dependency tree...\nReading state information...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n",
      );
      return 0;
    case "remove":
    case "purge":
      yield* process.print("Reading package lists...\nBuilding dependency tree...\nReading state information...\n");
      for (const name of names)
        for (const program of packages[name] ?? [])
          if (process.fs.exists(`/usr/bin/${program}`)) process.fs.unlink(`/usr/bin/${program}`);
      return 0;
    default:
      yield* process.printError(`E: Invalid operation ${command ?? ""}\n`);
      return 100;
  }
};

const SITE = "/usr/local/lib/python3.13/site-packages";

const pip: Program = function* (process) {
  const args = process.argv.slice(1);
  if (args[0] === "--version") {
    yield* process.print(`pip 25.2 from ${SITE}/pip (python 3.13)\n`);
    return 0;
  }
  if (args[0] === "list" || args[0] === "freeze") {
    const names = process.fs.isDir(SITE) ? process.fs.readDir(SITE) : [];
    yield* process.print(
      args[0] === "list"
        ? `Package Version\n------- -------\n${names.map((name) => `${name} ${versionOf(name)}\n`).join("")}`
        : names.map((name) => `${name}==${versionOf(name)}\n`).join(""),
    );
    return 0;
  }
  if (args[0] !== "install") {
    yield* process.printError(`pip: '${args[0] ?? ""}' is not simulated; install, list and freeze are\n`);
    return 1;
  }
  const wanted: string[] = [];
  for (let i = 1; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "-r" || arg === "--requirement") {
      const file = args[++i] ?? "";
      if (!process.fs.exists(process.path(file))) {
        yield* process.printError(
          `ERROR: Could not open requirements file: [Errno 2] No such file or directory: '${file}'\n`,
        );
        return 1;
      }
      wanted.push(
        ...process
          .readText(file)
          .split("\n")
          .map((line) => line.replace(/#.*$/, "").trim())
          .filter(Boolean),
      );
    } else if (!arg.startsWith("-")) wanted.push(arg);
  }
  process.fs.makeDirs(SITE.slice(0, SITE.lastIndexOf("/")));
  const done: string[] = [];
  for (const spec of wanted) {
    const [, name = spec, version] = /^([\w.-]+)(?:\[[^\]]*\])?(?:[=~<>!]=?\s*=?\s*([\w.]+))?/.exec(spec) ?? [];
    const chosen = version ?? versionOf(name);
    yield* process.print(`Collecting ${spec}\n  Downloading ${name}-${chosen}-py3-none-any.whl (103 kB)\n`);
    yield* process.sleep(250);
    process.fs.makeDirs(`${SITE}/${name.toLowerCase().replace(/-/g, "_")}`);
    done.push(`${name}-${chosen}`);
  }
  yield* process.print(
    `Installing collected packages: ${done.map((each) => each.replace(/-[^-]*$/, "")).join(", ")}\nSuccessfully installed ${done.join(" ")}\n`,
  );
  return 0;
};

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const npm: Program = function* (process) {
  const [command = "", ...rest] = process.argv.slice(1);
  if (command === "-v" || command === "--version") {
    yield* process.print("10.9.3\n");
    return 0;
  }
  const path = join(process.cwd, "package.json");
  const node = process.fs.find(path);
  if (node?.kind !== "file") {
    yield* process.printError(
      `npm error code ENOENT\nnpm error syscall open\nnpm error path ${path}\nnpm error errno -2\nnpm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '${path}'\n`,
    );
    return 254;
  }
  let manifest: Manifest;
  try {
    manifest = JSON.parse(process.readText(path)) as Manifest;
  } catch {
    yield* process.printError(
      `npm error code EJSONPARSE\nnpm error path ${path}\nnpm error JSON.parse Failed to parse JSON data.\n`,
    );
    return 1;
  }
  if (["install", "i", "ci", "add"].includes(command)) return yield* npmInstall(process, command, rest, manifest);
  const name = command === "run" || command === "run-script" ? (rest[0] ?? "") : command;
  const script =
    manifest.scripts?.[name] ??
    (name === "start" && process.fs.exists(join(process.cwd, "server.js")) ? "node server.js" : undefined);
  if (script === undefined) {
    yield* process.printError(
      `npm error Missing script: "${name}"\nnpm error\nnpm error To see a list of scripts, run:\nnpm error   npm run\n`,
    );
    return 1;
  }
  yield* process.print(`\n> ${manifest.name ?? "app"}@${manifest.version ?? "1.0.0"} ${name}\n> ${script}\n\n`);
  const child = process.spawn({ argv: ["sh", "-c", script] });
  for (const signal of ["TERM", "INT"] as const) process.onSignal(signal, (received) => child.signal(received));
  return (yield* process.wait(child)).code;
};

function* npmInstall(process: Process, command: string, rest: readonly string[], manifest: Manifest): Task<number> {
  if (command === "ci" && !process.fs.exists(join(process.cwd, "package-lock.json"))) {
    yield* process.printError(
      "npm error code EUSAGE\nnpm error\nnpm error The `npm ci` command can only install with an existing package-lock.json or\nnpm error npm-shrinkwrap.json with lockfileVersion >= 1.\n",
    );
    return 1;
  }
  const isProduction =
    rest.some((arg) => /^--(production|omit=dev|only=production)$/.test(arg)) ||
    process.env["NODE_ENV"] === "production";
  const names = [
    ...Object.keys(manifest.dependencies ?? {}),
    ...(isProduction ? [] : Object.keys(manifest.devDependencies ?? {})),
    ...rest.filter((arg) => !arg.startsWith("-")),
  ];
  yield* process.sleep(600 + names.length * 250);
  for (const name of names) {
    const dir = join(process.cwd, "node_modules", name.replace(/@[^@/]*$/, "") || name);
    process.fs.makeDirs(dir);
    process.fs.writeFile(join(dir, "package.json"), encodeUtf8(JSON.stringify({ name })));
  }
  const count = names.length * 13 + (names.length > 0 ? 1 : 0);
  yield* process.print(
    names.length === 0
      ? "\nup to date, audited 1 package in 430ms\n\nfound 0 vulnerabilities\n"
      : `\nadded ${count} packages, and audited ${count + 1} packages in ${Math.ceil(names.length / 4) + 1}s\n\nfound 0 vulnerabilities\n`,
  );
  return 0;
}

export { apk, aptGet, npm, pip };
