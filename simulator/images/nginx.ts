/** nginx: serves files and proxies by its configuration, writes its access log, reloads and quits by signal. */
import { type Bytes, decodeUtf8, encodeUtf8 } from "../base/bytes";
import { Deferred, type Task, suspend } from "../base/task";
import {
  HttpFailure,
  type ServerRequest,
  type ServerResponse,
  addressesOf,
  headerOf,
  httpDate,
  httpRequest,
  serveHttp,
} from "../net/http";
import { netOf } from "../net/netns";
import { SysError } from "../os/errno";
import { absolute, join } from "../os/path";
import type { Process, Program } from "../os/process";
import { type Directive, NginxConfError, find, findAll, knownDirectives, parseNginxConf } from "./nginx-conf";
import { clfTime, contentType, slashTime } from "./programs";

interface Server {
  readonly ports: readonly { readonly port: number; readonly isDefault: boolean }[];
  readonly names: readonly string[];
  readonly block: readonly Directive[];
}

interface Loaded {
  readonly servers: readonly Server[];
  readonly upstreams: ReadonlyMap<string, readonly string[]>;
  readonly http: readonly Directive[];
}

function* complain(process: Process, level: string, text: string): Task<void> {
  const line = encodeUtf8(`${slashTime(process.now())} [${level}] ${process.nsPid}#${process.nsPid}: ${text}\n`);
  if (process.files.has(2) && !process.writeNow(2, line)) yield* process.write(2, line);
}

class ConfFailure extends Error {}

/** What a configuration was read from: as long as all of it is the same, so is what was read. */
interface Sources {
  readonly files: Map<string, Bytes>;
  /** Directories that patterns were looked up in; undefined where there is none. */
  readonly directories: Map<string, string | undefined>;
}

const namesIn = (process: Process, directory: string): string | undefined =>
  process.fs.isDir(directory) ? process.fs.readDir(directory).join("/") : undefined;

function isUnchanged(process: Process, { files, directories }: Sources): boolean {
  for (const [path, content] of files) {
    const node = process.fs.find(path);
    if (node?.kind !== "file" || node.read() !== content) return false;
  }
  for (const [directory, names] of directories) if (namesIn(process, directory) !== names) return false;
  return true;
}

/** Reads a file and what it includes. Throws ConfFailure with nginx's words. */
function readConf(process: Process, path: string, sources: Sources): Directive[] {
  let text: string;
  try {
    const content = process.fs.readFile(process.path(path));
    sources.files.set(process.path(path), content);
    text = decodeUtf8(content);
  } catch (error) {
    if (error instanceof SysError) throw new ConfFailure(`open() "${path}" failed (2: ${error.text})`);
    throw error;
  }
  let directives: readonly Directive[];
  try {
    directives = parseNginxConf(text);
  } catch (error) {
    if (error instanceof NginxConfError) throw new ConfFailure(`${error.message} in ${path}:${error.line}`);
    throw error;
  }
  const expand = (list: readonly Directive[], isTypes = false): Directive[] =>
    list.flatMap((each) => {
      if (each.name === "include") {
        const pattern = absolute("/etc/nginx", each.args[0] ?? "");
        if (!pattern.includes("*")) return pattern.endsWith("mime.types") ? [] : readConf(process, pattern, sources);
        const dir = pattern.slice(0, pattern.lastIndexOf("/"));
        const suffix = pattern.slice(pattern.lastIndexOf("*") + 1);
        const names = namesIn(process, dir);
        sources.directories.set(dir, names);
        return (names === undefined || names === "" ? [] : names.split("/"))
          .filter((name) => name.endsWith(suffix))
          .flatMap((name) => readConf(process, join(dir, name), sources));
      }
      if (!isTypes && !knownDirectives.has(each.name))
        throw new ConfFailure(`unknown directive "${each.name}" in ${path}:${each.line}`);
      return [each.block ? { ...each, block: expand(each.block, each.name === "types" || each.name === "map") } : each];
    });
  return expand(directives);
}

