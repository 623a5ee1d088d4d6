/** kubectl create secret generic | tls | docker-registry */
import { encodeUtf8, type Bytes } from "../../../../base/bytes";
import { boolFlag, stringArrayFlag, stringFlag, stringSliceFlag } from "../../../../cli/flags";
import { SysError } from "../../../../os/errno";
import type { Process } from "../../../../os/process";
import { goJson } from "../../../../text/go-json";
import { defineCreateCommand } from "../../create-object";
import { fail } from "../../failure";
import { encodeBase64 } from "../../kubeconfig";
import { defineKubectlCommand } from "../../kubectl-command";
import { readDataSources } from "./data-sources";
import { hashed } from "./hash-suffix";
import { SECRET } from "./made-kinds";

const appendHash = boolFlag(false, "Append a hash of the secret to its name.");

function secretObject(
  name: string,
  data: ReadonlyMap<string, Bytes>,
  type: string,
  withHash: boolean,
): Record<string, unknown> {
  const encoded: Record<string, string> = {};
  for (const key of [...data.keys()].sort()) encoded[key] = encodeBase64(data.get(key)!);
  const object = {
    kind: "Secret",
    apiVersion: "v1",
    metadata: { name },
    ...(data.size > 0 ? { data: encoded } : {}),
    ...(type ? { type } : {}),
  };
  return withHash ? hashed(object, { data: encoded, kind: "Secret", name: "", type }) : object;
}

const generic = defineCreateCommand({
  use: "generic NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]",
  short: "Create a secret from a local file, directory, or literal value",
  example: "  # From values given here\n  kubectl create secret generic app-secret --from-literal=PASSWORD=s3cret",
  made: SECRET,
  failure: "failed to create secret",
  flags: {
    "append-hash": appendHash,
    "from-env-file": stringSliceFlag(
      [],
      "Specify the path to a file to read lines of key=val pairs to create a secret.",
    ),
    "from-file": stringSliceFlag(
      [],
      "Key files can be specified using their file path, in which case a default name will be given to them, or optionally with a name and file path, in which case the given name will be used. Specifying a directory will iterate each named file in the directory that is a valid secret key.",
    ),
    "from-literal": stringArrayFlag([], "Specify a key and literal value to insert in secret (i.e. mykey=somevalue)"),
    type: stringFlag("", "The type of secret to create"),
  },
  *build({ flags, process }, name) {
    const data = readDataSources(
      process,
      { literals: flags["from-literal"], files: flags["from-file"], envFiles: flags["from-env-file"] },
      (key) => `cannot add key ${key}, another key by that name already exists`,
    );
    return secretObject(name, data, flags.type, flags["append-hash"]);
  },
});

const tls = defineCreateCommand({
  use: "tls NAME --cert=path/to/cert/file --key=path/to/key/file [--dry-run=server|client|none]",
  short: "Create a TLS secret",
  made: SECRET,
  failure: "failed to create secret",
  flags: {
    "append-hash": appendHash,
    cert: stringFlag("", "Path to PEM encoded public key certificate.", { required: true }),
    key: stringFlag("", "Path to private key associated with given certificate.", { required: true }),
  },
  *build({ flags, process }, name) {
    const data = new Map([
      ["tls.crt", readOrFail(process, flags.cert)],
      ["tls.key", readOrFail(process, flags.key)],
    ]);
    return secretObject(name, data, "kubernetes.io/tls", flags["append-hash"]);
  },
});

function readOrFail(process: Process, path: string): Bytes {
  try {
    return process.fs.readFile(process.path(path));
  } catch (error) {
    if (error instanceof SysError) return fail(`open ${path}: ${error.message.toLowerCase()}`);
    throw error;
  }
}

const dockerRegistry = defineCreateCommand({
  use: "docker-registry NAME --docker-username=user --docker-password=password --docker-email=email [--docker-server=string] [--from-file=[key=]source] [--dry-run=server|client|none]",
  short: "Create a secret for use with a Docker registry",
  made: SECRET,
  failure: "failed to create secret",
  flags: {
    "append-hash": appendHash,
    "docker-email": stringFlag("", "Email for Docker registry"),
    "docker-password": stringFlag("", "Password for Docker registry authentication"),
    "docker-server": stringFlag("https://index.docker.io/v1/", "Server location for Docker registry"),
    "docker-username": stringFlag("", "Username for Docker registry authentication"),
    "from-file": stringSliceFlag(
      [],
      "Key files can be specified using their file path, in which case a default name of .dockerconfigjson will be given to them, or optionally with a name and file path, in which case the given name will be used.",
    ),
  },
  *build({ flags, process }, name) {
    let data: Map<string, Bytes>;
    if (flags["from-file"].length > 0) {
      const files = flags["from-file"].map((file) => (file.includes("=") ? file : `.dockerconfigjson=${file}`));
      data = readDataSources(
        process,
        { literals: [], files, envFiles: [] },
        (key) => `cannot add key ${key}, another key by that name already exists`,
      );
    } else {
      const username = flags["docker-username"];
      const password = flags["docker-password"];
      if (!username || !password)
        fail(
          "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
        );
      const entry = {
        username,
        password,
        ...(flags["docker-email"] ? { email: flags["docker-email"] } : {}),
        auth: encodeBase64(encodeUtf8(`${username}:${password}`)),
      };
      const config = goJson({ auths: { [flags["docker-server"]]: entry } }, { sortKeys: false });
      data = new Map([[".dockerconfigjson", encodeUtf8(config)]]);
    }
    return secretObject(name, data, "kubernetes.io/dockerconfigjson", flags["append-hash"]);
  },
});

export const createSecret = defineKubectlCommand({
  use: "secret (docker-registry | generic | tls)",
  short: "Create a secret using a specified subcommand",
  commands: [dockerRegistry, generic, tls],
});
