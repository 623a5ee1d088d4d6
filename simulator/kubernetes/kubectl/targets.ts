/** Which objects a command is about: `TYPE NAME…`, `TYPE/NAME`, `-f`, `-l`, `--all` (cli-runtime's resource builder). */
import type { Task } from "../../base/task";
import type { KubeList, KubeObject } from "../apimachinery/object";
import { apiVersionOf, resourcePath, type Discovery, type ResourceMapping } from "./discovery";
import type { Factory } from "./factory";
import { type AnyFailure, ApiFailure, CommandFailure, fail, isFailure, throwAll } from "./failure";
import { readManifests } from "./manifests";

export interface TargetOptions {
  readonly args: readonly string[];
  readonly filenames?: readonly string[];
  readonly recursive?: boolean;
  readonly kustomize?: string;
  readonly validate?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  /** A type alone means all of its objects (get, describe). */
  readonly typeAloneIsAll?: boolean;
  /** "kubectl get", for messages. */
  readonly commandPath?: string;
  readonly namespace?: string;
}

/** One thing to act on, not yet fetched unless it comes from a file. */
export type Plan =
  | { readonly kind: "named"; readonly mapping: ResourceMapping; readonly namespace: string; readonly name: string }
  | {
      readonly kind: "list";
      readonly mapping: ResourceMapping;
      readonly namespace: string;
      readonly selector?: string;
      readonly fieldSelector?: string;
    }
  | {
      readonly kind: "file";
      readonly mapping: ResourceMapping;
      readonly namespace: string;
      readonly name: string;
      readonly object: KubeObject;
      readonly source: string;
    };

/** An object that was found. `source` names the file it came from. */
export interface Target {
  readonly mapping: ResourceMapping;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject;
  readonly source?: string;
}

export interface Planned {
  readonly plans: readonly Plan[];
  readonly failures: readonly AnyFailure[];
}

/** Works out what the arguments name, without asking for objects. */
export function* planTargets(factory: Factory, options: TargetOptions): Task<Planned> {
  const filenames = [...(options.filenames ?? [])];
  if (filenames.length > 0) return yield* planFiles(factory, options, filenames);
  const discovery = yield* factory.discovery();
  yield* warnOfShortNames(factory, discovery, options.args);
  return { plans: planArguments(factory, discovery, options), failures: [] };
}

function* warnOfShortNames(factory: Factory, discovery: Discovery, args: readonly string[]): Task<void> {
  const types = args.some((arg) => arg.includes("/")) ? args.map((arg) => arg.split("/")[0]!) : args.slice(0, 1);
  for (const type of new Set(types.flatMap((each) => each.split(","))))
    for (const { resource, group } of discovery.hiddenBehind(type))
      yield* factory.process.printError(
        `Warning: short name "${type}" could also match lower priority resource ${resource}.${group}\n`,
      );
}

function* planFiles(factory: Factory, options: TargetOptions, filenames: readonly string[]): Task<Planned> {
  if (options.args.length > 0)
    fail("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well");
  const { objects, failures } = yield* readManifests(factory.process, {
    filenames,
    recursive: options.recursive,
    validate: options.validate,
  });
  const collected: AnyFailure[] = [...failures];
  const plans: Plan[] = [];
  if (objects.length === 0) return { plans, failures: collected };
  const discovery = yield* factory.discovery();
  for (const { object, source } of objects) {
    try {
      plans.push(yield* planObject(factory, discovery, object, source));
    } catch (error) {
      if (!isFailure(error)) throw error;
      collected.push(error);
    }
  }
  return { plans, failures: collected };
}

