/** A loop, an API server and a way to call it, for tests. */
import { instantOf } from "@/simulator/base/clock";
import type { ApiResponse } from "@/simulator/base/door";
import { Loop } from "@/simulator/base/loop";
import { Random } from "@/simulator/base/random";
import type { KubeRequest } from "@/simulator/kubernetes/apimachinery/transport";
import { ApiServer, type ApiServerOptions } from "@/simulator/kubernetes/apiserver/server";

export const ADMIN = { certificate: { commonName: "kubernetes-admin", organizations: ["system:masters"] } };

// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every kind.
export type Answer = Omit<ApiResponse, "body"> & { readonly body: any };

export const user = (commonName: string, ...organizations: string[]): Partial<KubeRequest> => ({
  credentials: { certificate: { commonName, organizations } },
});

export function world(options: Partial<ApiServerOptions> = {}) {
  const loop = new Loop(instantOf(2026, 11, 23, 11));
  const server = new ApiServer({ loop, random: new Random("1"), ...options });
  const call = (
    method: KubeRequest["method"],
    path: string,
    body?: unknown,
    extra: Partial<KubeRequest> = {},
  ): Answer => {
    const [plain, query] = path.split("?");
    const values: Record<string, string[]> = {};
    for (const pair of query ? query.split("&") : []) {
      const at = pair.indexOf("=");
      (values[pair.slice(0, at)] ??= []).push(decodeURIComponent(pair.slice(at + 1)));
    }
    return server.request({ method, path: plain!, query: values, body, credentials: ADMIN, ...extra }) as Answer;
  };
  const watch = (path: string, extra: Partial<KubeRequest> = {}): { type: string; object: any }[] => {
    const events: { type: string; object: any }[] = [];
    const answer = call("GET", path, undefined, extra);
    answer.stream!.open({
      frame: (frame) => {
        if (frame.channel === "message") events.push(frame.value as never);
      },
      end: () => events.push({ type: "END", object: undefined }),
    });
    return events;
  };
  // The service account controller is not here.
  call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  return { loop, server, call, watch };
}

export const PODS = "/api/v1/namespaces/default/pods";
export const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

export const pod = (name: string, extra: object = {}, metadata: object = {}) => ({
  metadata: { name, ...metadata },
  spec: { containers: [{ name: "c", image: "nginx:1.25" }], ...extra },
});

export const deployment = (name: string, extra: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, labels: { app: name } },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "nginx" }] } },
    ...extra,
  },
});
