/** etcdctl and etcdutl: keys, members, endpoints and snapshots of the cluster's etcd. Values are shown as JSON. */
import { encodeUtf8 } from "../../../base/bytes";
import type { Task } from "../../../base/task";
import { SysError } from "../../../os/errno";
import type { Process, Program } from "../../../os/process";
import { humanSizeWithPrecision } from "../../../text/human-size";
import { encodeBase64 } from "../../apimachinery/base64";
import type { EtcdMember } from "../../etcd/cluster";
import type { KeyValue } from "../../etcd/store";
import { readSnapshot, snapshotHash, takeSnapshot } from "../etcd-snapshot";
import { type NodeTools, readArguments } from "./node-tools";
import { boxTable } from "./table";

const VALUED = [
  "endpoints",
  "cacert",
  "cert",
  "key",
  "write-out",
  "limit",
  "rev",
  "data-dir",
  "name",
  "initial-cluster",
  "initial-advertise-peer-urls",
  "initial-cluster-token",
  "dial-timeout",
  "command-timeout",
  "user",
  "sort-by",
  "order",
  "consistency",
];
const PLAIN = [
  "prefix",
  "keys-only",
  "print-value-only",
  "count-only",
  "hex",
  "from-key",
  "cluster",
  "insecure-skip-tls-verify",
  "skip-hash-check",
  "prev-kv",
  "help",
];
const CLUSTER_ID = "14841639068965178418";
const TIMEOUT_MS = 5000;

export const etcdctl =
  (tools: NodeTools): Program =>
  (process) =>
    run(tools, process);

/** etcdutl works on files only: snapshot status and restore. */
export const etcdutl = etcdctl;

