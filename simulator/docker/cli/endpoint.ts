/** Which daemon is meant: `-H`, then DOCKER_HOST, then the context; and what is wrong with an address. */
import { decodeUtf8 } from "../../base/bytes";
import { sha256Hex } from "../../base/hash";
import { failure, ok, type Result } from "../../base/result";
import type { Process } from "../../os/process";
import { readConfig } from "./registry-auth";

export const DEFAULT_HOST = "unix:///var/run/docker.sock";

export interface ContextMetadata {
  readonly Name: string;
  readonly Metadata: { readonly Description?: string };
  readonly Endpoints: { readonly docker: { readonly Host: string; readonly SkipTLSVerify: boolean } };
}

export const contextFolder = (process: Process): string => `${process.env["HOME"] ?? "/root"}/.docker/contexts/meta`;
export const contextPath = (process: Process, name: string): string =>
  `${contextFolder(process)}/${sha256Hex(name)}/meta.json`;

export function readContext(process: Process, name: string): Result<ContextMetadata, string> {
  if (name === "default") {
    return ok({
      Name: "default",
      Metadata: {},
      Endpoints: { docker: { Host: process.env["DOCKER_HOST"] || DEFAULT_HOST, SkipTLSVerify: false } },
    });
  }
  const path = contextPath(process, name);
  if (!process.fs.exists(path))
    return failure(`context "${name}": context not found: open ${path}: no such file or directory`);
  return ok(JSON.parse(decodeUtf8(process.fs.readFile(path))) as ContextMetadata);
}

export function currentContext(process: Process, flag: string): string {
  if (flag) return flag;
  if (process.env["DOCKER_HOST"]) return "default";
  return process.env["DOCKER_CONTEXT"] || String(readConfig(process)["currentContext"] ?? "") || "default";
}

const UNRESOLVED = "Failed to initialize: unable to resolve docker endpoint: ";

/** The address to call, by the global flags; the error is what the CLI says instead. */
export function resolveHost(process: Process, flags: Readonly<Record<string, unknown>>): Result<string, string> {
  const given = (flags["host"] as readonly string[] | undefined)?.[0] ?? process.env["DOCKER_HOST"];
  if (flags["tls"] || flags["tlsverify"] || process.env["DOCKER_TLS_VERIFY"]) {
    const folder = process.env["DOCKER_CERT_PATH"] || `${process.env["HOME"] ?? "/root"}/.docker`;
    for (const file of ["ca", "cert", "key"]) {
      const path = `${folder}/${file}.pem`;
      if (!process.fs.exists(path)) return failure(`${UNRESOLVED}open ${path}: no such file or directory`);
    }
  }
  if (given) {
    const scheme = /^([a-z]+):\/\//.exec(given)?.[1];
    if (scheme && !["unix", "tcp", "http", "https", "ssh", "npipe", "fd"].includes(scheme))
      return failure(`${UNRESOLVED}invalid bind address format: ${given}`);
    return ok(given);
  }
  const found = readContext(process, currentContext(process, String(flags["context"] ?? "")));
  return found.ok ? ok(found.value.Endpoints.docker.Host) : failure(UNRESOLVED + found.error);
}
