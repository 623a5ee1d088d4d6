/** Certificate controllers: approve what nodes ask for themselves, sign what is approved, forget what is old. */
import { parseRfc3339, rfc3339 } from "../../base/clock";
import { encodeUtf8 } from "../../base/bytes";
import { sha256Hex } from "../../base/hash";
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../api/types.generated";
import { isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import type { ResourceType } from "../client/resource-type";
import { CERTIFICATE_SIGNING_REQUESTS } from "../client/resources";

const has = (request: CertificateSigningRequest, type: string): boolean =>
  request.status?.conditions?.some((c) => c.type === type && c.status !== "False") ?? false;

const KUBELET_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";

export const certificateApprovingController = defineController({
  name: "certificatesigningrequest-approving-controller",
  serviceAccount: "certificate-controller",
  setup(context) {
    const requests = context.watch(CERTIFICATE_SIGNING_REQUESTS, ({ metadata }) => [metadata.name]).cache;
    return {
      reconcile(name) {
        const request = requests.get(name);
        if (!request || has(request, "Approved") || has(request, "Denied")) return undefined;
        if (request.spec.signerName !== KUBELET_SIGNER) return undefined;
        const isNode = request.spec.groups?.includes("system:nodes") ?? false;
        const isBootstrap = request.spec.groups?.includes("system:bootstrappers") ?? false;
        if (!isNode && !isBootstrap) return undefined;
        const at = rfc3339(context.now());
        const condition: CertificateSigningRequestCondition = {
          type: "Approved",
          status: "True",
          reason: "AutoApproved",
          message: isNode
            ? "Auto approving self kubelet client certificate after SubjectAccessReview."
            : "Auto approving kubelet client certificate after SubjectAccessReview.",
          lastUpdateTime: at,
          lastTransitionTime: at,
        };
        const written = context.client.updateSubresource(
          CERTIFICATE_SIGNING_REQUESTS as ResourceType,
          { name },
          "approval",
          { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } },
        );
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});

const SIGNERS = new Set([
  "kubernetes.io/kube-apiserver-client",
  KUBELET_SIGNER,
  "kubernetes.io/kubelet-serving",
  "kubernetes.io/legacy-unknown",
]);

export const certificateSigningController = defineController({
  name: "certificatesigningrequest-signing-controller",
  serviceAccount: "certificate-controller",
  setup(context) {
    const requests = context.watch(CERTIFICATE_SIGNING_REQUESTS, ({ metadata }) => [metadata.name]).cache;
    return {
      reconcile(name) {
        const request = requests.get(name);
        if (!request || !has(request, "Approved") || has(request, "Denied")) return undefined;
        if (request.status?.certificate || !SIGNERS.has(request.spec.signerName)) return undefined;
        const written = context.client.updateStatus(CERTIFICATE_SIGNING_REQUESTS, {
          ...request,
          status: { ...request.status, certificate: base64(certificateOf(request)) },
        });
        return written.ok || isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});

/**
 * Cryptography is not simulated: a certificate is a PEM block that names its holder and the request it answers. The
 * API server's authenticator takes credentials, not keys.
 */
function certificateOf(request: CertificateSigningRequest): string {
  const subject = `CN=${request.spec.username ?? ""};request=${sha256Hex(encodeUtf8(request.spec.request))}`;
  const body = base64(subject).replace(/(.{64})/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(text: string): string {
  const bytes = encodeUtf8(text);
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes.charCodeAt(i), bytes.charCodeAt(i + 1), bytes.charCodeAt(i + 2)];
    out += BASE64[a! >> 2]! + BASE64[((a! & 3) << 4) | ((b || 0) >> 4)]!;
    out += i + 1 < bytes.length ? BASE64[((b! & 15) << 2) | ((c || 0) >> 6)]! : "=";
    out += i + 2 < bytes.length ? BASE64[c! & 63]! : "=";
  }
  return out;
}

const HOUR_MS = 3_600_000;

export const certificateCleanerController = defineController({
  name: "certificatesigningrequest-cleaner-controller",
  serviceAccount: "certificate-controller",
  workers: 1,
  setup(context) {
    const requests = context.informer(CERTIFICATE_SIGNING_REQUESTS).cache;
    context.scope.every(HOUR_MS, () => context.queue.add("all"));
    return {
      reconcile() {
        for (const request of [...requests.list()]) {
          const age = context.now() - (parseRfc3339(request.metadata.creationTimestamp) ?? 0);
          const isDecided = has(request, "Approved") || has(request, "Denied") || has(request, "Failed");
          if (age > (isDecided ? HOUR_MS : 24 * HOUR_MS)) {
            context.client.delete(CERTIFICATE_SIGNING_REQUESTS, request.metadata);
          }
        }
        return undefined;
      },
    };
  },
});
