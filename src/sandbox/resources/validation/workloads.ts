// Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.
import { isObject, listAt, sameJson, stringAt } from "#base/json.ts";
import { Cron } from "croner";
import type { KubernetesObject } from "#model/object.ts";
import { fieldsAt } from "../edit.ts";
import type { Fields } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { validateTemplate } from "./pods.ts";
import { selectorMatches, validateSelector } from "./selectors.ts";
import { intOrPercent } from "./words.ts";

type Validate = (faults: Faults, object: KubernetesObject, old?: KubernetesObject) => void;

/** The selector, the template, and that one matches the other; the template's pods restart always. */
function selectorAndTemplate(faults: Faults, spec: Fields, kind: string): void {
  const { selector } = spec;
  let usable = isObject(selector);
  if (!usable) faults.required("spec.selector");
  else if (!validateSelector(faults, "spec.selector", selector)) {
    usable = false;
    if (kind !== "replicaset") faults.invalid("spec.selector", selector, "invalid label selector");
  }
  const empty =
    isObject(selector) &&
    Object.keys(fieldsAt(selector, "matchLabels")).length + listAt(selector, "matchExpressions").length === 0;
  if (empty) faults.invalid("spec.selector", selector, `empty selector is invalid for ${kind}`);
  const labels = fieldsAt(spec, "template", "metadata").labels;
  const matches = !isObject(selector) ? false : !usable || empty || selectorMatches(selector, labels);
  if (!matches)
    faults.invalid("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`");
  validateTemplate(faults, "spec.template", spec.template);
  const restart = stringAt(spec, "template", "spec", "restartPolicy");
  if (restart !== undefined && restart !== "Always" && ["OnFailure", "Never"].includes(restart)) {
    faults.unsupported("spec.template.spec.restartPolicy", restart, ["Always"]);
  }
}

function selectorUnchanged(faults: Faults, spec: Fields, old: KubernetesObject | undefined): void {
  if (old !== undefined && !sameJson(spec.selector, fieldsAt(old, "spec").selector)) {
    faults.invalid("spec.selector", spec.selector, "field is immutable");
  }
}

function counts(faults: Faults, spec: Fields, names: readonly string[]): void {
  for (const name of names) faults.notNegative(`spec.${name}`, spec[name]);
}

export const deployment: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  counts(faults, spec, ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"]);
  selectorAndTemplate(faults, spec, "deployment");
  const strategy = fieldsAt(spec, "strategy");
  if (strategy.type === "RollingUpdate")
    rollingUpdate(faults, "spec.strategy.rollingUpdate", fieldsAt(strategy, "rollingUpdate"));
  else if (strategy.type !== "Recreate") faults.unsupported("spec.strategy", strategy, ["Recreate", "RollingUpdate"]);
  else if (isObject(strategy.rollingUpdate)) {
    faults.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
  }
  const { progressDeadlineSeconds: deadline, minReadySeconds: ready = 0 } = spec;
  if (typeof deadline === "number" && deadline >= 0 && deadline <= (ready as number)) {
    faults.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
  }
  selectorUnchanged(faults, spec, old);
};

