/** `${VARIABLE:-default}` in compose files. */
import { failure, ok, type Result } from "../../../base/result";

export interface Interpolated {
  readonly text: string;
  readonly unset: readonly string[];
}

const PATTERN =
  /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}$]|\$\$|\$\{[^{}]*\}|\$[A-Za-z_]\w*)*))?\}|(.?))/g;

/** The error is the reason alone: where it happened is the caller's to say. */
export function interpolate(text: string, env: Readonly<Record<string, string>>): Result<Interpolated, string> {
  const unset: string[] = [];
  let problem: string | undefined;
  const out = text.replace(
    PATTERN,
    (
      whole,
      dollar: string | undefined,
      plain: string | undefined,
      braced: string | undefined,
      operator: string | undefined,
      rest: string | undefined,
    ) => {
      if (dollar) return "$";
      const name = plain ?? braced;
      if (name === undefined) {
        problem ??= `invalid interpolation format for ${JSON.stringify(text).slice(1, -1)}.\nYou may need to escape any $ with another $`;
        return whole;
      }
      const value = Object.hasOwn(env, name) ? env[name]! : undefined;
      const isMissing = value === undefined || (operator?.startsWith(":") && value === "");
      const inner = (): string => {
        const nested = interpolate(rest ?? "", env);
        if (!nested.ok) {
          problem ??= nested.error;
          return "";
        }
        unset.push(...nested.value.unset);
        return nested.value.text;
      };
      switch (operator?.at(-1)) {
        case "-":
          return isMissing ? inner() : value!;
        case "?":
          if (isMissing) problem ??= `required variable ${name} is missing a value${rest ? `: ${inner()}` : ""}`;
          return value ?? "";
        case "+":
          return isMissing ? "" : inner();
        default:
          if (value === undefined) unset.push(name);
          return value ?? "";
      }
    },
  );
  return problem === undefined ? ok({ text: out, unset }) : failure(problem);
}

/** A `.env` file: NAME=value lines, quotes, comments, values that refer to earlier ones. */
export function readDotEnv(text: string, env: Readonly<Record<string, string>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const raw of text.split("\n")) {
    const line = raw.replace(/^\s*(?:export\s+)?/, "");
    if (line.trim() === "" || line.startsWith("#")) continue;
    const at = line.search(/[=:]/);
    const name = (at < 0 ? line : line.slice(0, at)).trim();
    if (at < 0) {
      if (env[name] !== undefined) values[name] = env[name];
      continue;
    }
    let value = line.slice(at + 1).trim();
    const quote = value[0];
    if ((quote === '"' || quote === "'") && value.indexOf(quote, 1) > 0) {
      value = value.slice(1, value.indexOf(quote, 1));
      if (quote === '"') value = value.replaceAll("\\n", "\n").replaceAll('\\"', '"');
    } else value = value.replace(/\s+#.*$/, "");
    if (quote !== "'") {
      const result = interpolate(value, { ...values, ...env });
      if (result.ok) value = result.value.text;
    }
    values[name] = value;
  }
  return values;
}
