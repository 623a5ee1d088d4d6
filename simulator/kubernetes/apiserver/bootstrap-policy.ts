/** Upstream's bootstrap policy (plugin/pkg/auth/authorizer/rbac/bootstrappolicy): roles and bindings, as data. */

export interface BootstrapRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface BootstrapRole {
  readonly name: string;
  readonly rules: readonly BootstrapRule[];
  readonly labels?: Readonly<Record<string, string>>;
  /** The word after `aggregate-to-` that this role is made of. */
  readonly aggregate?: string;
}

export interface BootstrapBinding {
  readonly name: string;
  readonly role: string;
  readonly namespace?: string;
  readonly subjects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
    readonly apiGroup?: string;
  }[];
}

const READ = ["get", "list", "watch"];
const WRITE = ["create", "delete", "deletecollection", "patch", "update"];
const EVENTS: BootstrapRule = {
  apiGroups: ["", "events.k8s.io"],
  resources: ["events"],
  verbs: ["create", "patch", "update"],
};
const rule = (verbs: readonly string[], apiGroups: readonly string[], ...resources: string[]): BootstrapRule => ({
  apiGroups,
  resources,
  verbs,
});
const urls = (...nonResourceURLs: string[]): BootstrapRule => ({ nonResourceURLs, verbs: ["get"] });
const toAggregate = (word: string): Readonly<Record<string, string>> => ({
  [`rbac.authorization.k8s.io/aggregate-to-${word}`]: "true",
});

const APPS = [
  "daemonsets",
  "deployments",
  "deployments/rollback",
  "deployments/scale",
  "replicasets",
  "replicasets/scale",
  "statefulsets",
  "statefulsets/scale",
];
const EXTENSIONS = [
  "daemonsets",
  "deployments",
  "deployments/rollback",
  "deployments/scale",
  "ingresses",
  "networkpolicies",
  "replicasets",
  "replicasets/scale",
  "replicationcontrollers/scale",
];

const viewRules: readonly BootstrapRule[] = [
  rule(
    READ,
    [""],
    "configmaps",
    "endpoints",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "serviceaccounts",
    "services",
    "services/status",
  ),
  rule(
    READ,
    [""],
    "bindings",
    "limitranges",
    "namespaces/status",
    "pods/log",
    "pods/status",
    "replicationcontrollers/status",
    "resourcequotas",
    "resourcequotas/status",
  ),
  rule(READ, [""], "namespaces"),
  rule(READ, ["", "events.k8s.io"], "events"),
  rule(READ, ["discovery.k8s.io"], "endpointslices"),
  rule(
    READ,
    ["apps"],
    "controllerrevisions",
    "daemonsets",
    "daemonsets/status",
    "deployments",
    "deployments/scale",
    "deployments/status",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
    "statefulsets",
    "statefulsets/scale",
    "statefulsets/status",
  ),
  rule(READ, ["autoscaling"], "horizontalpodautoscalers", "horizontalpodautoscalers/status"),
  rule(READ, ["batch"], "cronjobs", "cronjobs/status", "jobs", "jobs/status"),
  rule(
    READ,
    ["extensions"],
    "daemonsets",
    "daemonsets/status",
    "deployments",
    "deployments/scale",
    "deployments/status",
    "ingresses",
    "ingresses/status",
    "networkpolicies",
    "replicasets",
    "replicasets/scale",
    "replicasets/status",
    "replicationcontrollers/scale",
  ),
  rule(READ, ["policy"], "poddisruptionbudgets", "poddisruptionbudgets/status"),
  rule(READ, ["networking.k8s.io"], "ingresses", "ingresses/status", "networkpolicies"),
  rule(READ, ["resource.k8s.io"], "resourceclaims", "resourceclaims/status", "resourceclaimtemplates"),
];

