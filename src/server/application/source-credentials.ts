// Passwords in the URLs of sources, as answers may show them: `https://***@host/path`. Who sends such a URL back means the one
// that stands there, so that nothing is lost where an application is read, changed and written. Pure.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import { isRedacted, redactUrls } from "#base/redact.ts";
import type { KubernetesObject } from "#model/object.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
/** Lists of URLs, among other texts. */
const lists: ReadonlySet<string> = new Set(["valueFiles", "sourceRepos"]);
/** Parts in which no source stands; some are long. */
const without: ReadonlySet<string> = new Set([
  "resources",
  "manifests",
  "managedFields",
  "labels",
  "annotations",
  "summary",
]);

/** An Application, ApplicationSet or project with the user information of its sources' URLs hidden; itself where there is none. */
export function withHiddenCredentials<T extends KubernetesObject>(object: T): T {
  const hidden = hiddenIn(object);
  const noted = hidden.metadata.annotations?.[lastApplied];
  const clean = noted === undefined ? undefined : redactUrls(noted);
  if (clean === undefined || clean === noted) return hidden;
  return {
    ...hidden,
    metadata: { ...hidden.metadata, annotations: { ...hidden.metadata.annotations, [lastApplied]: clean } },
  };
}

/** A value with the user information of its sources' URLs hidden. */
export function hiddenIn<T>(value: T): T {
  return mapUrls(value, redactUrls) as T;
}

/**
 * Takes what somebody wrote and what is there: URLs whose user information was hidden become those that are there again.
 * Error: SPEC_INVALID where there is none like it.
 */
export function withKeptCredentials<T>(wanted: T, known: unknown): T {
  const byShown = new Map<string, string>();
  mapUrls(known, (url) => {
    const shown = redactUrls(url);
    // Of two that look alike the first is the one of the spec.
    if (shown !== url && !byShown.has(shown)) byShown.set(shown, url);
    return url;
  });
  return mapUrls(wanted, (url) => {
    if (!isRedacted(url)) return url;
    const kept = byShown.get(url);
    if (kept !== undefined) return kept;
    throw new DriftlessError(
      "SPEC_INVALID",
      `the user and password of ${url} are hidden, and there is no such URL here to take them from`,
      { details: { field: "repoURL" } },
    );
  }) as T;
}

/**
 * The value with the URLs of its sources mapped; the same object where none changes, and nothing is copied then: whole lists
 * of applications pass through here.
 */
function mapUrls(value: unknown, map: (url: string) => string): unknown {
  if (Array.isArray(value)) return mapItems(value, map, mapUrls);
  if (!isObject(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const name in value) {
    const item: unknown = value[name];
    if (typeof item === "string" ? name !== "repoURL" : typeof item !== "object" || without.has(name)) continue;
    const mapped =
      typeof item === "string"
        ? map(item)
        : lists.has(name) && Array.isArray(item)
          ? mapItems(item, map, mapText)
          : mapUrls(item, map);
    if (mapped !== item) (result ??= { ...value })[name] = mapped;
  }
  return result ?? value;
}

const mapText = (item: unknown, map: (text: string) => string): unknown =>
  typeof item === "string" ? map(item) : item;

function mapItems(
  items: readonly unknown[],
  map: (text: string) => string,
  mapItem: (item: unknown, map: (text: string) => string) => unknown,
): readonly unknown[] {
  let result: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const mapped = mapItem(items[index], map);
    if (mapped !== items[index]) (result ??= [...items])[index] = mapped;
  }
  return result ?? items;
}
