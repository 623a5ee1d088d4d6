/** Redis: a server that speaks RESP over connections, its client, and the image. */
import { type Bytes, NO_BYTES, decodeUtf8, encodeUtf8 } from "../base/bytes";
import { civilTime } from "../base/clock";
import type { Task } from "../base/task";
import { netOf } from "../net/netns";
import { addressesOf } from "../net/http";
import { SysError } from "../os/errno";
import { LineReader, type Process, type Program } from "../os/process";
import { months, two, untilSignal, waitSignal } from "./programs";

const VERSION = "8.0.2";
const BASE_MEMORY = 3_600_000;

type Value =
  | { readonly kind: "string"; text: string }
  | { readonly kind: "list"; items: string[] }
  | { readonly kind: "hash"; fields: Map<string, string> }
  | { readonly kind: "set"; members: Set<string> };

/** What a command answers, before it is written as RESP. */
type Reply = { readonly status: string } | { readonly error: string } | number | string | null | readonly Reply[];

const WRONG_TYPE: Reply = { error: "WRONGTYPE Operation against a key holding the wrong kind of value" };

class Store {
  readonly values = new Map<string, Value>();
  readonly expires = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): Value | undefined {
    const until = this.expires.get(key);
    if (until !== undefined && until <= this.#now()) this.delete(key);
    return this.values.get(key);
  }

  set(key: string, value: Value): void {
    this.values.set(key, value);
    this.expires.delete(key);
  }

  delete(key: string): boolean {
    this.expires.delete(key);
    return this.values.delete(key);
  }

  keys(): string[] {
    return [...this.values.keys()].filter((key) => this.get(key) !== undefined);
  }

  get bytes(): number {
    let bytes = 0;
    for (const [key, value] of this.values) {
      bytes += key.length + 48;
      if (value.kind === "string") bytes += value.text.length;
      else if (value.kind === "list") for (const item of value.items) bytes += item.length + 16;
      else if (value.kind === "hash")
        for (const [field, text] of value.fields) bytes += field.length + text.length + 32;
      else for (const member of value.members) bytes += member.length + 24;
    }
    return bytes;
  }

  dump(): string {
    return JSON.stringify(
      [...this.values].map(([key, value]) => [
        key,
        value.kind,
        value.kind === "string"
          ? value.text
          : value.kind === "list"
            ? value.items
            : value.kind === "hash"
              ? [...value.fields]
              : [...value.members],
        this.expires.get(key) ?? null,
      ]),
    );
  }

  load(text: string): void {
    for (const [key, kind, data, expires] of JSON.parse(text) as [string, Value["kind"], never, number | null][]) {
      const value: Value =
        kind === "string"
          ? { kind, text: data }
          : kind === "list"
            ? { kind, items: data }
            : kind === "hash"
              ? { kind, fields: new Map(data) }
              : { kind, members: new Set(data) };
      this.values.set(key, value);
      if (expires !== null) this.expires.set(key, expires);
    }
  }
}

const OK: Reply = { status: "OK" };
const arity = (name: string): Reply => ({ error: `ERR wrong number of arguments for '${name.toLowerCase()}' command` });

