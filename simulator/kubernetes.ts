/** The door to the Kubernetes part: pages load it apart from `core`, before they make a machine that has a cluster. */
export { loadKubernetes } from "./machine/kubernetes-part";
