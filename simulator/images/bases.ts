/** Images that others are built on: busybox, alpine, Debian and Ubuntu, with the shell's tools in them. */
import { netPrograms } from "../net/programs/index";
import { busyboxApplets, gnuToolNames } from "../shell/index";
import { type FileSpec, PATH_ENV, defineImage } from "./image";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
sync:x:4:100:sync:/bin:/bin/sync
mail:x:8:8:mail:/var/spool/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:Operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`;
const GROUP =
  "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\nmail:x:8:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n";

const TREE: Readonly<Record<string, FileSpec>> = {
  "/dev": { dir: 0o755 },
  "/etc/passwd": PASSWD,
  "/etc/group": GROUP,
  "/etc/shadow": "root:*:::::::\n",
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  "/home": { dir: 0o755 },
  "/proc": { dir: 0o555 },
  "/root": { dir: 0o700 },
  "/sys": { dir: 0o555 },
  "/tmp": { dir: 0o1777 },
  "/usr/sbin": { dir: 0o755 },
  "/var/spool/mail": { dir: 0o755 },
  "/var/www": { dir: 0o755 },
};

/** The accounts of an image that was made of BusyBox's binary and nothing else. */
export const MINIMAL_PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n";

/** BusyBox's applets: one binary and links to it; those that speak to the network are programs of their own. */
export function busyboxFiles(): Record<string, FileSpec> {
  const files: Record<string, FileSpec> = { "/bin/busybox": { program: "busybox", size: 1_900_000 } };
  for (const name of busyboxApplets) files[`/bin/${name}`] = { link: "/bin/busybox" };
  for (const name of netPrograms.keys())
    if (name.startsWith("busybox:")) files[`/bin/${name.slice(8)}`] = { program: name, size: 0 };
  return files;
}

export const busybox = defineImage({
  repository: "busybox",
  tags: ["latest", "1.37", "1.36", "1.36.1", "1.28", "stable", "musl", "glibc"],
  description: "Busybox base image.",
  stars: 3300,
  created: "2026-02-24T10:34:26.180932891Z",
  layers: [
    { createdBy: "ADD rootfs.tar.gz / # buildkit", files: { ...TREE, ...busyboxFiles() }, size: 2_063_447 },
    { createdBy: 'CMD ["sh"]' },
  ],
  config: { Env: [PATH_ENV], Cmd: ["sh"], WorkingDir: "/" },
});

/** The programs by which packages are installed are in packages.ts. */
const APK: Readonly<Record<string, FileSpec>> = {
  "/sbin/apk": { program: "apk", size: 70_000 },
  "/etc/apk/repositories":
    "https://dl-cdn.alpinelinux.org/alpine/v3.22/main\nhttps://dl-cdn.alpinelinux.org/alpine/v3.22/community\n",
  "/lib/apk/db/installed": "",
};

export const alpine = defineImage({
  repository: "alpine",
  tags: ["latest", "3.22", "3.21", "3.20", "3"],
  description: "A minimal Docker image based on Alpine Linux with a complete package index and only 5 MB in size!",
  stars: 11_500,
  created: "2026-02-24T10:34:26.480932891Z",
  layers: [
    {
      createdBy: "ADD rootfs.tar.gz / # buildkit",
      files: {
        ...TREE,
        ...busyboxFiles(),
        ...APK,
        "/etc/alpine-release": "3.22.1\n",
        "/etc/os-release":
          'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\nHOME_URL="https://alpinelinux.org/"\nBUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"\n',
        "/etc/issue": "Welcome to Alpine Linux 3.22\n",
        "/lib": { dir: 0o755 },
        "/media": { dir: 0o755 },
        "/mnt": { dir: 0o755 },
        "/opt": { dir: 0o755 },
        "/run": { dir: 0o755 },
        "/sbin": { dir: 0o755 },
        "/srv": { dir: 0o755 },
        "/usr/bin": { dir: 0o755 },
        "/usr/local/bin": { dir: 0o755 },
        "/var/log": { dir: 0o755 },
      },
      size: 2_064_141,
    },
    { createdBy: 'CMD ["/bin/sh"]' },
  ],
  config: { Env: [PATH_ENV], Cmd: ["/bin/sh"], WorkingDir: "/" },
});

/** Tools that a slim Debian does not have until they are installed. */
const NOT_IN_BASE = new Set([
  ...netPrograms.keys(),
  "ping",
  "curl",
  "wget",
  "ps",
  "top",
  "vi",
  "vim",
  "nano",
  "jq",
  "yq",
  "htop",
  "watch",
  "free",
  "uptime",
  "less",
  "file",
  "man",
  "stress",
  "tree",
  "unzip",
  "zip",
  "git",
  "sudo",
  "bc",
  "pgrep",
  "pkill",
  "kubectl",
  "docker",
  "view",
  "editor",
  "column",
  "traceroute",
]);

/** A Debian-like system's programs. `getent` is part of libc there. */
export function gnuFiles(extra: readonly string[] = []): Record<string, FileSpec> {
  const files: Record<string, FileSpec> = {};
  for (const name of gnuToolNames) if (!NOT_IN_BASE.has(name)) files[`/usr/bin/${name}`] = { program: name };
  files["/usr/bin/getent"] = { program: "getent" };
  for (const name of extra) files[`/usr/bin/${name}`] = { program: name };
  return files;
}

const DEBIAN_TREE: Readonly<Record<string, FileSpec>> = {
  ...TREE,
  "/bin": { link: "usr/bin" },
  "/sbin": { link: "usr/sbin" },
  "/lib": { link: "usr/lib" },
  "/usr/lib": { dir: 0o755 },
  "/usr/local/bin": { dir: 0o755 },
  "/usr/local/sbin": { dir: 0o755 },
  "/usr/share": { dir: 0o755 },
  "/boot": { dir: 0o755 },
  "/media": { dir: 0o755 },
  "/mnt": { dir: 0o755 },
  "/opt": { dir: 0o755 },
  "/run": { dir: 0o755 },
  "/srv": { dir: 0o755 },
  "/var/lib/dpkg/status": "",
  "/var/lib/apt/lists": { dir: 0o755 },
  "/var/log": { dir: 0o755 },
  "/var/tmp": { dir: 0o1777 },
  "/usr/bin/apt-get": { program: "apt-get" },
  "/usr/bin/apt": { program: "apt-get" },
  "/etc/passwd": PASSWD.replace("/root:/bin/sh", "/root:/bin/bash"),
  "/root/.bashrc": "# ~/.bashrc: executed by bash(1) for non-login shells.\n",
};

export const debian = defineImage({
  repository: "debian",
  tags: ["latest", "trixie-slim", "trixie", "13", "bookworm", "bookworm-slim", "12", "stable-slim"],
  description: "Debian is a Linux distribution that's composed entirely of free and open-source software.",
  stars: 5200,
  created: "2026-02-24T10:34:29.780932891Z",
  layers: [
    {
      createdBy: "ADD rootfs.tar.gz / # buildkit",
      files: {
        ...DEBIAN_TREE,
        ...gnuFiles(),
        "/etc/debian_version": "13.1\n",
        "/etc/os-release":
          'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nNAME="Debian GNU/Linux"\nVERSION_ID="13"\nVERSION="13 (trixie)"\nVERSION_CODENAME=trixie\nDEBIAN_VERSION_FULL=13.1\nID=debian\nHOME_URL="https://www.debian.org/"\nSUPPORT_URL="https://www.debian.org/support"\nBUG_REPORT_URL="https://bugs.debian.org/"\n',
      },
      size: 172_264_777,
    },
    { createdBy: 'CMD ["bash"]' },
  ],
  config: { Env: [PATH_ENV], Cmd: ["bash"], WorkingDir: "/" },
});

export const ubuntu = defineImage({
  repository: "ubuntu",
  tags: ["latest", "24.04", "noble", "22.04", "jammy"],
  description: "Ubuntu is a Debian-based Linux operating system based on free software.",
  stars: 17_600,
  created: "2026-02-24T10:30:29.780932891Z",
  comment: "",
  layers: [
    { createdBy: "/bin/sh -c #(nop)  ARG RELEASE" },
    { createdBy: "/bin/sh -c #(nop)  ARG LAUNCHPAD_BUILD_ARCH" },
    { createdBy: "/bin/sh -c #(nop)  LABEL org.opencontainers.image.ref.name=ubuntu" },
    { createdBy: "/bin/sh -c #(nop)  LABEL org.opencontainers.image.version=24.04" },
    {
      createdBy: "/bin/sh -c #(nop) ADD file:bcebbf0fddcba5b864d5d267b68dd23bcfb01275e6ec7bcab69bf8b56af14804 in / ",
      files: {
        ...DEBIAN_TREE,
        ...gnuFiles(
          ["ps", "free", "uptime", "watch", "top", "pgrep", "pkill"].filter((name) => gnuToolNames.includes(name)),
        ),
        "/etc/debian_version": "trixie/sid\n",
        "/etc/lsb-release":
          'DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION="Ubuntu 24.04.3 LTS"\n',
        "/etc/os-release":
          'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nVERSION="24.04.3 LTS (Noble Numbat)"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\nHOME_URL="https://www.ubuntu.com/"\nUBUNTU_CODENAME=noble\n',
      },
      size: 78_120_000,
    },
    { createdBy: '/bin/sh -c #(nop)  CMD ["/bin/bash"]' },
  ],
  config: {
    Env: [PATH_ENV],
    Cmd: ["/bin/bash"],
    Labels: { "org.opencontainers.image.ref.name": "ubuntu", "org.opencontainers.image.version": "24.04" },
  },
});
