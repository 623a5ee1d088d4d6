/** What checks may see of a node: its files, its programs, and by which rules its kernel leads packets to Services. */
import { createMachine } from "@/simulator";
import { expect, test } from "vitest";

test("a change of kube-proxy's mode leaves no rules of the old one behind, and programs of nodes are told apart", () => {
  const machine = createMachine({ scenario: "kubeadm", seed: 5 });
  const done = (line: string): number => {
    const run = machine.command(line);
    while (run.exitCode === undefined) machine.runUntil(machine.now() + 100);
    return run.exitCode;
  };
  const rules = () => machine.observe.node("worker-1")!.serviceRules();
  expect(rules().iptables).toBeGreaterThan(0);
  expect(rules()).toMatchObject({ ipvs: 0, nftables: 0 });

  const change = (mode: string): number =>
    done(
      `kubectl -n kube-system get cm kube-proxy -o yaml | sed 's/mode: .*/mode: ${mode}/' | kubectl replace -f - && kubectl -n kube-system rollout restart ds kube-proxy && kubectl -n kube-system rollout status ds kube-proxy && sleep 2`,
    );
  // ipvs leaves the iptables chains, as upstream does, but packets are no longer led to them.
  expect(change("ipvs")).toBe(0);
  expect(rules()).toMatchObject({ iptables: 0, nftables: 0 });
  expect(rules().ipvs).toBeGreaterThan(0);
  expect(change("nftables")).toBe(0);
  expect(rules()).toMatchObject({ iptables: 0, ipvs: 0 });
  expect(rules().nftables).toBeGreaterThan(0);

  expect(done("ssh worker-1 'curl -s localhost:10249/proxyMode > /tmp/mode; crictl ps'")).toBe(0);
  expect(machine.observe.node("worker-1")!.readFile("/tmp/mode")).toBe("nftables");
  expect(machine.observe.node("nowhere")).toBeUndefined();
  const on = (host: string): string[] =>
    machine.observe.programs().flatMap((run) => (run.host === host ? [run.argv[0]!] : []));
  expect(on("worker-1")).toContain("crictl");
  expect(on("laptop")).toContain("ssh");
  expect(on("laptop")).not.toContain("crictl");
});
