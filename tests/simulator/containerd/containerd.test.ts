import { type Bytes, encodeUtf8 } from "@/simulator/base/bytes";
import { Loop } from "@/simulator/base/loop";
import type { LayerChange } from "@/simulator/containerd/api";
import { chainIds, makeImage, treeOf } from "@/simulator/containerd/images";
import { applyLayer, changesOf, changesOfTree, diffOf, makeLayer } from "@/simulator/containerd/layers";
import { ContainerLog } from "@/simulator/containerd/logs";
import { familiarString, parseReference, referenceString, withDefaultTag } from "@/simulator/containerd/reference";
import { decodeTar, encodeTar, treeEntries, treeOfTar } from "@/simulator/os/tar";
import { DirInode, FileInode, freezeTree, thaw } from "@/simulator/os/inode";
import { MountNamespace } from "@/simulator/os/mounts";
import fc from "fast-check";
import { expect, test } from "vitest";

test.each([
  { text: "nginx", full: "docker.io/library/nginx:latest", familiar: "nginx:latest" },
  { text: "in28min/x:1.0", full: "docker.io/in28min/x:1.0", familiar: "in28min/x:1.0" },
  {
    text: "127.0.0.1:5000/team/app",
    full: "127.0.0.1:5000/team/app:latest",
    familiar: "127.0.0.1:5000/team/app:latest",
  },
  { text: "docker.io/library/busybox:1", full: "docker.io/library/busybox:1", familiar: "busybox:1" },
  { text: "index.docker.io/library/busybox", full: "docker.io/library/busybox:latest", familiar: "busybox:latest" },
  {
    text: `x@sha256:${"0".repeat(64)}`,
    full: `docker.io/library/x@sha256:${"0".repeat(64)}`,
    familiar: `x@sha256:${"0".repeat(64)}`,
  },
])("reference $text", ({ text, full, familiar }) => {
  const parsed = parseReference(text);
  if (!parsed.ok) throw new Error(parsed.error);
  expect([referenceString(withDefaultTag(parsed.value)), familiarString(withDefaultTag(parsed.value))]).toEqual([
    full,
    familiar,
  ]);
});

test.each([
  { text: "", error: "invalid reference format" },
  { text: "a:b:c", error: "invalid reference format" },
  { text: "x:!", error: "invalid reference format" },
  { text: "BUSYBOX", error: "invalid reference format: repository name (library/BUSYBOX) must be lowercase" },
])("no reference: $text", ({ text, error }) => {
  expect(parseReference(text)).toEqual({ ok: false, error });
});

const file = (content: string): FileInode => new FileInode(encodeUtf8(content));
const paths = (dir: DirInode): string[] =>
  [...treeEntries(dir, "")].map(({ name, node }) => `${name}=${node?.kind === "file" ? node.content : ""}`);

