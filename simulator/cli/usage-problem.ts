/** Mistakes in the command line itself, before a program's style puts them into words. */

/** A mistake in the command line itself. */
export type UsageProblem =
  | {
      readonly kind: "unknown-command" | "unknown-subcommand";
      readonly word: string;
      readonly suggestions: readonly string[];
    }
  | { readonly kind: "flag" | "required-flags" | "flag-group"; readonly message: string }
  /** Wrong number of arguments; docker's "at least" errors say "See" where the others say "Run". */
  | { readonly kind: "args"; readonly message: string; readonly hint?: string }
  /** A command's own usage error (kubectl's UsageErrorf). */
  | { readonly kind: "usage"; readonly message: string };
