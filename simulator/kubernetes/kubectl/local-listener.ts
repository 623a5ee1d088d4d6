/** TCP as port-forward and proxy need it: the machine hands in its network behind this. */
import type { Bytes } from "../../base/bytes";
import type { Task } from "../../base/task";

export interface LocalConnection {
  /** NO_BYTES at the end. */
  read(max: number): Task<Bytes>;
  write(bytes: Bytes): Task<void>;
  /** No more will be written; reading goes on. */
  end(): void;
  close(): void;
}

export interface LocalListener {
  readonly port: number;
  accept(): Task<LocalConnection>;
  close(): void;
}
