/** Logins kept in ~/.docker/config.json, and the header that carries them. */
import { decodeUtf8, encodeUtf8 } from "../../base/bytes";
import type { Process } from "../../os/process";
import { decodeBase64, encodeBase64 } from "../../text/base64";

export const HUB = "https://index.docker.io/v1/";

export interface ConfigFile {
  auths?: Record<string, { auth?: string }>;
  [field: string]: unknown;
}

const configPath = (process: Process): string =>
  `${process.env["DOCKER_CONFIG"] ?? `${process.env["HOME"] ?? "/root"}/.docker`}/config.json`;

export function readConfig(process: Process): ConfigFile {
  const path = configPath(process);
  if (!process.fs.exists(path)) return {};
  try {
    return JSON.parse(decodeUtf8(process.fs.readFile(path))) as ConfigFile;
  } catch {
    return {};
  }
}

export function writeConfig(process: Process, config: ConfigFile): void {
  const path = configPath(process);
  process.fs.makeDirs(path.slice(0, path.lastIndexOf("/")), { mode: 0o700 });
  process.fs.writeFile(path, encodeUtf8(JSON.stringify(config, undefined, "\t")), { mode: 0o600 });
}

/** The key under which a registry's login is kept. */
export const registryKey = (imageName: string): string => {
  const host = imageName.split("/")[0]!;
  return host === "docker.io" || host === "index.docker.io" ? HUB : host;
};

export function registryAuth(process: Process, imageName: string): Record<string, string> {
  const key = registryKey(imageName);
  const auth = readConfig(process).auths?.[key]?.auth;
  const [username = "", password = ""] = auth ? decodeUtf8(decodeBase64(auth)).split(/:(.*)/s) : [];
  const value = auth ? { username, password, serveraddress: key } : {};
  return {
    "x-registry-auth": encodeBase64(encodeUtf8(JSON.stringify(value)))
      .replaceAll("+", "-")
      .replaceAll("/", "_"),
  };
}
