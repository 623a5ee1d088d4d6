/** node and python: versions, tiny HTTP servers, and scripts as far as script-server.ts reads them. */
import { encodeUtf8 } from "../base/bytes";
import { Deferred, type Task, suspend } from "../base/task";
import { serveHttp, textResponse } from "../net/http";
import { SysError } from "../os/errno";
import { join } from "../os/path";
import type { Process, Program } from "../os/process";
import { contentType, months, two } from "./programs";
import { NODE, PYTHON } from "./language-images";
import { type ScriptServer, readScript } from "./script-server";
import { civilTime } from "../base/clock";

/** Serves what a script plainly says; ends by the language's own rules for signals. */
function* runServer(process: Process, script: ScriptServer, label: "node" | "python3"): Task<number> {
  process.resizeMemory(label === "node" ? 42_000_000 : 22_000_000);
  const over = new Deferred<number>();
  process.onSignal("INT", () => over.resolve(label === "node" ? 130 : 0));
  // Neither language handles TERM by itself: as PID 1 it is ignored, elsewhere it ends the process.
  if (script.handlesTerm) process.onSignal("TERM", () => over.resolve(0));
  const port = Number(script.portVariable ? (process.env[script.portVariable] ?? script.port) : script.port);
  process.thread(
    (function* (): Task<void> {
      try {
        yield* serveHttp(process, port, function* (request) {
          if (script.isFlask) {
            const t = civilTime(process.now());
            yield* process.printError(
              `${request.remoteAddress} - - [${two(t.day)}/${months[t.month - 1]}/${t.year} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}] "${request.method} ${request.target} ${request.version}" ${script.routes.has(request.path) || script.fallback !== undefined ? 200 : 404} -\n`,
            );
          }
          const body = script.routes.get(request.path) ?? script.fallback;
          if (body === undefined)
            return textResponse(
              404,
              script.isFlask
                ? "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
                : `<!DOCTYPE html>\n<html lang="en">\n<body>\n<pre>Cannot ${request.method} ${request.path}</pre>\n</body>\n</html>\n`,
              [["Content-Type", "text/html; charset=utf-8"]],
            );
          const text = fill(body, process);
          return textResponse(200, text, [
            [
              "Content-Type",
              /^[[{]/.test(text.trim())
                ? "application/json"
                : script.isFlask || /^\s*</.test(text)
                  ? "text/html; charset=utf-8"
                  : "text/plain; charset=utf-8",
            ],
          ]);
        });
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        yield* process.printError(
          label === "node"
            ? `node:events:497\n      throw er; // Unhandled 'error' event\n      ^\n\nError: listen EADDRINUSE: address already in use :::${port}\n`
            : "OSError: [Errno 98] Address already in use\n",
        );
        over.resolve(1);
      }
    })(),
  );
  for (const line of script.startLines)
    yield* process.print(`${fill(line, process).replaceAll("${PORT}", String(port))}\n`);
  if (script.isFlask)
    yield* process.printError(
      ` * Serving Flask app 'app'\n * Debug mode: off\nWARNING: This is a development server. Do not use it in a production deployment. Use a production WSGI server instead.\n * Running on all addresses (0.0.0.0)\n * Running on http://127.0.0.1:${port}\nPress CTRL+C to quit\n`,
    );
  return yield* suspend(over.wait);
}

const fill = (text: string, process: Process): string =>
  text
    .replace(/\$\{hostname\}/g, process.context.hostname())
    .replace(
      /\$\{env:(\w+)(?::([^}]*))?\}/g,
      (_, name: string, fallback: string | undefined) => process.env[name] ?? fallback ?? "undefined",
    );

function script(language: "node" | "python3", version: string): Program {
  return function* (process) {
    const [first, ...rest] = process.argv.slice(1).filter((arg) => arg !== "-u");
    if (first === "-v" || first === "--version" || first === "-V") {
      yield* process.print(`${version}\n`);
      return 0;
    }
    if (first === undefined) {
      yield* process.printError(
        `${language}: the interactive interpreter is not simulated; scripts with plain output and small HTTP servers are\n`,
      );
      return 1;
    }
    if (language === "python3" && first === "-m") return yield* pythonModule(process, rest);
    const isInline = first === "-e" || first === "-c" || first === "-p";
    let source: string;
    try {
      source = isInline ? (rest[0] ?? "") : process.readText(first === "." ? "index.js" : first);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* process.printError(
        language === "node"
          ? `node:internal/modules/cjs/loader:1386\n  throw err;\n  ^\n\nError: Cannot find module '${process.path(first)}'\n    at Function._resolveFilename (node:internal/modules/cjs/loader:1383:15)\n    at node:internal/main/run_main_module:36:49 {\n  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}\n\nNode.js v${NODE}\n`
          : `${language === "python3" ? "python3" : "python"}: can't open file '${process.path(first)}': [Errno 2] No such file or directory\n`,
      );
      return language === "node" ? 1 : 2;
    }
    const read = readScript(source, language === "node" ? "javascript" : "python");
    if (read.kind === "server") {
      const missing = read.server.requires.find((name) => !hasModule(process, language, name));
      if (missing) {
        yield* process.printError(
          language === "node"
            ? `node:internal/modules/cjs/loader:1386\n  throw err;\n  ^\n\nError: Cannot find module '${missing}'\nRequire stack:\n- ${process.path(first)}\n    at Function._resolveFilename (node:internal/modules/cjs/loader:1383:15) {\n  code: 'MODULE_NOT_FOUND'\n}\n\nNode.js v${NODE}\n`
            : `Traceback (most recent call last):\n  File "${process.path(first)}", line 1, in <module>\nModuleNotFoundError: No module named '${missing}'\n`,
        );
        return 1;
      }
      return yield* runServer(process, read.server, language);
    }
    if (read.kind === "lines") {
      for (const line of read.lines) yield* process.print(`${fill(line, process)}\n`);
      return 0;
    }
    yield* process.printError(
      `${language}: this script is beyond what is simulated here (plain output, HTTP servers with fixed answers): ${read.reason}\n`,
    );
    return 1;
  };
}

/** npm and pip leave a mark where packages would be. */
function hasModule(process: Process, language: "node" | "python3", name: string): boolean {
  if (language === "python3") return process.fs.exists(`/usr/local/lib/python3.13/site-packages/${name.toLowerCase()}`);
  let dir = process.cwd;
  for (;;) {
    if (process.fs.exists(join(dir, "node_modules", name))) return true;
    if (dir === "/") return false;
    dir = dir.slice(0, dir.lastIndexOf("/")) || "/";
  }
}

function* pythonModule(process: Process, args: readonly string[]): Task<number> {
  const [module = "", ...rest] = args;
  if (module !== "http.server") {
    yield* process.printError(`python3: module ${module} is not simulated; http.server is\n`);
    return 1;
  }
  const at = rest.findIndex((arg) => arg === "-d" || arg === "--directory");
  const root = at >= 0 ? process.path(rest[at + 1] ?? ".") : process.cwd;
  const port = Number(rest.find((arg) => /^\d+$/.test(arg)) ?? 8000);
  process.resizeMemory(18_000_000);
  const over = new Deferred<number>();
  process.onSignal("INT", () => over.resolve(0));
  process.thread(
    (function* (): Task<void> {
      yield* serveHttp(process, { port, server: `SimpleHTTP/0.6 Python/${PYTHON}` }, function* (request) {
        const file = join(root, request.path);
        let node = process.fs.find(file);
        let body = node?.kind === "file" ? node.read() : undefined;
        if (node?.kind === "dir") {
          const index = process.fs.find(join(file, "index.html"));
          if (index?.kind === "file") {
            node = index;
            body = index.read();
          } else {
            const rows = process.fs.readDir(file).map((name) => `<li><a href="${name}">${name}</a></li>\n`);
            body = encodeUtf8(
              `<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Directory listing for ${request.path}</title>\n</head>\n<body>\n<h1>Directory listing for ${request.path}</h1>\n<hr>\n<ul>\n${rows.join("")}</ul>\n<hr>\n</body>\n</html>\n`,
            );
          }
        }
        const status = body === undefined ? 404 : 200;
        const t = civilTime(process.now());
        const time = `${two(t.day)}/${months[t.month - 1]}/${t.year} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
        if (status === 404)
          yield* process.printError(`${request.remoteAddress} - - [${time}] code 404, message File not found\n`);
        yield* process.printError(
          `${request.remoteAddress} - - [${time}] "${request.method} ${request.target} ${request.version}" ${status} -\n`,
        );
        return body === undefined
          ? textResponse(
              404,
              '<!DOCTYPE HTML>\n<html lang="en">\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: 404</p>\n        <p>Message: File not found.</p>\n    </body>\n</html>\n',
              [["Content-Type", "text/html;charset=utf-8"]],
            )
          : {
              status,
              headers: [
                [
                  "Content-Type",
                  node?.kind === "file" && !request.path.endsWith("/") ? contentType(file) : "text/html; charset=utf-8",
                ],
              ],
              body,
            };
      });
    })(),
  );
  yield* process.print(`Serving HTTP on 0.0.0.0 port ${port} (http://0.0.0.0:${port}/) ...\n`);
  const code = yield* suspend(over.wait);
  yield* process.print("\nKeyboard interrupt received, exiting.\n");
  return code;
}

export const languagePrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["node", script("node", `v${NODE}`)],
  ["python3", script("python3", `Python ${PYTHON}`)],
]);