const editOwnRules: readonly BootstrapRule[] = [
  rule(READ, [""], "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"),
  rule(["impersonate"], [""], "serviceaccounts"),
  rule(WRITE, [""], "pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy"),
  rule(["create"], [""], "pods/eviction"),
  rule(
    WRITE,
    [""],
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "replicationcontrollers/scale",
    "secrets",
    "serviceaccounts",
    "services",
    "services/proxy",
  ),
  rule(["create"], [""], "serviceaccounts/token"),
  rule(WRITE, ["", "events.k8s.io"], "events"),
  rule(WRITE, ["apps"], ...APPS),
  rule(WRITE, ["autoscaling"], "horizontalpodautoscalers"),
  rule(WRITE, ["batch"], "cronjobs", "jobs"),
  rule(WRITE, ["extensions"], ...EXTENSIONS),
  rule(WRITE, ["policy"], "poddisruptionbudgets"),
  rule(WRITE, ["networking.k8s.io"], "ingresses", "networkpolicies"),
  rule([...WRITE, ...READ], ["coordination.k8s.io"], "leases"),
  rule(WRITE, ["resource.k8s.io"], "resourceclaims", "resourceclaimtemplates"),
];

const adminOwnRules: readonly BootstrapRule[] = [
  rule(["create"], ["authorization.k8s.io"], "localsubjectaccessreviews"),
  rule(
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    ["rbac.authorization.k8s.io"],
    "rolebindings",
    "roles",
  ),
];

