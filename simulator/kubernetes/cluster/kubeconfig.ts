/** Kubeconfig files as kubeadm lays them: admin.conf, kubelet.conf and the laptop's ~/.kube/config. */
import { encodeUtf8 } from "../../base/bytes";
import { encodeBase64 } from "../apimachinery/base64";
import type { Credentials } from "../apimachinery/transport";

/**
 * A certificate of this world: PEM armour around the subject as text. kubectl reads it back the same way; there is no
 * cryptography to break here, and what a learner can see (CN is the user, O are the groups) is in it.
 */
export function certificatePem(subject: NonNullable<Credentials["certificate"]>): string {
  const text = ["subject", `CN=${subject.commonName}`, ...subject.organizations.map((each) => `O=${each}`)].join("\n");
  const body = encodeBase64(encodeUtf8(text)).replace(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

const privateKey = (name: string): string =>
  `-----BEGIN PRIVATE KEY-----\n${encodeBase64(encodeUtf8(`key of ${name}`))}\n-----END PRIVATE KEY-----\n`;

export interface KubeconfigOptions {
  readonly server: string;
  readonly cluster: string;
  readonly user: string;
  readonly context?: string;
  readonly credentials: Credentials;
  readonly caPem: string;
}

export function kubeconfigText({ server, cluster, user, credentials, caPem, context }: KubeconfigOptions): string {
  const name = context ?? `${user}@${cluster}`;
  const data = (pem: string): string => encodeBase64(encodeUtf8(pem));
  const certificate = credentials.certificate!;
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${data(caPem)}
    server: ${server}
  name: ${cluster}
contexts:
- context:
    cluster: ${cluster}
    user: ${user}
  name: ${name}
current-context: ${name}
kind: Config
users:
- name: ${user}
  user:
    client-certificate-data: ${data(certificatePem(certificate))}
    client-key-data: ${data(privateKey(certificate.commonName))}
`;
}

/** The cluster's own authority. */
export const CA_PEM = certificatePem({ commonName: "kubernetes", organizations: [] });
