// Writes of one Application resource that lose nobody else's: read, change, write, and again where somebody was quicker.
import { toError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { applicationType } from "#controllers/application/application-type.ts";
import { createMergePatch } from "#core/merge/merge-patch.ts";
import type { Application } from "#model/application.ts";
import type { ApplicationServiceDeps } from "./deps.ts";

export type Change = (now: Application) => Application;

/** Reads, changes, writes; again with the newest version where somebody else was quicker. */
export async function changeApplication(
  op: Op,
  deps: Pick<ApplicationServiceDeps, "control" | "controller">,
  known: Application,
  change: Change,
): Promise<Application> {
  let now = known;
  for (let attempt = 0; ; attempt++) {
    try {
      const body = createMergePatch(now as unknown as Json, change(now) as unknown as Json);
      if (!body) return now;
      const metadata = body["metadata"] as JsonObject | undefined;
      const guarded = { ...body, metadata: { ...metadata, resourceVersion: now.metadata.resourceVersion } };
      const written = (await deps.control.patch(op, applicationType, refOf(now), {
        type: "merge",
        body: guarded,
      })) as Application;
      deps.controller.observe(written);
      return written;
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "CONFLICT" || attempt >= 5) throw error;
      now = ((await deps.control.get(op, applicationType, refOf(now))) as Application | undefined) ?? now;
    }
  }
}

export function refOf(app: Application): { namespace: string; name: string } {
  return { namespace: app.metadata.namespace ?? "", name: app.metadata.name ?? "" };
}
