/** What a printer of objects is. */
import type { KubeObject } from "../../apimachinery/object";

export interface ObjectPrinter {
  /**
   * The text of one object (a List counts as one). Printers may remember what they printed before. `isTyped` objects
   * were built by kubectl itself: JSON shows them in the order of their Go structs.
   */
  print(object: KubeObject, options?: { readonly isTyped?: boolean }): string;
  /** Takes the items of a list one by one instead of the list. */
  readonly perItem?: boolean;
}

export interface PrinterOptions {
  /** What stands after `=` in `-o jsonpath=…`, or --template. */
  readonly argument: string;
  readonly allowMissingKeys: boolean;
  readonly readFile: (path: string) => string;
}

export type MakePrinter = (options: PrinterOptions) => ObjectPrinter;
