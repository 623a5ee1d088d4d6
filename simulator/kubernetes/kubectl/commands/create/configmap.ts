/** kubectl create configmap */
import { decodeUtf8, encodeUtf8 } from "../../../../base/bytes";
import { boolFlag, stringArrayFlag, stringSliceFlag } from "../../../../cli/flags";
import { encodeBase64 } from "../../kubeconfig";
import { defineCreateCommand } from "../../create-object";
import { readDataSources } from "./data-sources";
import { hashed } from "./hash-suffix";
import { CONFIG_MAP } from "./made-kinds";

export const createConfigMap = defineCreateCommand({
  use: "configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
  aliases: ["cm"],
  short: "Create a config map from a local file, directory or literal value",
  example:
    "  # From values given here\n  kubectl create configmap app-config --from-literal=COLOR=blue --from-literal=MODE=dev\n  \n  # From a file: its name is the key\n  kubectl create configmap app-config --from-file=app.properties",
  made: CONFIG_MAP,
  failure: "failed to create configmap",
  flags: {
    "append-hash": boolFlag(false, "Append a hash of the configmap to its name."),
    "from-env-file": stringSliceFlag(
      [],
      "Specify the path to a file to read lines of key=val pairs to create a configmap.",
    ),
    "from-file": stringSliceFlag(
      [],
      "Key file can be specified using its file path, in which case file basename will be used as configmap key, or optionally with a key and file path, in which case the given key will be used. Specifying a directory will iterate each named file in the directory whose basename is a valid configmap key.",
    ),
    "from-literal": stringArrayFlag(
      [],
      "Specify a key and literal value to insert in configmap (i.e. mykey=somevalue)",
    ),
  },
  *build({ flags, process }, name) {
    const data = readDataSources(
      process,
      { literals: flags["from-literal"], files: flags["from-file"], envFiles: flags["from-env-file"] },
      (key) => `cannot add key "${key}", another key by that name already exists in Data for ConfigMap "${name}"`,
    );
    const text: Record<string, string> = {};
    const binary: Record<string, string> = {};
    for (const key of [...data.keys()].sort()) {
      const bytes = data.get(key)!;
      const decoded = decodeUtf8(bytes);
      if (encodeUtf8(decoded) === bytes) text[key] = decoded;
      else binary[key] = encodeBase64(bytes);
    }
    const object = {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { name },
      ...(Object.keys(text).length > 0 ? { data: text } : {}),
      ...(Object.keys(binary).length > 0 ? { binaryData: binary } : {}),
    };
    return flags["append-hash"] ? hashed(object, { data: text, kind: "ConfigMap", name: "" }) : object;
  },
});
