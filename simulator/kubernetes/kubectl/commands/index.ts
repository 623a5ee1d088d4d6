/** The shelf of kubectl's commands, in the order in which help lists them. */
import type { KubectlCommand } from "../kubectl-command";
import { annotate } from "./annotate";
import { apiResources, apiVersions } from "./api-resources";
import { apply } from "./apply/apply";
import { attach } from "./attach";
import { auth } from "./auth";
import { autoscale } from "./autoscale";
import { certificate } from "./certificate";
import { clusterInfo } from "./cluster-info";
import { config } from "./config/index";
import { cordon, drain, uncordon } from "./cordon";
import { cp } from "./cp";
import { create } from "./create/index";
import { debug } from "./debug";
import { del } from "./delete";
import { describe } from "./describe";
import { diff } from "./diff";
import { edit } from "./edit";
import { events } from "./events";
import { exec } from "./exec";
import { explain } from "./explain";
import { expose } from "./expose";
import { get } from "./get";
import { kustomize } from "./kustomize";
import { label } from "./label";
import { logs } from "./logs";
import { completion, options, plugin } from "./meta";
import { patch } from "./patch";
import { portForward } from "./port-forward";
import { proxy } from "./proxy";
import { replace } from "./replace";
import { rollout } from "./rollout/index";
import { run } from "./run";
import { scale } from "./scale";
import { set } from "./set/index";
import { taint } from "./taint";
import { top } from "./top";
import { version } from "./version";
import { wait } from "./wait";

export const commands: readonly KubectlCommand[] = [
  create,
  expose,
  run,
  set,
  explain,
  get,
  edit,
  del,
  rollout,
  scale,
  autoscale,
  certificate,
  clusterInfo,
  top,
  cordon,
  uncordon,
  drain,
  taint,
  describe,
  logs,
  attach,
  exec,
  portForward,
  proxy,
  cp,
  auth,
  debug,
  events,
  diff,
  apply,
  patch,
  replace,
  wait,
  kustomize,
  label,
  annotate,
  completion,
  apiResources,
  apiVersions,
  config,
  plugin,
  version,
  options,
];
