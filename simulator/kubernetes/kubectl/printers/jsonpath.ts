/** -o jsonpath=…, jsonpath-as-json=…, jsonpath-file=… */
import { compileJsonPath } from "../../../text/jsonpath";
import { formatGoSyntax, quote } from "../../../text/strconv";
import { fail } from "../failure";
import type { MakePrinter, PrinterOptions } from "./printer";

const make =
  (asJson: boolean, fromFile: boolean): MakePrinter =>
  (options: PrinterOptions) => {
    if (options.argument === "") fail("template format specified but no template given");
    const template = fromFile ? options.readFile(options.argument) : options.argument;
    const compiled = compileJsonPath(template, { allowMissingKeys: options.allowMissingKeys });
    if (!compiled.ok) return fail(`error parsing jsonpath ${template}, ${compiled.error}`);
    return {
      print(object) {
        const result = compiled.value.execute(object, asJson);
        if (result.ok) return result.value;
        const details = `Error executing template: ${result.error}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\tobject given to jsonpath engine was:\n\t\t${formatGoSyntax(object)}\n\n`;
        return fail(`error executing jsonpath ${quote(template)}: ${details}\n`);
      },
    };
  };

export const jsonPathPrinter = make(false, false);
export const jsonPathAsJsonPrinter = make(true, false);
export const jsonPathFilePrinter = make(false, true);
