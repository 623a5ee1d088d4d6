/** ip (iproute2's and BusyBox's), ifconfig, route, arp. */
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import { addressAt, broadcastOf, formatCidr, formatIpv4, netmask, parseCidr } from "../address";
import type { Interface, Namespace, Route } from "../namespace";
import { netOf } from "../netns";

/** A bridge without a port in use has no carrier. */
const hasCarrier = (device: Interface): boolean =>
  device.up &&
  (device.kind !== "bridge" || (device.segment?.ports().some((port) => port.interface !== device) ?? false));

/** BusyBox shows the kernel's state of a veth's far end as M-DOWN, for want of a name for the flag. */
function flagsOf(device: Interface, busybox = false): string {
  const flags =
    device.kind === "loopback"
      ? ["LOOPBACK"]
      : device.kind === "dummy"
        ? ["BROADCAST", "NOARP"]
        : ["BROADCAST", "MULTICAST"];
  if (device.up && !hasCarrier(device)) flags.unshift("NO-CARRIER");
  if (device.up) flags.push("UP");
  if (hasCarrier(device)) flags.push("LOWER_UP");
  if (busybox && device.kind === "veth") flags.push("M-DOWN");
  return flags.join(",");
}

const shownName = (device: Interface): string => {
  const peer = device.peer?.netns.interface(device.peer.name);
  return peer ? `${device.name}@if${peer.index}` : device.name;
};

const stateOf = (device: Interface): string =>
  device.kind === "loopback" || device.kind === "dummy" ? "UNKNOWN" : hasCarrier(device) ? "UP" : "DOWN";

function linkLines(device: Interface, busybox: boolean): string {
  const queue = device.kind === "ethernet" ? "fq_codel" : "noqueue";
  const master = device.master ? ` master ${device.master}` : "";
  // Devices without a queue of their own have no length to show.
  const length = device.kind === "veth" || device.kind === "bridge" ? "" : "qlen 1000";
  const state = busybox ? "" : `state ${stateOf(device)} group default `;
  const link = `${device.index}: ${shownName(device)}: <${flagsOf(device, busybox)}> mtu ${device.mtu} qdisc ${queue}${master} ${state}${length}\n`;
  const peer = device.peer && !busybox ? " link-netnsid 0" : "";
  const kind = device.kind === "loopback" ? "loopback" : "ether";
  return `${link}    link/${kind} ${device.mac} brd ${device.kind === "loopback" ? "00:00:00:00:00:00" : "ff:ff:ff:ff:ff:ff"}${peer}\n`;
}

/** `-4`, `-6`, `-o`: which addresses are listed, and each on one line. */
interface AddressView {
  readonly family: 4 | 6 | undefined;
  readonly oneLine: boolean;
}

/** `ip -o addr`: the device in front of each address, line ends as backslashes. */
function oneLineEach(device: Interface, lines: string): string {
  const entries = lines.split(/\n(?= {4}\S)/).filter(Boolean);
  const front = `${device.index}: ${device.name}`;
  return entries.map((entry) => `${front}    ${entry.trim().replaceAll("\n", "\\")}\n`).join("");
}

function addressLines(device: Interface, busybox: boolean, family: AddressView["family"]): string {
  let text = "";
  for (const { address, prefix } of family === 6 ? [] : device.addresses) {
    const broadcast =
      device.kind === "loopback" || prefix === 32 ? "" : ` brd ${broadcastOf(parseCidr(`${address}/${prefix}`)!)}`;
    const scope = device.kind === "loopback" ? "host" : "global";
    text += `    inet ${address}/${prefix}${broadcast} scope ${scope} ${device.name}\n       valid_lft forever preferred_lft forever\n`;
  }
  if (device.kind === "loopback" && family !== 4)
    text += `    inet6 ::1/128 scope host ${busybox ? "" : "noprefixroute "}\n       valid_lft forever preferred_lft forever\n`;
  return text;
}

function routeLine(netns: Namespace, route: Route, busybox: boolean): string {
  const destination =
    route.destination.prefix === 0
      ? "default"
      : route.destination.prefix === 32
        ? formatIpv4(route.destination.base)
        : formatCidr(route.destination);
  let text = destination;
  if (route.gateway) text += ` via ${route.gateway}`;
  text += ` dev ${route.device}`;
  if (route.protocol && route.protocol !== "boot" && !busybox) text += ` proto ${route.protocol}`;
  if (route.scope && route.scope !== "global") text += ` scope ${route.scope}`;
  if (route.source) text += `${busybox ? " " : ""} src ${route.source}`;
  if (route.metric) text += ` metric ${route.metric}`;
  const device = netns.interface(route.device);
  if (device && !busybox && !hasCarrier(device)) text += " linkdown";
  return `${text} \n`;
}