function rollingUpdate(faults: Faults, path: string, update: Fields): void {
  const { maxSurge, maxUnavailable } = update;
  faults.words(`${path}.maxUnavailable`, maxUnavailable, intOrPercent(maxUnavailable));
  faults.words(`${path}.maxSurge`, maxSurge, intOrPercent(maxSurge));
  const zero = (value: unknown): boolean => value === 0 || value === "0%";
  if (zero(maxSurge) && zero(maxUnavailable))
    faults.invalid(`${path}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0");
  if (typeof maxUnavailable === "string" && /^\d+%$/.test(maxUnavailable) && Number.parseInt(maxUnavailable) > 100) {
    faults.invalid(`${path}.maxUnavailable`, maxUnavailable, "must not be greater than 100%");
  }
}

export const replicaSet: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  counts(faults, spec, ["replicas", "minReadySeconds"]);
  selectorAndTemplate(faults, spec, "deployment");
  selectorUnchanged(faults, spec, old);
};

export const statefulSet: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  const strategy = fieldsAt(spec, "updateStrategy");
  if (!["OrderedReady", "Parallel"].includes(spec.podManagementPolicy as string)) {
    faults.invalid("spec.podManagementPolicy", spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'");
  }
  if (!["RollingUpdate", "OnDelete"].includes(strategy.type as string)) {
    faults.invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'");
  }
  counts(faults, spec, ["replicas", "minReadySeconds"]);
  faults.notNegative("spec.updateStrategy.rollingUpdate.partition", fieldsAt(strategy, "rollingUpdate").partition);
  selectorAndTemplate(faults, withClaimsAsVolumes(spec), "statefulset");
  if (old !== undefined) statefulSetUpdate(faults, spec, fieldsAt(old, "spec"));
};

/** The spec with a volume for each claim template: its containers may mount those too. */
function withClaimsAsVolumes(spec: Fields): Fields {
  const claims = listAt(spec, "volumeClaimTemplates").map((claim) => ({ name: fieldsAt(claim, "metadata").name }));
  if (claims.length === 0) return spec;
  const pod = fieldsAt(spec, "template", "spec");
  const volumes = listAt(pod, "volumes").filter((volume) => !claims.some(({ name }) => name === fieldsAt(volume).name));
  return { ...spec, template: { ...fieldsAt(spec, "template"), spec: { ...pod, volumes: [...volumes, ...claims] } } };
}

const statefulSetMutable = new Set([
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
]);

function statefulSetUpdate(faults: Faults, spec: Fields, old: Fields): void {
  for (const name of new Set([...Object.keys(spec), ...Object.keys(old)])) {
    if (statefulSetMutable.has(name) || sameJson(spec[name], old[name])) continue;
    if (name === "selector" || name === "serviceName" || name === "podManagementPolicy") {
      faults.invalid(`spec.${name}`, spec[name], "field is immutable");
    } else {
      faults.forbidden(
        "spec",
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      );
    }
  }
}

export const daemonSet: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  counts(faults, spec, ["minReadySeconds", "revisionHistoryLimit"]);
  selectorAndTemplate(faults, spec, "daemonset");
  const strategy = fieldsAt(spec, "updateStrategy");
  if (!["RollingUpdate", "OnDelete"].includes(strategy.type as string)) {
    faults.unsupported("spec.updateStrategy", strategy, ["RollingUpdate", "OnDelete"]);
  }
  selectorUnchanged(faults, spec, old);
};

export const job: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  jobSpec(faults, "spec", spec);
  const { selector } = spec;
  if (!isObject(selector)) faults.required("spec.selector");
  else {
    validateSelector(faults, "spec.selector", selector);
    const labels = fieldsAt(spec, "template", "metadata").labels;
    if (!selectorMatches(selector, labels))
      faults.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
  }
  if (old !== undefined) jobUpdate(faults, spec, fieldsAt(old, "spec"), old);
};

function jobSpec(faults: Faults, path: string, spec: Fields): void {
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
  ]) {
    faults.notNegative(`${path}.${name}`, spec[name]);
  }
  if (spec.completionMode === "Indexed" && spec.completions === undefined) {
    faults.required(`${path}.completions`, "when completion mode is Indexed");
  }
  faults.oneOf(`${path}.completionMode`, spec.completionMode, ["NonIndexed", "Indexed"]);
  validateTemplate(faults, `${path}.template`, spec.template);
  const restart = fieldsAt(spec, "template", "spec").restartPolicy;
  const at = `${path}.template.spec.restartPolicy`;
  if (restart === "Always" || restart === undefined || restart === "")
    faults.required(at, 'valid values: "OnFailure", "Never"');
  else faults.oneOf(at, restart, ["OnFailure", "Never"]);
}

function jobUpdate(faults: Faults, spec: Fields, old: Fields, before: KubernetesObject): void {
  const indexed = spec.completionMode === "Indexed" && spec.completions === spec.parallelism;
  if (!sameJson(spec.completions, old.completions) && !indexed)
    faults.invalid("spec.completions", spec.completions, "field is immutable");
  for (const name of [
    "selector",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
  ]) {
    if (!sameJson(spec[name], old[name])) faults.invalid(`spec.${name}`, spec[name] ?? null, "field is immutable");
  }
  const notStarted = old.suspend === true && stringAt(before, "status", "startTime") === undefined;
  const [now, then] = notStarted
    ? [schedulable(spec.template), schedulable(old.template)]
    : [spec.template, old.template];
  const changed = (part: string): boolean => !sameJson(fieldsAt(now)[part], fieldsAt(then)[part]);
  for (const part of ["metadata", "spec"]) {
    if (changed(part)) faults.invalid(`spec.template.${part}`, fieldsAt(spec, "template")[part], "field is immutable");
  }
}

/** A suspended job that never started may still change where and how its pods are scheduled. */
function schedulable(template: unknown): unknown {
  const spec = fieldsAt(template, "spec");
  const { nodeSelector: _n, tolerations: _t, affinity: _a, schedulingGates: _g, ...rest } = spec;
  const { labels: _l, annotations: _x, ...metadata } = fieldsAt(template, "metadata");
  return { ...fieldsAt(template), metadata, spec: rest };
}

export const cronJob: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  const name = object.metadata.name ?? "";
  if (old === undefined && name.length > 52)
    faults.invalid("metadata.name", name, "must be no more than 52 characters");
  jobSpec(faults, "spec.jobTemplate.spec", fieldsAt(spec, "jobTemplate", "spec"));
  const schedule = stringAt(spec, "schedule") ?? "";
  if (schedule === "") faults.required("spec.schedule");
  else validateSchedule(faults, schedule, spec.timeZone);
  counts(faults, spec, ["startingDeadlineSeconds"]);
  if (spec.concurrencyPolicy === "") faults.required("spec.concurrencyPolicy");
  else faults.oneOf("spec.concurrencyPolicy", spec.concurrencyPolicy, ["Allow", "Forbid", "Replace"]);
  counts(faults, spec, ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"]);
};

function validateSchedule(faults: Faults, schedule: string, timeZone: unknown): void {
  const problem = scheduleProblem(schedule);
  if (problem !== undefined) faults.invalid("spec.schedule", schedule, problem);
  if (schedule.includes("TZ")) {
    faults.invalid("spec.schedule", schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
  }
  if (timeZone === "") faults.invalid("spec.timeZone", "", "timeZone must be nil or non-empty string");
  else if (typeof timeZone === "string" && !isTimeZone(timeZone)) {
    faults.invalid("spec.timeZone", timeZone, `unknown time zone ${timeZone}`);
  }
}

const bounds: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
];
const descriptors = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

function scheduleProblem(schedule: string): string | undefined {
  const text = schedule.replace(/^(TZ|CRON_TZ)=\S+\s+/, "");
  if (text.startsWith("@")) {
    return descriptors.includes(text) || /^@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)
      ? undefined
      : `unrecognized descriptor: ${text}`;
  }
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) return `expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`;
  for (const [index, field] of fields.entries()) {
    for (const number of field.replace(/\/\d+/g, "").match(/\d+/g) ?? []) {
      const [low, high] = bounds[index] ?? [0, 0];
      if (Number(number) > high) return `end of range (${number}) above maximum (${high}): ${field}`;
      if (Number(number) < low) return `beginning of range (${number}) below minimum (${low}): ${field}`;
    }
  }
  try {
    return new Cron(text, { paused: true }).getPattern() === undefined ? "empty schedule" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
