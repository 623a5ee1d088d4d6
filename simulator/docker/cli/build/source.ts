/** The lines of a Dockerfile around a place, as BuildKit's clients print them. */
import type { BuildErrorSource } from "../../api/build";

export function sourceExcerpt({ filename, text, start, end }: BuildErrorSource): string {
  const lines = text.split("\n");
  if (start < 1 || start > lines.length) return "";
  const last = Math.min(end, lines.length);
  let from = start;
  let to = last;
  const pad = start === last ? 4 : 2;
  for (let p = 0; p < pad; p++) {
    if (from > 1) {
      from--;
      p++;
    }
    if (to !== lines.length) {
      to++;
      p++;
    }
  }
  let out = `${filename}:${start}\n--------------------\n`;
  for (let i = from; i <= to; i++)
    out += ` ${String(i).padStart(3)} | ${i >= start && i <= last ? ">>>" : "   "} ${lines[i - 1]}\n`;
  return `${out}--------------------\n`;
}
