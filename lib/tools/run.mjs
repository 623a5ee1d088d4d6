/** `node lib/tools/run.mjs entry.ts [arguments]`: runs a TypeScript file of this repository, bundled once and then cached. */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const [entry, ...rest] = process.argv.slice(2);
if (entry === undefined) {
  console.error("usage: node lib/tools/run.mjs <entry.ts> [arguments]");
  process.exit(2);
}
if (!existsSync(join(root, "node_modules", "esbuild"))) {
  const { install } = await import("./install.mjs");
  install(root);
}
const { generateApiTexts } = await import("./api-texts.mjs");
generateApiTexts(root);
const { bundle } = await import("./bundle.mjs");
let path;
try {
  path = await bundle(entry, root);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
process.argv = [process.argv[0], resolve(root, entry), ...rest];
await import(pathToFileURL(path).href);
