/** kubectl apply: makes the live object what the file says, keeping what others have set. */
import type { Task } from "../../../../base/task";
import { boolFlag, durationFlag, intFlag, stringArrayFlag, stringFlag } from "../../../../cli/flags";
import { goJson } from "../../../../text/go-json";
import { structOfKind } from "../../../api/schema";
import type { KubeObject } from "../../../apimachinery/object";
import {
  allNamespacesFlag,
  fieldManagerFlag,
  fieldValidation,
  fileFlags,
  selectorFlag,
  validateFlag,
} from "../../common-flags";
import { LAST_APPLIED } from "../../create-object";
import { plansOfFiles, savedConfig } from "../../create-from-files";
import { deleteAndWait } from "../../deletion";
import { apiVersionOf, resourcePath } from "../../discovery";
import type { Factory } from "../../factory";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../../failure";
import { defineKubectlCommand, factoryOf, type KubectlInvocation } from "../../kubectl-command";
import {
  type DryRun,
  dryRunFlag,
  dryRunOf,
  dryRunSuffix,
  outputRequest,
  printFlags,
  printerFor,
  printResult,
} from "../../output";
import { PATCH_TYPES } from "../../rest";
import { threeWayMergePatch, threeWayStrategicPatch } from "../../strategic-diff";
import { type Plan, getObject } from "../../targets";
import { editLastApplied } from "./edit-last-applied";
import { setLastApplied } from "./set-last-applied";
import { viewLastApplied } from "./view-last-applied";

type FilePlan = Extract<Plan, { kind: "file" }>;

const flags = {
  ...fileFlags,
  ...printFlags,
  all: boolFlag(false, "Select all resources in the namespace of the specified resource types."),
  "all-namespaces": { ...allNamespacesFlag, hidden: true },
  cascade: stringFlag(
    "background",
    'Must be "background", "orphan", or "foreground". Selects the deletion cascading strategy for the dependents.',
    { noOptDefVal: "background" },
  ),
  "dry-run": dryRunFlag,
  "field-manager": fieldManagerFlag("kubectl-client-side-apply"),
  force: boolFlag(false, "If true, immediately remove resources from API and bypass graceful deletion."),
  "force-conflicts": boolFlag(false, "If true, server-side apply will force the changes against conflicts."),
  "grace-period": intFlag(
    -1,
    "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative.",
  ),
  "openapi-patch": boolFlag(
    true,
    "If true, use openapi to calculate diff when the openapi presents and the resource can be found in the openapi spec. Otherwise, fall back to use baked-in types.",
  ),
  overwrite: boolFlag(
    true,
    "Automatically resolve conflicts between the modified and live configuration by using values from the modified configuration",
  ),
  prune: boolFlag(
    false,
    "Automatically delete resource objects, that do not appear in the configs and are created by either apply or create --save-config. Should be used with either -l or --all.",
  ),
  "prune-allowlist": stringArrayFlag([], "Overwrite the default allowlist with <group/version/kind> for --prune"),
  selector: selectorFlag,
  "server-side": boolFlag(false, "If true, apply runs in the server instead of the client."),
  timeout: durationFlag(
    0,
    "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object",
  ),
  validate: validateFlag,
  wait: boolFlag(false, "If true, wait for resources to be gone before returning. This waits for finalizers."),
};

type Apply = KubectlInvocation<typeof flags>;

