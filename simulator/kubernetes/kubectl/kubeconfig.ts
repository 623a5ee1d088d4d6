/** Kubeconfig files: read from $KUBECONFIG or ~/.kube/config, merged, resolved to a server and credentials, written back. */
import { deepCopy } from "../../base/json";
import { decodeUtf8, encodeUtf8, type Bytes } from "../../base/bytes";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { parseYaml, printYaml } from "../../text/yaml";
import type { Credentials } from "../apimachinery/transport";
import { fail } from "./failure";

export interface Cluster {
  server?: string;
  "certificate-authority"?: string;
  "certificate-authority-data"?: string;
  "insecure-skip-tls-verify"?: boolean;
  "tls-server-name"?: string;
  "proxy-url"?: string;
  [field: string]: unknown;
}

export interface AuthInfo {
  "client-certificate"?: string;
  "client-certificate-data"?: string;
  "client-key"?: string;
  "client-key-data"?: string;
  token?: string;
  username?: string;
  password?: string;
  [field: string]: unknown;
}

export interface Context {
  cluster?: string;
  user?: string;
  namespace?: string;
  [field: string]: unknown;
}

/** One file, or several merged. Entries remember nothing of where they came from; `origins` does. */
export interface Kubeconfig {
  clusters: Record<string, Cluster>;
  users: Record<string, AuthInfo>;
  contexts: Record<string, Context>;
  currentContext: string;
}

export const emptyKubeconfig = (): Kubeconfig => ({ clusters: {}, users: {}, contexts: {}, currentContext: "" });

/** Overrides from the command line. */
export interface ConfigOverrides {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
  readonly server?: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  readonly insecure?: boolean;
  readonly certificateAuthority?: string;
  readonly impersonate?: Credentials["impersonate"];
}

/** What a command talks to, and as whom. */
export interface ResolvedConfig {
  readonly server: string;
  readonly credentials: Credentials;
  readonly namespace: string;
  /** --namespace was given. */
  readonly isNamespaceExplicit: boolean;
  readonly contextName: string;
}

/** The files of the loading rules, in order of precedence, and whether the one was named by --kubeconfig. */
export function configPaths(
  process: Process,
  explicit: string | undefined,
): { readonly paths: readonly string[]; readonly isExplicit: boolean } {
  if (explicit) return { paths: [explicit], isExplicit: true };
  const variable = process.env["KUBECONFIG"];
  if (variable) return { paths: [...new Set(variable.split(":").filter((path) => path !== ""))], isExplicit: false };
  return { paths: [`${process.env["HOME"] ?? "/root"}/.kube/config`], isExplicit: false };
}

/** Reads and merges: the first file that sets a value wins. */
export function loadKubeconfig(process: Process, explicit?: string): Kubeconfig {
  const { paths, isExplicit } = configPaths(process, explicit);
  const merged = emptyKubeconfig();
  for (const path of paths) {
    const one = readKubeconfig(process, path, isExplicit);
    if (!one) continue;
    for (const kind of ["clusters", "users", "contexts"] as const) {
      for (const [name, entry] of Object.entries(one[kind]))
        if (!Object.hasOwn(merged[kind], name)) merged[kind][name] = entry as never;
    }
    merged.currentContext ||= one.currentContext;
  }
  return merged;
}

/** The files that were read last, parsed: every kubectl reads the same one. Nobody changes what is in them. */
const parsedConfigs = new Map<string, ReturnType<typeof parseYaml>>();

function parseConfig(text: string): ReturnType<typeof parseYaml> {
  let parsed = parsedConfigs.get(text);
  if (!parsed) {
    parsed = parseYaml(text);
    if (parsedConfigs.size >= 20) parsedConfigs.clear();
    parsedConfigs.set(text, parsed);
  }
  return parsed;
}

