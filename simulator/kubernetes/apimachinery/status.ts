/** metav1.Status and its constructors (apimachinery/pkg/api/errors), with upstream's messages. */
import type { ApiResponse } from "../../base/door";
import { type FieldError, formatFieldError } from "./field-path";
import { formatGroupKind, formatGroupResource, type GroupVersionKind } from "./group-version-kind";
import type { Status, StatusDetails } from "./object";

export interface GroupResource {
  readonly group: string;
  readonly resource: string;
}

const noMetadata = Object.freeze({});

/** A failure Status of any reason. */
export function statusFailure(code: number, reason: string, message: string, details?: StatusDetails): Status {
  return Object.freeze({
    kind: "Status",
    apiVersion: "v1",
    metadata: noMetadata,
    status: "Failure",
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  } as Status);
}

/** What a DELETE that has removed the object answers. */
export function statusSuccess(details?: StatusDetails): Status {
  return Object.freeze({
    kind: "Status",
    apiVersion: "v1",
    metadata: noMetadata,
    status: "Success",
    ...(details ? { details } : {}),
  } as Status);
}

const detailsOf = (resource: GroupResource, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(resource.group ? { group: resource.group } : {}),
  ...(resource.resource ? { kind: resource.resource } : {}),
});

export const notFound = (resource: GroupResource, name: string): Status =>
  statusFailure(
    404,
    "NotFound",
    `${formatGroupResource(resource.group, resource.resource)} "${name}" not found`,
    detailsOf(resource, name),
  );

export const alreadyExists = (resource: GroupResource, name: string): Status =>
  statusFailure(
    409,
    "AlreadyExists",
    `${formatGroupResource(resource.group, resource.resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );

export const generateNameConflict = (resource: GroupResource, name: string): Status =>
  statusFailure(
    409,
    "AlreadyExists",
    `${formatGroupResource(resource.group, resource.resource)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    { ...detailsOf(resource, name), retryAfterSeconds: 1 },
  );

export const conflict = (resource: GroupResource, name: string, reason: string): Status =>
  statusFailure(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${formatGroupResource(resource.group, resource.resource)} "${name}": ${reason}`,
    detailsOf(resource, name),
  );

/** registry.OptimisticLockErrorMsg. */
export const OPTIMISTIC_LOCK_MESSAGE =
  "the object has been modified; please apply your changes to the latest version and try again";

/** A server-side apply that would take fields from others. */
export const applyConflict = (causes: NonNullable<StatusDetails["causes"]>, message: string): Status =>
  statusFailure(409, "Conflict", message, { causes });

export const forbiddenStatus = (resource: GroupResource, name: string, reason: string): Status => {
  const target = formatGroupResource(resource.group, resource.resource);
  const message = !resource.resource
    ? `forbidden: ${reason}`
    : name
      ? `${target} "${name}" is forbidden: ${reason}`
      : `${target} is forbidden: ${reason}`;
  return statusFailure(403, "Forbidden", message, detailsOf(resource, name));
};

export const unauthorized = (): Status => statusFailure(401, "Unauthorized", "Unauthorized");

export const badRequest = (message: string): Status => statusFailure(400, "BadRequest", message);

/** 422 for one object: the errors in order, as an aggregate. */
export function invalidStatus(
  gvk: Pick<GroupVersionKind, "group" | "kind">,
  name: string,
  errors: readonly FieldError[],
): Status {
  const texts: string[] = [];
  for (const error of errors) {
    const text = formatFieldError(error);
    if (!texts.includes(text)) texts.push(text);
  }
  const all = texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`;
  return statusFailure(422, "Invalid", `${formatGroupKind(gvk.group, gvk.kind)} "${name}" is invalid: ${all}`, {
    ...(name ? { name } : {}),
    ...(gvk.group ? { group: gvk.group } : {}),
    kind: gvk.kind,
    causes: errors.map((error) => ({ reason: error.type, message: error.body, field: error.field })),
  });
}

/** The resourceVersion asked for is compacted away: list anew. */
export const resourceExpired = (message: string): Status => statusFailure(410, "Expired", message);

export const gone = (message: string): Status => statusFailure(410, "Gone", message);

export const methodNotSupported = (resource: GroupResource, action: string): Status =>
  statusFailure(
    405,
    "MethodNotAllowed",
    `${action} is not supported on resources of kind "${formatGroupResource(resource.group, resource.resource)}"`,
    detailsOf(resource, ""),
  );

/** What the server answers on paths it does not know. */
export const pageNotFound = (): Status =>
  statusFailure(404, "NotFound", "the server could not find the requested resource", {});

export const unsupportedMediaType = (type: string, accepted: readonly string[]): Status =>
  statusFailure(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}` +
      (type ? "" : ""),
  );

export const tooManyRequests = (message: string, causes?: StatusDetails["causes"]): Status =>
  statusFailure(429, "TooManyRequests", message, causes ? { causes } : undefined);

export const timeout = (message: string, retryAfterSeconds = 0): Status =>
  statusFailure(504, "Timeout", `Timeout: ${message}`, retryAfterSeconds ? { retryAfterSeconds } : {});

export const serviceUnavailable = (message: string): Status => statusFailure(503, "ServiceUnavailable", message);

export const internalError = (message: string): Status =>
  statusFailure(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });

/** Errors without a reason of their own (storage failures) answer 500 with their bare text. */
export const unknownError = (message: string): Status => statusFailure(500, "", message);

export const isStatus = (value: unknown): value is Status =>
  typeof value === "object" && value !== null && (value as Status).kind === "Status" && "status" in value;

/** A Status as a response. */
export const statusResponse = (status: Status): ApiResponse => ({
  status: status.code ?? 200,
  headers: { "content-type": "application/json" },
  body: status,
});
