/** -o go-template=…, go-template-file=… */
import { compileTemplate } from "../../../text/go-template";
import { KUBECTL_FUNCTIONS } from "../../../text/go-template-functions";
import { goJson } from "../../../text/go-json";
import { formatValue, quote } from "../../../text/strconv";
import { CommandFailure, fail } from "../failure";
import type { MakePrinter, PrinterOptions } from "./printer";

/** A template that failed; what it had printed goes to standard output first, for debugging, as upstream does. */
export class TemplateExecutionFailure extends CommandFailure {
  readonly printed: string;
  constructor(message: string, printed: string) {
    super(message);
    this.printed = printed;
  }
}

const make =
  (fromFile: boolean): MakePrinter =>
  (options: PrinterOptions) => {
    if (options.argument === "") fail("template format specified but no template given");
    const template = fromFile ? options.readFile(options.argument) : options.argument;
    const compiled = compileTemplate(template, {
      name: "output",
      functions: KUBECTL_FUNCTIONS,
      missingKeyError: !options.allowMissingKeys,
    });
    if (!compiled.ok) return fail(`error parsing template ${template}, ${compiled.error}\n`);
    return {
      print(object) {
        const result = compiled.value.execute(object);
        if (result.error === undefined) return result.text;
        const printed = `${result.text}Error executing template: ${result.error}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${template}\n\traw data was:\n\t\t${goJson(object)}\n\tobject given to template engine was:\n\t\t${formatValue(object)}\n\n`;
        throw new TemplateExecutionFailure(`error executing template ${quote(template)}: ${result.error}`, printed);
      },
    };
  };

export const goTemplatePrinter = make(false);
export const goTemplateFilePrinter = make(true);
