/**
 * Upstream's flow schemas and priority levels (apiserver/pkg/apis/flowcontrol/bootstrap): stored so that they can be
 * looked at. Requests here never queue.
 */
import { rfc3339 } from "../../base/clock";
import type { Draft } from "../apimachinery/resource";

const group = (name: string): Draft => ({ kind: "Group", group: { name } });
const user = (name: string): Draft => ({ kind: "User", user: { name } });
const account = (namespace: string, name: string): Draft => ({
  kind: "ServiceAccount",
  serviceAccount: { namespace, name },
});

const ALL_URLS = [{ nonResourceURLs: ["*"], verbs: ["*"] }];
const ALL_RESOURCES = [{ apiGroups: ["*"], clusterScope: true, namespaces: ["*"], resources: ["*"], verbs: ["*"] }];
const EVERYTHING = { nonResourceRules: ALL_URLS, resourceRules: ALL_RESOURCES };
const resources = (apiGroup: string, names: readonly string[], verbs: readonly string[], where: Draft): Draft => ({
  apiGroups: [apiGroup],
  resources: names,
  verbs,
  ...where,
});

interface Schema {
  readonly name: string;
  readonly level: string;
  readonly precedence: number;
  readonly by?: "ByUser" | "ByNamespace";
  readonly rules: readonly Draft[];
}

const LEADERS = [
  user("system:kube-controller-manager"),
  user("system:kube-scheduler"),
  account("kube-system", "*"),
] as const;
const ACCOUNTS = group("system:serviceaccounts");
const EVERYBODY = [group("system:unauthenticated"), group("system:authenticated")];

const schemas: readonly Schema[] = [
  {
    name: "exempt",
    level: "exempt",
    precedence: 1,
    rules: [{ ...EVERYTHING, subjects: [group("system:masters")] }],
  },
  {
    name: "probes",
    level: "exempt",
    precedence: 2,
    rules: [
      {
        nonResourceRules: [{ nonResourceURLs: ["/healthz", "/readyz", "/livez"], verbs: ["get"] }],
        subjects: EVERYBODY,
      },
    ],
  },
  {
    name: "system-leader-election",
    level: "leader-election",
    precedence: 100,
    by: "ByUser",
    rules: [
      {
        resourceRules: [
          resources("coordination.k8s.io", ["leases"], ["get", "create", "update"], { namespaces: ["*"] }),
        ],
        subjects: LEADERS,
      },
    ],
  },
  {
    name: "system-node-high",
    level: "node-high",
    precedence: 400,
    by: "ByUser",
    rules: [
      {
        resourceRules: [
          resources("", ["nodes", "nodes/status"], ["*"], { clusterScope: true }),
          resources("coordination.k8s.io", ["leases"], ["*"], { namespaces: ["*"] }),
        ],
        subjects: [group("system:nodes")],
      },
    ],
  },
  {
    name: "system-nodes",
    level: "system",
    precedence: 500,
    by: "ByUser",
    rules: [{ ...EVERYTHING, subjects: [group("system:nodes")] }],
  },
  {
    name: "kube-controller-manager",
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    rules: [{ ...EVERYTHING, subjects: [user("system:kube-controller-manager")] }],
  },
  {
    name: "kube-scheduler",
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    rules: [{ ...EVERYTHING, subjects: [user("system:kube-scheduler")] }],
  },
  {
    name: "kube-system-service-accounts",
    level: "workload-high",
    precedence: 900,
    by: "ByNamespace",
    rules: [{ ...EVERYTHING, subjects: [account("kube-system", "*")] }],
  },
  {
    name: "service-accounts",
    level: "workload-low",
    precedence: 9000,
    by: "ByUser",
    rules: [{ ...EVERYTHING, subjects: [ACCOUNTS] }],
  },
  {
    name: "global-default",
    level: "global-default",
    precedence: 9900,
    by: "ByUser",
    rules: [{ ...EVERYTHING, subjects: EVERYBODY }],
  },
  {
    name: "catch-all",
    level: "catch-all",
    precedence: 10_000,
    by: "ByUser",
    rules: [{ ...EVERYTHING, subjects: EVERYBODY }],
  },
];

/** Name, shares, and for those that queue: queues, hand size, length limit; and the percentage others may borrow. */
const levels: readonly (readonly [string, number, readonly [number, number, number] | undefined, number])[] = [
  ["leader-election", 10, [16, 4, 50], 0],
  ["node-high", 40, [64, 6, 50], 25],
  ["system", 30, [64, 6, 50], 33],
  ["workload-high", 40, [128, 6, 50], 50],
  ["workload-low", 100, [128, 6, 50], 90],
  ["global-default", 20, [128, 6, 50], 50],
  ["catch-all", 5, undefined, 0],
];

const annotations = { "apf.kubernetes.io/autoupdate-spec": "true" };

/** The objects, priority levels first. `now`: for the times of their conditions. */
export function flowControlDefaults(now: number): readonly { readonly kind: string; readonly body: Draft }[] {
  const at = rfc3339(now);
  return [
    {
      kind: "PriorityLevelConfiguration",
      body: {
        metadata: { name: "exempt", annotations },
        spec: { type: "Exempt", exempt: { lendablePercent: 0, nominalConcurrencyShares: 0 } },
      },
    },
    ...levels.map(([name, nominalConcurrencyShares, queuing, lendablePercent]) => ({
      kind: "PriorityLevelConfiguration",
      body: {
        metadata: { name, annotations },
        spec: {
          type: "Limited",
          limited: {
            lendablePercent,
            limitResponse: queuing
              ? { queuing: { queues: queuing[0], handSize: queuing[1], queueLengthLimit: queuing[2] }, type: "Queue" }
              : { type: "Reject" },
            nominalConcurrencyShares,
          },
        },
      },
    })),
    ...schemas.map(({ name, level, precedence, by, rules }) => ({
      kind: "FlowSchema",
      body: {
        metadata: { name, annotations },
        spec: {
          ...(by ? { distinguisherMethod: { type: by } } : {}),
          matchingPrecedence: precedence,
          priorityLevelConfiguration: { name: level },
          rules,
        },
        status: {
          conditions: [
            {
              lastTransitionTime: at,
              message: `This FlowSchema references the PriorityLevelConfiguration object named "${level}" and it exists`,
              reason: "Found",
              status: "False",
              type: "Dangling",
            },
          ],
        },
      },
    })),
  ];
}