/** Controllers run with a role each; the names are those of upstream's service accounts. */
const controllers: Readonly<Record<string, readonly BootstrapRule[]>> = {
  "attachdetach-controller": [
    rule(READ, [""], "persistentvolumeclaims", "persistentvolumes", "nodes", "pods"),
    rule(["patch", "update"], [""], "nodes/status"),
    rule(["create", "delete", "get", "list", "watch"], ["storage.k8s.io"], "volumeattachments"),
    EVENTS,
  ],
  "certificate-controller": [
    rule(["delete", "get", "list", "watch"], ["certificates.k8s.io"], "certificatesigningrequests"),
    rule(
      ["update"],
      ["certificates.k8s.io"],
      "certificatesigningrequests/approval",
      "certificatesigningrequests/status",
    ),
    {
      apiGroups: ["certificates.k8s.io"],
      resources: ["signers"],
      resourceNames: ["kubernetes.io/kube-apiserver-client-kubelet"],
      verbs: ["approve"],
    },
    {
      apiGroups: ["certificates.k8s.io"],
      resources: ["signers"],
      resourceNames: [
        "kubernetes.io/kube-apiserver-client",
        "kubernetes.io/kube-apiserver-client-kubelet",
        "kubernetes.io/kubelet-serving",
        "kubernetes.io/legacy-unknown",
      ],
      verbs: ["sign"],
    },
    rule(["create"], ["authorization.k8s.io"], "subjectaccessreviews"),
    EVENTS,
  ],
  "clusterrole-aggregation-controller": [
    rule(["escalate", "get", "list", "patch", "update", "watch"], ["rbac.authorization.k8s.io"], "clusterroles"),
  ],
  "cronjob-controller": [
    rule(["get", "list", "update", "watch"], ["batch"], "cronjobs"),
    rule(["create", "delete", "get", "list", "patch", "update", "watch"], ["batch"], "jobs"),
    rule(["update"], ["batch"], "cronjobs/status", "cronjobs/finalizers"),
    rule(["delete", "list"], [""], "pods"),
    EVENTS,
  ],
  "daemon-set-controller": [
    rule(READ, ["apps"], "daemonsets"),
    rule(["update"], ["apps"], "daemonsets/status", "daemonsets/finalizers"),
    rule(["list", "watch"], [""], "nodes"),
    rule(["create", "delete", "list", "patch", "watch"], [""], "pods"),
    rule(["create"], [""], "pods/binding"),
    rule(["create", "delete", "get", "list", "patch", "update", "watch"], ["apps"], "controllerrevisions"),
    EVENTS,
  ],
  "deployment-controller": [
    rule(["get", "list", "update", "watch"], ["apps"], "deployments"),
    rule(["update"], ["apps"], "deployments/status", "deployments/finalizers"),
    rule(["create", "delete", "get", "list", "patch", "update", "watch"], ["apps"], "replicasets"),
    rule(["get", "list", "update", "watch"], [""], "pods"),
    EVENTS,
  ],
  "disruption-controller": [
    rule(READ, ["apps"], "deployments", "replicasets", "statefulsets"),
    rule(READ, [""], "replicationcontrollers", "pods"),
    rule(READ, ["policy"], "poddisruptionbudgets"),
    rule(["update"], ["policy"], "poddisruptionbudgets/status"),
    rule(["patch", "update"], [""], "pods/status"),
    rule(["get"], ["*"], "*/scale"),
    EVENTS,
  ],
  "endpoint-controller": [
    rule(READ, [""], "pods", "services"),
    rule(["create", "delete", "get", "list", "update", "watch"], [""], "endpoints"),
    rule(["create"], [""], "endpoints/restricted"),
    EVENTS,
  ],
  "endpointslice-controller": [
    rule(READ, [""], "nodes", "pods", "services"),
    rule(["update"], [""], "services/finalizers"),
    rule(["create", "delete", "get", "list", "patch", "update", "watch"], ["discovery.k8s.io"], "endpointslices"),
    rule(["create"], ["discovery.k8s.io"], "endpointslices/restricted"),
    EVENTS,
  ],
  "endpointslicemirroring-controller": [
    rule(READ, [""], "endpoints", "services"),
    rule(["update"], [""], "services/finalizers", "endpoints/finalizers"),
    rule(["create", "delete", "get", "list", "update", "watch"], ["discovery.k8s.io"], "endpointslices"),
    rule(["create"], ["discovery.k8s.io"], "endpointslices/restricted"),
    EVENTS,
  ],
  "ephemeral-volume-controller": [
    rule(["update"], [""], "pods/finalizers"),
    rule(READ, [""], "pods"),
    rule(["create", "get", "list", "watch"], [""], "persistentvolumeclaims"),
    EVENTS,
  ],
  "expand-controller": [
    rule(["get", "list", "patch", "update", "watch"], [""], "persistentvolumes"),
    rule(["patch", "update"], [""], "persistentvolumeclaims/status"),
    rule(READ, [""], "persistentvolumeclaims"),
    EVENTS,
  ],
  "generic-garbage-collector": [rule(["delete", "get", "list", "patch", "update", "watch"], ["*"], "*"), EVENTS],
  "horizontal-pod-autoscaler": [
    rule(READ, ["autoscaling"], "horizontalpodautoscalers"),
    rule(["update"], ["autoscaling"], "horizontalpodautoscalers/status"),
    rule(["get", "update"], ["*"], "*/scale"),
    rule(["list"], [""], "pods"),
    rule(["list"], ["metrics.k8s.io"], "pods"),
    rule(["get", "list"], ["custom.metrics.k8s.io", "external.metrics.k8s.io"], "*"),
    EVENTS,
  ],
  "job-controller": [
    rule(["get", "list", "patch", "update", "watch"], ["batch"], "jobs"),
    rule(["patch", "update"], ["batch"], "jobs/status"),
    rule(["update"], ["batch"], "jobs/finalizers"),
    rule(["create", "delete", "list", "patch", "watch"], [""], "pods"),
    EVENTS,
  ],
  "legacy-service-account-token-cleaner": [
    rule(["get"], [""], "configmaps"),
    rule(["delete", "patch"], [""], "secrets"),
  ],
  "namespace-controller": [
    rule(["delete", "get", "list", "watch"], [""], "namespaces"),
    rule(["update"], [""], "namespaces/finalize", "namespaces/status"),
    rule(["delete", "deletecollection", "get", "list"], ["*"], "*"),
  ],
  "node-controller": [
    rule(["delete", "get", "list", "patch", "update", "watch"], [""], "nodes"),
    rule(["patch", "update"], [""], "nodes/status"),
    rule(["patch", "update"], [""], "pods/status"),
    rule(["delete", "get", "list", "watch"], [""], "pods"),
    EVENTS,
  ],
  "persistent-volume-binder": [
    rule(["create", "delete", "get", "list", "update", "watch"], [""], "persistentvolumes"),
    rule(["update"], [""], "persistentvolumes/status"),
    rule(["get", "list", "update", "watch"], [""], "persistentvolumeclaims"),
    rule(["update"], [""], "persistentvolumeclaims/status"),
    rule(["create", "delete", "get", "list", "watch"], [""], "pods"),
    rule(READ, ["storage.k8s.io"], "storageclasses"),
    rule(["get", "list"], [""], "nodes"),
    EVENTS,
  ],
  "pod-garbage-collector": [
    rule(["delete", "list", "watch"], [""], "pods"),
    rule(["get", "list", "watch"], [""], "nodes"),
    rule(["patch"], [""], "pods/status"),
  ],
  "pv-protection-controller": [rule(["get", "list", "update", "watch"], [""], "persistentvolumes"), EVENTS],
  "pvc-protection-controller": [
    rule(["get", "list", "update", "watch"], [""], "persistentvolumeclaims"),
    rule(READ, [""], "pods"),
    EVENTS,
  ],
  "replicaset-controller": [
    rule(["get", "list", "update", "watch"], ["apps"], "replicasets"),
    rule(["update"], ["apps"], "replicasets/status", "replicasets/finalizers"),
    rule(["create", "delete", "list", "patch", "watch"], [""], "pods"),
    EVENTS,
  ],
  "replication-controller": [
    rule(["get", "list", "update", "watch"], [""], "replicationcontrollers"),
    rule(["update"], [""], "replicationcontrollers/status", "replicationcontrollers/finalizers"),
    rule(["create", "delete", "list", "patch", "watch"], [""], "pods"),
    EVENTS,
  ],
  "resourcequota-controller": [
    rule(["list", "watch"], ["*"], "*"),
    rule(["update"], [""], "resourcequotas/status"),
    EVENTS,
  ],
  "root-ca-cert-publisher": [
    rule(["create", "update"], [""], "configmaps"),
    rule(READ, [""], "namespaces", "configmaps"),
    EVENTS,
  ],
  "route-controller": [rule(["list", "watch"], [""], "nodes"), rule(["patch"], [""], "nodes/status"), EVENTS],
  "service-account-controller": [
    rule(["create"], [""], "serviceaccounts"),
    rule(READ, [""], "namespaces", "serviceaccounts"),
    EVENTS,
  ],
  "service-controller": [
    rule(READ, [""], "services"),
    rule(["patch", "update"], [""], "services/status"),
    rule(["list", "watch"], [""], "nodes"),
    EVENTS,
  ],
  "device-taint-eviction-controller": [
    rule(["delete", "get", "list", "watch"], [""], "pods"),
    rule(["patch", "update"], [""], "pods/status"),
    rule(READ, ["resource.k8s.io"], "resourceclaims", "resourceslices", "deviceclasses"),
    EVENTS,
  ],
  "resource-claim-controller": [
    rule(READ, [""], "pods"),
    rule(["update"], [""], "pods/finalizers"),
    rule(["create", "delete", "get", "list", "watch"], ["resource.k8s.io"], "resourceclaims"),
    rule(READ, ["resource.k8s.io"], "resourceclaimtemplates"),
    rule(["patch", "update"], ["resource.k8s.io"], "resourceclaims", "resourceclaims/status"),
    rule(["update"], [""], "pods/status"),
    EVENTS,
  ],
  "selinux-warning-controller": [
    rule(READ, [""], "persistentvolumeclaims", "persistentvolumes", "pods"),
    rule(READ, ["storage.k8s.io"], "csidrivers"),
    EVENTS,
  ],
  "service-ca-cert-publisher": [rule(["create", "update"], [""], "configmaps"), EVENTS],
  "service-cidrs-controller": [
    rule(["get", "list", "patch", "update", "watch"], ["networking.k8s.io"], "servicecidrs"),
    rule(["patch", "update"], ["networking.k8s.io"], "servicecidrs/finalizers", "servicecidrs/status"),
    rule(READ, ["networking.k8s.io"], "ipaddresses"),
    EVENTS,
  ],
  "validatingadmissionpolicy-status-controller": [
    rule(READ, ["admissionregistration.k8s.io"], "validatingadmissionpolicies"),
    rule(["get", "patch", "update"], ["admissionregistration.k8s.io"], "validatingadmissionpolicies/status"),
    EVENTS,
  ],
  "volumeattributesclass-protection-controller": [
    rule(READ, [""], "persistentvolumeclaims", "persistentvolumes"),
    rule(["get", "list", "update", "watch"], ["storage.k8s.io"], "volumeattributesclasses"),
    EVENTS,
  ],
  "statefulset-controller": [
    rule(["list", "watch"], [""], "pods"),
    rule(READ, ["apps"], "statefulsets"),
    rule(["update"], ["apps"], "statefulsets/status", "statefulsets/finalizers"),
    rule(["create", "delete", "get", "patch", "update"], [""], "pods"),
    rule(["create", "delete", "get", "list", "patch", "update", "watch"], ["apps"], "controllerrevisions"),
    rule(["create", "get", "list", "watch", "update", "delete"], [""], "persistentvolumeclaims"),
    EVENTS,
  ],
  "ttl-after-finished-controller": [rule(["delete", "get", "list", "watch"], ["batch"], "jobs"), EVENTS],
  "ttl-controller": [rule(["list", "patch", "update", "watch"], [""], "nodes"), EVENTS],
};