/** Most servers have the image's own configuration: they share what was read of it. */
const lastLoaded = new Map<string, { readonly sources: Sources; readonly loaded: Loaded }>();

function load(process: Process, path: string): Loaded {
  const last = lastLoaded.get(path);
  if (last && isUnchanged(process, last.sources)) return last.loaded;
  const sources: Sources = { files: new Map(), directories: new Map() };
  const loaded = interpret(readConf(process, path, sources));
  if (lastLoaded.size >= 20) lastLoaded.clear();
  lastLoaded.set(path, { sources, loaded });
  return loaded;
}

function interpret(top: readonly Directive[]): Loaded {
  const http = find(top, "http")?.block ?? [];
  const servers = findAll(http, "server").map((server): Server => {
    const ports = findAll(server.block, "listen").flatMap((listen) => {
      const text = listen.args[0] ?? "80";
      if (text.startsWith("[")) return [];
      const port = Number(/(\d+)$/.exec(text)?.[1] ?? "80");
      return [{ port, isDefault: listen.args.includes("default_server") }];
    });
    return {
      ports: ports.length > 0 ? ports : [{ port: 80, isDefault: false }],
      names: findAll(server.block, "server_name").flatMap((each) => each.args),
      block: server.block ?? [],
    };
  });
  const upstreams = new Map(
    findAll(http, "upstream").map(
      (each) => [each.args[0] ?? "", findAll(each.block, "server").map((server) => server.args[0] ?? "")] as const,
    ),
  );
  return { servers, upstreams, http };
}

/** Exact, then the longest prefix (`^~` ends the search), then the first regular expression. */
function chooseLocation(server: Server, path: string): Directive | undefined {
  const locations = findAll(server.block, "location");
  let best: Directive | undefined;
  let bestLength = -1;
  let isFinal = false;
  for (const location of locations) {
    const [first = "", second] = location.args;
    if (first === "=") {
      if (second === path) return location;
      continue;
    }
    if (first.startsWith("~")) continue;
    const prefix = first === "^~" ? (second ?? "") : first;
    if (path.startsWith(prefix) && prefix.length > bestLength) {
      best = location;
      bestLength = prefix.length;
      isFinal = first === "^~";
    }
  }
  if (isFinal) return best;
  for (const location of locations) {
    const [first = "", second = ""] = location.args;
    if (first !== "~" && first !== "~*") continue;
    try {
      if (new RegExp(second, first === "~*" ? "i" : "").test(path)) return location;
    } catch {
      // A pattern that is none matches nothing.
    }
  }
  return best;
}

const REASONS: Readonly<Record<number, string>> = {
  301: "Moved Permanently",
  302: "Found",
  403: "Forbidden",
  404: "Not Found",
  405: "Not Allowed",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
};

class Site {
  loaded: Loaded;
  readonly #process: Process;
  readonly #version: string;
  #turn = 0;

  constructor(process: Process, loaded: Loaded, version: string) {
    this.#process = process;
    this.loaded = loaded;
    this.#version = version;
  }

