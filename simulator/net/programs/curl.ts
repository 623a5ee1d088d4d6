/** curl, as version 7.88.1 of Debian 12 speaks. */
import { type Bytes, NO_BYTES, encodeUtf8 } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import { withDeadline } from "../deadline";
import { type Header, type Url, headerOf, hostHeader, parseUrl } from "../http";
import { type ParsedOptions, parseOptions } from "./options";
import { type TransferFailure, type TransferResult, type TransferTimes, newTimes, transfer, urlText } from "./transfer";

const VERSION = "7.88.1";
const REDIRECTS_MAX = 50;

const spec = {
  short: "sSfiIvo:OLkX:d:H:u:m:w:x:A:e:F:T:gNb:c:r:#aGjJ46hV0Z:",
  long: {
    silent: "s",
    "show-error": "S",
    fail: "f",
    "fail-with-body": "fail-with-body",
    include: "i",
    head: "I",
    verbose: "v",
    output: "o:",
    "remote-name": "O",
    location: "L",
    insecure: "k",
    request: "X:",
    data: "d:",
    "data-ascii": "d:",
    "data-binary": "data-binary:",
    "data-raw": "data-raw:",
    "data-urlencode": "data-urlencode:",
    json: "json:",
    header: "H:",
    user: "u:",
    "max-time": "m:",
    "connect-timeout": "connect-timeout:",
    "write-out": "w:",
    proxy: "x:",
    noproxy: "noproxy:",
    "user-agent": "A:",
    referer: "e:",
    form: "F:",
    "upload-file": "T:",
    globoff: "g",
    "no-buffer": "N",
    cookie: "b:",
    "cookie-jar": "c:",
    range: "r:",
    "progress-bar": "#",
    get: "G",
    ipv4: "4",
    ipv6: "6",
    help: "h",
    version: "V",
    retry: "retry:",
    "retry-delay": "retry-delay:",
    "retry-connrefused": "retry-connrefused",
    "retry-all-errors": "retry-all-errors",
    "retry-max-time": "retry-max-time:",
    "unix-socket": "unix-socket:",
    resolve: "resolve:",
    "connect-to": "connect-to:",
    cacert: "cacert:",
    cert: "cert:",
    key: "key:",
    compressed: "compressed",
    "http1.0": "0",
    "http1.1": "http1.1",
    http2: "http2",
    "create-dirs": "create-dirs",
    "no-progress-meter": "no-progress-meter",
    url: "url:",
    "oauth2-bearer": "oauth2-bearer:",
    "path-as-is": "path-as-is",
    parallel: "Z",
    "limit-rate": "limit-rate:",
    tlsv1: "tls",
    "tlsv1.2": "tls",
    "tlsv1.3": "tls",
    next: "next",
  },
} as const;

interface Failure {
  readonly code: number;
  readonly text: string;
}

export const curl: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), spec);
  if (parsed.error) {
    const { kind, option } = parsed.error;
    yield* process.printError(
      `curl: option ${option}: ${kind === "unknown" ? "is unknown" : "requires parameter"}\ncurl: try 'curl --help' or 'curl --manual' for more information\n`,
    );
    return 2;
  }
  if (parsed.has("V")) {
    yield* process.print(
      `curl ${VERSION} (x86_64-pc-linux-gnu) libcurl/${VERSION} OpenSSL/3.0.17\nRelease-Date: 2023-02-20\nProtocols: http https\nFeatures: AsynchDNS IPv6 Largefile SSL UnixSockets\n`,
    );
    return 0;
  }
  if (parsed.has("h")) {
    yield* process.print(
      "Usage: curl [options...] <url>\n -d, --data <data>          HTTP POST data\n -f, --fail                 Fail fast with no output on HTTP errors\n -i, --include              Include protocol response headers in the output\n -o, --output <file>        Write to file instead of stdout\n -O, --remote-name          Write output to a file named as the remote file\n -s, --silent               Silent mode\n -u, --user <user:password> Server user and password\n -A, --user-agent <name>    Send User-Agent <name> to server\n -v, --verbose              Make the operation more talkative\n",
    );
    return 0;
  }
  const urls = [...parsed.values("url"), ...parsed.operands];
  if (urls.length === 0) {
    yield* process.printError("curl: try 'curl --help' or 'curl --manual' for more information\n");
    return 2;
  }
  const outputs = parsed.options.filter(([name]) => name === "o" || name === "O");
  let code = 0;
  for (const [index, text] of urls.flatMap((url) => (parsed.has("g") ? [url] : expandGlob(url))).entries())
    code = yield* new Run(process, parsed, text, outputs[index]).perform();
  return code;
};

