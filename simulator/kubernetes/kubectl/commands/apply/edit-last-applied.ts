/** kubectl apply edit-last-applied */
import { goJson } from "../../../../text/go-json";
import { parseYaml, printYaml } from "../../../../text/yaml";
import { fileFlags } from "../../common-flags";
import { completeResources } from "../../completion";
import { LAST_APPLIED } from "../../create-object";
import { editText, withoutComments } from "../../editor";
import { fail } from "../../failure";
import { defineKubectlCommand, factoryOf } from "../../kubectl-command";
import { outputRequest, printFlags, printerFor, printResult } from "../../output";
import { sendPatch } from "../../patching";
import { PATCH_TYPES } from "../../rest";
import { findAll } from "../../targets";

export const editLastApplied = defineKubectlCommand({
  use: "edit-last-applied (RESOURCE/NAME | -f FILENAME)",
  short: "Edit latest last-applied-configuration annotations of a resource/object",
  flags: { ...fileFlags, ...printFlags },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    const targets = yield* findAll(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      latest: true,
    });
    const printer = printerFor(process, outputRequest(flags));
    for (const target of targets) {
      const annotation = target.object.metadata.annotations?.[LAST_APPLIED];
      if (annotation === undefined) fail(`no last-applied-configuration annotation found on resource: ${target.name}`);
      const before = printYaml(JSON.parse(annotation!));
      const { text, path } = yield* editText(process, before, "kubectl-edit-");
      process.fs.unlink(path);
      const content = withoutComments(text);
      if (content.trim() === "" || content === before) {
        yield* process.printError(
          content.trim() === "" ? "Edit cancelled, saved file was empty.\n" : "Edit cancelled, no changes made.\n",
        );
        continue;
      }
      const parsed = parseYaml(content);
      if (!parsed.ok) fail(`error parsing edited-file: error converting YAML to JSON: ${parsed.error}`);
      const value = `${goJson(parsed.ok ? parsed.value.value : null)}\n`;
      const result = yield* sendPatch(factory, target, {
        contentType: PATCH_TYPES.merge,
        body: { metadata: { annotations: { [LAST_APPLIED]: value } } },
      });
      yield* printResult(process, printer, target.mapping, result, "edited");
    }
    return 0;
  },
});
