/** kubernetes.workload: a Deployment, StatefulSet or DaemonSet that has reached what it asks for. */
import * as z from "zod/mini";
import { judge } from "../criteria";
import { plural } from "../plural";
import { both, defineCheck } from "../verdict";
import { type AnyObject, fieldAt, kubectlName, listObjects, silence } from "./cluster";
import { imageFits } from "./docker-container";

const schema = z.strictObject({
  kind: z.literal("kubernetes.workload"),
  resource: z._default(z.enum(["deployments", "statefulsets", "daemonsets", "replicasets"]), "deployments"),
  namespace: z._default(z.string(), "default"),
  name: z.string(),
  /** Ready replicas, no more and no fewer. Absent: as many as the object asks for, at least one. */
  replicas: z.optional(z.int().check(z.nonnegative())),
  /** An image that all containers named by the template use. */
  image: z.optional(z.string()),
});

const number = (object: AnyObject, path: string): number => Number(fieldAt(object, path) ?? 0);

export const kubernetesWorkload = defineCheck({
  kind: "kubernetes.workload",
  schema,
  names: (check) => [check.name, check.image].filter((name) => name !== undefined),
  evaluate(check, observation) {
    const kind = kubectlName(check.resource);
    const scope = check.namespace === "default" ? "" : ` -n ${check.namespace}`;
    const { name, image, replicas } = check;
    const desired = (object: AnyObject): number =>
      check.resource === "daemonsets"
        ? number(object, "status.desiredNumberScheduled")
        : Number(fieldAt(object, "spec.replicas") ?? 1);
    const ready = (object: AnyObject): number =>
      number(object, check.resource === "daemonsets" ? "status.numberReady" : "status.readyReplicas");
    const images = (object: AnyObject): string[] =>
      ((fieldAt(object, "spec.template.spec.containers") as readonly { image?: string }[] | undefined) ?? []).map(
        (container) => container.image ?? "",
      );
    const observed = (object: AnyObject): boolean =>
      number(object, "status.observedGeneration") >= number(object, "metadata.generation") &&
      (check.resource !== "deployments" || number(object, "status.updatedReplicas") >= desired(object)) &&
      (check.resource !== "deployments" ||
        number(object, "status.replicas") === number(object, "status.updatedReplicas"));
    const candidates = listObjects(observation, check.resource, check.namespace);
    return judge<AnyObject>({
      candidates,
      count: { min: 1, max: Number.POSITIVE_INFINITY },
      what: both(`${kind.title} \`${name}\``),
      none: (candidates.length === 0 ? silence(observation) : undefined) ?? {
        vi: `Chưa có ${kind.title} nào.`,
        en: `There is no ${kind.title} yet.`,
      },
      look: `kubectl get ${kind.argument}${scope}`,
      criteria: [
        {
          matches: (object) => object.metadata.name === name,
          expected: { vi: "", en: "" },
          found: (object) => ({
            vi: `Chưa có ${kind.title} tên \`${name}\`; có \`${object.metadata.name}\`.`,
            en: `No ${kind.title} is called \`${name}\`; there is \`${object.metadata.name}\`.`,
          }),
        },
        ...(image === undefined
          ? []
          : [
              {
                matches: (object: AnyObject) => images(object).some((one) => imageFits(image, one)),
                expected: { vi: `chạy image \`${image}\``, en: `running image \`${image}\`` },
                found: (object: AnyObject) => ({
                  vi: `\`${name}\` đang dùng image \`${images(object).join(", ")}\`.`,
                  en: `\`${name}\` uses image \`${images(object).join(", ")}\`.`,
                }),
                look: () => `kubectl get ${kind.argument} ${name}${scope} -o wide`,
              },
            ]),
        ...(replicas === undefined
          ? []
          : [
              {
                matches: (object: AnyObject) => desired(object) === replicas,
                expected: { vi: `muốn có ${replicas} bản sao`, en: `asking for ${plural(replicas, "replica")}` },
                found: (object: AnyObject) => ({
                  vi: `\`${name}\` đang muốn có ${desired(object)} bản sao.`,
                  en: `\`${name}\` asks for ${plural(desired(object), "replica")}.`,
                }),
              },
            ]),
        {
          matches: (object) =>
            ready(object) === desired(object) && desired(object) >= (replicas ?? 1) && observed(object),
          expected: { vi: "và mọi bản sao đều sẵn sàng", en: "with every replica ready" },
          found: (object) => ({
            vi: `\`${name}\` có ${ready(object)} trên ${desired(object)} bản sao sẵn sàng${observed(object) ? "" : ", việc cập nhật chưa xong"}.`,
            en: `\`${name}\` has ${ready(object)} of ${desired(object)} replicas ready${observed(object) ? "" : ", and its rollout is not finished"}.`,
          }),
          look: () => `kubectl get pods${scope}`,
        },
      ],
    });
  },
});
