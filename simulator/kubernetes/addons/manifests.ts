/** The objects that install each add-on, as kubeadm and the projects' own manifests have them: what `kubectl get all -n kube-system` shows. */
import type { JsonObject } from "../../base/json";

export interface AddonManifestOptions {
  readonly clusterCidr: string;
  /** The cluster's DNS Service, e.g. `10.96.0.10`. */
  readonly dnsAddress: string;
  readonly proxyMode: "iptables" | "ipvs" | "nftables";
  readonly kubernetesVersion: string;
}

/** Images of the add-ons and the executables in them, for the catalogue of images. */
export const addonImages: readonly {
  readonly image: string;
  readonly entrypoint: string;
  readonly program: string;
  readonly sizeMb: number;
}[] = [
  {
    image: "registry.k8s.io/kube-proxy:v1.36.2",
    entrypoint: "/usr/local/bin/kube-proxy",
    program: "kube-proxy",
    sizeMb: 31,
  },
  { image: "registry.k8s.io/coredns/coredns:v1.12.1", entrypoint: "/coredns", program: "coredns", sizeMb: 21 },
  {
    image: "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
    entrypoint: "/metrics-server",
    program: "metrics-server",
    sizeMb: 22,
  },
  {
    image: "docker.io/rancher/local-path-provisioner:v0.0.31",
    entrypoint: "/usr/bin/local-path-provisioner",
    program: "local-path-provisioner",
    sizeMb: 18,
  },
  {
    image: "registry.k8s.io/ingress-nginx/controller:v1.12.1",
    entrypoint: "/nginx-ingress-controller",
    program: "nginx-ingress-controller",
    sizeMb: 113,
  },
  { image: "ghcr.io/flannel-io/flannel:v0.27.0", entrypoint: "/opt/bin/flanneld", program: "flanneld", sizeMb: 33 },
];

const imageOf = (program: string): string => addonImages.find((entry) => entry.program === program)!.image;

const serviceAccount = (name: string, namespace: string): JsonObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, namespace },
});

const clusterRole = (name: string, rules: readonly JsonObject[]): JsonObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name },
  rules,
});

const binding = (name: string, role: string, account: string, namespace: string): JsonObject => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: [{ kind: "ServiceAccount", name: account, namespace }],
});