const controllerRoles: BootstrapRole[] = Object.entries(controllers).map(([name, rules]) => ({
  name: `system:controller:${name}`,
  rules,
}));

const HEALTH = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

export const bootstrapRoles: readonly BootstrapRole[] = [
  { name: "cluster-admin", rules: [rule(["*"], ["*"], "*"), { nonResourceURLs: ["*"], verbs: ["*"] }] },
  {
    name: "system:discovery",
    rules: [
      urls(
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
      ),
    ],
  },
  {
    name: "system:basic-user",
    rules: [
      rule(["create"], ["authorization.k8s.io"], "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
      rule(["create"], ["authentication.k8s.io"], "selfsubjectreviews"),
    ],
  },
  { name: "system:public-info-viewer", rules: [urls(...HEALTH)] },
  {
    name: "system:monitoring",
    rules: [urls("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*")],
  },
  {
    name: "system:service-account-issuer-discovery",
    rules: [
      urls(
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
        "/openid/v1/jwks/",
      ),
    ],
  },
  // Aggregated roles hold what the aggregation would find; the controller keeps them so.
  { name: "admin", aggregate: "admin", rules: [...adminOwnRules, ...editOwnRules, ...viewRules] },
  { name: "edit", aggregate: "edit", labels: toAggregate("admin"), rules: [...editOwnRules, ...viewRules] },
  { name: "view", aggregate: "view", labels: toAggregate("edit"), rules: viewRules },
  { name: "system:aggregate-to-admin", labels: toAggregate("admin"), rules: adminOwnRules },
  { name: "system:aggregate-to-edit", labels: toAggregate("edit"), rules: editOwnRules },
  { name: "system:aggregate-to-view", labels: toAggregate("view"), rules: viewRules },
  {
    name: "system:heapster",
    rules: [rule(READ, [""], "events", "namespaces", "nodes", "pods"), rule(READ, ["extensions"], "deployments")],
  },
  {
    name: "system:node",
    rules: [
      rule(["create"], ["authentication.k8s.io"], "tokenreviews"),
      rule(["create"], ["authorization.k8s.io"], "localsubjectaccessreviews", "subjectaccessreviews"),
      rule(READ, [""], "services"),
      rule(["create", "get", "list", "watch"], [""], "nodes"),
      rule(["patch", "update"], [""], "nodes/status"),
      rule(["patch", "update"], [""], "nodes"),
      rule(["create", "patch", "update"], [""], "events"),
      rule(READ, [""], "pods"),
      rule(["create", "delete"], [""], "pods"),
      rule(["patch", "update"], [""], "pods/status"),
      rule(["create"], [""], "pods/eviction"),
      rule(READ, [""], "configmaps", "secrets"),
      rule(["get"], [""], "persistentvolumeclaims", "persistentvolumes"),
      rule(["get"], [""], "endpoints"),
      rule(["create", "get", "list", "watch"], ["certificates.k8s.io"], "certificatesigningrequests"),
      rule(["create", "delete", "get", "patch", "update"], ["coordination.k8s.io"], "leases"),
      rule(["get"], ["storage.k8s.io"], "volumeattachments"),
      rule(["create"], [""], "serviceaccounts/token"),
      rule(["get", "patch", "update"], [""], "persistentvolumeclaims/status"),
      rule(READ, ["storage.k8s.io"], "csidrivers"),
      rule(["create", "delete", "get", "patch", "update"], ["storage.k8s.io"], "csinodes"),
      rule(READ, ["node.k8s.io"], "runtimeclasses"),
      rule(["get"], ["resource.k8s.io"], "resourceclaims"),
      rule(
        ["deletecollection", "create", "delete", "get", "list", "patch", "update", "watch"],
        ["resource.k8s.io"],
        "resourceslices",
      ),
      EVENTS,
    ],
  },
  {
    name: "system:node-problem-detector",
    rules: [rule(["get"], [""], "nodes"), rule(["patch"], [""], "nodes/status"), EVENTS],
  },
  {
    name: "system:kubelet-api-admin",
    rules: [
      rule(READ, [""], "nodes"),
      rule(["proxy"], [""], "nodes"),
      rule(["*"], [""], "nodes/log", "nodes/metrics", "nodes/proxy", "nodes/stats"),
    ],
  },
  {
    name: "system:node-bootstrapper",
    rules: [rule(["create", "get", "list", "watch"], ["certificates.k8s.io"], "certificatesigningrequests")],
  },
  {
    name: "system:auth-delegator",
    rules: [
      rule(["create"], ["authentication.k8s.io"], "tokenreviews"),
      rule(["create"], ["authorization.k8s.io"], "subjectaccessreviews"),
    ],
  },
  { name: "system:kube-aggregator", rules: [rule(READ, [""], "endpoints", "services")] },
  {
    name: "system:kube-controller-manager",
    rules: [
      EVENTS,
      rule(["create"], ["coordination.k8s.io"], "leases"),
      rule(["get", "update"], ["coordination.k8s.io"], "leases"),
      rule(["create"], [""], "secrets", "serviceaccounts"),
      rule(["delete"], [""], "secrets"),
      rule(["get"], [""], "configmaps", "namespaces", "secrets", "serviceaccounts"),
      rule(["update"], [""], "secrets", "serviceaccounts"),
      rule(["create"], ["authentication.k8s.io"], "tokenreviews"),
      rule(["create"], ["authorization.k8s.io"], "subjectaccessreviews"),
      rule(["list", "watch"], ["*"], "*"),
      rule(["create"], [""], "serviceaccounts/token"),
    ],
  },
  {
    name: "system:kube-dns",
    rules: [rule(["list", "watch"], [""], "endpoints", "services")],
  },
  {
    name: "system:kube-scheduler",
    rules: [
      EVENTS,
      rule(["create"], ["coordination.k8s.io"], "leases"),
      rule(["get", "list", "update", "watch"], ["coordination.k8s.io"], "leases"),
      rule(READ, [""], "nodes"),
      rule(["delete", "get", "list", "watch"], [""], "pods"),
      rule(["create"], [""], "bindings", "pods/binding"),
      rule(["patch", "update"], [""], "pods/status"),
      rule(READ, [""], "replicationcontrollers", "services"),
      rule(READ, ["apps", "extensions"], "replicasets"),
      rule(READ, ["apps"], "statefulsets"),
      rule(READ, ["policy"], "poddisruptionbudgets"),
      rule(["get", "list", "patch", "update", "watch"], [""], "persistentvolumeclaims", "persistentvolumes"),
      rule(["create"], ["authentication.k8s.io"], "tokenreviews"),
      rule(["create"], ["authorization.k8s.io"], "subjectaccessreviews"),
      rule(
        READ,
        ["storage.k8s.io"],
        "csinodes",
        "csidrivers",
        "csistoragecapacities",
        "storageclasses",
        "volumeattachments",
      ),
      rule(READ, ["resource.k8s.io"], "deviceclasses", "resourceclaims", "resourceslices"),
      rule(READ, [""], "namespaces"),
    ],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      rule(["get", "list", "patch", "update", "watch"], [""], "persistentvolumes"),
      rule(READ, ["storage.k8s.io"], "storageclasses"),
      rule(["get", "list", "patch", "update", "watch"], [""], "persistentvolumeclaims"),
    ],
  },
  {
    name: "system:node-proxier",
    rules: [
      rule(["list", "watch"], [""], "endpoints", "services"),
      rule(["get", "list", "watch"], [""], "nodes"),
      EVENTS,
      rule(["list", "watch"], ["discovery.k8s.io"], "endpointslices"),
      rule(["list", "watch"], ["networking.k8s.io"], "servicecidrs"),
    ],
  },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      rule(["create", "delete", "get", "list", "watch"], [""], "persistentvolumes"),
      rule(["get", "list", "update", "watch"], [""], "persistentvolumeclaims"),
      rule(READ, ["storage.k8s.io"], "storageclasses"),
      rule(["watch"], [""], "events"),
      EVENTS,
    ],
  },
  {
    name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    rules: [rule(["create"], ["certificates.k8s.io"], "certificatesigningrequests/nodeclient")],
  },
  {
    name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    rules: [rule(["create"], ["certificates.k8s.io"], "certificatesigningrequests/selfnodeclient")],
  },
  ...["kubelet-serving", "kube-apiserver-client", "kube-apiserver-client-kubelet", "legacy-unknown"].map(
    (name): BootstrapRole => ({
      name: `system:certificates.k8s.io:${name}-approver`,
      rules: [
        {
          apiGroups: ["certificates.k8s.io"],
          resources: ["signers"],
          resourceNames: [`kubernetes.io/${name}`],
          verbs: ["approve"],
        },
      ],
    }),
  ),
  ...controllerRoles,
];

