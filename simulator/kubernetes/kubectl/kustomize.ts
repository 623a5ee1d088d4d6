/** Kustomize, as far as a course needs it: resources, names, namespaces, labels, images, replicas, generators, patches. */
import { encodeUtf8 } from "../../base/bytes";
import { sha256Hex } from "../../base/hash";
import type { Process } from "../../os/process";
import { goJson } from "../../text/go-json";
import { parseYaml, splitYamlDocuments } from "../../text/yaml";
import { structOfKind } from "../api/schema";
import type { KubeObject } from "../apimachinery/object";
import { jsonPatch, mergePatch, strategicMergePatch } from "../apimachinery/patch";
import type { Part } from "./describe/page";
import { fail } from "./failure";
import { encodeBase64 } from "./kubeconfig";
import { podSpecOf } from "./set-command";

const FILES = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KNOWN = new Set([
  "apiVersion",
  "kind",
  "metadata",
  "resources",
  "bases",
  "namePrefix",
  "nameSuffix",
  "namespace",
  "commonLabels",
  "labels",
  "commonAnnotations",
  "images",
  "replicas",
  "configMapGenerator",
  "secretGenerator",
  "generatorOptions",
  "patches",
  "patchesStrategicMerge",
  "patchesJson6902",
]);

/** The objects that a kustomization builds; deprecated fields are noted in `warnings`. */
export function kustomizeDocuments(process: Process, folder: string, warnings: string[] = []): KubeObject[] {
  const absolute = process.path(folder);
  const name = FILES.find((each) => process.fs.exists(`${absolute}/${each}`));
  if (!process.fs.isDir(absolute) || !name) {
    return fail(
      `unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${absolute}'`,
    );
  }
  const parsed = parseYaml(process.readText(`${absolute}/${name}`));
  if (!parsed.ok) return fail(`invalid Kustomization: error converting YAML to JSON: ${parsed.error}`);
  const spec = (parsed.value.value ?? {}) as Part;
  const unknown = Object.keys(spec).find((key) => !KNOWN.has(key));
  if (unknown)
    fail(
      `the kustomization field ${JSON.stringify(unknown)} is not simulated here; resources, labels, images, replicas, generators and patches are`,
    );
  if (spec.commonLabels)
    warnings.push(
      "# Warning: 'commonLabels' is deprecated. Please use 'labels' instead. Run 'kustomize edit fix' to update your Kustomization automatically.",
    );
  if (spec.bases)
    warnings.push(
      "# Warning: 'bases' is deprecated. Please use 'resources' instead. Run 'kustomize edit fix' to update your Kustomization automatically.",
    );
  if (spec.patchesStrategicMerge)
    warnings.push(
      "# Warning: 'patchesStrategicMerge' is deprecated. Please use 'patches' instead. Run 'kustomize edit fix' to update your Kustomization automatically.",
    );
  const read = (path: string): string => {
    const full = `${absolute}/${path}`;
    if (!process.fs.exists(full))
      fail(
        `accumulating resources: accumulation err='accumulating resources from '${path}': evalsymlink failure on '${full}' : lstat ${full}: no such file or directory'`,
      );
    return process.readText(full);
  };
  let objects: KubeObject[] = [];
  for (const path of [...(spec.resources ?? []), ...(spec.bases ?? [])] as string[]) {
    if (process.fs.isDir(`${absolute}/${path}`))
      objects.push(...kustomizeDocuments(process, `${absolute}/${path}`, warnings));
    else objects.push(...documentsOf(read(path), path));
  }
  const renamed = new Map<string, string>();
  for (const generated of generators(spec, read)) {
    renamed.set(`${generated.object.kind}/${generated.plainName}`, generated.object.metadata.name);
    objects.push(generated.object);
  }
  objects = applyPatches(objects, spec, read);
  return objects.map((object) => transform(object, spec, renamed, objects));
}

function documentsOf(text: string, path: string): KubeObject[] {
  return splitYamlDocuments(text).flatMap((piece) => {
    const parsed = parseYaml(piece);
    if (!parsed.ok)
      return fail(
        `accumulating resources: accumulation err='accumulating resources from '${path}': MalformedYAMLError: ${parsed.error} in File: ${path}'`,
      );
    return parsed.value.value === undefined ? [] : [parsed.value.value as unknown as KubeObject];
  });
}

interface Generated {
  readonly object: KubeObject;
  readonly plainName: string;
}

