/** Rules of names, labels and annotations (apimachinery/pkg/util/validation), with upstream's messages. */
import { utf8Length } from "./utf8";
import { type FieldError, invalid, required, tooLong } from "./field-path";
import type { NameRule } from "./resource";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${subdomain}$`);
const qualifiedPattern = new RegExp(`^${qualified}$`);
const labelValuePattern = new RegExp(`^(${qualified})?$`);
const dns1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const dns1035Pattern = new RegExp(`^${dns1035}$`);

const regexMessage = (text: string, pattern: string, ...examples: string[]): string =>
  examples.length === 0
    ? `${text} (regex used for validation is '${pattern}')`
    : `${text} (e.g. ${examples.map((e) => `'${e}'`).join(",  or ")}, regex used for validation is '${pattern}')`;

const maxLength = (length: number): string => `must be no more than ${length} bytes`;

export function dns1123Label(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(maxLength(63));
  if (!labelPattern.test(value)) {
    errors.push(
      subdomainPattern.test(value)
        ? "must not contain dots"
        : regexMessage(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            label,
            "my-name",
            "123-abc",
          ),
    );
  }
  return errors;
}

export function dns1123Subdomain(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(maxLength(253));
  if (!subdomainPattern.test(value)) {
    errors.push(
      regexMessage(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        subdomain,
        "example.com",
      ),
    );
  }
  return errors;
}

export function wildcardDns1123Subdomain(value: string): string[] {
  const pattern = `\\*\\.${subdomain}`;
  const errors: string[] = [];
  if (value.length > 253) errors.push(maxLength(253));
  if (!new RegExp(`^${pattern}$`).test(value)) {
    errors.push(
      regexMessage(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        pattern,
        "*.example.com",
      ),
    );
  }
  return errors;
}

export function dns1035Label(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(maxLength(63));
  if (!dns1035Pattern.test(value)) {
    errors.push(
      regexMessage(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        dns1035,
        "my-name",
        "abc-123",
      ),
    );
  }
  return errors;
}

export function pathSegmentName(value: string): string[] {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  const errors: string[] = [];
  for (const illegal of ["/", "%"]) if (value.includes(illegal)) errors.push(`may not contain '${illegal}'`);
  return errors;
}

/** A label or annotation key. */
export function qualifiedName(value: string): string[] {
  const errors: string[] = [];
  const parts = value.split("/");
  let name = parts[0]!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    name = parts[1]!;
    if (prefix === "") errors.push("prefix part must be non-empty");
    else for (const message of dns1123Subdomain(prefix)) errors.push(`prefix part ${message}`);
  } else if (parts.length > 2) {
    errors.push(
      `a qualified name ${regexMessage("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", qualified, "MyName", "my.name", "123-abc")} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    );
    return errors;
  }
  if (name === "") errors.push("name part must be non-empty");
  else if (name.length > 63) errors.push(`name part ${maxLength(63)}`);
  if (!qualifiedPattern.test(name)) {
    errors.push(
      `name part ${regexMessage("must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character", qualified, "MyName", "my.name", "123-abc")}`,
    );
  }
  return errors;
}

export function labelValue(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 63) errors.push(maxLength(63));
  if (!labelValuePattern.test(value)) {
    errors.push(
      regexMessage(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        `(${qualified})?`,
        "MyValue",
        "my_value",
        "12345",
      ),
    );
  }
  return errors;
}

