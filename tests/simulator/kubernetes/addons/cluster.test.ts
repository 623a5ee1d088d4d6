import { makeCluster } from "./cluster";
import { expect, test } from "vitest";

test("CoreDNS: Services, headless Services, Pods, SRV, PTR, ExternalName and names of elsewhere", () => {
  const { world, client, query } = makeCluster();
  const ask = (name: string, type = "A"): string[] => query(name, type).split("\n").filter(Boolean);
  expect(ask("kubernetes.default.svc.cluster.local")).toEqual(["10.96.0.1"]);
  expect(ask("web.default.svc.cluster.local")).toEqual(["10.96.0.50"]);
  expect(ask("headless.default.svc.cluster.local").sort()).toEqual(["10.244.1.2", "10.244.2.2"]);
  expect(ask("web-0.headless.default.svc.cluster.local")).toEqual(["10.244.1.2"]);
  expect(ask("10-244-2-2.headless.default.svc.cluster.local")).toEqual(["10.244.2.2"]);
  expect(ask("_http._tcp.web.default.svc.cluster.local", "SRV")).toEqual(["0 100 80 web.default.svc.cluster.local."]);
  expect(ask("_http._tcp.headless.default.svc.cluster.local", "SRV").sort()).toEqual([
    "0 50 8080 10-244-2-2.headless.default.svc.cluster.local.",
    "0 50 8080 web-0.headless.default.svc.cluster.local.",
  ]);
  expect(ask("10-244-1-2.default.pod.cluster.local")).toEqual(["10.244.1.2"]);
  expect(ask("50.0.96.10.in-addr.arpa", "PTR")).toEqual(["web.default.svc.cluster.local."]);
  expect(ask("outside.default.svc.cluster.local")).toEqual(["example.test.", "198.51.100.7"]);
  expect(ask("example.test")).toEqual(["198.51.100.7"]);
  expect(ask("nope.default.svc.cluster.local")).toEqual([]);
  // A Pod finds a Service by its short name through the search list.
  const ran = world.run(client, ["busybox:nslookup", "web.default.svc.cluster.local"]);
  expect(ran.out).toBe(
    "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.0.50\n\n\n",
  );
  expect(world.run(client, ["curl", "-s", "http://web/"]).out).toMatch(/^pod at 10\.244\.\d\.2\n$/);
  const unknown = world.run(client, ["curl", "-sS", "http://nope/"]);
  expect(unknown).toMatchObject({ err: "curl: (6) Could not resolve host: nope\n", code: 6 });
});

test("a Corefile with an unknown directive ends CoreDNS with upstream's words", () => {
  const { world, client } = makeCluster();
  client.context.mounts.makeDirs("/etc/coredns");
  client.context.mounts.writeFile("/etc/coredns/Corefile", ".:54 {\n  errors\n  wat\n}\n" as never);
  const ran = world.run(client, ["coredns", "-conf", "/etc/coredns/Corefile"]);
  expect(ran).toMatchObject({
    code: 1,
    err: "/etc/coredns/Corefile:3 - Error during parsing: Unknown directive 'wat'\n",
  });
});

test("kube-proxy follows the API: a Service that loses its endpoints refuses, one that is deleted has no rules", () => {
  const { world, client, api, settle, nodes } = makeCluster();
  expect(world.run(client, ["curl", "-s", "http://10.96.0.50/"]).out).toMatch(/^pod at/);
  api.patchSlice("web", []);
  settle();
  const refused = world.run(client, ["curl", "-sS", "http://10.96.0.50/"]);
  expect(refused).toMatchObject({
    code: 7,
    err: "curl: (7) Failed to connect to 10.96.0.50 port 80 after 0 ms: Couldn't connect to server\n",
  });
  api.deleteService("web");
  settle();
  expect(world.run(nodes[0]!.node, ["iptables-save"]).out).not.toContain("default/web");
});

test("the ingress controller routes by host and path, and answers 404 and 503 as nginx does", () => {
  const { world, outsider, startIngress, api, settle } = makeCluster();
  const at = startIngress();
  const get = (url: string, ...more: string[]) =>
    world.run(outsider, ["curl", "-s", "-w", " %{http_code}", ...more, url]).out;
  expect(get(`http://${at}/`, "-H", "Host: shop.test")).toMatch(/^pod at 10\.244\.\d\.2\n 200$/);
  expect(get(`http://${at}/other`, "-H", "Host: shop.test")).toMatch(/ 200$/);
  expect(get(`http://${at}/`, "-H", "Host: unknown.test")).toBe(
    "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n 404",
  );
  api.patchSlice("web", []);
  settle();
  expect(get(`http://${at}/`, "-H", "Host: shop.test")).toMatch(/503 Service Temporarily Unavailable[\s\S]* 503$/);
});

test("a LoadBalancer Service gets an address on which it answers from outside, and gives it back", () => {
  const { world, outsider, api, settle } = makeCluster();
  api.setType("web", "LoadBalancer");
  settle(8000);
  const address = api.externalAddress("web");
  expect(address).toBe("10.0.0.200");
  expect(world.run(outsider, ["curl", "-s", `http://${address}/`]).out).toMatch(/^pod at/);
  api.deleteService("web");
  settle(8000);
  expect(world.run(outsider, ["curl", "-sS", "-m", "5", `http://${address}/`]).code).toBe(7);
});

test("the cloud tells what it knows of a node", () => {
  const { api } = makeCluster();
  expect(api.node("node-2")).toMatchObject({
    metadata: {
      labels: {
        "node.kubernetes.io/instance-type": "lab.small",
        "topology.kubernetes.io/region": "lab-1",
        "topology.kubernetes.io/zone": "lab-1b",
      },
    },
    spec: { providerID: "lab://lab/node-2" },
  });
});

test("NetworkPolicy: default deny drops, an allow rule for a label lets through, also on one node", () => {
  const { world, nodes, client, api, settle } = makeCluster();
  const target = "http://10.244.1.2:8080/";
  const other = nodes[0]!.pods[1]!;
  const far = nodes[1]!.pods[0]!;
  const reach = (from: typeof client): number | undefined =>
    world.run(from, ["curl", "-s", "-m", "2", "-o", "/dev/null", target]).code;
  expect([reach(other), reach(far)]).toEqual([0, 0]);
  api.createPolicy({ podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"] });
  settle();
  expect([reach(other), reach(far)]).toEqual([28, 28]);
  // The node itself (the kubelet's probes) always gets through.
  expect(reach(nodes[0]!.node)).toBe(0);
  api.createPolicy({
    podSelector: { matchLabels: { app: "web" } },
    ingress: [{ from: [{ podSelector: { matchLabels: { role: "friend" } } }], ports: [{ port: 8080 }] }],
  });
  settle();
  expect([reach(other), reach(far)]).toEqual([0, 28]);
});
