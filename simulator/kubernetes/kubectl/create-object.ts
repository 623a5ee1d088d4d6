/** What `kubectl create <kind>` commands share: the name, dry runs, the request, what is printed. */
import type { Task } from "../../base/task";
import { boolFlag, type FlagSet } from "../../cli/flags";
import { goJson } from "../../text/go-json";
import type { KubeObject } from "../apimachinery/object";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "./output";
import { fieldManagerFlag, fieldValidation, validateFlag } from "./common-flags";
import { type ResourceMapping, resourcePath } from "./discovery";
import type { Factory } from "./factory";
import { ApiFailure, CommandFailure, UsageFailure } from "./failure";
import { defineKubectlCommand, factoryOf, type KubectlCommand, type KubectlInvocation } from "./kubectl-command";

/** A kind that a command makes. Commands know what they make; everything else they learn from discovery. */
export type MadeKind = Pick<ResourceMapping, "group" | "version" | "resource" | "kind" | "namespaced">;

export const createFlags = {
  ...printFlags,
  "dry-run": dryRunFlag,
  "field-manager": fieldManagerFlag("kubectl-create"),
  "save-config": boolFlag(
    false,
    "If true, the configuration of current object will be saved in its annotation. Otherwise, the annotation will be unchanged. This flag is useful when you want to perform kubectl apply on this object in the future.",
  ),
  validate: validateFlag,
} satisfies FlagSet;

export interface CreateCommand<F extends FlagSet> {
  readonly use: string;
  readonly aliases?: readonly string[];
  readonly short: string;
  readonly long?: string;
  readonly example?: string;
  readonly flags: F;
  readonly made: MadeKind;
  /** "failed to create deployment": what a refused request is reported as; absent where the server's words stand alone. */
  readonly failure?: string;
  /** The object, as it would be written by hand: kind, apiVersion, metadata … in the order of Go's structs. */
  build(
    invocation: KubectlInvocation<F & typeof createFlags>,
    name: string,
    factory: Factory,
  ): Task<Record<string, unknown>>;
}

export function defineCreateCommand<F extends FlagSet>(definition: CreateCommand<F>): KubectlCommand {
  const flags = { ...createFlags, ...definition.flags };
  return defineKubectlCommand<typeof flags>({
    use: definition.use,
    aliases: definition.aliases,
    short: definition.short,
    long: definition.long,
    example: definition.example,
    flags,
    *run(invocation) {
      const factory = factoryOf(invocation);
      const name = nameArgument(invocation);
      const object = yield* definition.build(invocation as never, name, factory);
      yield* createAndPrint(invocation, factory, definition.made, object, definition.failure);
      return 0;
    },
  });
}

/** cmdutil/create's NameFromCommandArgs. */
export function nameArgument(invocation: Pick<KubectlInvocation, "args" | "argsLenAtDash">): string {
  const count = invocation.argsLenAtDash === -1 ? invocation.args.length : invocation.argsLenAtDash;
  if (count !== 1) throw new UsageFailure(`exactly one NAME is required, got ${count}`);
  return invocation.args[0]!;
}

/** Sends the object (unless this is a client dry run) and prints `kind/name created`. */
export function* createAndPrint(
  invocation: Pick<KubectlInvocation, "process" | "allFlags">,
  factory: Factory,
  made: MadeKind,
  built: Record<string, unknown>,
  failure?: string,
  operation = "created",
): Task<KubeObject> {
  const { process, allFlags } = invocation;
  const dryRun = yield* dryRunOf(process, allFlags);
  const printer = printerFor(process, outputRequest(allFlags));
  const validation = fieldValidation(String(allFlags["validate"] ?? "strict"));
  if (validation === undefined)
    throw new CommandFailure(`invalid - validate option ${JSON.stringify(allFlags["validate"])}`);
  let object = placed(built, made, factory);
  if (allFlags["save-config"] === true) object = withLastApplied(object);
  let result = object as unknown as KubeObject;
  if (dryRun !== "client") {
    const path = resourcePath(made as ResourceMapping, made.namespaced ? factory.namespace : undefined);
    try {
      result = yield* factory.client.json<KubeObject>("POST", path, {
        query: {
          fieldManager: String(allFlags["field-manager"] ?? "kubectl-create"),
          fieldValidation: validation,
          dryRun: dryRun === "server" ? "All" : undefined,
        },
        body: object,
      });
    } catch (error) {
      if (failure && error instanceof ApiFailure) throw new CommandFailure(`${failure}: ${error.message}`);
      throw error;
    }
  }
  yield* printResult(process, printer, made, result, operation + dryRunSuffix(dryRun), {
    isTyped: dryRun === "client",
  });
  return result;
}

/** The namespace is written into the object only where it was asked for (--namespace). */
function placed(object: Record<string, unknown>, made: MadeKind, factory: Factory): Record<string, unknown> {
  if (!made.namespaced || !factory.config.isNamespaceExplicit) return object;
  const metadata = object["metadata"] as Record<string, unknown>;
  const { name, ...rest } = metadata;
  return { ...object, metadata: { ...(name === undefined ? {} : { name }), namespace: factory.namespace, ...rest } };
}

export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

function withLastApplied(object: Record<string, unknown>): Record<string, unknown> {
  const metadata = object["metadata"] as Record<string, unknown>;
  const annotations = { ...(metadata["annotations"] as Record<string, string> | undefined) };
  delete annotations[LAST_APPLIED];
  const text = `${goJson({ ...object, metadata: { ...metadata, annotations } })}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}