/** `{a,b}` and `[1-3]` in URLs. */
function expandGlob(url: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(url);
  if (braces)
    return braces[1]!
      .split(",")
      .flatMap((part) => expandGlob(url.slice(0, braces.index) + part + url.slice(braces.index + braces[0].length)));
  const range = /\[(\d+)-(\d+)\]/.exec(url);
  if (!range) return [url];
  const from = Number(range[1]);
  const to = Math.min(Number(range[2]), from + 999);
  return Array.from(
    { length: Math.max(0, to - from + 1) },
    (_, i) =>
      url.slice(0, range.index) +
      String(from + i).padStart(range[1]!.length, "0") +
      url.slice(range.index + range[0].length),
  ).flatMap(expandGlob);
}

/** One URL's transfer, with its redirects and retries. */
class Run {
  readonly #process: Process;
  readonly #options: ParsedOptions;
  readonly #text: string;
  readonly #output: string | undefined;
  readonly #verbose: boolean;
  readonly #silent: boolean;
  #fd: number | undefined;
  #written = 0;
  #meterShown = false;
  #began = 0;
  #times: TransferTimes = newTimes();
  #redirects = 0;
  #remote: { address: string; port: number } = { address: "", port: 0 };
  #local: { address: string; port: number } = { address: "", port: 0 };
  #url!: Url;
  #method = "GET";
  #lastSize = 0;

  constructor(process: Process, options: ParsedOptions, text: string, output: readonly [string, string] | undefined) {
    this.#process = process;
    this.#options = options;
    this.#text = text;
    this.#verbose = options.has("v");
    this.#silent = options.has("s");
    if (output?.[0] === "o" && output[1] !== "-") this.#output = output[1];
    if (output?.[0] === "O") this.#output = parseUrl(text)?.path.replace(/\?.*$/, "").split("/").at(-1) ?? "";
  }

