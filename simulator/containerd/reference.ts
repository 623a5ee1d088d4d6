/** Image references, as distribution/reference reads and prints them: `docker.io/library/nginx:latest@sha256:…`. */
import { type Result, failure, ok } from "../base/result";

export interface Reference {
  /** `docker.io`, `127.0.0.1:5000` … */
  readonly domain: string;
  /** `library/nginx` */
  readonly path: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const DEFAULT_DOMAIN = "docker.io";
const domainPattern =
  /^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$/;
const componentPattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** Reads a reference as a user writes it; no tag is added. The error is upstream's text. */
export function parseReference(text: string): Result<Reference, string> {
  if (/^[a-f0-9]{64}$/.test(text))
    return failure(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  let rest = text;
  let digest: string | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    digest = rest.slice(at + 1);
    rest = rest.slice(0, at);
    if (!digestPattern.test(digest)) return failure("invalid reference format");
    if (digest.startsWith("sha256:") && !/^sha256:[0-9a-f]{64}$/.test(digest))
      return failure("invalid checksum digest length");
  }
  const slash = rest.indexOf("/");
  const first = slash < 0 ? "" : rest.slice(0, slash);
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  let domain = isDomain ? first : DEFAULT_DOMAIN;
  let remainder = isDomain ? rest.slice(slash + 1) : rest;
  if (domain === "index.docker.io" || domain === "registry-1.docker.io") domain = DEFAULT_DOMAIN;
  let tag: string | undefined;
  const colon = remainder.indexOf(":");
  if (colon >= 0) {
    tag = remainder.slice(colon + 1);
    remainder = remainder.slice(0, colon);
    if (!tagPattern.test(tag)) return failure("invalid reference format");
  }
  if (domain === DEFAULT_DOMAIN && !remainder.includes("/")) remainder = `library/${remainder}`;
  if (remainder.toLowerCase() !== remainder && componentsAreValid(remainder.toLowerCase()))
    return failure(`invalid reference format: repository name (${remainder}) must be lowercase`);
  if (!componentsAreValid(remainder) || !domainPattern.test(domain)) return failure("invalid reference format");
  if (domain.length + 1 + remainder.length > 255)
    return failure("repository name must not be more than 255 characters");
  return ok({ domain, path: remainder, tag, digest });
}

const componentsAreValid = (path: string): boolean => path.split("/").every((part) => componentPattern.test(part));

/** Adds `latest` where there is neither tag nor digest. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;

/** Domain and path, in full: `docker.io/library/nginx`. */
export const repositoryOf = (reference: Reference): string => `${reference.domain}/${reference.path}`;

/** The repository as Docker shows it: `nginx`, `in28min/x`, `127.0.0.1:5000/nginx`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return repositoryOf(reference);
  return reference.path.startsWith("library/") ? reference.path.slice("library/".length) : reference.path;
}

const suffix = (reference: Reference): string =>
  (reference.tag === undefined ? "" : `:${reference.tag}`) +
  (reference.digest === undefined ? "" : `@${reference.digest}`);

export const familiarString = (reference: Reference): string => familiarName(reference) + suffix(reference);

export const referenceString = (reference: Reference): string => repositoryOf(reference) + suffix(reference);
