/** -o name: `deployment.apps/web`. */
import { parseApiVersion } from "../../apimachinery/group-version-kind";
import { qualifiedName } from "../discovery";
import type { MakePrinter } from "./printer";

export const namePrinter: MakePrinter = () => ({
  perItem: true,
  print: (object) => {
    const { group } = parseApiVersion(object.apiVersion);
    return `${qualifiedName({ group, kind: object.kind }, object.metadata.name)}\n`;
  },
});
