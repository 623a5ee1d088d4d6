/** Static Pods: manifests in a folder of the node, run without the API server and shown there as mirror Pods. */
import { decodeUtf8 } from "../../base/bytes";
import { rfc3339Nano } from "../../base/clock";
import { deepFreeze, type JsonObject } from "../../base/json";
import { sha256Hex } from "../../base/hash";
import type { DirInode } from "../../os/inode";
import type { Mount, MountNamespace } from "../../os/mounts";
import { parseYaml } from "../../text/yaml";
import type { Pod } from "../api/types.generated";
import type { Scope } from "../client/scope";

export interface StaticPodsOptions {
  readonly scope: Scope;
  readonly fs: MountNamespace;
  readonly path: string;
  readonly nodeName: string;
  added(pod: Pod): void;
  removed(pod: Pod): void;
  log(text: string): void;
}

/** Upstream is told of changes by inotify and looks every 20 s besides; we look every second. */
const LOOK_MS = 1000;

export class StaticPods {
  readonly #options: StaticPodsOptions;
  readonly #names: readonly string[];
  readonly #files = new Map<string, { readonly content: string; readonly pod: Pod | undefined }>();

  constructor(options: StaticPodsOptions) {
    this.#options = options;
    this.#names = options.path.split("/").filter((name) => name !== "");
  }

  start(): void {
    this.#look();
    this.#options.scope.every(LOOK_MS, () => this.#look());
  }

  all(): Pod[] {
    return [...this.#files.values()].flatMap(({ pod }) => (pod ? [pod] : []));
  }

  byName(namespace: string, name: string): Pod | undefined {
    return this.all().find((pod) => pod.metadata.name === name && (pod.metadata.namespace ?? "default") === namespace);
  }

  #look(): void {
    const { fs, path } = this.#options;
    const dir = this.#folder();
    if (dir && this.#isUnchanged(dir)) return;
    const names = dir ? dir.names().filter((name) => !name.startsWith(".")) : [];
    const gone: Pod[] = [];
    const fresh: Pod[] = [];
    for (const [name, { pod }] of [...this.#files]) {
      if (names.includes(name)) continue;
      this.#files.delete(name);
      if (pod) gone.push(pod);
    }
    for (const name of names) {
      const file = fs.find(`${path}/${name}`);
      if (file?.kind !== "file") continue;
      const known = this.#files.get(name);
      if (known?.content === file.content) continue;
      const pod = this.#parse(`${path}/${name}`, decodeUtf8(file.content));
      this.#files.set(name, { content: file.content, pod });
      if (known?.pod) gone.push(known.pod);
      if (pod) fresh.push(pod);
    }
    for (const pod of gone) this.#options.removed(pod);
    for (const pod of fresh) this.#options.added(pod);
  }

  /** The folder's nodes from the root on, as the last walk found them. */
  #way: { readonly mount: Mount; readonly nodes: readonly DirInode[] } | undefined;

  /** The folder, walked to only when a node on the way to it is another one than last time. */
  #folder(): DirInode | undefined {
    const { fs, path } = this.#options;
    const way = this.#way;
    const names = this.#names;
    if (way && fs.mountOf(path) === way.mount) {
      let i = 0;
      while (i < names.length && way.nodes[i]!.entries.get(names[i]!) === way.nodes[i + 1]) i++;
      if (i === names.length) return way.nodes[i];
    }
    this.#way = undefined;
    const found = fs.find(path);
    if (found?.kind !== "dir") return undefined;
    const mount = fs.mountOf(path);
    const nodes: DirInode[] = [];
    // Only a plain way is remembered: no mounts below the root, no links.
    if (mount.path === "/" && mount.root.kind === "dir") {
      nodes.push(mount.root);
      for (const name of names) {
        const next = nodes.at(-1)!.entries.get(name);
        if (next?.kind !== "dir") return found;
        nodes.push(next);
      }
      if (nodes.at(-1) === found) this.#way = { mount, nodes };
    }
    return found;
  }

  /** Whether the folder holds exactly the files that were read, with the same content. */
  #isUnchanged(dir: DirInode): boolean {
    let count = 0;
    for (const [name, node] of dir.entries) {
      if (name.startsWith(".")) continue;
      if (node.kind !== "file" || this.#files.get(name)?.content !== node.content) return false;
      count++;
    }
    return count === this.#files.size;
  }

  #parse(path: string, text: string): Pod | undefined {
    const { nodeName, scope } = this.#options;
    const parsed = parseYaml(text);
    if (!parsed.ok) {
      this.#options.log(
        `file.go:187] "Could not process manifest file" err="${path}: couldn't parse as pod(${parsed.error}), please check config file" path="${path}"`,
      );
      return undefined;
    }
    const manifest = parsed.value.value as unknown as Pod;
    if (manifest?.kind !== "Pod" || !manifest.metadata?.name || !manifest.spec?.containers) {
      this.#options.log(
        `file.go:187] "Could not process manifest file" err="${path}: couldn't parse as pod(Object 'Kind' is missing), please check config file" path="${path}"`,
      );
      return undefined;
    }
    const hash = sha256Hex(`${nodeName}\0${path}\0${text}`).slice(0, 32);
    return deepFreeze({
      ...manifest,
      metadata: {
        ...manifest.metadata,
        name: `${manifest.metadata.name}-${nodeName}`,
        namespace: manifest.metadata.namespace ?? "default",
        uid: hash,
        resourceVersion: "",
        creationTimestamp: "",
        annotations: {
          ...manifest.metadata.annotations,
          "kubernetes.io/config.hash": hash,
          "kubernetes.io/config.seen": rfc3339Nano(scope.now()),
          "kubernetes.io/config.source": "file",
        },
      },
      spec: withDefaults(manifest.spec, nodeName),
      status: {},
    } as Pod);
  }
}

/** The server's defaults that the kubelet itself relies on; static Pods are not defaulted by a server. */
function withDefaults(spec: Pod["spec"], nodeName: string): Pod["spec"] {
  const defaults: JsonObject = {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
    enableServiceLinks: true,
  };
  return {
    ...defaults,
    ...spec,
    nodeName,
    tolerations: [...(spec.tolerations ?? []), { effect: "NoExecute", operator: "Exists" }],
    containers: spec.containers.map((container) => ({
      imagePullPolicy: /:latest$|^[^:]+$/.test(container.image ?? "") ? "Always" : "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      resources: {},
      ...container,
    })),
  } as Pod["spec"];
}
