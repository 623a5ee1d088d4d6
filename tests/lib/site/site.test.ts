import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { inlineScriptHashes, policyFor } from "@/lib/site/policy";
import { preferredLanguage } from "@/lib/site/request";

test.each([
  [null, "vi"],
  ["", "vi"],
  ["en-US,en;q=0.9", "en"],
  ["vi-VN,vi;q=0.9,en;q=0.8", "vi"],
  ["fr,en;q=0.5,vi;q=0.7", "vi"],
  ["en;q=0,vi;q=0.1", "vi"],
  ["de-DE", "vi"],
])("Accept-Language %s: %s", (header, expected) => {
  expect(preferredLanguage(header)).toBe(expected);
});

test("inline scripts are named by hash, files are not", () => {
  const html =
    '<script>let a = 1</script><script src="/x.js"></script><script id="d" async>b()</script><script>let a = 1</script>';
  const sha = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  expect(inlineScriptHashes(html)).toEqual([sha("let a = 1"), sha("b()")]);
});

test("nothing but this site may be asked, framed or run", () => {
  const policy = policyFor("/vi/../../etc/passwd", "abc", false);
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("connect-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("https:");
  expect(/script-src [^;]*unsafe/.test(policy)).toBe(false);
});
