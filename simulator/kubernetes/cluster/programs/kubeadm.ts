/** kubeadm on a machine of the cluster: tokens, join, reset, certificates, and the phases that lessons use. */
import { decodeUtf8, encodeUtf8, NO_BYTES } from "../../../base/bytes";
import { civilTime, parseRfc3339, rfc3339 } from "../../../base/clock";
import { sha256Hex } from "../../../base/hash";
import type { Task } from "../../../base/task";
import type { Process, Program } from "../../../os/process";
import { parseDuration } from "../../../text/go-duration";
import { humanDuration } from "../../../text/human-duration";
import { decodeBase64, encodeBase64 } from "../../apimachinery/base64";
import type { Secret } from "../../api/types.generated";
import { Client } from "../../client/client";
import { SECRETS } from "../../client/resources";
import type { Host } from "../host";
import { identities } from "../identities";
import { staticPodManifests } from "../static-pods";
import { type NodeTools, readArguments } from "./node-tools";
import { table } from "./table";

const CA_HASH = `sha256:${sha256Hex("kubernetes ca public key")}`;

export const kubeadm =
  (tools: NodeTools): Program =>
  (process) =>
    run(tools, process);

function* run(tools: NodeTools, process: Process): Task<number> {
  const host = tools.hostOf(process);
  const { flags, words } = readArguments(
    process.argv.slice(1),
    [
      "token",
      "discovery-token-ca-cert-hash",
      "ttl",
      "description",
      "kubeconfig",
      "config",
      "node-name",
      "cri-socket",
      "v",
      "apiserver-advertise-address",
      "pod-network-cidr",
      "ignore-preflight-errors",
      "certificate-key",
      "output",
    ],
    ["print-join-command", "force", "control-plane", "dry-run", "help", "short", "upload-certs"],
    { f: "force", o: "output" },
  );
  const version = tools.profile.kubernetesVersion;
  const [command, verb] = words;
  switch (command) {
    case "version":
      yield* process.print(
        flags.get("output") === "short"
          ? `${version}\n`
          : `kubeadm version: &version.Info{Major:"1", Minor:"36", EmulationMajor:"", EmulationMinor:"", MinCompatibilityMajor:"", MinCompatibilityMinor:"", GitVersion:"${version}", GitTreeState:"clean", GoVersion:"go1.26.10", Compiler:"gc", Platform:"linux/amd64"}\n`,
      );
      return 0;
    case "token":
      return yield* tokens(tools, process, host, verb ?? "", words.slice(2), flags);
    case "join":
      return yield* join(tools, process, host, verb, flags);
    case "reset":
      return yield* reset(tools, process, host, flags);
    case "certs":
      return yield* certificates(process, host);
    case "config":
      if (verb === "images") {
        const images = [
          `kube-apiserver:${version}`,
          `kube-controller-manager:${version}`,
          `kube-scheduler:${version}`,
          `kube-proxy:${version}`,
          "coredns/coredns:v1.12.1",
          "pause:3.10",
          `etcd:${tools.profile.etcdVersion}`,
        ];
        yield* process.print(images.map((image) => `registry.k8s.io/${image}\n`).join(""));
        return 0;
      }
      break;
    case "init":
      return yield* init(tools, process, host, words.slice(1));
  }
  yield* process.printError(
    command === undefined
      ? "kubeadm: easily bootstrap a secure Kubernetes cluster. Here: token create|list|delete, join, reset, certs check-expiration, config images list, init phase control-plane|etcd, version\n"
      : `kubeadm ${words.join(" ")} is not simulated; this cluster is set up already, and kubeadm token, join, reset, certs and init phase control-plane work on it\n`,
  );
  return command === undefined ? 0 : 1;
}

/** A client with the rights of admin.conf, where the machine has it. */
function adminOf(tools: NodeTools, host: Host | undefined): Client | undefined {
  if (!host?.mounts.exists("/etc/kubernetes/admin.conf")) return undefined;
  return new Client({
    transport: tools.api,
    userAgent: `kubeadm/${tools.profile.kubernetesVersion}`,
    credentials: identities.admin,
  });
}