const glob = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".")}$`,
    "s",
  );

interface Session {
  authenticated: boolean;
  closing: boolean;
}

/** One command's effect on the store. */
function execute(store: Store, words: readonly string[], session: Session, server: RedisServer): Reply {
  const name = (words[0] ?? "").toUpperCase();
  const args = words.slice(1);
  const [key = "", second = "", third = ""] = args;
  if (server.password !== "" && !session.authenticated && !["AUTH", "HELLO", "QUIT"].includes(name))
    return { error: "NOAUTH Authentication required." };
  const text = (): Reply | { value: string | undefined } => {
    const value = store.get(key);
    return value && value.kind !== "string" ? WRONG_TYPE : { value: value?.text };
  };
  const list = (): string[] | undefined | Reply => {
    const value = store.get(key);
    return value ? (value.kind === "list" ? value.items : WRONG_TYPE) : undefined;
  };
  const number = (raw: string): number | undefined => (/^-?\d+$/.test(raw) ? Number(raw) : undefined);
  const add = (delta: number | undefined): Reply => {
    const current = text();
    if (current === WRONG_TYPE) return WRONG_TYPE;
    const value = number((current as { value: string | undefined }).value ?? "0");
    if (value === undefined || delta === undefined) return { error: "ERR value is not an integer or out of range" };
    const until = store.expires.get(key);
    store.set(key, { kind: "string", text: String(value + delta) });
    if (until !== undefined) store.expires.set(key, until);
    return value + delta;
  };
  switch (name) {
    case "PING":
      return args.length === 0 ? { status: "PONG" } : key;
    case "ECHO":
      return args.length === 1 ? key : arity(name);
    case "AUTH": {
      const password = args.at(-1) ?? "";
      if (server.password === "")
        return {
          error:
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
        };
      if (password !== server.password)
        return { error: "WRONGPASS invalid username-password pair or user is disabled." };
      session.authenticated = true;
      return OK;
    }
    case "QUIT":
      session.closing = true;
      return OK;
    case "SELECT":
      return key === "0" ? OK : { error: "ERR DB index is out of range" };
    case "SET": {
      if (args.length < 2) return arity(name);
      const options = args.slice(2).map((word) => word.toUpperCase());
      const exists = store.get(key) !== undefined;
      if ((options.includes("NX") && exists) || (options.includes("XX") && !exists)) return null;
      store.set(key, { kind: "string", text: second });
      const ex = options.indexOf("EX");
      const px = options.indexOf("PX");
      if (ex >= 0) store.expires.set(key, server.now() + Number(options[ex + 1]) * 1000);
      if (px >= 0) store.expires.set(key, server.now() + Number(options[px + 1]));
      return OK;
    }
    case "SETNX":
      if (store.get(key)) return 0;
      store.set(key, { kind: "string", text: second });
      return 1;
    case "SETEX":
      store.set(key, { kind: "string", text: third });
      store.expires.set(key, server.now() + Number(second) * 1000);
      return OK;
    case "GET": {
      if (args.length !== 1) return arity(name);
      const value = text();
      return value === WRONG_TYPE ? WRONG_TYPE : ((value as { value: string | undefined }).value ?? null);
    }
    case "GETDEL": {
      const value = text();
      if (value === WRONG_TYPE) return WRONG_TYPE;
      store.delete(key);
      return (value as { value: string | undefined }).value ?? null;
    }
    case "MSET":
      if (args.length === 0 || args.length % 2 === 1) return arity(name);
      for (let i = 0; i < args.length; i += 2) store.set(args[i]!, { kind: "string", text: args[i + 1]! });
      return OK;
    case "MGET":
      return args.map((each) => {
        const value = store.get(each);
        return value?.kind === "string" ? value.text : null;
      });
    case "APPEND": {
      const value = text();
      if (value === WRONG_TYPE) return WRONG_TYPE;
      const joined = ((value as { value: string | undefined }).value ?? "") + second;
      store.set(key, { kind: "string", text: joined });
      return joined.length;
    }
    case "STRLEN": {
      const value = text();
      return value === WRONG_TYPE ? WRONG_TYPE : ((value as { value: string | undefined }).value ?? "").length;
    }
    case "INCR":
      return args.length === 1 ? add(1) : arity(name);
    case "DECR":
      return args.length === 1 ? add(-1) : arity(name);
    case "INCRBY":
      return args.length === 2 ? add(number(second)) : arity(name);
    case "DECRBY":
      return args.length === 2 ? add(-(number(second) ?? Number.NaN) || 0) : arity(name);
    case "DEL":
    case "UNLINK":
      return args.length === 0 ? arity(name) : args.filter((each) => store.get(each) && store.delete(each)).length;
    case "EXISTS":
      return args.filter((each) => store.get(each)).length;
    case "EXPIRE":
      if (!store.get(key)) return 0;
      store.expires.set(key, server.now() + Number(second) * 1000);
      return 1;
    case "PERSIST":
      return store.expires.delete(key) ? 1 : 0;
    case "TTL":
    case "PTTL": {
      if (!store.get(key)) return -2;
      const until = store.expires.get(key);
      if (until === undefined) return -1;
      return name === "TTL" ? Math.round((until - server.now()) / 1000) : Math.round(until - server.now());
    }
    case "TYPE":
      return { status: store.get(key)?.kind ?? "none" };
    case "KEYS":
      return args.length === 1 ? store.keys().filter((each) => glob(key).test(each)) : arity(name);
    case "SCAN":
      return ["0", store.keys()];
    case "DBSIZE":
      return store.keys().length;
    case "FLUSHALL":
    case "FLUSHDB":
      store.values.clear();
      store.expires.clear();
      return OK;
    case "RENAME": {
      const value = store.get(key);
      if (!value) return { error: "ERR no such key" };
      store.delete(key);
      store.set(second, value);
      return OK;
    }
    case "LPUSH":
    case "RPUSH": {
      if (args.length < 2) return arity(name);
      const items = list();
      if (items === WRONG_TYPE) return WRONG_TYPE;
      const all = (items as string[] | undefined) ?? [];
      for (const item of args.slice(1)) name === "LPUSH" ? all.unshift(item) : all.push(item);
      store.values.set(key, { kind: "list", items: all });
      return all.length;
    }
    case "LPOP":
    case "RPOP": {
      const items = list();
      if (items === WRONG_TYPE) return WRONG_TYPE;
      const all = items as string[] | undefined;
      const popped = name === "LPOP" ? all?.shift() : all?.pop();
      if (all?.length === 0) store.delete(key);
      return popped ?? null;
    }
    case "LLEN": {
      const items = list();
      return items === WRONG_TYPE ? WRONG_TYPE : ((items as string[] | undefined)?.length ?? 0);
    }
    case "LRANGE": {
      const items = list();
      if (items === WRONG_TYPE) return WRONG_TYPE;
      const all = (items as string[] | undefined) ?? [];
      const at = (raw: string): number => (Number(raw) < 0 ? Math.max(0, all.length + Number(raw)) : Number(raw));
      return all.slice(at(second), at(third) + 1);
    }
    case "HSET": {
      if (args.length < 3 || args.length % 2 === 0) return arity(name);
      const value = store.get(key) ?? { kind: "hash" as const, fields: new Map<string, string>() };
      if (value.kind !== "hash") return WRONG_TYPE;
      let added = 0;
      for (let i = 1; i < args.length; i += 2) {
        if (!value.fields.has(args[i]!)) added++;
        value.fields.set(args[i]!, args[i + 1]!);
      }
      store.values.set(key, value);
      return added;
    }
    case "HGET":
    case "HGETALL":
    case "HKEYS":
    case "HVALS":
    case "HLEN":
    case "HDEL": {
      const value = store.get(key);
      if (value && value.kind !== "hash") return WRONG_TYPE;
      const fields = value?.fields ?? new Map<string, string>();
      if (name === "HGET") return fields.get(second) ?? null;
      if (name === "HGETALL") return [...fields].flat();
      if (name === "HKEYS") return [...fields.keys()];
      if (name === "HVALS") return [...fields.values()];
      if (name === "HLEN") return fields.size;
      const removed = args.slice(1).filter((field) => fields.delete(field)).length;
      if (fields.size === 0) store.delete(key);
      return removed;
    }
    case "SADD":
    case "SREM":
    case "SMEMBERS":
    case "SCARD":
    case "SISMEMBER": {
      const value = store.get(key) ?? { kind: "set" as const, members: new Set<string>() };
      if (value.kind !== "set") return WRONG_TYPE;
      if (name === "SMEMBERS") return [...value.members];
      if (name === "SCARD") return value.members.size;
      if (name === "SISMEMBER") return value.members.has(second) ? 1 : 0;
      const before = value.members.size;
      for (const member of args.slice(1)) name === "SADD" ? value.members.add(member) : value.members.delete(member);
      if (value.members.size === 0) store.delete(key);
      else store.values.set(key, value);
      return Math.abs(value.members.size - before);
    }
    case "INFO":
      return server.info(key.toLowerCase());
    case "CONFIG":
      if (key.toUpperCase() === "GET")
        return second === "maxmemory"
          ? ["maxmemory", "0"]
          : second === "port"
            ? ["port", String(server.port)]
            : second === "dir"
              ? ["dir", server.dir]
              : [];
      return key.toUpperCase() === "SET" ? OK : { error: `ERR unknown subcommand '${key}'. Try CONFIG HELP.` };
    case "CLIENT":
    case "COMMAND":
      return key.toUpperCase() === "SETINFO" || key.toUpperCase() === "SETNAME" ? OK : [];
    case "TIME":
      return [String(Math.floor(server.now() / 1000)), String(Math.floor((server.now() % 1000) * 1000))];
    case "SAVE":
    case "BGSAVE":
      server.save();
      return name === "SAVE" ? OK : { status: "Background saving started" };
    case "SHUTDOWN":
      session.closing = true;
      server.stop();
      return OK;
    default:
      return {
        error: `ERR unknown command '${words[0]}', with args beginning with: ${args.map((each) => `'${each}' `).join("")}`,
      };
  }
}

function encode(reply: Reply): string {
  if (reply === null) return "$-1\r\n";
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (typeof reply === "string") {
    const bytes = encodeUtf8(reply);
    return `$${bytes.length}\r\n${bytes}\r\n`;
  }
  if ("status" in reply) return `+${reply.status}\r\n`;
  if ("error" in reply) return `-${reply.error}\r\n`;
  return `*${reply.length}\r\n${reply.map(encode).join("")}`;
}

/** Commands as they come: RESP arrays, or plain lines typed with nc or telnet. */
function takeCommand(buffer: string): { readonly words: string[]; readonly rest: string } | undefined {
  if (!buffer.startsWith("*")) {
    const end = buffer.indexOf("\n");
    if (end < 0) return undefined;
    return { words: buffer.slice(0, end).trim().split(/\s+/).filter(Boolean), rest: buffer.slice(end + 1) };
  }
  let at = buffer.indexOf("\r\n");
  if (at < 0) return undefined;
  const count = Number(buffer.slice(1, at));
  at += 2;
  const words: string[] = [];
  for (let i = 0; i < count; i++) {
    const end = buffer.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const length = Number(buffer.slice(at + 1, end));
    if (buffer.length < end + 2 + length + 2) return undefined;
    words.push(decodeUtf8(buffer.slice(end + 2, end + 2 + length) as Bytes));
    at = end + 4 + length;
  }
  return { words, rest: buffer.slice(at) };
}

class RedisServer {
  readonly process: Process;
  readonly port: number;
  readonly password: string;
  readonly dir: string;
  readonly store: Store;
  stop: () => void = () => {};
  commands = 0;
  readonly #startedAt: number;

  constructor(process: Process, port: number, password: string, dir: string) {
    this.process = process;
    this.port = port;
    this.password = password;
    this.dir = dir;
    this.store = new Store(() => process.now());
    this.#startedAt = process.now();
  }

  now(): number {
    return this.process.now();
  }

  *log(role: "C" | "M" | "signal-handler", level: "*" | "#", text: string): Task<void> {
    const t = civilTime(this.now());
    const time = `${two(t.day)} ${months[t.month - 1]} ${t.year} ${two(t.hour)}:${two(t.minute)}:${two(t.second)}.${String(t.millisecond).padStart(3, "0")}`;
    yield* this.process.print(`${this.process.nsPid}:${role} ${time} ${level} ${text}\n`);
  }

  /** Whether the snapshot could be written. */
  save(): boolean {
    try {
      this.process.fs.writeFile(`${this.dir}/dump.rdb`, encodeUtf8(this.store.dump()));
      return true;
    } catch (error) {
      if (error instanceof SysError) return false;
      throw error;
    }
  }

  info(section: string): string {
    const seconds = Math.floor((this.now() - this.#startedAt) / 1000);
    const parts: Record<string, string> = {
      server: `# Server\r\nredis_version:${VERSION}\r\nredis_mode:standalone\r\nos:Linux ${this.process.kernel.release} x86_64\r\nprocess_id:${this.process.nsPid}\r\ntcp_port:${this.port}\r\nuptime_in_seconds:${seconds}\r\n`,
      clients: "# Clients\r\nconnected_clients:1\r\n",
      memory: `# Memory\r\nused_memory:${this.process.memoryBytes}\r\n`,
      stats: `# Stats\r\ntotal_commands_processed:${this.commands}\r\n`,
      replication: "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n",
      keyspace: `# Keyspace\r\n${this.store.keys().length > 0 ? `db0:keys=${this.store.keys().length},expires=${this.store.expires.size},avg_ttl=0\r\n` : ""}`,
    };
    return section && parts[section] ? parts[section]! : Object.values(parts).join("\r\n");
  }
}

