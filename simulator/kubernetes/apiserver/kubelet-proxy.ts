/**
 * What the API server needs of a kubelet: log, exec, attach and port-forward are answered by the node that runs the
 * Pod. `cluster` passes in how a node's kubelet is reached.
 */
import type { ApiResponse } from "../../base/door";

export type KubeletVerb = "log" | "exec" | "attach" | "portforward";

export interface KubeletRequest {
  readonly verb: KubeletVerb;
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** Chosen already by the API server; "" for port-forward. */
  readonly container: string;
  /** The options of the request as upstream's query has them: command, stdin, tty, follow, tailLines, ports … */
  readonly query: Readonly<Record<string, readonly string[]>>;
}

/** A kubelet's port 10250. */
export interface KubeletEndpoint {
  /** An answer, or a stream; errors of the kubelet are plain text or a Status with its own code. */
  handle(request: KubeletRequest): ApiResponse;
}

/** The kubelet of a node, or undefined when nothing answers there. */
export type KubeletDialer = (nodeName: string) => KubeletEndpoint | undefined;

/** Usage figures for metrics.k8s.io, as metrics-server would have scraped them. */
export interface MetricsProvider {
  node(name: string): { readonly cpuMilli: number; readonly memoryBytes: number; readonly at: number } | undefined;
  pod(
    namespace: string,
    name: string,
  ):
    | {
        readonly containers: readonly {
          readonly name: string;
          readonly cpuMilli: number;
          readonly memoryBytes: number;
        }[];
        readonly at: number;
      }
    | undefined;
}
