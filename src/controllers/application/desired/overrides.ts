// What the settings' overrides of a kind do to one object that somebody has at hand, for those who write them: the same as
// to a live one. Reads no cluster; jq expressions run in the engine.
import { DriftlessError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { parseCustomActions } from "#core/actions/actions.ts";
import { rulesFor } from "#core/compare/ignore.ts";
import { joined, placesOf, withoutPlaces, type Places } from "#core/compare/places.ts";
import { healthFromScript, healthScripts } from "#core/health/custom.ts";
import { healthOf } from "#core/health/health.ts";
import { updateRules, withoutIgnored } from "#core/refresh/updates.ts";
import type { HealthStatus } from "#model/application.ts";
import { gvkOf, keyOf, type KubernetesObject } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";
import { systemComparing } from "../comparison/compare-settings.ts";
import { JqPlaces, type Question } from "../comparison/jq-places.ts";

/** What is wrong with overrides, beyond what reading the settings found. */
export function overrideProblems(settings: Settings): readonly string[] {
  const actions = settings.resourceCustomizations.flatMap(({ field, groupKind, text }) => {
    const why = field === "actions" && text.trim() !== "" ? parseCustomActions(text) : undefined;
    return typeof why === "string" ? [`resource.customizations.actions of ${groupKind}: ${why}`] : [];
  });
  // Differences that are ignored are read for updates, too: each problem once.
  const updates = updateRules({ ...settings, ignoreResourceUpdates: true }).problems;
  return [...new Set([...systemComparing(settings).broken.map(({ message }) => message), ...actions, ...updates])];
}

/** The health of an object, by the settings' script for its kind or by the built-in check. Errors: RENDER_FAILED, ENGINE_MISSING. */
export async function healthOfOne(
  op: Op,
  evaluators: Evaluators,
  settings: Settings,
  object: KubernetesObject,
): Promise<HealthStatus | undefined> {
  const { group, kind } = gvkOf(object);
  const script = healthScripts(settings.resourceCustomizations).find(group, kind);
  if (!script) return healthOf(object);
  const { text, allLibraries } = script;
  const [outcome] = await evaluators.lua(op, [
    { script: text, globals: { obj: object as unknown as JsonObject }, ...(allLibraries ? { allLibraries } : {}) },
  ]);
  if (outcome?.ok !== true) throw outcome?.error ?? new DriftlessError("INTERNAL", "the engine gave no answer");
  const found = healthFromScript(outcome.value);
  return healthOf(object, () => found ?? null);
}

/**
 * An object without the fields that the settings leave out of comparing (ignoreDifferences), but for those of field
 * managers, which only a live object has. Errors: SPEC_INVALID naming the jq expression, CONFIG_INVALID, ENGINE_MISSING.
 */
export async function withoutDifferences(
  op: Op,
  evaluators: Evaluators,
  settings: Settings,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const { rules, broken } = systemComparing(settings);
  const [first] = broken;
  if (first)
    throw new DriftlessError("CONFIG_INVALID", first.message, { details: { resource: "ConfigMap argocd-cm" } });
  const holding = rulesFor(rules, keyOf(object));
  const jq = new JqPlaces(evaluators, () => settings.jqTimeoutMs);
  const questions: Question[] = [];
  const expressions = new Set(holding.flatMap(({ jqPathExpressions }) => jqPathExpressions));
  const selections = [...expressions].map((expression) =>
    jq.note(questions, { of: object, version: "given", expression, value: () => object }),
  );
  await jq.ask(op, questions);
  let places: Places | undefined;
  for (const rule of holding) places = joined(places, rule.places);
  for (const { steps, error } of selections) {
    if (error !== undefined) throw new DriftlessError("SPEC_INVALID", error);
    places = joined(places, placesOf(steps));
  }
  const { ignoreResourceStatusField: which } = settings.compareOptions;
  const status = which === "all" || (which === "crd" && object.kind === "CustomResourceDefinition");
  return withoutPlaces(object, status ? joined(places, placesOf([["status"]])) : places) as KubernetesObject;
}

/**
 * An object without the fields whose changes wake nobody (ignoreResourceUpdates, and ignoreDifferences with them).
 * Errors: those of jq expressions, ENGINE_MISSING.
 */
export async function withoutUpdates(
  op: Op,
  evaluators: Evaluators,
  settings: Settings,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const rule = updateRules(settings).of(keyOf(object));
  if (!rule) return object;
  const left = withoutIgnored(object, rule);
  const items = rule.queries.map((query) => `del(${query})`);
  if (items.length === 0) return left as unknown as KubernetesObject;
  const [outcome] = await evaluators.jq(op, [{ text: items.join(" | "), data: left }], {
    timeoutMs: settings.jqTimeoutMs,
  });
  if (outcome?.ok !== true) throw outcome?.error ?? new DriftlessError("INTERNAL", "the engine gave no answer");
  return (outcome.value[0] ?? {}) as Json as unknown as KubernetesObject;
}
