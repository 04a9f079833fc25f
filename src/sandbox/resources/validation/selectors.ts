// Label selectors: whether they are well formed, and whether they match.
import { isObject, listAt, stringAt } from "#base/json.ts";
import { fieldsAt } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { isLabelValue, qualifiedName } from "./words.ts";

const operators = ["In", "NotIn", "Exists", "DoesNotExist"];

/** Returns whether the selector can be used. */
export function validateSelector(faults: Faults, path: string, selector: unknown): boolean {
  const before = faults.list.length;
  validateLabels(faults, `${path}.matchLabels`, fieldsAt(selector, "matchLabels"));
  for (const [index, item] of listAt(selector, "matchExpressions").entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    const operator = stringAt(item, "operator") ?? "";
    const values = listAt(item, "values");
    if (!operators.includes(operator)) faults.invalid(`${at}.operator`, operator, "not a valid selector operator");
    else if (operator.endsWith("In") && values.length === 0) {
      faults.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator.endsWith("xist") || operator === "Exists") {
      if (values.length > 0)
        faults.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
    const key = stringAt(item, "key") ?? "";
    faults.words(`${at}.key`, key, qualifiedName(key));
  }
  return faults.list.length === before;
}

export function validateLabels(faults: Faults, path: string, labels: unknown): void {
  if (!isObject(labels)) return;
  for (const [key, value] of Object.entries(labels)) {
    faults.words(path, key, qualifiedName(key));
    if (typeof value === "string") faults.words(path, value, isLabelValue(value));
  }
}

export function selectorMatches(selector: unknown, labels: unknown): boolean {
  if (!isObject(selector)) return false;
  const given = isObject(labels) ? labels : {};
  for (const [key, value] of Object.entries(fieldsAt(selector, "matchLabels"))) if (given[key] !== value) return false;
  return listAt(selector, "matchExpressions").every((item) => {
    const { key, operator } = fieldsAt(item);
    const value = given[key as string];
    const listed = listAt(item, "values").includes(value);
    if (operator === "In") return value !== undefined && listed;
    if (operator === "NotIn") return value === undefined || !listed;
    return operator === "Exists" ? value !== undefined : value === undefined;
  });
}
