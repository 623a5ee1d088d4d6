/** The kubeconfig of a served machine: the laptop's own, with the address and the keys of the server that stands for it. */
import type { Machine } from "@/simulator";
import type { CertificateAuthority } from "./certificates";

/** Undefined where the machine has no kubeconfig. */
export function servedKubeconfig(machine: Machine, authority: CertificateAuthority, port: number): string | undefined {
  const own = machine.observe.readFile("/root/.kube/config");
  if (own === undefined) return undefined;
  const admin = authority.client({ commonName: "kubernetes-admin", organizations: ["system:masters"] });
  const values: Record<string, string> = {
    "certificate-authority-data": base64(authority.certificate),
    server: `https://127.0.0.1:${port}`,
    "client-certificate-data": base64(admin.certificate),
    "client-key-data": base64(admin.key),
  };
  return own.replace(
    /^( *)(certificate-authority-data|server|client-certificate-data|client-key-data): .*$/gm,
    (_, indent: string, name: string) => `${indent}${name}: ${values[name]}`,
  );
}

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
