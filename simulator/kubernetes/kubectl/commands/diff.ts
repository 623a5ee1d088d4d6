/** kubectl diff: what apply would change. Exit code 1 says that there are differences. */
import { civilTime } from "../../../base/clock";
import type { Task } from "../../../base/task";
import { boolFlag, stringFlag } from "../../../cli/flags";
import { goJson } from "../../../text/go-json";
import { unifiedDiff } from "../../../text/unified-diff";
import { printYaml } from "../../../text/yaml";
import { structOfKind } from "../../api/schema";
import type { KubeObject } from "../../apimachinery/object";
import { fieldManagerFlag, fileFlags, selectorFlag } from "../common-flags";
import { LAST_APPLIED } from "../create-object";
import { plansOfFiles, savedConfig } from "../create-from-files";
import { resourcePath } from "../discovery";
import type { Factory } from "../factory";
import { ApiFailure, fail, throwAll } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { omitManagedFields } from "../output";
import { PATCH_TYPES } from "../rest";
import { threeWayMergePatch, threeWayStrategicPatch } from "../strategic-diff";
import { getObject, type Plan } from "../targets";

export const diff = defineKubectlCommand({
  use: "diff -f FILENAME",
  short: "Diff the live version against a would-be applied version",
  group: "Advanced Commands",
  long: "Diff configurations specified by file name or stdin between the current online configuration, and the configuration as it would be if applied.\n\n Exit status: 0 no differences were found, 1 differences were found, >1 kubectl or diff failed with an error.",
  flags: {
    ...fileFlags,
    concurrency: stringFlag("1", "Number of objects to process in parallel when diffing against the live version."),
    "field-manager": fieldManagerFlag("kubectl-client-side-apply"),
    "force-conflicts": boolFlag(false, "If true, server-side apply will force the changes against conflicts."),
    prune: boolFlag(
      false,
      "Include resources that would be deleted by pruning. Can be used with -l and default shows all resources would be pruned",
    ),
    selector: selectorFlag,
    "server-side": boolFlag(false, "If true, apply runs in the server instead of the client."),
    "show-managed-fields": boolFlag(false, "If true, include managed fields in the diff."),
  },
  *run(invocation) {
    const { flags, process } = invocation;
    const factory = factoryOf(invocation);
    if (flags.filename.length === 0 && flags.kustomize === "") fail("must specify one of -f and -k");
    const { plans, failures } = yield* plansOfFiles(invocation, factory);
    throwAll(failures);
    const random = process.kernel.random.stream("kubectl");
    const folders = [
      `/tmp/LIVE-${random.integer(100_000_000, 4_000_000_000)}`,
      `/tmp/MERGED-${random.integer(100_000_000, 4_000_000_000)}`,
    ] as const;
    let text = "";
    for (const plan of plans) {
      if (plan.kind !== "file") continue;
      const { live, merged } = yield* bothSides(factory, plan, flags);
      const file = [plan.mapping.group, plan.mapping.version, plan.mapping.kind, plan.namespace, plan.name]
        .filter((part) => part !== "")
        .join(".");
      const show = (object: KubeObject | undefined): string =>
        object ? printYaml(masked(flags["show-managed-fields"] ? object : omitManagedFields(object))) : "";
      const stamp = diffStamp(process.now());
      const paths = folders.map((folder) => `${folder}/${file}`);
      const one = unifiedDiff(
        { label: `${paths[0]}\t${stamp}`, text: show(live) },
        { label: `${paths[1]}\t${stamp}`, text: show(merged) },
      );
      if (one !== "") text += `diff -u -N ${paths.join(" ")}\n${one}`;
    }
    if (text === "") return 0;
    yield* process.print(text);
    return 1;
  },
});

/** The live object and what the server would make of it. */
function* bothSides(
  factory: Factory,
  plan: Extract<Plan, { kind: "file" }>,
  flags: { readonly "server-side": boolean; readonly "force-conflicts": boolean; readonly "field-manager": string },
): Task<{ readonly live: KubeObject | undefined; readonly merged: KubeObject }> {
  let live: KubeObject | undefined;
  try {
    live = yield* getObject(factory, plan.mapping, plan.namespace, plan.name);
  } catch (error) {
    if (!(error instanceof ApiFailure && error.isNotFound)) throw error;
  }
  const path = resourcePath(plan.mapping, plan.namespace, live ? plan.name : undefined);
  const query = { dryRun: "All", fieldManager: flags["field-manager"] };
  if (flags["server-side"]) {
    const merged = yield* factory.client.json<KubeObject>(
      "PATCH",
      resourcePath(plan.mapping, plan.namespace, plan.name),
      {
        query: { ...query, fieldManager: "kubectl", force: String(flags["force-conflicts"]) },
        body: plan.object,
        contentType: PATCH_TYPES.apply,
      },
    );
    return { live, merged };
  }
  const modified = savedConfig(plan.object);
  if (!live) return { live, merged: yield* factory.client.json<KubeObject>("POST", path, { query, body: modified }) };
  const original: unknown = live.metadata.annotations?.[LAST_APPLIED]
    ? JSON.parse(live.metadata.annotations[LAST_APPLIED])
    : {};
  const struct = structOfKind(live.apiVersion, live.kind);
  const body = struct
    ? threeWayStrategicPatch(original, modified, live, struct)
    : threeWayMergePatch(original, modified, live);
  // The annotation itself would differ whenever the file was never applied: it is not shown.
  const annotations = (body["metadata"] as { annotations?: Record<string, unknown> } | undefined)?.annotations;
  if (annotations) delete annotations[LAST_APPLIED];
  const merged = yield* factory.client.json<KubeObject>("PATCH", path, {
    query,
    body,
    contentType: struct ? PATCH_TYPES.strategic : PATCH_TYPES.merge,
  });
  return { live, merged };
}

/** Secrets are not shown: only whether they differ. */
function masked(object: KubeObject): KubeObject {
  if (object.kind !== "Secret" || !object["data"]) return object;
  return {
    ...object,
    data: Object.fromEntries(
      Object.entries(object["data"] as Record<string, string>).map(([key, value]) => [
        key,
        `*** (${goJson(value).length} bytes)`,
      ]),
    ),
  };
}

/** `2026-11-23 11:16:23.758891784 +0000` */
function diffStamp(now: number): string {
  const t = civilTime(now);
  const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
  return `${t.year}-${pad(t.month)}-${pad(t.day)} ${pad(t.hour)}:${pad(t.minute)}:${pad(t.second)}.${pad(Math.floor((now % 1000) * 1_000_000), 9)} +0000`;
}
