/** kubernetes.log: what a container in a Pod has written, as `kubectl logs` would show it now. */
import * as z from "zod";
import { defineCheck, met, unmet } from "../verdict";
import { type AnyObject, fieldAt, listObjects } from "./cluster";

const schema = z
  .strictObject({
    kind: z.literal("kubernetes.log"),
    namespace: z.string().default("default"),
    /** A Pod's name, or a selector: any Pod it chooses. */
    pod: z.string().optional(),
    selector: z.string().optional(),
    /** Absent: any container of the Pod. */
    container: z.string().optional(),
    /** A regular expression; one line must match. */
    matches: z.string(),
    /** What such a line tells, in words. */
    means: z.strictObject({ vi: z.string(), en: z.string() }),
  })
  .refine((check) => (check.pod === undefined) !== (check.selector === undefined), {
    message: "a log is that of a pod or of the pods a selector chooses",
  });

export const kubernetesLog = defineCheck({
  kind: "kubernetes.log",
  schema,
  names: (check) => [check.pod, check.container].filter((name) => name !== undefined),
  evaluate(check, observation) {
    const scope = check.namespace === "default" ? "" : ` -n ${check.namespace}`;
    const pods = listObjects(observation, "pods", check.namespace, check.selector).filter(
      (pod) => check.pod === undefined || pod.metadata.name === check.pod,
    );
    const pattern = new RegExp(check.matches, "m");
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
      if (answer?.status === 200 && typeof answer.body === "string" && pattern.test(answer.body)) return met;
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
