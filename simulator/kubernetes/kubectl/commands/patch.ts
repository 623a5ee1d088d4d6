/** kubectl patch */
import { boolFlag, stringFlag } from "../../../cli/flags";
import { deepEqual } from "../../../base/json";
import { SysError } from "../../../os/errno";
import { goJsonError } from "../../../text/go-json-parse";
import { parseYaml } from "../../../text/yaml";
import { structOfKind } from "../../api/schema";
import type { KubeObject } from "../../apimachinery/object";
import { jsonPatch, mergePatch, strategicMergePatch } from "../../apimachinery/patch";
import { fieldManagerFlag, fileFlags } from "../common-flags";
import { completeResources } from "../completion";
import { type AnyFailure, ApiFailure, CommandFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { NOTHING_NAMED } from "../messages";
import { dryRunFlag, dryRunOf, dryRunSuffix, outputRequest, printFlags, printerFor, printResult } from "../output";
import { sendPatch } from "../patching";
import { PATCH_TYPES } from "../rest";
import { findTargets } from "../targets";

const TYPES = ["json", "merge", "strategic"];

export const patch = defineKubectlCommand({
  use: "patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
  short: "Update fields of a resource",
  group: "Advanced Commands",
  long: "Update fields of a resource using strategic merge patch, a JSON merge patch, or a JSON patch.\n\n JSON and YAML formats are accepted.",
  example: '  # Two replicas\n  kubectl patch deployment web -p \'{"spec":{"replicas":2}}\'',
  flags: {
    ...fileFlags,
    ...printFlags,
    "dry-run": dryRunFlag,
    "field-manager": fieldManagerFlag("kubectl-patch"),
    local: boolFlag(false, "If true, patch will operate on the content of the file, not the server-side resource."),
    patch: stringFlag("", "The patch to be applied to the resource JSON file.", { shorthand: "p" }),
    "patch-file": stringFlag("", "A file containing a patch to be applied to the resource."),
    subresource: stringFlag("", "If specified, patch will operate on the subresource of the requested object."),
    type: stringFlag("strategic", "The type of patch being provided; one of [json merge strategic]"),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args, process } = invocation;
    const factory = factoryOf(invocation);
    const type = flags.type.toLowerCase();
    if (flags.patch !== "" && flags["patch-file"] !== "") fail("cannot specify --patch and --patch-file together");
    if (flags.patch === "" && flags["patch-file"] === "")
      fail("must specify --patch or --patch-file containing the contents of the patch");
    if (!TYPES.includes(type)) fail(`--type must be one of [${TYPES.join(" ")}], not ${JSON.stringify(flags.type)}`);
    let text = flags.patch;
    if (flags["patch-file"] !== "") {
      try {
        text = process.readText(flags["patch-file"]);
      } catch (error) {
        if (error instanceof SysError)
          fail(`unable to read patch file: open ${flags["patch-file"]}: ${error.message.toLowerCase()}`);
        throw error;
      }
    }
    const body = parsePatch(text);
    const dryRun = yield* dryRunOf(process, flags);
    const printer = printerFor(process, outputRequest(flags));
    if (args.length === 0 && flags.filename.length === 0) fail(NOTHING_NAMED);
    const { targets, failures } = yield* findTargets(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      latest: !flags.local,
    });
    const collected: AnyFailure[] = [...failures];
    for (const target of targets) {
      try {
        if (typeof body === "string") throw malformed(body);
        const contentType = PATCH_TYPES[type as "json" | "merge" | "strategic"];
        const result =
          flags.local || dryRun === "client"
            ? patchLocally(target.object, body, type)
            : yield* sendPatch(
                factory,
                target,
                { contentType, body },
                { fieldManager: flags["field-manager"], dryRun: dryRun === "server" ? "All" : undefined },
                flags.subresource || undefined,
              );
        const isSame = unchanged(target.object, result);
        yield* printResult(
          process,
          printer,
          target.mapping,
          result,
          `patched${dryRunSuffix(dryRun)}${isSame ? " (no change)" : ""}`,
        );
      } catch (error) {
        if (!(error instanceof ApiFailure || error instanceof CommandFailure)) throw error;
        collected.push(error);
      }
    }
    throwAll(collected);
    return 0;
  },
});

/** The server's answer to a body that is not JSON. The door carries objects only, so it is given here. */
function malformed(text: string): ApiFailure {
  const message = goJsonError(text) ?? "unexpected end of JSON input";
  return new ApiFailure({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason: "BadRequest",
    code: 400,
  });
}

/** YAML or JSON; what looks like JSON and goes to the server as it is, which says what is wrong. */
function parsePatch(text: string): unknown {
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    return text;
  }
  const parsed = parseYaml(text);
  if (!parsed.ok) return fail(`unable to parse ${JSON.stringify(text)}: ${parsed.error}`);
  return parsed.value.value;
}

function unchanged(before: KubeObject, after: KubeObject): boolean {
  const strip = (object: KubeObject): unknown => ({
    ...object,
    metadata: { ...object.metadata, managedFields: undefined, resourceVersion: undefined },
  });
  return before.metadata.resourceVersion === after.metadata.resourceVersion || deepEqual(strip(before), strip(after));
}

function patchLocally(object: KubeObject, body: unknown, type: string): KubeObject {
  if (type === "merge") return mergePatch(object, body) as KubeObject;
  const result =
    type === "json"
      ? jsonPatch(object, body as never)
      : strategicMergePatch(object, body, structOfKind(object.apiVersion, object.kind));
  return result.ok ? (result.value as KubeObject) : fail(result.error);
}
