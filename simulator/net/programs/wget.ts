/** wget: GNU's (1.21) and BusyBox's. */
import { type Bytes, encodeUtf8 } from "../../base/bytes";
import { civilTime } from "../../base/clock";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import { withDeadline } from "../deadline";
import { resolve } from "../dns";
import { type Header, type Url, headerOf, hostHeader, parseUrl } from "../http";
import { isIpv4 } from "../address";
import { parseOptions } from "./options";
import { type TransferFailure, type TransferResult, newTimes, transfer, urlText } from "./transfer";

const spec = {
  short: "qO:P:cSt:T:vU:Y:o:nNrb",
  long: {
    quiet: "q",
    "output-document": "O:",
    "directory-prefix": "P:",
    spider: "spider",
    timeout: "T:",
    "connect-timeout": "T:",
    "read-timeout": "T:",
    tries: "t:",
    header: "header:",
    "post-data": "post-data:",
    "post-file": "post-file:",
    "user-agent": "U:",
    "server-response": "S",
    "no-check-certificate": "k",
    "no-verbose": "nv",
    verbose: "v",
    continue: "c",
    "max-redirect": "max-redirect:",
    "content-on-error": "content-on-error",
    "show-progress": "show-progress",
    method: "method:",
    "body-data": "body-data:",
    version: "V",
    "no-proxy": "no-proxy",
    "retry-connrefused": "retry-connrefused",
    waitretry: "waitretry:",
    progress: "progress:",
  },
};

interface Job {
  readonly process: Process;
  readonly url: Url;
  readonly text: string;
  readonly method: string;
  readonly headers: readonly Header[];
  readonly body: Bytes | undefined;
  readonly timeoutMs: number | undefined;
  readonly insecure: boolean;
}

/** Runs one exchange; events go to the given writers. */
function* exchange(job: Job, events: Parameters<typeof transfer>[3]): Task<TransferResult | undefined> {
  const run = transfer(
    job.process,
    {
      url: job.url,
      method: job.method,
      headers: job.headers,
      insecure: job.insecure,
      ...(job.body === undefined ? {} : { body: job.body }),
    },
    newTimes(),
    events,
  );
  if (job.timeoutMs === undefined) return yield* run;
  return (yield* withDeadline(job.process, run, job.timeoutMs))?.value;
}

function stamp(instant: number): string {
  const t = civilTime(instant);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${t.year}-${two(t.month)}-${two(t.day)} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
}

const fileNameOf = (url: Url): string => url.path.replace(/\?.*$/, "").split("/").at(-1) || "index.html";

function human(bytes: number): string {
  if (bytes < 1024) return String(bytes);
  if (bytes < 1024 * 1024) return `${trim(bytes / 1024)}K`;
  return `${trim(bytes / 1024 / 1024)}M`;
}
const trim = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

