/** Compiles a lesson's MDX with mdx-bundler and checks it: known components only, no code, every task present. Server only. */
import "server-only";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { bundleMDX } from "mdx-bundler";
import * as jsxRuntime from "react/jsx-runtime";
import type { ComponentType, ReactNode } from "react";
import rehypeSlug from "rehype-slug";
import remarkGfm from "remark-gfm";
import { content, type Lesson } from "./loader";
import { ContentError, type ContentProblem } from "./problems";
import type { Language } from "./schema";
import { CONTENT_ROOT } from "./stamp";

/** The components prose may use, and the properties each must have. */
export const PROSE_COMPONENTS: Readonly<Record<string, readonly string[]>> = {
  Cmd: [],
  Task: ["id"],
  Predict: ["question", "options", "answer"],
  Term: ["id"],
  Note: [],
  Output: [],
  Quiz: [],
  Debrief: [],
};

export type ProseComponents = Readonly<Record<string, ComponentType<never>>>;
export type Prose = (props: { readonly components: ProseComponents }) => ReactNode;

/** A syntax tree's node, as much of it as the checks below read. */
interface MdxNode {
  readonly type: string;
  readonly name?: string | null;
  readonly value?: string;
  readonly children?: readonly MdxNode[];
  readonly attributes?: readonly { readonly type: string; readonly name?: string; readonly value?: unknown }[];
  readonly position?: { readonly start: { readonly line: number; readonly column: number } };
}

/** The prose of a lesson as a component. Throws a ContentError that names the line. */
export async function lessonProse(lesson: Lesson, language: Language): Promise<Prose> {
  const path = lesson.prose[language];
  const file = relative(join(CONTENT_ROOT, ".."), path).replaceAll("\\", "/");
  const known = {
    tasks: lesson.data.tasks.map((task) => task.id),
    terms: content().glossary.map((entry) => entry.id),
    hasDebrief: lesson.data.debrief !== undefined,
  };
  const { code, problems } = await compileProse(file, readFileSync(path, "utf8"), known);
  if (problems.length > 0) throw new ContentError(problems);
  return evaluate(code);
}

/** A Markdown document without components as a component. It is read as MDX: braces and angle brackets stand in code. */
export async function markdown(source: string): Promise<Prose> {
  const { code } = await bundleMDX({
    source,
    mdxOptions: (options) => ({
      ...options,
      remarkPlugins: [...(options.remarkPlugins ?? []), remarkGfm],
      rehypePlugins: [...(options.rehypePlugins ?? []), rehypeSlug, markShortCode],
    }),
  });
  return evaluate(code);
}

/** The bundle is ours, made a moment ago from a file of this repository; it is evaluated on the server only. */
const evaluate = (code: string): Prose =>
  new Function("React", "ReactDOM", "_jsx_runtime", code)(undefined, undefined, jsxRuntime).default as Prose;

export interface KnownNames {
  readonly tasks: readonly string[];
  readonly terms: readonly string[];
  /** lesson.yaml has a short path, which the text must show. */
  readonly hasDebrief?: boolean;
}

export async function compileProse(
  file: string,
  source: string,
  known: KnownNames,
): Promise<{ code: string; problems: ContentProblem[] }> {
  const problems: ContentProblem[] = [];
  const check = () => (tree: MdxNode) => checkTree(tree, file, known, problems);
  try {
    const { code } = await bundleMDX({
      source,
      // The problem is returned, with our file's name; esbuild need not print it under its own.
      esbuildOptions: (options) => ({ ...options, logLevel: "silent" }),
      mdxOptions: (options) => ({
        ...options,
        remarkPlugins: [...(options.remarkPlugins ?? []), remarkGfm, check as never],
        rehypePlugins: [...(options.rehypePlugins ?? []), rehypeSlug, markShortCode],
      }),
    });
    return { code, problems };
  } catch (error) {
    return { code: "", problems: [...problems, mdxProblem(file, error)] };
  }
}

