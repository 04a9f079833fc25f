// additionalPrinterColumns as table columns and cells.
import { listAt, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition, TableColumn } from "../../contract.ts";
import { age, ageColumn, nameColumn } from "../tables/cells.ts";
import type { Fields } from "../edit.ts";
import { find, parseJsonPath } from "./jsonpath.ts";

type Cell = (object: KubernetesObject, nowMs: number) => unknown;
type Table = NonNullable<ResourceDefinition["table"]>;

/** Takes a version of a CRD; NAME and AGE where it declares no columns. */
export function customTable(version: Fields): Table {
  const columns: TableColumn[] = [nameColumn];
  const cells: Cell[] = [(object) => object.metadata.name ?? ""];
  const declared = listAt(version, "additionalPrinterColumns");
  for (const item of declared) {
    const type = (stringAt(item, "type") ?? "string") as TableColumn["type"];
    columns.push({
      name: stringAt(item, "name") ?? "",
      type,
      ...(stringAt(item, "format") === undefined ? {} : { format: stringAt(item, "format") ?? "" }),
      description:
        stringAt(item, "description") ??
        `Custom resource definition column (in JSONPath format): ${stringAt(item, "jsonPath")}`,
      priority: numberAt(item, "priority") ?? 0,
    });
    cells.push(cellOf(stringAt(item, "jsonPath") ?? "", type));
  }
  if (declared.length === 0) {
    columns.push({ ...ageColumn, type: "date" });
    cells.push((object, nowMs) => age(object.metadata.creationTimestamp, nowMs));
  }
  return { columns, row: (object, nowMs) => cells.map((cell) => cell(object, nowMs)) };
}

function cellOf(path: string, type: TableColumn["type"]): Cell {
  const steps = parseJsonPath(path);
  return (object, nowMs) => {
    if (steps === undefined) return null;
    const found = find(object, steps);
    if (found.length === 0) return null;
    const [first] = found;
    if (type === "date") return age(first, nowMs);
    if (type === "integer" || type === "number") return typeof first === "number" ? first : null;
    if (type === "boolean") return typeof first === "boolean" ? first : null;
    return typeof first === "string" ? first : JSON.stringify(first);
  };
}
