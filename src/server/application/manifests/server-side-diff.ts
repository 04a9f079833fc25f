// What the API server itself says of manifests: a dry run of their server-side apply, compared with the live state. Only
// objects that are the application's, or that do not exist yet, are asked about; secrets are masked. Names and semantics
// follow Argo CD's ServerSideDiff.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import { keyText } from "#model/object.ts";
import type { ManagedResource } from "#protocol/rest.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";
import { diffOf } from "../resources/resources.ts";

interface Asked {
  readonly ref: AppRef;
  readonly liveResources?: readonly Partial<Pick<ManagedResource, "group" | "kind" | "namespace" | "name">>[];
  readonly targetManifests?: readonly string[];
}

const maxManifests = 10_000;

/** Errors: MANIFEST_INVALID, PROJECT_FORBIDS, NOT_FOUND (another's object), FAILED_PRECONDITION, the cluster's. */
export async function serverSideDiff(
  op: Op,
  { controller, queries }: { readonly controller: ApplicationController; readonly queries: ApplicationQueries },
  { ref, liveResources = [], targetManifests = [] }: Asked,
): Promise<{ readonly items: readonly object[]; readonly modified: boolean }> {
  if (targetManifests.length > maxManifests)
    throw new DriftlessError("TOO_LARGE", `${targetManifests.length} manifests are more than ${maxManifests}`);
  const state = queries.state(ref);
  const targets = targetManifests.filter((text) => text !== "" && text !== "null");
  const rows = await controller.compareManifests(op, state, targets);
  const named = new Set(
    liveResources.map(({ group = "", kind = "", namespace = "", name = "" }) =>
      keyText({ group, kind, namespace, name }),
    ),
  );
  const items = rows
    .filter((row) => row.desired !== undefined || named.has(row.text))
    .map((row) => {
      const {
        predictedLiveState,
        liveState,
        normalizedLiveState,
        resourceVersion: _version,
        ...rest
      } = diffOf(row, queries.maskedAnnotations);
      const text = (state = "null"): string => (state === "null" ? "" : state);
      return {
        ...rest,
        targetState: text(predictedLiveState),
        liveState: text(normalizedLiveState),
        diff: "",
        ...(row.sync === "Synced" || (row.desired === undefined && liveState === "null") ? {} : { modified: true }),
      };
    });
  return { items, modified: items.some((item) => "modified" in item) };
}