function* tokens(
  tools: NodeTools,
  process: Process,
  host: Host | undefined,
  verb: string,
  rest: readonly string[],
  flags: ReadonlyMap<string, string>,
): Task<number> {
  if (verb === "generate") {
    const random = process.kernel.random.stream("kubeadm-token");
    yield* process.print(`${random.hex(6)}.${random.hex(16)}\n`);
    return 0;
  }
  const client = adminOf(tools, host);
  if (!client) {
    yield* process.printError(
      "failed to load admin kubeconfig: open /etc/kubernetes/admin.conf: no such file or directory\nTo see the stack trace of this error execute with --v=5 or higher\n",
    );
    return 1;
  }
  if (verb === "create") {
    const random = process.kernel.random.stream("kubeadm-token");
    const token = rest[0] ?? `${random.hex(6)}.${random.hex(16)}`;
    const match = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token);
    if (!match) {
      yield* process.printError(
        `the bootstrap token "${token}" was not of the form "\\\\A([a-z0-9]{6})\\\\.([a-z0-9]{16})\\\\z"\nTo see the stack trace of this error execute with --v=5 or higher\n`,
      );
      return 1;
    }
    const ttl = parseDuration(flags.get("ttl") ?? "24h0m0s");
    const data: Record<string, string> = {
      "token-id": match[1]!,
      "token-secret": match[2]!,
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      ...(flags.has("description") ? { description: flags.get("description")! } : {}),
      ...(ttl.ok && ttl.value > 0 ? { expiration: rfc3339(process.now() + ttl.value) } : {}),
    };
    const created = client.create(SECRETS, {
      metadata: { name: `bootstrap-token-${match[1]}`, namespace: "kube-system" },
      type: "bootstrap.kubernetes.io/token",
      data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encodeBase64(encodeUtf8(value))])),
    });
    if (!created.ok) {
      yield* process.printError(
        `failed to create or update bootstrap token with name bootstrap-token-${match[1]}: ${created.error.message}\n`,
      );
      return 1;
    }
    yield* process.print(
      flags.has("print-join-command")
        ? `kubeadm join ${tools.address} --token ${token} --discovery-token-ca-cert-hash ${CA_HASH} \n`
        : `${token}\n`,
    );
    return 0;
  }
  const all = bootstrapTokens(client);
  if (verb === "list") {
    if (all.length === 0) return 0;
    const rows = all.map(({ id, secret, data }) => {
      const left = data["expiration"]
        ? humanDuration(Math.max(0, (parseRfc3339(data["expiration"]) ?? 0) - process.now()))
        : "<forever>";
      return [
        `${id}.${secret}`,
        left,
        data["expiration"] ?? "<never>",
        "authentication,signing",
        data["description"] ?? "<none>",
        data["auth-extra-groups"] ?? "",
      ];
    });
    yield* process.print(table(["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"], rows, 10, 3));
    return 0;
  }
  if (verb === "delete") {
    for (const word of rest) {
      const id = word.split(".")[0]!;
      const done = client.delete(SECRETS, { namespace: "kube-system", name: `bootstrap-token-${id}` });
      if (!done.ok) {
        yield* process.printError(`failed to delete bootstrap token "${id}": ${done.error.message}\n`);
        return 1;
      }
      yield* process.print(`bootstrap token "${id}" deleted\n`);
    }
    return 0;
  }
  yield* process.printError(`unknown command "${verb}" for "kubeadm token"\n`);
  return 1;
}

function bootstrapTokens(
  client: Client,
): { readonly id: string; readonly secret: string; readonly data: Readonly<Record<string, string>> }[] {
  const list = client.list(SECRETS, { namespace: "kube-system", fieldSelector: "type=bootstrap.kubernetes.io/token" });
  if (!list.ok) return [];
  return list.value.items.map((secret: Secret) => {
    const data = Object.fromEntries(
      Object.entries(secret.data ?? {}).map(([key, value]) => [key, decodeUtf8(decodeBase64(value) ?? NO_BYTES)]),
    );
    return { id: data["token-id"] ?? "", secret: data["token-secret"] ?? "", data };
  });
}

