/** Small servers that lessons use: whoami, http-echo, Apache httpd. */
import { decodeUtf8, encodeUtf8 } from "../base/bytes";
import { Deferred, type Task, suspend } from "../base/task";
import { STORE_FILE, STORE_HEADER, storeOf } from "../containerd/registry";
import { headerOf, serveHttp, textResponse } from "../net/http";
import { netOf } from "../net/netns";
import { SysError } from "../os/errno";
import { join } from "../os/path";
import type { Process, Program } from "../os/process";
import { debian } from "./bases";
import { type ImageDefinition, PATH_ENV, defineImage } from "./image";
import { apacheTime, clfTime, contentType, dashTime, slashTime, untilSignal, waitSignal } from "./programs";

const flag = (process: Process, name: string): string | undefined => {
  for (const [i, arg] of process.argv.entries()) {
    const m = /^--?([\w-]+)(?:=(.*))?$/s.exec(arg);
    if (m?.[1] === name) return m[2] ?? process.argv[i + 1];
  }
  return undefined;
};

/** Serves until a signal; a port that is taken ends the program with its message. */
function* serveUntilSignal(
  process: Process,
  start: () => Task<void>,
  code: number,
  taken: (error: SysError) => string,
): Task<number> {
  const over = new Deferred<number>();
  for (const signal of ["TERM", "INT", "QUIT", "WINCH"] as const) process.onSignal(signal, () => over.resolve(code));
  process.thread(
    (function* (): Task<void> {
      try {
        yield* start();
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        yield* process.printError(taken(error));
        over.resolve(1);
      }
    })(),
  );
  return yield* suspend(over.wait);
}

const whoami: Program = function* (process) {
  const port = Number(flag(process, "port") ?? process.env["WHOAMI_PORT_NUMBER"] ?? 80);
  const name = flag(process, "name") ?? process.env["WHOAMI_NAME"];
  process.resizeMemory(3_000_000);
  yield* process.printError(`${slashTime(process.now())} Starting up on port ${port}\n`);
  return yield* serveUntilSignal(
    process,
    () =>
      serveHttp(process, port, function* (request) {
        if (request.path === "/health") return { status: 200 };
        const addresses = netOf(process).interfaces.flatMap((device) =>
          device.addresses.map((each) => `IP: ${each.address}\n`),
        );
        const headers = request.headers
          .map(([key, value]) => `${key.replace(/(^|-)\w/g, (c) => c.toUpperCase())}: ${value}\n`)
          .filter((line) => !line.startsWith("Host:"));
        return textResponse(
          200,
          `${name ? `Name: ${name}\n` : ""}Hostname: ${process.context.hostname()}\n${addresses.join("")}RemoteAddr: ${request.remoteAddress}:${request.remotePort}\n${request.method} ${request.target} HTTP/1.1\nHost: ${request.host}\n${headers.join("")}\n`,
        );
      }),
    0,
    () => `${slashTime(process.now())} listen tcp :${port}: bind: address already in use\n`,
  );
};

const httpEcho: Program = function* (process) {
  const text = flag(process, "text") ?? process.env["ECHO_TEXT"];
  if (text === undefined) {
    yield* process.printError("Missing -text option!\n");
    return 127;
  }
  const listen = flag(process, "listen") ?? ":5678";
  const port = Number(listen.split(":").at(-1));
  const address = listen.slice(0, listen.lastIndexOf(":"));
  process.resizeMemory(3_000_000);
  yield* process.printError(
    `${dashTime(process.now()).replace(" ", "T")}Z [INFO]  server is listening on ${listen}\n`.replace(
      /^\S+ /,
      `${slashTime(process.now())} `,
    ),
  );
  return yield* serveUntilSignal(
    process,
    () =>
      serveHttp(process, address === "" ? { port } : { port, address }, function* (request) {
        yield* process.print(
          `${slashTime(process.now())} ${request.host} ${request.remoteAddress}:${request.remotePort} "${request.method} ${request.target} HTTP/1.1" 200 ${text.length + 1} "${headerOf(request.headers, "user-agent") ?? ""}" 20.4µs\n`,
        );
        return textResponse(200, `${text}\n`, [
          ["X-App-Name", "http-echo"],
          ["X-App-Version", "1.0.0"],
          ["Content-Type", "text/plain; charset=utf-8"],
        ]);
      }),
    0,
    () => `listen tcp :${port}: bind: address already in use\n`,
  );
};

const VERSION = "2.4.65";

