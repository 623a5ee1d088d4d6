/** CoreDNS as a container's program: reads its Corefile, serves cluster.local from the API and forwards the rest. */
import { decodeUtf8 } from "../../../base/bytes";
import { sha256Hex } from "../../../base/hash";
import type { Task } from "../../../base/task";
import { type DnsAnswer, hostsLookup, queryServer, resolverConfig, serveDns } from "../../../net/dns";
import type { Question } from "../../../net/dns-message";
import { isIpv4, isIpv6 } from "../../../net/address";
import { serveHttp, textResponse } from "../../../net/http";
import { netOf } from "../../../net/netns";
import { SysError } from "../../../os/errno";
import type { Process, Program } from "../../../os/process";
import { ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES } from "../../client/resources";
import { type AddonDependencies, type AddonRun, addonRun, startInformers } from "../addon-process";
import { type ClusterState, type KubernetesPlugin, answerCluster } from "./cluster-records";
import { type Directive, type ServerBlock, parseCorefile } from "./corefile";

const VERSION = "1.12.1";
const RELOAD_MS = 30_000;

export function coredns(dependencies: AddonDependencies): Program {
  return function* (process) {
    const { argv } = process;
    const at = argv.findIndex((word) => word === "-conf" || word === "--conf");
    const path = at >= 0 ? argv[at + 1]! : "Corefile";
    const server = new CoreDns(process, dependencies, path);
    return yield* server.run();
  };
}

class CoreDns {
  readonly #process: Process;
  readonly #dependencies: AddonDependencies;
  readonly #path: string;
  #text = "";
  #blocks: readonly ServerBlock[] = [];
  #state: ClusterState | undefined;
  #ready = false;
  #run: AddonRun | undefined;

  constructor(process: Process, dependencies: AddonDependencies, path: string) {
    this.#process = process;
    this.#dependencies = dependencies;
    this.#path = path;
  }