function* join(
  tools: NodeTools,
  process: Process,
  host: Host | undefined,
  address: string | undefined,
  flags: ReadonlyMap<string, string>,
): Task<number> {
  const failed = function* (...lines: string[]): Task<number> {
    yield* process.printError(
      `${lines.join("\n")}\nTo see the stack trace of this error execute with --v=5 or higher\n`,
    );
    return 1;
  };
  if (!host)
    return yield* failed(
      "[preflight] Some fatal errors occurred:",
      "\t[ERROR CRI]: this machine is no machine of the cluster",
    );
  yield* process.print("[preflight] Running pre-flight checks\n");
  const errors: string[] = [];
  if (host.mounts.exists("/etc/kubernetes/kubelet.conf") && host.systemd.unit("kubelet")?.state === "active") {
    errors.push(
      "\t[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: /etc/kubernetes/kubelet.conf already exists",
      "\t[ERROR Port-10250]: Port 10250 is in use",
      "\t[ERROR FileAvailable--etc-kubernetes-pki-ca.crt]: /etc/kubernetes/pki/ca.crt already exists",
    );
  }
  if (errors.length > 0)
    return yield* failed(
      "error execution phase preflight: [preflight] Some fatal errors occurred:",
      ...errors,
      "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`",
    );
  const token = flags.get("token") ?? "";
  if (!address || token === "")
    return yield* failed('discovery: Invalid value: "": bootstrapToken or file must be set');
  if (address !== tools.address) {
    yield* process.sleep(10_000);
    return yield* failed(
      `error execution phase preflight: couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap: Get "https://${address}/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s": dial tcp ${address}: connect: connection refused`,
    );
  }
  const client = new Client({ transport: tools.api, userAgent: "kubeadm", credentials: identities.admin });
  const known = bootstrapTokens(client).find(
    ({ id, secret, data }) =>
      `${id}.${secret}` === token && (!data["expiration"] || (parseRfc3339(data["expiration"]) ?? 0) > process.now()),
  );
  if (!known) {
    yield* process.sleep(5000);
    return yield* failed(
      `error execution phase preflight: couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID "${token.split(".")[0]}"`,
    );
  }
  const hash = flags.get("discovery-token-ca-cert-hash");
  if (hash !== undefined && hash !== CA_HASH)
    return yield* failed(
      `error execution phase preflight: couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "${CA_HASH}" are pinned`,
    );
  yield* process.print(
    '[preflight] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...\n[preflight] Use \'kubeadm init phase upload-config kubeadm --config your-config-file\' to re-upload it.\n[kubelet-start] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"\n[kubelet-start] Writing kubelet environment file with flags to file "/var/lib/kubelet/kubeadm-flags.env"\n[kubelet-start] Starting the kubelet\n',
  );
  tools.joinNode(host);
  yield* process.print(
    "[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s\n",
  );
  yield* process.sleep(500);
  yield* process.print(
    "[kubelet-check] The kubelet is healthy after 500.7ms\n[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap\n",
  );
  yield* process.sleep(1500);
  yield* process.print(
    "\nThis node has joined the cluster:\n* Certificate signing request was sent to apiserver and a response was received.\n* The Kubelet was informed of the new secure connection details.\n\nRun 'kubectl get nodes' on the control-plane to see this node join the cluster.\n\n",
  );
  return 0;
}

function* reset(
  tools: NodeTools,
  process: Process,
  host: Host | undefined,
  flags: ReadonlyMap<string, string>,
): Task<number> {
  if (!host) {
    yield* process.printError("[reset] this machine is no machine of the cluster\n");
    return 1;
  }
  if (!flags.has("force")) {
    yield* process.print(
      "W [preflight] WARNING: Changes made to this host by 'kubeadm init' or 'kubeadm join' will be reverted.\n[preflight] Are you sure you want to proceed? [y/N]: ",
    );
    const answer = decodeUtf8(yield* process.read(0))
      .trim()
      .toLowerCase();
    if (answer !== "y" && answer !== "yes") {
      yield* process.printError(
        "error execution phase preflight: aborted reset operation\nTo see the stack trace of this error execute with --v=5 or higher\n",
      );
      return 1;
    }
  }
  yield* process.print(
    '[preflight] Running pre-flight checks\n[reset] Deleted contents of the etcd data directory: /var/lib/etcd\n[reset] Stopping the kubelet service\n[reset] Unmounting mounted directories in "/var/lib/kubelet"\n',
  );
  tools.resetNode(host);
  for (const path of ["/etc/kubernetes/manifests", "/etc/kubernetes/pki"])
    if (host.mounts.exists(path))
      for (const name of host.mounts.readDir(path)) host.mounts.removeTree(`${path}/${name}`);
  for (const path of ["/etc/kubernetes/admin.conf", "/etc/kubernetes/kubelet.conf"])
    if (host.mounts.exists(path)) host.mounts.unlink(path);
  yield* process.print(
    "[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki]\n[reset] Deleting files: [/etc/kubernetes/admin.conf /etc/kubernetes/super-admin.conf /etc/kubernetes/kubelet.conf /etc/kubernetes/bootstrap-kubelet.conf /etc/kubernetes/controller-manager.conf /etc/kubernetes/scheduler.conf]\n\nThe reset process does not perform cleanup of CNI plugin configuration,\nnetwork filtering rules and kubeconfig files.\n",
  );
  return 0;
}

