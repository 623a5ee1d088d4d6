/** The shelf of printers that print whole objects, by the name of the format. Tables and custom columns are get's own. */
import { goTemplateFilePrinter, goTemplatePrinter } from "./go-template";
import { jsonPrinter } from "./json";
import { jsonPathAsJsonPrinter, jsonPathFilePrinter, jsonPathPrinter } from "./jsonpath";
import { kyamlPrinter } from "./kyaml";
import { namePrinter } from "./name";
import type { MakePrinter } from "./printer";
import { yamlPrinter } from "./yaml";

export type { ObjectPrinter } from "./printer";

export const objectPrinters: Readonly<Record<string, MakePrinter>> = {
  json: jsonPrinter,
  yaml: yamlPrinter,
  kyaml: kyamlPrinter,
  name: namePrinter,
  jsonpath: jsonPathPrinter,
  "jsonpath-as-json": jsonPathAsJsonPrinter,
  "jsonpath-file": jsonPathFilePrinter,
  "go-template": goTemplatePrinter,
  "go-template-file": goTemplateFilePrinter,
  template: goTemplatePrinter,
  templatefile: goTemplateFilePrinter,
};
