/** What is wrong with content, and where: file, line and column, as an editor can jump to. */
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";

export interface ContentProblem {
  /** Relative to the repository. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export class ContentError extends Error {
  constructor(readonly problems: readonly ContentProblem[]) {
    super(problems.map(problemText).join("\n"));
    this.name = "ContentError";
  }
}

export const problemText = (problem: ContentProblem): string =>
  `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: ContentProblem[] };

/** Parses YAML text against a schema. Every problem names the place in the text that has to change. */
export function parseYaml<T>(file: string, text: string, schema: z.ZodType<T>): Parsed<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, message: string): ContentProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, message };
  };
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) return { ok: false, problems: broken.map((error) => at(error.pos[0], error.message)) };
  const result = schema.safeParse(document.toJS());
  if (result.success) return { ok: true, value: result.data };
  return {
    ok: false,
    problems: result.error.issues.map((issue) => {
      const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
      const extra = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
      const where = path.length > 0 ? `${path.join(".")}: ` : "";
      return at(offsetOf(document, extra === undefined ? path : [...path, extra]), where + issue.message);
    }),
  };
}

/** The offset of the nearest thing that exists on the way to `path`: a missing field is reported at its parent. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return isNode(document.contents) && document.contents.range ? document.contents.range[0] : 0;
}
