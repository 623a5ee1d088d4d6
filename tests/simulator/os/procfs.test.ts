/** /proc as programs read it, from the kernel's own tables. */
import { procMount } from "@/simulator/os/procfs";
import { SinkFile } from "@/simulator/os/open-file";
import { ENV, makeLaptop } from "@/tests/simulator/shell/world";
import { expect, test } from "vitest";

function read(script: string): string {
  const { loop, kernel, mounts, context } = makeLaptop();
  mounts.mount(procMount({ kernel, pids: context.pids, mounts: () => mounts, hostname: () => "laptop" }));
  let out = "";
  const sink = new SinkFile("out", (bytes) => (out += bytes));
  const process = kernel.spawn(context, undefined, {
    argv: ["bash", "-c", script],
    env: ENV,
    files: new Map([
      [1, sink],
      [2, sink],
    ] as const),
  });
  while (!process.ended.settled && loop.step());
  return out;
}

test.each([
  ["grep -c ^processor /proc/cpuinfo", "4\n"],
  ["awk '/MemTotal/ {print $2}' /proc/meminfo", "8388608\n"],
  ["cut -d. -f1 /proc/uptime", "0\n"],
  ["cat /proc/1/comm; tr '\\0' ' ' < /proc/1/cmdline | cut -c1-7", "bash\nbash -c\n"],
  [
    "grep -E '^(Name|Pid|PPid|Uid)' /proc/$$/status | tr '\\t' ' '; true",
    "Name: bash\nPid: 1\nPPid: 0\nUid: 0 0 0 0\n",
  ],
  ["sleep 9 & tr '\\0' ' ' < /proc/$!/cmdline; cat /proc/$!/cgroup; kill $!", "sleep 9 0::/\n"],
  ["tr '\\0' '\\n' < /proc/1/environ | grep ^HOME; true", "HOME=/root\n"],
  ["grep /proc /proc/mounts", "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n"],
  ["ls -d /proc/[0-9]* | head -1; test -e /proc/999 || echo gone", "/proc/1\ngone\n"],
  [
    "cat /proc/sys/kernel/hostname; echo 0 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward",
    "laptop\n0\n",
  ],
])("%s", (script, output) => expect(read(script)).toBe(output));
