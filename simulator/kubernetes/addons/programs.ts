/** The add-ons that run as containers' programs, by the name an executable file of their image carries. */
import type { Program } from "../../os/process";
import type { AddonDependencies } from "./addon-process";
import { coredns } from "./coredns/coredns";
import { ingressNginx } from "./ingress-nginx";

export const addonPrograms = (dependencies: AddonDependencies): ReadonlyMap<string, Program> =>
  new Map<string, Program>([
    ["coredns", coredns(dependencies)],
    ["nginx-ingress-controller", ingressNginx(dependencies)],
  ]);
