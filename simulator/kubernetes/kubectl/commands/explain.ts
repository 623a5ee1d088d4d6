/** kubectl explain: fields of a kind, from the server's OpenAPI documents. */
import type { Task } from "../../../base/task";
import { boolFlag, stringFlag } from "../../../cli/flags";
import { compareStrings } from "../../../text/strconv";
import { completeResources } from "../completion";
import type { Part } from "../describe/page";
import type { ResourceMapping } from "../discovery";
import type { ApiTexts, Factory } from "../factory";
import { CommandFailure, fail } from "../failure";
import { TemplateExecutionFailure } from "../printers/go-template";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";

export const explain = defineKubectlCommand({
  use: "explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2]",
  short: "Get documentation for a resource",
  group: "Basic Commands (Intermediate)",
  long: "Describe fields and structure of various resources.\n\n Fields are identified by a simple JSONPath: <type>.<fieldName>[.<fieldName>].",
  example: "  # The fields of a pod\n  kubectl explain pods\n  \n  # One field\n  kubectl explain pods.spec.containers",
  flags: {
    "api-version": stringFlag("", "Use given api-version (group/version) of the resource."),
    output: stringFlag(
      "plaintext",
      "Format in which to render the schema. Valid values are: (plaintext, plaintext-openapiv2).",
      { shorthand: "o" },
    ),
    recursive: boolFlag(
      false,
      "When true, print the name of all the fields recursively. Otherwise, print the available fields with their description.",
    ),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0)
      fail(
        'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
      );
    if (args.length > 1) fail("We accept only this format: explain RESOURCE");
    if (!["plaintext", "plaintext-openapiv2"].includes(flags.output)) fail(`unrecognized format: ${flags.output}`);
    const [mapping, path] = yield* resolve(factory, args[0]!, flags["api-version"]);
    const documentPath = mapping.group
      ? `/openapi/v3/apis/${mapping.group}/${mapping.version}`
      : `/openapi/v3/api/${mapping.version}`;
    const document = yield* factory.client.get<Part>(documentPath);
    const texts = factory.host.apiTexts ? yield* factory.host.apiTexts(process) : {};
    const schemas = described(document.components?.schemas ?? {}, texts);
    const root = Object.values(schemas).find((schema) =>
      (schema["x-kubernetes-group-version-kind"] ?? []).some(
        (gvk: Part) => gvk.group === mapping.group && gvk.version === mapping.version && gvk.kind === mapping.kind,
      ),
    );
    if (!root)
      return fail(`couldn't find resource for "${mapping.group}/${mapping.version}, Resource=${mapping.resource}"`);
    yield* process.print(render(new Schemas(schemas), mapping, root, path, flags.recursive));
    return 0;
  },
});

function* resolve(
  factory: Factory,
  argument: string,
  apiVersion: string,
): Task<readonly [ResourceMapping, readonly string[]]> {
  const discovery = yield* factory.discovery();
  let [type = "", ...path] = argument.split(".");
  let mapping: ResourceMapping;
  try {
    // `deployments.apps.spec`: the group may stand between the resource and its fields.
    const grouped = discovery
      .preferredResources()
      .find(
        ({ resource, singular, shortNames, group }) =>
          group !== "" &&
          (resource === type || singular === type || shortNames.includes(type)) &&
          `${path.join(".")}.`.startsWith(`${group}.`),
      );
    if (grouped) {
      path = path.slice(grouped.group.split(".").length);
      type = `${grouped.resource}.${grouped.group}`;
    }
    mapping = discovery.forArgument(type);
  } catch (error) {
    // The mapper's own error reaches the screen without "error: ".
    if (error instanceof CommandFailure) throw new CommandFailure(error.message, { raw: true });
    throw error;
  }
  if (apiVersion !== "")
    mapping =
      discovery.forKind(apiVersion, mapping.kind) ??
      fail(`couldn't find resource for "${apiVersion}, Kind=${mapping.kind}"`);
  return [mapping, path];
}

const ID = /^io\.k8s\.(?:api|apimachinery\.pkg\.apis|apiextensions-apiserver\.pkg\.apis|kube-aggregator\.pkg\.apis)\./;

/** Schemas with what they mean. A real server has the texts in its documents; ours are kept with the client. */
function described(schemas: Readonly<Record<string, Part>>, texts: ApiTexts): Readonly<Record<string, Part>> {
  const result: Record<string, Part> = {};
  for (const [id, schema] of Object.entries(schemas)) {
    const own = texts[id.replace(ID, "")];
    // Custom kinds describe themselves, but for what every object has.
    const isCustom = !own && schema["x-kubernetes-group-version-kind"] !== undefined;
    const said = own ?? (isCustom ? texts["core.v1.Pod"] : undefined);
    if (!said) {
      result[id] = schema;
      continue;
    }
    const properties: Record<string, Part> = {};
    for (const [name, property] of Object.entries<Part>(schema.properties ?? {})) {
      const text = !isCustom || COMMON.includes(name) ? said[name] : undefined;
      properties[name] = text && !property.description ? { ...property, description: text } : property;
    }
    result[id] = {
      ...schema,
      ...(!isCustom && said[""] && !schema.description ? { description: said[""] } : {}),
      ...(schema.properties ? { properties } : {}),
    };
  }
  return result;
}

const COMMON = ["apiVersion", "kind", "metadata"];

/** Follows references and the wrappers around them. */
class Schemas {
  readonly #all: Readonly<Record<string, Part>>;

  constructor(all: Readonly<Record<string, Part>>) {
    this.#all = all;
  }

