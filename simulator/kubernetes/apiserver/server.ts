/**
 * The API server: one request in, one response out. Authenticate, authorize, find the resource, let the generic
 * registry serve it, write the audit entry. Nothing here knows a kind by name; kinds are data.
 */
import type { ApiResponse } from "../../base/door";
import type { Loop } from "../../base/loop";
import type { Random } from "../../base/random";
import { builtinSchema } from "../api/schema";
import { builtinResources } from "../api";
import type { KubeObject } from "../apimachinery/object";
import type { Draft, ResourceDefinition } from "../apimachinery/resource";
import { formatGroupResource } from "../apimachinery/group-version-kind";
import { Scheme, type ServedResource } from "../apimachinery/scheme";
import type { StructType } from "../apimachinery/schema";
import {
  forbiddenStatus,
  methodNotSupported,
  pageNotFound,
  statusResponse,
  unauthorized,
} from "../apimachinery/status";
import type { KubeRequest, Transport, TransportFailure } from "../apimachinery/transport";
import { EtcdCluster } from "../etcd/cluster";
import { AdmissionChain } from "./admission/chain";
import { admissionPlugins } from "./admission/index";
import { ApiServices } from "./api-services";
import { auditEntry, AuditLog } from "./audit";
import { authenticate, TokenAuthority } from "./authentication";
import { Authorizer, type AuthorizationAttributes, forbiddenReason } from "./authorization";
import { bootstrap } from "./bootstrap";
import { type ComponentHealth, componentStatuses } from "./component-statuses";
import { CustomResources } from "./custom-resources";
import { deleteObject } from "./deletion";
import { Discovery } from "./discovery";
import { FieldManagers } from "./field-managers";
import { ResourceHandlers } from "./handlers";
import { health } from "./health";
import { Heartbeats } from "./heartbeats";
import type { KubeletDialer, MetricsProvider } from "./kubelet-proxy";
import { KubernetesService } from "./kubernetes-service";
import { metricsResponse } from "./metrics";
import { openApi } from "./openapi";
import { createAsBefore } from "./prefabricated";
import { ApiProxy, type NodeDialer, type ProxyDialer } from "./proxy";
import { Registry, type ResourceHooks } from "./registry";
import { authorizationName, type RequestInfo, queryValue, requestInfo } from "./request-info";
import { Reviews } from "./reviews";
import type { Scope, UserInfo } from "./scope";
import { self } from "./self";
import { ServiceAddresses } from "./service-addresses";
import { ServiceAllocator } from "./service-allocation";
import { ResourceStorage } from "./storage";
import { Subresources } from "./subresources";
import { WatchHub } from "./watch";

export interface ApiServerOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly etcd?: EtcdCluster;
  /** `10.89.0.10:6443`: where clients find it, for discovery and refused connections. */
  readonly address?: string;
  /** PEM of the authority that signs clients' certificates, for the ConfigMap that tells extensions of it. */
  readonly certificateAuthority?: string;
  readonly serviceCidr?: string;
  readonly nodePorts?: { readonly from: number; readonly to: number };
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  readonly kubelet?: KubeletDialer;
  /** How proxied requests leave the server's machine, and what kubelets say on their own paths. */
  readonly proxy?: ProxyDialer;
  readonly node?: NodeDialer;
  readonly metrics?: MetricsProvider;
  /** How the scheduler and the controller manager answer on their health ports, for ComponentStatuses. */
  readonly components?: () => readonly ComponentHealth[];
  /** Lines of the audit log that are kept. */
  readonly auditEntriesMax?: number;
  /** Names of admission plugins that are off. */
  readonly disabledAdmission?: readonly string[];
}

const DEFAULT_SERVICE_CIDR = "10.96.0.0/12";

