/** The embedded name server of user-defined networks: 127.0.0.11 inside each container, dockerd behind it. */
import type { Bytes } from "../../base/bytes";
import { decodeUtf8 } from "../../base/bytes";
import type { TaskHandle, Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process } from "../../os/process";
import { type DnsMessage, decodeDns, encodeDns } from "../../net/dns-message";
import { queryServer } from "../../net/dns";
import type { Netns } from "../../net/netns";
import type { DockerContainer } from "./container";
import type { Networks } from "./networks";

const TTL = 600;

/** Serves one container's lookups until the handle is cancelled. */
export function serveDns(
  daemon: Process,
  netns: Netns,
  container: DockerContainer,
  networks: Networks,
  host: Netns,
): () => void {
  const socket = netns.bindUdp({ address: "127.0.0.11", port: 53, owner: daemon });
  const handle: TaskHandle = daemon.thread(
    (function* (): Task<void> {
      for (;;) {
        try {
          const datagram = yield* socket.receive();
          const message = decodeDns(datagram.bytes);
          if (!message) continue;
          daemon.thread(
            (function* (): Task<void> {
              const answer = yield* respond(daemon, message, container, networks, host);
              socket.reply(datagram, encodeDns(answer) as Bytes);
            })(),
          );
        } catch (error) {
          if (!(error instanceof SysError) || error.code === "EBADF") return;
        }
      }
    })(),
  );
  return () => {
    handle.cancel();
    socket.close();
  };
}

function* respond(
  daemon: Process,
  message: DnsMessage,
  container: DockerContainer,
  networks: Networks,
  host: Netns,
): Task<DnsMessage> {
  const question = message.questions[0];
  const reply = (fields: Partial<DnsMessage>): DnsMessage => ({
    id: message.id,
    isResponse: true,
    recursionDesired: true,
    recursionAvailable: true,
    code: "NOERROR",
    questions: message.questions,
    answers: [],
    ...fields,
  });
  if (!question) return reply({ code: "FORMERR" });
  const name = question.name.replace(/\.$/, "");
  const reversed = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (question.type === "PTR" && reversed) {
    const found = networks.reverse(container, `${reversed[4]}.${reversed[3]}.${reversed[2]}.${reversed[1]}`);
    if (found) return reply({ answers: [{ name, type: "PTR", ttl: TTL, data: found }] });
  }
  const addresses = networks.resolve(container, name);
  if (addresses.length > 0)
    return reply({
      answers: question.type === "A" ? addresses.map((data) => ({ name, type: "A" as const, ttl: TTL, data })) : [],
    });
  // Not ours: the host's own servers are asked.
  const servers = container.hostConfig.Dns?.length ? container.hostConfig.Dns : hostServers(daemon);
  for (const server of servers) {
    const result = yield* queryServer(daemon, server, question, { timeoutMs: 2000, netns: host });
    if (result.kind === "answer") return { ...result.message, id: message.id };
  }
  return reply({ code: servers.length > 0 ? "SERVFAIL" : "NXDOMAIN" });
}

/** The name servers of the host's /etc/resolv.conf. */
export function hostServers(daemon: Process): string[] {
  const node = daemon.fs.find("/etc/resolv.conf");
  const text = node?.kind === "file" ? decodeUtf8(node.read()) : "";
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1]!);
}
