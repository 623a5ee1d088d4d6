/** -o yaml: documents after the first are set off by `---`. */
import { printYaml } from "../../../text/yaml";
import type { MakePrinter } from "./printer";

export const yamlPrinter: MakePrinter = () => {
  let count = 0;
  return { print: (object) => (count++ > 0 ? "---\n" : "") + printYaml(object) };
};
