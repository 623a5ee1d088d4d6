/** PostgreSQL, MySQL, MongoDB: they start, log as the real ones do, refuse to start without their settings, and listen. */
import { encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import { addressesOf } from "../net/http";
import { netOf } from "../net/netns";
import { SysError } from "../os/errno";
import type { Process, Program } from "../os/process";
import { dashTime, untilSignal, waitSignal } from "./programs";

interface Socket {
  read(max?: number): Task<string>;
  close(): void;
}

/** Accepts connections and holds them open: the wire protocols themselves are not simulated. */
function* hold(process: Process, port: number, greeting = ""): Task<void> {
  const listener = netOf(process).listen({ port, owner: process });
  for (;;) {
    const connection = yield* listener.accept(process);
    process.thread(
      (function* (): Task<void> {
        try {
          const socket = connection as unknown as Socket & { write(bytes: string): Task<void> };
          if (greeting !== "") yield* socket.write(greeting);
          while ((yield* socket.read()) !== "") {
            // What clients say is taken and not understood.
          }
          socket.close();
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
        }
      })(),
    );
  }
}

const isEmpty = (process: Process, dir: string): boolean => {
  const node = process.fs.find(dir);
  return node?.kind !== "dir" || node.entries.size === 0;
};

const postgresServer: Program = function* (process) {
  const data = process.env["PGDATA"] ?? "/var/lib/postgresql/data";
  const log = (pid: number, text: string): Task<void> =>
    process.printError(`${dashTime(process.now())} UTC [${pid}] LOG:  ${text}\n`);
  const isFirst = isEmpty(process, data);
  process.resizeMemory(12_000_000);
  if (isFirst) {
    const password = process.env["POSTGRES_PASSWORD"];
    if (!password && process.env["POSTGRES_HOST_AUTH_METHOD"] !== "trust") {
      yield* process.printError(
        'Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n\n       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all\n       connections without a password. This is *not* recommended.\n\n       See PostgreSQL documentation about "trust":\n       https://www.postgresql.org/docs/current/auth-trust.html\n',
      );
      return 1;
    }
    yield* process.print(
      `The files belonging to this database system will be owned by user "postgres".\nThis user must also own the server process.\n\nThe database cluster will be initialized with locale "en_US.utf8".\nThe default database encoding has accordingly been set to "UTF8".\nThe default text search configuration will be set to "english".\n\nData page checksums are disabled.\n\nfixing permissions on existing directory ${data} ... ok\ncreating subdirectories ... ok\n`,
    );
    yield* process.compute(700);
    process.fs.makeDirs(`${data}/base`);
    process.fs.writeFile(`${data}/PG_VERSION`, encodeUtf8("17\n"));
    yield* process.print(
      "running bootstrap script ... ok\nperforming post-bootstrap initialization ... ok\nsyncing data to disk ... ok\n\n\nSuccess.\n\n",
    );
    yield* process.print("\nPostgreSQL init process complete; ready for start up.\n\n");
  } else
    yield* process.print("\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n");
  const pid = process.nsPid;
  yield* log(
    pid,
    "starting PostgreSQL 17.6 (Debian 17.6-1.pgdg13+1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit",
  );
  yield* log(pid, 'listening on IPv4 address "0.0.0.0", port 5432');
  yield* log(pid, 'listening on IPv6 address "::", port 5432');
  yield* log(pid, 'listening on Unix socket "/var/run/postgresql/.s.PGSQL.5432"');
  process.thread(hold(process, 5432));
  yield* process.sleep(30);
  yield* log(pid + 28, `database system was shut down at ${dashTime(process.now() - 300, false)} UTC`);
  yield* log(pid, "database system is ready to accept connections");
  const signal = yield* waitSignal(untilSignal(process, ["TERM", "INT", "QUIT"]));
  yield* log(pid, `received ${signal === "TERM" ? "smart" : signal === "INT" ? "fast" : "immediate"} shutdown request`);
  if (signal === "INT") yield* log(pid, "aborting any active transactions");
  yield* process.sleep(30);
  yield* log(pid, "database system is shut down");
  return 0;
};

const mysqlServer: Program = function* (process) {
  const note = (text: string): Task<void> =>
    process.print(
      `${dashTime(process.now(), false).replace(" ", "T").replace("T", " ")}+00:00 [Note] [Entrypoint]: ${text}\n`,
    );
  const data = "/var/lib/mysql";
  const isMariaDb = process.env["MARIADB_VERSION"] !== undefined;
  process.resizeMemory(30_000_000);
  yield* note(`Entrypoint script for ${isMariaDb ? "MariaDB Server 11.8.3" : "MySQL Server 8.4.6-1.el9"} started.`);
  if (isEmpty(process, data)) {
    const names = isMariaDb
      ? [
          "MARIADB_ROOT_PASSWORD",
          "MYSQL_ROOT_PASSWORD",
          "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
          "MARIADB_RANDOM_ROOT_PASSWORD",
        ]
      : ["MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD"];
    if (!names.some((name) => process.env[name])) {
      const error = isMariaDb
        ? "Database is uninitialized and password option is not specified\n\tYou need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ROOT_PASSWORD_HASH, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD"
        : "Database is uninitialized and password option is not specified\n    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD";
      yield* process.printError(`${dashTime(process.now(), false)}+00:00 [ERROR] [Entrypoint]: ${error}\n`);
      return 1;
    }
    yield* note("Initializing database files");
    yield* process.compute(2500);
    process.fs.makeDirs(`${data}/mysql`);
    yield* note("Database files initialized");
    yield* note("Starting temporary server");
    yield* process.compute(800);
    yield* note("Temporary server started.");
    const database = process.env["MYSQL_DATABASE"] ?? process.env["MARIADB_DATABASE"];
    if (database) yield* note(`Creating database ${database}`);
    const user = process.env["MYSQL_USER"] ?? process.env["MARIADB_USER"];
    if (user) yield* note(`Creating user ${user}`);
    yield* note("Stopping temporary server");
    yield* note("Temporary server stopped");
    yield* note(`${isMariaDb ? "MariaDB" : "MySQL"} init process done. Ready for start up.`);
  }
  yield* process.compute(400);
  process.thread(hold(process, 3306, "J\0\0\0\n8.4.6\0"));
  const time = `${dashTime(process.now()).replace(" ", "T")}000Z`;
  yield* process.printError(
    isMariaDb
      ? `${dashTime(process.now(), false)} 0 [Note] mariadbd: ready for connections.\nVersion: '11.8.3-MariaDB-ubu2404'  socket: '/run/mysqld/mysqld.sock'  port: 3306  mariadb.org binary distribution\n`
      : `${time} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.4.6'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306  MySQL Community Server - GPL.\n`,
  );
  yield* waitSignal(untilSignal(process, ["TERM", "INT"]));
  yield* process.sleep(200);
  yield* process.printError(
    `${dashTime(process.now()).replace(" ", "T")}000Z 0 [System] [MY-010910] [Server] /usr/sbin/mysqld: Shutdown complete (mysqld 8.4.6)  MySQL Community Server - GPL.\n`,
  );
  return 0;
};

const mongoServer: Program = function* (process) {
  const log = (component: string, id: number, message: string, attr: object = {}): Task<void> =>
    process.print(
      `${JSON.stringify({ t: { $date: `${dashTime(process.now()).replace(" ", "T")}+00:00` }, s: "I", c: component, id, ctx: "initandlisten", msg: message, ...(Object.keys(attr).length ? { attr } : {}) })}\n`,
    );
  process.resizeMemory(24_000_000);
  yield* log("CONTROL", 4615611, "MongoDB starting", {
    pid: process.nsPid,
    port: 27_017,
    dbPath: "/data/db",
    architecture: "64-bit",
    host: process.context.hostname(),
  });
  yield* log("CONTROL", 23403, "Build Info", { buildInfo: { version: "8.0.13" } });
  yield* process.compute(300);
  process.thread(hold(process, 27_017));
  yield* log("NETWORK", 23015, "Listening on", { address: "0.0.0.0" });
  yield* log("NETWORK", 23016, "Waiting for connections", { port: 27_017, ssl: "off" });
  yield* waitSignal(untilSignal(process, ["TERM", "INT"]));
  yield* log("CONTROL", 23377, "Received signal", { signal: 15, error: "Terminated" });
  yield* log("CONTROL", 20565, "Now exiting");
  return 0;
};

/** Whether a server listens: what pg_isready, mysqladmin ping and their like find out. */
function* probe(process: Process, host: string, port: number): Task<boolean> {
  try {
    const [address] = yield* addressesOf(process, host);
    if (address === undefined) return false;
    const socket = yield* netOf(process).connect(process, { address, port });
    socket.close();
    return true;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

const option = (process: Process, flags: readonly string[], fallback: string): string => {
  for (const flag of flags) {
    const at = process.argv.indexOf(flag);
    if (at >= 0) return process.argv[at + 1] ?? fallback;
    const joined = process.argv.find((arg) => arg.startsWith(`${flag}=`));
    if (joined) return joined.slice(flag.length + 1);
  }
  return fallback;
};

const pgIsready: Program = function* (process) {
  const host = option(process, ["-h", "--host"], "127.0.0.1");
  const port = Number(option(process, ["-p", "--port"], "5432"));
  const accepts = yield* probe(process, host, port);
  yield* process.print(
    `${host === "127.0.0.1" ? "/var/run/postgresql" : host}:${port} - ${accepts ? "accepting connections" : "no response"}\n`,
  );
  return accepts ? 0 : 2;
};

const mysqladmin: Program = function* (process) {
  const host = option(process, ["-h", "--host"], "127.0.0.1");
  if (!process.argv.includes("ping")) {
    yield* process.printError("mysqladmin: only ping is simulated\n");
    return 1;
  }
  if (yield* probe(process, host, 3306)) {
    yield* process.print("mysqld is alive\n");
    return 0;
  }
  yield* process.printError(
    `mysqladmin: connect to server at '${host}' failed\nerror: 'Can't connect to MySQL server on '${host}:3306' (111)'\nCheck that mysqld is running on ${host} and that the port is 3306.\n`,
  );
  return 1;
};

/** A client whose query language is not simulated says so. */
const noQueries = (name: string, instead: string): Program =>
  function* (process) {
    yield* process.printError(`${name}: queries are not simulated here; ${instead} tells whether the server answers\n`);
    return 1;
  };

export const databasePrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["postgres", postgresServer],
  ["mysqld", mysqlServer],
  ["mongod", mongoServer],
  ["pg_isready", pgIsready],
  ["mysqladmin", mysqladmin],
  ["psql", noQueries("psql", "pg_isready")],
  ["mysql", noQueries("mysql", "mysqladmin ping")],
  ["mongosh", noQueries("mongosh", "nc -z 127.0.0.1 27017")],
]);
