// A Deployment's ReplicaSets as revisions: finding or making the one for the present template, numbering them.
import { sameJson } from "#base/json.ts";
import { ApiError } from "../../contract.ts";
import { byAge, conditionOf, kinds, nowText, ownerRefTo, withCondition, type ReplicaSet } from "../support/objects.ts";
import {
  desiredAnnotation,
  hashLabel,
  isRolling,
  maxAnnotation,
  maxSurge,
  revisionAnnotation,
  revisionOf,
  sameTemplate,
  sourceName,
  specReplicas,
  wantedOf,
  type Rollout,
} from "./model.ts";

const historyAnnotation = "deployment.kubernetes.io/revision-history";

/** Annotations of a Deployment that its ReplicaSets do not inherit. */
const notInherited = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);

/** The ReplicaSet that has the present template; with "make" it is created or renumbered as needed. */
export function newReplicaSet(rollout: Rollout, mode: "find" | "make"): ReplicaSet | undefined {
  const { deployment } = rollout;
  const found = rollout.sets.filter((set) => sameTemplate(set, deployment.spec.template)).sort(byAge)[0];
  if (mode === "find") return found;
  const others = rollout.sets.filter((set) => set !== found);
  const revision = String(Math.max(0, ...others.map(revisionOf)) + 1);
  const current = found === undefined ? create(rollout, revision) : renumber(rollout, found, revision);
  if (found !== undefined && conditionOf(deployment.status, "Progressing") === undefined) {
    note(rollout, "FoundNewReplicaSet", `Found new replica set "${found.metadata.name}"`);
  }
  if (current !== undefined) syncRevision(rollout, current);
  return current;
}

/** All others, oldest first. */
export function oldReplicaSets(rollout: Rollout, current: ReplicaSet | undefined): ReplicaSet[] {
  return rollout.sets.filter((set) => set.metadata.uid !== current?.metadata.uid);
}

/** Writes a ReplicaSet that the pass changed and keeps it in the pass. */
export function updateSet(rollout: Rollout, set: ReplicaSet): ReplicaSet {
  const written = rollout.context.client.update(set) as ReplicaSet;
  rollout.sets = rollout.sets.map((each) => (each.metadata.uid === written.metadata.uid ? written : each));
  return written;
}

export function replicaAnnotations(rollout: Rollout): Record<string, string> {
  const { deployment } = rollout;
  const wanted = wantedOf(deployment);
  return { [desiredAnnotation]: String(wanted), [maxAnnotation]: String(wanted + maxSurge(deployment)) };
}

function note(rollout: Rollout, reason: string, message: string): void {
  rollout.progress = { type: "Progressing", status: "True", reason, message };
}

function inherited(rollout: Rollout): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const [name, value] of Object.entries(rollout.deployment.metadata.annotations ?? {})) {
    if (!notInherited.has(name)) annotations[name] = value;
  }
  return annotations;
}

function renumber(rollout: Rollout, set: ReplicaSet, revision: string): ReplicaSet {
  const before = set.metadata.annotations ?? {};
  const annotations: Record<string, string> = { ...before, ...inherited(rollout) };
  const old = before[revisionAnnotation];
  if (old === undefined || Number(old) < Number(revision)) {
    annotations[revisionAnnotation] = revision;
    if (old !== undefined) {
      const history = (before[historyAnnotation] ?? "").split(",").filter((each) => each !== "");
      annotations[historyAnnotation] = [...history, old].join(",");
    }
  }
  const minReadySeconds = rollout.deployment.spec.minReadySeconds ?? 0;
  if (sameJson(before, annotations) && (set.spec.minReadySeconds ?? 0) === minReadySeconds) return set;
  return updateSet(rollout, {
    ...set,
    metadata: { ...set.metadata, annotations },
    spec: { ...set.spec, minReadySeconds },
  });
}

/** The Deployment carries the number of its newest revision, and shows that the rollout began. */
function syncRevision(rollout: Rollout, current: ReplicaSet): void {
  const { context, deployment } = rollout;
  const revision = current.metadata.annotations?.[revisionAnnotation];
  if (revision === undefined || deployment.metadata.annotations?.[revisionAnnotation] === revision) return;
  const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: revision };
  const metadata = { ...deployment.metadata, annotations };
  rollout.deployment = context.client.update({ ...deployment, metadata }) as typeof deployment;
}

function create(rollout: Rollout, revision: string): ReplicaSet | undefined {
  const { context, deployment } = rollout;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = rollout.hashes(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const replicas = replicasOfNew(rollout);
  const name = `${deployment.metadata.name}-${hash}`;
  const wanted: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: deployment.metadata.namespace ?? "",
      labels,
      annotations: { ...inherited(rollout), [revisionAnnotation]: revision, ...replicaAnnotations(rollout) },
      ownerReferences: [ownerRefTo(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === undefined || minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  try {
    const created = context.client.create(wanted) as ReplicaSet;
    rollout.sets = [...rollout.sets, created];
    note(rollout, "NewReplicaSetCreated", `Created new replica set "${name}"`);
    if (replicas > 0) {
      context.events.normal(
        deployment,
        sourceName,
        "ScalingReplicaSet",
        `Scaled up replica set ${name} from 0 to ${replicas}`,
      );
    }
    return created;
  } catch (error) {
    if (error instanceof ApiError && error.reason === "AlreadyExists") return collided(rollout, name, error);
    failed(rollout, name, error);
    throw error;
  }
}

/** The name is taken by another template's ReplicaSet: count the collision, which changes the hash next time. */
function collided(rollout: Rollout, name: string, error: ApiError): ReplicaSet | undefined {
  const { context, deployment } = rollout;
  const there = context.client.get(kinds.replicaSet, deployment.metadata.namespace ?? "", name) as
    | ReplicaSet
    | undefined;
  const ours = there?.metadata.ownerReferences?.some((ref) => ref.uid === deployment.metadata.uid) === true;
  if (there !== undefined && ours && sameTemplate(there, deployment.spec.template)) return there;
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
  context.client.update({ ...deployment, status: { ...deployment.status, collisionCount } }, "status");
  throw error;
}

function failed(rollout: Rollout, name: string, error: unknown): void {
  const { context, deployment } = rollout;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `Failed to create new replica set "${name}": ${reason}`;
  context.events.warning(deployment, sourceName, "ReplicaSetCreateError", message);
  const before = conditionOf(deployment.status, "Progressing");
  const now = nowText(context);
  const conditions = withCondition(
    deployment.status?.conditions,
    { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message: reason, lastUpdateTime: now },
    now,
  );
  if (before?.reason === "ReplicaSetCreateError" && before.message === reason) return;
  context.client.update({ ...deployment, status: { ...deployment.status, conditions } }, "status");
}

/** How many replicas the newest ReplicaSet may have now. */
export function replicasOfNew(rollout: Rollout, current?: ReplicaSet): number {
  const { deployment } = rollout;
  const wanted = wantedOf(deployment);
  if (!isRolling(deployment)) return wanted;
  const total = specReplicas(rollout.sets);
  const most = wanted + maxSurge(deployment);
  const now = current?.spec.replicas ?? 0;
  if (total >= most) return now;
  return now + Math.min(most - total, wanted - now);
}