export function* planObject(factory: Factory, discovery: Discovery, object: KubeObject, source: string): Task<Plan> {
  const name = object.metadata?.name ?? "";
  const given = object.metadata?.namespace ?? "";
  const mapping = discovery.forKind(object.apiVersion, object.kind);
  if (!mapping) {
    return fail(
      `resource mapping not found for name: "${name}" namespace: "${given}" from "${source}": no matches for kind "${object.kind}" in version "${object.apiVersion}"\nensure CRDs are installed first`,
    );
  }
  const wanted = factory.config;
  if (mapping.namespaced && given && wanted.isNamespaceExplicit && given !== wanted.namespace) {
    fail(
      `the namespace from the provided object "${given}" does not match the namespace "${wanted.namespace}". You must pass '--namespace=${given}' to perform this operation.`,
    );
  }
  const namespace = mapping.namespaced ? given || wanted.namespace : "";
  const placed = mapping.namespaced && !given ? { ...object, metadata: { ...object.metadata, namespace } } : object;
  return { kind: "file", mapping, namespace, name, object: placed, source };
}

function planArguments(factory: Factory, discovery: Discovery, options: TargetOptions): Plan[] {
  const { args } = options;
  const namespaceOf = (mapping: ResourceMapping): string =>
    !mapping.namespaced || options.allNamespaces ? "" : (options.namespace ?? factory.namespace);
  if (args.some((arg) => arg.includes("/"))) return planPairs(discovery, options, namespaceOf);
  const names = args.slice(1);
  if (args.length === 0) return [];
  if (names.length > 0 && ((options.selector !== undefined && options.selector !== "") || options.fieldSelector)) {
    fail("name cannot be provided when a selector is specified");
  }
  if (names.length > 0 && options.all) {
    fail("name cannot be provided when a selector is specified");
  }
  const mappings = typesOf(discovery, args[0]!);
  if (names.length === 0) {
    if (!options.selector && !options.fieldSelector && !options.all && !options.typeAloneIsAll) {
      fail("resource(s) were provided, but no name was specified");
    }
    return mappings.map((mapping) => ({
      kind: "list",
      mapping,
      namespace: namespaceOf(mapping),
      selector: options.selector || undefined,
      fieldSelector: options.fieldSelector || undefined,
    }));
  }
  if (options.allNamespaces && mappings.some((each) => each.namespaced)) {
    fail("a resource cannot be retrieved by name across all namespaces");
  }
  return mappings.flatMap((mapping) =>
    names.map((name): Plan => ({ kind: "named", mapping, namespace: namespaceOf(mapping), name: checkedName(name) })),
  );
}

function planPairs(
  discovery: Discovery,
  options: TargetOptions,
  namespaceOf: (mapping: ResourceMapping) => string,
): Plan[] {
  if (options.selector || options.fieldSelector || options.all)
    fail("name cannot be provided when a selector is specified");
  const plans: Plan[] = [];
  for (const arg of options.args) {
    const parts = arg.split("/");
    if (parts.length < 2) {
      const command = options.commandPath ?? "kubectl";
      fail(
        `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. '${command} get resource/<resource_name>' instead of '${command} get resource resource/<resource_name>'`,
      );
    }
    if (parts.length > 2) fail(`arguments in resource/name form may not have more than one slash`);
    const [type, name] = parts as [string, string];
    if (type === "" || name === "") fail("arguments in resource/name form must have a single resource and name");
    if (options.allNamespaces) fail("a resource cannot be retrieved by name across all namespaces");
    for (const mapping of typesOf(discovery, type)) {
      plans.push({ kind: "named", mapping, namespace: namespaceOf(mapping), name: checkedName(name) });
    }
  }
  return plans;
}

const checkedName = (name: string): string => (name === "" ? fail("resource name may not be empty") : name);

/** `po,svc` or `all`: the types in order, each once. */
export function typesOf(discovery: Discovery, argument: string): ResourceMapping[] {
  const mappings: ResourceMapping[] = [];
  for (const word of argument.split(",")) {
    const found = discovery.category(word) ?? [discovery.forArgument(word)];
    for (const mapping of found) if (!mappings.includes(mapping)) mappings.push(mapping);
  }
  return mappings;
}