export const apply = defineKubectlCommand<typeof flags>({
  use: "apply (-f FILENAME | -k DIRECTORY)",
  short: "Apply a configuration to a resource by file name or stdin",
  group: "Advanced Commands",
  long: "Apply a configuration to a resource by file name or stdin. What does not exist yet is created; what exists is changed to match the file, keeping what others have set.\n\n JSON and YAML formats are accepted.",
  example:
    "  # Create or update what a file describes\n  kubectl apply -f web.yaml\n  \n  # A whole folder\n  kubectl apply -f ./manifests",
  flags,
  commands: [editLastApplied, setLastApplied, viewLastApplied],
  *run(invocation) {
    const factory = factoryOf(invocation);
    const { process, flags: given, args } = invocation;
    if (given.filename.length === 0 && given.kustomize === "") {
      if (args.length > 0)
        return yield* invocation.usageError({ kind: "usage", message: `Unexpected args: [${args.join(" ")}]` });
      fail("must specify one of -f and -k");
    }
    if (args.length > 0)
      return yield* invocation.usageError({ kind: "usage", message: `Unexpected args: [${args.join(" ")}]` });
    if (given.force && given["server-side"]) fail("--force cannot be used with --server-side");
    if (given["force-conflicts"] && !given["server-side"]) fail("--force-conflicts only works with --server-side");
    if (given.prune) fail("--prune is not simulated here; delete what the file no longer has with kubectl delete");
    const dryRun = yield* dryRunOf(process, given);
    if (dryRun === "client" && given["server-side"])
      fail("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
    if (fieldValidation(given.validate) === undefined) fail(`invalid - validate option "${given.validate}"`);
    const printer = printerFor(process, outputRequest(given));
    const { plans, failures } = yield* plansOfFiles(invocation, factory);
    const collected: AnyFailure[] = [...failures];
    let count = 0;
    for (const plan of plans) {
      if (plan.kind !== "file") continue;
      count++;
      try {
        const { object, operation } = given["server-side"]
          ? yield* applyOnServer(invocation, factory, plan, dryRun)
          : yield* applyOne(invocation, factory, plan, dryRun);
        yield* printResult(process, printer, plan.mapping, object, `${operation}${dryRunSuffix(dryRun)}`);
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    if (count === 0 && collected.length === 0) fail("no objects passed to apply");
    throwAll(collected);
    return 0;
  },
});

interface Applied {
  readonly object: KubeObject;
  readonly operation: string;
}

/** "Resource: …, GroupVersionKind: …" of cli-runtime's Info, for messages. */
function describeInfo(plan: FilePlan): string {
  const { mapping } = plan;
  const version = apiVersionOf(mapping).includes("/") ? apiVersionOf(mapping) : `/${mapping.version}`;
  return `Resource: "${version}, Resource=${mapping.resource}", GroupVersionKind: "${version}, Kind=${mapping.kind}"\nName: "${plan.name}", Namespace: "${plan.namespace}"`;
}

function* currentObject(factory: Factory, plan: FilePlan): Task<KubeObject | undefined> {
  const context = `error when retrieving current configuration of:\n${describeInfo(plan)}\nfrom server for: ${JSON.stringify(plan.source)}: `;
  try {
    return yield* getObject(factory, plan.mapping, plan.namespace, plan.name);
  } catch (error) {
    if (error instanceof ApiFailure) {
      if (error.isNotFound) return undefined;
      throw error.from(context);
    }
    if (error instanceof CommandFailure) throw new CommandFailure(context + error.message);
    throw error;
  }
}

function* applyOne(invocation: Apply, factory: Factory, plan: FilePlan, dryRun: DryRun): Task<Applied> {
  const { flags: given, process } = invocation;
  const modified = savedConfig(plan.object);
  const query = {
    fieldManager: given["field-manager"],
    fieldValidation: fieldValidation(given.validate),
    dryRun: dryRun === "server" ? "All" : undefined,
  };
  const current = yield* currentObject(factory, plan);
  if (!current) {
    if (dryRun === "client") return { object: modified, operation: "created" };
    try {
      const object = yield* factory.client.json<KubeObject>("POST", resourcePath(plan.mapping, plan.namespace), {
        query,
        body: modified,
      });
      return { object, operation: "created" };
    } catch (error) {
      if (error instanceof ApiFailure) throw error.from(`error when creating ${JSON.stringify(plan.source)}: `);
      throw error;
    }
  }
  const original = current.metadata.annotations?.[LAST_APPLIED];
  if (original === undefined && current.metadata.deletionTimestamp === undefined) {
    yield* process.printError(
      `Warning: resource ${plan.mapping.resource}/${plan.name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`,
    );
  }
  const patch = threeWay(original, modified, current);
  if (Object.keys(patch.body).length === 0) return { object: current, operation: "unchanged" };
  if (dryRun === "client") return { object: current, operation: "configured" };
  try {
    const object = yield* factory.client.json<KubeObject>(
      "PATCH",
      resourcePath(plan.mapping, plan.namespace, plan.name),
      {
        query,
        body: patch.body,
        contentType: patch.contentType,
      },
    );
    return { object, operation: "configured" };
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    if (given.force && (error.reason === "Invalid" || error.reason === "Conflict"))
      return yield* replaceByForce(factory, plan, modified, given["grace-period"]);
    throw error.from(
      `error when applying patch:\n${goJson(patch.body)}\nto:\n${describeInfo(plan)}\nfor: ${JSON.stringify(plan.source)}: error when patching ${JSON.stringify(plan.source)}: `,
    );
  }
}

function threeWay(
  original: string | undefined,
  modified: KubeObject,
  current: KubeObject,
): { readonly body: Record<string, unknown>; readonly contentType: string } {
  const last: unknown = original === undefined ? {} : parseJson(original);
  const struct = structOfKind(modified.apiVersion, modified.kind);
  if (struct)
    return { body: threeWayStrategicPatch(last, modified, current, struct), contentType: PATCH_TYPES.strategic };
  return { body: threeWayMergePatch(last, modified, current), contentType: PATCH_TYPES.merge };
}

/** An annotation that somebody broke counts as empty: nothing is deleted then. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** --force: where a patch is refused, the object is deleted and made anew. */
function* replaceByForce(factory: Factory, plan: FilePlan, modified: KubeObject, gracePeriod: number): Task<Applied> {
  yield* deleteAndWait(factory, plan, { gracePeriodSeconds: gracePeriod < 0 ? undefined : gracePeriod });
  const object = yield* factory.client.json<KubeObject>("POST", resourcePath(plan.mapping, plan.namespace), {
    body: modified,
  });
  return { object, operation: "configured" };
}

function* applyOnServer(invocation: Apply, factory: Factory, plan: FilePlan, dryRun: DryRun): Task<Applied> {
  const { flags: given } = invocation;
  const manager = invocation.changed("field-manager") ? given["field-manager"] : "kubectl";
  if (plan.name === "") fail("metadata.name is required for server-side apply");
  try {
    const object = yield* factory.client.json<KubeObject>(
      "PATCH",
      resourcePath(plan.mapping, plan.namespace, plan.name),
      {
        query: {
          fieldManager: manager,
          fieldValidation: fieldValidation(given.validate),
          force: String(given["force-conflicts"]),
          dryRun: dryRun === "server" ? "All" : undefined,
        },
        body: plan.object,
        contentType: PATCH_TYPES.apply,
      },
    );
    return { object, operation: "serverside-applied" };
  } catch (error) {
    if (error instanceof ApiFailure && error.reason === "Conflict" && error.status.details?.causes?.length) {
      throw new CommandFailure(`${error.message}\n${CONFLICT_ADVICE}`);
    }
    if (error instanceof ApiFailure) throw error;
    throw error;
  }
}

const CONFLICT_ADVICE = `Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the \`--force-conflicts\` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts`;