const namespace = (name: string, labels: Readonly<Record<string, string>> = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

const read = ["get", "list", "watch"];

export const corefile = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

export function corednsManifests({ dnsAddress }: AddonManifestOptions): readonly JsonObject[] {
  const labels = { "k8s-app": "kube-dns" };
  return [
    serviceAccount("coredns", "kube-system"),
    clusterRole("system:coredns", [
      { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ]),
    binding("system:coredns", "system:coredns", "coredns", "kube-system"),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "coredns", namespace: "kube-system" },
      data: { Corefile: corefile },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "coredns", namespace: "kube-system", labels },
      spec: {
        replicas: 2,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            priorityClassName: "system-cluster-critical",
            serviceAccountName: "coredns",
            tolerations: [
              { key: "CriticalAddonsOnly", operator: "Exists" },
              { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" },
            ],
            nodeSelector: { "kubernetes.io/os": "linux" },
            affinity: {
              podAntiAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [
                  {
                    weight: 100,
                    podAffinityTerm: {
                      labelSelector: { matchExpressions: [{ key: "k8s-app", operator: "In", values: ["kube-dns"] }] },
                      topologyKey: "kubernetes.io/hostname",
                    },
                  },
                ],
              },
            },
            containers: [
              {
                name: "coredns",
                image: imageOf("coredns"),
                imagePullPolicy: "IfNotPresent",
                resources: { limits: { memory: "170Mi" }, requests: { cpu: "100m", memory: "70Mi" } },
                args: ["-conf", "/etc/coredns/Corefile"],
                volumeMounts: [{ name: "config-volume", mountPath: "/etc/coredns", readOnly: true }],
                ports: [
                  { containerPort: 53, name: "dns", protocol: "UDP" },
                  { containerPort: 53, name: "dns-tcp", protocol: "TCP" },
                  { containerPort: 9153, name: "metrics", protocol: "TCP" },
                  { containerPort: 8080, name: "liveness-probe", protocol: "TCP" },
                  { containerPort: 8181, name: "readiness-probe", protocol: "TCP" },
                ],
                livenessProbe: {
                  httpGet: { path: "/health", port: "liveness-probe", scheme: "HTTP" },
                  initialDelaySeconds: 60,
                  timeoutSeconds: 5,
                  successThreshold: 1,
                  failureThreshold: 5,
                },
                readinessProbe: { httpGet: { path: "/ready", port: "readiness-probe", scheme: "HTTP" } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
                  readOnlyRootFilesystem: true,
                },
              },
            ],
            dnsPolicy: "Default",
            volumes: [
              { name: "config-volume", configMap: { name: "coredns", items: [{ key: "Corefile", path: "Corefile" }] } },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "kube-dns",
        namespace: "kube-system",
        labels: { ...labels, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
        annotations: { "prometheus.io/port": "9153", "prometheus.io/scrape": "true" },
      },
      spec: {
        clusterIP: dnsAddress,
        selector: labels,
        ports: [
          { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
          { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
          { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
        ],
      },
    },
  ];
}

export function kubeProxyManifests({
  clusterCidr,
  proxyMode,
  kubernetesVersion,
}: AddonManifestOptions): readonly JsonObject[] {
  const labels = { "k8s-app": "kube-proxy" };
  return [
    serviceAccount("kube-proxy", "kube-system"),
    binding("kubeadm:node-proxier", "system:node-proxier", "kube-proxy", "kube-system"),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kube-proxy", namespace: "kube-system", labels: { app: "kube-proxy" } },
      data: {
        "config.conf": `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nbindAddress: 0.0.0.0\nclusterCIDR: ${clusterCidr}\niptables:\n  masqueradeAll: false\nipvs:\n  scheduler: ""\nkind: KubeProxyConfiguration\nmode: "${proxyMode}"\n`,
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "kube-proxy", namespace: "kube-system", labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: { type: "RollingUpdate" },
        template: {
          metadata: { labels },
          spec: {
            priorityClassName: "system-node-critical",
            serviceAccountName: "kube-proxy",
            hostNetwork: true,
            nodeSelector: { "kubernetes.io/os": "linux" },
            tolerations: [{ operator: "Exists" }],
            containers: [
              {
                name: "kube-proxy",
                image: `registry.k8s.io/kube-proxy:${kubernetesVersion}`,
                imagePullPolicy: "IfNotPresent",
                command: [
                  "/usr/local/bin/kube-proxy",
                  "--config=/var/lib/kube-proxy/config.conf",
                  "--hostname-override=$(NODE_NAME)",
                ],
                env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
                securityContext: { privileged: true },
                volumeMounts: [{ name: "kube-proxy", mountPath: "/var/lib/kube-proxy" }],
              },
            ],
            volumes: [{ name: "kube-proxy", configMap: { name: "kube-proxy" } }],
          },
        },
      },
    },
  ];
}

export function flannelManifests({ clusterCidr }: AddonManifestOptions): readonly JsonObject[] {
  const labels = { app: "flannel", tier: "node" };
  return [
    namespace("kube-flannel", { "k8s-app": "flannel", "pod-security.kubernetes.io/enforce": "privileged" }),
    serviceAccount("flannel", "kube-flannel"),
    clusterRole("flannel", [
      { apiGroups: [""], resources: ["pods", "namespaces"], verbs: read },
      { apiGroups: [""], resources: ["nodes"], verbs: read },
      { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
      { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: read },
    ]),
    binding("flannel", "flannel", "flannel", "kube-flannel"),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "kube-flannel-cfg", namespace: "kube-flannel", labels },
      data: {
        "net-conf.json": `{\n  "Network": "${clusterCidr}",\n  "EnableNFTables": false,\n  "Backend": {\n    "Type": "host-gw"\n  }\n}\n`,
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "kube-flannel-ds", namespace: "kube-flannel", labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            hostNetwork: true,
            priorityClassName: "system-node-critical",
            serviceAccountName: "flannel",
            tolerations: [{ operator: "Exists" }],
            containers: [
              {
                name: "kube-flannel",
                image: imageOf("flanneld"),
                command: ["/opt/bin/flanneld"],
                args: ["--ip-masq", "--kube-subnet-mgr"],
                resources: { requests: { cpu: "100m", memory: "50Mi" } },
                env: [
                  { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
                  { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
                ],
                securityContext: { privileged: false, capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
              },
            ],
          },
        },
      },
    },
  ];
}

export function metricsServerManifests(): readonly JsonObject[] {
  const labels = { "k8s-app": "metrics-server" };
  return [
    { ...serviceAccount("metrics-server", "kube-system") },
    clusterRole("system:metrics-server", [
      { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
      { apiGroups: [""], resources: ["pods", "nodes"], verbs: read },
    ]),
    binding("system:metrics-server", "system:metrics-server", "metrics-server", "kube-system"),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "metrics-server", namespace: "kube-system", labels },
      spec: { selector: labels, ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: "https" }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "metrics-server", namespace: "kube-system", labels },
      spec: {
        selector: { matchLabels: labels },
        strategy: { rollingUpdate: { maxUnavailable: 0 } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "metrics-server",
            priorityClassName: "system-cluster-critical",
            nodeSelector: { "kubernetes.io/os": "linux" },
            containers: [
              {
                name: "metrics-server",
                image: imageOf("metrics-server"),
                imagePullPolicy: "IfNotPresent",
                args: [
                  "--cert-dir=/tmp",
                  "--secure-port=10250",
                  "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
                  "--kubelet-use-node-status-port",
                  "--metric-resolution=15s",
                ],
                ports: [{ containerPort: 10_250, name: "https", protocol: "TCP" }],
                resources: { requests: { cpu: "100m", memory: "200Mi" } },
              },
            ],
          },
        },
      },
    },
  ];
}