function makeIp(busybox: boolean): Program {
  return function* (process) {
    const netns = netOf(process);
    const args = process.argv.slice(1);
    let brief = false;
    let family: AddressView["family"];
    let oneLine = false;
    while (args[0]?.startsWith("-")) {
      const flag = args.shift()!;
      if (flag === "-br" || flag === "-brief") brief = true;
      else if (flag === "-4" || flag === "-6") family = flag === "-4" ? 4 : 6;
      else if (/^-o(?:ne(?:line)?)?$/.test(flag)) oneLine = true;
      else if (flag === "-V") {
        yield* process.print("ip utility, iproute2-6.1.0, libbpf 1.1.0\n");
        return 0;
      }
    }
    const [object = "", verb = "show", ...rest] = args;
    const is = (name: string): boolean => object !== "" && name.startsWith(object);
    try {
      if (is("address")) return yield* ipAddress(process, netns, verb, rest, brief, busybox, { family, oneLine });
      if (is("link")) return yield* ipLink(process, netns, verb, rest, brief, busybox);
      if (is("route")) return yield* ipRoute(process, netns, verb, rest, busybox);
      if (is("neighbour") || is("neighbor")) {
        for (const { address, mac, device } of neighbours(netns))
          yield* process.print(`${address} dev ${device} lladdr ${mac} REACHABLE \n`);
        return 0;
      }
      if (object === "netns" || object === "rule" || object === "tunnel") {
        if (object === "rule")
          yield* process.print(
            "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n",
          );
        return 0;
      }
    } catch (error) {
      if (!(error instanceof SysError) || error.code === "EPIPE") throw error;
      yield* process.printError(
        busybox ? `ip: RTNETLINK answers: ${error.text}\n` : `RTNETLINK answers: ${error.text}\n`,
      );
      return 2;
    }
    if (object === "" || object === "help") {
      yield* process.printError(
        busybox
          ? "BusyBox v1.37.0 () multi-call binary.\n\nUsage: ip [OPTIONS] address|route|link|neigh|rule [ARGS]\n"
          : "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\nwhere  OBJECT := { address | link | neighbor | route | rule }\n       OPTIONS := { -br[ief] }\n",
      );
      return object === "" ? 255 : 0;
    }
    yield* process.printError(
      busybox ? `ip: invalid argument '${object}' to 'ip'\n` : `Object "${object}" is unknown, try "ip help".\n`,
    );
    return 1;
  };
}

export const ip = makeIp(false);
export const busyboxIp = makeIp(true);

/** The device a `show` names, or all. Undefined after a message. */
function* devices(process: Process, netns: Namespace, rest: readonly string[]): Task<readonly Interface[] | undefined> {
  const words = rest.filter((word) => word !== "dev" && word !== "up");
  if (words[0] === undefined) return netns.interfaces;
  const device = netns.interface(words[0]);
  if (!device) {
    yield* process.printError(`Device "${words[0]}" does not exist.\n`);
    return undefined;
  }
  return [device];
}

function* ipAddress(
  process: Process,
  netns: Namespace,
  verb: string,
  rest: readonly string[],
  brief: boolean,
  busybox: boolean,
  view: AddressView,
): Task<number> {
  if ("show".startsWith(verb) || "list".startsWith(verb)) {
    const chosen = yield* devices(process, netns, rest);
    if (!chosen) return 1;
    const { family, oneLine } = view;
    for (const device of chosen) {
      const lines = addressLines(device, busybox, family);
      // A family that a device has no address of leaves the device out.
      if (family !== undefined && lines === "") continue;
      if (oneLine) yield* process.print(oneLineEach(device, lines));
      else if (brief) {
        const addresses = device.addresses.map(({ address, prefix }) => `${address}/${prefix} `).join("");
        yield* process.print(
          `${shownName(device).padEnd(16)} ${stateOf(device).padEnd(14)} ${addresses}${device.kind === "loopback" ? "::1/128 " : ""}\n`,
        );
      } else {
        const link = linkLines(device, busybox);
        yield* process.print((family === undefined ? link : `${link.split("\n", 1)[0]}\n`) + lines);
      }
    }
    return 0;
  }
  const isAdd = "add".startsWith(verb);
  if (!isAdd && !"delete".startsWith(verb)) {
    yield* process.printError(`Command "${verb}" is unknown, try "ip address help".\n`);
    return 255;
  }
  const cidr = rest.find((word) => /^[\d.]+(\/\d+)?$/.test(word));
  const device = rest[rest.indexOf("dev") + 1];
  if (!cidr || !parseCidr(cidr)) {
    yield* process.printError(`Error: any valid prefix is expected rather than "${rest[0] ?? ""}".\n`);
    return 1;
  }
  if (!rest.includes("dev") || !device) {
    yield* process.printError('Not enough information: "dev" argument is required.\n');
    return 255;
  }
  if (!netns.interface(device)) {
    yield* process.printError(`Cannot find device "${device}"\n`);
    return 1;
  }
  const [address, prefix = "32"] = cidr.split("/");
  if (isAdd) netns.addAddress(device, address!, Number(prefix));
  else netns.removeAddress(device, address!);
  return 0;
}