export function configMapKey(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(maxLength(253));
  if (!/^[-._a-zA-Z0-9]+$/.test(value)) {
    errors.push(
      regexMessage(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        "[-._a-zA-Z0-9]+",
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  }
  if (value === ".") errors.push("must not be '.'");
  else if (value === "..") errors.push("must not be '..'");
  else if (value.startsWith("..")) errors.push("must not start with '..'");
  return errors;
}

/** Environment variable names, in the relaxed form that is the default since 1.34. */
export function environmentVariableName(value: string): string[] {
  const errors: string[] = [];
  if (value.length === 0) errors.push("environment variable name must be non-empty");
  if (!/^[ -<>-~]+$/.test(value)) {
    errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='");
  }
  return errors;
}

export function portName(value: string): string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(maxLength(15));
  if (!/^[-a-z0-9]+$/.test(value))
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

export const validPort = (port: number): string[] =>
  Number.isInteger(port) && port >= 1 && port <= 65535 ? [] : ["must be between 1 and 65535, inclusive"];

export const NOT_NEGATIVE = "must be greater than or equal to 0";
export const IMMUTABLE = "field is immutable";

const nameRules: Readonly<Record<NameRule, (value: string) => string[]>> = {
  "dns-subdomain": dns1123Subdomain,
  "dns-label": dns1123Label,
  "dns-1035-label": dns1035Label,
  "path-segment": pathSegmentName,
};

export const nameErrors = (rule: NameRule, name: string): string[] => nameRules[rule](name);

export const validateLabels = (labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] => {
  if (!labels) return [];
  const errors: FieldError[] = [];
  for (const key of Object.keys(labels).sort()) {
    for (const message of qualifiedName(key)) errors.push(invalid(field, key, message));
    for (const message of labelValue(labels[key]!)) errors.push(invalid(field, labels[key], message));
  }
  return errors;
};

const ANNOTATIONS_BYTES_MAX = 256 * 1024;

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  field: string,
): FieldError[] {
  if (!annotations) return [];
  const errors: FieldError[] = [];
  let total = 0;
  for (const key of Object.keys(annotations).sort()) {
    for (const message of qualifiedName(key.toLowerCase())) errors.push(invalid(field, key, message));
    total += utf8Length(key) + utf8Length(annotations[key]!);
  }
  if (total > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(field, ANNOTATIONS_BYTES_MAX));
  return errors;
}

/** Whether `metadata.name` is a name, under a rule, and the rest of the metadata is well formed. */
export function validateObjectMeta(
  // biome-ignore lint/suspicious/noExplicitAny: metadata of templates lacks what objects have.
  metadata: any,
  rule: NameRule,
  namespaced: boolean,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.generateName) {
    // A trailing dash is cut before the check, since something is going to follow it.
    const stem = String(metadata.generateName).replace(/-+$/, "") || "a";
    for (const message of nameErrors(rule, stem))
      errors.push(invalid(`${field}.generateName`, metadata.generateName, message));
  }
  if (!metadata.name) errors.push(required(`${field}.name`, "name or generateName is required"));
  else
    for (const message of nameErrors(rule, metadata.name))
      errors.push(invalid(`${field}.name`, metadata.name, message));
  if (namespaced) {
    if (!metadata.namespace) errors.push(required(`${field}.namespace`));
    else
      for (const message of dns1123Label(metadata.namespace))
        errors.push(invalid(`${field}.namespace`, metadata.namespace, message));
  }
  return [...errors, ...validateMetadataFields(metadata, field)];
}

/** Labels, annotations, owners and finalizers: what an update may have changed. */
export function validateMetadataFields(
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  metadata: any,
  field: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.labels) errors.push(...validateLabels(metadata.labels, `${field}.labels`));
  if (metadata.annotations) errors.push(...validateAnnotations(metadata.annotations, `${field}.annotations`));
  if (metadata.ownerReferences) {
    let controllers = 0;
    metadata.ownerReferences.forEach((owner: Record<string, unknown>, i: number) => {
      const at = `${field}.ownerReferences[${i}]`;
      if (!owner.apiVersion)
        errors.push(invalid(`${at}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
      if (!owner.kind) errors.push(invalid(`${at}.kind`, owner.kind ?? "", "must not be empty"));
      if (!owner.name) errors.push(invalid(`${at}.name`, owner.name ?? "", "must not be empty"));
      if (!owner.uid) errors.push(invalid(`${at}.uid`, owner.uid ?? "", "must not be empty"));
      if (owner.controller === true) controllers++;
    });
    if (controllers > 1) {
      errors.push(
        invalid(
          `${field}.ownerReferences`,
          metadata.ownerReferences,
          "Only one reference can have Controller set to true",
        ),
      );
    }
  }
  (metadata.finalizers ?? []).forEach((finalizer: string, i: number) => {
    for (const message of qualifiedName(finalizer)) errors.push(invalid(`${field}.finalizers`, finalizer, message));
    // A domain without a path is what the CRD machinery itself uses.
    if (!/[./]/.test(finalizer) && !STANDARD_FINALIZERS.includes(finalizer)) {
      errors.push(
        invalid(
          `${field}.finalizers[${i}]`,
          finalizer,
          "name is neither a standard finalizer name nor is it fully qualified",
        ),
      );
    }
  });
  return errors;
}

const STANDARD_FINALIZERS: readonly string[] = ["kubernetes", "orphan", "foregroundDeletion"];
