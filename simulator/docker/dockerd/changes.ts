/** `--change`: the Dockerfile instructions that commit and import may apply to an image's configuration. */
import type { ImageConfig } from "../../containerd/api";
import { badRequest } from "../api/failure";

const allowed = [
  "CMD",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "LABEL",
  "ONBUILD",
  "STOPSIGNAL",
  "USER",
  "VOLUME",
  "WORKDIR",
  "HEALTHCHECK",
];

/** `["a","b"]` as a list, anything else as a shell line. */
export function commandForm(text: string, shell: readonly string[] = ["/bin/sh", "-c"]): readonly string[] {
  if (text.trimStart().startsWith("[")) {
    try {
      const parsed: unknown = JSON.parse(text);
      if (Array.isArray(parsed) && parsed.every((word) => typeof word === "string")) return parsed as string[];
    } catch {
      // Not JSON after all: the shell gets it.
    }
  }
  return [...shell, text.trim()];
}

/** `a=b "c d"=e` pairs; the old form `key rest of line` gives one. */
export function keyValues(text: string, instruction: string): [string, string][] {
  const words = splitWords(text);
  if (words.length === 0) throw badRequest(`${instruction} requires at least one argument`);
  if (!words[0]!.includes("=")) {
    const at = text.trim().search(/\s/);
    if (at < 0) throw badRequest(`${instruction} must have two arguments`);
    return [[text.trim().slice(0, at), text.trim().slice(at).trim()]];
  }
  return words.map((word) => {
    const at = word.indexOf("=");
    if (at < 0)
      throw badRequest(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

/** Words with quotes and backslashes taken away. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let inWord = false;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote !== "") {
      if (c === quote) quote = "";
      else if (c === "\\" && quote === '"' && /["\\$]/.test(text[i + 1] ?? "")) word += text[++i];
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      inWord = true;
    } else if (c === "\\" && i + 1 < text.length) {
      word += text[++i];
      inWord = true;
    } else if (/\s/.test(c)) {
      if (inWord) words.push(word);
      word = "";
      inWord = false;
    } else {
      word += c;
      inWord = true;
    }
  }
  if (inWord) words.push(word);
  return words;
}

/** Adds or replaces variables, keeping their order. */
export function withEnv(env: readonly string[], pairs: readonly (readonly [string, string])[]): string[] {
  const result = [...env];
  for (const [key, value] of pairs) {
    const at = result.findIndex((entry) => entry.startsWith(`${key}=`));
    if (at >= 0) result[at] = `${key}=${value}`;
    else result.push(`${key}=${value}`);
  }
  return result;
}

/** `80`, `80/udp` or `8000-8002`. */
export function exposedPorts(words: readonly string[]): Record<string, Record<string, never>> {
  const ports: Record<string, Record<string, never>> = {};
  for (const word of words) {
    const m = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word);
    if (!m) throw badRequest(`Invalid containerPort: ${word}`);
    for (let port = Number(m[1]); port <= Number(m[2] ?? m[1]); port++)
      ports[`${port}/${(m[3] ?? "tcp").toLowerCase()}`] = {};
  }
  return ports;
}

export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  let result: ImageConfig = config;
  for (const line of changes) {
    const m = /^\s*(\w+)\s+([\s\S]*)$/.exec(line);
    const name = (m?.[1] ?? line.trim()).toUpperCase();
    if (!allowed.includes(name)) throw badRequest(`${name.toLowerCase()} is not a valid change command`);
    const rest = m?.[2] ?? "";
    switch (name) {
      case "CMD":
        result = { ...result, Cmd: commandForm(rest, result.Shell) };
        break;
      case "ENTRYPOINT":
        result = { ...result, Entrypoint: commandForm(rest, result.Shell) };
        break;
      case "ENV":
        result = { ...result, Env: withEnv(result.Env ?? [], keyValues(rest, "ENV")) };
        break;
      case "LABEL":
        result = { ...result, Labels: { ...result.Labels, ...Object.fromEntries(keyValues(rest, "LABEL")) } };
        break;
      case "EXPOSE":
        result = { ...result, ExposedPorts: { ...result.ExposedPorts, ...exposedPorts(splitWords(rest)) } };
        break;
      case "VOLUME":
        result = {
          ...result,
          Volumes: {
            ...result.Volumes,
            ...Object.fromEntries(
              (rest.trim().startsWith("[") ? commandForm(rest) : splitWords(rest)).map((path) => [path, {}]),
            ),
          },
        };
        break;
      case "USER":
        result = { ...result, User: rest.trim() };
        break;
      case "WORKDIR":
        result = { ...result, WorkingDir: rest.trim() };
        break;
      case "STOPSIGNAL":
        result = { ...result, StopSignal: rest.trim() };
        break;
      case "ONBUILD":
        result = { ...result, OnBuild: [...(result.OnBuild ?? []), rest.trim()] };
        break;
      default:
        result = {
          ...result,
          Healthcheck: /^NONE\b/i.test(rest)
            ? { Test: ["NONE"] }
            : {
                Test: rest.trim().startsWith("CMD [")
                  ? ["CMD", ...commandForm(rest.trim().slice(4))]
                  : ["CMD-SHELL", rest.trim().replace(/^CMD\s+/i, "")],
              },
        };
    }
  }
  return result;
}
