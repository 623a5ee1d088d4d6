/** Who a container's process runs as: `--user` and an image's USER, looked up in the container's own files. */
import { type Bytes, decodeUtf8 } from "../base/bytes";
import type { MountNamespace } from "../os/mounts";

export interface UserIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function entries(fs: MountNamespace, path: string): string[][] {
  const node = fs.find(path);
  return node?.kind === "file" ? linesOf(node.read()) : [];
}

function linesOf(content: Bytes): string[][] {
  return decodeUtf8(content)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

/** By content: containers of an image have the same file. */
const known = new Map<Bytes, readonly PasswdEntry[]>();

function passwd(fs: MountNamespace): readonly PasswdEntry[] {
  const node = fs.find("/etc/passwd");
  if (node?.kind !== "file") return [];
  const content = node.read();
  let users = known.get(content);
  if (!users) {
    users = linesOf(content).map(([name = "", , uid, gid, , home = "/"]) => ({
      name,
      uid: Number(uid),
      gid: Number(gid),
      home,
    }));
    if (known.size >= 50) known.clear();
    known.set(content, users);
  }
  return users;
}

const numeric = (text: string): boolean => /^\d+$/.test(text);

/** Throws an Error with upstream's words where there is no such user or group. */
export function lookUpUser(fs: MountNamespace, spec: string): UserIdentity {
  const [userText = "", groupText] = spec.split(":");
  const users = passwd(fs);
  let user: PasswdEntry | undefined;
  if (userText === "") user = users.find((entry) => entry.uid === 0) ?? { name: "root", uid: 0, gid: 0, home: "/root" };
  else
    user =
      users.find((entry) => entry.name === userText) ??
      users.find((entry) => numeric(userText) && entry.uid === Number(userText));
  if (!user) {
    if (!numeric(userText)) throw new Error(`unable to find user ${userText}: no matching entries in passwd file`);
    user = { name: "", uid: Number(userText), gid: 0, home: "/" };
  }
  let gid = user.gid;
  if (groupText) {
    const groups = entries(fs, "/etc/group");
    const group = groups.find(([name]) => name === groupText);
    if (group) gid = Number(group[2]);
    else if (numeric(groupText)) gid = Number(groupText);
    else throw new Error(`unable to find group ${groupText}: no matching entries in group file`);
  }
  return { uid: user.uid, gid, name: user.name, home: user.home || "/" };
}
