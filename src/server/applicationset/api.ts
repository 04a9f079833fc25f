// The ApplicationSetService of the protocol: ApplicationSets as custom resources. What their generators give is not worked
// out here. Names and semantics follow Argo CD's ApplicationSetService.
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject, listAt, stringAt, type Json, type JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { createMergePatch } from "#core/merge/merge-patch.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { AppProject } from "#model/application.ts";
import { apiVersion, group, version } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { matchesSelector } from "#model/selector.ts";
import { ApplicationSetService } from "#protocol/gen/argoproj/applicationset_pb.js";
import type { Informer } from "#runtime/informer.ts";
import { eventsOf } from "../application/resources/objects.ts";
import { withHiddenCredentials, withKeptCredentials } from "../application/source-credentials.ts";
import { resourceVersionOf, watchObjects } from "../application/listing/watching.ts";
import { requireFound } from "../auth/hidden.ts";
import { denied, type Rbac } from "../auth/rbac.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";

export interface ApplicationSetApiDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly applicationSets: Informer<KubernetesObject>;
  readonly projects: Informer<AppProject>;
  readonly rbac: Rbac;
}

const applicationSetType: ResourcePath = { group, version, plural: "applicationsets", namespaced: true };
const attempts = 5;

const generators: readonly string[] = [
  "list",
  "clusters",
  "git",
  "scmProvider",
  "clusterDecisionResource",
  "pullRequest",
  "matrix",
  "merge",
  "plugin",
];

type Action = "get" | "create" | "update" | "delete";

interface Named {
  readonly name?: string;
  readonly appsetNamespace?: string;
}

const projectOf = (set: KubernetesObject): string => stringAt(set, "spec", "template", "spec", "project") || "default";
const objectOf = (set: KubernetesObject): string => `${projectOf(set)}/${set.metadata.name ?? ""}`;

export function applicationSetApi(deps: ApplicationSetApiDeps): BoundService {
  const { applicationSets, namespace, rbac, control } = deps;
  const may = (call: Call, action: Action, set: KubernetesObject): boolean =>
    rbac.may(call.account, "applicationsets", action, objectOf(set));
  const require = (call: Call, action: Action, set: KubernetesObject): void => {
    session(call);
    if (!may(call, action, set)) throw denied(call.account, ["applicationsets", action, objectOf(set)]);
  };
  const find = ({ name = "", appsetNamespace = "" }: Named): KubernetesObject | undefined =>
    applicationSets.get(permittedNamespace(appsetNamespace, namespace), name);
  const found = (named: Named): KubernetesObject => {
    const set = find(named);
    if (!set) throw new DriftlessError("NOT_FOUND", `applicationsets.argoproj.io "${named.name ?? ""}" not found`);
    return set;
  };
  /** What does not exist and what one may not see have one answer. */
  const on =
    (action: "get" | "delete") =>
    (call: Call, named: Named): void => {
      session(call);
      requireFound(rbac, call.account, {
        resource: "applicationsets",
        action,
        all: "*/*",
        find: () => found(named),
        objectOf,
      });
    };
  const matching = (call: Call, query: Query): ((set: KubernetesObject) => boolean) => {
    const { name = "", projects = [], selector = "", appsetNamespace = "" } = query;
    if (appsetNamespace !== "") permittedNamespace(appsetNamespace, namespace);
    const wanted = projects.filter((project) => project !== "");
    return (set) =>
      (name === "" || set.metadata.name === name) &&
      (wanted.length === 0 || wanted.includes(projectOf(set))) &&
      (selector === "" || matchesSelector(selector, set.metadata.labels ?? {})) &&
      may(call, "get", set);
  };

  return bind(ApplicationSetService, {
    list: {
      access: session,
      handle: (call, request) => ({
        metadata: { resourceVersion: applicationSets.resourceVersion },
        items: [...applicationSets.values()]
          .filter(matching(call, request))
          .sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1))
          .map(shown),
      }),
    },
    get: { access: on("get"), handle: (_call, request) => shown(found(request)) },
    create: {
      access: (call, { applicationset, upsert }) => {
        const wanted = normalised(applicationset, namespace);
        require(call, "create", wanted);
        const known = upsert ? find({ name: wanted.metadata.name! }) : undefined;
        if (!known) return;
        require(call, "update", known);
        // Moving it to another project needs a say in both.
        require(call, "update", wanted);
      },
      handle: async ({ op }, { applicationset, upsert, dryRun }) => {
        if (dryRun) throw noGenerators("a dry run of an ApplicationSet");
        const given = normalised(applicationset, namespace);
        const known = find({ name: given.metadata.name! });
        const kept = withKeptCredentials(given, known);
        const wanted = valid(kept, (name) => deps.projects.get(namespace, name));
        return shown(await create(op, deps, wanted, upsert === true));
      },
    },
    delete: {
      access: on("delete"),
      async handle({ op }, request) {
        const { metadata } = found(request);
        await control.delete(op, applicationSetType, { namespace, name: metadata.name! });
        return {};
      },
    },
    generate: {
      access: (call, { applicationSet }) => require(call, "create", normalised(applicationSet, namespace)),
      handle: () => {
        throw noGenerators("generating an ApplicationSet's applications");
      },
    },
    resourceTree: { access: on("get"), handle: (_call, request) => treeOf(found(request)) },
    listResourceEvents: {
      access: on("get"),
      handle: ({ op }, request) => eventsOf(control, op, found(request).metadata),
    },
    watch: {
      access: session,
      async *stream(call, request) {
        const { appSetNamespace, ...rest } = request;
        const matches = matching(call, { ...rest, ...(appSetNamespace ? { appsetNamespace: appSetNamespace } : {}) });
        const since = resourceVersionOf(request.resourceVersion);
        for await (const { type, object } of watchObjects(call.op, applicationSets, { matches, since }))
          yield { type, applicationSet: shown(object) };
      },
    },
  });
}

