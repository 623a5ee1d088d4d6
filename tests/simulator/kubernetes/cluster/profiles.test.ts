import { expect, test } from "vitest";
import { lanPrefixFor } from "@/simulator/kubernetes/cluster/lan-size";
import { managed, withNodes } from "@/simulator/kubernetes/cluster/profiles";
import { cidrHas, cidrSize, parseCidr } from "@/simulator/net/address";

test.each([1, 100, 180, 181, 250, 251, 1000, 1024])(
  "%i workers have addresses and Pod networks of their own",
  (count) => {
    const profile = withNodes(managed, count);
    const addresses = profile.workers.map((worker) => worker.address);
    expect(new Set(addresses).size).toBe(count);
    const lan = parseCidr(`10.89.0.0/${profile.lanPrefix}`)!;
    expect(addresses.every((address) => cidrHas(lan, address) && !/\.(0|255)$/.test(address))).toBe(true);
    // The gateway, the control plane, the laptops and the load balancers keep theirs.
    const balancers = parseCidr("10.89.0.192/26")!;
    expect(addresses.some((address) => cidrHas(balancers, address) || /^10\.89\.0\.([1-9]|10)$/.test(address))).toBe(
      false,
    );
    expect(cidrSize(parseCidr(profile.podCidr)!) / 256).toBeGreaterThanOrEqual(count);
    expect(profile.lanPrefix).toBe(lanPrefixFor(count));
  },
);
