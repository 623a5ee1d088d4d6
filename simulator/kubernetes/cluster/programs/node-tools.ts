/** What node tools need of the cluster: the machine they run on, and what is common to all of them. */
import type { Loop } from "../../../base/loop";
import type { Process } from "../../../os/process";
import type { EtcdCluster } from "../../etcd/cluster";
import type { Host } from "../host";
import type { ApiServer } from "../../apiserver/server";
import type { ClusterProfile, MachineProfile } from "../profiles";

export interface NodeTools {
  readonly profile: ClusterProfile;
  readonly etcd: EtcdCluster;
  readonly api: ApiServer;
  readonly options: { readonly loop: Loop };
  hostOf(process: Process): Host | undefined;
  machines(): readonly MachineProfile[];
  readonly address: string;
  /** Makes a machine a node: what kubeadm join does once it has checked the token. */
  joinNode(host: Host): void;
  resetNode(host: Host): void;
  adminKubeconfig(): string;
}

/** Flags (`-n 5`, `--lines=5`, `-xeu unit`) and words, as getopt reads them. */
export interface Arguments {
  readonly flags: ReadonlyMap<string, string>;
  readonly words: readonly string[];
  /** The first flag that is not known. */
  readonly unknown: string | undefined;
}

/** `valued`: flags that take a value; `plain`: flags that do not; aliases map to their long name. */
export function readArguments(
  argv: readonly string[],
  valued: readonly string[],
  plain: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): Arguments {
  const flags = new Map<string, string>();
  const words: string[] = [];
  let unknown: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (word.startsWith("--") || (word.startsWith("-") && word.length > 2 && plainOrValued(word.slice(1)))) {
      const [name, value] = split(word.replace(/^--?/, ""));
      const full = aliases[name] ?? name;
      if (valued.includes(full)) flags.set(full, value ?? argv[++i] ?? "");
      else if (plain.includes(full)) flags.set(full, value ?? "true");
      else unknown ??= word;
      continue;
    }
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const full = aliases[word[at]!] ?? word[at]!;
      if (plain.includes(full)) flags.set(full, "true");
      else if (valued.includes(full)) {
        flags.set(full, word.slice(at + 1) || (argv[++i] ?? ""));
        break;
      } else {
        unknown ??= `-${word[at]}`;
        break;
      }
    }
  }
  return { flags, words, unknown };

  /** etcdctl and crictl take long names with one dash too. */
  function plainOrValued(text: string): boolean {
    const [name] = split(text);
    return valued.includes(name) || plain.includes(name);
  }
}

function split(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
