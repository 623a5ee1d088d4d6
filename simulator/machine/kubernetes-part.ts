/**
 * The Kubernetes side of worlds, as one part: a cluster. A page whose lesson has no
 * cluster need not load it; whoever wants clusters has it provided before the first machine is made.
 */
import { ClusterOfWorld } from "./cluster-of-world";
import { type KubernetesPart, provideKubernetes } from "./parts";

const part: KubernetesPart = { ClusterOfWorld };

export const loadKubernetes = (): void => provideKubernetes(part);
