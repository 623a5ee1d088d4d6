/** `-o`: which printer an output format means, shared by every command that prints objects. */
import type { Task } from "../../base/task";
import { type FlagSet, boolFlag, stringFlag } from "../../cli/flags";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import type { KubeObject } from "../apimachinery/object";
import type { ResourceMapping } from "./discovery";
import { fail } from "./failure";
import { klog } from "./rest";
import { objectPrinters, type ObjectPrinter } from "./printers/index";

/** The flags of commands that print what they made. */
export const printFlags = {
  output: stringFlag(
    "",
    "Output format. One of: (json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json, jsonpath-file).",
    { shorthand: "o" },
  ),
  template: stringFlag(
    "",
    "Template string or path to template file to use when -o=go-template, -o=go-template-file. The template format is golang templates [http://golang.org/pkg/text/template/#pkg-overview].",
  ),
  "allow-missing-template-keys": boolFlag(
    true,
    "If true, ignore any errors in templates when a field or map key is missing in the template. Only applies to golang and jsonpath output formats.",
  ),
  "show-managed-fields": boolFlag(
    false,
    "If true, keep the managedFields when printing objects in JSON or YAML format.",
  ),
} satisfies FlagSet;

const BASE_FORMATS = [
  "go-template",
  "go-template-file",
  "json",
  "jsonpath",
  "jsonpath-as-json",
  "jsonpath-file",
  "kyaml",
  "name",
  "template",
  "templatefile",
  "yaml",
];

export interface OutputRequest {
  readonly output: string;
  readonly template?: string;
  readonly allowMissingKeys?: boolean;
  readonly showManagedFields?: boolean;
  /** Formats this command has beyond the common ones ("wide", "custom-columns"). */
  readonly extraFormats?: readonly string[];
}

export const outputRequest = (
  flags: Readonly<Record<string, unknown>>,
  extraFormats: readonly string[] = [],
): OutputRequest => ({
  output: String(flags["output"] ?? ""),
  template: String(flags["template"] ?? ""),
  allowMissingKeys: flags["allow-missing-template-keys"] !== false,
  showManagedFields: flags["show-managed-fields"] === true,
  extraFormats,
});

/** The printer of a format; undefined when none was asked for. Throws for a format that does not exist. */
export function printerFor(process: Process, request: OutputRequest): ObjectPrinter | undefined {
  const { format, argument } = splitFormat(request);
  if (format === "") return undefined;
  const make = objectPrinters[format];
  const allowed = [...BASE_FORMATS, ...(request.extraFormats ?? [])].sort();
  if (!make || !allowed.includes(format)) {
    return fail(
      `unable to match a printer suitable for the output format "${request.output}", allowed formats are: ${allowed.join(",")}`,
    );
  }
  const readFile = (path: string): string => {
    try {
      return process.readText(path);
    } catch (error) {
      if (error instanceof SysError)
        return fail(`error reading --template ${path}, open ${path}: ${error.message.toLowerCase()}\n`);
      throw error;
    }
  };
  const printer = make({ argument, allowMissingKeys: request.allowMissingKeys ?? true, readFile });
  // Templates see the whole object: only the formats that print all of it leave out who wrote which field.
  const isWhole = ["json", "yaml", "kyaml"].includes(format);
  return request.showManagedFields || !isWhole ? printer : withoutManagedFields(printer);
}

function splitFormat(request: OutputRequest): { readonly format: string; readonly argument: string } {
  const { output, template = "" } = request;
  const at = output.indexOf("=");
  if (at >= 0) return { format: output.slice(0, at), argument: output.slice(at + 1) };
  // --template alone means go-template.
  if (output === "" && template !== "") return { format: "go-template", argument: template };
  return { format: output, argument: template };
}

function withoutManagedFields(printer: ObjectPrinter): ObjectPrinter {
  return { ...printer, print: (object, options) => printer.print(omitManagedFields(object), options) };
}

export function omitManagedFields(object: KubeObject): KubeObject {
  const items = object["items"];
  if (Array.isArray(items)) return { ...object, items: items.map((item: KubeObject) => omitManagedFields(item)) };
  if (!object.metadata || !("managedFields" in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

export type DryRun = "none" | "client" | "server";

/** `--dry-run` and its deprecated forms, with the notice that goes to standard error. */
export function* dryRunOf(process: Process, flags: Readonly<Record<string, unknown>>): Task<DryRun> {
  const value = String(flags["dry-run"] ?? "none");
  if (value === "none" || value === "client" || value === "server") return value;
  if (value === "unchanged") {
    yield* process.printError(
      klog("W", process, "helpers.go:719] --dry-run is deprecated and can be replaced with --dry-run=client."),
    );
    return "client";
  }
  return fail(`Invalid dry-run value (${value}). Must be "none", "server", or "client".`);
}

export const dryRunFlag = stringFlag(
  "none",
  'Must be "none", "server", or "client". If client strategy, only print the object that would be sent, without sending it. If server strategy, submit server-side request without persisting the resource.',
  { noOptDefVal: "unchanged" },
);

export const dryRunSuffix = (dryRun: DryRun): string =>
  dryRun === "client" ? " (dry run)" : dryRun === "server" ? " (server dry run)" : "";

/** Prints `deployment.apps/web created`, or the object where a format was asked for. */
export function* printResult(
  process: Process,
  printer: ObjectPrinter | undefined,
  mapping: Pick<ResourceMapping, "group" | "kind">,
  object: KubeObject,
  operation: string,
  options: { readonly isTyped?: boolean } = {},
): Task<void> {
  if (printer) {
    yield* process.print(printer.print(object, options));
    return;
  }
  const kind = mapping.kind.toLowerCase();
  const name = object.metadata.name;
  yield* process.print(
    `${mapping.group ? `${kind}.${mapping.group}` : kind}/${name}${operation ? ` ${operation}` : ""}\n`,
  );
}
