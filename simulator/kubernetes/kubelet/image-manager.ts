/** Images for containers: pull policy, one pull at a time, back-off, and the events that tell of it. */
import type { Clock } from "../../base/clock";
import { failure, ok, type Result } from "../../base/result";
import { suspend, type Task } from "../../base/task";
import type { AuthConfig, ImageService } from "../../containerd/cri";
import { CriError } from "../../containerd/cri";
import { parseReference } from "../../containerd/reference";
import { formatDuration } from "../../text/go-duration";
import { quote } from "../../text/strconv";
import type { Container, EphemeralContainer, Pod } from "../api/types.generated";
import { Backoff } from "./backoff";
import type { StartFailure } from "./container-status";

export interface ImageManagerOptions {
  readonly clock: Clock;
  images(): ImageService;
  event(
    pod: Pod,
    container: Container | EphemeralContainer,
    type: "Normal" | "Warning",
    reason: string,
    message: string,
  ): void;
  /** Credentials of the Pod's imagePullSecrets for a registry. */
  credentials(pod: Pod, registry: string): AuthConfig | undefined;
}

export class ImageManager {
  readonly #options: ImageManagerOptions;
  readonly #backoff: Backoff;
  readonly #previousFailure = new Map<string, string>();
  /** The queue of the serial puller. */
  #pulling = false;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ImageManagerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, 10_000, 300_000);
  }

  /** The image's id once it is on the node, or why the container has to wait. */
  *ensure(pod: Pod, container: Container | EphemeralContainer): Task<Result<string, StartFailure>> {
    const image = container.image ?? "";
    const say = (type: "Normal" | "Warning", reason: string, message: string): void =>
      this.#options.event(pod, container, type, reason, message);
    const reference = parseReference(image);
    if (!reference.ok) {
      const message = `Failed to apply default image tag ${quote(image)}: couldn't parse image name ${quote(image)}: ${reference.error}`;
      say("Warning", "InspectFailed", message);
      return failure({ reason: "InvalidImageName", message });
    }
    const images = this.#options.images();
    const tagged = reference.value.tag || reference.value.digest ? image : `${image}:latest`;
    const present = images.imageStatus(tagged);
    const policy = container.imagePullPolicy ?? "IfNotPresent";
    if (present && policy !== "Always") {
      say(
        "Normal",
        "Pulled",
        `Container image ${quote(image)} already present on machine and can be accessed by the pod`,
      );
      return ok(present.id);
    }
    if (policy === "Never") {
      const message = `Container image ${quote(image)} is not present with pull policy of Never`;
      say("Warning", "ErrImageNeverPull", message);
      return failure({ reason: "ErrImageNeverPull", message });
    }
    const key = `${pod.metadata.uid}_${image}`;
    if (this.#backoff.isInBackOffSinceUpdate(key)) {
      const message = `Back-off pulling image ${quote(image)}`;
      say("Normal", "BackOff", message);
      const previous = this.#previousFailure.get(key);
      return failure({ reason: "ImagePullBackOff", message: previous ? `${message}: ${previous}` : message });
    }
    return yield* this.#pull(pod, container, tagged, reference.value.domain, key, say);
  }

  *#pull(
    pod: Pod,
    container: Container | EphemeralContainer,
    tagged: string,
    registry: string,
    key: string,
    say: (type: "Normal" | "Warning", reason: string, message: string) => void,
  ): Task<Result<string, StartFailure>> {
    const { clock } = this.#options;
    const image = container.image ?? "";
    say("Normal", "Pulling", `Pulling image ${quote(image)}`);
    const queuedAt = clock.now();
    if (this.#pulling) yield* this.#turn();
    this.#pulling = true;
    const startedAt = clock.now();
    try {
      const id = yield* this.#options.images().pullImage(tagged, this.#options.credentials(pod, registry));
      const size = this.#options.images().imageStatus(id)?.size ?? 0;
      const took = formatDuration(Math.floor(clock.now() - startedAt));
      const waited = formatDuration(Math.floor(clock.now() - queuedAt));
      say(
        "Normal",
        "Pulled",
        `Successfully pulled image ${quote(image)} in ${took} (${waited} including waiting). Image size: ${size} bytes.`,
      );
      this.#backoff.forget(key);
      this.#previousFailure.delete(key);
      return ok(id);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      say("Warning", "Failed", `Failed to pull image ${quote(image)}: ${error.message}`);
      this.#backoff.next(key, clock.now());
      this.#previousFailure.set(key, `ErrImagePull: ${error.message}`);
      return failure({ reason: "ErrImagePull", message: error.message });
    } finally {
      this.#pulling = false;
      this.#next();
    }
  }

  #next(): void {
    this.#waiting.shift()?.();
  }

  /** Waits until nobody pulls. Only the first in the queue is woken, for there may be a hundred behind it. */
  *#turn(): Task<void> {
    let isNext = false;
    try {
      while (this.#pulling) {
        const wasNext = isNext;
        isNext = false;
        yield* suspend<undefined>((resume) => {
          const wake = (): void => {
            isNext = true;
            resume(undefined);
          };
          // Who was woken and came too late stays in front.
          if (wasNext) this.#waiting.unshift(wake);
          else this.#waiting.push(wake);
          return () => {
            const at = this.#waiting.indexOf(wake);
            if (at >= 0) this.#waiting.splice(at, 1);
          };
        });
      }
      isNext = false;
    } finally {
      // Given up (the Pod is deleted) after it was woken: the turn goes to the next.
      if (isNext && !this.#pulling) this.#next();
    }
  }

  /** Forgets what was remembered of a Pod's pulls. */
  forget(podUid: string): void {
    this.#backoff.forget(`${podUid}_`);
    for (const key of this.#previousFailure.keys()) if (key.startsWith(`${podUid}_`)) this.#previousFailure.delete(key);
  }
}
