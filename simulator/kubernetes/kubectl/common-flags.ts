/** Flags that many commands share. */
import { boolFlag, type FlagSet, stringFlag, stringSliceFlag } from "../../cli/flags";

/** -f, -k, -R: cmdutil.AddFilenameOptionFlags. */
export const fileFlags = {
  filename: stringSliceFlag([], "Files, folders or - for standard input that say which objects are meant.", {
    shorthand: "f",
  }),
  kustomize: stringFlag("", "Process the kustomization folder. This flag can't be used together with -f or -R.", {
    shorthand: "k",
  }),
  recursive: boolFlag(false, "Process the folders used in -f, --filename recursively.", { shorthand: "R" }),
} satisfies FlagSet;

export const selectorFlag = stringFlag(
  "",
  "Selector (label query) to filter on, supports '=', '==', '!=', 'in', 'notin'. (e.g. -l key1=value1,key2=value2,key3 in (value3)). Matching objects must satisfy all of the specified label constraints.",
  { shorthand: "l" },
);

export const fieldSelectorFlag = stringFlag(
  "",
  "Selector (field query) to filter on, supports '=', '==', and '!='. (e.g. --field-selector key1=value1,key2=value2). The server only supports a limited number of field queries per type.",
);

export const allNamespacesFlag = boolFlag(
  false,
  "If present, list the requested objects across all namespaces. The namespace of the current context is ignored even if specified with --namespace.",
  { shorthand: "A" },
);

export const chunkSizeFlag = stringFlag(
  "500",
  "Return large lists in chunks rather than all at once. Pass 0 to disable.",
);

export const fieldManagerFlag = (name: string) =>
  stringFlag(name, "Name of the manager used to track field ownership.");

export const validateFlag = stringFlag(
  "strict",
  "Must be one of: strict (or true), warn, ignore (or false). What the server does with unknown or duplicate fields.",
  { noOptDefVal: "strict" },
);

/** `--validate` as the server's fieldValidation parameter. */
export function fieldValidation(value: string): "Strict" | "Warn" | "Ignore" | undefined {
  if (value === "true" || value === "strict") return "Strict";
  if (value === "warn") return "Warn";
  if (value === "false" || value === "ignore") return "Ignore";
  return undefined;
}
