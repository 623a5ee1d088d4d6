/** What stands on a node's disk: the tools an administrator finds there. */
import { encodeUtf8 } from "../base/bytes";
import { netPrograms } from "../net/programs/index";
import { nodeProgramNames } from "../kubernetes/cluster/programs/index";
import { DirInode, FileInode, SymlinkInode } from "../os/inode";
import { executable } from "../os/kernel";
import { gnuToolNames } from "../shell/index";

const folder = (entries: readonly (readonly [string, DirInode | FileInode | SymlinkInode])[] = []): DirInode =>
  new DirInode({}, new Map(entries));

/** A fresh root for one node. `nameServer`: the resolver of its network. */
export function layNodeRoot(nameServer: string): DirInode {
  const tools = [...gnuToolNames, ...netPrograms.keys(), ...nodeProgramNames, "kubectl"];
  const bin = folder(tools.map((name) => [name, new FileInode(executable(name), { mode: 0o755 })] as const));
  return folder([
    [
      "usr",
      folder([
        ["bin", bin],
        ["local", folder([["bin", folder()]])],
      ]),
    ],
    ["bin", new SymlinkInode("usr/bin")],
    ["sbin", new SymlinkInode("usr/bin")],
    ["etc", folder([["resolv.conf", new FileInode(encodeUtf8(`nameserver ${nameServer}\n`))]])],
    ["root", folder()],
    ["tmp", folder()],
    [
      "var",
      folder([
        ["lib", folder()],
        ["log", folder()],
      ]),
    ],
  ]);
}
