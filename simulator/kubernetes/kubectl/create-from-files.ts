/** kubectl create -f: posts every object of the files. */
import type { Task } from "../../base/task";
import type { KubeObject } from "../apimachinery/object";
import { fieldValidation } from "./common-flags";
import { LAST_APPLIED } from "./create-object";
import { resourcePath } from "./discovery";
import type { Factory } from "./factory";
import { type AnyFailure, ApiFailure, fail, throwAll } from "./failure";
import { kustomizeDocuments } from "./kustomize";
import type { KubectlInvocation } from "./kubectl-command";
import { dryRunOf, dryRunSuffix, outputRequest, printerFor, printResult } from "./output";
import { readManifests } from "./manifests";
import { planObject, planTargets, type Plan } from "./targets";
import { goJson } from "../../text/go-json";

/** Plans for everything that -f and -k name. */
export function* plansOfFiles(
  invocation: Pick<KubectlInvocation, "allFlags" | "process">,
  factory: Factory,
): Task<{ readonly plans: readonly Plan[]; readonly failures: readonly AnyFailure[] }> {
  const filenames = (invocation.allFlags["filename"] ?? []) as readonly string[];
  const kustomization = String(invocation.allFlags["kustomize"] ?? "");
  if (kustomization !== "") {
    if (filenames.length > 0) fail("only one of -f or -k can be specified");
    const warnings: string[] = [];
    const objects = kustomizeDocuments(invocation.process, kustomization, warnings);
    for (const warning of warnings) yield* invocation.process.printError(`${warning}\n`);
    const discovery = yield* factory.discovery();
    const plans: Plan[] = [];
    for (const object of objects) plans.push(yield* planObject(factory, discovery, object, kustomization));
    return { plans, failures: [] };
  }
  return yield* planTargets(factory, {
    args: [],
    filenames,
    recursive: invocation.allFlags["recursive"] === true,
    validate: fieldValidation(String(invocation.allFlags["validate"] ?? "strict")) !== "Ignore",
  });
}

export function* createFromFiles(
  invocation: Pick<KubectlInvocation, "allFlags" | "process">,
  factory: Factory,
): Task<void> {
  const { process, allFlags } = invocation;
  const raw = String(allFlags["raw"] ?? "");
  if (raw !== "") return yield* createRaw(invocation, factory, raw);
  const dryRun = yield* dryRunOf(process, allFlags);
  const printer = printerFor(process, outputRequest(allFlags));
  const { plans, failures } = yield* plansOfFiles(invocation, factory);
  const collected: AnyFailure[] = [...failures];
  let count = 0;
  for (const plan of plans) {
    if (plan.kind !== "file") continue;
    count++;
    const object = allFlags["save-config"] === true ? savedConfig(plan.object) : plan.object;
    try {
      const result =
        dryRun === "client"
          ? object
          : yield* post(factory, plan, object, String(allFlags["validate"] ?? "strict"), dryRun === "server");
      yield* printResult(process, printer, plan.mapping, result, `created${dryRunSuffix(dryRun)}`);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      collected.push(error.from(`error when creating ${JSON.stringify(plan.source)}: `));
    }
  }
  throwAll(collected);
  if (count === 0) fail("no objects passed to create");
}

function* post(
  factory: Factory,
  plan: Plan,
  object: KubeObject,
  validate: string,
  isDryRun: boolean,
): Task<KubeObject> {
  return yield* factory.client.json("POST", resourcePath(plan.mapping, plan.namespace), {
    query: {
      fieldManager: "kubectl-create",
      fieldValidation: fieldValidation(validate),
      dryRun: isDryRun ? "All" : undefined,
    },
    body: object,
  });
}

/** The object with its own text in the annotation that apply reads. */
export function savedConfig(object: KubeObject): KubeObject {
  const annotations = { ...object.metadata.annotations };
  delete annotations[LAST_APPLIED];
  const text = `${goJson({ ...object, metadata: { ...object.metadata, annotations } })}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

function* createRaw(
  invocation: Pick<KubectlInvocation, "allFlags" | "process">,
  factory: Factory,
  uri: string,
): Task<void> {
  const filenames = (invocation.allFlags["filename"] ?? []) as readonly string[];
  if (filenames.length !== 1) fail("--raw can only use a single local file or stdin");
  const { objects, failures } = yield* readManifests(invocation.process, { filenames, validate: false });
  throwAll(failures);
  const answer = yield* factory.client.send("POST", uri, { body: objects[0]?.object });
  yield* invocation.process.print(`${goJson(answer.body, { sortKeys: false })}\n`);
}
