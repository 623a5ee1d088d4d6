/** nginx's configuration, as far as lessons write it: server, listen, root, index, location, return, proxy_pass, try_files. */
import { deepFreeze } from "../base/json";

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block: readonly Directive[] | undefined;
  readonly line: number;
}

export class NginxConfError extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

interface Token {
  readonly text: string;
  readonly isWord: boolean;
  readonly line: number;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  let line = 1;
  for (let i = 0; i < text.length; ) {
    const c = text[i]!;
    if (c === "\n") line++;
    if (/\s/.test(c)) {
      i++;
      continue;
    }
    if (c === "#") {
      while (i < text.length && text[i] !== "\n") i++;
      continue;
    }
    if (c === "{" || c === "}" || c === ";") {
      found.push({ text: c, isWord: false, line });
      i++;
      continue;
    }
    const start = line;
    let word = "";
    if (c === '"' || c === "'") {
      i++;
      while (i < text.length && text[i] !== c) {
        if (text[i] === "\\" && i + 1 < text.length) i++;
        if (text[i] === "\n") line++;
        word += text[i++];
      }
      i++;
    } else
      while (
        i < text.length &&
        !/[\s;]/.test(text[i]!) &&
        !(text[i] === "{" && text[i - 1] !== "$") &&
        text[i] !== "}"
      ) {
        // A variable's braces belong to the word.
        if (text[i] === "$" && text[i + 1] === "{") {
          const end = text.indexOf("}", i);
          word += text.slice(i, end + 1);
          i = end + 1;
          continue;
        }
        word += text[i++];
      }
    found.push({ text: word, isWord: true, line: start });
  }
  return found;
}

/** Most servers have the image's own configuration: what was read once is shared. Frozen, and a function of its text. */
const read = new Map<string, readonly Directive[]>();

/** Throws NginxConfError with nginx's own words. */
export function parseNginxConf(text: string): readonly Directive[] {
  let directives = read.get(text);
  if (!directives) {
    directives = deepFreeze(parse(text));
    if (read.size >= 100) read.clear();
    read.set(text, directives);
  }
  return directives;
}

function parse(text: string): Directive[] {
  const all = tokens(text);
  let at = 0;
  const block = (isTop: boolean): Directive[] => {
    const directives: Directive[] = [];
    for (;;) {
      const token = all[at];
      if (!token) {
        if (isTop) return directives;
        throw new NginxConfError('unexpected end of file, expecting "}"', all.at(-1)?.line ?? 1);
      }
      if (!token.isWord) {
        at++;
        if (token.text === "}" && !isTop) return directives;
        throw new NginxConfError(`unexpected "${token.text}"`, token.line);
      }
      const words: string[] = [];
      while (all[at]?.isWord) words.push(all[at++]!.text);
      const end = all[at++];
      if (!end) throw new NginxConfError('unexpected end of file, expecting ";" or "}"', token.line);
      if (end.text === "}") throw new NginxConfError('unexpected "}"', end.line);
      const [name = "", ...args] = words;
      directives.push({ name, args, block: end.text === "{" ? block(false) : undefined, line: token.line });
    }
  };
  return block(true);
}

export const find = (block: readonly Directive[] | undefined, name: string): Directive | undefined =>
  block?.find((each) => each.name === name);
export const findAll = (block: readonly Directive[] | undefined, name: string): Directive[] =>
  block?.filter((each) => each.name === name) ?? [];

/** The directives known here; others that nginx knows are accepted and have no effect. */
export const knownDirectives = new Set(
  "access_log add_header alias allow auth_basic auth_basic_user_file autoindex client_max_body_size charset daemon default_type deny error_log error_page events expires gzip gzip_types gzip_min_length gzip_vary http https if include index internal keepalive_timeout keepalive limit_req limit_req_zone listen location log_format map mime_types multi_accept pid proxy_buffering proxy_connect_timeout proxy_cache_bypass proxy_http_version proxy_pass proxy_read_timeout proxy_redirect proxy_send_timeout proxy_set_header real_ip_header resolver return rewrite root sendfile server server_name server_tokens set set_real_ip_from ssl_certificate ssl_certificate_key ssl_protocols ssl_ciphers stub_status sub_filter tcp_nodelay tcp_nopush try_files types types_hash_max_size upstream use user worker_connections worker_processes worker_rlimit_nofile zone least_conn ip_hash".split(
    " ",
  ),
);
