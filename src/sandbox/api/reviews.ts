// Questions to the API about users and rights: SelfSubjectAccessReview and its kin, TokenReview, SelfSubjectReview.
// They are answered, never stored.
import { isObject, listAt, stringAt } from "#base/json.ts";
import { apiVersionOf } from "#model/object.ts";
import type { User } from "./access.ts";
import { allowed, type Attributes } from "./authorize.ts";
import { type ApiAnswer, bodyObject, type Call, plainAnswer } from "./call.ts";
import { nowText } from "./core.ts";

type Fields = Readonly<Record<string, unknown>>;
type Review = (
  call: Call,
  spec: Fields,
) => { readonly spec?: Fields; readonly status: Fields; readonly metadata?: Fields };

const reviews: Readonly<Record<string, Review>> = {
  "authorization.k8s.io/selfsubjectaccessreviews": (call, spec) => accessReview(call, call.request.user, spec),
  "authorization.k8s.io/subjectaccessreviews": (call, spec) => accessReview(call, userOf(spec), spec),
  "authorization.k8s.io/localsubjectaccessreviews": (call, spec) => accessReview(call, userOf(spec), spec),
  "authorization.k8s.io/selfsubjectrulesreviews": rulesReview,
  "authentication.k8s.io/selfsubjectreviews": (call) => ({
    status: { userInfo: userInfo(call.request.user) },
    metadata: { creationTimestamp: nowText(call.core) },
  }),
  "authentication.k8s.io/tokenreviews": tokenReview,
};

/** Answers a POST to one of the reviews; undefined where the resource is none. */
export function reviewOf(call: Call): ApiAnswer | undefined {
  const { definition } = call;
  const review = reviews[`${definition.group}/${definition.plural}`];
  if (review === undefined) return undefined;
  const body = bodyObject(call);
  const spec = isObject(body["spec"]) ? body["spec"] : {};
  const result = review(call, spec);
  return plainAnswer(call, 201, {
    kind: definition.kind,
    apiVersion: apiVersionOf(definition),
    metadata: result.metadata ?? {},
    ...(definition.kind === "SelfSubjectReview" ? {} : { spec: result.spec ?? spec }),
    status: result.status,
  });
}

function accessReview(call: Call, user: User, spec: Fields) {
  const wanted = spec["resourceAttributes"];
  if (!isObject(wanted)) {
    const master = user.groups.includes("system:masters");
    const verb = stringAt(spec, "nonResourceAttributes", "verb");
    const path = stringAt(spec, "nonResourceAttributes", "path") ?? "";
    const open = verb === "get" && /^\/(?:api|apis|healthz|livez|readyz|openapi|version)(?:\/|$)/.test(path);
    return { status: { allowed: master || open } };
  }
  const text = (field: string): string => stringAt(wanted, field) ?? "";
  const namespace = text("namespace");
  const attributes: Attributes = {
    verb: text("verb"),
    group: text("group"),
    resource: text("resource"),
    ...(text("subresource") === "" ? {} : { subresource: text("subresource") }),
    ...(namespace === "" ? {} : { namespace }),
    ...(text("name") === "" ? {} : { name: text("name") }),
  };
  return { status: { allowed: allowed(call.core, user, attributes) } };
}

function userOf(spec: Fields): User {
  return { name: stringAt(spec, "user") ?? "", groups: listAt(spec, "groups").map(String) };
}

function userInfo(user: User): Fields {
  return { username: user.name, uid: user.uid ?? user.name, groups: user.groups };
}

function tokenReview(call: Call, spec: Fields) {
  const { core } = call;
  const user = core.access.userOf(stringAt(spec, "token") ?? "", core.clock.now());
  if (user === undefined) return { status: { authenticated: false, error: "[invalid bearer token]", user: {} } };
  return { status: { authenticated: true, user: userInfo(user), audiences: ["https://kubernetes.default.svc"] } };
}

function rulesReview({ request }: Call, _spec: Fields) {
  const all = request.user.groups.includes("system:masters");
  const self = {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
  };
  const resourceRules = all ? [self, { verbs: ["*"], apiGroups: ["*"], resources: ["*"] }] : [self];
  const nonResourceRules = all ? [{ verbs: ["*"], nonResourceURLs: ["*"] }] : [];
  return { status: { resourceRules, nonResourceRules, incomplete: !all } };
}
