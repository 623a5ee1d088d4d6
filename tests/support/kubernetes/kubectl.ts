/** kubectl on a laptop whose kubeconfig leads to a small cluster, and transcripts of it as text. */
import { certificatePem, encodeBase64, kubeconfigText } from "@/simulator/kubernetes/kubectl/kubeconfig";
import { makeKubectl } from "@/simulator/kubernetes/kubectl/kubectl";
import { encodeUtf8 } from "@/simulator/base/bytes";
import { Laptop, type Ran, words } from "../program";
import { World, type WorldOptions } from "./world";

const SERVER = "https://10.89.0.10:6443";

export class KubectlWorld {
  readonly world: World;
  readonly laptop: Laptop;

  constructor(options: WorldOptions = {}) {
    this.world = new World(options);
    this.laptop = new Laptop(this.world.loop, {
      kubectl: makeKubectl({
        connect: (_process, server) =>
          server === SERVER ? this.world.transport : { failure: "connect: connection refused" },
      }),
    });
    const subject = { commonName: "kubernetes-admin", organizations: ["system:masters"] };
    const cluster = (server: string) => ({ server, "insecure-skip-tls-verify": true });
    const text = kubeconfigText({
      clusters: { kubernetes: cluster(SERVER), gone: cluster("https://10.89.0.99:6443") },
      users: { "kubernetes-admin": { "client-certificate-data": encodeBase64(encodeUtf8(certificatePem(subject))) } },
      contexts: {
        "kubernetes-admin@kubernetes": { cluster: "kubernetes", user: "kubernetes-admin" },
        gone: { cluster: "gone", user: "kubernetes-admin" },
      },
      currentContext: "kubernetes-admin@kubernetes",
    });
    this.laptop.write("/root/.kube/config", text);
  }

  /** One line as typed, without a shell: words, quotes, and `<<'END'`-less standard input as an option. */
  kubectl(line: string, options: { readonly stdin?: string; readonly interruptAfterMs?: number } = {}): Ran {
    return this.laptop.run(["kubectl", ...words(line)], options);
  }

  /** The controllers come to rest. */
  settle(ms = 30_000): void {
    this.world.run(ms);
  }
}

/**
 * Plays a transcript and writes down what happens in its own format: `$ command`, its output, `2> ` before lines of
 * stderr, `[1]` for exit codes; `@ settle`, `@ file NAME` (lines up to `@ end`) and `@ interrupt MS` (before a command).
 */
export function replay(transcript: string, on: KubectlWorld): string {
  const out: string[] = [];
  const lines = transcript.split("\n");
  let interruptAfterMs: number | undefined;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.startsWith("#") && out.every((l) => l.startsWith("#"))) out.push(line);
    if (line.startsWith("@ settle")) {
      out.push(line);
      on.settle();
    } else if (line.startsWith("@ interrupt ")) {
      out.push(line);
      interruptAfterMs = Number(line.slice("@ interrupt ".length));
    } else if (line.startsWith("@ file ")) {
      const end = lines.indexOf("@ end", i);
      const body = lines.slice(i + 1, end);
      on.laptop.write(line.slice("@ file ".length), `${body.join("\n")}\n`);
      out.push(line, ...body, "@ end");
      i = end;
    } else if (line.startsWith("$ kubectl")) {
      const ran = on.kubectl(line.slice("$ kubectl".length), { ...(interruptAfterMs ? { interruptAfterMs } : {}) });
      interruptAfterMs = undefined;
      out.push(line);
      out.push(...shown(ran.stdout), ...shown(ran.stderr).map((l) => (l === "" ? "2>" : `2> ${l}`)));
      if (ran.exit !== 0) out.push(`[${ran.exit}]`);
    }
  }
  return `${out.join("\n")}\n`;
}

const shown = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