export const redisServer: Program = function* (process) {
  const option = (name: string): string | undefined => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  if (process.argv.includes("--version") || process.argv.includes("-v")) {
    yield* process.print(
      `Redis server v=${VERSION} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=5a2a1a29b5a1c5f5\n`,
    );
    return 0;
  }
  const port = Number(option("port") ?? 6379);
  const server = new RedisServer(
    process,
    port,
    option("requirepass") ?? "",
    process.cwd === "/" ? "/data" : process.cwd,
  );
  process.resizeMemory(BASE_MEMORY);
  yield* server.log("C", "*", "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
  yield* server.log(
    "C",
    "*",
    `Redis version=${VERSION}, bits=64, commit=00000000, modified=0, pid=${process.nsPid}, just started`,
  );
  yield* server.log("C", "*", "Configuration loaded");
  yield* server.log("M", "*", "monotonic clock: POSIX clock_gettime");
  yield* process.sleep(1);
  yield* server.log("M", "*", `Running mode=standalone, port=${port}.`);
  const snapshot = process.fs.find(`${server.dir}/dump.rdb`);
  let listener: ReturnType<ReturnType<typeof netOf>["listen"]>;
  try {
    listener = netOf(process).listen({ port, owner: process });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* server.log("M", "#", `Warning: Could not create server TCP listening socket *:${port}: bind: ${error.text}`);
    yield* server.log("M", "#", "Failed listening on port " + `${port} (tcp), aborting.`);
    return 1;
  }
  yield* server.log("M", "*", "Server initialized");
  if (snapshot?.kind === "file" && snapshot.content.startsWith("[")) {
    server.store.load(decodeUtf8(snapshot.content));
    yield* server.log("M", "*", "Loading RDB produced by version " + VERSION);
    yield* server.log("M", "*", `Done loading RDB, keys loaded: ${server.store.keys().length}, keys expired: 0.`);
    yield* server.log("M", "*", "DB loaded from disk: 0.000 seconds");
  }
  yield* server.log("M", "*", "Ready to accept connections tcp");
  process.argv = ["redis-server", `*:${port}`];
  const ended = untilSignal(process, ["TERM", "INT"]);
  server.stop = () => ended.resolve("TERM");
  process.thread(
    (function* (): Task<void> {
      for (;;) {
        const connection = yield* listener.accept(process);
        process.thread(serve(server, connection as unknown as Socket));
      }
    })(),
  );
  const signal = yield* waitSignal(ended);
  yield* process.print(
    `${process.nsPid}:signal-handler (${Math.floor(process.now() / 1000)}) Received SIG${signal} scheduling shutdown...\n`,
  );
  yield* process.sleep(20);
  yield* server.log("M", "*", "User requested shutdown...");
  yield* server.log("M", "*", "Saving the final RDB snapshot before exiting.");
  if (server.save()) yield* server.log("M", "*", "DB saved on disk");
  yield* server.log("M", "#", "Redis is now ready to exit, bye bye...");
  return 0;
};

interface Socket {
  read(max?: number): Task<Bytes>;
  write(bytes: Bytes): Task<void>;
  close(): void;
}

function* serve(server: RedisServer, socket: Socket): Task<void> {
  const session: Session = { authenticated: false, closing: false };
  let buffer = "";
  try {
    while (!session.closing) {
      const bytes = yield* socket.read();
      if (bytes === NO_BYTES) break;
      buffer += bytes;
      for (let command = takeCommand(buffer); command; command = takeCommand(buffer)) {
        buffer = command.rest;
        if (command.words.length === 0) continue;
        server.commands++;
        const reply = execute(server.store, command.words, session, server);
        server.process.resizeMemory(BASE_MEMORY + server.store.bytes);
        yield* socket.write(encode(reply) as Bytes);
      }
    }
    socket.close();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
}

// ---- redis-cli -----------------------------------------------------------------------------------------------------

/** Reads one reply; undefined while it is incomplete. */
function takeReply(buffer: string): { readonly reply: Reply; readonly rest: string } | undefined {
  const end = buffer.indexOf("\r\n");
  if (end < 0) return undefined;
  const line = buffer.slice(1, end);
  const rest = buffer.slice(end + 2);
  switch (buffer[0]) {
    case "+":
      return { reply: { status: line }, rest };
    case "-":
      return { reply: { error: line }, rest };
    case ":":
      return { reply: Number(line), rest };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, rest };
      if (rest.length < length + 2) return undefined;
      return { reply: decodeUtf8(rest.slice(0, length) as Bytes), rest: rest.slice(length + 2) };
    }
    default: {
      const items: Reply[] = [];
      let remaining = rest;
      for (let i = 0; i < Number(line); i++) {
        const item = takeReply(remaining);
        if (!item) return undefined;
        items.push(item.reply);
        remaining = item.rest;
      }
      return { reply: items, rest: remaining };
    }
  }
}

