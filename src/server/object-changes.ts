// Writes of one of our own resources that lose nobody else's: read, change, write, and again where somebody was quicker.
import { toError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { createMergePatch } from "#core/merge/merge-patch.ts";
import type { KubeClient, ObjectRef, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";

const attempts = 6;

export interface ChangeTarget<T extends KubernetesObject> {
  readonly control: Pick<KubeClient, "get" | "patch">;
  readonly type: ResourcePath;
  readonly ref: ObjectRef;
  /** What is known of it, to begin with; it is read where this is absent. */
  readonly known?: T;
  /** The error for one that is not there. */
  missing(): Error;
  /** Takes in what was written. */
  observe(written: T): void;
}

/** Changes an object by what `change` makes of it. Errors: what `missing` says, CONFLICT after several attempts, and what `change` throws. */
export async function changeObject<T extends KubernetesObject>(
  op: Op,
  target: ChangeTarget<T>,
  change: (now: T) => T,
): Promise<T> {
  const { control, type, ref } = target;
  let now = target.known;
  for (let attempt = 1; ; attempt++) {
    now ??= (await control.get(op, type, ref)) as T | undefined;
    if (!now) throw target.missing();
    const body = createMergePatch(now as unknown as Json, change(now) as unknown as Json);
    if (!body) return now;
    const metadata = { ...(body["metadata"] as JsonObject | undefined), resourceVersion: now.metadata.resourceVersion };
    try {
      const written = (await control.patch(op, type, ref, { type: "merge", body: { ...body, metadata } })) as T;
      target.observe(written);
      return written;
    } catch (thrown) {
      if (toError(thrown).code !== "CONFLICT" || attempt === attempts) throw thrown;
      now = undefined;
    }
  }
}
