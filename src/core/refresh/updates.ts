// Which updates of a live object are worth a look at its application: not those that change only fields that the settings
// say to ignore (ignoreResourceUpdates, and ignoreDifferences with them). Pure. jq expressions that are more than a path
// are named, for somebody else to run. Source: Argo CD's "Reconcile Optimization".
import { parseYaml } from "#base/yaml.ts";
import { isObject, listAt, sameJson, type Json } from "#base/json.ts";
import { KindTable } from "#model/kind-table.ts";
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";

/** Steps below which values do not count; `*` stands for any key or element. */
interface Ignored {
  readonly all: boolean;
  readonly below: ReadonlyMap<string, Ignored>;
}

export interface UpdateRule {
  readonly ignored: Ignored;
  /** jq expressions that are no plain paths: what they name does not count either. */
  readonly queries: readonly string[];
}

interface Fields {
  readonly pointers: readonly (readonly string[])[];
  readonly queries: readonly string[];
}

const annotationPath = (name: string): readonly string[] => ["metadata", "annotations", name];

/** What Argo CD ignores unless the settings have the same key. */
const defaults: Readonly<Record<string, readonly (readonly string[])[]>> = {
  all: [["status"]],
  "argoproj.io/Application": [
    annotationPath("notified.notifications.argoproj.io"),
    annotationPath("argocd.argoproj.io/refresh"),
    annotationPath("argocd.argoproj.io/hydrate"),
    ["operation"],
  ],
  "argoproj.io/Rollout": [annotationPath("notified.notifications.argoproj.io")],
  "autoscaling/HorizontalPodAutoscaler": ["behavior", "conditions", "metrics", "current-metrics"].map((name) =>
    annotationPath(`autoscaling.alpha.kubernetes.io/${name}`),
  ),
  "/ConfigMap": [
    annotationPath("cluster-autoscaler.kubernetes.io/last-updated"),
    annotationPath("control-plane.alpha.kubernetes.io/leader"),
  ],
  "apps/ReplicaSet": [
    annotationPath("deployment.kubernetes.io/desired-replicas"),
    annotationPath("deployment.kubernetes.io/max-replicas"),
    annotationPath("rollout.argoproj.io/desired-replicas"),
  ],
  "discovery.k8s.io/EndpointSlice": [["metadata"], ["endpoints"], ["ports"]],
  "/Endpoints": [["metadata"], ["subsets"]],
};

/** The API server moves these with every write. */
const always: readonly (readonly string[])[] = [
  ["metadata", "resourceVersion"],
  ["metadata", "generation"],
  ["metadata", "managedFields"],
];

export interface UpdateRules {
  /** The rule of a kind; undefined: every update counts. */
  of(kind: GroupKind): UpdateRule | undefined;
  /** Entries that cannot be read, with why. */
  readonly problems: readonly string[];
}

/** Takes the settings; returns what they say of each kind. */
export function updateRules(
  settings: Pick<Settings, "ignoreResourceUpdates" | "resourceCustomizations" | "compareOptions">,
): UpdateRules {
  if (!settings.ignoreResourceUpdates) return { of: () => undefined, problems: [] };
  const problems: string[] = [];
  const everywhere: Fields[] = [];
  const byKind = new KindTable<Fields>();
  const differences = new KindTable<Fields>();
  const said = new Set<string>();
  for (const { field, groupKind, text } of settings.resourceCustomizations) {
    const updates = field === "ignoreResourceUpdates";
    if (!updates && !(field === "ignoreDifferences" && settings.compareOptions.ignoreDifferencesOnResourceUpdates))
      continue;
    const key = groupKind === "/all" ? "all" : groupKind;
    const fields = fieldsOf(text);
    if (typeof fields === "string") {
      problems.push(`resource.customizations.${field} of ${groupKind}: ${fields}`);
      continue;
    }
    if (updates && said.has(key)) continue;
    if (updates) said.add(key);
    if (key === "all") everywhere.push(fields);
    else (updates ? byKind : differences).add(key, fields);
  }
  for (const [key, pointers] of Object.entries(defaults)) {
    // Where status is compared, a change of it is news.
    const compared = key === "all" && settings.compareOptions.ignoreResourceStatusField !== "all";
    if (said.has(key) || compared) continue;
    if (key === "all") everywhere.push({ pointers, queries: [] });
    else byKind.add(key, { pointers, queries: [] });
  }
  const known = new Map<string, UpdateRule>();
  return {
    problems,
    of({ group, kind }) {
      const text = `${group}/${kind}`;
      let rule = known.get(text);
      if (!rule) {
        const own = [byKind.find(group, kind), differences.find(group, kind)].filter((one) => one !== undefined);
        const all = [...everywhere, ...own];
        rule = {
          ignored: joined([...always, ...all.flatMap(({ pointers }) => pointers)]),
          queries: [...new Set(all.flatMap(({ queries }) => queries))],
        };
        known.set(text, rule);
      }
      return rule;
    },
  };
}