interface Query {
  readonly name?: string;
  readonly projects?: readonly string[];
  readonly selector?: string;
  readonly appsetNamespace?: string;
}

const noGenerators = (what: string): DriftlessError =>
  new DriftlessError("UNIMPLEMENTED", `${what} needs generators, which this version does not have yet`);

function permittedNamespace(asked: string, namespace: string): string {
  if (asked === "" || asked === namespace) return namespace;
  throw new DriftlessError("PERMISSION_DENIED", `namespace '${asked}' is not permitted`);
}

/** Errors: ALREADY_EXISTS where one of another spec stands and `upsert` is not asked for; CONFLICT after several attempts. */
async function create(
  op: Op,
  { control, namespace, applicationSets }: ApplicationSetApiDeps,
  wanted: KubernetesObject,
  upsert: boolean,
): Promise<KubernetesObject> {
  const name = wanted.metadata.name!;
  try {
    const created = await control.create(op, applicationSetType, wanted, { fieldManager: "driftless" });
    applicationSets.observe(created);
    return created;
  } catch (thrown) {
    if (toError(thrown).code !== "ALREADY_EXISTS") throw thrown;
  }
  for (let attempt = 1; ; attempt++) {
    const now = await control.get(op, applicationSetType, { namespace, name });
    if (!now) throw new DriftlessError("CONFLICT", `ApplicationSet ${name} was deleted meanwhile`);
    const { labels, annotations, finalizers } = wanted.metadata;
    const next: KubernetesObject = {
      ...now,
      spec: wanted["spec"],
      metadata: {
        ...now.metadata,
        ...(labels ? { labels: { ...now.metadata.labels, ...labels } } : {}),
        ...(annotations ? { annotations: { ...now.metadata.annotations, ...annotations } } : {}),
        ...(finalizers ? { finalizers } : {}),
      },
    };
    const body = createMergePatch(now as unknown as Json, next as unknown as Json);
    if (!body) return now;
    if (!upsert)
      throw new DriftlessError(
        "ALREADY_EXISTS",
        `existing ApplicationSet spec is different, use upsert flag to force update (ApplicationSet ${name})`,
      );
    const metadata = { ...(body["metadata"] as JsonObject | undefined), resourceVersion: now.metadata.resourceVersion };
    try {
      const patch = { type: "merge", body: { ...body, metadata } } as const;
      const written = await control.patch(op, applicationSetType, { namespace, name }, patch, {
        fieldManager: "driftless",
      });
      applicationSets.observe(written);
      return written;
    } catch (thrown) {
      if (toError(thrown).code !== "CONFLICT" || attempt >= attempts) throw thrown;
    }
  }
}

/** An ApplicationSet as it will be written. Error: INVALID_ARGUMENT. */
function normalised(given: unknown, namespace: string): KubernetesObject {
  if (!isObject(given) || !isObject(given["metadata"]) || !isObject(given["spec"]))
    throw invalid("applicationset", "an ApplicationSet with metadata and spec is required");
  const { name, labels, annotations, finalizers, ...rest } = given["metadata"] as KubernetesObject["metadata"];
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name ?? "") || name!.length > 253)
    throw invalid("metadata.name", `the name ${JSON.stringify(name ?? "")} of the ApplicationSet is not a DNS name`);
  return {
    apiVersion,
    kind: "ApplicationSet",
    metadata: {
      name: name!,
      namespace: permittedNamespace(rest.namespace ?? "", namespace),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
    },
    spec: given["spec"],
  };
}

function valid(set: KubernetesObject, project: (name: string) => unknown): KubernetesObject {
  const name = projectOf(set);
  if (name.includes("{{"))
    throw invalid(
      "spec.template.spec.project",
      "the API does not support creating ApplicationSets with templated `project` fields",
    );
  if (!project(name))
    throw invalid("spec.template.spec.project", `ApplicationSet references project ${name} which does not exist`);
  for (const [index, generator] of listAt(set, "spec", "generators").entries()) {
    const known = isObject(generator) && generators.some((type) => isObject(generator[type]));
    if (!known)
      throw invalid(
        `spec.generators[${index}]`,
        `ApplicationSet ${set.metadata.name} has a generator of no known type`,
      );
  }
  return set;
}

function invalid(field: string, message: string): DriftlessError {
  return new DriftlessError("INVALID_ARGUMENT", message, { details: { field } });
}

/** The applications that it made, as its status tells. */
function treeOf(set: KubernetesObject): object {
  const { name = "", namespace = "", uid = "" } = set.metadata;
  const parent = { group, version, kind: "ApplicationSet", namespace, name, uid };
  const nodes = listAt(set, "status", "resources")
    .filter(isObject)
    .map((resource) => ({
      group: resource["group"] ?? group,
      version: resource["version"] ?? version,
      kind: resource["kind"] ?? "Application",
      namespace,
      name: stringAt(resource, "name") ?? "",
      ...(isObject(resource["health"]) ? { health: resource["health"] } : {}),
      parentRefs: [parent],
    }));
  return { nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function shown(set: KubernetesObject): KubernetesObject {
  const { managedFields: _managed, ...metadata } = set.metadata;
  return withHiddenCredentials({ ...set, metadata });
}
