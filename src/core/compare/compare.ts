// The decision whether an object has drifted: desired and live in, one of three outcomes out. Pure; changes nothing.
// Defaults that the API server fills in are never drift; neither are equal quantities or reordered keyed lists.
// Sources: "Declarative Management of Kubernetes Objects"; Argo CD's "Diff strategies".
import type { KubernetesObject } from "#model/object.ts";
import { applyServerSide } from "#core/merge/structured.ts";
import { anyType } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { typeErrorMessage } from "#core/merge/type-errors.ts";
import { changesBetween, removeFields } from "#core/merge/typed.ts";
import { ignoredPlaces } from "./ignore.ts";
import type { Ignored, IgnoreRule, Selected } from "./ignore.ts";
import { normalized, withAdmitted } from "./normalize.ts";
import { lastAppliedOf } from "./last-applied.ts";
import { differences } from "./paths.ts";
import { restored, withoutPlaces } from "./places.ts";
import type { Places } from "./places.ts";
import { predict } from "./predict.ts";
import { answered } from "./server-side.ts";
import { isPlainlyUnchanged } from "./unchanged.ts";

export type Comparison =
  | { readonly outcome: "same" }
  | {
      readonly outcome: "differs";
      /** JSON pointers into the predicted object, or into the live one for what would go; "" is the whole object. */
      readonly paths: readonly string[];
      /** The live object after an apply; the desired one where none is live, the live one where none is desired. */
      readonly predicted: KubernetesObject;
    }
  | { readonly outcome: "unknown"; readonly error: string };

export interface CompareSettings {
  /** The rules that hold for this object: see `rulesFor`. */
  readonly ignore: readonly IgnoreRule[];
  readonly method: "three-way" | "structured-merge" | "server-side";
  /** The field manager that applies: for structured merge and server-side. */
  readonly manager: string;
  /** Whether `status` is compared; it is not, unless this says so. */
  readonly status?: "ignore" | "compare";
  /** What the rules' jq expressions named in this object. */
  readonly selected?: Selected;
  /** For `server-side`: what the API server answered to a dry run of the apply. */
  readonly answer?: KubernetesObject;
  /** For `server-side`: whether what admission webhooks changed counts too. */
  readonly mutations?: "exclude" | "include";
  /** For `server-side`: a sync applies client-side, so that what it would take away is told by the last-applied annotation. */
  readonly applies?: "client-side" | "server-side";
}

const same: Comparison = { outcome: "same" };

/**
 * Takes what is desired and what is live (one may be absent: then the outcome is `differs` at ""), their type (undefined:
 * the cluster has no schema for the kind) and the settings. Structured merge needs the live object's managedFields to
 * see what the manager no longer applies: its own entry is enough. Without it only what it adds or changes is seen.
 */
export function compare(
  desired: KubernetesObject | undefined,
  live: KubernetesObject | undefined,
  schema: TypeSchema | undefined,
  settings: CompareSettings,
): Comparison {
  if (desired === undefined) return live === undefined ? same : { outcome: "differs", paths: [""], predicted: live };
  if (live === undefined) return { outcome: "differs", paths: [""], predicted: desired };
  if (desired === live) return same;
  if (desired.apiVersion !== live.apiVersion || desired.kind !== live.kind)
    return {
      outcome: "unknown",
      error: `cannot compare ${desired.apiVersion} ${desired.kind} with a live object of ${live.apiVersion} ${live.kind}`,
    };
  const context: Context = { type: schema ?? anyType, settings, options: { status: settings.status ?? "ignore" } };
  const wanted = withAdmitted(normalized(desired, context.options), live);
  switch (settings.method) {
    case "three-way":
      return threeWay(wanted, live, context);
    case "structured-merge":
      return structured(wanted, live, context);
    case "server-side":
      return serverSide(wanted, live, context);
  }
}

interface Context {
  readonly type: TypeSchema;
  readonly settings: CompareSettings;
  readonly options: { readonly status: "ignore" | "compare" };
}

/** Versions of one object without what the settings ignore; the same where they ignore nothing. */
function bare<T extends KubernetesObject | undefined>(object: T, places: Places | undefined): T {
  return object === undefined ? object : (withoutPlaces(object, places) as T);
}

