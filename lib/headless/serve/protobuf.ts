/**
 * Decodes the protobuf bodies that kubectl's typed commands send into the objects that their JSON would have been.
 * There is no encoder: every client accepts JSON answers.
 */
import { messages } from "./protobuf-table.generated";

const MAGIC = "k8s\0";

interface Field {
  readonly name: string;
  readonly type: string;
  /** * repeated, % map, ? kept when zero, ~ inlined. */
  readonly mark: string;
}

interface WireField {
  readonly number: number;
  /** A varint or fixed number as bigint, else bytes. */
  readonly value: bigint | Buffer;
}

type Plain = Record<string, unknown>;

/** The object in `k8s\0` + runtime.Unknown. Throws an Error with a sentence for what is no such thing. */
export function decodeProtobuf(body: Buffer): unknown {
  if (body.toString("latin1", 0, 4) !== MAGIC)
    throw new Error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  const parts = new Map([...wire(body.subarray(4))].map(({ number, value }) => [number, value]));
  const type = new Map(
    [...wire(bytesOf(parts.get(1)))].map(({ number, value }) => [number, bytesOf(value).toString()]),
  );
  const apiVersion = type.get(1) ?? "";
  const kind = type.get(2) ?? "";
  const message = messageOf(apiVersion, kind);
  if (message === undefined)
    throw new Error(`no kind "${kind}" is known in version "${apiVersion}" to the protobuf decoder; send JSON`);
  return { kind, apiVersion, ...decodeMessage(message, bytesOf(parts.get(2))) };
}

function messageOf(apiVersion: string, kind: string): string | undefined {
  if (kind === "DeleteOptions") return "meta.v1.DeleteOptions";
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  const name = `${group!.split(".")[0]}.${version}.${kind}`;
  return messages[name] === undefined ? undefined : name;
}

const bytesOf = (value: bigint | Buffer | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

const tables = new Map<string, ReadonlyMap<number, Field>>();

function fieldsOf(message: string): ReadonlyMap<number, Field> {
  let table = tables.get(message);
  if (!table) {
    table = new Map(
      (messages[message] ?? "")
        .split(",")
        .filter((text) => text !== "")
        .map((text) => {
          const [number, name, type] = text.split(" ") as [string, string, string];
          const mark = /[*%?~]$/.exec(type)?.[0] ?? "";
          return [Number(number), { name, type: mark ? type.slice(0, -1) : type, mark }];
        }),
    );
    tables.set(message, table);
  }
  return table;
}

function decodeMessage(message: string, bytes: Buffer): Plain {
  const fields = fieldsOf(message);
  const out: Plain = {};
  for (const { number, value } of wire(bytes)) {
    const field = fields.get(number);
    if (!field) continue;
    const { name, type, mark } = field;
    if (mark === "%") {
      const entry = new Map([...wire(bytesOf(value))].map((part) => [part.number, part.value]));
      ((out[name] ??= {}) as Plain)[bytesOf(entry.get(1)).toString()] = decodeValue(
        type,
        entry.get(2) ?? Buffer.alloc(0),
      );
      continue;
    }
    const decoded = decodeValue(type, value);
    if (mark === "*") ((out[name] ??= []) as unknown[]).push(decoded);
    else if (mark === "~") Object.assign(out, decoded as Plain);
    else if (mark === "?" || !isZero(decoded)) out[name] = decoded;
  }
  return out;
}

/** What Go's `omitempty` leaves out, and structs in which nothing is set. */
const isZero = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === "" ||
  value === 0 ||
  value === false ||
  (typeof value === "object" && Object.keys(value).length === 0);

function decodeValue(type: string, value: bigint | Buffer): unknown {
  switch (type) {
    case "s":
      return bytesOf(value).toString("utf8");
    case "y":
      return bytesOf(value).toString("base64");
    case "b":
      return value === 1n;
    case "i":
      return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0;
    case "d":
      return bytesOf(value).length === 8 ? bytesOf(value).readDoubleLE() : 0;
    case "Quantity":
      return first(value)?.toString() ?? "0";
    case "meta.v1.Time":
    case "meta.v1.MicroTime":
      return timeOf(bytesOf(value), type === "meta.v1.MicroTime");
    case "meta.v1.FieldsV1":
    case "RawExtension": {
      const raw = first(value);
      return raw === undefined || raw.length === 0 ? undefined : (JSON.parse(raw.toString("utf8")) as unknown);
    }
    case "IntOrString": {
      const parts = new Map([...wire(bytesOf(value))].map((part) => [part.number, part.value]));
      if (parts.get(1) === 1n) return bytesOf(parts.get(3)).toString();
      return Number(BigInt.asIntN(64, (parts.get(2) as bigint | undefined) ?? 0n));
    }
    default:
      if (/\.(ExtraValue|Verbs)$/.test(type))
        return [...wire(bytesOf(value))].map((item) => bytesOf(item.value).toString());
      return decodeMessage(type, bytesOf(value));
  }
}

/** Field 1 of a message that holds nothing else. */
function first(value: bigint | Buffer): Buffer | undefined {
  for (const part of wire(bytesOf(value))) if (part.number === 1) return bytesOf(part.value);
  return undefined;
}

function timeOf(bytes: Buffer, hasMicroseconds: boolean): string | undefined {
  const parts = new Map([...wire(bytes)].map((part) => [part.number, part.value]));
  if (parts.size === 0) return undefined;
  const seconds = Number(BigInt.asIntN(64, (parts.get(1) as bigint | undefined) ?? 0n));
  const text = new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "");
  if (!hasMicroseconds) return `${text}Z`;
  const micros = Math.floor(Number((parts.get(2) as bigint | undefined) ?? 0n) / 1000);
  return `${text}.${String(micros).padStart(6, "0")}Z`;
}

function* wire(bytes: Buffer): Generator<WireField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error("unexpected EOF in a protobuf message");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error("unexpected EOF in a protobuf message");
    const part = bytes.subarray(at, at + length);
    at += length;
    return part;
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        yield { number, value: take(8) };
        break;
      case 2:
        yield { number, value: take(Number(varint())) };
        break;
      case 5:
        yield { number, value: take(4) };
        break;
      default:
        throw new Error(`illegal wire type ${tag & 7} in a protobuf message`);
    }
  }
}
