import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import { Conntrack } from "@/simulator/net/conntrack";
import { type EvaluationContext, evaluate } from "@/simulator/net/netfilter/evaluate";
import { Netfilter } from "@/simulator/net/netfilter/netfilter";
import { parseRule, splitArguments } from "@/simulator/net/netfilter/parse";
import { ruleText } from "@/simulator/net/netfilter/save";
import { type Packet, makePacket } from "@/simulator/net/packet";
import fc from "fast-check";
import { expect, test } from "vitest";

const packet = (more: Partial<Packet> = {}): Packet => ({
  ...makePacket(
    "tcp",
    { source: "10.0.0.3", sourcePort: 40_000, destination: "10.0.0.2", destinationPort: 80 },
    { syn: true },
  ),
  ...more,
});

function context(more: Partial<EvaluationContext> = {}): EvaluationContext {
  const loop = new Loop(1_000_000);
  return {
    clock: loop,
    random: new Random("rules"),
    tracked: new Conntrack(loop).track(packet()),
    addressType: (address) => (address === "10.0.0.2" || address.startsWith("127.") ? "LOCAL" : "UNICAST"),
    inSet: (name) => name === "GOOD",
    recent: () => new Map(),
    bridged: false,
    ...more,
  };
}

/** The verdict of one rule in INPUT, with the policy ACCEPT: did it match? */
function matches(rule: string, over: Partial<Packet> = {}): boolean {
  const tables = new Netfilter(() => {});
  const added = tables.apply("filter", `-A INPUT ${rule} -j DROP`);
  if (!added.ok) throw new Error(added.error);
  return evaluate(tables.tables.filter, "INPUT", packet(over), context()).kind === "drop";
}

test.each([
  { name: "everything", rule: "", over: {}, hit: true },
  { name: "source in a network", rule: "-s 10.0.0.0/24", over: {}, hit: true },
  { name: "source elsewhere", rule: "-s 10.0.1.0/24", over: {}, hit: false },
  { name: "negated source", rule: "! -s 10.0.1.0/24", over: {}, hit: true },
  { name: "destination", rule: "-d 10.0.0.2/32", over: {}, hit: true },
  { name: "protocol", rule: "-p udp", over: {}, hit: false },
  { name: "port", rule: "-p tcp --dport 80", over: {}, hit: true },
  { name: "port range", rule: "-p tcp --dport 70:79", over: {}, hit: false },
  { name: "negated port", rule: "-p tcp ! --dport 443", over: {}, hit: true },
  { name: "source port", rule: "-p tcp --sport 1024:65535", over: {}, hit: true },
  { name: "multiport", rule: "-p tcp -m multiport --dports 22,80,443", over: {}, hit: true },
  { name: "service name", rule: "-p tcp --dport http", over: {}, hit: true },
  { name: "in interface", rule: "-i eth0", over: { inInterface: "eth0" }, hit: true },
  { name: "another in interface", rule: "-i eth0", over: { inInterface: "lo" }, hit: false },
  { name: "interface wildcard", rule: "-i veth+", over: { inInterface: "veth12ab" }, hit: true },
  { name: "negated interface", rule: "! -i docker0", over: { inInterface: "eth0" }, hit: true },
  { name: "local destination", rule: "-m addrtype --dst-type LOCAL", over: {}, hit: true },
  { name: "not a local source", rule: "-m addrtype --src-type LOCAL", over: {}, hit: false },
  { name: "new flow", rule: "-m conntrack --ctstate NEW", over: {}, hit: true },
  { name: "established flow", rule: "-m conntrack --ctstate RELATED,ESTABLISHED", over: {}, hit: false },
  { name: "negated state", rule: "-m conntrack ! --ctstate ESTABLISHED", over: {}, hit: true },
  { name: "mark", rule: "-m mark --mark 0x4000/0x4000", over: { mark: 0x4001 }, hit: true },
  { name: "no mark", rule: "-m mark ! --mark 0x4000/0x4000", over: {}, hit: true },
  { name: "set", rule: "-m set --match-set GOOD src", over: {}, hit: true },
  { name: "not in set", rule: "-m set ! --match-set BAD src", over: {}, hit: true },
  { name: "syn", rule: "-p tcp --syn", over: {}, hit: true },
  { name: "never", rule: "-m statistic --mode random --probability 0", over: {}, hit: false },
  { name: "always", rule: "-m statistic --mode random --probability 1", over: {}, hit: true },
  { name: "comment", rule: '-m comment --comment "just words"', over: {}, hit: true },
])("$name: $rule", ({ rule, over, hit }) => {
  expect(matches(rule, over)).toBe(hit);
});

