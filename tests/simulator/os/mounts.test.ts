import { expect, test } from "vitest";
import fc from "fast-check";
import { Loop } from "@/simulator/base/loop";
import { SysError } from "@/simulator/os/errno";
import { DirInode, FileInode, SymlinkInode } from "@/simulator/os/inode";
import { MountNamespace } from "@/simulator/os/mounts";
import { absolute } from "@/simulator/os/path";

const dir = (entries: Record<string, DirInode | FileInode | SymlinkInode>): DirInode =>
  new DirInode({}, new Map(Object.entries(entries)));

function world(): MountNamespace {
  const root = dir({
    a: dir({ b: dir({ f: new FileInode() }), up: new SymlinkInode(".."), f: new FileInode() }),
    l: new SymlinkInode("/a/b"),
    loop: new SymlinkInode("loop"),
    lost: new SymlinkInode("/nowhere/x"),
    m: dir({ under: new FileInode() }),
  });
  const mount = (path: string, tree: DirInode | FileInode) => ({
    path,
    root: tree,
    readOnly: false,
    source: "s",
    type: "t",
    options: "",
  });
  const fs = new MountNamespace(new Loop(0), mount("/", root));
  fs.mount(mount("/m", dir({ b: dir({ m: new FileInode() }), m: dir({}) })));
  fs.mount(mount("/m/m", dir({ f: new FileInode(), back: new SymlinkInode("/m/b") })));
  fs.mount(mount("/a/b/f", new FileInode()));
  return fs;
}

const outcome = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    if (error instanceof SysError) return error.code;
    throw error;
  }
};

const names = fc.constantFrom("a", "b", "f", "l", "m", "up", "loop", "lost", "back", "under", "none", "..", ".", "");

test("a path read where it stands leads where the same path taken to pieces leads", () => {
  const fs = world();
  fc.assert(
    fc.property(fc.array(names, { maxLength: 6 }), fc.boolean(), (parts, followLast) => {
      const path = `/${parts.join("/")}`;
      // A leading "." sends the walk the long way.
      const long = `/.${path}`;
      expect(outcome(() => fs.lookup(path, { followLast }))).toBe(outcome(() => fs.lookup(long, { followLast })));
      expect(fs.find(path, { followLast })).toBe(fs.find(long, { followLast }));
      expect(outcome(() => fs.realPath(path))).toBe(outcome(() => fs.realPath(long)));
    }),
    { seed: 7, numRuns: 1000 },
  );
});

test.each([
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["/a/./b", "/a/b"],
  ["/a//b/", "/a/b"],
  ["/a/../b", "/b"],
  ["/..", "/"],
  ["/.x/..y", "/.x/..y"],
  ["x/../y", "/cwd/y"],
])("absolute(%s)", (path, expected) => expect(absolute("/cwd", path)).toBe(expected));

test("what is mounted deepest holds a path", () => {
  const fs = world();
  expect(["/a", "/m", "/m/m", "/m/m/f", "/mm", "/a/b/f", "/a/b/ff"].map((path) => fs.mountOf(path).path)).toEqual([
    "/",
    "/m",
    "/m/m",
    "/m/m",
    "/",
    "/a/b/f",
    "/",
  ]);
});
