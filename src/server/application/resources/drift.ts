// Which fields of an application's objects differ, who set each of them and when: ours, beside Argo CD's API. Live objects
// are read anew, for the live cache keeps no record of managers. Secrets are masked.
import { toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { DestinationCluster } from "#controllers/application/deps.ts";
import type { Row } from "#controllers/application/comparison/table.ts";
import { attribute, attributionText } from "#core/compare/attribution.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import { valueAt } from "#core/compare/paths.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import type { DriftAnswer, FieldDrift, ObjectDrift } from "#protocol/rest.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";

type Filter = Partial<Record<"group" | "kind" | "namespace" | "name", string>>;

/** Live objects that are read at once. */
const readsAtOnce = 8;

export class ApplicationDrift {
  readonly #queries: ApplicationQueries;

  constructor(queries: ApplicationQueries) {
    this.#queries = queries;
  }

  /** Objects that are OutOfSync or Unknown, of those that the filter names. Error: FAILED_PRECONDITION (not looked at yet). */
  async of(op: Op, ref: AppRef, filter: Filter): Promise<DriftAnswer> {
    const { table, cluster } = this.#queries.state(ref);
    const masked = this.#queries.maskedAnnotations;
    const rows = table
      .rows()
      .filter(({ sync }) => sync !== "Synced")
      .filter(({ key }) =>
        (["group", "kind", "namespace", "name"] as const).every((part) => !filter[part] || filter[part] === key[part]),
      );
    const items = new Map<Row, ObjectDrift>();
    const rest = [...rows];
    const work = async (): Promise<void> => {
      for (let row = rest.pop(); row; row = rest.pop()) items.set(row, await driftOf(op, cluster, { row, masked }));
    };
    await Promise.all(Array.from({ length: readsAtOnce }, work));
    return { items: rows.map((row) => items.get(row)!) };
  }
}

async function driftOf(
  op: Op,
  cluster: DestinationCluster | undefined,
  { row, masked }: { readonly row: Row; readonly masked: readonly string[] },
): Promise<ObjectDrift> {
  const { group, kind, namespace, name } = row.key;
  const drift = {
    ...(group === "" ? {} : { group }),
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    status: row.sync,
    fields: [],
  };
  if (row.error !== undefined) return { ...drift, error: row.error };
  if (!row.live?.object || !cluster) return { ...drift, fields: [missing] };
  try {
    const live = await read(op, cluster, row, row.live.object);
    if (live === undefined) return { ...drift, fields: [missing] };
    return { ...drift, fields: fieldsOf(row, { found: live, masked }, cluster) };
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "CANCELLED") throw error;
    return { ...drift, error: `who changed it cannot be read: ${error.message}` };
  }
}

const missing: FieldDrift = { path: "", state: "absent", writers: [], who: "not live" };

async function read(
  op: Op,
  cluster: DestinationCluster,
  { key: { name, namespace } }: Row,
  known: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  const type = cluster.typeOf(gvkOf(known));
  return type && cluster.client.get(op, type, namespace === "" ? { name } : { name, namespace });
}

function fieldsOf(
  row: Row,
  { found, masked }: { readonly found: KubernetesObject; readonly masked: readonly string[] },
  cluster: DestinationCluster,
): readonly FieldDrift[] {
  const versions = { live: found, ...(row.predicted ? { predicted: row.predicted } : {}) };
  const { live, predicted } = maskSecrets(versions, masked);
  const paths = row.desired ? row.paths : [""];
  return attribute(live, predicted, cluster.schemaOf(found), paths).map((attribution) => {
    const desired = row.desired && predicted ? valueAt(predicted, attribution.path) : undefined;
    const { path, state, writers, live: value } = attribution;
    const whole = path === "";
    return {
      path,
      state,
      writers,
      who: row.desired ? attributionText(attribution, fieldManager) : "live, and not in Git",
      ...(desired === undefined || whole ? {} : { desired }),
      ...(value === undefined || whole ? {} : { live: value }),
    };
  });
}
