/**
 * Reads what small scripts plainly say: lines they print, HTTP servers with fixed answers. No language is run here; a
 * script with anything else is refused with the reason.
 */

export interface ScriptServer {
  readonly port: number;
  /** An environment variable that sets the port. */
  readonly portVariable: string | undefined;
  readonly routes: ReadonlyMap<string, string>;
  /** The answer to any path. */
  readonly fallback: string | undefined;
  readonly startLines: readonly string[];
  readonly requires: readonly string[];
  readonly isFlask: boolean;
  readonly handlesTerm: boolean;
}

export type ReadScript =
  | { readonly kind: "server"; readonly server: ScriptServer }
  | { readonly kind: "lines"; readonly lines: readonly string[] }
  | { readonly kind: "unknown"; readonly reason: string };

const unescapeLiteral = (text: string): string =>
  text
    .replace(/\\n/g, "\n")
    .replace(/\\t/g, "\t")
    .replace(/\\(["'`\\])/g, "$1");

/** A string literal's value; `${…}` and `{…}` of templates become placeholders that the server fills. */
function literal(text: string): string | undefined {
  const m = /^\s*(?:f|b|rf|fr)?(["'`])((?:\\.|(?!\1)[\s\S])*)\1\s*(?:\.encode\([^)]*\))?\s*(?:,\s*\d+\s*)?$/.exec(text);
  if (!m) return undefined;
  const value = unescapeLiteral(m[2]!);
  return value
    .replace(/\$?\{\s*(?:os\.hostname\(\)|socket\.gethostname\(\)|hostname)\s*\}/g, "${hostname}")
    .replace(/\$?\{\s*(?:port|PORT|app\.port)\s*\}/g, "${PORT}")
    .replace(
      /\$?\{\s*process\.env\.(\w+)(?:\s*(?:\|\||\?\?)\s*["']([^"']*)["'])?\s*\}/g,
      (_, name: string, fallback?: string) => `\${env:${name}${fallback === undefined ? "" : `:${fallback}`}}`,
    )
    .replace(
      /\{\s*os\.(?:environ\.get|getenv)\(["'](\w+)["'](?:,\s*["']([^"']*)["'])?\)\s*\}/g,
      (_, name: string, fallback?: string) => `\${env:${name}${fallback === undefined ? "" : `:${fallback}`}}`,
    );
}

/** A string literal, or an object literal as JSON. */
function answerOf(text: string): string | undefined {
  const plain = literal(text);
  if (plain !== undefined) return plain;
  const object = /^\s*(?:JSON\.stringify\(|jsonify\()?\s*(\{[^{}]*\}|\w+\s*=[^)]*)/.exec(text)?.[1];
  if (object === undefined) return undefined;
  const source = object.startsWith("{") ? object : `{${object.replace(/(\w+)\s*=/g, "$1:")}}`;
  const json = source
    .replace(/([{,]\s*)(\w+)\s*:/g, '$1"$2":')
    .replace(/'([^']*)'/g, '"$1"')
    .replace(/,\s*\}/g, "}")
    .replace(/\bTrue\b/g, "true")
    .replace(/\bFalse\b/g, "false");
  try {
    return JSON.stringify(JSON.parse(json));
  } catch {
    return undefined;
  }
}

function portOf(source: string): { readonly port: number; readonly variable: string | undefined } | undefined {
  const direct = /\.(?:listen|run)\s*\(\s*(?:[^)]*?port\s*=\s*)?(\d{2,5})/.exec(source);
  const variable =
    /(?:process\.env\.(\w*PORT\w*)\s*(?:\|\||\?\?)\s*(\d+)|environ\.get\(\s*["'](\w*PORT\w*)["']\s*,\s*["']?(\d+)|getenv\(\s*["'](\w*PORT\w*)["']\s*,\s*["']?(\d+))/.exec(
      source,
    );
  if (variable)
    return {
      port: Number(variable[2] ?? variable[4] ?? variable[6]),
      variable: variable[1] ?? variable[3] ?? variable[5],
    };
  if (direct) return { port: Number(direct[1]), variable: undefined };
  const constant = /\b(?:const|let|var)?\s*\bport\b\s*=\s*(\d{2,5})/i.exec(source);
  if (constant) return { port: Number(constant[1]), variable: undefined };
  const server = /HTTPServer\(\s*\(\s*["'][^"']*["']\s*,\s*(\d+)/.exec(source);
  if (server) return { port: Number(server[1]), variable: undefined };
  return undefined;
}

export function readScript(source: string, language: "javascript" | "python"): ReadScript {
  const code = source.replace(language === "python" ? /^\s*#.*$/gm : /^\s*\/\/.*$/gm, "");
  return language === "javascript" ? readJavaScript(code) : readPython(code);
}

function readJavaScript(code: string): ReadScript {
  const isServer = /\.listen\s*\(/.test(code);
  const logs = [...code.matchAll(/console\.(?:log|info)\(([\s\S]*?)\)\s*[;}\n]/g)].map((m) => literal(m[1]!));
  if (!isServer) {
    const rest = code.replace(/console\.(?:log|info)\(([\s\S]*?)\)\s*;?/g, "").trim();
    if (rest === "" && logs.every((line) => line !== undefined)) return { kind: "lines", lines: logs as string[] };
    const inline = literal(code.replace(/^console\.log\(/, ""));
    if (inline !== undefined && /^console\.log\([^()]*\)\s*;?\s*$/.test(code.trim()))
      return { kind: "lines", lines: [inline] };
    return { kind: "unknown", reason: "it does more than print lines" };
  }
  const port = portOf(code) ?? { port: 3000, variable: undefined };
  const routes = new Map<string, string>();
  for (const m of code.matchAll(
    /\.(?:get|all|use)\(\s*["']([^"']+)["']\s*,[\s\S]*?\.(?:send|json|end)\(([\s\S]*?)\)\s*[;}\n]/g,
  )) {
    const answer = answerOf(m[2]!);
    if (answer === undefined) return { kind: "unknown", reason: "its answers are computed" };
    routes.set(m[1]!, answer);
  }
  let fallback: string | undefined;
  if (routes.size === 0) {
    const end = /\bres(?:ponse)?\.(?:end|write|send)\(([\s\S]*?)\)\s*[;}\n]/.exec(code);
    fallback = end ? answerOf(end[1]!) : undefined;
    if (fallback === undefined) return { kind: "unknown", reason: "its answers are computed" };
  }
  const requires = [...code.matchAll(/(?:require\(\s*|from\s+)["']([^"'./][^"']*)["']/g)]
    .map((m) => m[1]!.replace(/^node:/, ""))
    .filter(
      (name) => !["http", "https", "os", "fs", "path", "url", "util", "events", "crypto", "process"].includes(name),
    );
  const listen = code.slice(code.search(/\.listen\s*\(/));
  const startLines = [...listen.matchAll(/console\.log\(([\s\S]*?)\)/g)]
    .map((m) => literal(m[1]!))
    .filter((line) => line !== undefined);
  return {
    kind: "server",
    server: {
      port: port.port,
      portVariable: port.variable,
      routes,
      fallback,
      startLines,
      requires,
      isFlask: false,
      handlesTerm: /process\.on\(\s*["']SIGTERM["']/.test(code),
    },
  };
}

function readPython(code: string): ReadScript {
  const isFlask = /\bFlask\(/.test(code);
  const isServer = isFlask || /HTTPServer\(/.test(code);
  const prints = [...code.matchAll(/\bprint\(([\s\S]*?)\)\s*$/gm)].map((m) => literal(m[1]!));
  if (!isServer) {
    const rest = code
      .replace(/\bprint\(([\s\S]*?)\)\s*;?$/gm, "")
      .replace(/^\s*(?:import|from)\s.*$/gm, "")
      .trim();
    if (rest === "" && prints.every((line) => line !== undefined)) return { kind: "lines", lines: prints as string[] };
    return { kind: "unknown", reason: "it does more than print lines" };
  }
  const routes = new Map<string, string>();
  for (const m of code.matchAll(
    /@app\.(?:route|get)\(\s*["']([^"']+)["'][^)]*\)\s*(?:async\s+)?def\s+\w+\([^)]*\):[\s\S]*?return\s+([^\n]+(?:\n[^\n@]*\})?)/g,
  )) {
    const answer = answerOf(m[2]!);
    if (answer === undefined) return { kind: "unknown", reason: "its answers are computed" };
    routes.set(m[1]!, answer);
  }
  let fallback: string | undefined;
  if (!isFlask) {
    const write = /\.write\(\s*([\s\S]*?)\)\s*$/m.exec(code);
    fallback = write ? answerOf(write[1]!) : undefined;
  }
  if (routes.size === 0 && fallback === undefined) return { kind: "unknown", reason: "its answers are computed" };
  const port = portOf(code) ?? { port: isFlask ? 5000 : 8000, variable: undefined };
  return {
    kind: "server",
    server: {
      port: port.port,
      portVariable: port.variable,
      routes,
      fallback,
      startLines: isFlask ? [] : prints.filter((line) => line !== undefined),
      requires: isFlask ? ["flask"] : [],
      isFlask,
      handlesTerm: /signal\.SIGTERM/.test(code),
    },
  };
}
