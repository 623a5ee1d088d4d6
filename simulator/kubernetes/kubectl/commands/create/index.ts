/** kubectl create: the kinds that can be made by name, and `-f` for everything else. */
import { boolFlag, stringFlag } from "../../../../cli/flags";
import { fileFlags, fieldManagerFlag, fieldValidation, selectorFlag, validateFlag } from "../../common-flags";
import { createFromFiles } from "../../create-from-files";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { dryRunFlag, printFlags } from "../../output";
import { createConfigMap } from "./configmap";
import { createDeployment } from "./deployment";
import { createIngress } from "./ingress";
import { createCronJob, createJob } from "./job";
import { createClusterRole, createClusterRoleBinding, createRole, createRoleBinding } from "./role";
import { createSecret } from "./secret";
import { createService } from "./service";
import { createNamespace, createPdb, createPriorityClass, createQuota, createServiceAccount } from "./small";
import { createToken } from "./token";

export const create = defineKubectlCommand({
  use: "create -f FILENAME",
  short: "Create a resource from a file or from stdin",
  group: "Basic Commands (Beginner)",
  long: "Create a resource from a file or from stdin.\n\n JSON and YAML formats are accepted.",
  example:
    "  # From a file\n  kubectl create -f pod.yaml\n  \n  # From standard input\n  cat pod.yaml | kubectl create -f -",
  flags: {
    ...fileFlags,
    ...printFlags,
    "dry-run": dryRunFlag,
    edit: boolFlag(false, "Edit the API resource before creating"),
    "field-manager": fieldManagerFlag("kubectl-create"),
    raw: stringFlag("", "Raw URI to POST to the server. Uses the transport specified by the kubeconfig file."),
    "save-config": boolFlag(false, "If true, the configuration of current object will be saved in its annotation."),
    selector: selectorFlag,
    validate: validateFlag,
    "windows-line-endings": boolFlag(
      false,
      "Only relevant if --edit=true. Defaults to the line ending native to your platform.",
    ),
  },
  commands: [
    createClusterRole,
    createClusterRoleBinding,
    createConfigMap,
    createCronJob,
    createDeployment,
    createIngress,
    createJob,
    createNamespace,
    createPdb,
    createPriorityClass,
    createQuota,
    createRole,
    createRoleBinding,
    createSecret,
    createService,
    createServiceAccount,
    createToken,
  ],
  *run(invocation) {
    const { flags, args } = invocation;
    if (flags.filename.length === 0 && flags.kustomize === "") {
      if (args.length > 0)
        return yield* invocation.usageError({ kind: "usage", message: `Unexpected args: [${args.join(" ")}]` });
      fail("must specify one of -f and -k");
    }
    if (args.length > 0)
      return yield* invocation.usageError({ kind: "usage", message: `Unexpected args: [${args.join(" ")}]` });
    if (fieldValidation(flags.validate) === undefined) fail(`invalid - validate option "${flags.validate}"`);
    yield* createFromFiles(invocation, factoryOf(invocation));
    return 0;
  },
});
