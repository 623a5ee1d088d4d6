/** What a describer is given, and how one is declared. */
import type { Task } from "../../../base/task";
import type { KubeList, KubeObject } from "../../apimachinery/object";
import type { Factory } from "../factory";
import type { Page, Part } from "./page";

export interface DescribeContext {
  readonly factory: Factory;
  readonly now: number;
  /** The object's events, or undefined where they are not shown. */
  readonly events: readonly Part[] | undefined;
  /** Items of a list, `[]` where the server refuses. */
  list(path: string, query?: Readonly<Record<string, string>>): Task<readonly KubeObject[]>;
}

export interface Describer {
  readonly group: string;
  readonly kind: string;
  describe(page: Page, object: Part, context: DescribeContext): Task<void>;
  /** Kinds whose pages have no Events section. */
  readonly withoutEvents?: boolean;
}

export const itemsOf = (list: KubeList): readonly KubeObject[] => list.items ?? [];