const httpd: Program = function* (process) {
  const conf = process.fs.find("/usr/local/apache2/conf/httpd.conf");
  const text = conf?.kind === "file" ? decodeUtf8(conf.read()) : "";
  const port = Number(/^\s*Listen\s+(?:\S+:)?(\d+)/m.exec(text)?.[1] ?? 80);
  const root = /^\s*DocumentRoot\s+"?([^"\s]+)"?/m.exec(text)?.[1] ?? "/usr/local/apache2/htdocs";
  const address = netOf(process).address ?? "127.0.0.1";
  process.resizeMemory(6_000_000);
  const warning = `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using ${address}. Set the 'ServerName' directive globally to suppress this message\n`;
  yield* process.printError(warning + warning);
  const log = (module: string, text_: string): string =>
    `[${apacheTime(process.now())}] [${module}:notice] [pid ${process.nsPid}:tid ${process.nsPid}] ${text_}\n`;
  yield* process.printError(
    log("mpm_event", `AH00489: Apache/${VERSION} (Unix) configured -- resuming normal operations`),
  );
  yield* process.printError(log("core", "AH00094: Command line: 'httpd -D FOREGROUND'"));
  const code = yield* serveUntilSignal(
    process,
    () =>
      serveHttp(process, { port, server: `Apache/${VERSION} (Unix)` }, function* (request) {
        const path = request.path.endsWith("/") ? `${request.path}index.html` : request.path;
        const file = join(root, path);
        const node = process.fs.find(file);
        const status = node?.kind === "file" ? 200 : node?.kind === "dir" ? 301 : 404;
        const reason = status === 404 ? "Not Found" : "Moved Permanently";
        const body =
          node?.kind === "file"
            ? node.read()
            : encodeUtf8(
                `<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>${status} ${reason}</title>\n</head><body>\n<h1>${reason}</h1>\n<p>${status === 404 ? "The requested URL was not found on this server." : "The document has moved."}</p>\n</body></html>\n`,
              );
        yield* process.print(
          `${request.remoteAddress} - - [${clfTime(process.now())}] "${request.method} ${request.target} ${request.version}" ${status} ${body.length}\n`,
        );
        return {
          status,
          headers: [
            ["Content-Type", status === 200 ? contentType(file, "text/plain") : "text/html; charset=iso-8859-1"],
            ...(status === 301 ? ([["Location", `http://${request.host}${request.path}/`]] as const) : []),
          ],
          body,
        };
      }),
    0,
    (error) =>
      `(98)${error.text}: AH00072: make_sock: could not bind to address 0.0.0.0:${port}\nno listening sockets available, shutting down\nAH00015: Unable to open logs\n`,
  );
  if (code === 0) yield* process.printError(log("mpm_event", "AH00492: caught SIGWINCH, shutting down gracefully"));
  return code;
};

/** pause: the container that holds a Pod's namespaces. */
const pause: Program = function* (process) {
  process.resizeMemory(200_000);
  yield* waitSignal(untilSignal(process, ["TERM", "INT"]));
  return 0;
};

/**
 * registry:2. Its images are a Registry of this world, found by an id in the data folder: they live as long as the
 * volume. The engine asks /v2/ for that id and then moves layers directly; the API here tells what there is.
 */
const registry: Program = function* (process) {
  const port = Number((process.env["REGISTRY_HTTP_ADDR"] ?? ":5000").split(":").at(-1));
  process.resizeMemory(9_000_000);
  if (!process.fs.exists(STORE_FILE)) {
    process.fs.makeDirs(STORE_FILE.slice(0, STORE_FILE.lastIndexOf("/")));
    process.fs.writeFile(STORE_FILE, encodeUtf8(process.kernel.random.stream("registry-store").hex(16)));
  }
  const id = process.readText(STORE_FILE);
  const store = storeOf(process.kernel.loop, id);
  yield* process.printError(
    `time="${dashTime(process.now()).replace(" ", "T")}Z" level=info msg="listening on [::]:${port}" go.version=go1.20.8 instance.id=0 service=registry version=2.8.3 \n`,
  );
  return yield* serveUntilSignal(
    process,
    () =>
      serveHttp(process, port, function* (request) {
        const headers = [
          ["Docker-Distribution-Api-Version", "registry/2.0"],
          ["Content-Type", "application/json; charset=utf-8"],
          [STORE_HEADER, id],
        ] as const;
        const answer = (status: number, value: unknown) => ({
          status,
          headers,
          body: encodeUtf8(`${JSON.stringify(value)}\n`),
        });
        if (request.path === "/v2/") return { status: 200, headers, body: encodeUtf8("{}") };
        if (request.path === "/v2/_catalog") return answer(200, { repositories: store.repositories() });
        const name = /^\/v2\/(.+)\/tags\/list$/.exec(request.path)?.[1];
        if (name !== undefined) {
          const tags = store.tags(name);
          if (tags) return answer(200, { name, tags });
          const message = "repository name not known to registry";
          return answer(404, { errors: [{ code: "NAME_UNKNOWN", message, detail: { name } }] });
        }
        return answer(404, {
          errors: [
            {
              code: "UNSUPPORTED",
              message: "manifests and blobs are not served here; pull and push reach them through the engine",
            },
          ],
        });
      }),
    2,
    () => `level=fatal msg="listen tcp :${port}: bind: address already in use"\n`,
  );
};

export const smallServerPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["whoami", whoami],
  ["http-echo", httpEcho],
  ["httpd-foreground", httpd],
  ["pause", pause],
  ["registry", registry],
]);

