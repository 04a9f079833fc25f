// Lists: selectors, pages that show one state of the cluster, and the meanings of resourceVersion. Follows Kubernetes'
// "API concepts: Resource versions, Retrieving large results sets in chunks".
import type { KubernetesObject } from "#model/object.ts";
import type { FieldError, ResourceDefinition } from "../contract.ts";
import { byText } from "../storage/collection.ts";
import type { Core } from "./core.ts";
import type { ListMeta } from "./forms.ts";
import { inVersionOf, resourceId } from "./kinds.ts";
import { isSet } from "./request.ts";
import { type Matcher, parseFieldSelector, parseLabelSelector } from "./selectors.ts";
import { badRequest, expired, futureResourceVersion, invalid, refusal } from "./status.ts";

export interface ListOptions {
  readonly namespace?: string;
  readonly matches?: Matcher;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly match?: "Exact" | "NotOlderThan";
  readonly sendInitialEvents?: boolean;
  readonly bookmarks: boolean;
  readonly timeoutSeconds?: number;
}

export interface ListResult {
  readonly objects: readonly KubernetesObject[];
  readonly meta: ListMeta;
}

const listOptionsKind = { group: "meta.k8s.io", kind: "ListOptions" };
const expiredContinue =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** Reads a list's or watch's options from the query. Errors: BadRequest, Invalid. */
export function parseListOptions(
  query: URLSearchParams,
  definition: ResourceDefinition,
  path: { readonly namespace?: string; readonly name?: string },
  watch: boolean,
): ListOptions {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "", definition);
  const { name } = path;
  const named: Matcher | undefined = name === undefined ? undefined : (object) => object.metadata.name === name;
  const matchers = [labels, fields?.matches, named].filter((each) => each !== undefined);
  const matches: Matcher | undefined =
    matchers.length < 2 ? matchers[0] : (object) => matchers.every((matcher) => matcher(object));
  const resourceVersion = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = query.get("sendInitialEvents");
  checkVersionOptions({ resourceVersion, match, continued: query.get("continue") ?? "", initial, watch });
  const limit = wholeNumber(query, "limit");
  const timeoutSeconds = wholeNumber(query, "timeoutSeconds");
  const next = query.get("continue") ?? "";
  return {
    ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    ...(matches === undefined ? {} : { matches }),
    ...(limit === undefined || limit <= 0 ? {} : { limit }),
    ...(next === "" ? {} : { continue: next }),
    ...(resourceVersion === "" ? {} : { resourceVersion }),
    ...(match === "" ? {} : { match: match as "Exact" }),
    ...(initial === null ? {} : { sendInitialEvents: isSet(initial) }),
    bookmarks: isSet(query.get("allowWatchBookmarks")),
    ...(timeoutSeconds === undefined || timeoutSeconds <= 0 ? {} : { timeoutSeconds }),
  };
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

interface VersionOptions {
  readonly resourceVersion: string;
  readonly match: string;
  readonly continued: string;
  readonly initial: string | null;
  readonly watch: boolean;
}

