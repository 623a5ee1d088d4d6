/** kubectl create ingress */
import { stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { defineCreateCommand } from "../../create-object";
import { fail } from "../../failure";
import { INGRESS } from "./made-kinds";

const RULE =
  /^(?<host>[\w*\-.]*)(?<path>\/[^=]*)=(?<service>[\w-]+):(?<port>[\w-]+)(?:,(?<tls>tls(?:=(?<secret>[\w.-]+))?))?$/;
const BACKEND = /^(?<service>[\w-]+):(?<port>[\w-]+)$/;

export const createIngress = defineCreateCommand({
  use: "ingress NAME --rule=host/path=service:port[,tls[=secret]]",
  aliases: ["ing"],
  short: "Create an ingress with the specified name",
  made: INGRESS,
  failure: "failed to create ingress",
  flags: {
    annotation: stringArrayFlag([], "Annotation to insert in the ingress object, in the format annotation=value"),
    class: stringFlag("", "Ingress Class to be used"),
    "default-backend": stringFlag("", "Default service for backend, in format of svcname:port"),
    rule: stringArrayFlag(
      [],
      "Rule in format host/path=service:port[,tls=secretname]. Paths containing the leading character '*' are considered pathType=Prefix. tls argument is optional.",
    ),
  },
  *build({ flags }, name) {
    const fallback = flags["default-backend"];
    if (fallback === "" && flags.rule.length === 0) {
      fail(
        "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
      );
    }
    for (const rule of flags.rule)
      if (!RULE.test(rule))
        fail(`rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`);
    if (fallback !== "" && !BACKEND.test(fallback)) fail("default-backend should be in format servicename:serviceport");
    const annotations = annotationsOf(flags.annotation);
    return {
      kind: "Ingress",
      apiVersion: "networking.k8s.io/v1",
      metadata: { name, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
      spec: {
        ...(flags.class ? { ingressClassName: flags.class } : {}),
        ...(fallback ? { defaultBackend: backend(BACKEND.exec(fallback)!.groups!) } : {}),
        ...specOf(flags.rule),
      },
      status: { loadBalancer: {} },
    };
  },
});

function annotationsOf(pairs: readonly string[]): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 0) fail(`annotation ${pair} is invalid and should be in format key=[value]`);
    annotations[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return annotations;
}

function backend(groups: Readonly<Record<string, string>>): Record<string, unknown> {
  const port = groups["port"]!;
  return { service: { name: groups["service"], port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } } };
}

interface Path {
  readonly path: string;
  readonly pathType: string;
  readonly backend: Record<string, unknown>;
}

/** Rules of one host are gathered; so are hosts of one TLS secret. */
function specOf(rules: readonly string[]): Record<string, unknown> {
  const hosts = new Map<string, Path[]>();
  const secrets = new Map<string, string[]>();
  for (const rule of rules) {
    const groups = RULE.exec(rule)!.groups as Record<string, string>;
    const host = groups["host"] ?? "";
    const path = groups["path"]!;
    const isPrefix = path.endsWith("*");
    const entry: Path = {
      path: isPrefix ? path.slice(0, -1) : path,
      pathType: isPrefix ? "Prefix" : "Exact",
      backend: backend(groups),
    };
    hosts.set(host, [...(hosts.get(host) ?? []), entry]);
    if (groups["tls"] === undefined) continue;
    const secret = groups["secret"] ?? "";
    const named = secrets.get(secret) ?? [];
    if (host && !named.includes(host)) named.push(host);
    secrets.set(secret, named);
  }
  const tls = [...secrets].map(([secretName, names]) => ({
    ...(names.length > 0 ? { hosts: names } : {}),
    ...(secretName ? { secretName } : {}),
  }));
  return {
    ...(tls.length > 0 ? { tls } : {}),
    ...(hosts.size > 0
      ? { rules: [...hosts].map(([host, paths]) => ({ ...(host ? { host } : {}), http: { paths } })) }
      : {}),
  };
}