export const smallServerImages: readonly ImageDefinition[] = [
  defineImage({
    repository: "registry",
    tags: ["2", "2.8", "2.8.3", "latest", "3"],
    description: "Distribution implementation for storing and distributing of container images and artifacts",
    stars: 4100,
    created: "2025-07-01T09:00:00Z",
    layers: [
      {
        createdBy: "COPY registry /bin/registry # buildkit",
        files: { "/bin/registry": { program: "registry" }, "/var/lib/registry": { dir: 0o755 } },
        size: 25_400_000,
      },
      { createdBy: "VOLUME [/var/lib/registry]" },
      { createdBy: "EXPOSE map[5000/tcp:{}]" },
      { createdBy: 'ENTRYPOINT ["registry"]' },
      { createdBy: 'CMD ["serve" "/etc/docker/registry/config.yml"]' },
    ],
    config: {
      Env: [PATH_ENV],
      Entrypoint: ["registry"],
      Cmd: ["serve", "/etc/docker/registry/config.yml"],
      ExposedPorts: { "5000/tcp": {} },
      Volumes: { "/var/lib/registry": {} },
    },
  }),
  defineImage({
    repository: "traefik/whoami",
    tags: ["latest", "v1.11", "v1.10"],
    description: "Tiny Go webserver that prints OS information and HTTP request to output",
    stars: 200,
    created: "2025-07-24T09:00:00Z",
    layers: [
      { createdBy: "COPY whoami / # buildkit", files: { "/whoami": { program: "whoami" } }, size: 6_440_000 },
      { createdBy: 'ENTRYPOINT ["/whoami"]' },
      { createdBy: "EXPOSE map[80/tcp:{}]" },
    ],
    config: { Env: [PATH_ENV], Entrypoint: ["/whoami"], ExposedPorts: { "80/tcp": {} } },
  }),
  defineImage({
    repository: "hashicorp/http-echo",
    tags: ["latest", "1.0", "1.0.0", "0.2.3"],
    description: "A tiny Go web server that echos what you start it with!",
    stars: 60,
    created: "2024-04-24T09:00:00Z",
    layers: [
      { createdBy: "COPY http-echo / # buildkit", files: { "/http-echo": { program: "http-echo" } }, size: 7_900_000 },
      { createdBy: 'ENTRYPOINT ["/http-echo"]' },
    ],
    config: { Env: [PATH_ENV], Entrypoint: ["/http-echo"], ExposedPorts: { "5678/tcp": {} } },
  }),
  defineImage({
    repository: "httpd",
    tags: ["latest", "2.4", "2", "2.4-alpine", "alpine"],
    description: "The Apache HTTP Server Project",
    stars: 4900,
    base: debian,
    created: "2025-11-12T09:00:00Z",
    layers: [
      { createdBy: "ENV HTTPD_PREFIX=/usr/local/apache2" },
      { createdBy: "WORKDIR /usr/local/apache2", files: { "/usr/local/apache2": { dir: 0o755 } }, size: 0 },
      { createdBy: `ENV HTTPD_VERSION=${VERSION}` },
      {
        createdBy: "RUN /bin/sh -c set -eux; make install # buildkit",
        files: {
          "/usr/local/apache2/conf/httpd.conf":
            'ServerRoot "/usr/local/apache2"\nListen 80\nDocumentRoot "/usr/local/apache2/htdocs"\nDirectoryIndex index.html\n',
          "/usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n",
        },
        size: 36_000_000,
      },
      { createdBy: "STOPSIGNAL SIGWINCH" },
      {
        createdBy: "COPY httpd-foreground /usr/local/bin/ # buildkit",
        files: { "/usr/local/bin/httpd-foreground": { program: "httpd-foreground" } },
        size: 138,
      },
      { createdBy: "EXPOSE map[80/tcp:{}]" },
      { createdBy: 'CMD ["httpd-foreground"]' },
    ],
    config: {
      Env: [
        "PATH=/usr/local/apache2/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HTTPD_PREFIX=/usr/local/apache2",
        `HTTPD_VERSION=${VERSION}`,
      ],
      Cmd: ["httpd-foreground"],
      ExposedPorts: { "80/tcp": {} },
      WorkingDir: "/usr/local/apache2",
      StopSignal: "SIGWINCH",
    },
  }),
];

export const pauseImage: ImageDefinition = defineImage({
  repository: "registry.k8s.io/pause",
  tags: ["3.10.1", "3.10", "3.9"],
  created: "2025-06-24T09:00:00Z",
  layers: [
    {
      createdBy: "COPY bin/pause-linux-amd64 /pause # buildkit",
      files: { "/pause": { program: "pause" } },
      size: 736_000,
    },
    { createdBy: "USER 65535:65535" },
    { createdBy: 'ENTRYPOINT ["/pause"]' },
  ],
  config: { Env: [PATH_ENV], Entrypoint: ["/pause"], User: "65535:65535", WorkingDir: "/" },
});
