/** A container's environment: service variables, envFrom, env with its sources, and `$(NAME)` expansion. */
import { decodeUtf8, NO_BYTES } from "../../base/bytes";
import { failure, ok, type Result } from "../../base/result";
import type { ConfigMap, Container, EphemeralContainer, EnvVar, Pod, Secret, Service } from "../api/types.generated";
import { decodeBase64 } from "../apimachinery/base64";
import { type NodeFacts, podField, resourceField } from "./fields";

export interface EnvironmentSources {
  configMap(namespace: string, name: string): Result<ConfigMap, string>;
  secret(namespace: string, name: string): Result<Secret, string>;
  /** Services of the cluster; undefined before they have been read once. */
  services(): readonly Service[] | undefined;
  readonly node: NodeFacts;
  readonly podIp: string;
  /** A variable name that cannot be one: upstream's InvalidVariableNames event. */
  invalidKeys(kind: "configmap" | "secret", name: string, keys: readonly string[]): void;
}

export type Variables = readonly { readonly key: string; readonly value: string }[];

/** An error is CreateContainerConfigError's message. */
export function makeEnvironment(
  pod: Pod,
  container: Container | EphemeralContainer,
  sources: EnvironmentSources,
): Result<Variables, string> {
  const services = sources.services();
  if (!services) return failure("services have not yet been read at least once, cannot construct envvars");
  const namespace = pod.metadata.namespace ?? "default";
  const serviceVariables = serviceEnvironment(services, namespace, pod.spec.enableServiceLinks ?? true);
  const values = new Map<string, string>();
  const fromError = addEnvFrom(container, namespace, sources, values);
  if (fromError !== undefined) return failure(fromError);
  for (const variable of container.env ?? []) {
    const value = variableValue(pod, container, variable, sources, values, serviceVariables);
    if (!value.ok) return value;
    if (value.value !== undefined) values.set(variable.name, value.value);
  }
  const all = [...values].map(([key, value]) => ({ key, value }));
  for (const [key, value] of serviceVariables) if (!values.has(key)) all.push({ key, value });
  return ok(all);
}

/** IsRelaxedEnvVarName: printable ASCII but for the equals sign. */
const variableName = /^[\x20-\x3c\x3e-\x7e]+$/;

function addEnvFrom(
  container: Container | EphemeralContainer,
  namespace: string,
  sources: EnvironmentSources,
  values: Map<string, string>,
): string | undefined {
  for (const { configMapRef, secretRef, prefix = "" } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    if (!reference) continue;
    const kind = configMapRef ? "configmap" : "secret";
    const name = reference.name ?? "";
    const entries = configMapRef ? configMapEntries(sources, namespace, name) : secretEntries(sources, namespace, name);
    if (!entries.ok) {
      if (reference.optional && entries.error.endsWith("not found")) continue;
      return entries.error;
    }
    const invalid: string[] = [];
    for (const key of Object.keys(entries.value).sort()) {
      const full = prefix + key;
      if (variableName.test(full)) values.set(full, entries.value[key]!);
      else invalid.push(full);
    }
    if (invalid.length > 0) sources.invalidKeys(kind, name, invalid);
  }
  return undefined;
}

function configMapEntries(
  sources: EnvironmentSources,
  namespace: string,
  name: string,
): Result<Record<string, string>, string> {
  const found = sources.configMap(namespace, name);
  return found.ok ? ok({ ...found.value.data }) : found;
}

function secretEntries(
  sources: EnvironmentSources,
  namespace: string,
  name: string,
): Result<Record<string, string>, string> {
  const found = sources.secret(namespace, name);
  if (!found.ok) return found;
  const values: Record<string, string> = {};
  for (const [key, value] of Object.entries(found.value.data ?? {}))
    values[key] = decodeUtf8(decodeBase64(value) ?? NO_BYTES);
  return ok(values);
}

