/** Reads a Corefile: server blocks with their plugins. */
import { type Result, failure, ok } from "../../../base/result";

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** Lines of the block in braces. */
  readonly block: readonly (readonly string[])[];
}

export interface ServerBlock {
  /** Zones without the final dot; "" is the root. */
  readonly zones: readonly string[];
  readonly port: number;
  readonly directives: readonly Directive[];
}

/** Plugins that have an effect here, or none that a learner could see. */
const known = new Set([
  "errors",
  "log",
  "health",
  "ready",
  "kubernetes",
  "hosts",
  "rewrite",
  "prometheus",
  "forward",
  "cache",
  "loop",
  "reload",
  "loadbalance",
  "bind",
  "debug",
  "bufsize",
  "metadata",
  "template",
  "acl",
  "any",
  "minimal",
  "nsid",
  "pprof",
  "whoami",
  "autopath",
  "dns64",
  "file",
  "secondary",
  "trace",
  "root",
  "tls",
  "local",
  "timeouts",
  "header",
  "view",
  "multisocket",
]);

interface Token {
  readonly text: string;
  readonly line: number;
  readonly first: boolean;
}

function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  text.split("\n").forEach((raw, index) => {
    const words = raw.replace(/(^|\s)#.*$/, "").match(/"[^"]*"|\S+/g) ?? [];
    words.forEach((word, i) => {
      found.push({ text: word.replace(/^"|"$/g, ""), line: index + 1, first: i === 0 });
    });
  });
  return found;
}

/** The error is CoreDNS's own line. */
export function parseCorefile(text: string, path: string): Result<readonly ServerBlock[], string> {
  const words = tokens(text);
  const blocks: ServerBlock[] = [];
  let at = 0;
  while (at < words.length) {
    const keys: string[] = [];
    while (at < words.length && words[at]!.text !== "{") keys.push(words[at++]!.text.replace(/,$/, ""));
    if (at >= words.length)
      return failure(
        `${path}:${words.at(-1)!.line} - Error during parsing: Wrong argument count or unexpected line ending after '${keys.at(-1)}'`,
      );
    at++;
    const directives: Directive[] = [];
    while (at < words.length && words[at]!.text !== "}") {
      const name = words[at]!;
      at++;
      if (!known.has(name.text))
        return failure(`${path}:${name.line} - Error during parsing: Unknown directive '${name.text}'`);
      const args: string[] = [];
      while (at < words.length && !words[at]!.first && words[at]!.text !== "{") args.push(words[at++]!.text);
      const block: string[][] = [];
      if (words[at]?.text === "{" && !words[at]!.first) {
        at++;
        while (at < words.length && words[at]!.text !== "}") {
          if (words[at]!.first) block.push([]);
          block.at(-1)?.push(words[at]!.text);
          at++;
        }
        if (at >= words.length) return failure(`${path}:${words.at(-1)!.line} - Error during parsing: Unexpected EOF`);
        at++;
      }
      directives.push({ name: name.text, args, block });
    }
    if (at >= words.length) return failure(`${path}:${words.at(-1)!.line} - Error during parsing: Unexpected EOF`);
    at++;
    let port = 53;
    const zones = keys.map((key) => {
      const m = /^(?:dns:\/\/)?([^:]*)(?::(\d+))?$/.exec(key);
      if (m?.[2]) port = Number(m[2]);
      return (m?.[1] ?? "").replace(/\.$/, "").toLowerCase();
    });
    blocks.push({ zones, port, directives });
  }
  return ok(blocks);
}
