// How one application's objects are compared: its own ignore rules, those of `argocd-cm`, and the method. Pure.
// Sources: Argo CD's "Diff Customization", "Diff Strategies", "Sync Options".
import { parseYaml } from "#base/yaml.ts";
import { isObject, stableStringify, stringAt } from "#base/json.ts";
import type { Application, IgnoreDifference } from "#model/application.ts";
import type { GroupKind, KubernetesObject, ObjectKey } from "#model/object.ts";
import type { ResourceCustomization, Settings } from "#model/settings.ts";
import { annotation, fieldManager } from "#model/names.ts";
import type { CompareSettings } from "#core/compare/compare.ts";
import { compileIgnore, concernsKind, rulesFor } from "#core/compare/ignore.ts";
import type { IgnoreRule } from "#core/compare/ignore.ts";

/** How an object is compared, or why that cannot be told. */
export type HowCompared = CompareSettings | { readonly error: string };

export interface Comparing {
  /** Another text where objects may compare otherwise than before. */
  readonly id: string;
  /** Takes an object's key and its desired version, for what annotations of its own say. */
  settingsFor(key: ObjectKey, desired: KubernetesObject | undefined): HowCompared;
  /** Field managers that rules for objects of a kind name. */
  managersOf(kind: GroupKind): readonly string[];
  /** Fields of a custom resource that hold a type of Kubernetes' own. */
  knownFieldsOf(kind: GroupKind): readonly KnownField[];
}

/** `spec.template.spec` holds a `core/v1/PodSpec`. */
export interface KnownField {
  readonly path: readonly string[];
  readonly type: string;
}

interface Broken extends GroupKind {
  readonly message: string;
}

/** What `argocd-cm` says of comparing, compiled once for each state of the settings. */
export interface SystemComparing {
  readonly settings: Settings;
  readonly rules: readonly IgnoreRule[];
  readonly known: readonly (GroupKind & { readonly fields: readonly KnownField[] })[];
  /** Entries that cannot be read: objects of their kinds cannot be compared. */
  readonly broken: readonly Broken[];
}

/** Takes the settings; returns what they say of comparing. */
export function systemComparing(settings: Settings): SystemComparing {
  const rules: IgnoreDifference[] = [];
  const known: (GroupKind & { fields: readonly KnownField[] })[] = [];
  const broken: Broken[] = [];
  for (const entry of settings.resourceCustomizations) {
    if (entry.field !== "ignoreDifferences" && entry.field !== "knownTypeFields") continue;
    const kind = groupKindOf(entry);
    try {
      const value = parseYaml(entry.text);
      if (entry.field === "ignoreDifferences") rules.push({ ...kind, ...ruleOf(value) });
      else known.push({ ...kind, fields: knownOf(value) });
    } catch (thrown) {
      const why = (thrown as Error).message.split("\n")[0];
      broken.push({ ...kind, message: `resource.customizations.${entry.field} of ${entry.groupKind}: ${why}` });
    }
  }
  return { settings, rules: compileIgnore(rules), known, broken };
}

function groupKindOf({ groupKind }: ResourceCustomization): GroupKind {
  if (groupKind === "all" || groupKind === "/all") return { group: "*", kind: "*" };
  const slash = groupKind.indexOf("/");
  return { group: groupKind.slice(0, slash), kind: groupKind.slice(slash + 1) };
}

function ruleOf(value: unknown): Omit<IgnoreDifference, "kind" | "group"> {
  if (!isObject(value))
    throw new Error("it is not a mapping with jsonPointers, jqPathExpressions, managedFieldsManagers");
  const texts = (field: string): readonly string[] => {
    const found = value[field];
    if (found === undefined || found === null) return [];
    if (Array.isArray(found) && found.every((item) => typeof item === "string")) return found;
    throw new Error(`${field} is not a list of texts`);
  };
  return {
    jsonPointers: texts("jsonPointers"),
    jqPathExpressions: texts("jqPathExpressions"),
    managedFieldsManagers: texts("managedFieldsManagers"),
  };
}

function knownOf(value: unknown): readonly KnownField[] {
  if (!Array.isArray(value)) throw new Error("it is not a list of fields with their types");
  return value.map((item: unknown) => {
    const field = stringAt(item, "field") ?? "";
    const type = stringAt(item, "type") ?? "";
    if (field === "" || type === "") throw new Error("an entry lacks field or type");
    return { path: field.split("."), type };
  });
}

/** Takes an application and what the settings say; returns how its objects are compared. */
export function comparingOf(app: Application, system: SystemComparing): Comparing {
  const { compareOptions, serverSideDiff } = system.settings;
  const ignoreDifferences = app.spec.ignoreDifferences ?? [];
  const syncOptions = app.spec.syncPolicy?.syncOptions ?? [];
  const asked = app.metadata.annotations?.[annotation.compareOptions] ?? "";
  const rules = [...system.rules, ...compileIgnore(ignoreDifferences)];
  const ofApp = options(syncOptions.join(","), asked);
  const statusOf = (kind: GroupKind): "ignore" | "compare" => {
    const { ignoreResourceStatusField: which } = compareOptions;
    if (which === "all" || (which === "crd" && isDefinition(kind))) return "ignore";
    return "compare";
  };
  return {
    id: stableStringify([ignoreDifferences, syncOptions, asked]),
    managersOf: (kind) => [
      ...new Set(
        rules
          .filter((rule) => rule.managers.length > 0 && concernsKind(rule, kind))
          .flatMap(({ managers }) => managers),
      ),
    ],
    knownFieldsOf: (kind) => system.known.filter((entry) => matches(entry, kind)).flatMap(({ fields }) => fields),
    settingsFor(key, desired) {
      const broken = system.broken.find((entry) => matches(entry, key));
      if (broken !== undefined) return { error: broken.message };
      const own = desired?.metadata.annotations;
      const syncOf = own?.[annotation.syncOptions];
      const compareOf = own?.[annotation.compareOptions];
      const ofObject =
        syncOf === undefined && compareOf === undefined ? undefined : options(syncOf ?? "", compareOf ?? "");
      const chosen = (name: string): boolean | undefined => ofObject?.get(name) ?? ofApp.get(name);
      const applies = chosen("ServerSideApply") === true ? "server-side" : "client-side";
      const serverSide = chosen("ServerSideDiff") ?? serverSideDiff;
      return {
        ignore: rules.length === 0 ? rules : rulesFor(rules, key),
        method: serverSide ? "server-side" : applies === "server-side" ? "structured-merge" : "three-way",
        manager: fieldManager,
        status: statusOf(key),
        ...(serverSide
          ? {
              applies,
              mutations: chosen("IncludeMutationWebhook") === true ? ("include" as const) : ("exclude" as const),
            }
          : {}),
      };
    },
  };
}

function matches(entry: GroupKind, kind: GroupKind): boolean {
  return concernsKind({ ...entry, ...noRule }, kind);
}

const noRule = { name: "", namespace: "", places: undefined, managers: [], jqPathExpressions: [] } as const;

function isDefinition({ group, kind }: GroupKind): boolean {
  return group === "apiextensions.k8s.io" && kind === "CustomResourceDefinition";
}

/** `A=true,B=false`, of sync options and compare options together. */
function options(...texts: readonly string[]): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const part of texts.join(",").split(",")) {
    const [name = "", value] = part.trim().split("=");
    if (name !== "") found.set(name, value !== "false");
  }
  return found;
}
