/** node.unit: on how many of some machines a service of systemd is in a state. */
import * as z from "zod/mini";
import { defineCheck, met, unmet } from "../verdict";
import { countRange, countSchema } from "./count";

const schema = z.strictObject({
  kind: z.literal("node.unit"),
  /** `etcd`, `kubelet` … */
  unit: z.string(),
  hosts: z.array(z.string()).check(z.minLength(1)),
  running: z._default(z.boolean(), true),
  /** Of the hosts named; absent: all of them. */
  count: countSchema,
});

export const nodeUnit = defineCheck({
  kind: "node.unit",
  schema,
  names: (check) => [check.unit, ...check.hosts],
  evaluate(check, observation) {
    const { unit, hosts, running } = check;
    const range = check.count === undefined ? { min: hosts.length, max: hosts.length } : countRange(check.count);
    const up = hosts.filter((host) => observation.node(host)?.unit(unit) === "active");
    const down = hosts.filter((host) => !up.includes(host));
    const fitting = running ? up.length : down.length;
    if (fitting >= range.min && fitting <= range.max) return met;
    const wanted = range.min === range.max ? String(range.min) : `≥ ${range.min}`;
    const list = (names: readonly string[]): string => (names.length === 0 ? "∅" : names.join(", "));
    const where = running ? up : down;
    return unmet(
      {
        vi: `\`${unit}\` ${running ? "đang chạy" : "đã dừng"} trên ${wanted} trong ${hosts.length} máy: ${list(hosts)}.`,
        en: `\`${unit}\` ${running ? "runs" : "is stopped"} on ${wanted} of ${hosts.length} machines: ${list(hosts)}.`,
      },
      running
        ? { vi: `Hiện đang chạy trên: ${list(where)}.`, en: `It now runs on: ${list(where)}.` }
        : { vi: `Hiện đã dừng trên: ${list(where)}.`, en: `It is now stopped on: ${list(where)}.` },
      `ssh ${(running ? down : up)[0] ?? hosts[0]} systemctl status ${unit}`,
    );
  },
});