/** undefined: the variable is left out (an optional reference to what is not there). */
function variableValue(
  pod: Pod,
  container: Container | EphemeralContainer,
  { name, value, valueFrom }: EnvVar,
  sources: EnvironmentSources,
  values: ReadonlyMap<string, string>,
  serviceVariables: ReadonlyMap<string, string>,
): Result<string | undefined, string> {
  if (value !== undefined && value !== "")
    return ok(expand(value, (key) => values.get(key) ?? serviceVariables.get(key)));
  if (!valueFrom) return ok(value ?? "");
  const namespace = pod.metadata.namespace ?? "default";
  if (valueFrom.fieldRef) {
    const path = valueFrom.fieldRef.fieldPath;
    const field = podField(pod, path, sources.node, sources.podIp);
    return field === undefined ? failure(`unsupported fieldPath: ${path}`) : ok(field);
  }
  if (valueFrom.resourceFieldRef) return resourceField(pod, container, valueFrom.resourceFieldRef, sources.node);
  if (valueFrom.configMapKeyRef) {
    const { key, name: object = "", optional } = valueFrom.configMapKeyRef;
    const found = sources.configMap(namespace, object);
    if (!found.ok) return optional && found.error.endsWith("not found") ? ok(undefined) : found;
    const entry = found.value.data?.[key];
    if (entry !== undefined) return ok(entry);
    return optional ? ok(undefined) : failure(`couldn't find key ${key} in ConfigMap ${namespace}/${object}`);
  }
  if (valueFrom.secretKeyRef) {
    const { key, name: object = "", optional } = valueFrom.secretKeyRef;
    const found = sources.secret(namespace, object);
    if (!found.ok) return optional && found.error.endsWith("not found") ? ok(undefined) : found;
    const entry = found.value.data?.[key];
    if (entry !== undefined) return ok(decodeUtf8(decodeBase64(entry) ?? NO_BYTES));
    return optional ? ok(undefined) : failure(`couldn't find key ${key} in Secret ${namespace}/${object}`);
  }
  return failure(`environment variable ${name}: this source is not simulated; use configMapKeyRef or secretKeyRef`);
}

/** third_party/forked/golang/expansion: `$(NAME)`, with `$$` as a way to write one dollar; what is unknown stays. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "$" || i + 1 >= text.length) {
      out += text[i];
      continue;
    }
    const next = text[i + 1];
    if (next === "$") {
      out += "$";
      i++;
    } else if (next === "(") {
      const end = text.indexOf(")", i);
      if (end < 0) {
        out += "$(";
        i++;
        continue;
      }
      const name = text.slice(i + 2, end);
      out += lookup(name) ?? `$(${name})`;
      i = end;
    } else {
      out += `$${next}`;
      i++;
    }
  }
  return out;
}

/** envvars.FromServices, in a fixed order. Services without a cluster IP have no variables. */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  const hasIp = (s: Service): boolean =>
    s.spec.clusterIP !== undefined && s.spec.clusterIP !== "" && s.spec.clusterIP !== "None";
  const master = services.find((s) => s.metadata.namespace === "default" && s.metadata.name === "kubernetes");
  const chosen = new Map<string, Service>();
  if (master && hasIp(master)) chosen.set("kubernetes", master);
  if (links)
    for (const service of services)
      if (service.metadata.namespace === namespace && hasIp(service)) chosen.set(service.metadata.name, service);
  for (const name of [...chosen.keys()].sort()) addServiceVariables(result, chosen.get(name)!);
  return result;
}

const variableOf = (name: string): string => name.toUpperCase().replaceAll("-", "_");

function addServiceVariables(result: Map<string, string>, service: Service): void {
  const prefix = variableOf(service.metadata.name);
  const ip = service.spec.clusterIP!;
  const ports = service.spec.ports ?? [];
  const first = ports[0];
  if (!first) return;
  result.set(`${prefix}_SERVICE_HOST`, ip);
  result.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports)
    if (port.name) result.set(`${prefix}_SERVICE_PORT_${variableOf(port.name)}`, String(port.port));
  ports.forEach((port, index) => {
    const protocol = port.protocol ?? "TCP";
    const url = `${protocol.toLowerCase()}://${ip}:${port.port}`;
    const full = `${prefix}_PORT_${port.port}_${protocol}`;
    if (index === 0) result.set(`${prefix}_PORT`, url);
    result.set(full, url);
    result.set(`${full}_PROTO`, protocol.toLowerCase());
    result.set(`${full}_PORT`, String(port.port));
    result.set(`${full}_ADDR`, ip);
  });
}
