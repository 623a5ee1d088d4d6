/**
 * The Content-Security-Policy. Static pages carry inline scripts of Next's (the page's data), which a strict policy must
 * name by hash: they are read from the prerendered file itself, so that the pages stay static. Server only.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const PRERENDERED = join(process.cwd(), ".next", "server", "app");
const known = new Map<string, { readonly stamp: number; readonly sources: readonly string[] }>();

/** `nonce` serves pages that are not prerendered: Next puts it on their scripts. */
export function policyFor(pathname: string, nonce: string, isDevelopment: boolean): string {
  const hashes = isDevelopment ? undefined : hashesOf(pathname);
  const scripts = isDevelopment
    ? ["'self'", "'unsafe-inline'", "'unsafe-eval'"]
    : ["'self'", ...(hashes ?? [`'nonce-${nonce}'`])];
  return [
    "default-src 'self'",
    `script-src ${scripts.join(" ")}`,
    // The terminal sizes its cells through style elements of its own; styles cannot run.
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self'${isDevelopment ? " ws:" : ""}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function hashesOf(pathname: string): readonly string[] | undefined {
  // Only names that a route of ours can have: nothing that climbs out of the folder.
  if (!/^(\/[a-z0-9_-]+)*\/?$/.test(pathname)) return hashesOf("/_not-found");
  const file = join(PRERENDERED, `${pathname.replace(/\/$/, "") || "/index"}.html`);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const cached = known.get(file);
  if (cached?.stamp === stat.mtimeMs) return cached.sources;
  const sources = inlineScriptHashes(readFileSync(file, "utf8"));
  known.set(file, { stamp: stat.mtimeMs, sources });
  return sources;
}

/** One CSP source per different inline script of a page. */
export function inlineScriptHashes(html: string): string[] {
  const sources = new Set<string>();
  for (const [, attributes = "", text = ""] of html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)) {
    if (/\ssrc=/.test(attributes)) continue;
    sources.add(`'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  }
  return [...sources];
}