function* run(tools: NodeTools, process: Process): Task<number> {
  const { flags, words, unknown } = readArguments(process.argv.slice(1), VALUED, PLAIN, { w: "write-out" });
  const fail = function* (message: string): Task<number> {
    yield* process.printError(`Error: ${message}\n`);
    return 1;
  };
  if (unknown) return yield* fail(`unknown flag: ${unknown}`);
  const [command, ...rest] = words;
  if (command === undefined || flags.has("help")) {
    yield* process.print(
      "NAME:\n\tetcdctl - A simple command line client for etcd3.\n\nUSAGE:\n\tetcdctl [flags]\n\nCOMMANDS:\n\tdel, endpoint health, endpoint status, get, member list, put, snapshot save, snapshot status, snapshot restore, version, watch\n",
    );
    return 0;
  }
  if (command === "version") {
    yield* process.print(
      `etcdctl version: ${tools.profile.etcdVersion.replace(/-.*/, "")}\nAPI version: ${tools.profile.etcdVersion.split(".").slice(0, 2).join(".")}\n`,
    );
    return 0;
  }
  if (command === "snapshot" && rest[0] !== "save") return yield* snapshotFile(process, flags, rest);
  for (const name of ["cacert", "cert", "key"]) {
    const path = setting(process, flags, name);
    if (path !== undefined && process.fs.find(process.path(path))?.kind !== "file")
      return yield* fail(`open ${path}: no such file or directory`);
  }
  if (command === "endpoint") return yield* endpoint(tools, process, flags, rest[0] ?? "");
  const endpoints = endpointsOf(tools, process, flags);
  const isServed = endpoints.some((one) => memberAt(tools, process, flags, one));
  // A member alone answers what it knows, and nothing that the others must agree to.
  const isLocal = command === "get" && flags.get("consistency") === "s";
  if (!isServed || !(tools.etcd.hasQuorum || isLocal || command === "watch")) {
    yield* process.sleep(TIMEOUT_MS);
    const target = (endpoints[0] ?? "").replace(/^https?:\/\//, "");
    yield* process.printError(
      `{"level":"warn","logger":"etcd-client","caller":"v3/retry_interceptor.go:63","msg":"retrying of unary invoker failed","target":"etcd-endpoints://0xc000/${target}","attempt":0,"error":"rpc error: code = DeadlineExceeded desc = ${isServed ? "context deadline exceeded" : `latest balancer error: last connection error: connection error: desc = \\"transport: Error while dialing: dial tcp ${target}: connect: connection refused\\"`}"}\n`,
    );
    return yield* fail("context deadline exceeded");
  }
  switch (command) {
    case "get":
      return yield* get(tools, process, flags, rest);
    case "watch":
      return yield* watch(tools, process, flags, rest[0]);
    case "put": {
      const [key, value] = rest;
      if (key === undefined || value === undefined)
        return yield* fail("put command needs 1 argument and input from stdin or 2 arguments");
      const done = tools.etcd.txn([], [{ op: "put", key, value: () => value }]);
      if (!done.ok) return yield* fail(done.error);
      yield* process.print("OK\n");
      return 0;
    }
    case "del": {
      const [key] = rest;
      if (key === undefined)
        return yield* fail("del command needs one argument as key and an optional argument as range_end");
      const keys = flags.has("prefix")
        ? range(tools, key, Number.POSITIVE_INFINITY).map((kv) => kv.key)
        : tools.etcd.store.get(key)
          ? [key]
          : [];
      for (const each of keys) {
        const done = tools.etcd.txn([], [{ op: "delete", key: each }]);
        if (!done.ok) return yield* fail(done.error);
      }
      yield* process.print(`${keys.length}\n`);
      return 0;
    }
    case "member":
      return yield* members(tools, process, flags);
    case "alarm":
    case "defrag":
      if (command === "defrag")
        yield* process.print(`Finished defragmenting etcd member[${endpointOf(tools, process, flags)}]. took 12.4ms\n`);
      return 0;
    case "snapshot": {
      const path = rest[1];
      if (!path) return yield* fail("snapshot save expects one argument");
      const content = takeSnapshot(tools.etcd.store);
      try {
        process.fs.writeFile(process.path(path), content, { mode: 0o600 });
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        return yield* fail(`could not open ${path}.part (open ${path}.part: ${error.text.toLowerCase()})`);
      }
      yield* process.sleep(30);
      yield* process.printError(
        `{"level":"info","caller":"snapshot/v3_snapshot.go:65","msg":"created temporary db file","path":"${path}.part"}\n{"level":"info","caller":"snapshot/v3_snapshot.go:76","msg":"fetching snapshot","endpoint":"${endpointOf(tools, process, flags)}"}\n{"level":"info","caller":"snapshot/v3_snapshot.go:97","msg":"saved","path":"${path}"}\n`,
      );
      yield* process.print(`Snapshot saved at ${path}\n`);
      return 0;
    }
    default:
      return yield* fail(`unknown command "${command}" for "etcdctl"`);
  }
}

const isTls = (tools: NodeTools): boolean => tools.profile.controlPlane.kind === "static-pods";

function endpointOf(tools: NodeTools, process: Process, flags: ReadonlyMap<string, string>): string {
  return endpointsOf(tools, process, flags)[0] ?? "127.0.0.1:2379";
}

/** What --endpoints or the variable names; with --cluster, every member's own. */
function endpointsOf(tools: NodeTools, process: Process, flags: ReadonlyMap<string, string>): readonly string[] {
  if (flags.has("cluster"))
    return tools.etcd.members.map(({ name }) =>
      isTls(tools) ? `https://${addressOf(tools, name)}:2379` : "http://127.0.0.1:2379",
    );
  return (setting(process, flags, "endpoints") ?? "127.0.0.1:2379").split(",");
}

const addressOf = (tools: NodeTools, member: string): string | undefined =>
  tools.machines().find((machine) => machine.name === member)?.address;

/** A flag, or the variable that stands for it: `--cert`, `ETCDCTL_CERT`. */
const setting = (process: Process, flags: ReadonlyMap<string, string>, name: string): string | undefined =>
  flags.get(name) ?? process.env[`ETCDCTL_${name.toUpperCase()}`];

/** The running member at an endpoint, for who has certificates where they are asked for. */
function memberAt(
  tools: NodeTools,
  process: Process,
  flags: ReadonlyMap<string, string>,
  endpoint: string,
): EtcdMember | undefined {
  const running = tools.etcd.members.filter((member) => member.running);
  if (!isTls(tools)) return running[0];
  const has = (name: string): boolean => setting(process, flags, name) !== undefined;
  if (!has("cert") || !has("key") || !(has("cacert") || flags.has("insecure-skip-tls-verify"))) return undefined;
  const here = tools.hostOf(process)?.name;
  const host = endpoint.replace(/^https?:\/\//, "").replace(/:\d+$/, "");
  const isHere = host === "127.0.0.1" || host === "localhost";
  return running.find((member) =>
    isHere ? member.name === here : host === member.name || host === addressOf(tools, member.name),
  );
}

function range(tools: NodeTools, prefix: string, limit: number, revision?: number): readonly KeyValue[] {
  const found = tools.etcd.store.prefix(prefix === "" ? "/" : prefix, {
    limit,
    ...(revision === undefined ? {} : { revision }),
  });
  return found.ok ? found.value.kvs : [];
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function* get(
  tools: NodeTools,
  process: Process,
  flags: ReadonlyMap<string, string>,
  rest: readonly string[],
): Task<number> {
  const key = rest[0];
  if (key === undefined) {
    yield* process.printError("Error: get command needs one argument as key and an optional argument as range_end\n");
    return 1;
  }
  const limit = Number(flags.get("limit") ?? 0) || Number.POSITIVE_INFINITY;
  const { store } = tools.etcd;
  const revision = Number(flags.get("rev") ?? 0) || undefined;
  if (revision !== undefined && (revision > store.revision || revision < store.compactedRevision)) {
    yield* process.printError(
      revision > store.revision
        ? "Error: etcdserver: mvcc: required revision is a future revision\n"
        : "Error: etcdserver: mvcc: required revision has been compacted\n",
    );
    return 1;
  }
  const one = store.get(key, revision);
  const kvs = flags.has("prefix") ? range(tools, key, limit, revision) : one ? [one] : [];
  if (flags.has("count-only")) return 0;
  if (flags.get("write-out") === "json") {
    const member = BigInt(`0x${tools.etcd.members[0]!.id}`);
    const rows = kvs.map(
      (kv) =>
        `{"key":"${encodeBase64(encodeUtf8(kv.key))}","create_revision":${kv.createRevision},"mod_revision":${kv.modRevision},"version":${kv.version}${flags.has("keys-only") ? "" : `,"value":"${encodeBase64(encodeUtf8(textOf(kv.value)))}"`}}`,
    );
    const found = rows.length > 0 ? `,"kvs":[${rows.join(",")}],"count":${rows.length}` : "";
    yield* process.print(
      `{"header":{"cluster_id":${CLUSTER_ID},"member_id":${member},"revision":${tools.etcd.store.revision},"raft_term":${tools.etcd.term}}${found}}\n`,
    );
    return 0;
  }
  for (const kv of kvs) {
    if (flags.has("keys-only")) yield* process.print(`${kv.key}\n\n`);
    else if (flags.has("print-value-only")) yield* process.print(`${textOf(kv.value)}\n`);
    else yield* process.print(`${kv.key}\n${textOf(kv.value)}\n`);
  }
  return 0;
}

/** How often a watch looks for news, in ms: a member tells its watchers at once, which nobody can tell from this. */
const WATCH_MS = 50;

/** Prints every change from now on, or from --rev on, until it is interrupted. */
function* watch(
  tools: NodeTools,
  process: Process,
  flags: ReadonlyMap<string, string>,
  key: string | undefined,
): Task<number> {
  if (key === undefined) {
    yield* process.printError("Error: watch requires one argument as key and an optional argument as range_end\n");
    return 1;
  }
  const { store } = tools.etcd;
  let seen = (Number(flags.get("rev") ?? 0) || store.revision + 1) - 1;
  for (;;) {
    const events = store.eventsSince(seen, flags.has("prefix") ? key : "");
    if (!events.ok) {
      yield* process.printError(`watch was canceled (etcdserver: mvcc: required revision has been compacted)\n`);
      return 1;
    }
    for (const event of events.value) {
      if (!flags.has("prefix") && event.key !== key) continue;
      const value = event.type === "DELETE" ? "" : textOf(event.kv.value);
      yield* process.print(`${event.type}\n${event.key}\n${value}\n`);
    }
    seen = Math.max(seen, store.revision);
    yield* process.sleep(WATCH_MS);
  }
}

function* members(tools: NodeTools, process: Process, flags: ReadonlyMap<string, string>): Task<number> {
  const rows = tools.etcd.members.map((member) => {
    const address = addressOf(tools, member.name);
    const [peer, client] = isTls(tools)
      ? [`https://${address}:2380`, `https://${address}:2379`]
      : ["http://localhost:2380", "http://127.0.0.1:2379"];
    return [member.id, "started", member.name, peer!, client!, "false"];
  });
  if (flags.get("write-out") === "table")
    yield* process.print(boxTable(["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"], rows));
  else yield* process.print(rows.map((row) => `${row.join(", ")}\n`).join(""));
  return 0;
}

function* endpoint(tools: NodeTools, process: Process, flags: ReadonlyMap<string, string>, verb: string): Task<number> {
  if (verb !== "health" && verb !== "status") {
    yield* process.printError(`Error: unknown command "${verb}" for "etcdctl endpoint"\n`);
    return 1;
  }
  const found = endpointsOf(tools, process, flags).map((name) => ({
    name,
    member: memberAt(tools, process, flags, name),
  }));
  const isTable = flags.get("write-out") === "table";
  return verb === "health"
    ? yield* endpointHealth(tools, process, found, isTable)
    : yield* endpointStatus(tools, process, found, isTable);
}

interface Endpoint {
  readonly name: string;
  readonly member: EtcdMember | undefined;
}

/** Healthy is who can have a proposal committed, which takes a majority. */
function* endpointHealth(
  tools: NodeTools,
  process: Process,
  endpoints: readonly Endpoint[],
  isTable: boolean,
): Task<number> {
  const why = "failed to commit proposal: context deadline exceeded";
  const isHealthy = (one: Endpoint): boolean => one.member !== undefined && tools.etcd.hasQuorum;
  const took = 1.5 + process.kernel.random.stream("etcdctl").float() * 2;
  const isWell = endpoints.every(isHealthy);
  yield* process.sleep(isWell ? took : TIMEOUT_MS);
  const rows = endpoints.map((one, i) => ({
    name: one.name,
    isHealthy: isHealthy(one),
    took: isHealthy(one) ? `${(took + i * 0.317).toFixed(6)}ms` : "5.00208s",
  }));
  if (isTable)
    yield* process.print(
      boxTable(
        ["ENDPOINT", "HEALTH", "TOOK", "ERROR"],
        rows.map((row) => [row.name, String(row.isHealthy), row.took, row.isHealthy ? "" : why]),
      ),
    );
  else
    for (const row of rows) {
      if (row.isHealthy)
        yield* process.print(`${row.name} is healthy: successfully committed proposal: took = ${row.took}\n`);
      else yield* process.printError(`${row.name} is unhealthy: ${why}\n`);
    }
  if (!isWell) yield* process.printError("Error: unhealthy cluster\n");
  return isWell ? 0 : 1;
}

function* endpointStatus(
  tools: NodeTools,
  process: Process,
  endpoints: readonly Endpoint[],
  isTable: boolean,
): Task<number> {
  const size = humanSizeWithPrecision(tools.etcd.store.revision * 1100 + 2_000_000, 2).replace(/([a-zA-Z]+)$/, " $1");
  const index = String(tools.etcd.store.revision + 300);
  const rows: string[][] = [];
  for (const { name, member } of endpoints) {
    if (!member) {
      yield* process.sleep(TIMEOUT_MS);
      yield* process.printError(`Failed to get the status of endpoint ${name} (context deadline exceeded)\n`);
      continue;
    }
    rows.push([
      name,
      member.id,
      tools.profile.etcdVersion.replace(/-.*/, ""),
      size,
      String(member.isLeader),
      "false",
      String(tools.etcd.term),
      index,
      index,
      tools.etcd.hasQuorum ? "" : "etcdserver: no leader",
    ]);
  }
  const titles = [
    "ENDPOINT",
    "ID",
    "VERSION",
    "DB SIZE",
    "IS LEADER",
    "IS LEARNER",
    "RAFT TERM",
    "RAFT INDEX",
    "RAFT APPLIED INDEX",
    "ERRORS",
  ];
  if (isTable) yield* process.print(boxTable(titles, rows));
  else for (const row of rows) yield* process.print(`${row.join(", ")}\n`);
  return rows.length === endpoints.length ? 0 : 1;
}

/** snapshot status and restore work on files: no server is asked. */
function* snapshotFile(process: Process, flags: ReadonlyMap<string, string>, rest: readonly string[]): Task<number> {
  const [verb, path] = rest;
  if ((verb !== "status" && verb !== "restore") || path === undefined) {
    yield* process.printError(`Error: unknown command "${verb ?? ""}" for "etcdctl snapshot"\n`);
    return 1;
  }
  const node = process.fs.find(process.path(path));
  if (node?.kind !== "file") {
    yield* process.printError(`Error: stat ${path}: no such file or directory\n`);
    return 1;
  }
  const snapshot = readSnapshot(node.content);
  if (!snapshot) {
    yield* process.printError("Error: snapshot file integrity check failed: unexpected file format\n");
    return 1;
  }
  if (verb === "status") {
    const row = [
      snapshotHash(node.content),
      String(snapshot.revision),
      String(snapshot.keys.length),
      humanSizeWithPrecision(node.content.length, 2).replace(/([a-zA-Z]+)$/, " $1"),
    ];
    if (flags.get("write-out") === "table")
      yield* process.print(boxTable(["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"], [row]));
    else yield* process.print(`${row.join(", ")}\n`);
    return 0;
  }
  const dir = process.path(flags.get("data-dir") ?? "default.etcd");
  if (process.fs.exists(`${dir}/member`)) {
    yield* process.printError(`Error: data-dir "${dir}" not empty or could not be read\n`);
    return 1;
  }
  process.fs.makeDirs(`${dir}/member/snap`);
  process.fs.makeDirs(`${dir}/member/wal`);
  process.fs.writeFile(`${dir}/member/snap/db`, node.content);
  yield* process.printError(
    `{"level":"info","caller":"snapshot/v3_snapshot.go:260","msg":"restoring snapshot","path":"${path}","wal-dir":"${dir}/member/wal","data-dir":"${dir}","snap-dir":"${dir}/member/snap"}\n{"level":"info","caller":"snapshot/v3_snapshot.go:287","msg":"restored snapshot","path":"${path}","wal-dir":"${dir}/member/wal","data-dir":"${dir}","snap-dir":"${dir}/member/snap"}\n`,
  );
  return 0;
}
