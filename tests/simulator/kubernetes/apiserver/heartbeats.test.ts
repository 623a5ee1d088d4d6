import fc from "fast-check";
import { expect, test } from "vitest";
import { microTime } from "@/simulator/kubernetes/client/event-recorder";
import { ADMIN, world } from "./world";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant("renew" as const), lease: fc.constantFrom("a", "b") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom("hold", "label", "steal", "stale", "delete", "role", "stop", "same", "bad" as const),
      lease: fc.constantFrom("a", "b"),
    }),
  },
);

/** Runs the steps; with `isSlow` no two requests look alike from outside, so that each goes the whole way. */
function run(steps: readonly { readonly op: string; readonly lease: string }[], isSlow: boolean) {
  const { server, loop, call, watch } = world();
  const seen = watch(`${LEASES}?watch=true`);
  const headers = { "user-agent": "kube-scheduler/v1.36.2 (linux/amd64)" };
  // biome-ignore lint/suspicious/noExplicitAny: leases of any state.
  const held = new Map<string, any>();
  const answers: unknown[] = [];
  const put = (lease: string, body: unknown, agent = headers): void => {
    const answer = server.request({
      method: "PUT",
      path: `${LEASES}/${lease}`,
      body,
      headers: isSlow ? { ...agent } : agent,
      credentials: isSlow ? { ...ADMIN } : ADMIN,
    });
    answers.push(answer);
    if ("status" in answer && answer.status === 200) held.set(lease, answer.body);
  };
  for (const name of ["a", "b"]) {
    const made = call("POST", LEASES, {
      metadata: { name },
      spec: { holderIdentity: "one", leaseDurationSeconds: 15, renewTime: microTime(loop.now()) },
    });
    held.set(name, made.body);
  }
  for (const { op, lease } of steps) {
    loop.runUntil(loop.now() + 1700);
    const mine = held.get(lease);
    const renewTime = microTime(loop.now());
    if (op === "renew") put(lease, { ...mine, spec: { ...mine.spec, renewTime } });
    else if (op === "same") put(lease, { ...mine, spec: { ...mine.spec } });
    else if (op === "bad") put(lease, { ...mine, spec: { ...mine.spec, renewTime: "soon" } });
    else if (op === "hold") put(lease, { ...mine, spec: { ...mine.spec, holderIdentity: "two", renewTime } });
    else if (op === "steal") put(lease, { ...mine, spec: { ...mine.spec, renewTime } }, { "user-agent": "thief/1" });
    else if (op === "label")
      answers.push(
        call(
          "PATCH",
          `${LEASES}/${lease}`,
          { metadata: { labels: { at: renewTime.slice(11, 13) } } },
          {
            headers: { "content-type": "application/merge-patch+json" },
          },
        ),
      );
    // What the holder has seen last is another object than the stored one from now on.
    else if (op === "stale") put(lease, { ...mine, metadata: { ...mine.metadata }, spec: { ...mine.spec, renewTime } });
    else if (op === "delete") answers.push(call("DELETE", `${LEASES}/${lease}`));
    else if (op === "role")
      call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", { metadata: { generateName: "r" }, rules: [] });
    else if (op === "stop") {
      server.stop();
      put(lease, { ...mine, spec: { ...mine.spec, renewTime } });
      server.start();
    }
  }
  loop.runUntil(loop.now());
  return { hash: server.etcd.store.hash(), answers, seen, audit: server.audit.entries() };
}

test("property: a heartbeat that is known is stored, answered, watched and audited as the whole way does", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 30 }), (steps) => {
      const quick = run(steps, false);
      const slow = run(steps, true);
      expect(quick).toEqual(slow);
      expect(JSON.stringify(quick.answers)).toBe(JSON.stringify(slow.answers));
    }),
    { numRuns: 40 },
  );
});

test("a renewal of somebody who may not any more is refused, known or not", () => {
  const { server, call } = world();
  const credentials = { certificate: { commonName: "jane", organizations: [] } };
  const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system";
  call("POST", `${rbac}/roles`, {
    metadata: { name: "leases" },
    rules: [{ apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["*"] }],
  });
  call("POST", `${rbac}/rolebindings`, {
    metadata: { name: "leases" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "leases" },
    subjects: [{ kind: "User", name: "jane" }],
  });
  const headers = {};
  let lease = call(
    "POST",
    LEASES,
    { metadata: { name: "l" }, spec: { renewTime: microTime(0) } },
    { credentials },
  ).body;
  const renew = (seconds: number) =>
    server.request({
      method: "PUT",
      path: `${LEASES}/l`,
      body: { ...lease, spec: { ...lease.spec, renewTime: microTime(seconds * 1000) } },
      headers,
      credentials,
    }) as { status: number; body: unknown };
  for (const seconds of [1, 2, 3]) {
    const answer = renew(seconds);
    expect(answer.status).toBe(200);
    lease = answer.body;
  }
  call("DELETE", `${rbac}/rolebindings/leases`);
  expect(renew(4).status).toBe(403);
});
