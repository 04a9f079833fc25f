// Writes of one Application resource that lose nobody else's.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { applicationType } from "#controllers/application/application-type.ts";
import type { Application } from "#model/application.ts";
import { changeObject } from "../object-changes.ts";
import type { ApplicationServiceDeps } from "./deps.ts";

export type Change = (now: Application) => Application;

/** Errors: NOT_FOUND, CONFLICT after several attempts, and what `change` throws. */
export function changeApplication(
  op: Op,
  { control, controller }: Pick<ApplicationServiceDeps, "control" | "controller">,
  known: Application,
  change: Change,
): Promise<Application> {
  const { name = "" } = known.metadata;
  return changeObject(
    op,
    {
      control,
      type: applicationType,
      ref: refOf(known),
      known,
      missing: () => applicationMissing(name),
      observe: (written) => controller.observe(written),
    },
    change,
  );
}

export function refOf(app: Application): { namespace: string; name: string } {
  return { namespace: app.metadata.namespace ?? "", name: app.metadata.name ?? "" };
}

export function applicationMissing(name: string): DriftlessError {
  return new DriftlessError("NOT_FOUND", `applications.argoproj.io "${name}" not found`, {
    details: { resource: `Application ${name}` },
  });
}
