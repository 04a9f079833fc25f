// What a user may do: administrators everything, others what RBAC's roles and bindings give them. Follows Kubernetes'
// "Using RBAC Authorization"; there is no other authoriser.
import { listAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { User } from "./access.ts";
import type { ApiRequest } from "./call.ts";
import type { Core } from "./core.ts";
import { isSet } from "./request.ts";
import { refusal } from "./status.ts";

export interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

const rbac = "rbac.authorization.k8s.io";
const everyone: readonly Attributes[] = [
  { verb: "create", group: "authorization.k8s.io", resource: "selfsubjectaccessreviews" },
  { verb: "create", group: "authorization.k8s.io", resource: "selfsubjectrulesreviews" },
  { verb: "create", group: "authentication.k8s.io", resource: "selfsubjectreviews" },
];

/** Refuses what the request's user may not do. Errors: Forbidden. */
export function authorize(core: Core, request: ApiRequest): void {
  const { user } = request;
  if (user.groups.includes("system:masters")) return;
  const attributes = attributesOf(request);
  if (allowed(core, user, attributes)) return;
  const { verb, group, resource, subresource, namespace, name = "" } = attributes;
  const path = subresource === undefined ? resource : `${resource}/${subresource}`;
  const qualified = group === "" ? resource : `${resource}.${group}`;
  const subject = name === "" ? qualified : `${qualified} ${JSON.stringify(name)}`;
  const scope = namespace === undefined ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const message = `${subject} is forbidden: User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(path)} in API group ${JSON.stringify(group)} ${scope}`;
  const details = { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: resource };
  throw refusal({ code: 403, reason: "Forbidden", message, details });
}

function attributesOf({ method, path, query }: ApiRequest): Attributes {
  const { group, plural: resource, subresource, name } = path;
  const namespace = path.namespace ?? (group === "" && resource === "namespaces" ? name : undefined);
  return {
    verb: verbOf(method, name, path.watch === true || isSet(query.get("watch"))),
    group,
    resource,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

function verbOf(method: string, name: string | undefined, watch: boolean): string {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return name === undefined ? "deletecollection" : "delete";
    default:
      return watch ? "watch" : name === undefined ? "list" : "get";
  }
}

/** Whether RBAC lets a user do something. */
export function allowed(core: Core, user: User, wanted: Attributes): boolean {
  if (user.groups.includes("system:masters")) return true;
  const authenticated = user.groups.includes("system:authenticated");
  if (
    authenticated &&
    everyone.some(
      (each) => each.verb === wanted.verb && each.group === wanted.group && each.resource === wanted.resource,
    )
  ) {
    return true;
  }
  for (const binding of core.store.list(`${rbac}/clusterrolebindings`)) {
    if (binds(binding, user) && grants(roleOf(core, binding), wanted)) return true;
  }
  if (wanted.namespace === undefined) return false;
  for (const binding of core.store.list(`${rbac}/rolebindings`, wanted.namespace)) {
    if (binds(binding, user) && grants(roleOf(core, binding), wanted)) return true;
  }
  return false;
}

function binds(binding: KubernetesObject, user: User): boolean {
  return listAt(binding, "subjects").some((subject) => {
    const name = stringAt(subject, "name") ?? "";
    switch (stringAt(subject, "kind")) {
      case "User":
        return name === user.name;
      case "Group":
        return user.groups.includes(name);
      case "ServiceAccount": {
        const namespace = stringAt(subject, "namespace") ?? binding.metadata.namespace ?? "";
        return user.name === `system:serviceaccount:${namespace}:${name}`;
      }
      default:
        return false;
    }
  });
}

function roleOf(core: Core, binding: KubernetesObject): KubernetesObject | undefined {
  const name = stringAt(binding, "roleRef", "name") ?? "";
  if (stringAt(binding, "roleRef", "kind") === "ClusterRole") return core.store.get(`${rbac}/clusterroles`, "", name);
  return core.store.get(`${rbac}/roles`, binding.metadata.namespace ?? "", name);
}

function grants(role: KubernetesObject | undefined, wanted: Attributes): boolean {
  if (role === undefined) return false;
  const { verb, group, resource, subresource, name } = wanted;
  const path = subresource === undefined ? resource : `${resource}/${subresource}`;
  const has = (list: readonly unknown[], value: string): boolean => list.includes("*") || list.includes(value);
  return listAt(role, "rules").some((rule) => {
    const resources = listAt(rule, "resources");
    const names = listAt(rule, "resourceNames");
    return (
      has(listAt(rule, "verbs"), verb) &&
      has(listAt(rule, "apiGroups"), group) &&
      (has(resources, path) || (subresource !== undefined && resources.includes(`*/${subresource}`))) &&
      (names.length === 0 || (name !== undefined && names.includes(name)))
    );
  });
}
