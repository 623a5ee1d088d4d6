/** What a world is made of, as data and one hook. */
import type { EngineFacts } from "../../docker/dockerd/engine";
import type { Laptop } from "../laptop";

/** What a scenario may lay before the learner arrives. */
export interface Preparation {
  readonly laptop: Laptop;
  /** Images that the laptop's engine has from the start. */
  preloadImages(names: readonly string[]): void;
  /** Runs a server on the laptop for a registry of this world. */
  serveRegistry(domain: string): void;
  /** Repositories that the engine remembers to have sent an image to: repository to image. */
  rememberPushes(pushes: Readonly<Record<string, string>>): void;
}

export interface Scenario {
  readonly name: string;
  /** One line for `--list`. */
  readonly description: string;
  readonly hostname: string;
  /** The laptop's address on the LAN. */
  readonly address: string;
  readonly memoryBytes: number;
  /** `uname -r` of the laptop, where it is not the usual one. */
  readonly kernelRelease?: string;
  /** Variables of the learner's environment besides the usual ones. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Programs that stand in for others of the machine: another build of the same tool. */
  readonly standIns?: Readonly<Record<string, string>>;
  readonly docker?: { readonly facts?: Partial<EngineFacts> };
  /** The name of a cluster profile, and how many workers where that differs. */
  readonly cluster?: { readonly profile: string; readonly workers?: number };
  /** Lays files, pulls images … before start commands run. */
  prepare?(world: Preparation): void;
}

/** Whether a world has anything of Kubernetes: a cluster, and kubectl on the laptop. */
export const needsKubernetes = (scenario: Scenario): boolean => scenario.cluster !== undefined;

const GIB = 1024 ** 3;

export const laptop = { hostname: "laptop", address: "10.89.0.2", memoryBytes: 8 * GIB } as const;