function checkVersionOptions({ resourceVersion, match, continued, initial, watch }: VersionOptions): void {
  if (resourceVersion !== "" && !/^\d+$/.test(resourceVersion)) {
    const quoted = JSON.stringify(resourceVersion);
    const message = `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`;
    if (watch) throw refusal({ code: 500, reason: "", message });
    throw badRequest(`invalid resource version: ${message}`);
  }
  const field = "resourceVersionMatch";
  const refuse = (error: Omit<FieldError, "field">): never => {
    throw invalid(listOptionsKind, "", [{ field, ...error }]);
  };
  if (watch && initial !== null && match !== "NotOlderThan") {
    refuse({ type: "Forbidden", detail: "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan" });
  }
  if (!watch && initial !== null) {
    const detail = "sendInitialEvents is forbidden for list";
    throw invalid(listOptionsKind, "", [{ type: "Forbidden", field: "sendInitialEvents", detail }]);
  }
  if (match === "") return;
  if (watch && initial === null) {
    refuse({
      type: "Forbidden",
      detail: "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    });
  }
  if (match !== "Exact" && match !== "NotOlderThan") {
    refuse({ type: "Unsupported value", value: match, detail: 'supported values: "Exact", "NotOlderThan", ""' });
  }
  if (continued !== "") {
    refuse({ type: "Forbidden", detail: "resourceVersionMatch is forbidden when continue is provided" });
  }
  if (resourceVersion === "" && !watch) {
    refuse({ type: "Forbidden", detail: "resourceVersionMatch is forbidden unless resourceVersion is provided" });
  }
  if (resourceVersion === "0" && match === "Exact") {
    refuse({ type: "Forbidden", detail: 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"' });
  }
}

/** Lists objects. Errors: Expired (410), Timeout for a resourceVersion of the future. */
export function listObjects(core: Core, definition: ResourceDefinition, options: ListOptions): ListResult {
  const { store } = core;
  const token = options.continue === undefined ? undefined : parseToken(options.continue);
  if (token !== undefined && options.resourceVersion !== undefined && options.resourceVersion !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const rv = versionToShow(core, options, token);
  const resource = resourceId(definition);
  const state = store.listAt(resource, rv, options.namespace);
  if (state === undefined) throw tooOld(core, token);
  let all: readonly KubernetesObject[] = state;
  if (token !== undefined) all = after(all, token.start);
  const storage = core.kinds.stored(definition);
  const convert = storage !== undefined && storage.version !== definition.version;
  if (convert) all = all.map((object) => inVersionOf(object, definition));
  const { limit, matches } = options;
  if (limit === undefined) {
    return { objects: matches === undefined ? all : all.filter(matches), meta: { resourceVersion: String(rv) } };
  }
  return page(all, { rv, limit, ...(matches === undefined ? {} : { matches }) });
}

function page(
  all: readonly KubernetesObject[],
  { rv, limit, matches }: { rv: number; limit: number; matches?: Matcher },
): ListResult {
  const objects: KubernetesObject[] = [];
  let index = 0;
  for (; index < all.length && objects.length < limit; index++) {
    const object = all[index] as KubernetesObject;
    if (matches === undefined || matches(object)) objects.push(object);
  }
  const last = all[index - 1];
  if (index >= all.length || last === undefined) return { objects, meta: { resourceVersion: String(rv) } };
  const start = `${positionOf(last)}\u0000`;
  const remaining = matches === undefined ? { remainingItemCount: all.length - index } : {};
  return { objects, meta: { resourceVersion: String(rv), continue: encodeToken({ rv, start }), ...remaining } };
}

function versionToShow(core: Core, options: ListOptions, token: ContinueToken | undefined): number {
  const now = core.store.rv;
  if (token !== undefined) return token.rv < 0 ? now : token.rv;
  const asked = Number(options.resourceVersion ?? 0);
  if (asked > now) throw futureResourceVersion(asked, now);
  const exact = options.match === "Exact" || (options.match === undefined && options.limit !== undefined && asked > 0);
  return exact ? asked : now;
}

function tooOld(core: Core, token: ContinueToken | undefined) {
  if (token === undefined) return expired("The resourceVersion for the provided list is too old.");
  const error = expired(expiredContinue);
  const rest = encodeToken({ rv: -1, start: token.start });
  return refusal({
    code: 410,
    reason: "Expired",
    message: error.message,
    metadata: { resourceVersion: String(core.store.rv), continue: rest },
  });
}

interface ContinueToken {
  /** -1: whatever is there now. */
  readonly rv: number;
  /** The first key of the next page, as `namespace/name`. */
  readonly start: string;
}

function positionOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
}

function after(objects: readonly KubernetesObject[], start: string): readonly KubernetesObject[] {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (byText(positionOf(objects[middle] as KubernetesObject), start) < 0) low = middle + 1;
    else high = middle;
  }
  return objects.slice(low);
}

function encodeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", ...token })).toString("base64url");
}

function parseToken(text: string): ContinueToken {
  try {
    const value = JSON.parse(Buffer.from(text, "base64url").toString()) as Partial<ContinueToken> & { v?: string };
    if (value.v === "meta.k8s.io/v1" && typeof value.rv === "number" && typeof value.start === "string") {
      return { rv: value.rv, start: value.start };
    }
  } catch {
    // Answered below, like a token of another server.
  }
  const [first = 0] = Buffer.from(text, "base64url");
  const shown =
    first >= 0x20 && first < 0x7f ? String.fromCharCode(first) : `\\u00${first.toString(16).padStart(2, "0")}`;
  const why = `invalid character '${shown}' looking for beginning of value`;
  throw badRequest(`invalid continue token: continue key is not valid: ${why}`);
}
