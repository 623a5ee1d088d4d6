/** kubernetes.service: a Service and how many ready Pods stand behind it. */
import * as z from "zod/mini";
import { judge } from "../criteria";
import { plural } from "../plural";
import { both, defineCheck } from "../verdict";
import { type AnyObject, fieldAt, listObjects } from "./cluster";

const schema = z.strictObject({
  kind: z.literal("kubernetes.service"),
  namespace: z._default(z.string(), "default"),
  name: z.string(),
  type: z.optional(z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"])),
  port: z.optional(z.int()),
  /** Ready endpoints, at least. */
  endpoints: z.optional(z.int().check(z.nonnegative())),
});

export const kubernetesService = defineCheck({
  kind: "kubernetes.service",
  schema,
  names: (check) => [check.name],
  evaluate(check, observation) {
    const { name, type, port, endpoints } = check;
    const scope = check.namespace === "default" ? "" : ` -n ${check.namespace}`;
    const ready = (): number =>
      listObjects(observation, "endpointslices", check.namespace, `kubernetes.io/service-name=${name}`)
        .flatMap(
          (slice) => (slice["endpoints"] as readonly { conditions?: { ready?: boolean } }[] | null | undefined) ?? [],
        )
        .filter((endpoint) => endpoint.conditions?.ready !== false).length;
    const ports = (service: AnyObject): number[] =>
      ((fieldAt(service, "spec.ports") as readonly { port: number }[] | undefined) ?? []).map((one) => one.port);
    return judge<AnyObject>({
      candidates: listObjects(observation, "services", check.namespace).filter(
        (service) => service.metadata.name !== "kubernetes",
      ),
      count: { min: 1, max: Number.POSITIVE_INFINITY },
      what: both(`Service \`${name}\``),
      none: { vi: "Chưa có Service nào của bạn.", en: "There is no Service of yours yet." },
      look: `kubectl get services${scope}`,
      criteria: [
        {
          matches: (service) => service.metadata.name === name,
          expected: { vi: "", en: "" },
          found: (service) => ({
            vi: `Chưa có Service tên \`${name}\`; có \`${service.metadata.name}\`.`,
            en: `No Service is called \`${name}\`; there is \`${service.metadata.name}\`.`,
          }),
        },
        ...(type === undefined
          ? []
          : [
              {
                matches: (service: AnyObject) => fieldAt(service, "spec.type") === type,
                expected: { vi: `kiểu \`${type}\``, en: `of type \`${type}\`` },
                found: (service: AnyObject) => ({
                  vi: `\`${name}\` có kiểu \`${fieldAt(service, "spec.type")}\`.`,
                  en: `\`${name}\` is of type \`${fieldAt(service, "spec.type")}\`.`,
                }),
              },
            ]),
        ...(port === undefined
          ? []
          : [
              {
                matches: (service: AnyObject) => ports(service).includes(port),
                expected: { vi: `mở cổng ${port}`, en: `on port ${port}` },
                found: (service: AnyObject) => ({
                  vi: `\`${name}\` mở cổng ${ports(service).join(", ") || "nào cũng không"}.`,
                  en: `\`${name}\` is on port ${ports(service).join(", ") || "none"}.`,
                }),
              },
            ]),
        ...(endpoints === undefined
          ? []
          : [
              {
                matches: () => ready() >= endpoints,
                expected: {
                  vi: `có ít nhất ${endpoints} Pod sẵn sàng phía sau`,
                  en: `with at least ${plural(endpoints, "ready Pod")} behind it`,
                },
                found: () => ({
                  vi: `Phía sau \`${name}\` có ${ready()} Pod sẵn sàng.`,
                  en: `\`${name}\` has ${plural(ready(), "ready Pod")} behind it.`,
                }),
                look: () => `kubectl get endpointslices -l kubernetes.io/service-name=${name}${scope}`,
              },
            ]),
      ],
    });
  },
});