/** As redis-cli prints replies: quoted and typed on a terminal, plain into a pipe. */
function show(reply: Reply, isTerminal: boolean, indent = ""): string {
  if (reply === null) return isTerminal ? "(nil)\n" : "\n";
  if (typeof reply === "number") return isTerminal ? `(integer) ${reply}\n` : `${reply}\n`;
  if (typeof reply === "string")
    return isTerminal
      ? `"${reply.replace(/[\\"]/g, "\\$&").replace(/\r/g, "\\r").replace(/\n/g, "\\n")}"\n`
      : `${reply}\n`;
  if ("status" in reply) return `${reply.status}\n`;
  if ("error" in reply) return isTerminal ? `(error) ${reply.error}\n` : `${reply.error}\n\n`;
  if (reply.length === 0) return isTerminal ? "(empty array)\n" : "\n";
  if (!isTerminal) return reply.map((item) => show(item, false)).join("");
  const width = String(reply.length).length;
  return reply
    .map(
      (item, i) =>
        `${i === 0 ? "" : indent}${String(i + 1).padStart(width)}) ${show(item, true, `${indent}${" ".repeat(width + 2)}`)}`,
    )
    .join("");
}

export const redisCli: Program = function* (process) {
  const args = process.argv.slice(1);
  let host = "127.0.0.1";
  let port = 6379;
  let password = process.env["REDISCLI_AUTH"] ?? "";
  let repeat = 1;
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (words.length > 0) words.push(arg);
    else if (arg === "-h") host = args[++i] ?? host;
    else if (arg === "-p") port = Number(args[++i]);
    else if (arg === "-a" || arg === "--pass") {
      password = args[++i] ?? "";
      yield* process.printError(
        "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n",
      );
    } else if (arg === "-r") repeat = Number(args[++i]);
    else if (arg === "--version" || arg === "-v") {
      yield* process.print(`redis-cli ${VERSION}\n`);
      return 0;
    } else if (["-n", "-i"].includes(arg)) i++;
    else if (arg === "--raw" || arg === "--no-auth-warning") continue;
    else words.push(arg);
  }
  let socket: Socket;
  try {
    const [address] = yield* addressesOf(process, host);
    if (address === undefined) {
      yield* process.printError(`Could not connect to Redis at ${host}:${port}: Name or service not known\n`);
      return 1;
    }
    socket = (yield* netOf(process).connect(process, { address, port })) as unknown as Socket;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    yield* process.printError(`Could not connect to Redis at ${host}:${port}: ${error.text}\n`);
    return 1;
  }
  const isTerminal = process.ttyOf(1) !== undefined;
  let buffer = "";
  const ask = function* (command: readonly string[]): Task<Reply | undefined> {
    yield* socket.write(encode([...command]) as Bytes);
    for (;;) {
      const taken = takeReply(buffer);
      if (taken) {
        buffer = taken.rest;
        return taken.reply;
      }
      const bytes = yield* socket.read();
      if (bytes === NO_BYTES) return undefined;
      buffer += bytes;
    }
  };
  if (password !== "") yield* ask(["AUTH", password]);
  if (words.length > 0) {
    for (let i = 0; i < repeat; i++) {
      const reply = yield* ask(words);
      if (reply === undefined) {
        yield* process.printError("Error: Server closed the connection\n");
        return 1;
      }
      yield* process.print(show(reply, isTerminal));
      if (typeof reply === "object" && reply !== null && "error" in reply) return 1;
    }
    return 0;
  }
  const prompt = `${host}:${port}> `;
  const lines = new LineReader(process);
  for (;;) {
    if (process.ttyOf(0)) yield* process.print(prompt);
    const line = yield* lines.next();
    if (!line) return 0;
    const command = (decodeUtf8(line.line).match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) =>
      word.replace(/^(["'])(.*)\1$/, "$2"),
    );
    if (command.length === 0) continue;
    if (["quit", "exit"].includes(command[0]!.toLowerCase())) return 0;
    const reply = yield* ask(command);
    if (reply === undefined) {
      yield* process.printError("Error: Server closed the connection\nnot connected> \n");
      return 1;
    }
    yield* process.print(show(reply, isTerminal));
  }
};
