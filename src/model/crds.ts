// The CustomResourceDefinitions of Application, AppProject and ApplicationSet (argoproj.io/v1alpha1), built from the
// facts in crds.json. Validation only: what a field does stands in Argo CD's docs, and in short at the main fields here.
//
// Notation of crds.json: a text is a type, or `=NAME` one of the shared subtrees; a list of one is a list; an object
// has fields, `name!` a required one; `*` the values of a map, `[]` the items of a list that has more keywords; `~`
// holds keywords of the schema itself (type "any": none).
import facts from "./crds.json" with { type: "json" };
import type { Json, JsonObject } from "#base/json.ts";
import { isObject } from "#base/json.ts";
import type { KubernetesObject } from "./object.ts";

interface CrdFacts {
  readonly group: string;
  readonly scope: string;
  readonly names: JsonObject;
  readonly version: string;
  readonly subresources: JsonObject;
  /** [name, type, JSON path, priority] */
  readonly printerColumns: readonly (readonly (string | number)[])[];
  readonly schema: JsonObject;
}

const shared = facts.shared as unknown as Readonly<Record<string, Json>>;
const crds = facts.crds as unknown as Readonly<Record<string, CrdFacts>>;

const standard = {
  apiVersion: "The version of this schema, argoproj.io/v1alpha1.",
  kind: "The kind of this object.",
};

/** By the shared subtree's or the kind's name and the path below it. */
const descriptions: Readonly<Record<string, string>> = {
  Application: "Application keeps one set of manifests from Git live on one cluster.",
  "Application.spec": "What to deploy, and where.",
  "Application.status": "What was found at the last reconciliation.",
  "Application.operation": "A sync to be started now; removed once it is under way.",
  "Application.status.conditions": "What is wrong with the application, one entry for each kind of problem.",
  "Application.status.health": "The application's health: the worst of its resources'.",
  "Application.status.history": "The last successful syncs, oldest first.",
  "Application.status.operationState": "The sync that runs now, or ran last.",
  "Application.status.reconciledAt": "When the application was last compared.",
  "Application.status.sync": "Whether the cluster equals the desired state, and which revision that is.",
  "Application.status.summary": "Images in use and links for people.",
  AppProject: "AppProject limits what its applications may deploy, from where and to where.",
  "AppProject.spec": "The limits.",
  "AppProject.spec.clusterResourceBlacklist": "Cluster-scoped kinds that are forbidden.",
  "AppProject.spec.clusterResourceWhitelist": "Cluster-scoped kinds that are allowed; none unless listed.",
  "AppProject.spec.destinations": "Clusters and namespaces to which applications may deploy.",
  "AppProject.spec.namespaceResourceBlacklist": "Namespaced kinds that are forbidden.",
  "AppProject.spec.namespaceResourceWhitelist": "Namespaced kinds that are allowed; all unless given.",
  "AppProject.spec.orphanedResources": "Whether objects that belong to no application are reported.",
  "AppProject.spec.roles": "Roles with policies that hold in this project only.",
  "AppProject.spec.sourceNamespaces": "Namespaces whose Applications may belong to the project.",
  "AppProject.spec.sourceRepos": "Repositories from which applications may deploy.",
  "AppProject.spec.syncWindows": "Times at which syncs are allowed or denied.",
  ApplicationSet: "ApplicationSet makes Applications from a template and generated parameters.",
  "ApplicationSet.spec": "What generates the parameters, and the template.",
  "ApplicationSet.spec.generators": "Sources of parameters; each set of parameters makes one Application.",
  "ApplicationSet.spec.goTemplate": "Whether templates are Go templates.",
  "ApplicationSet.spec.strategy": "In which order Applications are updated and deleted.",
  "ApplicationSet.spec.syncPolicy": "What may happen to Applications that exist.",
  "ApplicationSet.spec.template": "The Application to make.",
  "ApplicationSet.spec.templatePatch": "A patch to each Application, as a template that gives YAML.",
  "ApplicationSet.status": "What was found at the last reconciliation.",
  "operation.sync": "What to sync, and how.",
  "operation.sync.prune": "Whether objects that are no longer in Git are deleted.",
  "operation.sync.revision": "The revision to sync to; the source's own where absent.",
  "operation.initiatedBy": "Who asked for it.",
  "operation.retry": "Whether and when to try again after a failure.",
  "spec.destination": "The cluster and namespace to deploy to.",
  "spec.destination.name": "The cluster's name; instead of server.",
  "spec.destination.namespace": "The namespace for objects that name none.",
  "spec.destination.server": "The cluster's API address; instead of name.",
  "spec.ignoreDifferences": "Fields whose differences do not count.",
  "spec.info": "Facts for people: links, contacts.",
  "spec.project": "The AppProject that this application belongs to.",
  "spec.revisionHistoryLimit": "How many syncs to keep in the history; 10 where absent.",
  "spec.source": "Where the manifests are.",
  "spec.sources": "Several places of manifests; instead of source.",
  "spec.syncPolicy": "When and how to sync.",
  "spec.syncPolicy.automated": "Sync whenever the desired state changes.",
  "spec.syncPolicy.automated.allowEmpty": "Whether everything may be pruned.",
  "spec.syncPolicy.automated.prune": "Whether objects that left Git are deleted.",
  "spec.syncPolicy.automated.selfHeal": "Whether changes made on the cluster are reverted.",
  "spec.syncPolicy.retry": "Whether and when to try again after a failure.",
  "spec.syncPolicy.syncOptions": "Options such as CreateNamespace=true.",
  "source.chart": "The chart's name in a Helm repository.",
  "source.directory": "How to read a directory of plain manifests.",
  "source.helm": "Settings for a Helm chart.",
  "source.kustomize": "Settings for a Kustomization.",
  "source.path": "The directory inside the repository.",
  "source.plugin": "Settings for a config management plugin.",
  "source.ref": "A name by which other sources refer to this one.",
  "source.repoURL": "The Git, Helm or OCI repository.",
  "source.targetRevision": "The branch, tag, commit or version range; HEAD where absent.",
  "directory.exclude": "A glob of files to leave out.",
  "directory.include": "A glob of files to read.",
  "directory.recurse": "Whether subdirectories are read.",
  "retry.limit": "How often to try again; below zero without limit.",
};