/** `wget http://host/path` */
export const wget: Program = function* (process) {
  const parsed = parseOptions(
    process.argv.slice(1).map((word) => (word === "-nv" ? "--no-verbose" : word)),
    spec,
  );
  if (parsed.error) {
    const { kind, option } = parsed.error;
    const what = option.startsWith("--")
      ? kind === "unknown"
        ? `unrecognized option '${option}'`
        : `option '${option}' requires an argument`
      : kind === "unknown"
        ? `invalid option -- '${option.slice(1)}'`
        : `option requires an argument -- '${option.slice(1)}'`;
    yield* process.printError(
      `wget: ${what}\nUsage: wget [OPTION]... [URL]...\n\nTry \`wget --help' for more options.\n`,
    );
    return 2;
  }
  if (parsed.has("V")) {
    yield* process.print("GNU Wget 1.21.3 built on linux-gnu.\n");
    return 0;
  }
  if (parsed.operands.length === 0) {
    yield* process.printError(
      "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n",
    );
    return 1;
  }
  const quiet = parsed.has("q");
  const terse = parsed.has("nv");
  const say = function* (text: string): Task<void> {
    if (!quiet && !terse) yield* process.printError(text);
  };
  let code = 0;
  for (const operand of parsed.operands) {
    let text = /^[a-z]+:\/\//i.test(operand) ? operand : `http://${operand}`;
    const tries = Number(parsed.value("t") ?? 20) || 20;
    const redirects = Number(parsed.value("max-redirect") ?? 20);
    let followed = 0;
    for (let attempt = 1; ; ) {
      const url = parseUrl(text);
      if (!url || !["http", "https"].includes(url.scheme)) {
        yield* process.printError(`${text}: Unsupported scheme.\n`);
        code = 1;
        break;
      }
      const data = parsed.value("post-data") ?? parsed.value("body-data");
      const body = data === undefined ? undefined : encodeUtf8(data);
      const method = parsed.value("method") ?? (parsed.has("spider") ? "HEAD" : body === undefined ? "GET" : "POST");
      const own = parsed.values("header");
      const headers: Header[] = [
        [
          "Host",
          own
            .find((line) => /^host:/i.test(line))
            ?.slice(5)
            .trim() ?? hostHeader(url),
        ],
        ["User-Agent", parsed.value("U") ?? "Wget/1.21.3"],
        ["Accept", "*/*"],
        ["Accept-Encoding", "identity"],
        ["Connection", "Keep-Alive"],
      ];
      if (body !== undefined)
        headers.push(["Content-Type", "application/x-www-form-urlencoded"], ["Content-Length", String(body.length)]);
      for (const line of own)
        if (!/^host:/i.test(line))
          headers.push([line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
      yield* say(
        `${parsed.has("spider") ? "Spider mode enabled. Check if remote file exists.\n" : ""}--${stamp(process.now())}--  ${urlText(url)}\n`,
      );
      const port = url.port;
      if (!isIpv4(url.host)) yield* say(`Resolving ${url.host} (${url.host})... `);
      let shownAddress = false;
      const chunks: Bytes[] = [];
      let shownStatus = 0;
      let length: string | undefined;
      const began = process.now();
      const result = yield* exchange(
        {
          process,
          url,
          text,
          method,
          headers,
          body,
          insecure: parsed.has("k"),
          timeoutMs: parsed.has("T") ? Number(parsed.value("T")) * 1000 : undefined,
        },
        {
          *trying(address) {
            if (!isIpv4(url.host) && !shownAddress) yield* say(`${address}\n`);
            shownAddress = true;
            const where = isIpv4(url.host) ? address : `${url.host} (${url.host})|${address}|`;
            yield* say(`Connecting to ${where}:${port}... `);
          },
          *failedTry(_address, _port, why) {
            yield* say(`failed: ${why}.\n`);
          },
          *connected() {
            yield* say("connected.\n");
          },
          *sent() {
            yield* say("HTTP request sent, awaiting response... ");
          },
          *head(head, status) {
            shownStatus = status;
            length = headerOf(head.headers, "content-length");
            if (parsed.has("S"))
              yield* say(
                `\n${head.raw
                  .trimEnd()
                  .split("\r\n")
                  .map((line) => `  ${line}\n`)
                  .join("")}`,
              );
            else yield* say(`${head.startLine.replace(/^\S+ /, "")}\n`);
          },
          *body(chunk) {
            chunks.push(chunk);
          },
        },
      );
      if (!result || (!result.ok && ["reset", "empty", "partial"].includes(result.failure.kind))) {
        if (!result) yield* say(shownAddress ? "failed: Connection timed out.\n" : "failed: Connection timed out.\n");
        else
          yield* say(
            result.failure.kind === "empty"
              ? "No data received.\n"
              : "Read error (Connection reset by peer) in headers.\n",
          );
        if (attempt >= tries) {
          yield* say("Giving up.\n\n");
          code = 4;
          break;
        }
        yield* say("Retrying.\n\n");
        yield* process.sleep(Math.min(attempt, 10) * 1000);
        attempt++;
        continue;
      }
      if (!result.ok) {
        code = yield* gnuFailure(process, result.failure, url, quiet);
        break;
      }
      const location = headerOf(result.headers, "location");
      if (result.status >= 300 && result.status < 400 && location !== undefined) {
        const next = /^[a-z]+:\/\//i.test(location)
          ? location
          : urlText({ ...url, path: location.startsWith("/") ? location : `/${location}` });
        yield* say(`Location: ${location} [following]\n`);
        if (++followed > redirects) {
          yield* say(`${redirects} redirections exceeded.\n`);
          code = 8;
          break;
        }
        text = next;
        continue;
      }
      if (result.status >= 400) {
        if (parsed.has("content-on-error"))
          yield* save(process, parsed.value("O") ?? fileNameOf(url), chunks.join("") as Bytes);
        if (terse) yield* process.printError(`${urlText(url)}:\n`);
        if (!quiet)
          yield* process.printError(
            parsed.has("spider")
              ? "Remote file does not exist -- broken link!!!\n\n"
              : `${stamp(process.now())} ERROR ${shownStatus}: ${result.reason}.\n\n`,
          );
        code = 8;
        break;
      }
      const content = chunks.join("") as Bytes;
      const type = (headerOf(result.headers, "content-type") ?? "").split(";")[0];
      const sizes =
        length === undefined
          ? "unspecified"
          : `${length}${Number(length) >= 1024 ? ` (${human(Number(length))})` : ""}`;
      if (parsed.has("spider")) {
        yield* say(`Length: ${sizes}${type ? ` [${type}]` : ""}\nRemote file exists.\n\n`);
        break;
      }
      let file = parsed.value("O") ?? fileNameOf(url);
      if (parsed.has("P")) file = `${parsed.value("P")}/${file}`;
      if (!parsed.has("O")) {
        const base = file;
        for (let i = 1; process.fs.exists(process.path(file)); i++) file = `${base}.${i}`;
      }
      const shown = file === "-" ? "STDOUT" : file;
      yield* say(`Length: ${sizes}${type ? ` [${type}]` : ""}\nSaving to: ‘${shown}’\n\n`);
      yield* save(process, file, content);
      const seconds = (process.now() - began) / 1000;
      const speed = seconds > 0 ? content.length / seconds : 0;
      const rate =
        speed >= 1024 * 1024
          ? `${(speed / 1024 / 1024).toFixed(2)} MB/s`
          : speed >= 1024
            ? `${(speed / 1024).toFixed(1)} KB/s`
            : `${Math.round(speed)} B/s`;
      const percent = length === undefined ? "    [ <=>" : "100%[===================>]";
      yield* say(
        `     0K ${".".repeat(Math.min(10, Math.ceil(content.length / 1024)))}${" ".repeat(60)}`.slice(0, 0) +
          `\r${shown.padEnd(20).slice(0, 20)}${percent}${human(content.length).padStart(8)}  --.-KB/s    in ${seconds < 0.1 ? "0s" : `${trim(seconds)}s`}      \n\n`,
      );
      yield* say(
        `${stamp(process.now())} (${rate}) - ${shown === "STDOUT" ? "written to stdout" : `‘${shown}’ saved`} [${content.length}${length === undefined ? "" : `/${length}`}]\n\n`,
      );
      if (terse)
        yield* process.printError(
          `${stamp(process.now())} URL:${urlText(url)} [${content.length}${length === undefined ? "" : `/${length}`}] -> "${file}" [1]\n`,
        );
      break;
    }
  }
  return code;
};

function* save(process: Process, file: string, content: Bytes): Task<void> {
  if (file === "-") {
    yield* process.write(1, content);
    return;
  }
  const fd = process.open(file, { read: false, write: true, create: true, truncate: true });
  yield* process.write(fd, content);
  process.close(fd);
}

function* gnuFailure(process: Process, failure: TransferFailure, url: Url, quiet: boolean): Task<number> {
  const say = function* (text: string): Task<void> {
    if (!quiet) yield* process.printError(text);
  };
  switch (failure.kind) {
    case "resolve":
      yield* say("failed: Name or service not known.\n");
      if (!quiet) yield* process.printError(`wget: unable to resolve host address ‘${failure.host}’\n`);
      return 4;
    case "certificate":
      yield* say(
        `ERROR: The certificate of ‘${url.host}’ is not trusted.\n${/self-signed/.test(failure.text) ? `ERROR: The certificate of ‘${url.host}’ doesn't have a known issuer.\n` : ""}`,
      );
      return 5;
    case "not-tls":
    case "tls-closed":
      yield* say("GnuTLS: An unexpected TLS packet was received.\nUnable to establish SSL connection.\n");
      return 4;
    default:
      return 4;
  }
}

// ---- BusyBox -------------------------------------------------------------------------------------------------------

const busyboxSpec = {
  short: "cqSO:o:P:T:t:U:Y:",
  long: {
    quiet: "q",
    spider: "spider",
    "output-document": "O:",
    header: "header:",
    "post-data": "post-data:",
    "no-check-certificate": "k",
    timeout: "T:",
    continue: "c",
    proxy: "Y:",
    "user-agent": "U:",
  },
};

const busyboxUsage =
  "Usage: wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]\n\t[--post-data STR | --post-file FILE] [-Y on/off]\n\t[--no-check-certificate] [-P DIR] [-U AGENT] [-T SEC] URL...\n";

/** BusyBox's wget: what busybox and alpine images have. */
export const busyboxWget: Program = function* (process) {
  const parsed = parseOptions(process.argv.slice(1), busyboxSpec);
  if (parsed.error || parsed.operands.length === 0) {
    const option = parsed.error?.option;
    const what =
      option === undefined
        ? ""
        : option.startsWith("--")
          ? `wget: unrecognized option '${option}'\n`
          : `wget: invalid option -- '${option.slice(1)}'\n`;
    yield* process.printError(`${what}BusyBox v1.37.0 () multi-call binary.\n\n${busyboxUsage}`);
    return 1;
  }
  const quiet = parsed.has("q");
  for (const operand of parsed.operands) {
    let text = operand;
    for (let redirects = 0; ; redirects++) {
      const url = parseUrl(text);
      if (!url || !["http", "https"].includes(url.scheme)) {
        yield* process.printError(`wget: not an http or ftp url: ${text}\n`);
        return 1;
      }
      const body = parsed.has("post-data") ? encodeUtf8(parsed.value("post-data")!) : undefined;
      const own = parsed.values("header");
      const headers: Header[] = [
        [
          "Host",
          own
            .find((line) => /^host:/i.test(line))
            ?.slice(5)
            .trim() ?? hostHeader(url),
        ],
        ["User-Agent", parsed.value("U") ?? "Wget"],
        ["Connection", "close"],
      ];
      if (body !== undefined)
        headers.push(["Content-Type", "application/x-www-form-urlencoded"], ["Content-Length", String(body.length)]);
      for (const line of own)
        if (!/^host:/i.test(line))
          headers.push([line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
      // -T bounds connecting and reading; the name is asked for before, with the resolver's own patience.
      if (parsed.has("T") && (yield* resolve(process, url.host)).length === 0) {
        yield* process.printError(`wget: bad address '${url.hasPort ? `${url.host}:${url.port}` : url.host}'\n`);
        return 1;
      }
      const chunks: Bytes[] = [];
      const result = yield* exchange(
        {
          process,
          url,
          text,
          method: parsed.has("spider") ? "HEAD" : body === undefined ? "GET" : "POST",
          headers,
          body,
          insecure: true,
          timeoutMs: Number(parsed.value("T") ?? 900) * 1000,
        },
        {
          *trying(address, port) {
            if (!quiet)
              yield* process.printError(
                `Connecting to ${hostHeader(url).replace(/:\d+$/, "")}${url.hasPort ? `:${url.port}` : ""} (${address}:${port})\n`,
              );
          },
          *secured() {
            if (!quiet && !parsed.has("k"))
              yield* process.printError("wget: note: TLS certificate validation not implemented\n");
          },
          *head(head) {
            if (parsed.has("S"))
              yield* process.printError(
                head.raw
                  .trimEnd()
                  .split("\r\n")
                  .map((line) => `  ${line}\n`)
                  .join(""),
              );
          },
          *body(chunk) {
            chunks.push(chunk);
          },
        },
      );
      if (!result) {
        yield* process.printError("wget: download timed out\n");
        return 1;
      }
      if (!result.ok) {
        const failure = result.failure;
        switch (failure.kind) {
          case "resolve":
            yield* process.printError(`wget: bad address '${url.hasPort ? `${url.host}:${url.port}` : url.host}'\n`);
            break;
          case "connect":
            yield* process.printError(`wget: can't connect to remote host (${failure.address}): ${failure.text}\n`);
            break;
          case "connect-timeout":
            yield* process.printError("wget: download timed out\n");
            break;
          case "empty":
            yield* process.printError("wget: error getting response\n");
            break;
          case "reset":
            yield* process.printError("wget: error getting response: Connection reset by peer\n");
            break;
          case "partial":
            yield* process.printError("wget: connection closed prematurely\n");
            break;
          case "not-http":
            yield* process.printError(`wget: error getting response: ${failure.bytes}\n`);
            break;
          default:
            yield* process.printError("wget: error getting response\n");
        }
        return 1;
      }
      const location = headerOf(result.headers, "location");
      if (result.status >= 300 && result.status < 400 && location !== undefined) {
        if (redirects >= 4) {
          yield* process.printError("wget: too many redirections\n");
          return 1;
        }
        text = /^[a-z]+:\/\//i.test(location) ? location : urlText({ ...url, path: location });
        continue;
      }
      if (result.status >= 300) {
        yield* process.printError(`wget: server returned error: HTTP/1.1 ${result.status} ${result.reason}\n`);
        return 1;
      }
      if (parsed.has("spider")) {
        if (!quiet) yield* process.printError("remote file exists\n");
        break;
      }
      const content = chunks.join("") as Bytes;
      let file = parsed.value("O") ?? fileNameOf(url);
      if (parsed.has("P")) file = `${parsed.value("P")}/${file}`;
      if (!parsed.has("O") && process.fs.exists(process.path(file))) {
        yield* process.printError(`wget: can't open '${file}': File exists\n`);
        return 1;
      }
      try {
        if (file !== "-" && !quiet) yield* process.printError(`saving to '${file}'\n`);
        yield* save(process, file, content);
      } catch (error) {
        if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
        yield* process.printError(`wget: can't open '${file}': ${error.text}\n`);
        return 1;
      }
      if (!quiet) {
        const label = file === "-" ? "-" : file.split("/").at(-1)!;
        yield* process.printError(
          `${label.slice(0, 20).padEnd(20)} 100% |${"*".repeat(32)}| ${human(content.length).padStart(5)}  0:00:00 ETA\n${file === "-" ? "written to stdout" : `'${file}' saved`}\n`,
        );
      }
      break;
    }
  }
  return 0;
};
