/** Users and groups from /etc/passwd and /etc/group: id, whoami, groups, and names for ls, ps, stat. */
import type { Process } from "../../os/process";
import type { ToolRun } from "../tool";

function rows(process: Process, file: string): string[][] {
  const node = process.fs.find(file);
  if (node?.kind !== "file") return [];
  return node
    .read()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(":"));
}

export const userName = (process: Process, uid: number): string => {
  const row = rows(process, "/etc/passwd").find((columns) => Number(columns[2]) === uid);
  return row?.[0] ?? (uid === 0 ? "root" : String(uid));
};

export const groupName = (process: Process, gid: number): string => {
  const row = rows(process, "/etc/group").find((columns) => Number(columns[2]) === gid);
  return row?.[0] ?? (gid === 0 ? "root" : String(gid));
};

export function userId(process: Process, name: string): number | undefined {
  const row = rows(process, "/etc/passwd").find((columns) => columns[0] === name);
  if (row) return Number(row[2]);
  if (name === "root") return 0;
  return /^\d+$/.test(name) ? Number(name) : undefined;
}

export function groupId(process: Process, name: string): number | undefined {
  const row = rows(process, "/etc/group").find((columns) => columns[0] === name);
  if (row) return Number(row[2]);
  if (name === "root") return 0;
  return /^\d+$/.test(name) ? Number(name) : undefined;
}

export const id: ToolRun = function* (tool) {
  const options = yield* tool.options({
    short: "ugnGr",
    long: { user: "u", group: "g", name: "n", groups: "G", real: "r" },
  });
  const { process } = tool;
  const name = options.operands[0];
  let uid = process.context.uid;
  let gid = process.context.gid;
  if (name !== undefined) {
    const found = userId(process, name);
    if (found === undefined)
      yield* tool.fail(tool.flavour === "gnu" ? `'${name}': no such user` : `unknown user ${name}`);
    uid = found!;
    gid = Number(rows(process, "/etc/passwd").find((columns) => Number(columns[2]) === uid)?.[3] ?? 0);
  }
  const user = userName(process, uid);
  const groups = [
    gid,
    ...rows(process, "/etc/group")
      .filter((columns) => (columns[3] ?? "").split(",").includes(user) && Number(columns[2]) !== gid)
      .map((columns) => Number(columns[2])),
  ];
  const known = (text: string, number: number): string =>
    text === String(number) ? String(number) : `${number}(${text})`;
  if (options.has("u")) yield* tool.text(`${options.has("n") ? user : uid}\n`);
  else if (options.has("g")) yield* tool.text(`${options.has("n") ? groupName(process, gid) : gid}\n`);
  else if (options.has("G"))
    yield* tool.text(`${groups.map((each) => (options.has("n") ? groupName(process, each) : each)).join(" ")}\n`);
  else
    yield* tool.text(
      `uid=${known(user, uid)} gid=${known(groupName(process, gid), gid)} groups=${groups.map((each) => known(groupName(process, each), each)).join(",")}\n`,
    );
  return 0;
};

export const whoami: ToolRun = function* (tool) {
  const name = userName(tool.process, tool.process.context.uid);
  if (/^\d+$/.test(name) && tool.process.context.uid !== 0) {
    yield* tool.fail(tool.flavour === "gnu" ? `cannot find name for user ID ${name}` : `unknown uid ${name}`);
  }
  yield* tool.text(`${name}\n`);
  return 0;
};

export const groups: ToolRun = function* (tool) {
  yield* tool.text(`${groupName(tool.process, tool.process.context.gid)}\n`);
  return 0;
};
