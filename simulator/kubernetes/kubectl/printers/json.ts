/** -o json */
import { goJson } from "../../../text/go-json";
import type { MakePrinter } from "./printer";

export const jsonPrinter: MakePrinter = () => ({
  print: (object, options) => `${goJson(object, { indent: "    ", sortKeys: !options?.isTyped })}\n`,
});
