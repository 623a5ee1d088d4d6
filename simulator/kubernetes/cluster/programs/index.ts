/** The shelf of node tools: what an administrator finds on a machine of the cluster. */
import type { Program } from "../../../os/process";
import type { NodeTools } from "./node-tools";
import { crictl } from "./crictl";
import { ctr } from "./ctr";
import { etcdctl, etcdutl } from "./etcdctl";
import { journalctl } from "./journalctl";
import { kubeadm } from "./kubeadm";
import { systemctl } from "./systemctl";

type Maker = (tools: NodeTools) => Program;

const makers: readonly (readonly [string, Maker])[] = [
  ["crictl", crictl],
  ["ctr", ctr],
  ["etcdctl", etcdctl],
  ["etcdutl", etcdutl],
  ["journalctl", journalctl],
  ["kubeadm", kubeadm],
  ["systemctl", systemctl],
];

/** Names of the programs, for whoever lays a node's file tree. */
export const nodeProgramNames: readonly string[] = makers.map(([name]) => name);

export const nodePrograms = (tools: NodeTools): ReadonlyMap<string, Program> =>
  new Map(makers.map(([name, make]) => [name, make(tools)]));
