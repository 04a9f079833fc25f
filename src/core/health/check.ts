// The one shape of a health check. Pure.
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";

/** One kind's health: takes the live object; undefined where the object says nothing of its health. Never throws. */
export type HealthCheck = (object: KubernetesObject) => HealthStatus | undefined;

/** A check that goes before: null says that the object has no health, undefined that the built-in check decides. */
export type CustomCheck = (object: KubernetesObject) => HealthStatus | null | undefined;

/** A family of checks: `group/Kind` → check; the core group is empty: `/Pod`. */
export type KindChecks = Readonly<Record<string, HealthCheck>>;
