/** Describes ConfigMaps, Secrets and ServiceAccounts. */
import type { KubeObject } from "../../apimachinery/object";
import { decodeBase64Bytes } from "../kubeconfig";
import type { Describer } from "./describer";
import { writeEvents } from "./events";
import { type Part, sortedEntries, writeAnnotations, writeLabels, type Writer } from "./page";

function writeHead(w: Writer, object: KubeObject): void {
  w.write(0, `Name:\t${object.metadata.name}\n`);
  w.write(0, `Namespace:\t${object.metadata.namespace}\n`);
  writeLabels(w, "Labels", object.metadata.labels);
  writeAnnotations(w, "Annotations", object.metadata.annotations);
}

export const configMapDescriber: Describer = {
  group: "",
  kind: "ConfigMap",
  *describe(w, map, context) {
    writeHead(w, map);
    w.write(0, "\nData\n====\n");
    for (const [key, value] of sortedEntries<string>(map.data)) {
      w.write(0, `${key}:\n----\n`);
      w.write(0, `${value}\n`);
      w.write(0, "\n");
    }
    w.write(0, "\nBinaryData\n====\n");
    for (const [key, value] of sortedEntries<string>(map.binaryData))
      w.write(0, `${key}: ${decodeBase64Bytes(value).length} bytes\n`);
    w.write(0, "\n");
    writeEvents(w, context.events, context.now);
  },
};

export const secretDescriber: Describer = {
  group: "",
  kind: "Secret",
  withoutEvents: true,
  *describe(w, secret) {
    writeHead(w, secret);
    w.write(0, `\nType:\t${secret.type}\n`);
    w.write(0, "\nData\n====\n");
    for (const [key, value] of sortedEntries<string>(secret.data)) {
      const bytes = decodeBase64Bytes(value);
      if (key === "token" && secret.type === "kubernetes.io/service-account-token") w.write(0, `${key}:\t${bytes}\n`);
      else w.write(0, `${key}:\t${bytes.length} bytes\n`);
    }
  },
};

export const serviceAccountDescriber: Describer = {
  group: "",
  kind: "ServiceAccount",
  *describe(w, account, context) {
    writeHead(w, account);
    const names = (list: readonly Part[] | undefined): string[] => (list ?? []).map((each) => each.name);
    const write = (title: string, list: readonly string[]): void => {
      if (list.length === 0) {
        w.write(0, `${title}:\t<none>\n`);
        return;
      }
      list.forEach((name, i) => {
        w.write(0, `${i === 0 ? `${title}:` : ""}\t${name}\n`);
      });
    };
    write("Image pull secrets", names(account.imagePullSecrets));
    if (account.secrets?.length) write("Mountable secrets", names(account.secrets));
    writeEvents(w, context.events, context.now);
  },
};
