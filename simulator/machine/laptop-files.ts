/** What stands on the laptop's disk: a small Debian with the tools of the course on its PATH. */
import { encodeUtf8 } from "../base/bytes";
import { type DirInode, FileInode } from "../os/inode";
import { executable } from "../os/kernel";
import type { MountNamespace } from "../os/mounts";
import { netPrograms } from "../net/programs/index";
import { gnuToolNames } from "../shell/index";

/** `clients`: what is installed besides the usual tools. */
export function layRoot(mounts: MountNamespace, hostname: string, clients: readonly string[]): void {
  for (const path of [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/etc",
    "/root",
    "/home",
    "/tmp",
    "/var/log",
    "/var/lib",
    "/var/run",
    "/dev",
    "/dev/pts",
    "/proc",
    "/sys",
    "/mnt",
    "/opt",
    "/run",
    "/srv",
  ])
    mounts.makeDirs(path);
  mounts.setAttributes("/tmp", { mode: 0o1777 });
  mounts.setAttributes("/root", { mode: 0o700 });
  const bin = mounts.lookup("/usr/bin") as DirInode;
  for (const name of [...gnuToolNames, ...netPrograms.keys(), ...clients])
    bin.entries.set(name, new FileInode(executable(name), { mode: 0o755 }));
  const shells = mounts.lookup("/bin") as DirInode;
  for (const name of ["bash", "sh"]) shells.entries.set(name, new FileInode(executable(name), { mode: 0o755 }));
  for (const device of ["null", "zero", "full", "random", "urandom", "tty"] as const)
    mounts.makeDevice(`/dev/${device}`, device);
  for (const [index, name] of ["stdin", "stdout", "stderr"].entries())
    mounts.symlink(`/proc/self/fd/${index}`, `/dev/${name}`);
  const files: Readonly<Record<string, string>> = {
    "/etc/hostname": `${hostname}\n`,
    "/etc/hosts": `127.0.0.1\tlocalhost\n127.0.1.1\t${hostname}\n`,
    "/etc/passwd":
      "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": "root:x:0:\ndaemon:x:1:\ndocker:x:999:\nnogroup:x:65534:\n",
    "/etc/os-release":
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n',
    "/etc/resolv.conf": "nameserver 10.89.0.1\n",
    "/etc/shells": "/bin/sh\n/bin/bash\n",
    "/root/.bashrc": "alias k=kubectl\nalias ll='ls -l'\n",
  };
  for (const [path, content] of Object.entries(files)) mounts.writeFile(path, encodeUtf8(content));
  mounts.makeDirs("/root/lab");
}
