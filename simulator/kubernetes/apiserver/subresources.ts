/** Subresources: status, scale, binding, eviction, log, exec, attach, portforward, token, finalize, approval, resize. */
import { rfc3339 } from "../../base/clock";
import type { ApiResponse } from "../../base/door";
import { failure, ok, type Result } from "../../base/result";
import { formatSelector, type LabelSelectorShape, matches, selectorFromLabelSelector } from "../apimachinery/labels";
import type { KubeObject, Status } from "../apimachinery/object";
import type { Draft } from "../apimachinery/resource";
import {
  badRequest,
  conflict,
  internalError,
  invalidStatus,
  methodNotSupported,
  notFound,
  statusFailure,
  statusResponse,
  statusSuccess,
  tooManyRequests,
  unknownError,
} from "../apimachinery/status";
import type { KubeRequest } from "../apimachinery/transport";
import { invalid } from "../apimachinery/field-path";
import type { TokenAuthority } from "./authentication";
import { deleteObject, deleteOptions } from "./deletion";
import { type ResourceHandlers, respond, withWarnings } from "./handlers";
import type { KubeletDialer, KubeletVerb } from "./kubelet-proxy";
import type { ApiProxy } from "./proxy";
import type { Registry } from "./registry";
import { queryValue } from "./request-info";
import { groupResource, type Scope } from "./scope";
import type { ResourceStorage } from "./storage";

export interface SubresourceDependencies {
  readonly registry: Registry;
  readonly handlers: ResourceHandlers;
  readonly tokens: TokenAuthority;
  readonly kubelet: KubeletDialer;
  readonly proxy: ApiProxy;
  storageOf(group: string, plural: string): ResourceStorage;
  scopeOf(scope: Scope, group: string, plural: string, namespace: string, name: string): Scope;
}

const JSON_HEADERS = Object.freeze({ "content-type": "application/json" });

export class Subresources {
  readonly #d: SubresourceDependencies;

  constructor(dependencies: SubresourceDependencies) {
    this.#d = dependencies;
  }

  handle(scope: Scope, verb: string, request: KubeRequest): ApiResponse {
    const { subresource, resource } = scope;
    switch (subresource) {
      case "status":
      case "ephemeralcontainers":
      case "resize":
      case "approval":
        return verb === "get" || verb === "update" || verb === "patch"
          ? this.#d.handlers.handle(scope, verb, request)
          : statusResponse(methodNotSupported(groupResource(resource), verb));
      case "finalize":
        return this.#finalize(scope, request);
      case "scale":
        return this.#scale(scope, verb, request);
      case "binding":
        return this.#bind(scope, request);
      case "eviction":
        return this.#evict(scope, request);
      case "token":
        return this.#token(scope, request);
      case "proxy":
        return this.#d.proxy.handle(scope, request);
      case "log":
      case "exec":
      case "attach":
      case "portforward":
        return this.#proxy(scope, subresource, request);
      default:
        return statusResponse(
          statusFailure(
            501,
            "NotImplemented",
            `${resource.plural}/${subresource} is not simulated; use the resource itself`,
          ),
        );
    }
  }

