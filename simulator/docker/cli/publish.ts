/** `-p` and `--expose`, as go-connections/nat reads them: `[IP:][HOST[-HOST]:]CONTAINER[-CONTAINER][/PROTO]`. */
import { failure, ok, type Result } from "../../base/result";
import { isIpv4 } from "./ip";

export interface Published {
  readonly exposed: Record<string, object>;
  readonly bindings: Record<string, { HostIp: string; HostPort: string }[]>;
}

export function parsePublish(publish: readonly string[], expose: readonly string[]): Result<Published, string> {
  const exposed: Record<string, object> = {};
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const spec of publish) {
    const ports = readSpec(spec);
    if (!ports.ok) return ports;
    for (const { port, binding } of ports.value) {
      exposed[port] = {};
      (bindings[port] ??= []).push(binding);
    }
  }
  for (const spec of expose) {
    if (spec.includes(":")) return failure(`invalid port format for --expose: ${spec}`);
    const [range, protocol = "tcp"] = spec.split("/");
    const ports = readRange(range!);
    if (!ports) return failure(`invalid range format for --expose: ${spec}, error: invalid containerPort: ${range}`);
    for (let port = ports[0]; port <= ports[1]; port++) exposed[`${port}/${protocol}`] = {};
  }
  return ok({ exposed, bindings });
}

interface OnePort {
  readonly port: string;
  readonly binding: { HostIp: string; HostPort: string };
}

function readSpec(spec: string): Result<OnePort[], string> {
  const slash = spec.lastIndexOf("/");
  const protocol = slash < 0 ? "tcp" : spec.slice(slash + 1).toLowerCase();
  const plain = slash < 0 ? spec : spec.slice(0, slash);
  const bracket = /^\[([^\]]*)\]:?(.*)$/.exec(plain);
  const parts = (bracket ? bracket[2]! : plain).split(":");
  const container = parts.pop()!;
  const host = parts.pop() ?? "";
  const ip = bracket ? bracket[1]! : parts.join(":");
  if (container === "") return failure(`no port specified: ${spec}<empty>`);
  if (ip !== "" && !bracket && !isIpv4(ip)) return failure(`invalid IP address: ${ip}`);
  const inside = readRange(container);
  if (!inside) return failure(`invalid containerPort: ${container}`);
  const outside = host === "" ? undefined : readRange(host);
  if (host !== "" && !outside) return failure(`invalid hostPort: ${host}`);
  if (!["tcp", "udp", "sctp"].includes(protocol)) return failure(`invalid proto: ${protocol}`);
  const count = inside[1] - inside[0];
  if (outside && outside[1] - outside[0] !== count && count !== 0)
    return failure(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  const ports: OnePort[] = [];
  for (let i = 0; i <= count; i++) {
    // A single container port may take any host port of a range.
    const hostPort = !outside
      ? ""
      : count === 0 && outside[0] !== outside[1]
        ? `${outside[0]}-${outside[1]}`
        : String(outside[0] + i);
    ports.push({ port: `${inside[0] + i}/${protocol}`, binding: { HostIp: ip, HostPort: hostPort } });
  }
  return ok(ports);
}

function readRange(text: string): [number, number] | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first > 65_535 || last > 65_535 || last < first ? undefined : [first, last];
}
