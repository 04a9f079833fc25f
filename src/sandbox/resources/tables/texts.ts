// Texts of table cells that several kinds share: selectors, images, ports, lists cut short.
import { isObject, listAt, stringAt } from "#base/json.ts";
import { fieldsAt } from "../edit.ts";

const none = "<none>";

/** A scalar as text; nothing for what is none. */
export function plain(value: unknown): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}

export function joined(values: readonly unknown[], empty = none): string {
  return values.length === 0 ? empty : values.map(plain).join(",");
}

/** The first few, and how many more: `a,b,c + 2 more...` */
export function firstOf(values: readonly string[], limit: number): string {
  if (values.length === 0) return none;
  const rest = values.length - limit;
  return rest > 0 ? `${values.slice(0, limit).join(",")} + ${rest} more...` : values.join(",");
}

/** Labels as `a=b,c=d`. */
export function labelsText(labels: unknown): string {
  if (!isObject(labels)) return none;
  return joined(
    Object.keys(labels)
      .sort()
      .map((key) => `${key}=${plain(labels[key])}`),
  );
}

/** A LabelSelector as kubectl writes it: `a=b,c in (d,e),!f`. */
export function selectorText(selector: unknown): string {
  if (!isObject(selector)) return none;
  const labels = fieldsAt(selector, "matchLabels");
  const parts = Object.keys(labels)
    .sort()
    .map((key) => `${key}=${plain(labels[key])}`);
  for (const item of listAt(selector, "matchExpressions")) {
    const key = stringAt(item, "key") ?? "";
    const values = listAt(item, "values").map(plain).sort().join(",");
    const operator = stringAt(item, "operator");
    if (operator === "In") parts.push(`${key} in (${values})`);
    else if (operator === "NotIn") parts.push(`${key} notin (${values})`);
    else parts.push(operator === "Exists" ? key : `!${key}`);
  }
  return joined(parts);
}

export function containerNames(podSpec: unknown): string {
  return listAt(podSpec, "containers")
    .flatMap((item) => stringAt(item, "name") ?? [])
    .join(",");
}

export function containerImages(podSpec: unknown): string {
  return listAt(podSpec, "containers")
    .flatMap((item) => stringAt(item, "image") ?? [])
    .join(",");
}

/** Service ports: `80/TCP,443:30443/TCP`. */
export function servicePorts(service: unknown): string {
  const ports = listAt(service, "spec", "ports").map((item) => fieldsAt(item));
  return joined(
    ports.map(
      ({ port, nodePort, protocol }) =>
        `${plain(port)}${nodePort === undefined ? "" : `:${plain(nodePort)}`}/${plain(protocol)}`,
    ),
  );
}

const accessModeNames: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

export function accessModes(modes: readonly unknown[]): string {
  return [...new Set(modes.map((mode) => accessModeNames[plain(mode)] ?? ""))].join(",");
}
