/**
 * TLS, modelled: a handshake of real bytes that carries the server's name and certificate, after which data travels
 * as it is. What learners meet is here: wrong names, self-signed certificates, expiry, plain text on a TLS port.
 */
import { type Bytes, NO_BYTES, decodeUtf8, encodeUtf8 } from "../base/bytes";
import type { Task } from "../base/task";
import type { TcpSocket } from "./tcp";

export interface Certificate {
  readonly commonName: string;
  /** DNS names (a leading `*.` is a wildcard) and addresses. */
  readonly names: readonly string[];
  readonly issuer: string;
  /** ms since the epoch */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Issuers that a fresh system trusts; anything else is "unable to get local issuer certificate". */
export const publicIssuer = "Public Root CA";

export type HandshakeResult =
  | { readonly kind: "ok"; readonly certificate: Certificate }
  /** The other side does not speak TLS. */
  | { readonly kind: "not-tls" }
  /** The connection ended in the middle. */
  | { readonly kind: "closed" };

const HELLO = "\x16\x03\x01";

function record(content: object): Bytes {
  const body = encodeUtf8(JSON.stringify(content));
  return (HELLO + String.fromCharCode(body.length >> 8, body.length & 255) + body) as Bytes;
}

/** Reads one record. Undefined: the stream ended. A string: the bytes are not TLS. */
function* readRecord(socket: TcpSocket): Task<{ readonly content: unknown } | { readonly other: Bytes } | undefined> {
  let bytes = "";
  for (;;) {
    if (bytes.length > 0 && bytes[0] !== "\x16") return { other: bytes as Bytes };
    if (bytes.length >= 5) {
      const length = bytes.charCodeAt(3) * 256 + bytes.charCodeAt(4);
      if (bytes.length >= 5 + length) return { content: JSON.parse(decodeUtf8(bytes.slice(5, 5 + length) as Bytes)) };
    }
    const chunk = yield* socket.read();
    if (chunk === NO_BYTES) return undefined;
    bytes += chunk;
  }
}

/** The client's side. Checking the certificate is the caller's: see checkCertificate. */
export function* startTls(socket: TcpSocket, serverName: string): Task<HandshakeResult> {
  yield* socket.write(record({ serverName }));
  const answer = yield* readRecord(socket);
  if (!answer) return { kind: "closed" };
  if ("other" in answer) return { kind: "not-tls" };
  socket.tls = { serverName };
  return { kind: "ok", certificate: answer.content as Certificate };
}

/** The server's side. `other`: the client spoke first and it was not TLS. */
export function* acceptTls(
  socket: TcpSocket,
  certificateFor: (serverName: string) => Certificate,
): Task<
  | { readonly kind: "ok"; readonly serverName: string }
  | { readonly kind: "plain"; readonly bytes: Bytes }
  | { readonly kind: "closed" }
> {
  const hello = yield* readRecord(socket);
  if (!hello) return { kind: "closed" };
  if ("other" in hello) return { kind: "plain", bytes: hello.other };
  const { serverName } = hello.content as { serverName: string };
  yield* socket.write(record(certificateFor(serverName)));
  socket.tls = { serverName };
  return { kind: "ok", serverName };
}

function nameMatches(pattern: string, name: string): boolean {
  if (pattern.toLowerCase() === name.toLowerCase()) return true;
  return (
    pattern.startsWith("*.") &&
    name.includes(".") &&
    name.slice(name.indexOf(".") + 1).toLowerCase() === pattern.slice(2).toLowerCase()
  );
}

/** What OpenSSL says of a certificate for a name; undefined when it is good. */
export function checkCertificate(
  certificate: Certificate,
  name: string,
  now: number,
  trusted: readonly string[] = [publicIssuer],
): string | undefined {
  if (!trusted.includes(certificate.issuer))
    return certificate.issuer === certificate.commonName
      ? "SSL certificate problem: self-signed certificate"
      : "SSL certificate problem: unable to get local issuer certificate";
  if (now > certificate.notAfter) return "SSL certificate problem: certificate has expired";
  if (now < certificate.notBefore) return "SSL certificate problem: certificate is not yet valid";
  if (!certificate.names.some((pattern) => nameMatches(pattern, name)))
    return `SSL: no alternative certificate subject name matches target host name '${name}'`;
  return undefined;
}
