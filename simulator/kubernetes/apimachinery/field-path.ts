/** Field errors of validation (apimachinery/pkg/util/validation/field), in upstream's words. */

export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueDuplicate"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueForbidden"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueNotFound"
  | "FieldValueTypeInvalid"
  | "InternalError";

export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** All of the text after `field: `. */
  readonly body: string;
}

/** How an error prints: `spec.replicas: Invalid value: -1: must be …`. */
export const formatFieldError = (error: FieldError): string => `${error.field}: ${error.body}`;

export const required = (field: string, detail = ""): FieldError => ({
  type: "FieldValueRequired",
  field,
  body: detail ? `Required value: ${detail}` : "Required value",
});

export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  field,
  body: `Invalid value: ${formatValue(value)}${detail ? `: ${detail}` : ""}`,
});

export const typeInvalid = (field: string, value: unknown, detail: string): FieldError => ({
  type: "FieldValueTypeInvalid",
  field,
  body: `Invalid value: ${formatValue(value)}${detail ? `: ${detail}` : ""}`,
});

export const forbidden = (field: string, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  field,
  body: detail ? `Forbidden: ${detail}` : "Forbidden",
});

export const duplicate = (field: string, value: unknown): FieldError => ({
  type: "FieldValueDuplicate",
  field,
  body: `Duplicate value: ${formatValue(value)}`,
});

export const notFoundField = (field: string, value: unknown): FieldError => ({
  type: "FieldValueNotFound",
  field,
  body: `Not found: ${formatValue(value)}`,
});

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  type: "FieldValueNotSupported",
  field,
  body:
    `Unsupported value: ${formatValue(value)}` +
    (supported.length > 0 ? `: supported values: ${[...supported].map((v) => JSON.stringify(v)).join(", ")}` : ""),
});

export const tooLong = (field: string, maxLength: number): FieldError => ({
  type: "FieldValueTooLong",
  field,
  body: `Too long: may not be more than ${maxLength} bytes`,
});

export const tooMany = (field: string, actual: number, maximum: number): FieldError => ({
  type: "FieldValueTooMany",
  field,
  body: `Too many: ${actual}: must have at most ${maximum} items`,
});

/** Go's rendering of a bad value: strings quoted, structs as JSON, nothing as null. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return "null";
  return JSON.stringify(value);
}
