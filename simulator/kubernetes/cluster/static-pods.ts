/** The manifests of a kubeadm control plane, and the images whose programs they run. */
import type { Image } from "../../containerd/api";
import { makeImage } from "../../containerd/images";
import { makeLayer } from "../../containerd/layers";
import { DirInode, FileInode } from "../../os/inode";
import { executable } from "../../os/kernel";
import type { ClusterProfile, MachineProfile } from "./profiles";

/** An image of a system component: its program, under its name, and nothing else. */
export function systemImage(
  program: string,
  version: string,
  sizeBytes: number,
  path = `/usr/local/bin/${program}`,
  /** Other programs in the same folder. */
  also: readonly string[] = [],
): Image {
  const parts = path.split("/").slice(1, -1);
  const layer = makeLayer(
    [
      ...parts.map((_, i) => ({ path: `/${parts.slice(0, i + 1).join("/")}`, node: new DirInode() })),
      { path: "/tmp", node: new DirInode({ mode: 0o1777 }) },
      ...[program, ...also].map((name) => ({
        path: name === program ? path : `/${parts.join("/")}/${name}`,
        node: new FileInode(executable(name, version), { mode: 0o755 }),
      })),
    ],
    { size: sizeBytes, salt: version },
  );
  return makeImage({
    config: { Entrypoint: [path], Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
    layers: [layer],
    history: [{ created: "2026-07-01T00:00:00Z", created_by: `COPY ${program} /usr/local/bin/` }],
    created: "2026-07-01T00:00:00Z",
  });
}

const MIB = 1024 * 1024;

/** Name and image of every control-plane program. */
export function controlPlaneImages(profile: ClusterProfile): readonly (readonly [string, Image])[] {
  const v = profile.kubernetesVersion;
  return [
    [
      `registry.k8s.io/etcd:${profile.etcdVersion}`,
      systemImage("etcd", profile.etcdVersion, 150 * MIB, undefined, ["etcdctl", "etcdutl"]),
    ],
    [`registry.k8s.io/kube-apiserver:${v}`, systemImage("kube-apiserver", v, 95 * MIB)],
    [`registry.k8s.io/kube-controller-manager:${v}`, systemImage("kube-controller-manager", v, 82 * MIB)],
    [`registry.k8s.io/kube-scheduler:${v}`, systemImage("kube-scheduler", v, 68 * MIB)],
  ];
}

interface StaticPodSpec {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly cpu: string;
  readonly memory?: string;
  readonly probe: { readonly path: string; readonly port: number; readonly scheme: string; readonly host: string };
  readonly volumes: readonly (readonly [string, string, boolean])[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const manifest = ({ name, image, command, cpu, memory, probe, volumes, annotations }: StaticPodSpec): string => {
  const handler = (path: string): string =>
    `      httpGet:\n        host: ${probe.host}\n        path: ${path}\n        port: ${probe.port}\n        scheme: ${probe.scheme}\n`;
  const timing = "      periodSeconds: 10\n      timeoutSeconds: 15\n";
  const notes = Object.entries(annotations ?? {})
    .map(([key, value]) => `    ${key}: ${value}\n`)
    .join("");
  return `apiVersion: v1
kind: Pod
metadata:
${notes ? `  annotations:\n${notes}` : ""}  labels:
    component: ${name}
    tier: control-plane
  name: ${name}
  namespace: kube-system
spec:
  containers:
  - command:
${command.map((word) => `    - ${word}`).join("\n")}
    image: ${image}
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 8
${handler(probe.path)}      initialDelaySeconds: 10
${timing}    name: ${name}
    resources:
      requests:
        cpu: ${cpu}
${memory ? `        memory: ${memory}\n` : ""}    startupProbe:
      failureThreshold: 24
${handler(probe.path)}      initialDelaySeconds: 10
${timing}    volumeMounts:
${volumes.map(([key, path, readOnly]) => `    - mountPath: ${path}\n      name: ${key}\n${readOnly ? "      readOnly: true\n" : ""}`).join("")}  hostNetwork: true
  priority: 2000001000
  priorityClassName: system-node-critical
  securityContext:
    seccompProfile:
      type: RuntimeDefault
  volumes:
${volumes.map(([key, path]) => `  - hostPath:\n      path: ${path}\n      type: DirectoryOrCreate\n    name: ${key}\n`).join("")}status: {}
`;
};

/** How a member of etcd is started, in the order kubeadm writes. */
export function etcdArguments(
  program: string,
  machine: MachineProfile,
  members: readonly MachineProfile[],
): readonly string[] {
  const { name, address } = machine;
  return [
    program,
    `--advertise-client-urls=https://${address}:2379`,
    "--cert-file=/etc/kubernetes/pki/etcd/server.crt",
    "--client-cert-auth=true",
    "--data-dir=/var/lib/etcd",
    `--initial-advertise-peer-urls=https://${address}:2380`,
    `--initial-cluster=${members.map((member) => `${member.name}=https://${member.address}:2380`).join(",")}`,
    "--key-file=/etc/kubernetes/pki/etcd/server.key",
    `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
    "--listen-metrics-urls=http://127.0.0.1:2381",
    `--listen-peer-urls=https://${address}:2380`,
    `--name=${name}`,
    "--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt",
    "--peer-client-cert-auth=true",
    "--peer-key-file=/etc/kubernetes/pki/etcd/peer.key",
    "--peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
    "--snapshot-count=10000",
    "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
  ];
}

/** File name and content of each manifest of a control-plane node. */
export function staticPodManifests(
  profile: ClusterProfile,
  node: MachineProfile,
): readonly (readonly [string, string])[] {
  const v = profile.kubernetesVersion;
  const ip = node.address;
  const pki = ["k8s-certs", "/etc/kubernetes/pki", true] as const;
  const config = ["kubeconfig", "/etc/kubernetes/kubeconfig", true] as const;
  const etcdServers =
    profile.etcdMachines?.map(({ address }) => `https://${address}:2379`).join(",") ?? "https://127.0.0.1:2379";
  const manifests: readonly (readonly [string, string])[] = [
    [
      "etcd.yaml",
      manifest({
        name: "etcd",
        image: `registry.k8s.io/etcd:${profile.etcdVersion}`,
        annotations: { "kubeadm.kubernetes.io/etcd.advertise-client-urls": `https://${ip}:2379` },
        command: etcdArguments("etcd", node, [node]),
        cpu: "100m",
        memory: "100Mi",
        probe: { host: "127.0.0.1", path: "/livez", port: 2381, scheme: "HTTP" },
        volumes: [
          ["etcd-data", "/var/lib/etcd", false],
          ["etcd-certs", "/etc/kubernetes/pki/etcd", false],
        ],
      }),
    ],
    [
      "kube-apiserver.yaml",
      manifest({
        name: "kube-apiserver",
        image: `registry.k8s.io/kube-apiserver:${v}`,
        annotations: { "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": `${ip}:6443` },
        command: [
          "kube-apiserver",
          `--advertise-address=${ip}`,
          "--allow-privileged=true",
          "--authorization-mode=Node,RBAC",
          "--client-ca-file=/etc/kubernetes/pki/ca.crt",
          "--enable-admission-plugins=NodeRestriction",
          "--enable-bootstrap-token-auth=true",
          "--etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt",
          "--etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt",
          "--etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key",
          `--etcd-servers=${etcdServers}`,
          "--secure-port=6443",
          "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
          `--service-cluster-ip-range=${profile.serviceCidr}`,
          "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt",
          "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
        ],
        cpu: "250m",
        probe: { host: ip, path: "/livez", port: 6443, scheme: "HTTPS" },
        volumes: [pki],
      }),
    ],
    [
      "kube-controller-manager.yaml",
      manifest({
        name: "kube-controller-manager",
        image: `registry.k8s.io/kube-controller-manager:${v}`,
        command: [
          "kube-controller-manager",
          "--allocate-node-cidrs=true",
          "--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf",
          "--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf",
          "--bind-address=127.0.0.1",
          "--client-ca-file=/etc/kubernetes/pki/ca.crt",
          `--cluster-cidr=${profile.podCidr}`,
          "--cluster-name=kubernetes",
          "--controllers=*,bootstrapsigner,tokencleaner",
          "--kubeconfig=/etc/kubernetes/controller-manager.conf",
          "--leader-elect=true",
          "--root-ca-file=/etc/kubernetes/pki/ca.crt",
          `--service-cluster-ip-range=${profile.serviceCidr}`,
          "--use-service-account-credentials=true",
        ],
        cpu: "200m",
        probe: { host: "127.0.0.1", path: "/healthz", port: 10257, scheme: "HTTPS" },
        volumes: [pki, config],
      }),
    ],
    [
      "kube-scheduler.yaml",
      manifest({
        name: "kube-scheduler",
        image: `registry.k8s.io/kube-scheduler:${v}`,
        command: [
          "kube-scheduler",
          "--authentication-kubeconfig=/etc/kubernetes/scheduler.conf",
          "--authorization-kubeconfig=/etc/kubernetes/scheduler.conf",
          "--bind-address=127.0.0.1",
          "--kubeconfig=/etc/kubernetes/scheduler.conf",
          "--leader-elect=true",
        ],
        cpu: "100m",
        probe: { host: "127.0.0.1", path: "/livez", port: 10259, scheme: "HTTPS" },
        volumes: [config],
      }),
    ],
  ];
  return profile.etcdMachines ? manifests.filter(([file]) => file !== "etcd.yaml") : manifests;
}
