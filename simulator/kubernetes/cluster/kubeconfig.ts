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
  const body = encodeBase64(encodeUtf8(text));
  const lines: string[] = [];
  for (let i = 0; i < body.length; i += 64) lines.push(body.slice(i, i + 64));
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
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
  readonly namespace?: string;
  /** A folder with `ca.crt`, `admin.crt` and `admin.key`: the file names them and holds no data. */
  readonly pki?: string;
}

/** The files of such a folder, by name. */
export const adminPki = (credentials: Credentials): readonly (readonly [string, string])[] => [
  ["ca.crt", CA_PEM],
  ["admin.crt", certificatePem(credentials.certificate!)],
  ["admin.key", privateKey(credentials.certificate!.commonName)],
];

export function kubeconfigText(options: KubeconfigOptions): string {
  const { server, cluster, user, credentials, caPem, context, namespace, pki } = options;
  const name = context ?? `${user}@${cluster}`;
  const data = (pem: string): string => encodeBase64(encodeUtf8(pem));
  const certificate = credentials.certificate!;
  return `apiVersion: v1
clusters:
- cluster:
    ${pki === undefined ? `certificate-authority-data: ${data(caPem)}` : `certificate-authority: ${pki}/ca.crt`}
    server: ${server}
  name: ${cluster}
contexts:
- context:
    cluster: ${cluster}
${namespace === undefined ? "" : `    namespace: ${namespace}\n`}    user: ${user}
  name: ${name}
current-context: ${name}
kind: Config
users:
- name: ${user}
  user:
    ${pki === undefined ? `client-certificate-data: ${data(certificatePem(certificate))}` : `client-certificate: ${pki}/admin.crt`}
    ${pki === undefined ? `client-key-data: ${data(privateKey(certificate.commonName))}` : `client-key: ${pki}/admin.key`}
`;
}

/** The cluster's own authority. */
export const CA_PEM = certificatePem({ commonName: "kubernetes", organizations: [] });

/** What kubeadm lays into /etc/kubernetes/pki of a control-plane node, by path below it: certificates and their keys. */
export function controlPlanePki(): readonly (readonly [string, string])[] {
  const pairs: readonly (readonly [string, string, readonly string[]])[] = [
    ["ca", "kubernetes", []],
    ["apiserver", "kube-apiserver", []],
    ["apiserver-kubelet-client", "kube-apiserver-kubelet-client", ["kubeadm:cluster-admins"]],
    ["apiserver-etcd-client", "kube-apiserver-etcd-client", []],
    ["front-proxy-ca", "front-proxy-ca", []],
    ["front-proxy-client", "front-proxy-client", []],
    ["etcd/ca", "etcd-ca", []],
    ["etcd/server", "etcd-server", []],
    ["etcd/peer", "etcd-peer", []],
    ["etcd/healthcheck-client", "kube-etcd-healthcheck-client", []],
  ];
  return [
    ...pairs.flatMap(([path, commonName, organizations]) => [
      [`${path}.crt`, certificatePem({ commonName, organizations })] as const,
      [`${path}.key`, privateKey(commonName)] as const,
    ]),
    ["sa.key", privateKey("service-accounts")],
    ["sa.pub", privateKey("service-accounts").replaceAll("PRIVATE", "PUBLIC")],
  ];
}