  resolve(schema: Part): Part {
    const ref = schema?.$ref ?? (schema?.allOf?.length === 1 ? schema.allOf[0].$ref : undefined);
    if (!ref) return schema ?? {};
    const target = this.#all[String(ref).replace(/^#\/components\/schemas\//, "")] ?? {};
    return { ...target, ...(schema.description ? { description: schema.description } : {}) };
  }

  /** What an array or map holds, or the schema itself. */
  element(schema: Part): Part {
    const resolved = this.resolve(schema);
    if (resolved.items) return this.element(resolved.items);
    if (typeof resolved.additionalProperties === "object") return this.element(resolved.additionalProperties);
    return resolved;
  }

  typeName(schema: Part): string {
    const ref = schema?.$ref ?? (schema?.allOf?.length === 1 ? schema.allOf[0].$ref : undefined);
    if (ref) {
      const name = String(ref).split(/[./]/).at(-1)!;
      const target = this.resolve(schema);
      // Named types that are really scalars go by what they are.
      return target.properties || !target.type || ["Quantity", "Time", "MicroTime", "IntOrString"].includes(name)
        ? (SCALAR_NAMES[name] ?? name)
        : target.type;
    }
    if (schema?.type === "array") return `[]${this.typeName(schema.items ?? {})}`;
    if (typeof schema?.additionalProperties === "object")
      return `map[string]${this.typeName(schema.additionalProperties)}`;
    return schema?.type ?? "Object";
  }
}

const SCALAR_NAMES: Readonly<Record<string, string>> = { Time: "string", MicroTime: "string" };

function render(
  schemas: Schemas,
  mapping: ResourceMapping,
  root: Part,
  path: readonly string[],
  recursive: boolean,
): string {
  let schema = root;
  let field: Part | undefined;
  let required = false;
  path.forEach((name) => {
    const holder = schemas.element(schema);
    const next = holder.properties?.[name];
    if (!next) {
      // The head of the page is out before the field is found missing.
      const head = `${mapping.group ? `GROUP:      ${mapping.group}\n` : ""}KIND:       ${mapping.kind}\nVERSION:    ${mapping.version}\n\n`;
      throw new TemplateExecutionFailure(`field "${name}" does not exist`, head);
    }
    required = (holder.required ?? []).includes(name);
    field = next;
    schema = next;
  });
  const resolved = schemas.resolve(schema);
  let out = mapping.group ? `GROUP:      ${mapping.group}\n` : "";
  out += `KIND:       ${mapping.kind}\nVERSION:    ${mapping.version}\n\n`;
  if (field) {
    out += `FIELD: ${path.at(-1)} <${schemas.typeName(field)}>${required ? " -required-" : ""}\n`;
    if (resolved.enum) out += `ENUM:\n${[...resolved.enum].map((each: string) => `    ${each}\n`).join("")}`;
    out += resolved.enum ? "\n" : "\n\n";
  }
  const holder = schemas.element(schema);
  const texts = [...new Set([field?.description, resolved.description, holder.description].filter(Boolean))];
  out += `DESCRIPTION:\n${texts.length > 0 ? texts.map((text) => indentWrapped(String(text), 4)).join("") : "    <empty>\n"}`;
  out += "    \n";
  const properties: Readonly<Record<string, Part>> | undefined = holder.properties;
  if (!properties) return `${out}\n`;
  out += "FIELDS:\n";
  out += recursive ? fieldTree(schemas, holder, 2, new Set()) : fieldList(schemas, holder);
  return `${out}\n`;
}

function fieldList(schemas: Schemas, holder: Part): string {
  let out = "";
  for (const name of Object.keys(holder.properties).sort(compareStrings)) {
    const schema = holder.properties[name];
    const resolved = schemas.resolve(schema);
    const required = (holder.required ?? []).includes(name) ? " -required-" : "";
    out += `  ${name}\t<${schemas.typeName(schema)}>${required}\n`;
    if (resolved.enum) out += `  enum: ${enumText(resolved.enum)}\n`;
    const text = schema.description ?? resolved.description;
    out += `${text ? indentWrapped(String(text), 4) : "    <no description>\n"}\n`;
  }
  return out;
}

function fieldTree(schemas: Schemas, holder: Part, indent: number, seen: ReadonlySet<Part>): string {
  let out = "";
  for (const name of Object.keys(holder.properties).sort(compareStrings)) {
    const schema = holder.properties[name];
    const required = (holder.required ?? []).includes(name) ? " -required-" : "";
    out += `${" ".repeat(indent)}${name}\t<${schemas.typeName(schema)}>${required}\n`;
    const resolved = schemas.resolve(schema);
    if (resolved.enum) out += `${" ".repeat(indent)}enum: ${enumText(resolved.enum)}\n`;
    const inner = schemas.element(schema);
    // A type inside itself (JSONSchemaProps) is shown once.
    if (inner.properties && !seen.has(inner.properties))
      out += fieldTree(schemas, inner, indent + 2, new Set([...seen, inner.properties]));
  }
  return out;
}

const enumText = (values: readonly string[]): string =>
  values.length > 4 ? `${values.slice(0, 4).join(", ")}, ....` : values.join(", ");

/** Wrapped at 76 columns, as the template of explain does. */
function indentWrapped(text: string, indent: number): string {
  const margin = " ".repeat(indent);
  return text
    .split("\n")
    .flatMap((paragraph) => {
      const lines: string[] = [];
      let line = "";
      for (const word of paragraph.split(" ")) {
        if (line !== "" && line.length + 1 + word.length > 76) {
          lines.push(line);
          line = word;
        } else line = line === "" ? word : `${line} ${word}`;
      }
      return [...lines, line];
    })
    .map((line) => `${margin}${line}\n`)
    .join("");
}
