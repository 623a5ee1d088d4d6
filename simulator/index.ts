/** The whole simulator: the door for whatever is not a page. */
import { loadKubernetes } from "./machine/kubernetes-part";
import "./parts/all";

export * from "./core";

loadKubernetes();
