/** The shelf of admission plugins, in upstream's order. */
import type { AdmissionPlugin } from "./plugin";
import { namespaceLifecycle } from "./namespace-lifecycle";
import { taintNodesByCondition } from "./taint-nodes-by-condition";
import { serviceAccount } from "./service-account";
import { limitRanger } from "./limit-ranger";
import { podSecurity } from "./pod-security";
import { priority } from "./priority";
import { defaultTolerationSeconds } from "./default-toleration-seconds";
import { defaultIngressClass, defaultStorageClass, storageObjectInUseProtection } from "./default-classes";
import { resourceQuota } from "./resource-quota";

export const admissionPlugins: readonly AdmissionPlugin[] = [
  namespaceLifecycle,
  taintNodesByCondition,
  limitRanger,
  serviceAccount,
  podSecurity,
  priority,
  defaultTolerationSeconds,
  storageObjectInUseProtection,
  defaultIngressClass,
  defaultStorageClass,
  resourceQuota,
];
