/** How an image is written down: layers of files, the configuration, and the history that `docker history` shows. */
import { encodeUtf8 } from "../base/bytes";
import { parseRfc3339 } from "../base/clock";
import type { HistoryEntry, Image, ImageConfig, Layer, LayerChange } from "../containerd/api";
import { makeImage } from "../containerd/images";
import { makeLayer } from "../containerd/layers";
import { DirInode, FileInode, type Inode, SymlinkInode } from "../os/inode";
import { executable } from "../os/kernel";

/** What stands at a path: text, a program, a link, a folder, or a ready node. */
export type FileSpec =
  | string
  | { readonly program: string; readonly size?: number }
  | { readonly script: string }
  | { readonly link: string }
  | { readonly dir: number; readonly uid?: number; readonly gid?: number }
  | { readonly node: Inode };

/** One step of the image's making: files when it changed any. */
export interface LayerSpec {
  readonly createdBy: string;
  readonly files?: Readonly<Record<string, FileSpec>>;
  /** Paths taken away. */
  readonly removed?: readonly string[];
  /** Bytes that the real layer holds, where it is more than is kept here. */
  readonly size?: number;
}

export interface ImageDefinition {
  /** Full or familiar repository: `nginx`, `in28min/hello-world-rest-api`, `registry.k8s.io/pause`. */
  readonly repository: string;
  readonly tags: readonly string[];
  readonly description?: string;
  readonly stars?: number;
  /** Made at the first use, and only once. */
  image(): Image;
}

export interface ImageSpec {
  readonly repository: string;
  readonly tags: readonly string[];
  readonly description?: string;
  readonly stars?: number;
  readonly base?: ImageDefinition;
  readonly layers: readonly LayerSpec[];
  readonly config?: ImageConfig;
  /** RFC 3339 */
  readonly created: string;
  readonly comment?: string;
  readonly architecture?: string;
}

const COMMENT = "buildkit.dockerfile.v0";

function nodeOf(spec: FileSpec, mtime: number): Inode {
  if (typeof spec === "string") return new FileInode(encodeUtf8(spec), { mtime });
  if ("script" in spec) return new FileInode(encodeUtf8(spec.script), { mode: 0o755, mtime });
  if ("link" in spec) return new SymlinkInode(spec.link, { mtime });
  if ("dir" in spec) return new DirInode({ mode: spec.dir, mtime, uid: spec.uid ?? 0, gid: spec.gid ?? 0 });
  if ("node" in spec) return spec.node;
  const file = new FileInode(executable(spec.program), { mode: 0o755, mtime });
  if (spec.size !== undefined) file.apparentSize = spec.size;
  return file;
}

/** Adds the folders on the way, so that each has an entry of its own. */
function changesOf(layer: LayerSpec, mtime: number): LayerChange[] {
  const changes = new Map<string, Inode | undefined>();
  for (const [path, spec] of Object.entries(layer.files ?? {})) {
    const names = path.split("/").slice(1, -1);
    let at = "";
    for (const name of names) {
      at += `/${name}`;
      if (!changes.has(at)) changes.set(at, new DirInode({ mtime }));
    }
    changes.set(path, nodeOf(spec, mtime));
  }
  for (const path of layer.removed ?? []) changes.set(path, undefined);
  return [...changes].map(([path, node]) => ({ path, node }) as LayerChange);
}

export function defineImage(spec: ImageSpec): ImageDefinition {
  let made: Image | undefined;
  const build = (): Image => {
    const base = spec.base?.image();
    const layers: Layer[] = [...(base?.layers ?? [])];
    const history: HistoryEntry[] = [...(base?.history ?? [])];
    // Times of files are whole seconds of the image's own making.
    const mtime = parseRfc3339(spec.created) ?? 0;
    for (const step of spec.layers) {
      const hasFiles = step.files !== undefined || step.removed !== undefined || step.size !== undefined;
      history.push({
        created: spec.created,
        created_by: step.createdBy,
        comment: spec.comment ?? COMMENT,
        ...(hasFiles ? {} : { empty_layer: true }),
      });
      if (hasFiles)
        layers.push(
          makeLayer(changesOf(step, mtime), {
            ...(step.size === undefined ? {} : { size: step.size }),
            salt: `${spec.repository} ${step.createdBy}\n`,
          }),
        );
    }
    const config: ImageConfig = { ArgsEscaped: true, ...base?.config, ...spec.config };
    return makeImage({
      config,
      layers,
      history,
      created: spec.created,
      ...(spec.architecture ? { architecture: spec.architecture } : {}),
    });
  };
  return {
    repository: spec.repository,
    tags: spec.tags,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    ...(spec.stars === undefined ? {} : { stars: spec.stars }),
    image: () => (made ??= build()),
  };
}

/** The same image under other names. */
export const alsoAs = (definition: ImageDefinition, repository: string, tags: readonly string[]): ImageDefinition => ({
  repository,
  tags,
  image: () => definition.image(),
});

export const PATH_ENV = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
