/** Flags that list commands share. */
import { boolFlag, type FlagOptions, stringArrayFlag, stringFlag } from "../../cli/flags";

export const formatFlag = (options: FlagOptions = {}) =>
  stringFlag(
    "",
    "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
    options,
  );

export const filterFlag = (usage: string) =>
  stringArrayFlag([], usage, { shorthand: "f", typeName: "filter", defaultText: "" });
export const forceFlag = () => boolFlag(false, "Do not prompt for confirmation", { shorthand: "f" });
export const noTruncFlag = () => boolFlag(false, "Don't truncate output");
