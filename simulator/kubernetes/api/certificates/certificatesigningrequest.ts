/** CertificateSigningRequests. */
import { shortHumanDuration } from "../../../text/human-duration";
import { type FieldError, required } from "../../apimachinery/field-path";
import { ageColumn, column, nameColumn } from "../../apimachinery/printing";
import { defineResource } from "../../apimachinery/resource";
import type { CertificateSigningRequest } from "../types.generated";

export type { CertificateSigningRequest } from "../types.generated";

export const certificateSigningRequest = defineResource<CertificateSigningRequest>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  shortNames: ["csr"],
  namespaced: false,
  schema: "certificates.v1.CertificateSigningRequest",
  subresources: ["approval", "status"],
  nameRule: "path-segment",
  selectableFields: { "spec.signerName": ({ spec }) => spec.signerName },
  prepareForCreate(draft, { user }) {
    // Who asks is what the server saw, not what the request claims.
    draft.spec = {
      ...draft.spec,
      username: user.name,
      groups: [...user.groups],
      ...(user.uid ? { uid: user.uid } : {}),
    };
  },
  prepareForUpdate(draft, old, { subresource }) {
    draft.spec = old.spec;
    if (subresource !== "approval") return;
    // Approval changes conditions alone.
    draft.status = { ...old.status, conditions: draft.status?.conditions ?? old.status.conditions };
  },
  validate({ spec }) {
    const errors: FieldError[] = [];
    if (!spec.request) errors.push(required("spec.request"));
    if (!spec.usages?.length) errors.push(required("spec.usages", "usages must be provided"));
    if (!spec.signerName) errors.push(required("spec.signerName"));
    return errors;
  },
  columns: [
    nameColumn,
    ageColumn,
    column<CertificateSigningRequest>("SignerName", ({ spec }) => spec.signerName || "<none>"),
    column<CertificateSigningRequest>("Requestor", ({ spec }) => spec.username ?? ""),
    column<CertificateSigningRequest>("RequestedDuration", ({ spec }) =>
      spec.expirationSeconds === undefined ? "<none>" : shortHumanDuration(spec.expirationSeconds * 1000),
    ),
    column<CertificateSigningRequest>("Condition", ({ status }) => {
      const words = (status.conditions ?? [])
        .map((c) => c.type)
        .filter((t) => t === "Approved" || t === "Denied" || t === "Failed");
      const text = words.length > 0 ? words.join(",") : "Pending";
      return status.certificate ? `${text},Issued` : text;
    }),
  ],
});
