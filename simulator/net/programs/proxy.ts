/** docker-proxy: the listener behind a published port, for clients that the nat rules do not reach (127.0.0.1, [::1]). */
import { NO_BYTES } from "../../base/bytes";
import type { Task } from "../../base/task";
import { SysError } from "../../os/errno";
import type { Process, Program } from "../../os/process";
import { netOf } from "../netns";
import type { Connection } from "../tcp";

/** Copies both ways until both are done. */
export function* splice(process: Process, a: Connection, b: Connection): Task<void> {
  function* pump(from: Connection, to: Connection): Task<void> {
    try {
      for (;;) {
        const chunk = yield* from.read();
        if (chunk === NO_BYTES) break;
        yield* to.write(chunk);
      }
      to.shutdown();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      a.reset();
      b.reset();
    }
  }
  let other = false;
  const handle = process.thread(
    (function* (): Task<void> {
      yield* pump(b, a);
      other = true;
    })(),
  );
  try {
    yield* pump(a, b);
    while (!other && !handle.ended) yield* process.waitFor(b.changed.wait, 1000);
  } finally {
    handle.cancel();
    a.close();
    b.close();
  }
}

/** `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8080 -container-ip 172.17.0.2 -container-port 80` */
export const dockerProxy: Program = function* (process) {
  const { argv } = process;
  const value = (name: string): string => argv[argv.indexOf(name) + 1] ?? "";
  const address = value("-host-ip");
  const port = Number(value("-host-port"));
  const target = { address: value("-container-ip"), port: Number(value("-container-port")) };
  const netns = netOf(process);
  if (value("-proto") === "udp") return yield* proxyDatagrams(process, address, port, target);
  const listener = netns.listen({ address, port, owner: process, v6only: address === "::" });
  for (;;) {
    const client = yield* listener.accept();
    process.thread(
      (function* (): Task<void> {
        try {
          const server = yield* netns.connect(process, target);
          yield* splice(process, client, server);
        } catch (error) {
          if (!(error instanceof SysError)) throw error;
          // The proxy has accepted already: a dead backend looks like a reset.
          client.reset();
        }
      })(),
    );
  }
};

function* proxyDatagrams(
  process: Process,
  address: string,
  port: number,
  target: { address: string; port: number },
): Task<number> {
  const netns = netOf(process);
  const front = netns.bindUdp({ address, port, owner: process });
  const backs = new Map<string, ReturnType<typeof netns.bindUdp>>();
  for (;;) {
    const datagram = yield* front.receive();
    const key = `${datagram.from.address}:${datagram.from.port}`;
    let back = backs.get(key);
    if (!back) {
      back = netns.bindUdp({ owner: process });
      backs.set(key, back);
      const socket = back;
      process.thread(
        (function* (): Task<void> {
          try {
            for (;;) front.reply(datagram, (yield* socket.receive()).bytes);
          } catch (error) {
            if (!(error instanceof SysError)) throw error;
            backs.delete(key);
          }
        })(),
      );
    }
    back.sendTo(datagram.bytes, target);
  }
}
