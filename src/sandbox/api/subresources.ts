// Subresources: status, scale, binding, eviction, log, token, finalize, approval. Each reads its own body and ends in
// the same writes as everything else.
import { isObject, listAt, numberAt, sameJson, stringAt } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Subresource } from "../contract.ts";
import {
  answer,
  type ApiAnswer,
  bodyObject,
  type Call,
  existing,
  named,
  placed,
  plainAnswer,
  rawBody,
  runPatch,
  writeOptions,
} from "./call.ts";
import { nowText } from "./core.ts";
import { deleteObject, parseDeleteOptions } from "./deletes.ts";
import { podLog } from "./logs.ts";
import { scaleRequest } from "./scale.ts";
import { badRequest, conflict, methodNotAllowed, refusal } from "./status.ts";
import { isReleased, removeObject, storeChange, updateObject } from "./writes.ts";

const defaultTokenSeconds = 3600;
const minTokenSeconds = 600;

/** Answers a request to a subresource of an object. Errors: ApiError. */
export function subresourceRequest(call: Call, subresource: Subresource): ApiAnswer {
  switch (subresource) {
    case "status":
    case "approval":
      return statusRequest(call, subresource);
    case "scale":
      return scaleRequest(call);
    case "log":
      requireMethod(call, "GET");
      return podLog(call, existing(call));
    case "binding":
      requireMethod(call, "POST");
      return bind(call);
    case "eviction":
      requireMethod(call, "POST");
      return evict(call);
    case "token":
      requireMethod(call, "POST");
      return issueToken(call);
    case "finalize":
      requireMethod(call, "PUT");
      return finalize(call);
  }
}

function requireMethod({ request, definition }: Call, method: string): void {
  if (request.method !== method) throw methodNotAllowed("", definition);
}

function statusRequest(call: Call, subresource: "status" | "approval"): ApiAnswer {
  const { core, request, definition, namespace } = call;
  switch (request.method) {
    case "GET":
      return answer(call, 200, existing(call));
    case "PUT": {
      const object = named(call, placed(call, bodyObject(call)));
      const options = { ...writeOptions(call), subresource: "status" };
      return answer(call, 200, updateObject(core, definition, namespace, object, options));
    }
    case "PATCH":
      return answer(call, 200, runPatch(call, subresource === "approval" ? "status" : subresource).object);
    default:
      throw methodNotAllowed("", definition);
  }
}

function bind(call: Call): ApiAnswer {
  const { core, definition } = call;
  const body = rawBody(call);
  const name = stringAt(body, "metadata", "name");
  if (name !== undefined && name !== call.name) throw badRequest("name in URL does not match name in Binding object");
  const node = stringAt(body, "target", "name") ?? "";
  const old = existing(call);
  const assigned = stringAt(old, "spec", "nodeName") ?? "";
  const target = { group: "", plural: "pods/binding" };
  if (old.metadata.deletionTimestamp !== undefined) {
    throw conflict(target, call.name, `pod ${call.name} is being deleted, cannot be assigned to a host`);
  }
  if (assigned !== "") {
    throw conflict(target, call.name, `pod ${call.name} is already assigned to node ${JSON.stringify(assigned)}`);
  }
  const now = nowText(core);
  const scheduled = { type: "PodScheduled", status: "True", lastProbeTime: null, lastTransitionTime: now };
  const conditions = listAt(old, "status", "conditions").filter((each) => stringAt(each, "type") !== "PodScheduled");
  const spec = isObject(old["spec"]) ? old["spec"] : {};
  const status = isObject(old["status"]) ? old["status"] : {};
  const options = { ...writeOptions(call), manager: "kube-scheduler" };
  const placedPod = { ...old, spec: { ...spec, nodeName: node } };
  const stored = storeChange(core, definition, { old, next: placedPod }, { ...options, subresource: "binding" });
  if (options.dryRun !== true) {
    const next = { ...stored, status: { ...status, conditions: [...conditions, scheduled] } };
    storeChange(core, definition, { old: stored, next }, { ...options, subresource: "status" });
  }
  return plainAnswer(call, 201, success(201));
}

function success(code: number) {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code };
}

function evict(call: Call): ApiAnswer {
  const { core, definition, namespace, name } = call;
  const body = rawBody(call);
  const given = stringAt(body, "metadata", "name");
  if (given !== undefined && given !== name) throw badRequest("name in URL does not match name in Eviction object");
  const pod = existing(call);
  for (const budget of core.store.list("policy/poddisruptionbudgets", namespace)) {
    if (!selects(budget, pod) || (numberAt(budget, "status", "disruptionsAllowed") ?? 0) > 0) continue;
    const message = "Cannot evict pod as it would violate the pod's disruption budget.";
    const detail = `The disruption budget ${budget.metadata.name} does not allow evicting pods currently`;
    throw refusal({
      code: 429,
      reason: "TooManyRequests",
      message,
      details: { causes: [{ reason: "DisruptionBudget", message: detail }] },
    });
  }
  const options = parseDeleteOptions(isObject(body) ? body["deleteOptions"] : undefined);
  const dryRun = options.dryRun === true || writeOptions(call).dryRun;
  deleteObject(core, definition, { namespace, name }, { ...options, dryRun });
  return plainAnswer(call, 201, success(201));
}

function selects(budget: KubernetesObject, pod: KubernetesObject): boolean {
  const spec = budget["spec"];
  const wanted = isObject(spec) && isObject(spec["selector"]) ? spec["selector"]["matchLabels"] : undefined;
  if (!isObject(wanted)) return false;
  return Object.entries(wanted).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

function issueToken(call: Call): ApiAnswer {
  const { core } = call;
  const account = existing(call);
  const body = rawBody(call);
  const spec = isObject(body) && isObject(body["spec"]) ? body["spec"] : {};
  const seconds = Math.max(minTokenSeconds, numberAt(spec, "expirationSeconds") ?? defaultTokenSeconds);
  const issuedAtS = Math.floor(core.clock.now() / 1000);
  const expiresAtS = issuedAtS + seconds;
  const { name = "", namespace = "", uid = "" } = account.metadata;
  const audiences = listAt(spec, "audiences").map(String);
  const token = core.access.issue({ namespace, name, uid, audiences, expiresAtS, issuedAtS, id: core.newUid() });
  return plainAnswer(call, 201, {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, uid, creationTimestamp: nowText(core) },
    spec: {
      audiences: audiences.length > 0 ? audiences : ["https://kubernetes.default.svc"],
      expirationSeconds: seconds,
      boundObjectRef: null,
    },
    status: { token, expirationTimestamp: rfc3339(expiresAtS * 1000) },
  });
}

/** Replaces a namespace's spec.finalizers; without any left, and being deleted, it goes. */
function finalize(call: Call): ApiAnswer {
  const { core, definition } = call;
  const old = existing(call);
  const body = rawBody(call);
  const finalizers = listAt(body, "spec", "finalizers").map(String);
  const spec = isObject(old["spec"]) ? old["spec"] : {};
  const { finalizers: _, ...rest } = spec;
  const next = { ...old, spec: finalizers.length > 0 ? { ...rest, finalizers } : rest };
  if (sameJson(next, old)) return answer(call, 200, old);
  const options = { ...writeOptions(call), subresource: "finalize" };
  if (isReleased(next)) {
    if (options.dryRun) return answer(call, 200, next);
    return answer(call, 200, removeObject(core, definition, next) ?? next);
  }
  return answer(call, 200, storeChange(core, definition, { old, next }, options));
}
