/** Worlds with a Kubernetes cluster beside the laptop. */
import { type Scenario, laptop } from "./scenario";

/** The course's cluster. */
export const kubernetes: Scenario = {
  ...laptop,
  name: "kubernetes",
  description: "a control-plane node and two workers, with the usual add-ons; a Docker engine on the laptop",
  docker: {},
  cluster: { profile: "three-nodes" },
};

/** A cluster as a cloud sells it: quick to start, nothing in kube-system. */
export const managed: Scenario = {
  ...laptop,
  name: "managed",
  description:
    "three workers whose control plane the cloud looks after, with load balancers; a Docker engine on the laptop",
  docker: {},
  cluster: { profile: "managed" },
};

/** The course's machines without the add-ons: lessons that take the control plane apart start sooner. */
export const kubeadm: Scenario = {
  ...laptop,
  name: "kubeadm",
  description: "a control-plane node and two workers as kubeadm leaves them, with a network plugin and no more",
  cluster: { profile: "kubeadm" },
};

/** For what happens to a cluster when it loses members of etcd. */
export const externalEtcd: Scenario = {
  ...laptop,
  name: "external-etcd",
  description: "a control-plane node, two workers, and three machines that hold a member of etcd each",
  cluster: { profile: "external-etcd" },
};

export const oneNode: Scenario = {
  ...laptop,
  name: "one-node",
  description: "a cluster of one node",
  docker: {},
  cluster: { profile: "one-node" },
};

/** For benchmarks. */
export const tenNodes: Scenario = {
  ...laptop,
  name: "ten-nodes",
  description: "a cluster of ten workers with room for many Pods, for measuring",
  cluster: { profile: "managed", workers: 10 },
};

/** For `npm run bench -- --large`. */
export const hundredNodes: Scenario = {
  ...tenNodes,
  name: "hundred-nodes",
  description: "a cluster of a hundred workers, for measuring",
  cluster: { profile: "managed", workers: 100 },
};

/** For measuring: room for 110,000 Pods. */
export const thousandNodes: Scenario = {
  ...tenNodes,
  name: "thousand-nodes",
  description: "a cluster of a thousand workers, for measuring",
  cluster: { profile: "managed", workers: 1000 },
};

/** The machines on which the real Kubernetes was recorded. */
export const recordedKubernetes: Scenario = {
  ...laptop,
  name: "recorded-kubernetes",
  description: "the cluster of the Kubernetes recordings",
  hostname: "vm",
  address: "10.89.0.3",
  // Nobody sat at that machine: whatever wanted an editor got one that changes nothing.
  environment: { EDITOR: "true" },
  cluster: { profile: "recorded-kubernetes" },
};
