/**
 * Bundles a TypeScript entry for Node into .cache/, once per state of its sources: the list of files that went in is kept
 * beside the bundle with their times and sizes, so that a second start only looks at those.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const FORMAT = 4;

/** The repository: where package.json is. The working directory is tried first, for this file may itself be bundled. */
const findRoot = () =>
  existsSync(join(process.cwd(), "simulator"))
    ? process.cwd()
    : resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** The path of an up-to-date bundle of `entry` (relative to the repository). */
export async function bundle(entry, root = findRoot()) {
  const source = resolve(root, entry);
  const cache = join(root, ".cache", "bundles");
  const name = `${relative(root, source).replace(/[^a-zA-Z0-9]+/g, "-")}-${FORMAT}`;
  const note = join(cache, `${name}.json`);
  const cached = readNote(note);
  if (cached !== undefined && isFresh(cached, root)) return join(cache, cached.file);

  const { build } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    entryPoints: [source],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    sourcemap: "inline",
    sourcesContent: false,
    tsconfig: join(root, "tsconfig.json"),
    outfile: join(cache, `${name}.mjs`),
    logLevel: "error",
    plugins: [serverOnly],
  });
  const text = outputFiles[0].text;
  const file = `${name}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}.mjs`;
  mkdirSync(cache, { recursive: true });
  writeWhole(join(cache, file), text);
  const inputs = Object.keys(metafile.inputs)
    .filter((path) => !path.startsWith("empty:"))
    .map((path) => [path, stamp(join(root, path))]);
  writeWhole(note, JSON.stringify({ file, node: process.versions.node, inputs }));
  return join(cache, file);
}

/** Files marked "server-only" are at home here; the package itself knows bundlers of pages only. */
const serverOnly = {
  name: "server-only",
  setup(build) {
    build.onResolve({ filter: /^server-only$/ }, ({ path }) => ({ path, namespace: "empty" }));
    build.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "" }));
  },
};

function readNote(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

const isFresh = (note, root) =>
  existsSync(join(root, ".cache", "bundles", note.file)) &&
  note.inputs.every(([path, then]) => stamp(join(root, path)) === then);

function stamp(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "gone" : `${found.mtimeMs}:${found.size}`;
}

/** Renamed into place, so that another process never reads half a file. */
function writeWhole(path, text) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