  #current(scope: Scope): Result<KubeObject, Status> {
    const object = scope.storage.get(scope.namespace, scope.name);
    return object ? ok(object) : failure(notFound(groupResource(scope.resource), scope.name));
  }

  /** The namespace controller takes `kubernetes` out of spec.finalizers; the last one removes the namespace. */
  #finalize(scope: Scope, request: KubeRequest): ApiResponse {
    const old = this.#current(scope);
    if (!old.ok) return statusResponse(old.error);
    const decoded = this.#d.registry.decode(scope, request.body, old.value);
    if (!decoded.ok) return statusResponse(decoded.error);
    const finalizers = decoded.value.spec?.finalizers ?? [];
    const draft: Draft = { ...old.value, metadata: { ...old.value.metadata }, spec: { ...old.value.spec, finalizers } };
    if (finalizers.length === 0) delete draft.spec.finalizers;
    if (old.value.metadata.deletionTimestamp && finalizers.length === 0 && !old.value.metadata.finalizers?.length) {
      const removed = this.#d.registry.remove(scope, old.value, draft);
      return removed.ok ? respond(scope, request, removed.value) : statusResponse(removed.error);
    }
    const stored = this.#d.registry.overwrite(scope, old.value, draft);
    return stored.ok ? respond(scope, request, stored.value) : statusResponse(stored.error);
  }

  #scale(scope: Scope, verb: string, request: KubeRequest): ApiResponse {
    const old = this.#current(scope);
    if (!old.ok) return statusResponse(old.error);
    const current = scaleOf(scope, old.value);
    if (verb === "get") return { status: 200, headers: JSON_HEADERS, body: current };
    let wanted: Draft = request.body;
    if (verb === "patch") {
      const type = (request.headers?.["content-type"] ?? "").split(";")[0]!.trim();
      const patch = this.#d.handlers.patcher(
        scope,
        type === "application/strategic-merge-patch+json" ? "application/merge-patch+json" : type,
        request.body,
      );
      if (!patch.ok) return statusResponse(patch.error);
      const patched = patch.value(current);
      if (!patched.ok) return statusResponse(patched.error);
      wanted = patched.value;
    } else if (verb !== "update") return statusResponse(methodNotSupported(groupResource(scope.resource), verb));
    const replicas = wanted?.spec?.replicas ?? 0;
    if (typeof replicas !== "number" || !Number.isInteger(replicas)) {
      return statusResponse(
        badRequest(
          `Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal ${typeof replicas} into Go struct field ScaleSpec.spec.replicas of type int32`,
        ),
      );
    }
    if (replicas < 0) {
      return statusResponse(
        invalidStatus({ group: "autoscaling", kind: "Scale" }, scope.name, [
          invalid("spec.replicas", replicas, "must be greater than or equal to 0"),
        ]),
      );
    }
    const version = wanted?.metadata?.resourceVersion;
    if (version && version !== old.value.metadata.resourceVersion) {
      return statusResponse(
        conflict(
          groupResource(scope.resource),
          scope.name,
          "the object has been modified; please apply your changes to the latest version and try again",
        ),
      );
    }
    const path = (scope.resource.scale?.specReplicas ?? ".spec.replicas").split(".").slice(1);
    const draft = setIn(old.value, path, replicas);
    draft.metadata = { ...old.value.metadata };
    const stored = this.#d.registry.updateDecoded(scope, old.value, draft);
    return stored.ok
      ? { status: 200, headers: JSON_HEADERS, body: scaleOf(scope, stored.value) }
      : statusResponse(stored.error);
  }

  #bind(scope: Scope, request: KubeRequest): ApiResponse {
    const body = request.body as Draft;
    const old = this.#current(scope);
    if (!old.ok) return statusResponse(old.error);
    const pod = old.value;
    const target = body?.target;
    if (!target?.name) {
      return statusResponse(
        invalidStatus({ group: "", kind: "Binding" }, scope.name, [
          { type: "FieldValueRequired", field: "target.name", body: "Required value" },
        ]),
      );
    }
    const uid = body.metadata?.uid;
    if (uid && uid !== pod.metadata.uid) {
      return statusResponse(
        conflict(
          { group: "", resource: "pods/binding" },
          scope.name,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
        ),
      );
    }
    if (pod.metadata.deletionTimestamp) {
      return statusResponse(
        conflict(
          { group: "", resource: "pods/binding" },
          scope.name,
          `pod ${scope.name} is being deleted, cannot be assigned to a host`,
        ),
      );
    }
    if (pod.spec.nodeName) {
      return statusResponse(
        conflict(
          { group: "", resource: "pods/binding" },
          scope.name,
          `pod ${scope.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
        ),
      );
    }
    if ((pod.spec.schedulingGates?.length ?? 0) > 0) {
      return statusResponse(
        conflict(
          { group: "", resource: "pods/binding" },
          scope.name,
          `pod ${scope.name} has non-empty .spec.schedulingGates`,
        ),
      );
    }
    const conditions = (pod.status?.conditions ?? []).filter((c: { type: string }) => c.type !== "PodScheduled");
    const before = (pod.status?.conditions ?? []).find((c: { type: string }) => c.type === "PodScheduled");
    conditions.push({
      type: "PodScheduled",
      status: "True",
      lastProbeTime: null,
      lastTransitionTime: before?.status === "True" ? before.lastTransitionTime : rfc3339(scope.now),
    });
    const metadata: Draft = { ...pod.metadata };
    if (body.metadata?.annotations) metadata.annotations = { ...metadata.annotations, ...body.metadata.annotations };
    if (body.metadata?.labels) metadata.labels = { ...metadata.labels, ...body.metadata.labels };
    const draft: Draft = {
      ...pod,
      metadata,
      spec: { ...pod.spec, nodeName: target.name },
      status: { ...pod.status, conditions },
    };
    const stored = this.#d.registry.overwrite(scope, pod, draft);
    return stored.ok ? { status: 201, headers: JSON_HEADERS, body: statusSuccess() } : statusResponse(stored.error);
  }

  /** An eviction is a deletion that disruption budgets may refuse. */
  #evict(scope: Scope, request: KubeRequest): ApiResponse {
    const body = (request.body ?? {}) as Draft;
    if (body.metadata?.name && body.metadata.name !== scope.name) {
      return statusResponse(badRequest("name in URL does not match name in Eviction object"));
    }
    const old = this.#current(scope);
    if (!old.ok) return statusResponse(old.error);
    const pod = old.value;
    const options = deleteOptions({ ...body.deleteOptions, kind: "DeleteOptions" }, () => "");
    if (!options.ok) return statusResponse(options.error);
    const dryRun = scope.dryRun || (body.deleteOptions?.dryRun ?? []).includes("All");
    const evicting: Scope = { ...scope, dryRun, subresource: "" };
    const phase = pod.status?.phase;
    if (phase !== "Succeeded" && phase !== "Failed" && phase !== "Pending" && !pod.metadata.deletionTimestamp) {
      const refused = this.#disruption(evicting, pod);
      if (refused) return statusResponse(refused);
    }
    const deleted = deleteObject(this.#d.registry, evicting, options.value);
    return deleted.ok ? { status: 201, headers: JSON_HEADERS, body: statusSuccess() } : statusResponse(deleted.error);
  }

  #disruption(scope: Scope, pod: KubeObject): Status | undefined {
    const budgets = this.#d
      .storageOf("policy", "poddisruptionbudgets")
      .list(scope.namespace)
      .filter((pdb) => pdb.spec.selector && matches(selectorFromLabelSelector(pdb.spec.selector), pod.metadata.labels));
    if (budgets.length > 1) {
      return internalError(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      );
    }
    const pdb = budgets[0];
    if (!pdb) return undefined;
    const ready = (pod.status?.conditions ?? []).some(
      (c: { type: string; status: string }) => c.type === "Ready" && c.status === "True",
    );
    const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0, observedGeneration = 0 } = pdb.status ?? {};
    if (!ready && pdb.spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return undefined;
    if (!ready && currentHealthy >= desiredHealthy && desiredHealthy > 0) return undefined;
    if (observedGeneration < (pdb.metadata.generation ?? 0)) {
      return tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", [
        {
          reason: "DisruptionBudget",
          message: `The disruption budget ${pdb.metadata.name} is still being processed by the server.`,
        },
      ]);
    }
    if (disruptionsAllowed <= 0) {
      return tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", [
        {
          reason: "DisruptionBudget",
          message: `The disruption budget ${pdb.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
        },
      ]);
    }
    if (scope.dryRun) return undefined;
    const pdbScope = this.#d.scopeOf(scope, "policy", "poddisruptionbudgets", scope.namespace, pdb.metadata.name);
    const stored = this.#d.registry.overwrite(pdbScope, pdb, {
      ...pdb,
      metadata: { ...pdb.metadata },
      status: {
        ...pdb.status,
        disruptionsAllowed: disruptionsAllowed - 1,
        disruptedPods: { ...pdb.status.disruptedPods, [pod.metadata.name]: rfc3339(scope.now) },
      },
    });
    return stored.ok ? undefined : stored.error;
  }

  #token(scope: Scope, request: KubeRequest): ApiResponse {
    const account = this.#current(scope);
    if (!account.ok) return statusResponse(account.error);
    const body = (request.body ?? {}) as Draft;
    const asked = body.spec?.expirationSeconds ?? 3600;
    if (asked < 600) {
      return statusResponse(
        invalidStatus({ group: "authentication.k8s.io", kind: "TokenRequest" }, "", [
          invalid("spec.expirationSeconds", asked, "may not specify a duration less than 10 minutes"),
        ]),
      );
    }
    const reference = body.spec?.boundObjectRef;
    let boundObject: { kind: string; name: string; uid: string; node?: { name: string; uid: string } } | undefined;
    if (reference) {
      const plural = reference.kind === "Pod" ? "pods" : reference.kind === "Secret" ? "secrets" : "nodes";
      const bound = this.#d.storageOf("", plural).get(plural === "nodes" ? "" : scope.namespace, reference.name);
      if (!bound) return statusResponse(notFound({ group: "", resource: plural }, reference.name));
      if (reference.uid && reference.uid !== bound.metadata.uid) {
        return statusResponse(
          conflict(
            { group: "", resource: plural },
            reference.name,
            `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
          ),
        );
      }
      const node =
        plural === "pods" && bound.spec.nodeName
          ? this.#d.storageOf("", "nodes").get("", bound.spec.nodeName)
          : undefined;
      boundObject = {
        kind: reference.kind,
        name: bound.metadata.name,
        uid: bound.metadata.uid,
        ...(node ? { node: { name: node.metadata.name, uid: node.metadata.uid } } : {}),
      };
    }
    const audiences = body.spec?.audiences?.length
      ? body.spec.audiences
      : ["https://kubernetes.default.svc.cluster.local"];
    const token = this.#d.tokens.issue(
      {
        namespace: scope.namespace,
        serviceAccount: account.value,
        audiences,
        expirationSeconds: asked,
        ...(boundObject ? { boundObject } : {}),
      },
      scope.now,
    );
    return {
      status: 201,
      headers: JSON_HEADERS,
      body: {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        metadata: { name: scope.name, namespace: scope.namespace, creationTimestamp: rfc3339(scope.now) },
        spec: { audiences, expirationSeconds: asked, boundObjectRef: reference ?? null },
        status: { token, expirationTimestamp: rfc3339(scope.now + asked * 1000) },
      },
    };
  }

  /** log, exec, attach and port-forward go on to the kubelet of the Pod's node. */
  #proxy(scope: Scope, verb: KubeletVerb, request: KubeRequest): ApiResponse {
    const found = this.#current(scope);
    if (!found.ok) return statusResponse(found.error);
    const pod = found.value;
    const container = verb === "portforward" ? ok("") : containerFor(pod, queryValue(request, "container"));
    if (!container.ok) return statusResponse(badRequest(container.error));
    const nodeName: string = pod.spec.nodeName ?? "";
    if (!nodeName) {
      // A log of a Pod that nobody runs yet is empty; there is nothing to execute in.
      return verb === "log"
        ? { status: 200, headers: { "content-type": "text/plain" }, body: "" }
        : statusResponse(badRequest(`pod ${pod.metadata.name} does not have a host assigned`));
    }
    if (verb !== "log" && (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed")) {
      if (verb === "exec" || verb === "attach") {
        return statusResponse(
          badRequest(
            `cannot ${verb === "exec" ? "exec into" : "attach to"} a container in a completed pod; current phase is ${pod.status.phase}`,
          ),
        );
      }
    }
    const endpoint = this.#d.kubelet(nodeName);
    if (!endpoint) {
      const address = nodeAddress(this.#d.storageOf("", "nodes").get("", nodeName)) ?? nodeName;
      const path =
        verb === "log"
          ? `containerLogs/${scope.namespace}/${scope.name}/${container.value}`
          : verb === "portforward"
            ? `portForward/${scope.namespace}/${scope.name}`
            : `${verb}/${scope.namespace}/${scope.name}/${container.value}`;
      return statusResponse(
        unknownError(`Get "https://${address}:10250/${path}": dial tcp ${address}:10250: connect: connection refused`),
      );
    }
    return withWarnings(
      scope,
      endpoint.handle({
        verb,
        namespace: scope.namespace,
        pod: scope.name,
        podUid: pod.metadata.uid,
        container: container.value,
        query: request.query ?? {},
      }),
    );
  }
}

/** The Scale of an object (autoscaling/v1). */
export function scaleOf(scope: Scope, object: KubeObject): KubeObject {
  const paths = scope.resource.scale;
  const selector = read(object, paths?.labelSelector ?? ".spec.selector");
  const text =
    typeof selector === "string"
      ? selector
      : selector && typeof selector === "object"
        ? "matchLabels" in selector || "matchExpressions" in selector
          ? formatSelector(selectorFromLabelSelector(selector as LabelSelectorShape))
          : formatSelector(selectorFromLabelSelector({ matchLabels: selector as Record<string, string> }))
        : "";
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = read(object, paths?.specReplicas ?? ".spec.replicas");
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: {
      replicas: read(object, paths?.statusReplicas ?? ".status.replicas") ?? 0,
      ...(text ? { selector: text } : {}),
    },
  } as KubeObject;
}

function read(object: unknown, path: string): unknown {
  let value = object;
  for (const part of path.split(".")) if (part) value = (value as Record<string, unknown> | undefined)?.[part];
  return value;
}

function setIn(object: Draft, [head, ...rest]: readonly string[], value: unknown): Draft {
  return { ...object, [head!]: rest.length === 0 ? value : setIn(object?.[head!] ?? {}, rest, value) };
}

const nodeAddress = (node: KubeObject | undefined): string | undefined =>
  (node?.status?.addresses as { type: string; address: string }[] | undefined)?.find((a) => a.type === "InternalIP")
    ?.address;

/** The container that a request without one means, or the error. */
function containerFor(pod: KubeObject, asked: string): Result<string, string> {
  const names = (list: readonly { name: string }[] | undefined): string[] => (list ?? []).map((c) => c.name);
  const containers = names(pod.spec.containers);
  const inits = names(pod.spec.initContainers);
  const ephemeral = names(pod.spec.ephemeralContainers);
  if (asked) {
    return [...containers, ...inits, ...ephemeral].includes(asked)
      ? ok(asked)
      : failure(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  }
  if (containers.length === 1 && inits.length === 0 && ephemeral.length === 0) return ok(containers[0]!);
  if (containers.length === 1) return ok(containers[0]!);
  const choices = `choose one of: [${containers.join(" ")}]`;
  const initText = inits.length > 0 ? ` or one of the init containers: [${inits.join(" ")}]` : "";
  return failure(`a container name must be specified for pod ${pod.metadata.name}, ${choices}${initText}`);
}
