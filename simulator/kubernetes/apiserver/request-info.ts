/** Reads a request's path and method: which resource, which verb (apiserver/pkg/endpoints/request.RequestInfo). */
import type { ApiRequest } from "../../base/door";
import type { KubeRequest, RequestInfo } from "../apimachinery/transport";
import { formatApiVersion } from "../apimachinery/group-version-kind";

export type { RequestInfo } from "../apimachinery/transport";

/** Subresources of namespaces: `/api/v1/namespaces/x/status` is no resource called "status" in namespace x. */
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(["status", "finalize"]);

export const queryValue = (request: ApiRequest, name: string): string => request.query?.[name]?.[0] ?? "";

export const queryFlag = (request: ApiRequest, name: string): boolean => {
  const values = request.query?.[name];
  if (!values || values.length === 0) return false;
  return values[0] === "" || values[0] === "true" || values[0] === "1";
};

/**
 * The name that authorization looks at: a list, watch or deletecollection of one name (`metadata.name=web`) may be
 * allowed by a rule for that name.
 */
export function authorizationName(request: ApiRequest, info: RequestInfo): string {
  if (info.name !== "" || (info.verb !== "list" && info.verb !== "watch" && info.verb !== "deletecollection"))
    return info.name;
  const [, name = ""] = /(?:^|,)metadata\.name==?([^,!=]+)(?:,|$)/.exec(queryValue(request, "fieldSelector")) ?? [];
  return name.includes("/") || name.includes("%") || name === "." || name === ".." ? "" : name;
}

/** Components ask for the same paths again and again. A pure function of what is in the key, so keeping it changes nothing. */
const known = new Map<string, RequestInfo>();
const KNOWN_MAX = 4000;

export function requestInfo(request: KubeRequest): RequestInfo {
  if (request.info) return request.info;
  const key = `${request.method}${queryFlag(request, "watch") ? " watch " : " "}${request.path}`;
  let info = known.get(key);
  if (!info) {
    info = Object.freeze(readInfo(request));
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(key, info);
  }
  return info;
}

function readInfo(request: ApiRequest): RequestInfo {
  const parts = request.path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const plain: RequestInfo = {
    isResource: false,
    path: request.path,
    verb: request.method.toLowerCase(),
    group: "",
    version: "",
    groupVersion: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    rest: [],
  };
  let group = "";
  let version: string;
  let rest: string[];
  if (parts[0] === "api" && parts.length >= 3) {
    version = parts[1]!;
    rest = parts.slice(2);
  } else if (parts[0] === "apis" && parts.length >= 4) {
    group = parts[1]!;
    version = parts[2]!;
    rest = parts.slice(3);
  } else return plain;

  let namespace = "";
  let resource: string;
  let name = "";
  let subresource = "";
  let tail: string[] = [];
  if (rest[0] === "namespaces" && rest.length > 2 && !NAMESPACE_SUBRESOURCES.has(rest[2]!)) {
    namespace = rest[1]!;
    rest = rest.slice(2);
    resource = rest[0]!;
    name = rest[1] ?? "";
    subresource = rest[2] ?? "";
    tail = rest.slice(3);
  } else {
    resource = rest[0]!;
    name = rest[1] ?? "";
    subresource = rest[2] ?? "";
    tail = rest.slice(3);
    // The namespace of a namespace is itself, for authorization.
    if (resource === "namespaces" && name) namespace = name;
  }
  return {
    isResource: true,
    path: request.path,
    verb: verbOf(request, name),
    group,
    version,
    groupVersion: formatApiVersion(group, version),
    namespace,
    resource,
    subresource,
    name,
    rest: tail,
  };
}

function verbOf(request: ApiRequest, name: string): string {
  switch (request.method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name ? "delete" : "deletecollection";
    default:
      if (name) return queryFlag(request, "watch") ? "watch" : "get";
      return queryFlag(request, "watch") ? "watch" : "list";
  }
}

function decode(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
