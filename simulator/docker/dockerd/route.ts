/** How requests find their handlers: a table of method, path pattern and code. */
import type { ApiRequest, ApiResponse } from "../../base/door";
import { deepFreeze } from "../../base/json";
import type { Task } from "../../base/task";
import { badRequest } from "../api/failure";
import { readBool } from "../api/filters";
import type { Daemon } from "./daemon";

/** A request with its path's parts and query at hand. */
export class RouteRequest {
  readonly request: ApiRequest;
  readonly params: readonly string[];

  constructor(request: ApiRequest, params: readonly string[]) {
    this.request = request;
    this.params = params;
  }

  /** The n-th variable part of the path. */
  param(index = 0): string {
    return this.params[index] ?? "";
  }

  query(name: string): string | undefined {
    return this.request.query?.[name]?.[0];
  }

  queryAll(name: string): readonly string[] {
    return this.request.query?.[name] ?? [];
  }

  /** Absent is `fallback`; anything but the words for no is yes, as upstream reads it. */
  flag(name: string, fallback = false): boolean {
    const text = this.query(name);
    if (text === undefined || text === "") return fallback;
    return readBool(text) ?? !["no", "none"].includes(text.toLowerCase());
  }

  number(name: string): number | undefined {
    const text = this.query(name);
    if (text === undefined || text === "") return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) throw badRequest(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    return value;
  }

  body<T>(): T {
    return (this.request.body ?? {}) as T;
  }

  header(name: string): string | undefined {
    return this.request.headers?.[name];
  }
}

export interface Route {
  readonly method: ApiRequest["method"];
  /** With one capture per variable part. */
  readonly pattern: RegExp;
  readonly handle: (daemon: Daemon, request: RouteRequest) => Task<ApiResponse>;
}

/** `/containers/:name/json`; a `*` part takes slashes too, and names of objects do as upstream's `{name:.*}`. */
export function route(method: Route["method"], path: string, handle: Route["handle"]): Route {
  const pattern = path
    .replace(/[.]/g, "\\.")
    .replace(/:\w+\*/g, "(.+?)")
    .replace(/^(\/(?:containers|networks|volumes)\/):\w+/, "$1(.*)")
    .replace(/:\w+/g, "([^/]*)");
  return { method, pattern: new RegExp(`^${pattern}$`), handle };
}

export const json = (body: unknown, status = 200): ApiResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: deepFreeze(body),
});

export const noContent = (status = 204): ApiResponse => ({ status });
