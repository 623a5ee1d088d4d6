/** `diff -u -N` of two texts, as kubectl diff shows it. */
import { structuredPatch } from "diff";

export interface DiffSide {
  /** What follows `---` or `+++`. */
  readonly label: string;
  readonly text: string;
}

/** The unified diff with `context` lines around each change; empty when the texts are equal. */
export function unifiedDiff(from: DiffSide, to: DiffSide, context = 3): string {
  if (from.text === to.text) return "";
  const patch = structuredPatch("a", "b", from.text, to.text, "", "", { context });
  let out = `--- ${from.label}\n+++ ${to.label}\n`;
  for (const hunk of patch.hunks) {
    out += `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@\n`;
    for (const line of hunk.lines) out += `${line}\n`;
  }
  return out;
}

/** GNU diff leaves out a count of one and names the line before an empty side. */
function range(start: number, lines: number): string {
  if (lines === 1) return String(start);
  if (lines === 0) return `${start - 1},0`;
  return `${start},${lines}`;
}
