/** `-v`: `TARGET`, `SOURCE:TARGET` or `SOURCE:TARGET:MODE`. */
import { failure, ok, type Result } from "../../base/result";

export interface VolumeSpec {
  readonly source: string | undefined;
  readonly target: string;
  readonly mode: string;
}

export function parseVolume(spec: string): Result<VolumeSpec, string> {
  if (spec === "") return failure("invalid empty volume spec");
  const parts = spec.split(":");
  if (parts.length === 1) return ok({ source: undefined, target: spec, mode: "" });
  if (parts.length > 3) return failure(`invalid spec: ${spec}: too many colons`);
  if (parts[0] === "" || parts[1] === "") return failure(`invalid spec: ${spec}: empty section between colons`);
  return ok({ source: parts[0], target: parts[1]!, mode: parts[2] ?? "" });
}
