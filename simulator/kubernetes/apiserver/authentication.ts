/** Who asks: client certificates, bearer tokens (static and of service accounts), anonymous, and impersonation. */
import { bytesFromArray, decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Instant } from "../../base/clock";
import { sha256Hex } from "../../base/hash";
import { Random } from "../../base/random";
import type { KubeObject } from "../apimachinery/object";
import { decodeBase64, encodeBase64Url } from "../apimachinery/base64";
import type { KubeRequest } from "../apimachinery/transport";
import { goJson } from "../../text/go-json";
import type { UserInfo } from "./scope";

export const ANONYMOUS: UserInfo = Object.freeze({
  name: "system:anonymous",
  groups: Object.freeze(["system:unauthenticated"]),
});

export interface TokenRequestOptions {
  readonly namespace: string;
  readonly serviceAccount: KubeObject;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly boundObject?: {
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly node?: { readonly name: string; readonly uid: string };
  };
}

const ISSUER = "https://kubernetes.default.svc.cluster.local";

/** Signs and checks service account tokens. The signature is a keyed digest: enough that no token can be made up. */
export class TokenAuthority {
  /** Names the key that tokens are signed with. */
  readonly keyId: string;
  readonly #secret: string;
  readonly #find: (group: string, plural: string, namespace: string, name: string) => KubeObject | undefined;
  readonly #ids: Random;
  /** The first part of every token: which key it is signed with. */
  readonly #head: string;
  /** Claims of tokens whose signature was found good: a component sends the same one with every request. */
  readonly #good = new Map<string, Readonly<Record<string, unknown>>>();
  /** Whom claims name: nothing else goes into it. */
  readonly #users = new WeakMap<object, UserInfo>();

  constructor(
    secret: string,
    find: (group: string, plural: string, namespace: string, name: string) => KubeObject | undefined,
  ) {
    this.#secret = secret;
    this.#find = find;
    this.#ids = new Random(`${secret}/jti`);
    const kid = sha256Hex(`${secret}/kid`).slice(0, 43);
    this.keyId = kid;
    this.#head = encodeBase64Url(encodeUtf8(goJson({ alg: "RS256", kid }, { sortKeys: false })));
  }

  issue(options: TokenRequestOptions, now: Instant): string {
    const issued = Math.floor(now / 1000);
    const { serviceAccount, boundObject } = options;
    const id = this.#ids.hex(32);
    const claims = {
      aud: options.audiences,
      exp: issued + options.expirationSeconds,
      iat: issued,
      iss: ISSUER,
      jti: `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-8${id.slice(17, 20)}-${id.slice(20, 32)}`,
      "kubernetes.io": {
        namespace: options.namespace,
        ...(boundObject?.node ? { node: boundObject.node } : {}),
        ...(boundObject ? { [boundObject.kind.toLowerCase()]: { name: boundObject.name, uid: boundObject.uid } } : {}),
        serviceaccount: { name: serviceAccount.metadata.name, uid: serviceAccount.metadata.uid },
      },
      nbf: issued,
      sub: `system:serviceaccount:${options.namespace}:${serviceAccount.metadata.name}`,
    };
    return this.#sign(claims);
  }

