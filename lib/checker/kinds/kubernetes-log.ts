/** kubernetes.log: what a container in a Pod has written, as `kubectl logs` would show it now. */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";
import { type AnyObject, fieldAt, listObjects } from "./cluster";

const schema = z
  .strictObject({
    kind: z.literal("kubernetes.log"),
    namespace: z._default(z.string(), "default"),
    /** A Pod's name, or a selector: any Pod it chooses. */
    pod: z.optional(z.string()),
    selector: z.optional(z.string()),
    /** Absent: any container of the Pod. */
    container: z.optional(z.string()),
    /** A regular expression; one line must match. */
    matches: z.string(),
    /** Pods one of whose addresses must stand in that line: who called. */
    from: z.optional(z.strictObject({ namespace: z.string(), selector: z.optional(z.string()) })),
    /** What such a line tells, in words. */
    means: z.strictObject({ vi: z.string(), en: z.string() }),
  })
  .check(
    z.refine((check) => (check.pod === undefined) !== (check.selector === undefined), {
      message: "a log is that of a pod or of the pods a selector chooses",
    }),
  );

export const kubernetesLog = defineCheck({
  kind: "kubernetes.log",
  schema,
  names: (check) => [check.pod, check.container].filter((name) => name !== undefined),
  evaluate(check, observation) {
    const scope = check.namespace === "default" ? "" : ` -n ${check.namespace}`;
    const pods = listObjects(observation, "pods", check.namespace, check.selector).filter(
      (pod) => check.pod === undefined || pod.metadata.name === check.pod,
    );
    const pattern = new RegExp(check.matches);
    const callers =
      check.from &&
      listObjects(observation, "pods", check.from.namespace, check.from.selector).map((pod) =>
        String(fieldAt(pod, "status.podIP")),
      );
    const isIt = (line: string): boolean =>
      pattern.test(line) && (!callers || callers.some((address) => line.split(/[^0-9a-f.:]+/).includes(address)));
    const names = pods.flatMap((pod) =>
      containersOf(pod)
        .filter((name) => check.container === undefined || name === check.container)
        .map((container) => ({ pod: pod.metadata.name, container })),
    );
    for (const { pod, container } of names) {
      const answer = observation.kubernetes({
        method: "GET",
        path: `/api/v1/namespaces/${check.namespace}/pods/${pod}/log`,
        query: { container: [container] },
      });
      if (answer?.status === 200 && typeof answer.body === "string" && answer.body.split("\n").some(isIt)) return met;
    }
    const named = check.container === undefined ? "" : ` -c ${check.container}`;
    const look =
      check.pod === undefined
        ? `kubectl logs -l ${check.selector}${named}${scope}`
        : `kubectl logs ${check.pod}${named}${scope}`;
    if (names.length === 0) {
      const what = check.pod === undefined ? `Pod (\`${check.selector}\`)` : `Pod \`${check.pod}\``;
      return unmet(check.means, { vi: `Chưa có ${what}.`, en: `There is no ${what} yet.` }, `kubectl get pods${scope}`);
    }
    return unmet(check.means, { vi: "Trong log chưa có dòng nào như vậy.", en: "The log has no such line yet." }, look);
  },
});

const containersOf = (pod: AnyObject): string[] =>
  ["spec.initContainers", "spec.containers"].flatMap((path) =>
    ((fieldAt(pod, path) as readonly { name: string }[] | undefined) ?? []).map((one) => one.name),
  );