export class ApiServer implements Transport {
  readonly etcd: EtcdCluster;
  readonly scheme: Scheme;
  readonly audit: AuditLog;
  readonly address: string;
  readonly #loop: Loop;
  readonly #options: ApiServerOptions;
  readonly #storages = new Map<ResourceDefinition, ResourceStorage>();
  readonly #byPrefix = new Map<string, ResourceStorage>();
  readonly #watches: WatchHub;
  readonly #registry: Registry;
  readonly #handlers: ResourceHandlers;
  readonly #subresources: Subresources;
  readonly #authorizer: Authorizer;
  readonly #heartbeats: Heartbeats;
  readonly #tokens: TokenAuthority;
  readonly #discovery: Discovery;
  readonly #reviews: Reviews;
  readonly #customResources: CustomResources;
  readonly #hooks = new Map<ResourceDefinition, ResourceHooks>();
  readonly #apiServices: ApiServices;
  readonly #serviceAddresses: ServiceAddresses;
  readonly #ownService: KubernetesService;
  readonly #staticTokens: ReadonlyMap<string, UserInfo>;
  #running = true;
  #startedAt: number;
  /** The storage of the last write that etcd told of. */
  #written: ResourceStorage | undefined;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#loop = options.loop;
    this.#startedAt = options.loop.now();
    this.etcd = options.etcd ?? new EtcdCluster();
    this.address = options.address ?? "10.89.0.10:6443";
    this.scheme = new Scheme(builtinResources);
    this.audit = new AuditLog(options.auditEntriesMax ?? 50_000);
    this.#watches = new WatchHub(options.loop);
    this.#staticTokens = options.staticTokens ?? new Map();
    for (const resource of this.scheme.resources) this.#addStorage(resource);
    const find = (group: string, plural: string, namespace: string, name: string): KubeObject | undefined =>
      this.storage(group, plural)?.get(namespace, name);
    const random = options.random;
    this.#tokens = new TokenAuthority(random.stream("apiserver/token-key").hex(64), find);
    const admission = new AdmissionChain(
      admissionPlugins.filter((plugin) => !options.disabledAdmission?.includes(plugin.name)),
      (now) => ({
        now,
        random: random.stream("apiserver/admission"),
        get: find,
        list: (group, plural, namespace) => this.storage(group, plural)?.list(namespace) ?? [],
        updateStatus: (group, plural, object) => this.#overwriteStatus(group, plural, object),
      }),
      () => this.#loop.now(),
    );
    const fieldManagers = new FieldManagers({ structOf: (scope) => this.#structOf(scope) });
    this.#registry = new Registry({
      etcd: this.etcd,
      random,
      admission,
      managedFields: fieldManagers,
      structOf: (scope) => this.#structOf(scope),
      hooksOf: (scope) => this.#hooks.get(scope.resource),
    });
    fieldManagers.registry = this.#registry;
    this.#handlers = new ResourceHandlers({
      registry: this.#registry,
      etcd: this.etcd,
      watches: this.#watches,
      apply: fieldManagers,
      structOf: (scope) => this.#structOf(scope),
    });
    this.#subresources = new Subresources({
      registry: this.#registry,
      handlers: this.#handlers,
      tokens: this.#tokens,
      kubelet: (node) => options.kubelet?.(node),
      proxy: new ApiProxy({
        dial: options.proxy,
        node: options.node,
        random: random.stream("apiserver/proxy"),
        storageOf: (group, plural) => this.#mustStorage(group, plural),
      }),
      storageOf: (group, plural) => this.#mustStorage(group, plural),
      scopeOf: (scope, group, plural, namespace, name) => this.#scopeFor(scope, group, plural, namespace, name),
    });
    const rbac = "rbac.authorization.k8s.io";
    this.#authorizer = new Authorizer({
      roles: this.#mustStorage(rbac, "roles"),
      roleBindings: this.#mustStorage(rbac, "rolebindings"),
      clusterRoles: this.#mustStorage(rbac, "clusterroles"),
      clusterRoleBindings: this.#mustStorage(rbac, "clusterrolebindings"),
      pods: this.#mustStorage("", "pods"),
    });
    this.#heartbeats = new Heartbeats({
      loop: this.#loop,
      etcd: this.etcd,
      audit: this.audit,
      authorizer: this.#authorizer,
    });
    this.#reviews = new Reviews(this.#authorizer, this.#tokens, this.#loop);
    this.#discovery = new Discovery(this.scheme, this.address, () => options.metrics !== undefined);
    this.#customResources = new CustomResources({
      scheme: this.scheme,
      addStorage: (resource) => this.#addStorage(resource),
      definitions: this.#mustStorage("apiextensions.k8s.io", "customresourcedefinitions"),
      establish: (object) => this.#overwriteStatus("apiextensions.k8s.io", "customresourcedefinitions", object),
      remove: (resource) => this.#removeCustom(resource),
      loop: this.#loop,
    });
    const allocator = new ServiceAllocator(
      this.#mustStorage("", "services"),
      random.stream("apiserver/service-addresses"),
      options.serviceCidr ?? DEFAULT_SERVICE_CIDR,
      options.nodePorts ?? { from: 30000, to: 32767 },
    );
    this.#hooks.set(this.#mustStorage("", "services").resource, allocator);
    for (const hook of this.#customResources.hooks()) this.#hooks.set(hook.resource, hook.hooks);

    this.#customResources.onCleanUp = (resource) => this.#deleteAllOf(resource);
    this.#customResources.onFinalize = (name, finalizer) =>
      this.#dropFinalizer("apiextensions.k8s.io", "customresourcedefinitions", name, finalizer);
    const create = (apiVersion: string, kind: string, body: Draft) => this.#createInternal(apiVersion, kind, body);
    this.#ownService = new KubernetesService({
      loop: this.#loop,
      create,
      exists: find,
      isRunning: () => this.#running,
      address: this.address,
      firstServiceAddress: allocator.firstAddress,
    });
    this.#apiServices = new ApiServices({
      loop: this.#loop,
      served: () => this.scheme.groupVersions(),
      list: () => this.#mustStorage("apiregistration.k8s.io", "apiservices").list(),
      create,
      remove: (name) => this.#removeInternal("apiregistration.k8s.io", "apiservices", name),
    });
    this.#serviceAddresses = new ServiceAddresses({
      loop: this.#loop,
      cidr: options.serviceCidr ?? DEFAULT_SERVICE_CIDR,
      create,
      exists: find,
      services: () => this.#mustStorage("", "services").list(),
      removeAddress: (name) => this.#removeInternal("networking.k8s.io", "ipaddresses", name),
    });
    this.etcd.store.onCommit((events) => {
      for (const event of events) this.#storageOfKey(event.key)?.apply(event);
      this.#ownService.committed(events);
      this.#apiServices.committed(events);
      this.#serviceAddresses.committed(events);
    });
    bootstrap({
      create,
      exists: find,
      now: this.#loop.now(),
      certificateAuthority: options.certificateAuthority ?? "",
    });
    this.#ownService.start();
    this.#apiServices.start();
    this.#serviceAddresses.start();
  }

  /** Whether the process is up. */
  get running(): boolean {
    return this.#running;
  }

  /** The process ends: connections break and new ones are refused. State stays in etcd. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#watches.endAll("unexpected EOF");
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#startedAt = this.#loop.now();
    this.#ownService.start();
    this.#serviceAddresses.start();
  }

  /** The objects of a resource, for invariants and panels of the machine that read without a request. */
  storage(group: string, plural: string): ResourceStorage | undefined {
    const resource = this.scheme.byGroupResource(group, plural);
    return resource && this.#storages.get(resource);
  }

  request(request: KubeRequest): ApiResponse | TransportFailure {
    if (!this.#running) return { failure: `dial tcp ${this.address}: connect: connection refused` };
    const heartbeat = this.#heartbeats.serve(request);
    if (heartbeat) return heartbeat;
    const info = requestInfo(request);
    let user = authenticate(request, this.#tokens, this.#staticTokens, this.#loop.now());
    if (!user) return this.#finish(request, info, { name: "", groups: [] }, statusResponse(unauthorized()));
    const impersonated = this.#impersonate(request, user);
    if ("status" in impersonated) return this.#finish(request, info, user, impersonated);
    user = impersonated.user;
    const name = authorizationName(request, info);
    const attributes = attributesOf(name === info.name ? info : { ...info, name }, user);
    const decision = this.#authorizer.decide(attributes);
    if (!decision.allowed) {
      const status = forbiddenStatus(
        { group: info.group, resource: info.resource },
        name,
        forbiddenReason(attributes, decision.reason),
      );
      return this.#finish(request, info, user, statusResponse(status));
    }
    return this.#finish(
      request,
      info,
      user,
      info.isResource ? this.#resource(request, info, user) : this.#nonResource(request),
    );
  }

  #finish(request: KubeRequest, info: RequestInfo, user: UserInfo, response: ApiResponse): ApiResponse {
    this.audit.add(
      auditEntry(this.#loop.now(), user.name, request.headers?.["user-agent"] ?? "", info, response.status),
    );
    return response;
  }

  #impersonate(request: KubeRequest, user: UserInfo): { readonly user: UserInfo } | ApiResponse {
    const { impersonate } = request.credentials ?? {};
    const name = impersonate?.user ?? request.headers?.["impersonate-user"];
    if (!name) return { user };
    const groups = impersonate?.groups ?? request.headers?.["impersonate-group"]?.split(",") ?? [];
    const check = (resource: string, target: string): ApiResponse | undefined => {
      const attributes: AuthorizationAttributes = {
        user,
        verb: "impersonate",
        isResource: true,
        group: "",
        resource,
        subresource: "",
        namespace: "",
        name: target,
        path: "",
      };
      const decision = this.#authorizer.authorize(attributes);
      return decision.allowed
        ? undefined
        : statusResponse(
            forbiddenStatus({ group: "", resource }, target, forbiddenReason(attributes, decision.reason)),
          );
    };
    const refused = check("users", name) ?? groups.map((group) => check("groups", group)).find((r) => r !== undefined);
    if (refused) return refused;
    const extra: Record<string, readonly string[]> = {};
    for (const [header, value] of Object.entries(request.headers ?? {}))
      if (header.startsWith("impersonate-extra-"))
        extra[header.slice("impersonate-extra-".length)] = value.split(",").map((text) => text.trim());
    const account = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name);
    const own =
      account && groups.length === 0 ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : groups;
    return {
      user: {
        name,
        ...(impersonate?.uid ? { uid: impersonate.uid } : {}),
        ...(Object.keys(extra).length > 0 ? { extra } : {}),
        groups:
          name === "system:anonymous"
            ? own
            : [...own, "system:authenticated"].filter((g, i, all) => all.indexOf(g) === i),
      },
    };
  }

  #nonResource(request: KubeRequest): ApiResponse {
    return (
      this.#discovery.respond(request) ??
      health(request, { etcdReady: this.etcd.hasQuorum, startedAt: this.#startedAt }) ??
      openApi(request, this.scheme, (resource, version) => this.#customResources.writtenSchema(resource, version)) ??
      self(request, {
        now: this.#loop.now(),
        startedAt: this.#startedAt,
        address: this.address,
        scheme: this.scheme,
        requests: this.audit.entries(),
        objects: [...this.#storages.values()].map((storage) => [
          formatGroupResource(storage.resource.group, storage.resource.plural),
          storage.size,
        ]),
        keyId: this.#tokens.keyId,
      }) ??
      statusResponse(pageNotFound())
    );
  }

  #resource(request: KubeRequest, info: RequestInfo, user: UserInfo): ApiResponse {
    const review = this.#reviews.respond(request, info, user);
    if (review) return review;
    if (info.group === "metrics.k8s.io" && this.#options.metrics) {
      return metricsResponse(request, info, this.#options.metrics, (plural) => this.#mustStorage("", plural));
    }
    if (info.groupVersion === "v1" && info.resource === "componentstatuses") {
      return componentStatuses(request, info, this.#options.components?.() ?? [], this.etcd);
    }
    // POST /namespaces/x/bindings is the old form of pods/x/binding.
    const oldBinding = info.groupVersion === "v1" && info.resource === "bindings" && info.verb === "create";
    const plural = oldBinding ? "pods" : info.resource;
    const served = this.scheme.byPlural(info.groupVersion, plural);
    if (!served) return statusResponse(pageNotFound());
    const { resource } = served;
    // A namespaced resource is written in a namespace, a cluster-wide one outside.
    if (!resource.namespaced && info.namespace && info.resource !== "namespaces") return statusResponse(pageNotFound());
    if (resource.namespaced && !info.namespace && info.name) return statusResponse(pageNotFound());
    const subresource = oldBinding ? "binding" : info.subresource;
    if (subresource && !resource.subresources.includes(subresource)) return statusResponse(pageNotFound());
    const body = request.body as { readonly metadata?: { readonly name?: string } } | undefined;
    const scope = this.#scope(request, served, user, {
      namespace: resource.namespaced ? info.namespace : "",
      name: oldBinding ? (body?.metadata?.name ?? "") : info.name,
      subresource,
    });
    if (subresource) return this.#subresources.handle(scope, info.verb, request);
    if (!resource.verbs.includes(info.verb))
      return statusResponse(methodNotSupported({ group: resource.group, resource: resource.plural }, info.verb));
    if (info.verb === "create" && (info.name || (resource.namespaced && !info.namespace))) {
      return statusResponse(methodNotSupported({ group: resource.group, resource: resource.plural }, info.verb));
    }
    const old =
      resource.heartbeat && info.verb === "update" ? scope.storage.get(scope.namespace, scope.name) : undefined;
    const response = this.#handlers.handle(scope, info.verb, request);
    if (old && response.status === 200)
      this.#heartbeats.learn(request, info, user, old, response.body as KubeObject, scope.storage);
    return response;
  }

  #scope(
    request: KubeRequest,
    served: ServedResource,
    user: UserInfo,
    target: { readonly namespace: string; readonly name: string; readonly subresource: string },
  ): Scope {
    const agent = request.headers?.["user-agent"] ?? "";
    const validation = queryValue(request, "fieldValidation");
    return {
      served,
      resource: served.resource,
      storage: this.#storages.get(served.resource)!,
      ...target,
      user,
      now: this.#loop.now(),
      clock: this.#loop,
      dryRun: (request.query?.dryRun ?? []).includes("All"),
      fieldManager: queryValue(request, "fieldManager") || managerOf(agent),
      fieldValidation: validation === "Strict" || validation === "Ignore" ? validation : "Warn",
      warnings: served.resource.deprecation && !served.conversion ? [served.resource.deprecation] : [],
    };
  }

  #scopeFor(scope: Scope, group: string, plural: string, namespace: string, name: string): Scope {
    const storage = this.#mustStorage(group, plural);
    const { resource } = storage;
    return {
      ...scope,
      served: { resource, group: resource.group, version: resource.version },
      resource,
      storage,
      namespace,
      name,
      subresource: "",
    };
  }

  #systemScope(resource: ResourceDefinition, namespace: string, name: string): Scope {
    return {
      served: { resource, group: resource.group, version: resource.version },
      resource,
      storage: this.#storages.get(resource)!,
      namespace,
      name,
      subresource: "",
      user: { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] },
      now: this.#loop.now(),
      clock: this.#loop,
      dryRun: false,
      fieldManager: "kube-apiserver",
      fieldValidation: "Ignore",
      warnings: [],
    };
  }

  #createInternal(apiVersion: string, kind: string, body: Draft): void {
    const served = this.scheme.byKind(apiVersion, kind)!;
    const { resource } = served;
    const { name, namespace = "" } = body.metadata;
    const scope = this.#systemScope(resource, namespace, name);
    // A kind with hooks is made with what this very server has left to give.
    if (this.#hooks.has(resource)) this.#registry.create(scope, body);
    else createAsBefore(this.#registry, scope, body);
    const made = body.status && this.storage(resource.group, resource.plural)?.get(namespace, name);
    if (made) this.#overwriteStatus(resource.group, resource.plural, { ...made, status: body.status });
  }

  #removeInternal(group: string, plural: string, name: string): void {
    const { resource } = this.#mustStorage(group, plural);
    deleteObject(this.#registry, this.#systemScope(resource, "", name), {});
  }

  #overwriteStatus(group: string, plural: string, object: KubeObject): void {
    const storage = this.#mustStorage(group, plural);
    const { namespace = "", name } = object.metadata;
    const old = storage.get(namespace, name);
    if (!old) return;
    const scope = { ...this.#systemScope(storage.resource, namespace, name), subresource: "status" };
    this.#registry.overwrite(scope, old, { ...object, metadata: { ...object.metadata } });
  }

  /** Deletes every object of a custom kind whose definition goes; true when none is left. */
  #deleteAllOf(resource: ResourceDefinition): boolean {
    const storage = this.#storages.get(resource);
    for (const object of storage?.list() ?? []) {
      deleteObject(
        this.#registry,
        this.#systemScope(resource, object.metadata.namespace ?? "", object.metadata.name),
        {},
      );
    }
    return (storage?.size ?? 0) === 0;
  }

  #dropFinalizer(group: string, plural: string, name: string, finalizer: string): void {
    const storage = this.#mustStorage(group, plural);
    const old = storage.get("", name);
    if (!old) return;
    const finalizers = (old.metadata.finalizers ?? []).filter((f) => f !== finalizer);
    const metadata: Draft = { ...old.metadata };
    if (finalizers.length > 0) metadata.finalizers = finalizers;
    else delete metadata.finalizers;
    this.#registry.updateDecoded(this.#systemScope(storage.resource, "", name), old, { ...old, metadata });
  }

  #structOf(scope: Scope): StructType {
    const { conversion, resource } = scope.served;
    if (resource.schema === "") return this.#customResources.structOf(resource, scope.served.version);
    return builtinSchema.struct(conversion?.schema ?? resource.schema);
  }

  #mustStorage(group: string, plural: string): ResourceStorage {
    return this.storage(group, plural)!;
  }

  #addStorage(resource: ResourceDefinition): ResourceStorage {
    const storage = new ResourceStorage(resource, this.etcd.store.revision);
    this.#storages.set(resource, storage);
    this.#byPrefix.set(storage.prefix, storage);
    // What etcd holds already: a restored snapshot, or another server's writes.
    const present = this.etcd.store.prefix(storage.prefix);
    if (present.ok) {
      for (const kv of present.value.kvs) {
        storage.apply({ type: "PUT", revision: kv.modRevision, key: kv.key, kv, previous: undefined });
      }
    }
    return storage;
  }

  #removeCustom(resource: ResourceDefinition): void {
    const storage = this.#storages.get(resource);
    if (!storage) return;
    this.#storages.delete(resource);
    this.#byPrefix.delete(storage.prefix);
    this.#written = undefined;
  }

  #storageOfKey(key: string): ResourceStorage | undefined {
    // One write is often followed by another of the same kind.
    if (this.#written && key.startsWith(this.#written.prefix)) return this.#written;
    // "/registry/pods/…" or, for a few, "/registry/services/specs/…".
    const first = key.indexOf("/", 10);
    this.#written =
      this.#byPrefix.get(key.slice(0, first + 1)) ?? this.#byPrefix.get(key.slice(0, key.indexOf("/", first + 1) + 1));
    return this.#written;
  }
}

/** The field manager that a user agent stands for, by agent: components send the same one with every request. */
const managers = new Map<string, string>();

function managerOf(agent: string): string {
  let manager = managers.get(agent);
  if (manager === undefined) {
    manager = agent.split("/")[0]!.split(" ")[0] || "unknown";
    if (managers.size >= 200) managers.clear();
    managers.set(agent, manager);
  }
  return manager;
}

const attributesOf = (info: RequestInfo, user: UserInfo): AuthorizationAttributes => ({
  user,
  verb: info.verb,
  isResource: info.isResource,
  group: info.group,
  resource: info.resource,
  subresource: info.subresource,
  namespace: info.namespace,
  name: info.name,
  path: info.path,
});