  *run(): Task<number> {
    const process = this.#process;
    const text = this.#read();
    if (text === undefined) {
      yield* process.printError(`open ${this.#path}: no such file or directory\n`);
      return 1;
    }
    const parsed = parseCorefile(text, this.#path);
    if (!parsed.ok) {
      yield* process.printError(`${parsed.error}\n`);
      return 1;
    }
    this.#text = text;
    this.#blocks = parsed.value;
    let draining = false;
    process.onSignal("TERM", () => {
      if (draining) return;
      draining = true;
      process.thread(
        function* (this: CoreDns): Task<void> {
          yield* process.print("[INFO] SIGTERM: Shutting down servers then terminating\n");
          const health = this.#find("health")?.block.find(([name]) => name === "lameduck");
          if (health) {
            const seconds = Number.parseInt(health[1] ?? "0", 10) || 0;
            yield* process.print(`[INFO] plugin/health: Going into lameduck mode for ${seconds}s\n`);
            yield* process.sleep(seconds * 1000);
          }
          process.exit(0);
        }.call(this),
      );
    });
    if (this.#find("kubernetes")) {
      this.#run = addonRun(process, this.#dependencies, "coredns", `v${VERSION}`);
      const { informers } = this.#run;
      this.#state = {
        services: informers.informer(SERVICES).cache,
        slices: informers.informer(ENDPOINT_SLICES).cache,
        namespaces: informers.informer(NAMESPACES).cache,
        pods: this.#plugin()?.pods === "verified" ? informers.informer(PODS).cache : undefined,
      };
    }
    try {
      this.#serveSideDoors();
      for (const port of new Set(this.#blocks.map((block) => block.port)))
        process.thread(serveDns(process, { port }, (question, client) => this.#answer(question, port, client)));
      const names = this.#blocks.flatMap((block) => block.zones.map((zone) => `${zone}.:${block.port}`));
      yield* process.print(
        `${names.join("\n")}\n${this.#find("reload") ? `[INFO] plugin/reload: Running configuration SHA512 = ${sha256Hex(text)}${sha256Hex(sha256Hex(text))}\n` : ""}CoreDNS-${VERSION}\nlinux/amd64, go1.24.1, 707c7c1\n`,
      );
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      yield* process.printError(`Listen: listen tcp :53: bind: ${error.text.toLowerCase()}\n`);
      return 1;
    }
    if (this.#run) yield* startInformers(this.#run.informers);
    this.#ready = true;
    for (;;) {
      yield* process.sleep(RELOAD_MS);
      if (this.#find("reload")) yield* this.#reload();
    }
  }

  #read(): string | undefined {
    try {
      return this.#process.readText(this.#path);
    } catch (error) {
      if (error instanceof SysError) return undefined;
      throw error;
    }
  }

  *#reload(): Task<void> {
    const text = this.#read();
    if (text === undefined || text === this.#text) return;
    this.#text = text;
    yield* this.#process.print("[INFO] Reloading\n");
    const parsed = parseCorefile(text, this.#path);
    if (!parsed.ok) {
      // The old configuration stays in force.
      yield* this.#process.print(
        `[ERROR] Restart failed: ${parsed.error}\n[ERROR] plugin/reload: Corefile changed but reload failed: ${parsed.error}\n`,
      );
      return;
    }
    this.#blocks = parsed.value;
    yield* this.#process.print("[INFO] Reloading complete\n");
  }

  #find(name: string): Directive | undefined {
    for (const block of this.#blocks)
      for (const directive of block.directives) if (directive.name === name) return directive;
    return undefined;
  }

  /** health, ready and metrics. */
  #serveSideDoors(): void {
    const process = this.#process;
    const ports: [string, number, () => boolean][] = [
      ["health", 8080, () => true],
      ["ready", 8181, () => this.#ready],
      ["prometheus", 9153, () => true],
    ];
    for (const [plugin, standard, isGood] of ports) {
      const directive = this.#find(plugin);
      if (!directive) continue;
      const port = Number(/:(\d+)$/.exec(directive.args[0] ?? "")?.[1] ?? standard);
      process.thread(
        serveHttp(process, port, function* () {
          if (plugin === "prometheus")
            return textResponse(
              200,
              `coredns_build_info{goversion="go1.24.1",revision="707c7c1",version="${VERSION}"} 1\n`,
            );
          return isGood() ? textResponse(200, "OK") : textResponse(503, "kubernetes");
        }),
      );
    }
  }

  #plugin(block?: ServerBlock): KubernetesPlugin | undefined {
    const directive = block ? block.directives.find(({ name }) => name === "kubernetes") : this.#find("kubernetes");
    if (!directive) return undefined;
    const zones = directive.args.map((zone) => zone.replace(/\.$/, ""));
    const option = (name: string): readonly string[] | undefined => directive.block.find(([key]) => key === name);
    const fall = option("fallthrough");
    return {
      zone: zones.find((zone) => !zone.endsWith(".arpa")) ?? "cluster.local",
      reverseZones: zones.filter((zone) => zone.endsWith("in-addr.arpa")),
      pods: (option("pods")?.[1] ?? "disabled") as KubernetesPlugin["pods"],
      ttl: Number(option("ttl")?.[1] ?? 5),
      fallthrough:
        fall === undefined ? [] : fall.length === 1 ? "all" : fall.slice(1).map((zone) => zone.replace(/\.$/, "")),
    };
  }

  /** The most specific block for a name. */
  #blockFor(name: string, port: number): ServerBlock | undefined {
    let best: { block: ServerBlock; length: number } | undefined;
    for (const block of this.#blocks)
      for (const zone of block.port === port ? block.zones : [])
        if ((zone === "" || name === zone || name.endsWith(`.${zone}`)) && (!best || zone.length > best.length))
          best = { block, length: zone.length };
    return best?.block;
  }

  *#answer(
    question: Question,
    port: number,
    client: { readonly address: string; readonly port: number },
  ): Task<DnsAnswer> {
    const process = this.#process;
    const began = process.now();
    const name = question.name.toLowerCase();
    const block = this.#blockFor(name, port);
    if (!block) return { code: "REFUSED", answers: [] };
    const answer = yield* this.#resolve(this.#rewritten({ name, type: question.type }, block), block);
    // Records carry the name that was asked for, also after a rewrite.
    const renamed = { ...answer, answers: answer.answers.map((record) => ({ ...record })) };
    if (block.directives.some((directive) => directive.name === "log"))
      yield* process.print(
        `[INFO] ${client.address}:${client.port} - 1 "${question.type} IN ${question.name}. udp ${question.name.length + 18} false 512" ${answer.code} qr,${answer.authoritative ? "aa," : ""}rd ${question.name.length + 40} ${((process.now() - began) / 1000 + 0.0001).toFixed(9)}s\n`,
      );
    return renamed;
  }

  #rewritten(question: Question, block: ServerBlock): Question {
    for (const { name, args } of block.directives) {
      if (name !== "rewrite") continue;
      const words = args.filter((word) => word !== "stop" && word !== "continue" && word !== "name");
      const [mode, from, to] = ["exact", "suffix", "prefix", "substring", "regex"].includes(words[0] ?? "")
        ? words
        : ["exact", ...words];
      const target = (to ?? "").replace(/\.$/, "");
      const source = (from ?? "").replace(/\.$/, "");
      if (mode === "exact" && question.name === source) return { ...question, name: target };
      if (mode === "suffix" && question.name.endsWith(source))
        return { ...question, name: question.name.slice(0, -source.length) + target };
      if (mode === "prefix" && question.name.startsWith(source))
        return { ...question, name: target + question.name.slice(source.length) };
      if (mode === "substring" && question.name.includes(source))
        return { ...question, name: question.name.replace(source, target) };
    }
    return question;
  }

  *#resolve(question: Question, block: ServerBlock): Task<DnsAnswer> {
    for (const directive of block.directives) {
      if (directive.name === "hosts") {
        const answer = this.#hosts(question, directive);
        if (answer) return answer;
      }
      if (directive.name === "kubernetes" && this.#state) {
        const plugin = this.#plugin(block)!;
        const answer = answerCluster(question, plugin, this.#state, this.#process.now());
        if (answer?.external !== undefined) {
          // The target is looked up as well, as the client would have to.
          const next =
            question.type === "A" || question.type === "AAAA"
              ? yield* this.#resolve(
                  { name: answer.external, type: question.type },
                  this.#blockFor(answer.external, block.port) ?? block,
                )
              : undefined;
          return { ...answer, answers: [...answer.answers, ...(next?.answers ?? [])] };
        }
        if (answer) return { ...answer, answers: this.#balanced(answer.answers, block) };
      }
      if (directive.name === "forward") return yield* this.#forward(question, directive);
    }
    return { code: "REFUSED", answers: [] };
  }

  /** loadbalance: the addresses of an answer in another order each time. */
  #balanced<T>(records: readonly T[], block: ServerBlock): readonly T[] {
    if (records.length < 2 || !block.directives.some(({ name }) => name === "loadbalance")) return records;
    const start = this.#process.kernel.random.stream("coredns").integer(0, records.length - 1);
    return [...records.slice(start), ...records.slice(0, start)];
  }

  #hosts(question: Question, directive: Directive): DnsAnswer | undefined {
    if (question.type !== "A") return undefined;
    const ttl = Number(directive.block.find(([key]) => key === "ttl")?.[1] ?? 3600);
    const own = directive.block
      .filter(([address, ...names]) => isIpv4(address ?? "") && names.includes(question.name))
      .map(([address]) => address!);
    const addresses =
      own.length > 0
        ? own
        : directive.block.length === 0
          ? hostsLookup(this.#process, question.name).filter((address) => !isIpv6(address))
          : [];
    if (addresses.length === 0) {
      const falls = directive.block.length === 0 || directive.block.some(([key]) => key === "fallthrough");
      return falls ? undefined : { code: "NXDOMAIN", answers: [], authoritative: true };
    }
    return {
      code: "NOERROR",
      authoritative: true,
      answers: addresses.map((data) => ({ name: question.name, type: "A", ttl, data })),
    };
  }

  *#forward(question: Question, directive: Directive): Task<DnsAnswer> {
    const [zone = ".", ...targets] = directive.args;
    const suffix = zone.replace(/\.$/, "");
    if (suffix !== "" && question.name !== suffix && !question.name.endsWith(`.${suffix}`))
      return { code: "REFUSED", answers: [] };
    const servers = targets.flatMap((target) =>
      target.startsWith("/") ? this.#upstreams(target) : [target.replace(/^dns:\/\//, "")],
    );
    for (const server of servers) {
      const [address, port] = server.split(":");
      const result = yield* queryServer(this.#process, address!, question, {
        timeoutMs: 2000,
        port: Number(port ?? 53),
      });
      if (result.kind === "answer")
        return {
          code: result.message.code,
          answers: result.message.answers,
          ...(result.message.authority ? { authority: result.message.authority } : {}),
        };
      if (this.#find("errors"))
        yield* this.#process.print(
          `[ERROR] plugin/errors: 2 ${question.name}. ${question.type}: read udp ${netOf(this.#process).address ?? "127.0.0.1"}:${32768 + question.name.length}->${address}:${port ?? 53}: ${result.kind === "timeout" ? "i/o timeout" : "read: connection refused"}\n`,
        );
    }
    return { code: "SERVFAIL", answers: [] };
  }

  #upstreams(file: string): readonly string[] {
    if (file === "/etc/resolv.conf") return resolverConfig(this.#process).nameservers;
    try {
      return [...decodeUtf8(this.#process.fs.readFile(file)).matchAll(/^\s*nameserver\s+(\S+)/gm)].map((m) => m[1]!);
    } catch (error) {
      if (error instanceof SysError) return [];
      throw error;
    }
  }
}