/** Code of so few characters is kept on one line: "--format" broken after its hyphens looks like something else. */
const SHORT_MAX = 24;

/** A page's tree, as much of it as is read and changed here. */
interface PageNode {
  readonly type: string;
  readonly tagName?: string;
  readonly value?: string;
  readonly children?: readonly PageNode[];
  properties?: Record<string, unknown>;
}

function markShortCode() {
  const visit = (node: PageNode): void => {
    for (const child of node.children ?? []) {
      const text = child.tagName === "code" && node.tagName !== "pre" ? child.children?.[0]?.value : undefined;
      if (text !== undefined && text.length <= SHORT_MAX)
        child.properties = { ...child.properties, className: ["short"] };
      visit(child);
    }
  };
  return visit;
}

function checkTree(tree: MdxNode, file: string, known: KnownNames, problems: ContentProblem[]): void {
  const complain = (node: MdxNode, message: string) => {
    const { line, column } = node.position?.start ?? { line: 1, column: 1 };
    problems.push({ file, line, column, message });
  };
  const tasks: string[] = [];
  let showsDebrief = false;
  const visit = (node: MdxNode): void => {
    // mdx-bundler adds one of its own, for front matter; it has no place in the text.
    if (node.type === "mdxjsEsm" && node.position !== undefined) complain(node, "prose has no imports or exports");
    if (node.type === "mdxJsxFlowElement" || node.type === "mdxJsxTextElement") {
      const required = PROSE_COMPONENTS[node.name ?? ""];
      if (required === undefined) {
        complain(node, `<${node.name ?? ""}> is not one of ${Object.keys(PROSE_COMPONENTS).join(", ")}`);
      } else {
        for (const name of required) {
          if (!node.attributes?.some((attribute) => attribute.name === name)) {
            complain(node, `<${node.name}> needs the property "${name}"`);
          }
        }
      }
      if (node.name === "Debrief") {
        showsDebrief = true;
        if (!known.hasDebrief) complain(node, "lesson.yaml has no debrief to show");
      }
      const id = node.attributes?.find((attribute) => attribute.name === "id")?.value;
      if (node.name === "Task" && typeof id === "string") {
        if (!known.tasks.includes(id)) complain(node, `lesson.yaml has no task "${id}"`);
        else if (tasks.includes(id)) complain(node, `task "${id}" is shown twice`);
        tasks.push(id);
      }
      if (node.name === "Term" && typeof id === "string" && !known.terms.includes(id)) {
        complain(node, `the glossary has no term "${id}"`);
      }
    }
    for (const child of node.children ?? []) visit(child);
  };
  visit(tree);
  if (known.hasDebrief && !showsDebrief) complain(tree, "the debrief is not shown: add <Debrief />");
  for (const id of known.tasks)
    if (!tasks.includes(id)) complain(tree, `task "${id}" is not shown: add <Task id="${id}" />`);
}

/** esbuild and the MDX parser each carry the place in their own way; an unclosed tag has it in the message only. */
function mdxProblem(file: string, error: unknown): ContentProblem {
  const first = (error as { errors?: readonly { text?: string; location?: { line: number; column: number } | null }[] })
    .errors?.[0];
  const lines = (first?.text ?? (error as Error).message ?? String(error)).split("\n").map((line) => line.trim());
  const message = lines.find((line) => line !== "" && !line.startsWith("Cannot process MDX")) ?? "";
  const inText = /\(?(\d+):(\d+)(?:-\d+:\d+)?\)?/.exec(message);
  const line = first?.location?.line || Number(inText?.[1] ?? 1);
  const column = first?.location?.line ? first.location.column + 1 : Number(inText?.[2] ?? 1);
  return {
    file,
    line,
    column,
    message: message.replace(/^\d+:\d+(-\d+:\d+)?: /, "").replace(/ \[plugin [^\]]+\]$/, ""),
  };
}