/** Fetches what the plans name. Failures of single objects are collected: other objects are still acted on. */
export function* fetchPlans(
  factory: Factory,
  planned: Planned,
  options: { readonly latest?: boolean } = {},
): Task<{ readonly targets: readonly Target[]; readonly failures: readonly AnyFailure[] }> {
  const targets: Target[] = [];
  const failures: AnyFailure[] = [...planned.failures];
  for (const plan of planned.plans) {
    try {
      if (plan.kind === "file" && !options.latest) targets.push(plan);
      else if (plan.kind === "list") targets.push(...(yield* listTargets(factory, plan)));
      else {
        const object = yield* getObject(factory, plan.mapping, plan.namespace, plan.name);
        targets.push({
          mapping: plan.mapping,
          namespace: plan.namespace,
          name: plan.name,
          object,
          ...(plan.kind === "file" ? { source: plan.source } : {}),
        });
      }
    } catch (error) {
      if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
      failures.push(error);
    }
  }
  return { targets, failures };
}

/** Plans and fetches; throws where nothing at all could be found. */
export function* findTargets(
  factory: Factory,
  options: TargetOptions & { readonly latest?: boolean },
): Task<{ readonly targets: readonly Target[]; readonly failures: readonly AnyFailure[] }> {
  const planned = yield* planTargets(factory, options);
  const found = yield* fetchPlans(factory, planned, { latest: options.latest });
  if (found.targets.length === 0) throwAll(found.failures);
  return found;
}

/** Exactly the objects named, or a failure. */
export function* findAll(
  factory: Factory,
  options: TargetOptions & { readonly latest?: boolean },
): Task<readonly Target[]> {
  const { targets, failures } = yield* findTargets(factory, options);
  throwAll(failures);
  return targets;
}

export function* getObject(
  factory: Factory,
  mapping: ResourceMapping,
  namespace: string,
  name: string,
): Task<KubeObject> {
  if (name === "") fail("resource name may not be empty");
  return yield* factory.client.get(resourcePath(mapping, namespace, name));
}

export function* listObjects(
  factory: Factory,
  mapping: ResourceMapping,
  namespace: string,
  query: { readonly labelSelector?: string; readonly fieldSelector?: string } = {},
): Task<KubeList> {
  try {
    const path = resourcePath(mapping, namespace || undefined);
    return withKinds(yield* factory.client.get<KubeList>(path, { ...query, limit: "500" }), mapping);
  } catch (error) {
    throw error instanceof ApiFailure ? listFailure(error, mapping, query) : error;
  }
}

/** A list that the server refuses names what was asked for. */
export function listFailure(
  error: ApiFailure,
  mapping: ResourceMapping,
  query: { readonly labelSelector?: string; readonly fieldSelector?: string },
): ApiFailure {
  const isOurs = error.reason === "BadRequest" || error.isNotFound;
  if (!isOurs || error.message.startsWith("Unable to find")) return error;
  const version = mapping.group ? apiVersionOf(mapping) : `/${mapping.version}`;
  const resource = JSON.stringify(`${version}, Resource=${mapping.resource}`);
  const { labelSelector = "", fieldSelector = "" } = query;
  if (labelSelector === "" && fieldSelector === "") return error.from(`Unable to list ${resource}: `);
  return error.from(
    `Unable to find ${resource} that match label selector ${JSON.stringify(labelSelector)}, field selector ${JSON.stringify(fieldSelector)}: `,
  );
}

function* listTargets(factory: Factory, plan: Extract<Plan, { kind: "list" }>): Task<Target[]> {
  const list = yield* listObjects(factory, plan.mapping, plan.namespace, {
    labelSelector: plan.selector,
    fieldSelector: plan.fieldSelector,
  });
  return list.items.map((object) => ({
    mapping: plan.mapping,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    object,
  }));
}

/** Items of a list carry no kind on the wire; the client knows it. */
export function withKinds(list: KubeList, mapping: ResourceMapping): KubeList {
  const items = list.items ?? [];
  if (items.every((item) => item.kind && item.apiVersion)) return { ...list, items };
  return { ...list, items: items.map((item) => ({ ...item, apiVersion: apiVersionOf(mapping), kind: mapping.kind })) };
}
