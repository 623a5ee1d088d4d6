/** DNS messages on the wire (RFC 1035), as far as resolvers and servers here use them. */
import type { Bytes } from "../base/bytes";
import { formatIpv4, parseIpv4 } from "./address";

export type RecordType = "A" | "AAAA" | "NS" | "CNAME" | "SOA" | "PTR" | "MX" | "TXT" | "SRV" | "ANY";

const typeNumbers: Readonly<Record<RecordType, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  ANY: 255,
};

export type ResponseCode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";
const codes: readonly ResponseCode[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

export interface Question {
  /** Without the final dot. */
  readonly name: string;
  readonly type: RecordType;
}

/**
 * A resource record. `data` in presentation form: an address, a name, `priority weight port target` for SRV,
 * `preference name` for MX, seven fields for SOA.
 */
export interface ResourceRecord {
  readonly name: string;
  readonly type: RecordType;
  readonly ttl: number;
  readonly data: string;
}

export interface DnsMessage {
  readonly id: number;
  readonly isResponse: boolean;
  readonly authoritative?: boolean;
  readonly recursionDesired?: boolean;
  readonly recursionAvailable?: boolean;
  readonly code: ResponseCode;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
}

const u16 = (value: number): string => String.fromCharCode((value >> 8) & 255, value & 255);
const u32 = (value: number): string => u16(value >>> 16) + u16(value & 0xffff);

function encodeName(name: string): string {
  let out = "";
  for (const label of name.replace(/\.$/, "").split("."))
    if (label !== "") out += String.fromCharCode(Math.min(63, label.length)) + label.slice(0, 63);
  return `${out}\0`;
}

function encodeData(record: ResourceRecord): string {
  const words = record.data.split(" ");
  switch (record.type) {
    case "A":
      return u32(parseIpv4(record.data) ?? 0);
    case "AAAA":
      return record.data === "::1" ? `${"\0".repeat(15)}\x01` : "\0".repeat(16);
    case "SRV":
      return u16(Number(words[0])) + u16(Number(words[1])) + u16(Number(words[2])) + encodeName(words[3] ?? "");
    case "MX":
      return u16(Number(words[0])) + encodeName(words[1] ?? "");
    case "SOA":
      return (
        encodeName(words[0] ?? "") +
        encodeName(words[1] ?? "") +
        words
          .slice(2, 7)
          .map((word) => u32(Number(word)))
          .join("")
      );
    case "TXT":
      return String.fromCharCode(Math.min(255, record.data.length)) + record.data.slice(0, 255);
    default:
      return encodeName(record.data);
  }
}

export function encodeDns(message: DnsMessage): Bytes {
  const flags =
    (message.isResponse ? 0x8000 : 0) |
    (message.authoritative ? 0x0400 : 0) |
    (message.recursionDesired === false ? 0 : 0x0100) |
    (message.recursionAvailable ? 0x0080 : 0) |
    codes.indexOf(message.code);
  const authority = message.authority ?? [];
  let out =
    u16(message.id) +
    u16(flags) +
    u16(message.questions.length) +
    u16(message.answers.length) +
    u16(authority.length) +
    u16(0);
  for (const question of message.questions) out += encodeName(question.name) + u16(typeNumbers[question.type]) + u16(1);
  for (const record of [...message.answers, ...authority]) {
    const data = encodeData(record);
    out += encodeName(record.name) + u16(typeNumbers[record.type]) + u16(1) + u32(record.ttl) + u16(data.length) + data;
  }
  return out as Bytes;
}

class Reader {
  at = 0;
  readonly #bytes: string;
  constructor(bytes: string) {
    this.#bytes = bytes;
  }
  u8(): number {
    return this.#bytes.charCodeAt(this.at++) || 0;
  }
  u16(): number {
    return this.u8() * 256 + this.u8();
  }
  u32(): number {
    return this.u16() * 65_536 + this.u16();
  }
  text(length: number): string {
    this.at += length;
    return this.#bytes.slice(this.at - length, this.at);
  }
  name(): string {
    const labels: string[] = [];
    for (let length = this.u8(); length > 0 && length < 64 && labels.length < 128; length = this.u8())
      labels.push(this.text(length));
    return labels.join(".");
  }
}

const typeOf = (value: number): RecordType =>
  (Object.keys(typeNumbers) as RecordType[]).find((name) => typeNumbers[name] === value) ?? "ANY";

function decodeRecord(reader: Reader): ResourceRecord {
  const name = reader.name();
  const type = typeOf(reader.u16());
  reader.u16();
  const ttl = reader.u32();
  const length = reader.u16();
  const end = reader.at + length;
  let data: string;
  switch (type) {
    case "A":
      data = formatIpv4(reader.u32());
      break;
    case "AAAA":
      data = reader.text(16).endsWith("\x01") ? "::1" : "::";
      break;
    case "SRV":
      data = `${reader.u16()} ${reader.u16()} ${reader.u16()} ${reader.name()}`;
      break;
    case "MX":
      data = `${reader.u16()} ${reader.name()}`;
      break;
    case "SOA":
      data = `${reader.name()} ${reader.name()} ${reader.u32()} ${reader.u32()} ${reader.u32()} ${reader.u32()} ${reader.u32()}`;
      break;
    case "TXT":
      data = reader.text(reader.u8());
      break;
    default:
      data = reader.name();
  }
  reader.at = end;
  return { name, type, ttl, data };
}

/** Undefined when the bytes are too short to be a message. */
export function decodeDns(bytes: Bytes): DnsMessage | undefined {
  if (bytes.length < 12) return undefined;
  const reader = new Reader(bytes);
  const id = reader.u16();
  const flags = reader.u16();
  const [questionCount, answerCount, authorityCount] = [reader.u16(), reader.u16(), reader.u16(), reader.u16()];
  const questions: Question[] = [];
  for (let i = 0; i < questionCount!; i++) {
    const name = reader.name();
    const type = typeOf(reader.u16());
    reader.u16();
    questions.push({ name, type });
  }
  const answers: ResourceRecord[] = [];
  for (let i = 0; i < answerCount!; i++) answers.push(decodeRecord(reader));
  const authority: ResourceRecord[] = [];
  for (let i = 0; i < authorityCount!; i++) authority.push(decodeRecord(reader));
  return {
    id,
    isResponse: (flags & 0x8000) !== 0,
    authoritative: (flags & 0x0400) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    code: codes[flags & 15] ?? "SERVFAIL",
    questions,
    answers,
    authority,
  };
}