function threeWay(wanted: KubernetesObject, live: KubernetesObject, context: Context): Comparison {
  const { type, settings } = context;
  const last = lastAppliedOf(live);
  const original = last === undefined ? undefined : normalized(last, context.options);
  const versions = { live, desired: wanted, lastApplied: original };
  const ignored = ignoredPlaces(settings.ignore, settings.selected, versions, type);
  const before = bare(live, ignored?.live);
  const former = bare(original, ignored?.lastApplied);
  let applied = bare(wanted, ignored?.desired);
  // An apply always desires one annotation, its own: the others go one by one, never all of them.
  if (former?.metadata.annotations !== undefined && applied.metadata.annotations === undefined)
    applied = { ...applied, metadata: { ...applied.metadata, annotations: {} } };
  const predicted = predict(former, applied, before, type) as KubernetesObject;
  return verdict({ live, before, predicted, filledIn: "report", ignored }, context);
}

function structured(wanted: KubernetesObject, live: KubernetesObject, context: Context): Comparison {
  const { type, settings } = context;
  const ignored = ignoredPlaces(settings.ignore, settings.selected, { live, desired: wanted }, type);
  const before = bare(live, ignored?.live);
  const applied = bare(wanted, ignored?.desired);
  if (isPlainlyUnchanged(applied, before, type, settings.manager)) return same;
  const result = applyServerSide({
    live: before,
    applied,
    manager: settings.manager,
    force: true,
    schema: type,
    time: "",
    ...(context.options.status === "ignore" ? { resetFields: ["status"] } : {}),
  });
  if (!result.ok) return { outcome: "unknown", error: typeErrorMessage(wanted, result.error.invalid ?? []) };
  if (!result.value.changed) return same;
  const { managedFields } = live.metadata;
  const { managedFields: _, ...after } = result.value.object.metadata;
  const predicted = {
    ...result.value.object,
    metadata: managedFields === undefined ? after : { ...after, managedFields },
  };
  return verdict({ live, before, predicted, filledIn: "ignore", ignored }, context);
}

function serverSide(wanted: KubernetesObject, live: KubernetesObject, context: Context): Comparison {
  const { type, settings, options } = context;
  if (settings.answer === undefined)
    return { outcome: "unknown", error: "the API server's answer to a dry run of the apply is missing" };
  const told = answered(live, settings.answer, type, {
    manager: settings.manager,
    mutations: settings.mutations ?? "exclude",
    status: options.status,
  });
  const answer = settings.applies === "client-side" ? withoutFormer(told, wanted, live, context) : told;
  const ignored = ignoredPlaces(settings.ignore, settings.selected, { live, desired: wanted, answer }, type);
  const before = bare(live, ignored?.live);
  return verdict({ live, before, predicted: bare(answer, ignored?.answer), filledIn: "report", ignored }, context);
}

/** The answer without what was applied client-side and is desired no longer: a server-side apply knows nothing of it. */
function withoutFormer(
  answer: KubernetesObject,
  wanted: KubernetesObject,
  live: KubernetesObject,
  { type, options }: Context,
): KubernetesObject {
  const last = lastAppliedOf(live);
  if (last === undefined) return answer;
  const original = normalized(last, options);
  const applied =
    original.metadata.annotations === undefined || wanted.metadata.annotations !== undefined
      ? wanted
      : { ...wanted, metadata: { ...wanted.metadata, annotations: {} } };
  const { removed } = changesBetween(
    predict(undefined, applied, live, type),
    predict(original, applied, live, type),
    type,
  );
  return removeFields(answer, removed, type) as KubernetesObject;
}

interface Found {
  readonly live: KubernetesObject;
  /** The live object without what is ignored. */
  readonly before: KubernetesObject;
  /** What an apply would make of `before`. */
  readonly predicted: KubernetesObject;
  /** What to make of fields that only the live object has and the API server put there. */
  readonly filledIn: "ignore" | "report";
  readonly ignored: Ignored | undefined;
}

function verdict({ live, before, predicted, filledIn, ignored }: Found, { type }: Context): Comparison {
  if (predicted === before) return same;
  const paths = differences(before, predicted, type, filledIn);
  if (paths.length === 0) return same;
  if (ignored?.live === undefined) return { outcome: "differs", paths, predicted };
  // People are shown the whole object: what is ignored stays as it is.
  const shown = restored(predicted, live, ignored.live, type) as KubernetesObject;
  const shownPaths = differences(live, shown, type, filledIn);
  return { outcome: "differs", paths: shownPaths.length === 0 ? paths : shownPaths, predicted: shown };
}
