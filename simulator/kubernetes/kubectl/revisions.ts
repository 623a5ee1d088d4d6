/** The revisions of a Deployment (its ReplicaSets) or of a DaemonSet or StatefulSet (its ControllerRevisions). */
import type { Task } from "../../base/task";
import type { KubeList } from "../apimachinery/object";
import { formatSelector, selectorFromLabelSelector } from "../apimachinery/labels";
import { writePodTemplate } from "./describe/pod-template";
import { type Part, RawPage } from "./describe/page";
import type { Factory } from "./factory";
import { fail } from "./failure";
import type { Target } from "./targets";

export interface Revision {
  readonly number: number;
  readonly changeCause: string;
  /** The Pod template of this revision. */
  readonly template: Part;
  /** The object that keeps it. */
  readonly object: Part;
}

const CHANGE_CAUSE = "kubernetes.io/change-cause";

/** Oldest first. */
export function* revisionsOf(factory: Factory, target: Target): Task<readonly Revision[]> {
  const owner = target.object as Part;
  const query = { labelSelector: formatSelector(selectorFromLabelSelector(owner.spec?.selector)) };
  const owned = (each: Part): boolean =>
    each.metadata.ownerReferences?.some((ref: Part) => ref.controller && ref.uid === owner.metadata.uid) ?? false;
  let revisions: Revision[];
  if (owner.kind === "Deployment") {
    const list = yield* factory.client.get<KubeList>(`/apis/apps/v1/namespaces/${target.namespace}/replicasets`, query);
    revisions = (list.items as readonly Part[]).filter(owned).map((set) => ({
      number: Number(set.metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0),
      changeCause: set.metadata.annotations?.[CHANGE_CAUSE] ?? "",
      template: withChangeCause(set.spec.template, set.metadata.annotations?.[CHANGE_CAUSE]),
      object: { ...set, apiVersion: "apps/v1", kind: "ReplicaSet" },
    }));
  } else if (owner.kind === "DaemonSet" || owner.kind === "StatefulSet") {
    const list = yield* factory.client.get<KubeList>(
      `/apis/apps/v1/namespaces/${target.namespace}/controllerrevisions`,
      query,
    );
    revisions = (list.items as readonly Part[]).filter(owned).map((revision) => ({
      number: Number(revision.revision ?? 0),
      changeCause: revision.metadata.annotations?.[CHANGE_CAUSE] ?? "",
      template: revision.data?.spec?.template,
      object: { ...revision, apiVersion: "apps/v1", kind: "ControllerRevision" },
    }));
  } else return fail(`no history viewer has been implemented for "${owner.kind}.${target.mapping.group}"`);
  return revisions.filter((each) => each.number > 0).sort((a, b) => a.number - b.number);
}

function withChangeCause(template: Part, cause: string | undefined): Part {
  if (!cause) return template;
  return {
    ...template,
    metadata: { ...template.metadata, annotations: { ...template.metadata?.annotations, [CHANGE_CAUSE]: cause } },
  };
}

/** The template's page, with its tabs as they are. */
export function templateText(template: Part): string {
  const page = new RawPage();
  writePodTemplate(page, template);
  return page.out;
}
