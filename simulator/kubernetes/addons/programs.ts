/** The add-ons that run as containers' programs, by the name an executable file of their image carries. */
import { SysError } from "../../os/errno";
import type { Task } from "../../base/task";
import type { Process, Program } from "../../os/process";
import { serveHttp, textResponse } from "../../net/http";
import { netOf } from "../../net/netns";
import { klogLine } from "../client/klog";
import { type AddonDependencies, credentialsOf, untilTerminated } from "./addon-process";
import { coredns } from "./coredns/coredns";
import { Flannel } from "./flannel";
import { ingressNginx } from "./ingress-nginx";
import { KubeProxy, type ProxyMode } from "./kube-proxy/kube-proxy";
import { NetworkPolicyAgent } from "./network-policy";
import type { PodNetwork } from "./pod-network";

/** What runs while its process does: Component and NodeComponent alike. */
export interface Startable {
  start(): void;
  stop(): void;
}

export interface AddonProgramDependencies extends AddonDependencies {
  /** The CNI plugin of a node, which flanneld configures. Absent: no flanneld. */
  podNetwork?(nodeName: string): PodNetwork | undefined;
  readonly clusterCidr: string;
  /** The cluster's one instance of each, whose process this is. Absent ones have no program. */
  readonly metricsServer?: Startable;
  readonly localPathProvisioner?: Startable;
  readonly cloudControllerManager?: Startable;
}

/** A program that is a component: started with the process, stopped with it. */
export function componentProgram(make: (process: Process) => Startable): Program {
  return function* (process) {
    const component = make(process);
    component.start();
    process.atExit(() => component.stop());
    return yield* untilTerminated(process);
  };
}

/** The node a DaemonSet's Pod is on: by flag, by the downward API, or by the host's name. */
function nodeNameOf(process: Process): string {
  const flag = process.argv
    .find((word) => word.startsWith("--hostname-override="))
    ?.slice("--hostname-override=".length);
  const named = flag?.replace(/\$\((\w+)\)/g, (_, name: string) => process.env[name] ?? "");
  return named || process.env["NODE_NAME"] || process.context.hostname();
}

/** kube-proxy's configuration file, as far as it decides rules. Undefined when the file is missing. */
function proxyConfiguration(
  process: Process,
): { readonly mode: ProxyMode; readonly clusterCidr?: string; readonly scheduler?: string } | undefined {
  const path = process.argv.find((word) => word.startsWith("--config="))?.slice("--config=".length);
  const modeFlag = process.argv.find((word) => word.startsWith("--proxy-mode="))?.slice("--proxy-mode=".length);
  let text = "";
  if (path !== undefined) {
    try {
      text = process.readText(path);
    } catch (error) {
      if (error instanceof SysError) return undefined;
      throw error;
    }
  }
  const value = (key: string): string | undefined =>
    new RegExp(`^\\s*${key}:\\s*"?([^"\\n#]*?)"?\\s*$`, "m").exec(text)?.[1] || undefined;
  const clusterCidr = value("clusterCIDR");
  const scheduler = value("scheduler");
  return {
    mode: (modeFlag ?? value("mode") ?? "iptables") as ProxyMode,
    ...(clusterCidr === undefined ? {} : { clusterCidr }),
    ...(scheduler === undefined ? {} : { scheduler }),
  };
}

/** kube-proxy's metrics address, for the one question administrators put to it. */
function* serveMode(process: Process, mode: ProxyMode): Task<void> {
  try {
    yield* serveHttp(process, { port: 10249, address: "127.0.0.1" }, function* (request) {
      if (request.path === "/proxyMode") return textResponse(200, mode);
      return textResponse(404, "404 page not found\n");
    });
  } catch (error) {
    // Upstream goes on without it as well.
    if (!(error instanceof SysError)) throw error;
  }
}

export function addonPrograms(dependencies: AddonProgramDependencies): ReadonlyMap<string, Program> {
  const nodeOptions = (process: Process, program: string) => {
    const credentials = credentialsOf(process, dependencies, program);
    return {
      loop: process.kernel.loop,
      random: process.kernel.random,
      transport: dependencies.transport,
      nodeName: nodeNameOf(process),
      netns: netOf(process),
      ...(credentials ? { credentials } : {}),
    };
  };
  const programs = new Map<string, Program>([
    ["coredns", coredns(dependencies)],
    ["nginx-ingress-controller", ingressNginx(dependencies)],
    [
      "kube-proxy",
      function* (process) {
        const say = (severity: "I" | "E", text: string): string =>
          `${klogLine(severity, process.now(), process.nsPid, text)}\n`;
        const configuration = proxyConfiguration(process);
        if (!configuration) {
          yield* process.printError(
            say(
              "E",
              'run.go:72] "command failed" err="failed complete: open /var/lib/kube-proxy/config.conf: no such file or directory"',
            ),
          );
          return 1;
        }
        if (!["iptables", "ipvs", "nftables"].includes(configuration.mode)) {
          yield* process.printError(
            say(
              "E",
              `run.go:72] "command failed" err="failed validate: KubeProxyConfiguration.Mode: Invalid value: \\"${configuration.mode}\\": must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently iptables])"`,
            ),
          );
          return 1;
        }
        process.thread(serveMode(process, configuration.mode));
        yield* process.printError(say("I", `server_linux.go:132] "Using ${configuration.mode} Proxier"`));
        yield* process.printError(say("I", 'server.go:527] "Version info" version="v1.36.2"'));
        return yield* componentProgram(
          (self) =>
            new KubeProxy({
              ...nodeOptions(self, "kube-proxy"),
              mode: configuration.mode,
              clusterCidr: configuration.clusterCidr ?? dependencies.clusterCidr,
              ...(configuration.scheduler ? { scheduler: configuration.scheduler as "rr" } : {}),
            }),
        )(process);
      },
    ],
  ]);
  if (dependencies.podNetwork)
    programs.set("flanneld", function* (process) {
      const podNetwork = dependencies.podNetwork!(nodeNameOf(process));
      if (!podNetwork) {
        yield* process.printError("E Failed to find interface to use: this host runs no containerd\n");
        return 1;
      }
      const options = nodeOptions(process, "flanneld");
      const flannel = new Flannel({ ...options, podNetwork, clusterCidr: dependencies.clusterCidr });
      const policies = new NetworkPolicyAgent(options);
      return yield* componentProgram(() => ({
        start() {
          flannel.start();
          policies.start();
        },
        stop() {
          flannel.stop();
          policies.stop();
        },
      }))(process);
    });
  for (const [name, component] of [
    ["metrics-server", dependencies.metricsServer],
    ["local-path-provisioner", dependencies.localPathProvisioner],
    ["cloud-controller-manager", dependencies.cloudControllerManager],
  ] as const)
    if (component)
      programs.set(
        name,
        componentProgram(() => component),
      );
  return programs;
}