function* certificates(process: Process, host: Host | undefined): Task<number> {
  if (!host?.mounts.exists("/etc/kubernetes/admin.conf")) {
    yield* process.printError("MISSING! admin.conf\n");
    return 1;
  }
  const end = host.kernel.bootedAt + 365 * 86_400_000;
  const t = civilTime(end);
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const pad = (value: number): string => String(value).padStart(2, "0");
  const expires = `${months[t.month - 1]} ${pad(t.day)}, ${t.year} ${pad(t.hour)}:${pad(t.minute)} UTC`;
  const names: readonly (readonly [string, string])[] = [
    ["admin.conf", "ca"],
    ["apiserver", "ca"],
    ["apiserver-etcd-client", "etcd-ca"],
    ["apiserver-kubelet-client", "ca"],
    ["controller-manager.conf", "ca"],
    ["etcd-healthcheck-client", "etcd-ca"],
    ["etcd-peer", "etcd-ca"],
    ["etcd-server", "etcd-ca"],
    ["front-proxy-client", "front-proxy-ca"],
    ["scheduler.conf", "ca"],
    ["super-admin.conf", "ca"],
  ];
  yield* process.print(
    table(
      ["CERTIFICATE", "EXPIRES", "RESIDUAL TIME", "CERTIFICATE AUTHORITY", "EXTERNALLY MANAGED"],
      names.map(([name, authority]) => [name, expires, humanDuration(end - process.now()), authority, "no"]),
      0,
    ),
  );
  return 0;
}

/** `kubeadm init phase control-plane all` and `etcd local`: the manifests are written anew. */
function* init(tools: NodeTools, process: Process, host: Host | undefined, words: readonly string[]): Task<number> {
  const { controlPlane } = tools.profile;
  const machine =
    controlPlane.kind === "static-pods" ? controlPlane.nodes.find((node) => node.name === host?.name) : undefined;
  if (words[0] !== "phase") {
    yield* process.printError(
      "[init] Using Kubernetes version: v1.36.2\n[preflight] Running pre-flight checks\nerror execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR Port-6443]: Port 6443 is in use\n\t[ERROR Port-10250]: Port 10250 is in use\n\t[ERROR FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml]: /etc/kubernetes/manifests/kube-apiserver.yaml already exists\n[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`\nTo see the stack trace of this error execute with --v=5 or higher\n",
    );
    return 1;
  }
  const [, phase, which = "all"] = words;
  if (!machine || !host || (phase !== "control-plane" && phase !== "etcd")) {
    yield* process.printError(
      `kubeadm init ${words.join(" ")} is not simulated; init phase control-plane and init phase etcd are\n`,
    );
    return 1;
  }
  const wanted =
    phase === "etcd"
      ? ["etcd"]
      : which === "all"
        ? ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
        : [`kube-${which}`];
  for (const name of wanted) {
    const manifest = staticPodManifests(tools.profile, machine).find(([file]) => file === `${name}.yaml`);
    if (!manifest) continue;
    host.write(`/etc/kubernetes/manifests/${manifest[0]}`, manifest[1]);
    yield* process.print(
      phase === "etcd"
        ? '[etcd] Creating static Pod manifest for local etcd in "/etc/kubernetes/manifests"\n'
        : `[control-plane] Creating static Pod manifest for "${name}"\n`,
    );
  }
  return 0;
}
