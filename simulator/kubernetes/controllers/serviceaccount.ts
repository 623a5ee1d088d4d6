/** ServiceAccount controller (a `default` account in each namespace) and the root CA publisher (kube-root-ca.crt). */
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from "../client/client";
import { defineController } from "../client/controller";
import { CONFIG_MAPS, NAMESPACES, SERVICE_ACCOUNTS } from "../client/resources";

export const serviceAccountController = defineController({
  name: "service-account-controller",
  workers: 1,
  setup(context) {
    const accounts = context.watch(SERVICE_ACCOUNTS, (account, _old, isDeleted) =>
      isDeleted && account.metadata.name === "default" ? [account.metadata.namespace!] : [],
    ).cache;
    const namespaces = context.watch(NAMESPACES, ({ metadata }) => [metadata.name]).cache;
    return {
      reconcile(namespace) {
        const object = namespaces.get(namespace);
        if (!object || object.status?.phase === "Terminating" || object.metadata.deletionTimestamp) return undefined;
        if (accounts.get(`${namespace}/default`)) return undefined;
        const created = context.client.create(SERVICE_ACCOUNTS, { metadata: { name: "default", namespace } });
        if (created.ok || isAlreadyExists(created.error) || isNamespaceTerminating(created.error)) return undefined;
        return isNotFound(created.error) ? undefined : { error: created.error };
      },
    };
  },
});

const ROOT_CA = "kube-root-ca.crt";
const DESCRIPTION = "kubernetes.io/description";
const TEXT =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export const rootCaPublisher = defineController({
  name: "root-ca-certificate-publisher-controller",
  serviceAccount: "root-ca-cert-publisher",
  workers: 1,
  setup(context) {
    const ca = String(context.flags.rootCa ?? PLACEHOLDER_CA);
    const configMaps = context.watch(CONFIG_MAPS, ({ metadata }) =>
      metadata.name === ROOT_CA ? [metadata.namespace!] : [],
    ).cache;
    const namespaces = context.watch(NAMESPACES, ({ metadata }) => [metadata.name]).cache;
    return {
      reconcile(namespace) {
        const object = namespaces.get(namespace);
        if (!object || object.status?.phase === "Terminating" || object.metadata.deletionTimestamp) return undefined;
        const current = configMaps.get(`${namespace}/${ROOT_CA}`);
        if (current?.data?.["ca.crt"] === ca && current.metadata.annotations?.[DESCRIPTION] === TEXT) return undefined;
        const written = current
          ? context.client.update(CONFIG_MAPS, {
              ...current,
              metadata: {
                ...current.metadata,
                annotations: { ...current.metadata.annotations, [DESCRIPTION]: TEXT },
              },
              data: { "ca.crt": ca },
            })
          : context.client.create(CONFIG_MAPS, {
              metadata: { name: ROOT_CA, namespace, annotations: { [DESCRIPTION]: TEXT } },
              data: { "ca.crt": ca },
            });
        if (written.ok || isAlreadyExists(written.error) || isNamespaceTerminating(written.error)) return undefined;
        return isNotFound(written.error) ? undefined : { error: written.error };
      },
    };
  },
});

/** Certificates are not simulated: clusters that hand in none publish a well-formed block without a key. */
const PLACEHOLDER_CA = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVkIGNsdXN0ZXIgQ0E=\n-----END CERTIFICATE-----\n";
