/** The shelf of describers; a kind that is not on it gets the generic page. */
import type { Task } from "../../../base/task";
import { parseApiVersion } from "../../apimachinery/group-version-kind";
import type { KubeList, KubeObject } from "../../apimachinery/object";
import type { Factory } from "../factory";
import { ApiFailure } from "../failure";
import { cronJobDescriber, jobDescriber } from "./batch";
import { configMapDescriber, secretDescriber, serviceAccountDescriber } from "./config";
import { type DescribeContext, type Describer, itemsOf } from "./describer";
import { eventsOf } from "./events";
import { genericDescriber } from "./generic";
import { limitRangeDescriber, namespaceDescriber, quotaDescriber } from "./namespace";
import {
  endpointsDescriber,
  endpointSliceDescriber,
  ingressDescriber,
  networkPolicyDescriber,
  serviceDescriber,
} from "./network";
import { nodeDescriber } from "./node";
import { Page } from "./page";
import { podDescriber } from "./pod";
import { hpaDescriber, pdbDescriber, priorityClassDescriber } from "./policy";
import { clusterRoleBindingDescriber, clusterRoleDescriber, roleBindingDescriber, roleDescriber } from "./rbac";
import { claimDescriber, persistentVolumeDescriber, storageClassDescriber } from "./storage";
import {
  daemonSetDescriber,
  deploymentDescriber,
  replicaSetDescriber,
  replicationControllerDescriber,
  statefulSetDescriber,
} from "./workloads";

const describers: readonly Describer[] = [
  podDescriber,
  replicationControllerDescriber,
  secretDescriber,
  serviceDescriber,
  serviceAccountDescriber,
  nodeDescriber,
  limitRangeDescriber,
  quotaDescriber,
  persistentVolumeDescriber,
  claimDescriber,
  namespaceDescriber,
  endpointsDescriber,
  endpointSliceDescriber,
  configMapDescriber,
  priorityClassDescriber,
  replicaSetDescriber,
  hpaDescriber,
  networkPolicyDescriber,
  ingressDescriber,
  jobDescriber,
  cronJobDescriber,
  statefulSetDescriber,
  deploymentDescriber,
  daemonSetDescriber,
  storageClassDescriber,
  roleDescriber,
  clusterRoleDescriber,
  roleBindingDescriber,
  clusterRoleBindingDescriber,
  pdbDescriber,
];

/** The page of one object. */
export function* describeObject(factory: Factory, object: KubeObject, showEvents: boolean): Task<string> {
  const { group } = parseApiVersion(object.apiVersion);
  const describer = describers.find((each) => each.group === group && each.kind === object.kind) ?? genericDescriber;
  const context: DescribeContext = {
    factory,
    now: factory.process.now(),
    events: showEvents && !describer.withoutEvents ? yield* visibleEvents(factory, object) : undefined,
    *list(path, query) {
      try {
        return itemsOf(yield* factory.client.get<KubeList>(path, { ...query, limit: "500" }));
      } catch (error) {
        if (error instanceof ApiFailure) return [];
        throw error;
      }
    },
  };
  const page = new Page();
  yield* describer.describe(page, object, context);
  return page.text();
}

function* visibleEvents(factory: Factory, object: KubeObject): Task<DescribeContext["events"]> {
  try {
    // A node's events carry its name as their uid.
    return yield* eventsOf(factory, object, object.kind === "Node" ? { uid: object.metadata.name } : {});
  } catch (error) {
    if (error instanceof ApiFailure) return undefined;
    throw error;
  }
}