function generators(spec: Part, read: (path: string) => string): Generated[] {
  const generated: Generated[] = [];
  for (const [kind, list] of [
    ["ConfigMap", spec.configMapGenerator],
    ["Secret", spec.secretGenerator],
  ] as const) {
    for (const generator of list ?? []) {
      const data: Record<string, string> = {};
      for (const literal of generator.literals ?? [])
        data[literal.slice(0, literal.indexOf("="))] = literal
          .slice(literal.indexOf("=") + 1)
          .replace(/^(["'])(.*)\1$/s, "$2");
      for (const file of generator.files ?? []) {
        const [key, path] = file.includes("=") ? file.split("=") : [file.replace(/^.*\//, ""), file];
        data[key] = read(path);
      }
      for (const file of generator.envs ?? (generator.env ? [generator.env] : [])) {
        for (const line of read(file).split("\n")) {
          const at = line.indexOf("=");
          if (at > 0 && !line.startsWith("#")) data[line.slice(0, at)] = line.slice(at + 1);
        }
      }
      const values =
        kind === "Secret"
          ? Object.fromEntries(Object.entries(data).map(([key, value]) => [key, encodeBase64(encodeUtf8(value))]))
          : data;
      const content = { ...(kind === "Secret" ? { type: generator.type ?? "Opaque" } : {}), data: values };
      const withHash = !(generator.options?.disableNameSuffixHash ?? spec.generatorOptions?.disableNameSuffixHash);
      const object = {
        apiVersion: "v1",
        kind,
        metadata: { name: generator.name },
        ...content,
      } as unknown as KubeObject;
      const name = withHash ? `${generator.name}-${hash({ kind, name: generator.name, ...content })}` : generator.name;
      generated.push({ plainName: generator.name, object: { ...object, metadata: { ...object.metadata, name } } });
    }
  }
  return generated;
}

const HASH_LETTERS: Readonly<Record<string, string>> = { "0": "g", "1": "h", "3": "k", a: "m", e: "t" };
const hash = (content: Record<string, unknown>): string =>
  [...sha256Hex(goJson({ ...content, name: "" })).slice(0, 10)].map((ch) => HASH_LETTERS[ch] ?? ch).join("");

function applyPatches(objects: KubeObject[], spec: Part, read: (path: string) => string): KubeObject[] {
  const patches: { target?: Part; text: string }[] = [];
  for (const entry of spec.patchesStrategicMerge ?? [])
    patches.push({ text: String(entry).includes("\n") ? entry : read(entry) });
  for (const entry of [...(spec.patches ?? []), ...(spec.patchesJson6902 ?? [])])
    patches.push({ target: entry.target, text: entry.patch ?? read(entry.path) });
  let result = objects;
  for (const { target, text } of patches) {
    const parsed = parseYaml(text);
    if (!parsed.ok)
      return fail(
        `trouble configuring builtin PatchTransformer: unable to parse SM or JSON patch from [patch: ${JSON.stringify(text)}]`,
      );
    const patch = parsed.value.value as Part;
    let hits = 0;
    result = result.map((object) => {
      const wanted: Part = target ?? { kind: patch.kind, name: patch.metadata?.name };
      const matches =
        (!wanted.kind || wanted.kind === object.kind) &&
        (!wanted.name || new RegExp(`^${wanted.name}$`).test(object.metadata.name));
      if (!matches) return object;
      hits++;
      if (Array.isArray(patch)) {
        const patched = jsonPatch(object, patch as never);
        return patched.ok ? (patched.value as KubeObject) : fail(patched.error);
      }
      const struct = structOfKind(object.apiVersion, object.kind);
      if (!struct) return mergePatch(object, patch) as KubeObject;
      const patched = strategicMergePatch(object, patch, struct);
      return patched.ok ? (patched.value as KubeObject) : fail(patched.error);
    });
    if (hits === 0 && !target)
      fail(
        `no resource matches strategic merge patch "${patch.kind}.v1.[noGrp]/${patch.metadata?.name}.[noNs]": no matches for Id ${patch.kind}.v1.[noGrp]/${patch.metadata?.name}.[noNs]; failed to find unique target for patch ${patch.kind}.v1.[noGrp]/${patch.metadata?.name}.[noNs]`,
      );
  }
  return result;
}

const CLUSTER_KINDS = new Set([
  "Namespace",
  "ClusterRole",
  "ClusterRoleBinding",
  "PersistentVolume",
  "StorageClass",
  "CustomResourceDefinition",
  "PriorityClass",
  "IngressClass",
  "Node",
]);

function transform(
  object: KubeObject,
  spec: Part,
  renamed: ReadonlyMap<string, string>,
  all: readonly KubeObject[],
): KubeObject {
  const newName = (name: string): string => `${spec.namePrefix ?? ""}${name}${spec.nameSuffix ?? ""}`;
  let changed: Part = object;
  if (!["Namespace", "CustomResourceDefinition"].includes(object.kind))
    changed = { ...changed, metadata: { ...changed.metadata, name: newName(object.metadata.name) } };
  if (spec.namespace && !CLUSTER_KINDS.has(object.kind))
    changed = { ...changed, metadata: { ...changed.metadata, namespace: spec.namespace } };
  const plain = { ...spec.commonLabels };
  changed = withLabels(changed, plain, true, true);
  for (const entry of spec.labels ?? [])
    changed = withLabels(
      changed,
      entry.pairs ?? {},
      entry.includeSelectors === true,
      entry.includeTemplates === true || entry.includeSelectors === true,
    );
  if (spec.commonAnnotations) changed = withAnnotations(changed, spec.commonAnnotations);
  const place = podSpecOf(changed);
  if (!place) return changed;
  const rename = (kind: string, name: string): string => {
    const generated = renamed.get(`${kind}/${name}`);
    if (generated) return newName(generated);
    return all.some((each) => each.kind === kind && each.metadata.name === name) ? newName(name) : name;
  };
  changed = place.with(withImages(withReferences(place.spec, rename), spec.images ?? []));
  for (const entry of spec.replicas ?? []) {
    if (entry.name === object.metadata.name && ["Deployment", "StatefulSet", "ReplicaSet"].includes(object.kind))
      changed = { ...changed, spec: { ...changed.spec, replicas: entry.count } };
  }
  return changed;
}

function withLabels(
  object: Part,
  labels: Readonly<Record<string, string>>,
  selectors: boolean,
  templates: boolean,
): Part {
  if (Object.keys(labels).length === 0) return object;
  const add = (metadata: Part): Part => ({ ...metadata, labels: { ...metadata?.labels, ...labels } });
  let changed: Part = { ...object, metadata: add(object.metadata) };
  const template = changed.spec?.template;
  if (templates && template)
    changed = { ...changed, spec: { ...changed.spec, template: { ...template, metadata: add(template.metadata) } } };
  if (!selectors) return changed;
  if (object.kind === "Service" && changed.spec?.selector)
    changed = { ...changed, spec: { ...changed.spec, selector: { ...changed.spec.selector, ...labels } } };
  else if (template && ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"].includes(object.kind)) {
    const selector = changed.spec.selector ?? {};
    changed = {
      ...changed,
      spec: { ...changed.spec, selector: { ...selector, matchLabels: { ...selector.matchLabels, ...labels } } },
    };
  }
  return changed;
}

function withAnnotations(object: Part, annotations: Readonly<Record<string, string>>): Part {
  const add = (metadata: Part): Part => ({ ...metadata, annotations: { ...metadata?.annotations, ...annotations } });
  const changed: Part = { ...object, metadata: add(object.metadata) };
  const template = changed.spec?.template;
  return template
    ? { ...changed, spec: { ...changed.spec, template: { ...template, metadata: add(template.metadata) } } }
    : changed;
}

/** ConfigMaps and Secrets in a Pod spec follow their new names. */
function withReferences(spec: Part, rename: (kind: string, name: string) => string): Part {
  const container = (each: Part): Part => ({
    ...each,
    ...(each.envFrom
      ? {
          envFrom: each.envFrom.map((from: Part) => ({
            ...from,
            ...(from.configMapRef
              ? { configMapRef: { ...from.configMapRef, name: rename("ConfigMap", from.configMapRef.name) } }
              : {}),
            ...(from.secretRef
              ? { secretRef: { ...from.secretRef, name: rename("Secret", from.secretRef.name) } }
              : {}),
          })),
        }
      : {}),
    ...(each.env
      ? {
          env: each.env.map((variable: Part) => {
            const { configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {};
            if (configMapKeyRef)
              return {
                ...variable,
                valueFrom: { configMapKeyRef: { ...configMapKeyRef, name: rename("ConfigMap", configMapKeyRef.name) } },
              };
            if (secretKeyRef)
              return {
                ...variable,
                valueFrom: { secretKeyRef: { ...secretKeyRef, name: rename("Secret", secretKeyRef.name) } },
              };
            return variable;
          }),
        }
      : {}),
  });
  return {
    ...spec,
    ...(spec.containers ? { containers: spec.containers.map(container) } : {}),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(container) } : {}),
    ...(spec.volumes
      ? {
          volumes: spec.volumes.map((volume: Part) => {
            if (volume.configMap)
              return {
                ...volume,
                configMap: { ...volume.configMap, name: rename("ConfigMap", volume.configMap.name) },
              };
            if (volume.secret)
              return {
                ...volume,
                secret: { ...volume.secret, secretName: rename("Secret", volume.secret.secretName) },
              };
            return volume;
          }),
        }
      : {}),
  };
}

function withImages(spec: Part, images: readonly Part[]): Part {
  if (images.length === 0) return spec;
  const change = (container: Part): Part => {
    const m = /^(.*?)(?::([^:/@]+))?(?:@(.+))?$/.exec(container.image ?? "");
    const entry = images.find((each) => each.name === m?.[1]);
    if (!entry || !m) return container;
    const name = entry.newName ?? m[1];
    const tail = entry.digest
      ? `@${entry.digest}`
      : entry.newTag !== undefined
        ? `:${entry.newTag}`
        : m[3]
          ? `@${m[3]}`
          : m[2]
            ? `:${m[2]}`
            : "";
    return { ...container, image: name + tail };
  };
  return {
    ...spec,
    containers: spec.containers?.map(change),
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(change) } : {}),
  };
}