test.each([
  { name: "an unknown option", rule: "-p tcp --wat 1", error: 'unknown option "--wat"' },
  { name: "an unknown match", rule: "-m wat", error: "Couldn't load match `wat':No such file or directory" },
  { name: "a port without a protocol", rule: "--dport 80", error: 'unknown option "--dport"' },
  { name: "a bad address", rule: "-s 10.0.0.300", error: "host/network `10.0.0.300' not found" },
  { name: "a bad port", rule: "-p tcp --dport 70000", error: "invalid port/service `70000' specified" },
  { name: "a missing value", rule: "-s", error: 'option "-s" requires an argument' },
  { name: "a bad protocol", rule: "-p wat", error: 'unknown protocol "wat" specified' },
])("$name is refused", ({ rule, error }) => {
  expect(parseRule(splitArguments(rule))).toEqual({ ok: false, error });
});

test("RETURN goes back to the caller, a jump's end too, and marks stay", () => {
  const tables = new Netfilter(() => {});
  for (const command of [
    "-N A",
    "-N B",
    "-A INPUT -j A",
    "-A INPUT -m mark --mark 0x3 -j DROP",
    "-A A -j B",
    "-A A -j MARK --or-mark 0x2",
    "-A B -j MARK --set-mark 0x1",
    "-A B -j RETURN",
    "-A B -j ACCEPT",
  ])
    expect(tables.apply("filter", command)).toMatchObject({ ok: true });
  expect(evaluate(tables.tables.filter, "INPUT", packet(), context()).kind).toBe("drop");
});

test("a policy decides where no rule does, and counters count", () => {
  const tables = new Netfilter(() => {});
  tables.setPolicy("filter", "INPUT", "DROP");
  tables.apply("filter", "-A INPUT -p tcp --dport 80 -j ACCEPT");
  expect(evaluate(tables.tables.filter, "INPUT", packet(), context()).kind).toBe("accept");
  expect(evaluate(tables.tables.filter, "INPUT", packet({ destinationPort: 81 }), context()).kind).toBe("drop");
  const chain = tables.chain("filter", "INPUT")!;
  expect([chain.rules[0]!.counters.packets, chain.counters.packets]).toEqual([1, 1]);
});

test("restore changes all or nothing", () => {
  const tables = new Netfilter(() => {});
  tables.apply("nat", "-A POSTROUTING -j MASQUERADE");
  const before = tables.chain("nat", "POSTROUTING")!.rules;
  expect(
    tables.restore("*nat\n:NEW - [0:0]\n-A NEW -j ACCEPT\n-A NOPE -j ACCEPT\nCOMMIT\n", { noFlush: true }),
  ).toEqual({
    ok: false,
    error: "line 4: No chain/target/match by that name.",
  });
  expect(tables.chain("nat", "NEW")).toBeUndefined();
  expect(tables.chain("nat", "POSTROUTING")!.rules).toBe(before);
});

test("what iptables-save prints is read back to the same rule (seed 20260302)", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const cidr = fc
    .tuple(octet, octet, fc.integer({ min: 8, max: 32 }))
    .map(([a, b, prefix]) => `10.${a}.${b}.0/${prefix}`);
  const optional = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.option(arbitrary, { nil: "" });
  const not = fc.constantFrom("", "! ");
  const rule = fc
    .tuple(
      optional(fc.tuple(not, cidr).map(([bang, net]) => `${bang}-s ${net}`)),
      optional(fc.tuple(not, cidr).map(([bang, net]) => `${bang}-d ${net}`)),
      optional(fc.tuple(not, fc.constantFrom("eth0", "docker0", "veth+")).map(([bang, name]) => `${bang}-i ${name}`)),
      optional(
        fc
          .tuple(not, fc.integer({ min: 1, max: 65_535 }))
          .map(([bang, port]) => `-p tcp -m tcp ${bang}--dport ${port}`),
      ),
      optional(
        fc.constantFrom(
          "-m conntrack --ctstate NEW",
          "-m conntrack ! --ctstate ESTABLISHED",
          "-m addrtype --dst-type LOCAL",
          "-m mark --mark 0x4000/0x4000",
          '-m comment --comment "a \\"b\\" c"',
          "-m statistic --mode random --probability 0.3333333333",
          "-m limit --limit 5/min --limit-burst 10",
        ),
      ),
      fc.constantFrom(
        "-j ACCEPT",
        "-j REJECT --reject-with tcp-reset",
        "-j MASQUERADE --random-fully",
        "-j DNAT --to-destination 10.1.2.3:8080",
        "-j MARK --set-xmark 0x4000/0x4000",
        "-j KUBE-SERVICES",
        "-g OTHER",
      ),
    )
    .map((parts) => parts.filter((part) => part !== "").join(" "));
  fc.assert(
    fc.property(rule, (text) => {
      const first = parseRule(splitArguments(text));
      if (!first.ok) throw new Error(first.error);
      const printed = ruleText(first.value);
      const second = parseRule(splitArguments(printed));
      if (!second.ok) throw new Error(`${printed}: ${second.error}`);
      expect(ruleText(second.value)).toBe(printed);
    }),
    { seed: 20260302, numRuns: 300 },
  );
});