  /** The legacy token of a Secret of type kubernetes.io/service-account-token. It does not expire. */
  issueLegacy(namespace: string, serviceAccount: KubeObject, secretName: string): string {
    return this.#sign({
      iss: "kubernetes/serviceaccount",
      "kubernetes.io/serviceaccount/namespace": namespace,
      "kubernetes.io/serviceaccount/secret.name": secretName,
      "kubernetes.io/serviceaccount/service-account.name": serviceAccount.metadata.name,
      "kubernetes.io/serviceaccount/service-account.uid": serviceAccount.metadata.uid,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.metadata.name}`,
    });
  }

  check(token: string, now: Instant): UserInfo | undefined {
    const claims = this.#claims(token);
    if (!claims) return undefined;
    const subject = String(claims.sub ?? "").split(":");
    const [, , namespace, name] = subject;
    if (!namespace || !name) return undefined;
    const account = this.#find("", "serviceaccounts", namespace, name);
    const bound = claims["kubernetes.io"] as
      | { pod?: { name: string; uid: string }; serviceaccount: { uid: string }; node?: { name: string; uid: string } }
      | undefined;
    const uid = bound?.serviceaccount.uid ?? claims["kubernetes.io/serviceaccount/service-account.uid"];
    if (!account || account.metadata.uid !== uid) return undefined;
    if (typeof claims.exp === "number" && now >= claims.exp * 1000) return undefined;
    if (bound?.pod) {
      const pod = this.#find("", "pods", namespace, bound.pod.name);
      if (!pod || pod.metadata.uid !== bound.pod.uid) return undefined;
    }
    const known = this.#users.get(claims);
    if (known) return known;
    const user: UserInfo = {
      name: `system:serviceaccount:${namespace}:${name}`,
      uid: account.metadata.uid,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      extra: {
        ...(claims.jti ? { "authentication.kubernetes.io/credential-id": [`JTI=${String(claims.jti)}`] } : {}),
        ...(bound?.node
          ? {
              "authentication.kubernetes.io/node-name": [bound.node.name],
              "authentication.kubernetes.io/node-uid": [bound.node.uid],
            }
          : {}),
        ...(bound?.pod
          ? {
              "authentication.kubernetes.io/pod-name": [bound.pod.name],
              "authentication.kubernetes.io/pod-uid": [bound.pod.uid],
            }
          : {}),
      },
    };
    this.#users.set(claims, user);
    return user;
  }

  #claims(token: string): Readonly<Record<string, unknown>> | undefined {
    const known = this.#good.get(token);
    if (known) return known;
    const parts = token.split(".");
    if (parts.length !== 3 || this.#signature(`${parts[0]}.${parts[1]}`) !== parts[2]) return undefined;
    const payload = decodeBase64(parts[1]!);
    if (payload === undefined) return undefined;
    const claims = JSON.parse(decodeUtf8(payload)) as Record<string, unknown>;
    if (this.#good.size >= 1000) this.#good.clear();
    this.#good.set(token, claims);
    return claims;
  }

  #sign(claims: unknown): string {
    const signed = `${this.#head}.${encodeBase64Url(encodeUtf8(goJson(claims, { sortKeys: false })))}`;
    return `${signed}.${this.#signature(signed)}`;
  }

  /** 256 bytes, the length of an RSA signature. */
  #signature(text: string): string {
    // The text is hashed once; the rest of the length is drawn from that.
    const digest = sha256Hex(encodeUtf8(`${this.#secret}/${text}`));
    const rest = new Random(digest);
    const bytes: number[] = [];
    for (let k = 0; k < 64; k += 2) bytes.push(Number.parseInt(digest.slice(k, k + 2), 16));
    while (bytes.length < 256) {
      const word = rest.uint32();
      bytes.push(word & 255, (word >> 8) & 255, (word >> 16) & 255, word >>> 24);
    }
    return encodeBase64Url(bytesFromArray(bytes));
  }
}

const certificateUsers = new Map<string, UserInfo>();
/** By the certificate as it is presented: a component presents the same one with every request. */
const usersOf = new WeakMap<object, UserInfo>();

/** The user a request is made by; undefined for credentials that are no good (401). */
export function authenticate(
  request: KubeRequest,
  authority: TokenAuthority,
  staticTokens: ReadonlyMap<string, UserInfo>,
  now: Instant,
): UserInfo | undefined {
  const { credentials } = request;
  if (credentials?.certificate) {
    const known = usersOf.get(credentials.certificate);
    if (known) return known;
  }
  const bearer = /^Bearer (.+)$/.exec(request.headers?.authorization ?? "")?.[1] ?? credentials?.token;
  if (credentials?.certificate) {
    const { commonName, organizations } = credentials.certificate;
    const key = `${commonName}\u0000${organizations.join("\u0000")}`;
    let user = certificateUsers.get(key);
    if (!user) {
      user = Object.freeze({
        name: commonName,
        groups: Object.freeze([...organizations, "system:authenticated"]),
        extra: Object.freeze({
          "authentication.kubernetes.io/credential-id": [`X509SHA256=${sha256Hex(encodeUtf8(key))}`],
        }),
      });
      // A pure function of the certificate, so keeping it changes nothing; the bound only limits memory.
      if (certificateUsers.size > 1000) certificateUsers.clear();
      certificateUsers.set(key, user);
    }
    if (Object.isFrozen(credentials.certificate)) usersOf.set(credentials.certificate, user);
    return user;
  }
  if (bearer) return staticTokens.get(bearer) ?? authority.check(bearer, now);
  return ANONYMOUS;
}
