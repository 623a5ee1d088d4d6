import { expect, test } from "vitest";
import { revisionData } from "@/simulator/kubernetes/controllers/controller-revisions";
import { computeHash, goDump, hashRevision } from "@/simulator/kubernetes/controllers/template-hash";
import type { PodTemplateSpec } from "@/simulator/kubernetes/api/types.generated";

const container = (name: string, image: string, more: object = {}) => ({
  name,
  image,
  ...more,
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  imagePullPolicy: "IfNotPresent",
});

const template = (labels: Record<string, string>, only: object, grace = 30) =>
  ({
    metadata: { labels },
    spec: {
      containers: [only],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: grace,
      dnsPolicy: "ClusterFirst",
      securityContext: {},
      schedulerName: "default-scheduler",
    },
  }) as unknown as PodTemplateSpec;

// Recorded from Kubernetes 1.36.2.
test.each([
  { image: "minhta/hello-world-rest-api:0.0.1.RELEASE", hash: "6484c66f7c" },
  { image: "in28min/hello-world-rest-api:0.0.2.RELEASE", hash: "78b5c788cd" },
])("the template of $image is called $hash, as in a real cluster", ({ image, hash }) => {
  const name = "hello-world-rest-api";
  expect(computeHash(template({ app: name }, container(name, image)))).toBe(hash);
});

test("a StatefulSet's revision is called as in a real cluster", () => {
  const only = container("db", "busybox:1.28", { command: ["sleep", "3600"] });
  expect(hashRevision(revisionData(template({ app: "db" }, only, 1)), 0)).toBe("748596d55");
});

test("a collision makes another name", () => {
  const same = template({ app: "a" }, container("a", "nginx"));
  expect(new Set([undefined, 0, 1, 256].map((count) => computeHash(same, count))).size).toBe(4);
});

test.each([
  { type: "*int64", value: undefined, dump: "(*int64)<nil>" },
  { type: "*int64", value: 30, dump: "(*int64)30" },
  { type: "[]string", value: ["a", "b"], dump: "([]string)[a b]" },
  { type: "map[string]string", value: { b: "2", a: "1" }, dump: "(map[string]string)map[a:1 b:2]" },
  {
    type: "intstr.IntOrString",
    value: "http",
    dump: "(intstr.IntOrString){Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)http}",
  },
  {
    type: "v1.ConfigMapKeySelector",
    value: { name: "c", key: "k" },
    dump: "(v1.ConfigMapKeySelector){LocalObjectReference:(v1.LocalObjectReference){Name:(string)c} Key:(string)k Optional:(*bool)<nil>}",
  },
  {
    type: "resource.Quantity",
    value: "64Mi",
    dump: "(resource.Quantity){i:(resource.int64Amount){value:(int64)67108864 scale:(resource.Scale)0} d:(resource.infDecAmount){Dec:(*inf.Dec)<nil>} s:(string)64Mi Format:(resource.Format)BinarySI}",
  },
])("Go's dump of $type", ({ type, value, dump }) => {
  expect(goDump(value, type)).toBe(dump);
});
