/** kubectl replace */
import { boolFlag, durationFlag, intFlag, stringFlag } from "../../../cli/flags";
import type { KubeObject } from "../../apimachinery/object";
import { fieldManagerFlag, fieldValidation, fileFlags, validateFlag } from "../common-flags";
import { plansOfFiles, savedConfig } from "../create-from-files";
import { deleteObject, FOREVER_MS, waitUntilGone } from "../deletion";
import { resourcePath } from "../discovery";
import { type AnyFailure, ApiFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../output";
import { getObject } from "../targets";

export const replace = defineKubectlCommand({
  use: "replace -f FILENAME",
  short: "Replace a resource by file name or stdin",
  group: "Advanced Commands",
  long: "Replace a resource by file name or stdin. The file must hold the whole object; --force deletes and creates it anew.\n\n JSON and YAML formats are accepted.",
  flags: {
    ...fileFlags,
    ...printFlags,
    cascade: stringFlag("background", 'Must be "background", "orphan", or "foreground".', {
      noOptDefVal: "background",
    }),
    "dry-run": dryRunFlag,
    "field-manager": fieldManagerFlag("kubectl-replace"),
    force: boolFlag(
      false,
      "If true, immediately remove resources from API and bypass graceful deletion. Note that immediate deletion of some resources may result in inconsistency or data loss and requires confirmation.",
    ),
    "grace-period": intFlag(
      -1,
      "Period of time in seconds given to the resource to terminate gracefully. Ignored if negative. Set to 1 for immediate shutdown.",
    ),
    raw: stringFlag("", "Raw URI to PUT to the server.  Uses the transport specified by the kubeconfig file."),
    "save-config": boolFlag(false, "If true, the configuration of current object will be saved in its annotation."),
    subresource: stringFlag("", "If specified, replace will operate on the subresource of the requested object."),
    timeout: durationFlag(
      0,
      "The length of time to wait before giving up on a delete, zero means determine a timeout from the size of the object",
    ),
    validate: validateFlag,
    wait: boolFlag(false, "If true, wait for resources to be gone before returning. This waits for finalizers."),
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    if (flags.filename.length === 0 && flags.kustomize === "")
      return yield* invocation.usageError({ kind: "usage", message: "Must specify --filename to replace" });
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    const { plans, failures } = yield* plansOfFiles(invocation, factory);
    const collected: AnyFailure[] = [...failures];
    const query = {
      fieldManager: flags["field-manager"],
      fieldValidation: fieldValidation(flags.validate),
      dryRun: dryRun === "server" ? "All" : undefined,
    };
    if (flags.force) {
      for (const plan of plans) {
        if (plan.kind !== "file") continue;
        try {
          const uid = yield* deleteObject(factory, plan, {
            gracePeriodSeconds: flags["grace-period"] >= 0 ? flags["grace-period"] : undefined,
            propagationPolicy: "Background",
          });
          const kind = plan.mapping.group
            ? `${plan.mapping.kind.toLowerCase()}.${plan.mapping.group}`
            : plan.mapping.kind.toLowerCase();
          yield* process.print(
            `${kind} "${plan.name}" deleted${plan.mapping.namespaced ? ` from ${plan.namespace} namespace` : ""}\n`,
          );
          yield* waitUntilGone(factory, plan, uid, flags.timeout > 0 ? flags.timeout : FOREVER_MS);
        } catch (error) {
          if (!(error instanceof ApiFailure)) throw error;
          if (!error.isNotFound) collected.push(error);
        }
      }
    }
    let count = 0;
    for (const plan of plans) {
      if (plan.kind !== "file") continue;
      count++;
      const object = flags["save-config"] ? savedConfig(plan.object) : plan.object;
      try {
        let result: KubeObject = object;
        if (dryRun !== "client") {
          if (flags.force)
            result = yield* factory.client.json<KubeObject>("POST", resourcePath(plan.mapping, plan.namespace), {
              query,
              body: object,
            });
          else {
            // Without a version in the file, the live one is taken: the last writer wins.
            const current = object.metadata.resourceVersion
              ? undefined
              : yield* getObject(factory, plan.mapping, plan.namespace, plan.name);
            const body = current
              ? { ...object, metadata: { ...object.metadata, resourceVersion: current.metadata.resourceVersion } }
              : object;
            result = yield* factory.client.json<KubeObject>(
              "PUT",
              resourcePath(plan.mapping, plan.namespace, plan.name, flags.subresource || undefined),
              { query, body },
            );
          }
        }
        yield* printResult(process, printer, plan.mapping, result, `replaced${dryRunSuffix(dryRun)}`);
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        collected.push(error.from(`error when replacing ${JSON.stringify(plan.source)}: `));
      }
    }
    throwAll(collected);
    if (count === 0) fail("no objects passed to replace");
    return 0;
  },
});
