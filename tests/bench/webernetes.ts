/** The same questions put to @ngrok/webernetes, the other Kubernetes that runs in a browser, for comparison. */
import { BaseImage, Cluster, type ProcessContext } from "@ngrok/webernetes";

class Sleeper extends BaseImage {
  static readonly imageName = "sleeper";
  static readonly imageVersion = "1.0";
  readonly defaultCommand = ["server"];

  override async exec(context: ProcessContext): Promise<number> {
    return await context.waitUntilKilled();
  }
}

/** Wall time in ms from nothing to three nodes. */
export async function bootMs(): Promise<number> {
  const start = performance.now();
  const cluster = new Cluster();
  cluster.registerImage(Sleeper);
  await cluster.init();
  const took = performance.now() - start;
  await cluster.close();
  return took;
}

/** Wall time in ms from a Deployment's creation to all its Pods Ready; undefined where they are not within `limitMs`. */
export async function deploymentReadyMs(replicas: number, nodes: number, limitMs: number): Promise<number | undefined> {
  const cluster = new Cluster({ nodes });
  cluster.registerImage(Sleeper);
  await cluster.init();
  const labels = { app: "bench" };
  const start = performance.now();
  await cluster.apply([
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "bench", namespace: "default" },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "sleeper:1.0" }] } },
      },
    },
  ]);
  let took: number | undefined;
  while (performance.now() - start < limitMs) {
    const deployment = await cluster.api.appsv1.readNamespacedDeployment({ name: "bench", namespace: "default" });
    if ((deployment.status?.readyReplicas ?? 0) >= replicas) {
      took = performance.now() - start;
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await cluster.close();
  return took;
}
