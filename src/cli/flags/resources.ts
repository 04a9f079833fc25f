// `--resource GROUP:KIND:NAME` and labels, as sync and wait take them. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { SyncResourceRef } from "#model/application.ts";

export interface ResourceFilter extends SyncResourceRef {
  readonly exclude?: boolean;
}

interface Named {
  readonly group?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** `[!]GROUP:KIND:[NAMESPACE/]NAME`; each part may be `*`, the group may be empty. Error: INVALID_ARGUMENT. */
export function parseResource(written: string): ResourceFilter {
  const refuse = (): never => {
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `--resource takes GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME, with ! in front to leave out, not "${written}"`,
    );
  };
  const exclude = written.startsWith("!");
  const parts = (exclude ? written.slice(1) : written).split(":");
  if (parts.length !== 3) return refuse();
  const [group = "", kind = "", place = ""] = parts;
  const names = place.split("/");
  if (names.length > 2) return refuse();
  const name = names.at(-1)!;
  return {
    group,
    kind,
    name,
    ...(names.length === 2 ? { namespace: names[0]! } : {}),
    ...(exclude ? { exclude: true } : {}),
  };
}

/** Whether a resource is among the filters: not left out by any, and named by one unless all of them leave out. */
export function includes(filters: readonly ResourceFilter[], item: Named): boolean {
  const matches = (filter: ResourceFilter): boolean =>
    (filter.group === "*" || (filter.group ?? "") === (item.group ?? "")) &&
    (filter.kind === "*" || filter.kind === item.kind) &&
    (filter.name === "*" || filter.name === item.name) &&
    (!filter.namespace || filter.namespace === "*" || filter.namespace === (item.namespace ?? ""));
  if (filters.some((filter) => filter.exclude && matches(filter))) return false;
  const wanted = filters.filter((filter) => !filter.exclude);
  return wanted.length === 0 || wanted.some(matches);
}

/** The resources of an application that the filters name, as a sync request lists them. */
export function selectResources(filters: readonly ResourceFilter[], resources: readonly Named[]): SyncResourceRef[] {
  return resources
    .filter((item) => includes(filters, item))
    .map(({ group, kind, name, namespace }) => ({
      ...(group ? { group } : {}),
      kind,
      name,
      ...(namespace ? { namespace } : {}),
    }));
}

/** `key=value` pairs as an object. Error: INVALID_ARGUMENT naming the pair. */
export function parsePairs(pairs: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals <= 0) throw new DriftlessError("INVALID_ARGUMENT", `${flag} takes KEY=VALUE, not "${pair}"`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