  #server(port: number, host: string): Server | undefined {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    const here = this.loaded.servers.filter((server) => server.ports.some((each) => each.port === port));
    return (
      here.find((server) =>
        server.names.some((each) => each === name || (each.startsWith("*.") && name.endsWith(each.slice(1)))),
      ) ??
      here.find((server) => server.ports.some((each) => each.port === port && each.isDefault)) ??
      here[0]
    );
  }

  #page(status: number, headers: [string, string][] = []): ServerResponse {
    const reason = REASONS[status] ?? "Error";
    const body = `<html>\r\n<head><title>${status} ${reason}</title></head>\r\n<body>\r\n<center><h1>${status} ${reason}</h1></center>\r\n<hr><center>nginx/${this.#version}</center>\r\n</body>\r\n</html>\r\n`;
    return { status, reason, headers: [["Content-Type", "text/html"], ...headers], body: encodeUtf8(body) };
  }

  *answer(port: number, request: ServerRequest): Task<ServerResponse> {
    const server = this.#server(port, request.host);
    if (!server) return this.#page(404);
    const response = yield* this.#inServer(server, request, request.path);
    // error_page may put another page in the place of a failure.
    for (const page of findAll(server.block, "error_page")) {
      const target = page.args.at(-1) ?? "";
      if (!page.args.slice(0, -1).includes(String(response.status)) || !target.startsWith("/")) continue;
      const instead = yield* this.#inServer(server, request, target);
      if (instead.status === 200)
        return { ...instead, status: response.status, ...(response.reason ? { reason: response.reason } : {}) };
    }
    return response;
  }

  *#inServer(server: Server, request: ServerRequest, path: string): Task<ServerResponse> {
    const location = chooseLocation(server, path);
    const scope = location?.block ?? [];
    const returned = find(scope, "return") ?? find(server.block, "return");
    const headers = [...findAll(server.block, "add_header"), ...findAll(scope, "add_header")].map(
      (each): [string, string] => [each.args[0] ?? "", this.#expand(each.args[1] ?? "", request)],
    );
    if (returned) {
      const [code = "200", text = ""] = /^\d+$/.test(returned.args[0] ?? "")
        ? returned.args
        : ["302", returned.args[0] ?? ""];
      const status = Number(code);
      const value = this.#expand(text, request);
      if ([301, 302, 303, 307, 308].includes(status)) return this.#page(status, [["Location", value], ...headers]);
      if (text === "" && status !== 200) return this.#page(status, headers);
      const type = find(scope, "default_type")?.args[0] ?? "application/octet-stream";
      return { status, headers: [["Content-Type", type], ...headers], body: encodeUtf8(value) };
    }
    if (find(scope, "stub_status"))
      return {
        status: 200,
        headers: [["Content-Type", "text/plain"]],
        body: encodeUtf8(
          "Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n",
        ),
      };
    const proxy = find(scope, "proxy_pass");
    if (proxy) return yield* this.#proxy(proxy.args[0] ?? "", location!, scope, request);
    if (request.method !== "GET" && request.method !== "HEAD") return this.#page(405);
    return this.#file(server, location, scope, path, request, headers);
  }

  #expand(text: string, request: ServerRequest): string {
    const values: Record<string, string> = {
      host: request.host.replace(/:\d+$/, ""),
      http_host: request.host,
      request_uri: request.target,
      uri: request.path,
      request_method: request.method,
      remote_addr: request.remoteAddress,
      proxy_add_x_forwarded_for: request.remoteAddress,
      hostname: this.#process.context.hostname(),
      server_addr: request.localAddress,
      server_port: String(request.localPort),
      scheme: "http",
      args: request.target.split("?")[1] ?? "",
      nginx_version: this.#version,
      time_iso8601: clfTime(this.#process.now()),
    };
    return text.replace(
      /\$\{?(\w+)\}?/g,
      (_, name: string) =>
        values[name] ??
        (name.startsWith("http_") ? (headerOf(request.headers, name.slice(5).replace(/_/g, "-")) ?? "") : ""),
    );
  }

  #file(
    server: Server,
    location: Directive | undefined,
    scope: readonly Directive[],
    path: string,
    request: ServerRequest,
    headers: [string, string][],
  ): ServerResponse {
    const { fs } = this.#process;
    const root =
      find(scope, "root")?.args[0] ??
      find(server.block, "root")?.args[0] ??
      find(this.loaded.http, "root")?.args[0] ??
      "/etc/nginx/html";
    const alias = find(scope, "alias")?.args[0];
    const place = (uri: string): string =>
      alias !== undefined && location ? join(alias, uri.slice((location.args.at(-1) ?? "").length)) : join(root, uri);
    const indexes = find(scope, "index")?.args ?? find(server.block, "index")?.args ?? ["index.html"];
    const serve = (uri: string): ServerResponse | undefined => {
      const file = place(uri);
      const node = fs.find(file);
      if (node?.kind === "dir") {
        if (!uri.endsWith("/")) return this.#page(301, [["Location", `http://${request.host}${uri}/`]]);
        for (const index of indexes) {
          const found = serve(`${uri}${index}`);
          if (found?.status === 200) return found;
        }
        if ((find(scope, "autoindex") ?? find(server.block, "autoindex"))?.args[0] === "on")
          return this.#listing(file, uri);
        return this.#page(403);
      }
      if (node?.kind !== "file") return undefined;
      if ((node.mode & 0o444) === 0) return this.#page(403);
      const body = node.read();
      const etag = `"${Math.floor(node.mtime / 1000).toString(16)}-${body.length.toString(16)}"`;
      return {
        status: 200,
        headers: [
          ["Content-Type", contentType(file)],
          ["Last-Modified", httpDate(node.mtime)],
          ["ETag", etag],
          ["Accept-Ranges", "bytes"],
          ...headers,
        ],
        body,
      };
    };
    const tries = find(scope, "try_files") ?? find(server.block, "try_files");
    if (tries) {
      const last = tries.args.at(-1) ?? "";
      for (const each of tries.args.slice(0, -1)) {
        const uri = this.#expand(each.replaceAll("$uri", path), request);
        const node = fs.find(place(uri));
        if (node && (node.kind === "file" || uri.endsWith("/"))) {
          const found = serve(uri);
          if (found && found.status < 400) return found;
        }
      }
      if (last.startsWith("=")) return this.#page(Number(last.slice(1)));
      return serve(last.replaceAll("$uri", path)) ?? this.#page(404);
    }
    const found = serve(path);
    if (!found) this.#notFound(place(path), request);
    return found ?? this.#page(404);
  }

  #notFound(file: string, request: ServerRequest): void {
    const text = `open() "${file}" failed (2: No such file or directory), client: ${request.remoteAddress}, server: localhost, request: "${request.method} ${request.target} ${request.version}", host: "${request.host}"`;
    this.#process.thread(complain(this.#process, "error", text));
  }

  #listing(dir: string, uri: string): ServerResponse {
    const rows = this.#process.fs.readDir(dir).map((name) => `<a href="${name}">${name}</a>\r\n`);
    const body = `<html>\r\n<head><title>Index of ${uri}</title></head>\r\n<body>\r\n<h1>Index of ${uri}</h1><hr><pre><a href="../">../</a>\r\n${rows.join("")}</pre><hr></body>\r\n</html>\r\n`;
    return { status: 200, headers: [["Content-Type", "text/html"]], body: encodeUtf8(body) };
  }

  *#proxy(
    target: string,
    location: Directive,
    scope: readonly Directive[],
    request: ServerRequest,
  ): Task<ServerResponse> {
    const m = /^(https?):\/\/([^/]+)(\/.*)?$/.exec(this.#expand(target, request));
    if (!m) return this.#page(500);
    const [, scheme = "http", name = "", path] = m;
    const peers = this.loaded.upstreams.get(name) ?? [name];
    const uri = path === undefined ? request.target : path + request.target.slice((location.args.at(-1) ?? "/").length);
    const headers: Record<string, string> = { Host: name, Connection: "close" };
    for (const each of findAll(scope, "proxy_set_header"))
      headers[each.args[0] ?? ""] = this.#expand(each.args[1] ?? "", request);
    for (let attempt = 0; attempt < peers.length; attempt++) {
      const peer = peers[this.#turn++ % peers.length]!;
      try {
        const response = yield* httpRequest(this.#process, {
          method: request.method,
          url: `${scheme}://${peer}${uri}`,
          headers,
          body: request.body,
          timeoutMs: 60_000,
        });
        return {
          status: response.status,
          ...(response.reason ? { reason: response.reason } : {}),
          headers: response.headers.filter(
            ([key]) => !/^(connection|transfer-encoding|content-length|server|date)$/i.test(key),
          ),
          body: response.body,
        };
      } catch (error) {
        if (!(error instanceof HttpFailure)) throw error;
        yield* complain(
          this.#process,
          "error",
          `connect() failed (111: Connection refused) while connecting to upstream, client: ${request.remoteAddress}, server: , request: "${request.method} ${request.target} ${request.version}", upstream: "${scheme}://${peer}${uri}", host: "${request.host}"`,
        );
        if (error.kind === "timeout") return this.#page(504);
      }
    }
    return this.#page(502);
  }
}

