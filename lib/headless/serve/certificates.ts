/** A certificate authority and what it signs, made at start: X.509 in DER, as far as TLS between our two ends needs it. */
import { type KeyObject, createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIPv4 } from "node:net";

export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export class CertificateAuthority {
  readonly #subject: Subject = { commonName: "kubernetes" };
  readonly #key: KeyObject;
  /** PEM. */
  readonly certificate: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    const extensions = [
      extension("2.5.29.19", true, sequence(der(0x01, Buffer.from([0xff])))),
      extension("2.5.29.15", true, bitString(Buffer.from([0x06]), 1)),
      extension("2.5.29.14", false, der(0x04, keyIdentifier(publicKey))),
    ];
    this.certificate = this.#issue(this.#subject, publicKey, extensions);
  }

  server(names: readonly string[]): Identity {
    const alternatives = names.map((name) =>
      isIPv4(name) ? der(0x87, Buffer.from(name.split(".").map(Number))) : der(0x82, Buffer.from(name, "ascii")),
    );
    return this.#leaf({ commonName: "kube-apiserver" }, "1.3.6.1.5.5.7.3.1", [
      extension("2.5.29.17", false, sequence(...alternatives)),
    ]);
  }

  client(subject: Subject): Identity {
    return this.#leaf(subject, "1.3.6.1.5.5.7.3.2", []);
  }

  #leaf(subject: Subject, usage: string, more: readonly Buffer[]): Identity {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const extensions = [
      extension("2.5.29.15", true, bitString(Buffer.from([0xa0]), 5)),
      extension("2.5.29.37", false, sequence(objectIdentifier(usage))),
      extension("2.5.29.19", true, sequence()),
      extension("2.5.29.35", false, sequence(der(0x80, keyIdentifier(createPublicKey(this.#key))))),
      ...more,
    ];
    const certificate = this.#issue(subject, publicKey, extensions);
    return { certificate, key: privateKey.export({ type: "sec1", format: "pem" }).toString() };
  }

  #issue(subject: Subject, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const algorithm = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
    // Clients hold the certificate against their own clock, which is not the machine's.
    const now = Date.now();
    const day = 24 * 3600 * 1000;
    const serial = randomBytes(16);
    serial[0]! = (serial[0]! & 0x7f) | 0x40;
    const body = sequence(
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, serial),
      algorithm,
      name(this.#subject),
      sequence(utcTime(now - day), utcTime(now + 365 * day)),
      name(subject),
      publicKey.export({ type: "spki", format: "der" }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", body, this.#key);
    const base64 = sequence(body, algorithm, bitString(signature, 0)).toString("base64");
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;
  }
}

// ---- DER ---------------------------------------------------------------------------------------------------------------

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...content: readonly Buffer[]): Buffer => der(0x30, ...content);

const bitString = (content: Buffer, unusedBits: number): Buffer => der(0x03, Buffer.from([unusedBits]), content);

function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

const utcTime = (instant: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(instant).toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`, "ascii"));

const attribute = (identifier: string, value: string): Buffer =>
  der(0x31, sequence(objectIdentifier(identifier), der(0x0c, Buffer.from(value, "utf8"))));

const name = ({ commonName, organizations = [] }: Subject): Buffer =>
  sequence(...organizations.map((one) => attribute("2.5.4.10", one)), attribute("2.5.4.3", commonName));

const extension = (identifier: string, isCritical: boolean, value: Buffer): Buffer =>
  sequence(objectIdentifier(identifier), ...(isCritical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));

const keyIdentifier = (key: KeyObject): Buffer =>
  createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