/** The three CustomResourceDefinitions, ready to be applied to a cluster (apiextensions.k8s.io/v1). */
export function applicationCrds(): readonly KubernetesObject[] {
  return Object.entries(crds).map(([kind, crd]) => definition(kind, crd));
}

function definition(kind: string, crd: CrdFacts): KubernetesObject {
  const { plural = "" } = crd.names;
  const columns = crd.printerColumns.map(([name = "", type = "", jsonPath = "", priority]) => ({
    name,
    type,
    jsonPath,
    ...(priority === undefined ? {} : { priority }),
  }));
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural as string}.${crd.group}`,
      labels: { "app.kubernetes.io/name": `${plural as string}.${crd.group}`, "app.kubernetes.io/part-of": "argocd" },
    },
    spec: {
      group: crd.group,
      names: crd.names,
      scope: crd.scope,
      versions: [
        {
          name: crd.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schemaOf(crd.schema, kind) },
          subresources: crd.subresources,
          ...(columns.length === 0 ? {} : { additionalPrinterColumns: columns }),
        },
      ],
    },
  };
}

/** The schema of one notation; `where` names it for its description ("" below: none). Shared subtrees are described in
 * Applications only: an ApplicationSet holds each of them dozens of times. */
function schemaOf(notation: Json, where: string, described = descriptions[where]): JsonObject {
  const description = described === undefined ? {} : { description: described };
  if (typeof notation === "string") {
    if (!notation.startsWith("=")) return { ...description, type: notation };
    const name = notation.slice(1);
    return {
      ...schemaOf(shared[name] ?? {}, where.startsWith("ApplicationSet") ? "ApplicationSet.*" : name),
      ...description,
    };
  }
  if (Array.isArray(notation)) {
    return { ...description, type: "array", items: schemaOf((notation as Json[])[0] ?? {}, where) };
  }
  return { ...description, ...objectSchema(notation as JsonObject, where) };
}

function objectSchema(notation: JsonObject, where: string): JsonObject {
  const { "~": own, "*": values, "[]": items, ...fields } = notation;
  const { type, ...keywords } = isObject(own) ? own : {};
  if (items !== undefined) return { type: "array", items: schemaOf(items, where), ...keywords };
  if (values !== undefined)
    return { type: "object", additionalProperties: schemaOf(values, `${where}.*`), ...keywords };
  if (Object.keys(fields).length === 0)
    return { ...(type === undefined || type === "any" ? {} : { type }), ...keywords };
  const properties: Record<string, JsonObject> = {};
  const required: string[] = [];
  for (const [field, value] of Object.entries(fields)) {
    const name = field.endsWith("!") ? field.slice(0, -1) : field;
    if (name !== field) required.push(name);
    properties[name] = property(name, value ?? {}, where);
  }
  return { type: "object", properties, ...(required.length === 0 ? {} : { required: required.sort() }), ...keywords };
}

function property(name: string, value: Json, where: string): JsonObject {
  const schema = schemaOf(value, `${where}.${name}`);
  const top = where in crds && (name === "apiVersion" || name === "kind") ? standard[name] : undefined;
  return top === undefined ? schema : { description: top, ...schema };
}