function* ipLink(
  process: Process,
  netns: Namespace,
  verb: string,
  rest: readonly string[],
  brief: boolean,
  busybox: boolean,
): Task<number> {
  if ("show".startsWith(verb) || "list".startsWith(verb)) {
    const type = rest.indexOf("type");
    const chosen = yield* devices(process, netns, type >= 0 ? rest.toSpliced(type, 2) : rest);
    if (!chosen) return 1;
    for (const device of chosen) {
      if (type >= 0 && device.kind !== rest[type + 1]) continue;
      yield* process.print(
        brief
          ? `${shownName(device).padEnd(16)} ${stateOf(device).padEnd(14)} ${device.mac} <${flagsOf(device)}> \n`
          : linkLines(device, busybox),
      );
    }
    return 0;
  }
  if (verb === "set") {
    const words = rest.filter((word) => word !== "dev");
    const device = words[0] === undefined ? undefined : netns.interface(words[0]);
    if (!device) {
      yield* process.printError(`Cannot find device "${words[0] ?? ""}"\n`);
      return 1;
    }
    if (words.includes("up")) netns.setLink(device.name, true);
    if (words.includes("down")) netns.setLink(device.name, false);
    const mtu = words.indexOf("mtu");
    if (mtu > 0) device.mtu = Number(words[mtu + 1]);
    return 0;
  }
  if ("delete".startsWith(verb)) {
    const name = rest.filter((word) => word !== "dev")[0] ?? "";
    if (!netns.interface(name)) {
      yield* process.printError(`Cannot find device "${name}"\n`);
      return 1;
    }
    if (name === "lo") throw new SysError("EPERM");
    netns.removeInterface(name);
    return 0;
  }
  if (verb === "add" && rest.includes("dummy")) {
    const name =
      rest.find((word, i) => word !== "type" && rest[i - 1] !== "type" && word !== "name" && word !== "dev") ??
      "dummy0";
    netns.addInterface({ name, kind: "dummy", mac: "06:00:00:00:00:01", mtu: 1500, segment: undefined });
    return 0;
  }
  yield* process.printError("ip link: only show, set, delete and `add NAME type dummy` are simulated\n");
  return 1;
}

function* ipRoute(
  process: Process,
  netns: Namespace,
  verb: string,
  rest: readonly string[],
  busybox: boolean,
): Task<number> {
  if ("show".startsWith(verb) || "list".startsWith(verb)) {
    for (const route of netns.routes()) yield* process.print(routeLine(netns, route, busybox));
    return 0;
  }
  if (verb === "get") {
    const address = rest[0] ?? "";
    const source = netns.sourceFor(address);
    if (source === undefined) throw new SysError("ENETUNREACH");
    if (netns.isLocal(address)) {
      yield* process.print(`local ${address} dev lo src ${source} uid ${process.context.uid} \n    cache <local> \n`);
      return 0;
    }
    const route = netns.route(address)!;
    yield* process.print(
      `${address}${route.gateway ? ` via ${route.gateway}` : ""} dev ${route.device} src ${source} uid ${process.context.uid} \n    cache \n`,
    );
    return 0;
  }
  const destination = rest[0] === "default" ? parseCidr("0.0.0.0/0") : parseCidr(rest[0] ?? "");
  if (!destination) {
    yield* process.printError(`Error: inet prefix is expected rather than "${rest[0] ?? ""}".\n`);
    return 1;
  }
  const after = (word: string): string | undefined => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined);
  const gateway = after("via");
  if ("delete".startsWith(verb)) {
    if (!netns.removeRoute(destination, gateway)) throw new SysError("ESRCH");
    return 0;
  }
  if (verb === "replace") netns.removeRoute(destination);
  else if (verb !== "add" && verb !== "a") {
    yield* process.printError(`Command "${verb}" is unknown, try "ip route help".\n`);
    return 255;
  }
  const device = after("dev") ?? (gateway ? netns.route(gateway)?.device : undefined);
  if (!device) {
    yield* process.printError("Error: Nexthop has invalid gateway.\n");
    return 2;
  }
  if (!netns.interface(device)) {
    yield* process.printError(`Cannot find device "${device}"\n`);
    return 1;
  }
  netns.addRoute({
    destination,
    device,
    protocol: "boot",
    scope: gateway ? "global" : "link",
    ...(gateway ? { gateway } : {}),
  });
  return 0;
}