const RBAC_GROUP = "rbac.authorization.k8s.io";
const group = (name: string) => ({ apiGroup: RBAC_GROUP, kind: "Group", name });
const user = (name: string) => ({ apiGroup: RBAC_GROUP, kind: "User", name });
const account = (name: string) => ({ kind: "ServiceAccount", name, namespace: "kube-system" });

const bind = (role: string, ...subjects: BootstrapBinding["subjects"]): BootstrapBinding => ({
  name: role,
  role,
  subjects,
});

export const bootstrapBindings: readonly BootstrapBinding[] = [
  bind("cluster-admin", group("system:masters")),
  bind("system:monitoring", group("system:monitoring")),
  bind("system:discovery", group("system:authenticated")),
  bind("system:basic-user", group("system:authenticated")),
  bind("system:public-info-viewer", group("system:authenticated"), group("system:unauthenticated")),
  bind("system:service-account-issuer-discovery", group("system:serviceaccounts")),
  bind("system:node-proxier", user("system:kube-proxy")),
  bind("system:kube-controller-manager", user("system:kube-controller-manager")),
  bind("system:kube-dns", { kind: "ServiceAccount", name: "kube-dns", namespace: "kube-system" }),
  bind("system:kube-scheduler", user("system:kube-scheduler")),
  bind("system:volume-scheduler", user("system:kube-scheduler")),
  // The Node authorizer speaks for nodes; the binding is kept without subjects, as upstream keeps it.
  bind("system:node"),
  // Our controllers share the controller manager's certificate, as with --use-service-account-credentials=false, so
  // its user is a subject of every controller's role beside the service account.
  ...Object.keys(controllers).map((name) =>
    bind(`system:controller:${name}`, account(name), user("system:kube-controller-manager")),
  ),
];

