/** df, du, stat, file, mount, dmesg. */
import { SysError } from "../../os/errno";
import type { Inode } from "../../os/inode";
import { strftime } from "../strftime";
import { type Tool, type ToolRun, quoteName } from "../tool";
import { permissions } from "./files";
import { humanBytes, inodeNumber, sizeOf, typeLetter } from "./ls";
import { groupName, userName } from "./users";

/** KiB of a tree, counted in whole blocks of 4 KiB, mounts not entered. A folder takes none where it lives in memory. */
function treeBlocks(node: Inode, inMemory = false): number {
  if (node.kind === "file") return node.generate ? 0 : Math.ceil(node.size / 4096) * 4;
  if (node.kind !== "dir") return 0;
  if (node.dynamic) return 0;
  let total = inMemory ? 0 : 4;
  for (const child of node.entries.values()) total += treeBlocks(child, inMemory);
  return total;
}

const DISK_KB = 61_255_492;

/** The size of a tmpfs: what its options say, else half of the memory; whole pages. */
function memoryKb(options: string, memoryBytes: number): number {
  const size = /(?:^|,)size=(\d+)k/.exec(options);
  return Math.floor((size ? Number(size[1]) : memoryBytes / 2048) / 4) * 4;
}

export const df: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "ahHiklmPTt:x:B:",
    long: {
      all: "a",
      "human-readable": "h",
      si: "H",
      inodes: "i",
      local: "l",
      portability: "P",
      "print-type": "T",
      "type=": "t",
      "exclude-type=": "x",
      "block-size=": "B",
      total: "total",
      "output=?": "output",
    },
  });
  const { process } = tool;
  let mounts = process.fs
    .mounts()
    .filter((mount) => options.has("a") || !/^(proc|sysfs|cgroup2?|devpts|mqueue|bpf)$/.test(mount.type));
  if (options.has("t")) mounts = mounts.filter((mount) => options.values("t").includes(mount.type));
  if (options.has("x")) mounts = mounts.filter((mount) => !options.values("x").includes(mount.type));
  let status = 0;
  if (options.operands.length > 0) {
    mounts = [];
    for (const path of options.operands) {
      try {
        process.fs.lookup(process.path(path));
        mounts.push(process.fs.mountOf(process.fs.realPath(process.path(path))));
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        status = 1;
        yield* tool.error(`${path}: ${error.text}`);
      }
    }
    if (mounts.length === 0) return 1;
  }
  const rows = mounts.map((mount) => {
    const memory = mount.type === "tmpfs";
    const total = memory ? memoryKb(mount.options, process.context.kernel.memoryBytes) : DISK_KB;
    const used = Math.min(total, treeBlocks(mount.root, memory) + (memory ? 0 : 14_000_000));
    return { mount, total, used, available: total - used - (memory ? 0 : Math.floor(total * 0.05)) };
  });
  const human = options.has("h") || options.has("H");
  const size = (kb: number): string =>
    human
      ? humanBytes(kb * 1024)
      : options.has("m") || options.value("B") === "M"
        ? String(Math.ceil(kb / 1024))
        : String(kb);
  const table = [
    [
      "Filesystem",
      ...(options.has("T") ? ["Type"] : []),
      human ? "Size" : options.has("m") ? "1M-blocks" : options.has("P") ? "1024-blocks" : "1K-blocks",
      "Used",
      human ? "Avail" : "Available",
      options.has("P") ? "Capacity" : "Use%",
      "Mounted on",
    ],
    ...rows.map(({ mount, total, used, available }) => [
      mount.source,
      ...(options.has("T") ? [mount.type] : []),
      size(total),
      size(used),
      size(available),
      `${Math.ceil((used / (used + available)) * 100)}%`,
      mount.path,
    ]),
  ];
  if (tool.flavour === "busybox" && !options.has("T")) {
    for (const [name, blocks, used, free, percent, path] of table)
      yield* tool.text(
        `${name!.padEnd(20)} ${blocks!.padStart(9)} ${used!.padStart(9)} ${(free === "Avail" ? "Available" : free!).padStart(9)} ${percent!.padStart(4)} ${path}\n`,
      );
    return status;
  }
  const lefts = new Set([0, ...(options.has("T") ? [1] : []), table[0]!.length - 1]);
  const widths = table[0]!.map((_cell, index) =>
    Math.max(
      index === 0 ? 14 : index >= (options.has("T") ? 2 : 1) && index < table[0]!.length - 2 ? 5 : 0,
      ...table.map((row) => row[index]!.length),
    ),
  );
  for (const row of table)
    yield* tool.text(
      `${row.map((cell, index) => (index === row.length - 1 ? cell : lefts.has(index) ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join(" ")}\n`,
    );
  return status;
};