const VERSION = "1.29.3";

/** `nginx [-g DIRECTIVES] [-c FILE] [-t] [-s SIGNAL] [-v]` */
export const nginxProgram: Program = function* (process) {
  const { argv } = process;
  const option = (flag: string): string | undefined => {
    const at = argv.indexOf(flag);
    return at < 0 ? undefined : argv[at + 1];
  };
  const version = process.env["NGINX_VERSION"] ?? VERSION;
  if (argv.includes("-v") || argv.includes("-V")) {
    yield* process.printError(`nginx version: nginx/${version}\n`);
    return 0;
  }
  const path = option("-c") ?? "/etc/nginx/nginx.conf";
  const signal = option("-s");
  if (signal !== undefined) return yield* sendSignal(process, signal);
  let loaded: Loaded;
  try {
    loaded = load(process, path);
    for (const server of loaded.servers)
      for (const location of findAll(server.block, "location")) {
        const host = /^https?:\/\/([^/$:]+)(?::\d+)?/.exec(find(location.block, "proxy_pass")?.args[0] ?? "")?.[1];
        if (host && !loaded.upstreams.has(host) && !(yield* resolves(process, host)))
          throw new ConfFailure(
            `host not found in upstream "${host}" in /etc/nginx/conf.d/default.conf:${find(location.block, "proxy_pass")!.line}`,
          );
      }
  } catch (error) {
    if (!(error instanceof ConfFailure)) throw error;
    yield* complain(process, "emerg", error.message);
    yield* process.printError(`nginx: [emerg] ${error.message}\n`);
    if (argv.includes("-t")) yield* process.printError(`nginx: configuration file ${path} test failed\n`);
    return 1;
  }
  if (argv.includes("-t")) {
    yield* process.printError(
      `nginx: the configuration file ${path} syntax is ok\nnginx: configuration file ${path} test is successful\n`,
    );
    return 0;
  }
  return yield* master(process, path, loaded, version);
};