  *perform(): Task<number> {
    const tries = Number(this.#options.value("retry") ?? 0);
    let delaySeconds = 1;
    for (let attempt = 0; ; attempt++) {
      const result = yield* this.#withTimeLimit();
      const isTransient = "transient" in result && result.transient;
      if (attempt < tries && isTransient) {
        const seconds = Number(this.#options.value("retry-delay") ?? 0) || delaySeconds;
        if (!this.#silent || this.#options.has("S"))
          yield* this.#process.printError(
            `Warning: Problem: ${result.why}. Will retry in ${seconds} ${seconds === 1 ? "second" : "seconds"}. ${tries - attempt} ${tries - attempt === 1 ? "retry" : "retries"} left.\n`,
          );
        yield* this.#process.sleep(seconds * 1000);
        delaySeconds = Math.min(delaySeconds * 2, 600);
        continue;
      }
      yield* this.#finishMeter();
      if (result.failure && (!this.#silent || this.#options.has("S")))
        yield* this.#process.printError(`curl: (${result.failure.code}) ${result.failure.text}\n`);
      yield* this.#writeOut(result.failure, result.response);
      if (this.#fd !== undefined) this.#process.close(this.#fd);
      return result.failure?.code ?? 0;
    }
  }

  *#withTimeLimit(): Task<Ended> {
    const limit = this.#options.value("m");
    this.#began = this.#process.now();
    this.#times = newTimes();
    this.#redirects = 0;
    this.#written = 0;
    if (limit === undefined || Number(limit) === 0) return yield* this.#follow();
    const done = yield* withDeadline(this.#process, this.#follow(), Number(limit) * 1000);
    if (done) return done.value;
    const spent = Math.round(this.#process.now() - this.#began);
    const text =
      this.#times.resolved === 0
        ? `Resolving timed out after ${spent} milliseconds`
        : this.#times.connected === 0
          ? `Connection timed out after ${spent} milliseconds`
          : `Operation timed out after ${spent} milliseconds with ${this.#written} bytes received`;
    if (this.#verbose) yield* this.#note(`${text}\n* Closing connection 0`);
    return { failure: { code: 28, text }, transient: true, why: "timeout" };
  }

  *#follow(): Task<Ended> {
    let text = this.#text;
    let method = this.#options.value("X") ?? (this.#options.has("I") ? "HEAD" : undefined);
    let body = yield* this.#body();
    if ("failure" in body) return { failure: body.failure };
    if (this.#options.has("G") && body.bytes !== undefined) {
      text += (text.includes("?") ? "&" : "?") + body.bytes;
      body = { bytes: undefined };
    }
    for (;;) {
      const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
      if (scheme !== undefined && !["http", "https"].includes(scheme))
        return { failure: { code: 1, text: `Protocol "${scheme}" not supported or disabled in libcurl` } };
      const url = parseUrl(text);
      if (!url) return { failure: { code: 3, text: "URL using bad/illegal format or missing URL" } };
      this.#url = { ...url, path: url.path.replace(/ /g, "%20") };
      this.#method = method ?? (body.bytes === undefined ? (this.#options.has("T") ? "PUT" : "GET") : "POST");
      const headers = this.#headers(body.bytes, body.type);
      const result = yield* this.#once(headers, body.bytes);
      if (!result.ok) {
        const ended = this.#failed(result.failure);
        if (this.#verbose) yield* this.#note(`${ended.failure!.text.split("\n")[0]}\n* Closing connection 0`);
        return ended;
      }
      if (this.#verbose) {
        // Shown where the data itself is not: curl counts what it would otherwise print.
        if (result.size > 0 && !this.#process.files.get(1)?.isTerminal)
          yield* this.#process.printError(`{ [${result.size} bytes data]\n`);
        yield* this.#note(`Connection #0 to host ${this.#url.host} left intact`);
      }
      const location = headerOf(result.headers, "location");
      if (result.status >= 300 && result.status < 400 && location !== undefined && this.#options.has("L")) {
        if (++this.#redirects > REDIRECTS_MAX)
          return { failure: { code: 47, text: `Maximum (${REDIRECTS_MAX}) redirects followed` }, response: result };
        text = resolveUrl(this.#url, location);
        if (this.#verbose) yield* this.#note(`Issue another request to this URL: '${text}'`);
        if (!this.#options.has("X") && (result.status === 303 || (result.status < 303 && method !== "HEAD"))) {
          body = { bytes: undefined };
          method = this.#options.has("I") ? "HEAD" : undefined;
        }
        continue;
      }
      const isTransient = [408, 429, 500, 502, 503, 504].includes(result.status);
      if (result.status >= 400 && (this.#options.has("f") || this.#options.has("fail-with-body")))
        return {
          failure: { code: 22, text: `The requested URL returned error: ${result.status}` },
          response: result,
          transient: isTransient,
          why: `HTTP error`,
        };
      return isTransient ? { response: result, transient: true, why: "HTTP error" } : { response: result };
    }
  }

  *#once(headers: readonly Header[], body: Bytes | undefined): Task<TransferResult> {
    const process = this.#process;
    const options = this.#options;
    const fail = options.has("f");
    let silentBody = false;
    const proxy = this.#proxy();
    const override = this.#resolveOption();
    const seconds = options.value("connect-timeout");
    const self = this;
    return yield* transfer(
      process,
      {
        url: this.#url,
        method: this.#method,
        headers,
        ...(body === undefined ? {} : { body }),
        ...(options.has("0") ? { httpVersion: "1.0" as const } : {}),
        ...(seconds === undefined ? {} : { connectTimeoutMs: Number(seconds) * 1000 }),
        insecure: options.has("k"),
        ...(options.has("cacert") ? { trusted: yield* this.#authorities() } : {}),
        ...(proxy ? { connectTo: proxy, proxied: true } : override ? { connectTo: override } : {}),
        ...(options.has("unix-socket") ? { unixSocket: options.value("unix-socket")! } : {}),
      },
      this.#times,
      {
        *trying(address, port) {
          if (self.#verbose) yield* self.#note(`  Trying ${address}:${port}...`);
        },
        *failedTry(address, port, text) {
          if (self.#verbose) yield* self.#note(`connect to ${address} port ${port} failed: ${text}`);
        },
        *connected(connection) {
          self.#remote = connection.remote;
          self.#local = connection.local;
          if (!self.#verbose) return;
          if (connection.isUnix)
            yield* self.#note(
              `Connected to ${self.#url.host} (${connection.remote.address}) port ${self.#url.port} (#0)`,
            );
          else
            yield* self.#note(
              `Connected to ${self.#url.host} (${connection.remote.address}) port ${connection.remote.port} (#0)`,
            );
        },
        *secured(certificate) {
          if (!self.#verbose) return;
          yield* self.#note("SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384");
          yield* self.#note("Server certificate:");
          yield* self.#note(` subject: CN=${certificate.commonName}`);
          yield* self.#note(` issuer: CN=${certificate.issuer}`);
          yield* self.#note(
            options.has("k")
              ? ` SSL certificate verify result: self-signed certificate (18), continuing anyway.`
              : " SSL certificate verify ok.",
          );
        },
        *sent(head) {
          if (self.#verbose)
            yield* process.printError(
              head
                .replace(/\r\n$/, "")
                .split("\r\n")
                .map((line) => `> ${line}\n`)
                .join(""),
            );
        },
        *head(head, status) {
          if (self.#verbose) {
            const lines = head.raw.replace(/\r\n$/, "").split("\r\n");
            yield* process.printError(lines.map((line) => `< ${line}\n`).join(""));
          }
          silentBody = fail && status >= 400;
          const redirected =
            options.has("L") && status >= 300 && status < 400 && headerOf(head.headers, "location") !== undefined;
          if (!silentBody && (options.has("i") || options.has("I"))) yield* self.#write(head.raw);
          if (redirected) silentBody = true;
        },
        *body(chunk) {
          self.#lastSize += chunk.length;
          if (silentBody) return;
          yield* self.#write(chunk);
        },
      },
    );
  }

  *#note(text: string): Task<void> {
    yield* this.#process.printError(
      `${text
        .split("\n")
        .map((line, i) => (i === 0 ? `* ${line}` : line))
        .join("\n")}\n`,
    );
  }

  *#write(bytes: Bytes): Task<void> {
    const process = this.#process;
    yield* this.#startMeter();
    if (this.#output !== undefined && this.#fd === undefined) {
      if (this.#options.has("create-dirs"))
        process.fs.makeDirs(process.path(this.#output.replace(/\/?[^/]*$/, "") || "."));
      this.#fd = process.open(this.#output, { read: false, write: true, create: true, truncate: true });
    }
    this.#written += bytes.length;
    yield* process.write(this.#fd ?? 1, bytes);
  }

  /** The meter is shown when the output is not a terminal. */
  get #hasMeter(): boolean {
    if (this.#silent || this.#options.has("no-progress-meter") || this.#options.has("I")) return false;
    return this.#output !== undefined || !this.#process.files.get(1)?.isTerminal;
  }

  *#startMeter(): Task<void> {
    if (this.#meterShown || !this.#hasMeter) return;
    this.#meterShown = true;
    if (this.#options.has("#")) return;
    yield* this.#process.printError(
      "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 Dload  Upload   Total   Spent    Left  Speed\n\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0",
    );
  }

  *#finishMeter(): Task<void> {
    if (!this.#hasMeter) return;
    yield* this.#startMeter();
    if (this.#options.has("#")) {
      if (this.#written > 0) yield* this.#process.printError(`\r${"#".repeat(72)} 100.0%\n`);
      return;
    }
    const spentMs = this.#process.now() - this.#began;
    const speed = spentMs > 0 ? Math.floor((this.#written * 1000) / spentMs) : 0;
    const size = amount(this.#written);
    const seconds = Math.floor(spentMs / 1000);
    const spent =
      seconds > 0
        ? `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`.padStart(8)
        : "--:--:--";
    const percent = this.#written > 0 ? "100" : "  0";
    yield* this.#process.printError(
      `\r${percent} ${size}  ${percent} ${size}    0     0  ${amount(speed)}      0 --:--:-- ${spent} --:--:-- ${amount(speed)}\n`,
    );
  }

  #headers(body: Bytes | undefined, type: string | undefined): readonly Header[] {
    const options = this.#options;
    const own = options.values("H").filter((line) => /[:;]/.test(line));
    const given = (name: string): boolean =>
      own.some((line) => line.toLowerCase().startsWith(`${name}:`) || line.toLowerCase() === `${name};`);
    const headers: Header[] = [];
    const ownHost = own.find((line) => /^host:/i.test(line));
    headers.push(["Host", ownHost ? ownHost.slice(5).trim() : hostHeader(this.#url)]);
    const user = options.value("u") ?? (this.#url.user ? `${this.#url.user}:${this.#url.password ?? ""}` : undefined);
    if (user !== undefined && !given("authorization"))
      headers.push(["Authorization", `Basic ${base64(encodeUtf8(user))}`]);
    const bearer = options.value("oauth2-bearer");
    if (bearer !== undefined) headers.push(["Authorization", `Bearer ${bearer}`]);
    if (!given("user-agent")) headers.push(["User-Agent", options.value("A") ?? `curl/${VERSION}`]);
    if (!given("accept")) headers.push(["Accept", options.has("json") ? "application/json" : "*/*"]);
    if (options.has("e")) headers.push(["Referer", options.value("e")!]);
    if (options.has("b")) headers.push(["Cookie", options.value("b")!]);
    if (options.has("r")) headers.push(["Range", `bytes=${options.value("r")}`]);
    if (options.has("compressed")) headers.push(["Accept-Encoding", "deflate, gzip"]);
    for (const line of own) {
      const [name, ...rest] = line.split(":");
      if (/^host$/i.test(name!)) continue;
      if (line.endsWith(";") && rest.length === 0) headers.push([line.slice(0, -1), ""]);
      else if (rest.join(":").trim() !== "") headers.push([name!, rest.join(":").trim()]);
    }
    if (body !== undefined) {
      if (!given("content-length")) headers.push(["Content-Length", String(body.length)]);
      if (!given("content-type") && type !== undefined) headers.push(["Content-Type", type]);
    }
    return headers;
  }

  *#body(): Task<{ readonly bytes: Bytes | undefined; readonly type?: string } | { readonly failure: Failure }> {
    const parts: Bytes[] = [];
    let type: string | undefined;
    const fields: string[] = [];
    for (const [name, value] of this.#options.options) {
      if (
        name === "d" ||
        name === "data-binary" ||
        name === "data-raw" ||
        name === "json" ||
        name === "data-urlencode"
      ) {
        type = name === "json" ? "application/json" : "application/x-www-form-urlencoded";
        let bytes: Bytes;
        if (name === "data-urlencode") bytes = encodeUtf8(urlEncodeField(value));
        else if (value.startsWith("@") && name !== "data-raw") {
          const file = yield* this.#readFile(value.slice(1));
          if (file === undefined) return { failure: { code: 26, text: `Failed to open ${value.slice(1)}` } };
          bytes = name === "d" ? (file.replace(/[\r\n\0]/g, "") as Bytes) : file;
        } else bytes = encodeUtf8(value);
        parts.push(bytes);
      } else if (name === "F") fields.push(value);
      else if (name === "T") {
        const file = yield* this.#readFile(value);
        if (file === undefined) return { failure: { code: 26, text: `Can't open '${value}'!` } };
        return { bytes: file };
      }
    }
    if (fields.length > 0) {
      const boundary = `------------------------${this.#process.kernel.random.stream("curl").hex(16)}`;
      let text = NO_BYTES;
      for (const field of fields) {
        const equals = field.indexOf("=");
        const value = field.slice(equals + 1);
        let content: Bytes = encodeUtf8(value);
        let extra = "";
        if (value.startsWith("@")) {
          const file = yield* this.#readFile(value.slice(1));
          if (file === undefined)
            return { failure: { code: 26, text: `Failed to open/read local data from file/application` } };
          content = file;
          extra = `; filename="${value.slice(1).split("/").at(-1)}"\r\nContent-Type: application/octet-stream`;
        }
        text =
          `${text}--${boundary}\r\nContent-Disposition: form-data; name="${field.slice(0, equals)}"${extra}\r\n\r\n${content}\r\n` as Bytes;
      }
      return { bytes: `${text}--${boundary}--\r\n` as Bytes, type: `multipart/form-data; boundary=${boundary}` };
    }
    if (parts.length === 0) return { bytes: undefined };
    return { bytes: parts.join("&") as Bytes, ...(type === undefined ? {} : { type }) };
  }

  *#readFile(path: string): Task<Bytes | undefined> {
    if (path === "-") return yield* this.#process.readAll(0);
    try {
      return this.#process.fs.readFile(this.#process.path(path));
    } catch (error) {
      if (error instanceof SysError) return undefined;
      throw error;
    }
  }

  /** Issuers named in a CA file: what tls.ts writes as `# issuer: NAME` and PEM subjects. */
  *#authorities(): Task<readonly string[]> {
    const file = (yield* this.#readFile(this.#options.value("cacert")!)) ?? NO_BYTES;
    return [...file.matchAll(/^(?:# issuer|subject|issuer):? ?(?:CN ?= ?)?(.+)$/gim)].map((m) => m[1]!.trim());
  }

  #proxy(): { host: string; port: number } | undefined {
    const env = this.#process.env;
    const text =
      this.#options.value("x") ??
      (this.#url.scheme === "http" ? env["http_proxy"] : (env["https_proxy"] ?? env["HTTPS_PROXY"])) ??
      env["all_proxy"];
    if (!text) return undefined;
    const skip = (this.#options.value("noproxy") ?? env["no_proxy"] ?? env["NO_PROXY"] ?? "")
      .split(",")
      .map((name) => name.trim().replace(/^\./, ""));
    if (
      skip.some(
        (name) => name === "*" || (name !== "" && (this.#url.host === name || this.#url.host.endsWith(`.${name}`))),
      )
    )
      return undefined;
    const url = parseUrl(text);
    return url && { host: url.host, port: url.hasPort ? url.port : 1080 };
  }

  #resolveOption(): { host: string; port: number } | undefined {
    for (const entry of this.#options.values("resolve")) {
      const [host, port, address] = entry.replace(/^\+/, "").split(":");
      if ((host === this.#url.host || host === "*") && Number(port) === this.#url.port && address)
        return { host: address, port: this.#url.port };
    }
    for (const entry of this.#options.values("connect-to")) {
      const [host, port, toHost, toPort] = entry.split(":");
      if ((host === "" || host === this.#url.host) && (port === "" || Number(port) === this.#url.port))
        return { host: toHost || this.#url.host, port: Number(toPort) || this.#url.port };
    }
    return undefined;
  }

  #failed(failure: TransferFailure): Ended {
    const spent = Math.max(0, Math.round(this.#process.now() - this.#began));
    const { host, port } = this.#options.has("x") ? (this.#proxy() ?? this.#url) : this.#url;
    switch (failure.kind) {
      case "resolve":
        return {
          failure: {
            code: this.#proxy() ? 5 : 6,
            text: `Could not resolve ${this.#proxy() ? "proxy" : "host"}: ${failure.host}`,
          },
        };
      case "connect": {
        if (this.#options.has("unix-socket"))
          return {
            failure: {
              code: 7,
              text: `Failed to connect to ${host} port ${port} after ${spent} ms: Couldn't connect to server`,
            },
          };
        const isRefused = failure.errno === "ECONNREFUSED";
        return {
          failure: {
            code: failure.errno === "ETIMEDOUT" ? 28 : 7,
            text: `Failed to connect to ${host} port ${port} after ${spent} ms: Couldn't connect to server`,
          },
          transient:
            failure.errno === "ETIMEDOUT" ||
            (isRefused && this.#options.has("retry-connrefused")) ||
            this.#options.has("retry-all-errors"),
          why: isRefused ? "connection refused" : failure.errno === "ETIMEDOUT" ? "timeout" : "(retrying all errors)",
        };
      }
      case "connect-timeout":
        return {
          failure: {
            code: 28,
            text: `${failure.phase === "resolve" ? "Resolving" : "Connection"} timed out after ${spent} milliseconds`,
          },
          transient: true,
          why: "timeout",
        };
      case "not-tls":
        return { failure: { code: 35, text: "error:0A00010B:SSL routines::wrong version number" } };
      case "tls-closed":
        return {
          failure: { code: 35, text: `OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to ${host}:${port} ` },
        };
      case "certificate":
        return {
          failure: {
            code: 60,
            text: `${failure.text}\nMore details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the server and therefore could not\nestablish a secure connection to it. To learn more about this situation and\nhow to fix it, please visit the web page mentioned above.`,
          },
        };
      case "empty":
        return {
          failure: { code: 52, text: "Empty reply from server" },
          transient: this.#options.has("retry-all-errors"),
          why: "(retrying all errors)",
        };
      case "reset":
        return {
          failure: { code: 56, text: "Recv failure: Connection reset by peer" },
          transient: this.#options.has("retry-all-errors"),
          why: "(retrying all errors)",
        };
      case "send":
        return { failure: { code: 55, text: `Send failure: ${failure.text}` } };
      case "not-http":
        return { failure: { code: 1, text: "Received HTTP/0.9 when not allowed" } };
      case "partial":
        return {
          failure: {
            code: 18,
            text:
              failure.missing === undefined
                ? "transfer closed with outstanding read data remaining"
                : `transfer closed with ${failure.missing} bytes remaining to read`,
          },
        };
    }
  }

  *#writeOut(failure: Failure | undefined, response: (TransferResult & { ok: true }) | undefined): Task<void> {
    let format = this.#options.value("w");
    if (format === undefined) return;
    if (format.startsWith("@")) format = (yield* this.#readFile(format.slice(1))) ?? "";
    const times = this.#times;
    const at = (instant: number): string => (instant === 0 ? "0.000000" : ((instant - this.#began) / 1000).toFixed(6));
    const total = this.#process.now() - this.#began;
    const location = response && headerOf(response.headers, "location");
    const values: Record<string, string> = {
      http_code: String(response?.status ?? 0).padStart(3, "0"),
      response_code: String(response?.status ?? 0).padStart(3, "0"),
      time_total: (total / 1000).toFixed(6),
      time_namelookup: at(times.resolved),
      time_connect: at(times.connected),
      time_appconnect: this.#url?.scheme === "https" ? at(times.tls) : "0.000000",
      time_pretransfer: at(times.tls),
      time_starttransfer: at(times.first),
      time_redirect: "0.000000",
      size_download: String(this.#lastSize),
      size_upload: "0",
      size_header: "0",
      speed_download: String(total > 0 ? Math.floor((this.#lastSize * 1000) / total) : 0),
      remote_ip: this.#remote.address,
      remote_port: String(this.#remote.port),
      local_ip: this.#local.address,
      local_port: String(this.#local.port),
      url: this.#text,
      url_effective: this.#url ? urlText(this.#url) : this.#text,
      content_type: (response && headerOf(response.headers, "content-type")) ?? "",
      redirect_url: location === undefined || this.#options.has("L") ? "" : resolveUrl(this.#url, location),
      num_redirects: String(this.#redirects),
      num_connects: response ? "1" : "0",
      method: this.#method,
      scheme: (this.#url?.scheme ?? "").toUpperCase(),
      http_version: response ? "1.1" : "0",
      ssl_verify_result: "0",
      exitcode: String(failure?.code ?? 0),
      errormsg: failure?.text ?? "",
      filename_effective: this.#output ?? "",
    };
    const text = format
      .replace(/\\(n|t|r|\\)/g, (_, c: string) => ({ n: "\n", t: "\t", r: "\r" })[c] ?? "\\")
      .replace(/%(%|\{([a-z_]+)\}|header\{([^}]+)\})/g, (whole, kind: string, name?: string, header?: string) =>
        kind === "%"
          ? "%"
          : header !== undefined
            ? ((response && headerOf(response.headers, header)) ?? "")
            : (values[name!] ?? whole),
      );
    yield* this.#process.print(text);
  }
}

interface Ended {
  readonly failure?: Failure;
  readonly response?: TransferResult & { ok: true };
  readonly transient?: boolean;
  readonly why?: string;
}

function resolveUrl(base: Url, location: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(location)) return location;
  const origin = urlText({ ...base, path: "" });
  if (location.startsWith("//")) return `${base.scheme}:${location}`;
  if (location.startsWith("/")) return origin + location;
  return origin + base.path.replace(/\?.*$/, "").replace(/[^/]*$/, "") + location;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Five columns, as the meter writes amounts: 1234, 123k, 12.3M. */
function amount(value: number): string {
  let text: string;
  if (value < 100_000) text = String(value);
  else if (value < 10_000 * 1024) text = `${Math.floor(value / 1024)}k`;
  else if (value < 100 * 1024 * 1024) text = `${(value / 1024 / 1024).toFixed(1)}M`;
  else text = `${Math.floor(value / 1024 / 1024)}M`;
  return text.padStart(5);
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(bytes: Bytes): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes.charCodeAt(i), bytes.charCodeAt(i + 1), bytes.charCodeAt(i + 2)];
    out += alphabet[a >> 2]! + alphabet[((a & 3) << 4) | ((b || 0) >> 4)]!;
    out += Number.isNaN(b) ? "=" : alphabet[(((b || 0) & 15) << 2) | ((c || 0) >> 6)]!;
    out += Number.isNaN(c) ? "=" : alphabet[(c || 0) & 63]!;
  }
  return out;
}

function urlEncodeField(value: string): string {
  const encode = (text: string): string =>
    encodeUtf8(text).replace(
      /[^A-Za-z0-9._~-]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );
  const equals = value.indexOf("=");
  if (equals < 0) return encode(value);
  return (equals === 0 ? "" : `${value.slice(0, equals)}=`) + encode(value.slice(equals + 1));
}
