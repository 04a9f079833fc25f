// Fields that differ and who changed them, as text. Pure.
import type { DriftAnswer, FieldDrift, ObjectDrift } from "#protocol/rest.ts";
import { oneLine } from "./table.ts";

/** How much of a value a line shows. */
const longestValue = 60;

/** A paragraph for each object: its name, then a line for each field and one for who changed it. */
export function driftText({ items }: DriftAnswer): string {
  return items.map((item) => paragraph(item)).join("\n");
}

function paragraph(item: ObjectDrift): string {
  const kind = item.group ? `${item.kind}.${item.group}` : item.kind;
  const lines = [`${kind} ${item.namespace ? `${item.namespace}/` : ""}${item.name}: ${item.status}`];
  if (item.error !== undefined) lines.push(`  ${oneLine(item.error)}`);
  for (const field of item.fields) {
    if (field.path !== "") lines.push(`  ${oneLine(`${field.path}: ${valueText(field)}`)}`);
    lines.push(`  ${field.path === "" ? "" : "  "}${oneLine(field.who)}`);
  }
  return `${lines.join("\n")}\n`;
}

function valueText({ live, desired }: FieldDrift): string {
  return `${short(live)} → ${short(desired)}`;
}

function short(value: unknown): string {
  if (value === undefined) return "(absent)";
  const text = JSON.stringify(value);
  return text.length <= longestValue ? text : `${text.slice(0, longestValue)}…`;
}
