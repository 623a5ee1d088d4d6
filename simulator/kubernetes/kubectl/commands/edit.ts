/** kubectl edit */
import type { Task } from "../../../base/task";
import { boolFlag, stringFlag } from "../../../cli/flags";
import { goJsonIndent } from "../../../text/go-json";
import { parseYaml, printYaml } from "../../../text/yaml";
import type { KubeObject } from "../../apimachinery/object";
import { fieldManagerFlag, fieldValidation, fileFlags, validateFlag } from "../common-flags";
import { completeResources } from "../completion";
import { editText, withoutComments } from "../editor";
import type { Factory } from "../factory";
import { type AnyFailure, ApiFailure, CommandFailure, fail, reportFailure } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { NOTHING_NAMED } from "../messages";
import { omitManagedFields, outputRequest, printFlags, printerFor, printResult } from "../output";
import { patchBetween, sendPatch } from "../patching";
import { findAll, type Target } from "../targets";

const HEADER = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;

export const edit = defineKubectlCommand({
  use: "edit (RESOURCE/NAME | -f FILENAME)",
  short: "Edit a resource on the server",
  group: "Basic Commands (Intermediate)",
  long: "Edit a resource from the default editor. What is saved is sent as a patch; leaving without a change, or with an empty file, changes nothing.",
  example:
    '  # A deployment\n  kubectl edit deployment/web\n  \n  # With another editor\n  KUBE_EDITOR="nano" kubectl edit deployment/web',
  flags: {
    ...fileFlags,
    ...printFlags,
    "field-manager": fieldManagerFlag("kubectl-edit"),
    "output-patch": boolFlag(false, "Output the patch if the resource is edited."),
    "save-config": boolFlag(false, "If true, the configuration of current object will be saved in its annotation."),
    subresource: stringFlag("", "If specified, edit will operate on the subresource of the requested object."),
    validate: validateFlag,
    "windows-line-endings": boolFlag(false, "Defaults to the line ending native to your platform."),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    if (args.length === 0 && flags.filename.length === 0) fail(NOTHING_NAMED);
    const targets = yield* findAll(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      latest: true,
    });
    if (targets.length === 0) fail("edit cancelled, no objects found");
    const printer = printerFor(process, outputRequest(flags));
    for (const target of targets) {
      const result = yield* editOne(factory, target, flags);
      if (result) {
        if (flags["output-patch"]) yield* process.print(`Patch: ${result.patch}\n`);
        yield* printResult(process, printer, target.mapping, result.object, "edited");
      }
    }
    return 0;
  },
});

interface EditFlags {
  readonly "field-manager": string;
  readonly validate: string;
  readonly subresource: string;
  readonly output: string;
}

interface Edited {
  readonly object: KubeObject;
  readonly patch: string;
}

/** Opens the editor until the change is accepted or given up. */
function* editOne(factory: Factory, target: Target, flags: EditFlags): Task<Edited | undefined> {
  const { process } = factory;
  const before = omitManagedFields(target.object);
  const original = flags.output === "json" ? `${goJsonIndent(before)}\n` : printYaml(before);
  let shown = HEADER + original;
  let problem = "";
  for (;;) {
    const { text, path } = yield* editText(process, shown, "kubectl-edit-");
    const content = withoutComments(text);
    if (content.trim() === "") {
      process.fs.unlink(path);
      yield* process.printError("Edit cancelled, saved file was empty.\n");
      return undefined;
    }
    if (content.trim() === withoutComments(shown).trim()) {
      if (problem !== "") {
        yield* process.printError(
          `error: ${problem.includes("is invalid") ? `${target.mapping.resource} ${JSON.stringify(target.name)} is invalid` : problem.trim()}\n`,
        );
        yield* process.printError(`A copy of your changes has been stored to ${JSON.stringify(path)}\n`);
        throw new CommandFailure("Edit cancelled, no valid changes were saved.");
      }
      process.fs.unlink(path);
      yield* process.printError("Edit cancelled, no changes made.\n");
      return undefined;
    }
    const parsed = parseYaml(content);
    if (!parsed.ok) {
      problem = `error parsing edited-file: error converting YAML to JSON: ${parsed.error}`;
      shown = commented(`The edited file had a syntax error: ${problem}`) + content;
      continue;
    }
    const after = parsed.value.value as unknown as KubeObject;
    const patch = patchBetween(before, after);
    if (!patch) {
      process.fs.unlink(path);
      yield* process.printError("Edit cancelled, no changes made.\n");
      return undefined;
    }
    try {
      const object = yield* sendPatch(
        factory,
        target,
        patch,
        { fieldManager: flags["field-manager"], fieldValidation: fieldValidation(flags.validate) },
        flags.subresource || undefined,
      );
      process.fs.unlink(path);
      return { object, patch: JSON.stringify(patch.body) };
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (error.reason === "NotFound" || error.reason === "Forbidden") {
        yield* process.printError(
          `error: ${target.mapping.resource} ${JSON.stringify(target.name)} could not be patched: ${error.message}\nYou can run \`kubectl replace -f ${path}\` to try this update again.\n`,
        );
        throw new CommandFailure("", { exitCode: 1 });
      }
      problem = reportFailure(error as AnyFailure, "kubectl edit").text;
      shown =
        commented(`${target.mapping.resource} ${JSON.stringify(target.name)} was not valid:\n${problem.trimEnd()}`) +
        content.replace(/^\n+/, "");
    }
  }
}

/** The header with what went wrong, as comments. */
function commented(message: string): string {
  return `${HEADER}${message
    .split("\n")
    .map((line) => `# ${line}\n`)
    .join("")}#\n`;
}
