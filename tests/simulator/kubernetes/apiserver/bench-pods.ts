/** Drives Pods through the writes that a real start makes; run by tests/bench, not a test. */
import { PODS, pod, world } from "./world";

/** Creates, binds and reports `count` Pods, with `watchers` watches open; the time is the caller's to take. */
export function drivePods(count: number, watchers = 10): { readonly events: number; readonly revision: number } {
  const { call, watch, loop, server } = world();
  const streams = Array.from({ length: watchers }, (_, i) =>
    watch(i % 2 === 0 ? "/api/v1/pods?watch=true" : `/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn${i}`),
  );
  const status = { headers: { "content-type": "application/strategic-merge-patch+json" } };
  for (let i = 0; i < count; i++) {
    const name = `p${i}`;
    call("POST", PODS, pod(name));
    call("POST", `${PODS}/${name}/binding`, { target: { name: `n${i % 10}` } });
    for (const phase of ["Pending", "Running"]) {
      call(
        "PATCH",
        `${PODS}/${name}/status`,
        {
          status: {
            phase,
            podIP: `10.244.0.${i % 250}`,
            conditions: ["Initialized", "Ready", "ContainersReady"].map((type) => ({ type, status: "True" })),
          },
        },
        status,
      );
    }
    if (i % 50 === 0) loop.runUntil(loop.now());
  }
  loop.runUntil(loop.now());
  return { events: streams.reduce((n, s) => n + s.length, 0), revision: server.etcd.store.revision };
}