/** Who shares a segment with us: what ARP would have learned. */
function neighbours(
  netns: Namespace,
): readonly { readonly address: string; readonly mac: string; readonly device: string }[] {
  const found: { address: string; mac: string; device: string }[] = [];
  for (const device of netns.interfaces)
    for (const port of device.segment?.ports() ?? [])
      if (port.interface !== device)
        for (const { address } of port.interface.addresses)
          found.push({ address, mac: port.interface.mac, device: device.name });
  return found;
}

export const ifconfig: Program = function* (process) {
  const netns = netOf(process);
  const name = process.argv.slice(1).find((word) => !word.startsWith("-"));
  const chosen =
    name === undefined
      ? netns.interfaces.filter((device) => device.up)
      : netns.interfaces.filter((device) => device.name === name);
  if (name !== undefined && chosen.length === 0) {
    yield* process.printError(`${name}: error fetching interface information: Device not found\n`);
    return 1;
  }
  // Device order by name, lo last, as the kernel's /proc/net/dev is sorted by ifconfig.
  for (const device of [...chosen].sort(
    (a, b) => Number(a.name === "lo") - Number(b.name === "lo") || (a.name < b.name ? -1 : 1),
  )) {
    const kind = device.kind === "loopback" ? "Local Loopback" : "Ethernet";
    yield* process.print(
      `${device.name.padEnd(9)} Link encap:${kind}${device.kind === "loopback" ? "" : `  HWaddr ${device.mac.toUpperCase()}`}  \n`,
    );
    for (const { address, prefix } of device.addresses) {
      const broadcast = device.kind === "loopback" ? "" : `  Bcast:${broadcastOf(parseCidr(`${address}/${prefix}`)!)}`;
      yield* process.print(`          inet addr:${address}${broadcast}  Mask:${netmask(prefix)}\n`);
    }
    if (device.kind === "loopback") yield* process.print("          inet6 addr: ::1/128 Scope:Host\n");
    const { received, sent } = device;
    yield* process.print(
      `          ${device.up ? "UP " : ""}${device.kind === "loopback" ? "LOOPBACK RUNNING" : "BROADCAST RUNNING MULTICAST"}  MTU:${device.mtu}  Metric:1\n` +
        `          RX packets:${received.packets} errors:0 dropped:0 overruns:0 frame:0\n          TX packets:${sent.packets} errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:${device.kind === "loopback" ? 1000 : 0} \n` +
        `          RX bytes:${received.bytes} (${size(received.bytes)})  TX bytes:${sent.bytes} (${size(sent.bytes)})\n\n`,
    );
  }
  return 0;
};

function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

export const route: Program = function* (process) {
  yield* process.print(
    "Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n",
  );
  for (const entry of netOf(process).routes()) {
    const flags = `U${entry.gateway ? "G" : ""}${entry.destination.prefix === 32 ? "H" : ""}`;
    const numeric = process.argv.includes("-n");
    const destination = entry.destination.prefix === 0 && !numeric ? "default" : addressAt(entry.destination, 0);
    const gateway = entry.gateway ?? (numeric ? "0.0.0.0" : "*");
    yield* process.print(
      `${destination.padEnd(15)} ${gateway.padEnd(15)} ${netmask(entry.destination.prefix).padEnd(15)} ${flags.padEnd(5)} ${String(entry.metric ?? 0).padEnd(6)} 0        0 ${entry.device}\n`,
    );
  }
  return 0;
};

export const arp: Program = function* (process) {
  for (const { address, mac, device } of neighbours(netOf(process)))
    yield* process.print(`? (${address}) at ${mac} [ether]  on ${device}\n`);
  return 0;
};
