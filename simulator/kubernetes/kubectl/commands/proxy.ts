/** kubectl proxy: the API server on a local port, with this user's credentials. */
import { decodeUtf8, encodeUtf8, NO_BYTES } from "../../../base/bytes";
import type { ApiResponse } from "../../../base/door";
import type { Task } from "../../../base/task";
import { boolFlag, intFlag, stringFlag } from "../../../cli/flags";
import type { Factory } from "../factory";
import { ApiFailure, ConnectionFailure, fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import type { LocalConnection } from "../local-listener";
import { rawBody } from "../raw";

export const proxy = defineKubectlCommand({
  use: "proxy [--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix]",
  short: "Run a proxy to the Kubernetes API server",
  group: "Troubleshooting and Debugging Commands",
  long: "Creates a proxy server or application-level gateway between localhost and the Kubernetes API server.",
  flags: {
    "accept-hosts": stringFlag(
      "^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$",
      "Regular expression for hosts that the proxy should accept.",
    ),
    address: stringFlag("127.0.0.1", "The IP address on which to serve on."),
    "api-prefix": stringFlag("/", "Prefix to serve the proxied API under."),
    "disable-filter": boolFlag(
      false,
      "If true, disable request filtering in the proxy. This is dangerous, and can leave you vulnerable to XSRF attacks, when used with an accessible port.",
    ),
    port: intFlag(8001, "The port on which to run the proxy. Set to 0 to pick a random port.", { shorthand: "p" }),
    "reject-methods": stringFlag(
      "^$",
      "Regular expression for HTTP methods that the proxy should reject (example --reject-methods='POST,PUT,PATCH').",
    ),
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    const listener = factory.listen(flags.address, flags.port);
    if ("failure" in listener) return fail(`listen tcp ${flags.address}:${flags.port}: ${listener.failure}`);
    yield* process.print(`Starting to serve on ${flags.address}:${listener.port}\n`);
    for (;;) {
      const connection = yield* listener.accept();
      process.thread(serve(factory, connection));
    }
  },
});

/** One HTTP/1.1 exchange a connection. */
function* serve(factory: Factory, connection: LocalConnection): Task<void> {
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const bytes = yield* connection.read(65_536);
    if (bytes === NO_BYTES) return connection.close();
    text += bytes;
  }
  const [head = "", rest = ""] = text.split(/\r\n\r\n([\s\S]*)/, 2) as [string, string?];
  const [method = "GET", target = "/"] = head.split("\r\n")[0]!.split(" ");
  const length = Number(/content-length:\s*(\d+)/i.exec(head)?.[1] ?? 0);
  let body = rest;
  while (body.length < length) {
    const bytes = yield* connection.read(65_536);
    if (bytes === NO_BYTES) break;
    body += bytes;
  }
  const { status, content } = yield* ask(factory, method, target, body, isForHumans(head));
  const payload = encodeUtf8(content);
  const type = content.startsWith("{") ? "application/json" : "text/plain; charset=utf-8";
  yield* connection.write(
    encodeUtf8(
      `HTTP/1.1 ${status} ${status < 400 ? "OK" : "Error"}\r\nContent-Type: ${type}\r\nContent-Length: ${payload.length}\r\nConnection: close\r\n\r\n`,
    ),
  );
  yield* connection.write(payload);
  connection.close();
}

/** The API server indents its answers for browsers and for curl and wget. */
const isForHumans = (head: string): boolean => /^user-agent: *(curl|wget|mozilla\/5\.0)/im.test(head);

function* ask(
  factory: Factory,
  method: string,
  target: string,
  body: string,
  isPretty: boolean,
): Task<{ readonly status: number; readonly content: string }> {
  const [path = "/", queryText = ""] = target.split("?");
  try {
    const query: Record<string, string> = {};
    for (const pair of queryText.split("&")) {
      const [key, value = ""] = pair.split("=");
      if (key) query[decodeURIComponent(key)] = decodeURIComponent(value);
    }
    const json: unknown = body === "" ? undefined : JSON.parse(decodeUtf8(body as never));
    const answer: ApiResponse = yield* factory.client.send(method as "GET", decodeURIComponent(path), {
      query,
      body: json,
    });
    return { status: answer.status, content: rawBody(answer, isPretty) };
  } catch (error) {
    if (error instanceof ApiFailure)
      return { status: error.status.code ?? 500, content: rawBody({ status: 200, body: error.status }, isPretty) };
    if (error instanceof ConnectionFailure) return { status: 502, content: `${error.message}\n` };
    if (error instanceof SyntaxError || error instanceof URIError)
      return { status: 400, content: `${error.message}\n` };
    throw error;
  }
}