export interface BootstrapNamespaceRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly BootstrapRule[];
  /** The binding, where its name is another than the role's. */
  readonly binding?: string;
  readonly subjects: BootstrapBinding["subjects"];
}

const leaderLock = (name: string): BootstrapNamespaceRole => ({
  namespace: "kube-system",
  name: `system::leader-locking-${name}`,
  rules: [
    rule(["watch"], [""], "configmaps"),
    { apiGroups: [""], resources: ["configmaps"], resourceNames: [name], verbs: ["get", "update"] },
  ],
  subjects: [user(`system:${name}`), account(name)],
});

/** Roles of kube-system and kube-public, each with its binding (bootstrappolicy/namespace_policy.go). */
export const bootstrapNamespaceRoles: readonly BootstrapNamespaceRole[] = [
  {
    namespace: "kube-system",
    name: "extension-apiserver-authentication-reader",
    rules: [
      {
        apiGroups: [""],
        resources: ["configmaps"],
        resourceNames: ["extension-apiserver-authentication"],
        verbs: READ,
      },
    ],
    binding: "system::extension-apiserver-authentication-reader",
    subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler")],
  },
  {
    namespace: "kube-system",
    name: "system:controller:bootstrap-signer",
    rules: [rule(READ, [""], "secrets")],
    subjects: [account("bootstrap-signer")],
  },
  {
    namespace: "kube-system",
    name: "system:controller:cloud-provider",
    rules: [rule(["create", "get", "list", "update", "watch"], [""], "configmaps")],
    subjects: [account("cloud-provider")],
  },
  {
    namespace: "kube-system",
    name: "system:controller:token-cleaner",
    rules: [rule(["delete", "get", "list", "watch"], [""], "secrets"), EVENTS],
    subjects: [account("token-cleaner")],
  },
  leaderLock("kube-controller-manager"),
  leaderLock("kube-scheduler"),
  {
    namespace: "kube-public",
    name: "system:controller:bootstrap-signer",
    rules: [
      rule(READ, [""], "configmaps"),
      { apiGroups: [""], resources: ["configmaps"], resourceNames: ["cluster-info"], verbs: ["update"] },
      EVENTS,
    ],
    subjects: [account("bootstrap-signer")],
  },
];
