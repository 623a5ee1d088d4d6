/** .dockerignore: which paths of a build context are left out (patternmatcher's rules). */

export interface IgnoreRules {
  /** Whether a path (without a leading slash) is left out. */
  ignores(path: string): boolean;
}

function patternSource(pattern: string): string {
  let source = "";
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i]!;
    if (c === "*") {
      if (pattern[i + 1] === "*") {
        i++;
        if (pattern[i + 1] === "/") i++;
        source += i + 1 >= pattern.length ? ".*" : "(?:.*/)?";
      } else source += "[^/]*";
    } else if (c === "?") source += "[^/]";
    else if (c === "[") {
      const end = pattern.indexOf("]", i);
      if (end < 0) source += "\\[";
      else {
        source += pattern.slice(i, end + 1);
        i = end;
      }
    } else source += c.replace(/[.+^${}()|\\\]]/g, "\\$&");
  }
  return source;
}

export function parseDockerignore(text: string): IgnoreRules {
  const rules = text
    .split("\n")
    .map((line) => line.replace(/\r$/, ""))
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => {
      let pattern = line.trim();
      const negated = pattern.startsWith("!");
      if (negated) pattern = pattern.slice(1).trim();
      pattern = pattern
        .replace(/^\.?\//, "")
        .replace(/\/+$/, "")
        .replace(/\/\.$/, "");
      return { negated, expression: new RegExp(`^${patternSource(pattern)}(?:/.*)?$`), pattern };
    })
    .filter((rule) => rule.pattern !== "");
  return {
    ignores(path) {
      let ignored = false;
      for (const { negated, expression } of rules) if (expression.test(path)) ignored = !negated;
      return ignored;
    },
  };
}
