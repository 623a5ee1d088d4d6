/** The schema of the built-in kinds: facts of Kubernetes 1.36, generated (lib/tools/generate-kubernetes-schema.mjs). */
import { type SchemaData, SchemaSet, type StructType } from "../apimachinery/schema";
import data from "./schema.generated.json";

export const builtinSchema = new SchemaSet(data as unknown as SchemaData);

/** The type of a built-in kind, by apiVersion and kind; undefined for custom kinds. */
export function structOfKind(apiVersion: string, kind: string): StructType | undefined {
  const id = builtinSchema.data.kinds[`${apiVersion}/${kind}`];
  return id === undefined ? undefined : builtinSchema.struct(id);
}
