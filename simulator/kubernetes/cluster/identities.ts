/** Client certificates of the cluster's components: who they are to the API server. */
import { deepFreeze } from "../../base/json";
import type { Credentials } from "../apimachinery/transport";

const certificate = (commonName: string, ...organizations: string[]): Credentials =>
  deepFreeze({ certificate: { commonName, organizations } });

export const identities = {
  admin: certificate("kubernetes-admin", "system:masters"),
  controllerManager: certificate("system:kube-controller-manager"),
  scheduler: certificate("system:kube-scheduler"),
  proxy: certificate("system:kube-proxy"),
  kubelet: (node: string) => certificate(`system:node:${node}`, "system:nodes"),
} as const;
