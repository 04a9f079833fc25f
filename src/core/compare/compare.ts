// The decision whether an object has drifted: desired and live in, one of three outcomes out. Pure; changes nothing.
// Defaults that the API server fills in are never drift; neither are equal quantities or reordered keyed lists.
// Sources: "Declarative Management of Kubernetes Objects"; Argo CD's "Diff strategies".
import type { Json } from "#base/json.ts";
import { isObject } from "#base/json.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { applyServerSide } from "#core/merge/structured.ts";
import { anyType } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { typeErrorMessage } from "#core/merge/type-errors.ts";
import { ignoredFields, withoutIgnored } from "./ignore.ts";
import type { Ignored, IgnoreRule } from "./ignore.ts";
import { normalized, withAdmitted } from "./normalize.ts";
import { differences, withPathOf } from "./paths.ts";
import { predict } from "./predict.ts";

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
  readonly method: "three-way" | "structured-merge";
  /** The field manager that applies: for structured merge. */
  readonly manager: string;
  /** Whether `status` is compared; it is not, unless this says so. */
  readonly status?: "ignore" | "compare";
  /** JSON pointers that the rules' jq expressions gave for this object. */
  readonly jqPointers?: readonly string[];
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
  const type = schema ?? anyType;
  const options = { status: settings.status ?? "ignore" };
  const rules = settings.ignore;
  const ignored =
    rules.length === 0 && settings.jqPointers === undefined
      ? undefined
      : ignoredFields(rules, settings.jqPointers ?? [], live.metadata.managedFields);
  let wanted = withAdmitted(normalized(desired, options), live);
  if (ignored !== undefined) wanted = withoutIgnored(wanted, ignored, type);
  return settings.method === "structured-merge"
    ? structured(wanted, live, { type, settings, ignored, options })
    : threeWay(wanted, live, { type, settings, ignored, options });
}

interface Context {
  readonly type: TypeSchema;
  readonly settings: CompareSettings;
  readonly ignored: Ignored | undefined;
  readonly options: { readonly status: "ignore" | "compare" };
}

function threeWay(applied: KubernetesObject, live: KubernetesObject, context: Context): Comparison {
  const { type, ignored } = context;
  let wanted = applied;
  let original = lastApplied(live);
  if (original !== undefined) {
    original = normalized(original, context.options);
    // An apply always desires one annotation, its own: the others go one by one, never all of them.
    if (original.metadata.annotations !== undefined && wanted.metadata.annotations === undefined)
      wanted = { ...wanted, metadata: { ...wanted.metadata, annotations: {} } };
    if (ignored !== undefined) original = withoutIgnored(original, ignored, type);
  }
  const predicted = predict(original, wanted, live, type) as KubernetesObject;
  return predicted === live ? same : verdict(live, predicted, context, "report");
}

/** The last-applied annotation's object; undefined where there is none, or none that can be read. */
function lastApplied(live: KubernetesObject): KubernetesObject | undefined {
  const text = live.metadata.annotations?.[annotation.lastApplied];
  if (text === undefined || text === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Nothing is known of the last apply, as if there had been none.
  }
  if (!isObject(value)) return undefined;
  const metadata: Json | undefined = value["metadata"];
  // An annotation that was copied along from another version of the kind says nothing of this one's fields.
  if (value["apiVersion"] !== live.apiVersion) return undefined;
  return (isObject(metadata) ? value : { ...value, metadata: {} }) as unknown as KubernetesObject;
}

function structured(wanted: KubernetesObject, live: KubernetesObject, context: Context): Comparison {
  const { type, settings } = context;
  const result = applyServerSide({
    live,
    applied: wanted,
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
  return verdict(live, predicted, context, "ignore");
}

function verdict(
  live: KubernetesObject,
  predicted: KubernetesObject,
  context: Context,
  filledIn: "ignore" | "report",
): Comparison {
  const { type, ignored } = context;
  if (ignored === undefined) {
    const paths = differences(live, predicted, type, filledIn);
    return paths.length === 0 ? same : { outcome: "differs", paths, predicted };
  }
  const paths = differences(
    withoutIgnored(live, ignored, type),
    withoutIgnored(predicted, ignored, type),
    type,
    filledIn,
  );
  if (paths.length === 0) return same;
  let shown: unknown = predicted;
  for (const steps of ignored.pointers) shown = withPathOf(shown, live, steps);
  return { outcome: "differs", paths, predicted: shown as KubernetesObject };
}
