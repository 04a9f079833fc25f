// Links that the settings put beside applications, objects and projects: which of them hold, and where they lead. Conditions
// and templates are evaluated in the engine. Source: Argo CD's "Deep Links".
import { parseYaml } from "#base/yaml.ts";
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt, type Json, type JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { ClusterSpec } from "#kube/clusters.ts";
import type { Application, AppProject } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";

interface LinkRule {
  readonly url: string;
  readonly title: string;
  readonly description: string;
  readonly iconClass: string;
  /** An expr expression; "" where the link always holds. */
  readonly condition: string;
}

interface Link {
  readonly title: string;
  readonly url: string;
  readonly description?: string;
  readonly iconClass?: string;
}

/** What links may speak of; none of it may hold what lets one in. */
export interface LinkData {
  readonly app?: Application;
  readonly project?: AppProject;
  readonly cluster?: ClusterSpec;
  /** Secrets masked. */
  readonly resource?: KubernetesObject;
}

/**
 * Takes the text of `application.links`, `resource.links` or `project.links`, and what they are about; returns the links that
 * hold. One that cannot be evaluated is left out and logged. Errors: CONFIG_INVALID naming the key; ENGINE_MISSING, only
 * where there are links.
 */
export async function linksOf(
  op: Op,
  evaluators: Pick<Evaluators, "expr" | "templates">,
  setting: { readonly key: string; readonly text: string | undefined },
  about: LinkData,
): Promise<{ readonly items: readonly Link[] }> {
  const rules = rulesOf(setting.key, setting.text ?? "");
  if (rules.length === 0) return { items: [] };
  const data = dataOf(about);
  const told = (rule: LinkRule, why: string): void =>
    op.log.warn("link not usable", { setting: setting.key, link: rule.title, why });
  const conditional = rules.filter(({ condition }) => condition !== "");
  const verdicts = await evaluators.expr(
    op,
    conditional.map(({ condition }) => ({ text: condition, data })),
  );
  const failed = new Set(
    conditional.filter((rule, index) => {
      const verdict = verdicts[index]!;
      if (!verdict.ok) told(rule, verdict.error.message);
      else if (typeof verdict.value !== "boolean") told(rule, "its condition is neither true nor false");
      return !verdict.ok || verdict.value !== true;
    }),
  );
  const holding = rules.filter((rule) => !failed.has(rule));
  const urls = await evaluators.templates(
    op,
    holding.map(({ url }) => ({ text: url, data })),
  );
  const items = holding.flatMap((rule, index): Link[] => {
    const { title, description, iconClass } = rule;
    const url = urls[index]!;
    if (!url.ok) told(rule, url.error.message);
    else if (url.value.includes("<no value>")) told(rule, "its URL speaks of a field that is not there");
    else if (!leadsSomewhere(url.value)) told(rule, "its URL is neither http nor https nor a path");
    else
      return [{ title, url: url.value, ...(description ? { description } : {}), ...(iconClass ? { iconClass } : {}) }];
    return [];
  });
  return { items };
}

function rulesOf(key: string, text: string): readonly LinkRule[] {
  if (text.trim() === "") return [];
  const invalid = (why: string): DriftlessError =>
    new DriftlessError("CONFIG_INVALID", `${key}: ${why}`, { details: { resource: "ConfigMap argocd-cm" } });
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch (thrown) {
    throw invalid((thrown as Error).message);
  }
  if (!Array.isArray(parsed)) throw invalid("a list of links is expected");
  return parsed.map((entry: unknown, index) => {
    const [url, title] = [stringAt(entry, "url") ?? "", stringAt(entry, "title") ?? ""];
    if (url === "" || title === "") throw invalid(`link ${index + 1} lacks its url or title`);
    return {
      url,
      title,
      description: stringAt(entry, "description") ?? "",
      iconClass: stringAt(entry, "icon.class") ?? "",
      condition: stringAt(entry, "if") ?? "",
    };
  });
}

/** A link is clicked in a page that is logged in: it may not be a script. */
function leadsSomewhere(url: string): boolean {
  return /^https?:\/\//i.test(url) || /^\/(?!\/)/.test(url) || !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(url.trim());
}

function dataOf({ app, project, cluster, resource }: LinkData): JsonObject {
  const data: Record<string, Json> = {};
  if (resource) data["resource"] = resource as unknown as Json;
  if (app) {
    data["app"] = data["application"] = app as unknown as Json;
    const managedBy = app.metadata.annotations?.["argocd.argoproj.io/managed-by-url"] ?? "";
    if (/^https?:\/\//i.test(managedBy)) data["managedByURL"] = managedBy;
  }
  if (cluster) {
    const { server, name, namespaces, project: owner, labels, annotations } = cluster;
    data["cluster"] = {
      server,
      name,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(namespaces.length > 0 ? { namespaces: [...namespaces] } : {}),
      ...(owner ? { project: owner } : {}),
    };
  }
  if (project) {
    // Its status holds its roles' tokens.
    const { status: _status, ...rest } = project as AppProject & { readonly status?: unknown };
    const roles = project.spec.roles?.map(({ jwtTokens: _tokens, ...role }) => role);
    data["project"] = { ...rest, spec: { ...project.spec, ...(roles ? { roles } : {}) } } as unknown as Json;
  }
  return data;
}

/** What is no object has no fields to speak of. */
export function resourceData(manifest: string): KubernetesObject | undefined {
  const parsed: unknown = JSON.parse(manifest);
  return isObject(parsed) ? (parsed as unknown as KubernetesObject) : undefined;
}