/** Whether two versions of an object are the same but for what a rule ignores by paths. */
export function sameForRefresh(before: KubernetesObject, after: KubernetesObject, { ignored }: UpdateRule): boolean {
  return same(before, after, ignored);
}

/** An object without what a rule ignores by paths: what is left for its queries. */
export function withoutIgnored(object: KubernetesObject, { ignored }: UpdateRule): Json {
  return pruned(object as unknown as Json, ignored) ?? {};
}

function pruned(value: Json | undefined, ignored: Ignored | undefined): Json | undefined {
  if (ignored === undefined || value === undefined) return value;
  if (ignored.all) return undefined;
  if (ignored.below.size === 0) return value;
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => pruned(item, next(ignored, String(index))) ?? null);
  if (!isObject(value)) return value;
  const kept: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value)) {
    const left = pruned(item, next(ignored, key));
    if (left !== undefined) kept[key] = left;
  }
  return kept;
}

function same(before: unknown, after: unknown, ignored: Ignored | undefined): boolean {
  if (before === after || ignored?.all === true) return true;
  if (ignored === undefined || ignored.below.size === 0) return sameJson(before, after);
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) return false;
    return before.every((item, index) => same(item, after[index], next(ignored, String(index))));
  }
  const [left, right] = [before ?? {}, after ?? {}];
  if (!isObject(left) || !isObject(right)) return sameJson(before, after);
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)]))
    if (!same(left[key], right[key], next(ignored, key))) return false;
  return true;
}

function next(ignored: Ignored, step: string): Ignored | undefined {
  return ignored.below.get(step) ?? ignored.below.get("*");
}

function joined(paths: readonly (readonly string[])[]): Ignored {
  if (paths.some((path) => path.length === 0)) return { all: true, below: new Map() };
  const below = new Map<string, Ignored>();
  const any = paths.filter(([first]) => first === "*");
  for (const first of new Set(paths.map(([step]) => step!))) {
    const own = paths.filter(([step]) => step === first);
    // What holds for any key holds for this one too.
    below.set(first, joined([...own, ...(first === "*" ? [] : any)].map((path) => path.slice(1))));
  }
  return { all: false, below };
}

function fieldsOf(text: string): Fields | string {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (thrown) {
    return `it is not YAML: ${(thrown as Error).message.split("\n")[0]}`;
  }
  if (value === null || value === undefined) return { pointers: [], queries: [] };
  if (!isObject(value)) return "it is not a mapping with jsonPointers and jqPathExpressions";
  const texts = (field: string): readonly string[] =>
    listAt(value, field).filter((item): item is string => typeof item === "string");
  const pointers = texts("jsonPointers").map(pointerSteps);
  const queries: string[] = [];
  for (const query of texts("jqPathExpressions")) {
    const path = jqPath(query);
    if (path) pointers.push(path);
    else queries.push(query);
  }
  return { pointers, queries };
}

function pointerSteps(pointer: string): readonly string[] {
  const text = pointer.replace(/^\//, "");
  return text === "" ? [] : text.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** `.a."b.c"[]?.d` → its steps; undefined: more than a path. */
export function jqPath(query: string): readonly string[] | undefined {
  const steps: string[] = [];
  let rest = query.trim();
  while (rest !== "" && rest !== ".") {
    const match =
      /^\.?\[\s*\]\??/.exec(rest) ??
      /^\.?\[\s*"((?:[^"\\]|\\.)*)"\s*\]\??/.exec(rest) ??
      /^\.?\[\s*(\d+)\s*\]\??/.exec(rest) ??
      /^\."((?:[^"\\]|\\.)*)"\??/.exec(rest) ??
      /^\.([A-Za-z_][A-Za-z0-9_]*)\??/.exec(rest);
    if (!match) return undefined;
    steps.push(match[1] === undefined ? "*" : match[1].replaceAll(/\\(.)/g, "$1"));
    rest = rest.slice(match[0].length).trimStart();
  }
  return steps.length > 0 ? steps : undefined;
}