function* resolves(process: Process, host: string): Task<boolean> {
  return (yield* addressesOf(process, host)).length > 0;
}

function* sendSignal(process: Process, name: string): Task<number> {
  const pid = process.fs.find("/run/nginx.pid");
  const number = pid?.kind === "file" ? Number(decodeUtf8(pid.read()).trim()) : Number.NaN;
  const target = process.context.pids.processes.get(number);
  if (!target) {
    yield* process.printError('nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)\n');
    return 1;
  }
  const signal = ({ reload: "HUP", quit: "QUIT", stop: "TERM", reopen: "USR1" } as const)[name];
  if (!signal) {
    yield* process.printError(`nginx: invalid option: "-s ${name}"\n`);
    return 1;
  }
  target.signal(signal);
  yield* process.printError(
    `${slashTime(process.now())} [notice] ${process.nsPid}#${process.nsPid}: signal process started\n`,
  );
  return 0;
}

/** Whether every address can be listened on, tried five times as nginx does; it complains in the log and on stderr. */
function* bindAll(process: Process, loaded: Loaded): Task<boolean> {
  const sockets = new Map<string, number>();
  for (const server of loaded.servers) {
    for (const { port } of server.ports) sockets.set(`0.0.0.0:${port}`, port);
    for (const { args } of findAll(server.block, "listen"))
      if (args[0]?.startsWith("[")) sockets.set(args[0], Number(/\]:(\d+)$/.exec(args[0])?.[1] ?? "80"));
  }
  for (let tries = 5; tries > 0; tries--) {
    let failed = false;
    for (const [address, port] of sockets) {
      try {
        netOf(process).listen({ port, owner: process }).close();
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        failed = true;
        const text = `bind() to ${address} failed (${error.code === "EACCES" ? 13 : 98}: ${error.text})`;
        yield* complain(process, "emerg", text);
        yield* process.printError(`nginx: [emerg] ${text}\n`);
      }
    }
    if (!failed) return true;
    yield* complain(process, "notice", "try again to bind() after 500ms");
    yield* process.sleep(500);
  }
  yield* complain(process, "emerg", "still could not bind()");
  yield* process.printError("nginx: [emerg] still could not bind()\n");
  return false;
}

