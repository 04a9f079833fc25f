// Health of live objects and of whole applications. The checks themselves are in kinds/, one file a family, all of one
// shape; registry.ts is the table. Pure. Source: Argo CD's "Resource Health".
import { annotation } from "#model/names.ts";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";
import type { CustomCheck, HealthCheck } from "./check.ts";
import { checks, rules } from "./registry.ts";

/** From most to least healthy: the order in which an application takes its worst object's health. */
export const healthOrder: readonly HealthStatusCode[] = [
  "Healthy",
  "Suspended",
  "Progressing",
  "Missing",
  "Degraded",
  "Unknown",
];

/**
 * The health of one live object; undefined where its kind has none. `custom` (a customisation from the settings) goes
 * before the built-in check; where it answers undefined the built-in one decides, null means no health.
 */
export function healthOf(object: KubernetesObject, custom?: CustomCheck): HealthStatus | undefined {
  if (object.metadata.deletionTimestamp !== undefined) {
    return { status: "Progressing", message: "Pending deletion" };
  }
  const customised = custom?.(object);
  if (customised !== undefined) return customised ?? undefined;
  return builtinCheck(parseApiVersion(object.apiVersion).group, object.kind)?.(object);
}

/** The built-in check of a kind, where there is one: its own, else that of the longest pattern that fits. */
export function builtinCheck(group: string, kind: string): HealthCheck | undefined {
  return checks.get(`${group}/${kind}`) ?? rules.find(group, kind);
}

/** Whether `b` is worse than `a`. */
export function isWorse(a: HealthStatusCode, b: HealthStatusCode): boolean {
  return healthOrder.indexOf(b) > healthOrder.indexOf(a);
}

/** The worst of all; Healthy where there is none. */
export function worstHealth(all: Iterable<HealthStatusCode>): HealthStatusCode {
  let worst: HealthStatusCode = "Healthy";
  for (const code of all) if (isWorse(worst, code)) worst = code;
  return worst;
}

/** One object as the application's health sees it. Leave out objects that are only in Git and marked as skipped. */
export interface ApplicationMember {
  readonly group: string;
  readonly kind: string;
  readonly live?: KubernetesObject;
  /** Health of the live object, where its kind has one. */
  readonly health?: HealthStatus;
  readonly hook?: boolean;
  /** The application's own Application object (an app that manages itself). */
  readonly self?: boolean;
}

/**
 * The health of an application from its objects. Hooks, objects annotated with `ignore-healthcheck: "true"` and the
 * application itself do not count; a missing object does not count beside live ones (that is what OutOfSync says), but
 * an application none of whose objects is live is Missing; a child Application that is Missing or Unknown does not
 * count. `errors` (comparison failed, cluster gone) are the caller's: it sets Unknown itself.
 */
export function applicationHealth(members: Iterable<ApplicationMember>): HealthStatusCode {
  let worst: HealthStatusCode = "Healthy";
  let any = false;
  let anyLive = false;
  for (const member of members) {
    if (member.hook) continue;
    any = true;
    if (member.live === undefined) continue;
    anyLive = true;
    if (member.self || member.health === undefined || ignoresHealth(member.live)) continue;
    const code = member.health.status;
    const child = member.kind === "Application" && member.group === "argoproj.io";
    if (child && (code === "Missing" || code === "Unknown")) continue;
    if (isWorse(worst, code)) worst = code;
  }
  return any && !anyLive && isWorse(worst, "Missing") ? "Missing" : worst;
}

/** Whether an object asks not to count in its application's health. */
export function ignoresHealth(object: KubernetesObject): boolean {
  return object.metadata.annotations?.[annotation.ignoreHealthcheck] === "true";
}