/** One file; undefined when it is not there (and need not be). */
export function readKubeconfig(process: Process, path: string, mustExist: boolean): Kubeconfig | undefined {
  let text: string;
  try {
    text = process.readText(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (!mustExist && error.code === "ENOENT") return undefined;
    if (error.code === "ENOENT") return fail(`stat ${path}: no such file or directory`);
    return fail(`error loading config file "${path}": open ${path}: ${error.message}`);
  }
  const config = emptyKubeconfig();
  if (text.trim() === "") return config;
  const parsed = parseConfig(text);
  if (!parsed.ok) return fail(`error loading config file "${path}": ${parsed.error}`);
  const value = parsed.value.value as Record<string, unknown> | undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail(
      `error loading config file "${path}": couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  const entries = (list: unknown, field: string): Record<string, never> => {
    const map: Record<string, never> = {};
    for (const item of Array.isArray(list) ? list : []) {
      const name = String((item as { name?: unknown }).name ?? "");
      // A name given twice keeps its first entry, as client-go does.
      if (!Object.hasOwn(map, name)) map[name] = deepCopy((item as Record<string, unknown>)[field] ?? {}) as never;
    }
    return map;
  };
  config.clusters = entries(value["clusters"], "cluster");
  config.users = entries(value["users"], "user");
  config.contexts = entries(value["contexts"], "context");
  config.currentContext = String(value["current-context"] ?? "");
  return config;
}

/** The file's text: entries in order of name, as clientcmd writes them. */
export function kubeconfigText(config: Kubeconfig): string {
  return printYaml(kubeconfigValue(config));
}

export function kubeconfigValue(config: Kubeconfig): Record<string, unknown> {
  const list = (map: Record<string, unknown>, field: string): unknown[] | null => {
    const names = Object.keys(map).sort();
    return names.length === 0 ? null : names.map((name) => ({ [field]: map[name], name }));
  };
  return {
    apiVersion: "v1",
    clusters: list(config.clusters, "cluster"),
    contexts: list(config.contexts, "context"),
    "current-context": config.currentContext,
    kind: "Config",
    users: list(config.users, "user"),
  };
}

export function writeKubeconfig(process: Process, path: string, config: Kubeconfig): void {
  const absolute = process.path(path);
  const folder = absolute.slice(0, absolute.lastIndexOf("/")) || "/";
  try {
    process.fs.makeDirs(folder);
    process.fs.writeFile(absolute, encodeUtf8(kubeconfigText(config)));
  } catch (error) {
    if (error instanceof SysError) fail(`open ${absolute}: ${error.message}`);
    throw error;
  }
}

/** Chooses context, cluster and user, in client-go's words where one is missing. */
export function resolveConfig(process: Process, config: Kubeconfig, overrides: ConfigOverrides): ResolvedConfig {
  const contextName = overrides.context || config.currentContext;
  if (overrides.context && !Object.hasOwn(config.contexts, overrides.context)) {
    fail(`context "${overrides.context}" does not exist`);
  }
  const context = config.contexts[contextName] ?? {};
  if (overrides.user && !Object.hasOwn(config.users, overrides.user))
    fail(`auth info "${overrides.user}" does not exist`);
  if (overrides.cluster && !Object.hasOwn(config.clusters, overrides.cluster))
    fail(`no server found for cluster "${overrides.cluster}"`);
  const cluster = config.clusters[overrides.cluster || context.cluster || ""];
  const user = config.users[overrides.user || context.user || ""] ?? {};
  return {
    server: overrides.server || cluster?.server || "http://localhost:8080",
    credentials: credentialsOf(process, user, overrides),
    namespace: overrides.namespace || context.namespace || "default",
    isNamespaceExplicit: Boolean(overrides.namespace),
    contextName,
  };
}

function credentialsOf(process: Process, user: AuthInfo, overrides: ConfigOverrides): Credentials {
  const token = overrides.token || user.token;
  const certificate = token ? undefined : certificateOf(process, user);
  const hasImpersonation =
    overrides.impersonate &&
    (overrides.impersonate.user || overrides.impersonate.groups?.length || overrides.impersonate.uid);
  return {
    ...(token ? { token } : {}),
    ...(certificate ? { certificate } : {}),
    ...(hasImpersonation ? { impersonate: overrides.impersonate } : {}),
  };
}

function certificateOf(process: Process, user: AuthInfo): Credentials["certificate"] {
  if (user["client-certificate-data"]) return parseCertificate(decodeBase64(user["client-certificate-data"]));
  const path = user["client-certificate"];
  if (!path) return undefined;
  try {
    return parseCertificate(process.readText(path));
  } catch (error) {
    if (error instanceof SysError)
      return fail(`unable to read client-cert ${path} for kubernetes-admin due to open ${path}: ${error.message}`);
    throw error;
  }
}

/**
 * A certificate of this world: PEM armour around the subject as text. There is no cryptography to break here; what a
 * learner can see (the CN is the user, O are the groups) is in it.
 */
export function certificatePem(subject: NonNullable<Credentials["certificate"]>): string {
  const text = ["subject", `CN=${subject.commonName}`, ...subject.organizations.map((each) => `O=${each}`)].join("\n");
  const body = encodeBase64(encodeUtf8(text)).replace(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

export function parseCertificate(pem: string): Credentials["certificate"] {
  const body = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (!body) return undefined;
  const lines = decodeBase64(body.replace(/\s+/g, "")).split("\n");
  const commonName = lines.find((line) => line.startsWith("CN="))?.slice(3);
  if (lines[0] !== "subject" || commonName === undefined) return undefined;
  return { commonName, organizations: lines.filter((line) => line.startsWith("O=")).map((line) => line.slice(2)) };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes: Bytes): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = (bytes.charCodeAt(i) << 16) | ((bytes.charCodeAt(i + 1) || 0) << 8) | (bytes.charCodeAt(i + 2) || 0);
    const letters = [18, 12, 6, 0].map((shift) => ALPHABET[(group >> shift) & 63]!).join("");
    const missing = Math.max(0, i + 3 - bytes.length);
    out += letters.slice(0, 4 - missing) + "=".repeat(missing);
  }
  return out;
}

export const decodeBase64 = (text: string): string => decodeUtf8(decodeBase64Bytes(text));

export function decodeBase64Bytes(text: string): Bytes {
  let bits = 0;
  let size = 0;
  let out = "";
  for (const ch of text) {
    const value = ALPHABET.indexOf(ch);
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffffff;
    size += 6;
    if (size < 8) continue;
    size -= 8;
    out += String.fromCharCode((bits >> size) & 0xff);
  }
  return out as Bytes;
}
