/** The image half of CRI: pulls with containerd's own words for failures. */
import type { Task } from "../base/task";
import type { Image } from "./api";
import type { Containerd } from "./containerd";
import type * as cri from "./cri";
import { CriError } from "./cri";
import { isFailure } from "./pull";
import { parseReference, referenceString, withDefaultTag } from "./reference";

/** An image by name, digest reference, id or the beginning of an id. */
export function findImage(containerd: Containerd, text: string): Image | undefined {
  const { images } = containerd;
  const exact = images.get(text);
  if (exact) return exact;
  const reference = parseReference(text);
  if (reference.ok) {
    const byName = images.byName(referenceString(withDefaultTag(reference.value)));
    if (byName) return byName;
  }
  const candidates = /^(?:sha256:)?[0-9a-f]{6,64}$/.test(text) ? images.byPrefix(text) : [];
  return candidates.length === 1 ? candidates[0] : undefined;
}

export class CriImages implements cri.ImageService {
  readonly #containerd: Containerd;

  constructor(containerd: Containerd) {
    this.#containerd = containerd;
  }

  listImages(): readonly cri.CriImage[] {
    return this.#containerd.images.images().map((image) => this.#describe(image));
  }

  imageStatus(image: string): cri.CriImage | undefined {
    const found = findImage(this.#containerd, image);
    return found && this.#describe(found);
  }

  *pullImage(image: string, auth?: cri.AuthConfig): Task<string> {
    const parsed = parseReference(image);
    if (!parsed.ok)
      throw new CriError(
        "InvalidArgument",
        `failed to parse image reference ${JSON.stringify(image)}: ${parsed.error}`,
      );
    const reference = withDefaultTag(parsed.value);
    const name = referenceString(reference);
    const result = yield* this.#containerd.pull(reference, auth ? { credentials: auth } : {});
    if (!isFailure(result)) return result.image.id;
    const prefix = `failed to pull and unpack image ${JSON.stringify(name)}: failed to resolve image: `;
    switch (result.kind) {
      case "unknown-tag":
        throw new CriError("NotFound", `${prefix}${name}: not found`);
      case "denied":
        throw new CriError(
          "Unknown",
          `${prefix}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
        );
      case "no-platform":
        throw new CriError("NotFound", `${prefix}no match for platform in manifest: not found`);
      case "rate-limited":
        throw new CriError(
          "Unknown",
          `${prefix}unexpected status from GET request: 429 Too Many Requests\n${result.message}`,
        );
      default: {
        const path = `${reference.path}/manifests/${reference.digest ?? reference.tag}`;
        const cause = result.message.replace(
          /^Get "(https?:\/\/[^/]+)\/v2\/": /,
          (_, server) => `Head "${server}/v2/${path}": `,
        );
        throw new CriError("Unknown", `${prefix}failed to do request: ${cause}`);
      }
    }
  }

  removeImage(image: string): void {
    const found = findImage(this.#containerd, image);
    if (found) this.#containerd.images.remove(found.id);
  }

  imageFsInfo() {
    const { images } = this.#containerd;
    return { usedBytes: images.content.bytes, inodesUsed: images.images().length };
  }

  #describe(image: Image): cri.CriImage {
    const names = this.#containerd.images.namesOf(image.id);
    const user = image.config.User ?? "";
    return {
      id: image.id,
      repoTags: names.filter((name) => !name.includes("@")),
      repoDigests: names.filter((name) => name.includes("@")),
      size: image.layers.reduce((sum, layer) => sum + layer.compressedSize, 0),
      username: /^\d+(?::|$)/.test(user) ? "" : (user.split(":")[0] ?? ""),
      uid: /^\d+(?::|$)/.test(user) ? Number.parseInt(user, 10) : undefined,
    };
  }
}