const WORKER_ARGV = ["nginx: worker process"];

/** The master answers requests here; workers are there to be seen, and wait for nothing. */
const workerProgram: Program = function* (process) {
  process.resizeMemory(1_100_000);
  return yield () => undefined;
};

function* master(process: Process, path: string, loaded: Loaded, version: string): Task<number> {
  process.argv = ["nginx: master process nginx", "-g", "daemon off;"];
  process.resizeMemory(2_400_000);
  if (!(yield* bindAll(process, loaded))) return 1;
  const site = new Site(process, loaded, version);
  const over = new Deferred<number>();
  for (const port of new Set(loaded.servers.flatMap((server) => server.ports.map((each) => each.port)))) {
    process.thread(
      (function* (): Task<void> {
        try {
          yield* serveHttp(process, { port, server: `nginx/${version}` }, function* (request) {
            const response = yield* site.answer(port, request);
            const length = typeof response.body === "string" ? response.body.length : 0;
            const header = (name: string): string => headerOf(request.headers, name) ?? "-";
            const sent = request.method === "HEAD" ? 0 : length;
            yield* process.print(
              `${request.remoteAddress} - - [${clfTime(process.now())}] "${request.method} ${request.target} ${request.version}" ${response.status} ${sent} "${header("referer")}" "${header("user-agent")}" "${header("x-forwarded-for")}"\n`,
            );
            return response;
          });
        } catch (error) {
          // Taken since bindAll() looked.
          if (!(error instanceof SysError)) throw error;
          over.resolve(1);
        }
      })(),
    );
  }
  try {
    process.fs.writeFile("/run/nginx.pid", encodeUtf8(`${process.nsPid}\n`));
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* complain(process, "emerg", `open() "/run/nginx.pid" failed (30: ${error.text})`);
    return 1;
  }
  const talks = process.env["PKG_RELEASE"] === undefined || !process.env["PKG_RELEASE"]!.includes("trixie");
  if (talks) {
    yield* complain(process, "notice", 'using the "epoll" event method');
    yield* complain(process, "notice", `nginx/${version}`);
    yield* complain(process, "notice", `OS: Linux ${process.kernel.release}`);
    yield* complain(process, "notice", "start worker processes");
  }
  for (let i = 0; i < process.kernel.cpuCount; i++) {
    const worker = process.spawn({ argv: WORKER_ARGV, program: workerProgram });
    if (talks) yield* complain(process, "notice", `start worker process ${worker.nsPid}`);
  }
  process.onSignal("HUP", () =>
    process.thread(
      (function* (): Task<void> {
        yield* complain(process, "notice", "signal 1 (SIGHUP) received, reconfiguring");
        try {
          site.loaded = load(process, path);
        } catch (error) {
          if (!(error instanceof ConfFailure)) throw error;
          yield* complain(process, "emerg", error.message);
        }
      })(),
    ),
  );
  for (const [signal, number, word] of [
    ["QUIT", 3, "shutting down"],
    ["TERM", 15, "exiting"],
    ["INT", 2, "exiting"],
  ] as const)
    process.onSignal(signal, () => {
      if (!talks) over.resolve(0);
      else
        process.thread(
          (function* (): Task<void> {
            yield* complain(process, "notice", `signal ${number} (SIG${signal}) received, ${word}`);
            yield* complain(process, "notice", "exit");
            over.resolve(0);
          })(),
        );
    });
  const code = yield* suspend(over.wait);
  for (const child of process.children) child.signal("KILL");
  return code;
}

// ---- images --------------------------------------------------------------------------------------------------------