export function localPathManifests(): readonly JsonObject[] {
  const labels = { app: "local-path-provisioner" };
  return [
    namespace("local-path-storage"),
    serviceAccount("local-path-provisioner-service-account", "local-path-storage"),
    clusterRole("local-path-provisioner-role", [
      {
        apiGroups: [""],
        resources: ["nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"],
        verbs: read,
      },
      { apiGroups: [""], resources: ["persistentvolumes"], verbs: [...read, "create", "patch", "update", "delete"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
      { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: read },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["*"] },
    ]),
    binding(
      "local-path-provisioner-bind",
      "local-path-provisioner-role",
      "local-path-provisioner-service-account",
      "local-path-storage",
    ),
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "local-path-provisioner", namespace: "local-path-storage" },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "local-path-provisioner-service-account",
            containers: [
              {
                name: "local-path-provisioner",
                image: "rancher/local-path-provisioner:v0.0.31",
                imagePullPolicy: "IfNotPresent",
                command: ["local-path-provisioner", "--debug", "start", "--config", "/etc/config/config.json"],
                env: [{ name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } }],
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "standard", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
      provisioner: "rancher.io/local-path",
      volumeBindingMode: "WaitForFirstConsumer",
      reclaimPolicy: "Delete",
    },
  ];
}

export function ingressNginxManifests(): readonly JsonObject[] {
  const labels = {
    "app.kubernetes.io/component": "controller",
    "app.kubernetes.io/instance": "ingress-nginx",
    "app.kubernetes.io/name": "ingress-nginx",
  };
  return [
    namespace("ingress-nginx", {
      "app.kubernetes.io/instance": "ingress-nginx",
      "app.kubernetes.io/name": "ingress-nginx",
    }),
    serviceAccount("ingress-nginx", "ingress-nginx"),
    clusterRole("ingress-nginx", [
      {
        apiGroups: [""],
        resources: ["configmaps", "endpoints", "nodes", "pods", "secrets", "namespaces", "services"],
        verbs: read,
      },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses", "ingressclasses"], verbs: read },
      { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["update", "patch"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
    ]),
    binding("ingress-nginx", "ingress-nginx", "ingress-nginx", "ingress-nginx"),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "ingress-nginx-controller", namespace: "ingress-nginx", labels },
      spec: {
        type: "LoadBalancer",
        externalTrafficPolicy: "Cluster",
        selector: labels,
        ports: [
          { name: "http", port: 80, protocol: "TCP", targetPort: "http", appProtocol: "http" },
          { name: "https", port: 443, protocol: "TCP", targetPort: "https", appProtocol: "https" },
        ],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "ingress-nginx-controller", namespace: "ingress-nginx", labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: "ingress-nginx",
            nodeSelector: { "kubernetes.io/os": "linux" },
            containers: [
              {
                name: "controller",
                image: imageOf("nginx-ingress-controller"),
                imagePullPolicy: "IfNotPresent",
                args: [
                  "/nginx-ingress-controller",
                  "--publish-service=$(POD_NAMESPACE)/ingress-nginx-controller",
                  "--election-id=ingress-nginx-leader",
                  "--controller-class=k8s.io/ingress-nginx",
                  "--ingress-class=nginx",
                ],
                env: [
                  { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                  { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
                ],
                ports: [
                  { name: "http", containerPort: 80, protocol: "TCP" },
                  { name: "https", containerPort: 443, protocol: "TCP" },
                ],
                livenessProbe: {
                  httpGet: { path: "/healthz", port: 10_254, scheme: "HTTP" },
                  initialDelaySeconds: 10,
                  periodSeconds: 10,
                  failureThreshold: 5,
                },
                readinessProbe: {
                  httpGet: { path: "/healthz", port: 10_254, scheme: "HTTP" },
                  initialDelaySeconds: 10,
                  periodSeconds: 10,
                  failureThreshold: 3,
                },
                resources: { requests: { cpu: "100m", memory: "90Mi" } },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: "nginx", labels },
      spec: { controller: "k8s.io/ingress-nginx" },
    },
  ];
}
