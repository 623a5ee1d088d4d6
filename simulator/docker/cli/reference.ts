/** Image names as distribution/reference reads them. */
import { failure, ok, type Result } from "../../base/result";

export interface ImageReference {
  /** With registry and `library/`: `docker.io/library/nginx`. */
  readonly name: string;
  /** As people write it: `nginx`. */
  readonly familiar: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

export function parseReference(text: string): Result<ImageReference, string> {
  if (/^[0-9a-f]{64}$/.test(text))
    return failure(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const slash = named.indexOf("/");
  const first = slash < 0 ? "" : named.slice(0, slash);
  const hasDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  const domain = hasDomain ? first : "docker.io";
  const remainder = hasDomain ? named.slice(slash + 1) : named;
  const colon = remainder.lastIndexOf(":");
  const hasTag = colon >= 0 && !remainder.slice(colon).includes("/");
  const path = hasTag ? remainder.slice(0, colon) : remainder;
  const tag = hasTag ? remainder.slice(colon + 1) : undefined;
  const isHub = domain === "docker.io" || domain === "index.docker.io";
  const full = isHub && !path.includes("/") ? `library/${path}` : path;
  if (path.toLowerCase() !== path)
    return failure(`invalid reference format: repository name (${full}) must be lowercase`);
  if (
    !NAME.test(path) ||
    (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) ||
    (digest !== undefined && !/^[a-z0-9]+:[0-9a-f]{32,}$/.test(digest))
  )
    return failure("invalid reference format");
  const familiar = isHub ? path.replace(/^library\//, "") : `${domain}/${path}`;
  return ok({ name: `${isHub ? "docker.io" : domain}/${full}`, familiar, tag, digest });
}