test("what a container changes is what its layer holds, and applying the layer gives its tree", () => {
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("write" as const), path, text: fc.string({ maxLength: 4, unit: "grapheme-ascii" }) }),
    fc.record({ kind: fc.constant("remove" as const), path }),
    fc.record({ kind: fc.constant("mkdir" as const), path }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 12 }), fc.array(operation, { maxLength: 12 }), (before, after) => {
      const loop = new Loop(1000);
      const apply = (root: DirInode, operations: typeof before): void => {
        const fs = new MountNamespace(loop, { path: "/", root, readOnly: false, source: "", type: "", options: "" });
        for (const each of operations) {
          try {
            if (each.kind === "write") {
              fs.makeDirs(each.path.slice(0, each.path.lastIndexOf("/")) || "/");
              fs.writeFile(each.path, encodeUtf8(each.text));
            } else if (each.kind === "mkdir") fs.makeDirs(each.path);
            else fs.removeTree(each.path);
          } catch {
            // A path that is a file in one place and a folder in another: the system call's own refusal.
          }
        }
      };
      const base = new DirInode();
      apply(base, before);
      const frozen = freezeTree(base);
      const root = thaw(frozen);
      apply(root, after);
      const layer = makeLayer(changesOf(root));
      expect(paths(applyLayer(frozen, layer))).toEqual(paths(root));
      // An archive of the tree brings the same tree back.
      expect(paths(treeOfTar(decodeTar(encodeTar(treeEntries(root, "")))))).toEqual(paths(root));
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("docker diff: a folder before what is in it, what is gone last", () => {
  const etc = new DirInode(
    {},
    new Map([
      ["group", file("g")],
      ["passwd", file("p")],
    ]),
  );
  const root = thaw(freezeTree(new DirInode({}, new Map([["etc", etc]]))));
  const fs = new MountNamespace(new Loop(5), { path: "/", root, readOnly: false, source: "", type: "", options: "" });
  fs.writeFile("/new", encodeUtf8("a"));
  fs.makeDirs("/dir");
  fs.writeFile("/dir/f", encodeUtf8("b"));
  fs.unlink("/etc/group");
  fs.appendFile("/etc/passwd", encodeUtf8("x"));
  expect(diffOf(root).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    "A /dir",
    "A /dir/f",
    "C /etc",
    "C /etc/passwd",
    "D /etc/group",
    "A /new",
  ]);
});

test("images are known by their content: equal parts, equal ids; trees of the same layers are one tree", () => {
  const layer = (text: string) => makeLayer([{ path: "/f", node: file(text) } as LayerChange]);
  const image = (text: string) =>
    makeImage({ config: { Cmd: ["sh"] }, layers: [layer(text)], history: [], created: "2026-01-01T00:00:00Z" });
  expect(image("a").id).toBe(image("a").id);
  expect(image("a").id).not.toBe(image("b").id);
  const layers = [layer("a"), layer("b")];
  expect(treeOf(layers)).toBe(treeOf(layers));
  expect(new Set(chainIds(layers)).size).toBe(2);
  expect(chainIds(layers)[0]).toBe(layers[0]!.diffId);
});

test("a log keeps streams apart, drops its oldest lines at its bound, and reads the last lines cheaply", () => {
  const log = new ContainerLog(new Loop(1000), 200_000);
  log.write("stdout", "one\nhal" as Bytes);
  log.write("stderr", "err\n" as Bytes);
  log.write("stdout", "f\n" as Bytes);
  expect(log.all().map(({ stream, text }) => `${stream} ${text}`)).toEqual([
    "stdout one\n",
    "stderr err\n",
    "stdout half\n",
  ]);
  for (let i = 0; i < 50_000; i++) log.write("stdout", `line ${i}\n` as Bytes);
  expect(log.bytes).toBeLessThan(300_000);
  expect(log.read(log.tail(2)).lines.map(({ text }) => text)).toEqual(["line 49998\n", "line 49999\n"]);
  expect(log.end).toBe(50_003);
});

test("a million lines of log take a second or so", () => {
  const log = new ContainerLog(new Loop(1000));
  const started = performance.now();
  for (let i = 0; i < 1_000_000; i++) log.write("stdout", "a line of some length, as programs write them\n" as Bytes);
  expect(log.lines + (log.end - log.lines)).toBe(1_000_000);
  expect(performance.now() - started).toBeLessThan(8000);
  expect(log.bytes).toBeLessThan(66 * 1024 * 1024);
});

test("an unfinished line is kept when its writer ends", () => {
  const log = new ContainerLog(new Loop(1000));
  log.write("stdout", "noeol" as Bytes);
  expect(log.lines).toBe(0);
  log.close();
  expect(log.all().map(({ text }) => text)).toEqual(["noeol"]);
});

test("a tree's changes over nothing are all of it", () => {
  const root = new DirInode({}, new Map([["d", new DirInode({}, new Map([["f", file("x")]]))]]));
  expect(changesOfTree(root).map(({ path }) => path)).toEqual(["/d", "/d/f"]);
});
