/** kubectl autoscale: a HorizontalPodAutoscaler. */
import { boolFlag, int32Flag, stringFlag } from "../../../cli/flags";
import { fieldManagerFlag, fileFlags } from "../common-flags";
import { completeResources } from "../completion";
import { createAndPrint } from "../create-object";
import { apiVersionOf } from "../discovery";
import { ApiFailure, CommandFailure, fail } from "../failure";
import { defineKubectlCommand, factoryOf } from "../kubectl-command";
import { NOTHING_NAMED } from "../messages";
import { dryRunFlag, printFlags } from "../output";
import { findAll } from "../targets";
import { HPA } from "./create/made-kinds";

export const autoscale = defineKubectlCommand({
  use: "autoscale (-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu=CPU] [--memory=MEMORY]",
  short: "Auto-scale a deployment, replica set, stateful set, or replication controller",
  group: "Deploy Commands",
  long: "Creates an autoscaler that automatically chooses and sets the number of pods that run in a Kubernetes cluster.",
  flags: {
    ...fileFlags,
    ...printFlags,
    cpu: stringFlag(
      "",
      'Target CPU utilization over all the pods. When specified as a percentage (e.g."70%" for 70% of requested CPU) it will target average utilization. When specified as quantity (e.g."500m" for 500 milliCPU) it will target average value. Value without units is treated as a quantity with miliCPU being the unit (e.g."500" is "500m").',
    ),
    "cpu-percent": int32Flag(
      -1,
      "The target average CPU utilization (represented as a percent of requested CPU) over all the pods. If it's not specified or negative, a default autoscaling policy will be used.",
      {
        deprecated:
          "Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).",
      },
    ),
    "dry-run": dryRunFlag,
    "field-manager": fieldManagerFlag("kubectl-autoscale"),
    max: int32Flag(-1, "The upper limit for the number of pods that can be set by the autoscaler. Required.", {
      required: true,
    }),
    memory: stringFlag("", "Target memory utilization over all the pods."),
    min: int32Flag(
      -1,
      "The lower limit for the number of pods that can be set by the autoscaler. If it's not specified or negative, the server will apply a default value.",
    ),
    name: stringFlag(
      "",
      "The name for the newly created object. If not specified, the name of the input resource will be used.",
    ),
    "save-config": boolFlag(false, "If true, the configuration of current object will be saved in its annotation."),
  },
  completeArgs: completeResources,
  *run(invocation) {
    const { flags, args } = invocation;
    const factory = factoryOf(invocation);
    if (flags.max < 1) fail(`--max=MAXPODS is required and must be at least 1, max: ${flags.max}`);
    if (flags.max < flags.min)
      fail(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${flags.max}, min: ${flags.min}`);
    if (args.length === 0 && flags.filename.length === 0) fail(NOTHING_NAMED);
    const targets = yield* findAll(factory, {
      args,
      filenames: flags.filename,
      recursive: flags.recursive,
      latest: true,
    });
    const metrics = [
      ...metricOf("cpu", flags.cpu || (flags["cpu-percent"] >= 0 ? `${flags["cpu-percent"]}%` : "")),
      ...metricOf("memory", flags.memory),
    ];
    for (const target of targets) {
      if (!target.mapping.subresources.includes("scale"))
        fail(
          `cannot autoscale a ${target.mapping.kind}${target.mapping.group ? `.${target.mapping.group}` : ""}: could not find scale subresource`,
        );
      const hpa = {
        kind: "HorizontalPodAutoscaler",
        apiVersion: "autoscaling/v2",
        metadata: { name: flags.name || target.name },
        spec: {
          scaleTargetRef: { kind: target.mapping.kind, name: target.name, apiVersion: apiVersionOf(target.mapping) },
          ...(flags.min > 0 ? { minReplicas: flags.min } : {}),
          maxReplicas: flags.max,
          ...(metrics.length > 0 ? { metrics } : {}),
        },
        status: { currentMetrics: null, desiredReplicas: 0 },
      };
      try {
        yield* createAndPrint(invocation, factory, HPA, hpa, undefined, "autoscaled");
      } catch (error) {
        if (!(error instanceof ApiFailure)) throw error;
        // Upstream tries the older version next and reports only that it does not fit.
        throw new CommandFailure(
          "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input",
        );
      }
    }
    return 0;
  },
});

function metricOf(name: string, text: string): Record<string, unknown>[] {
  if (text === "") return [];
  const percent = /^(\d+)%$/.exec(text);
  const target = percent
    ? { type: "Utilization", averageUtilization: Number(percent[1]) }
    : { type: "AverageValue", averageValue: /^\d+$/.test(text) ? `${text}${name === "cpu" ? "m" : "Mi"}` : text };
  return [{ type: "Resource", resource: { name, target } }];
}