export const du: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "abcd:hHkLlmsSx0t:B:",
    long: {
      all: "a",
      bytes: "b",
      total: "c",
      "max-depth=": "d",
      "human-readable": "h",
      summarize: "s",
      "separate-dirs": "S",
      "apparent-size": "A",
      "exclude=": "X",
      "one-file-system": "x",
    },
  });
  const bytes = options.has("b") || options.has("A");
  const depthMax = options.has("s")
    ? 0
    : options.value("d") === undefined
      ? Number.POSITIVE_INFINITY
      : Number(options.value("d"));
  const show = (kb: number): string =>
    options.has("h")
      ? humanBytes(bytes ? kb : kb * 1024)
      : options.has("b")
        ? String(kb)
        : options.has("m")
          ? String(Math.ceil(kb / 1024))
          : String(bytes ? Math.ceil(kb / 1024) : kb);
  let status = 0;
  let grand = 0;
  const lines: string[] = [];
  const own = (node: Inode): number =>
    bytes
      ? sizeOf(node)
      : node.kind === "dir"
        ? 4
        : node.kind === "file" && !node.generate
          ? Math.ceil(node.size / 4096) * 4
          : 0;
  const visit = (full: string, path: string, node: Inode, depth: number): number => {
    let total = own(node);
    if (node.kind === "dir") {
      for (const name of node.names()) {
        const child = tool.process.fs.find(`${full === "/" ? "" : full}/${name}`, { followLast: false });
        if (child && !(child.kind === "dir" && child.dynamic))
          total += visit(`${full === "/" ? "" : full}/${name}`, `${path.replace(/\/$/, "")}/${name}`, child, depth + 1);
      }
    }
    if (depth <= depthMax && (node.kind === "dir" || options.has("a") || depth === 0))
      lines.push(`${show(total)}\t${path}\n`);
    return total;
  };
  for (const path of options.operands.length ? options.operands : ["."]) {
    const full = tool.process.path(path);
    const node = tool.process.fs.find(full, { followLast: false });
    if (!node) {
      yield* tool.error(
        tool.flavour === "gnu"
          ? `cannot access ${quoteName(path)}: No such file or directory`
          : `${path}: No such file or directory`,
      );
      status = 1;
      continue;
    }
    grand += visit(full, path, node, 0);
  }
  if (options.has("c")) lines.push(`${show(grand)}\ttotal\n`);
  yield* tool.text(lines.join(""));
  return status;
};

const kindWords = (node: Inode): string =>
  node.kind === "dir"
    ? "directory"
    : node.kind === "symlink"
      ? "symbolic link"
      : node.kind === "device"
        ? "character special file"
        : node.kind === "fifo"
          ? "fifo"
          : node.size === 0
            ? "regular empty file"
            : "regular file";

export const stat: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "c:fLt",
    long: { "format=": "c", "printf=": "printf", dereference: "L", "file-system": "f", terse: "t" },
  });
  if (options.operands.length === 0) yield* tool.usage("missing operand");
  const { process } = tool;
  let status = 0;
  for (const path of options.operands) {
    const node = process.fs.find(process.path(path), { followLast: options.has("L") });
    if (!node) {
      yield* tool.error(
        tool.flavour === "gnu"
          ? `cannot statx ${quoteName(path)}: No such file or directory`
          : `can't stat '${path}': No such file or directory`,
      );
      status = 1;
      continue;
    }
    const stamp = strftime("%F %T.%N %z", node.mtime);
    const links = node.kind === "dir" ? 2 + node.names().filter((name) => node.get(name)?.kind === "dir").length : 1;
    const blocks = node.kind === "dir" ? 8 : node.kind === "file" ? Math.ceil(node.size / 4096) * 8 : 0;
    const format = options.value("c") ?? options.value("printf");
    if (format !== undefined) {
      const text = format.replace(/%([a-zA-Z%])/g, (all, letter: string) => {
        const value: Record<string, string | number> = {
          n: path,
          N: node.kind === "symlink" ? `${quoteName(path)} -> ${quoteName(node.target)}` : quoteName(path),
          s: sizeOf(node),
          a: node.mode.toString(8),
          A: typeLetter(node) + permissions(node.mode),
          u: node.uid,
          g: node.gid,
          U: userName(process, node.uid),
          G: groupName(process, node.gid),
          F: kindWords(node),
          y: stamp,
          Y: Math.floor(node.mtime / 1000),
          x: stamp,
          X: Math.floor(node.mtime / 1000),
          z: stamp,
          Z: Math.floor(node.mtime / 1000),
          w: stamp,
          W: Math.floor(node.mtime / 1000),
          i: inodeNumber(process.path(path)),
          h: links,
          b: blocks,
          B: 512,
          o: 4096,
          f: (
            { dir: 0x4000, file: 0x8000, symlink: 0xa000, device: 0x2000, fifo: 0x1000 }[node.kind] | node.mode
          ).toString(16),
          m: process.fs.mountOf(process.path(path)).path,
          "%": "%",
        };
        return String(value[letter] ?? all);
      });
      yield* tool.text(options.has("printf") ? text.replaceAll("\\n", "\n").replaceAll("\\t", "\t") : `${text}\n`);
      continue;
    }
    yield* tool.text(
      `  File: ${node.kind === "symlink" ? `${path} -> ${node.target}` : path}\n  Size: ${String(sizeOf(node)).padEnd(10)}\tBlocks: ${String(blocks).padEnd(10)} IO Block: 4096   ${kindWords(node)}\nDevice: 8,1\tInode: ${String(inodeNumber(process.path(path))).padEnd(11)} Links: ${links}\nAccess: (${node.mode.toString(8).padStart(4, "0")}/${typeLetter(node)}${permissions(node.mode)})  Uid: (${String(node.uid).padStart(5)}/${userName(process, node.uid).padStart(8)})   Gid: (${String(node.gid).padStart(5)}/${groupName(process, node.gid).padStart(8)})\nAccess: ${stamp}\nModify: ${stamp}\nChange: ${stamp}\n Birth: ${stamp}\n`,
    );
  }
  return status;
};

export const file: ToolRun = function* (tool) {
  const options = yield* tool.options({ short: "biLz", long: { brief: "b", mime: "i" } });
  const width = Math.max(0, ...options.operands.map((path) => path.length));
  for (const path of options.operands) {
    const node = tool.process.fs.find(tool.process.path(path), { followLast: options.has("L") });
    const words = describe(tool, node);
    yield* tool.text(options.has("b") ? `${words}\n` : `${path}: ${" ".repeat(width - path.length)}${words}\n`);
  }
  return 0;
};

function describe(tool: Tool, node: Inode | undefined): string {
  if (!node) return "cannot open (No such file or directory)";
  if (node.kind === "dir") return "directory";
  if (node.kind === "symlink") return `symbolic link to ${node.target}`;
  if (node.kind === "device") return "character special";
  if (node.kind === "fifo") return "fifo (named pipe)";
  const content = node.read();
  if (content === "") return "empty";
  if (content.startsWith("\x7fELF"))
    return "ELF 64-bit LSB pie executable, x86-64, version 1 (SYSV), dynamically linked, interpreter /lib64/ld-linux-x86-64.so.2, for GNU/Linux 3.2.0, stripped";
  if (content.startsWith("\x1f\x8b")) return "gzip compressed data";
  if (content.slice(257, 262) === "ustar") return "POSIX tar archive (GNU)";
  const script = /^#!\s*(\S+)/.exec(content)?.[1];
  const shell = script && /(?:^|\/)(ba|da|a)?sh$/.test(script);
  const text = !/[\x00-\x06\x0e-\x1a\x1c-\x1f]/.test(content);
  if (!text) return "data";
  const charset = /[\x80-\xff]/.test(content) ? "Unicode text, UTF-8 text" : "ASCII text";
  if (script)
    return `${shell ? (script.endsWith("bash") ? "Bourne-Again shell script" : "POSIX shell script") : `a ${script} script`}, ${charset} executable`;
  if (/^\s*[[{]/.test(content) && tool.name === "file" && /[\]}]\s*$/.test(content)) return "JSON text data";
  return `${charset}${content.includes("\r\n") ? ", with CRLF line terminators" : !content.includes("\n") ? ", with no line terminators" : ""}`;
}

export const mount: ToolRun = function* (tool) {
  if (tool.args.some((arg) => !arg.startsWith("-") && arg !== "-t"))
    yield* tool.fail("mounting is not simulated here; use docker run -v or --mount to mount into a container", 32);
  for (const each of tool.process.fs.mounts())
    yield* tool.text(`${each.source} on ${each.path} type ${each.type} (${each.options})\n`);
  return 0;
};

export const dmesg: ToolRun = function* (tool) {
  const { kernel } = tool.process;
  const memory = Math.floor(kernel.memoryBytes / 1024);
  yield* tool.text(
    `[    0.000000] Linux version ${kernel.release} (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC\n[    0.000000] Command line: BOOT_IMAGE=/boot/vmlinuz-${kernel.release} root=/dev/sda1 ro quiet\n[    0.004000] Memory: ${Math.floor(memory * 0.97)}K/${memory}K available\n[    0.052000] smpboot: Allowing ${kernel.cpuCount} CPUs, 0 hotplug CPUs\n`,
  );
  const kills = oomKills(tool);
  if (kills > 0)
    yield* tool.text(
      `[${((tool.process.now() - kernel.bootedAt) / 1000).toFixed(6).padStart(12)}] Memory cgroup out of memory: ${kills} process${kills > 1 ? "es" : ""} killed since boot\n`,
    );
  return 0;
};

function oomKills(tool: Tool): number {
  let total = 0;
  const visit = (group: Tool["process"]["cgroup"]): void => {
    total += group.oomKills;
    for (const child of group.children.values()) visit(child);
  };
  visit(tool.process.kernel.rootCgroup);
  return total;
}
