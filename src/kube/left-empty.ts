// Whether a server-side apply left something undone: where an empty object or list takes the place of one that this
// manager had filled, the API server removes what was in it and with it the thing itself; only a second apply puts the
// empty one there. Pure. Source: what kube-apiserver answers; structured-merge-diff's pruning.
import { isObject } from "#base/json.ts";

/** Takes what was applied and what the API server answered; returns whether an empty object or list of it is missing. */
export function lacksEmpty(applied: unknown, answer: unknown): boolean {
  if (Array.isArray(applied)) {
    if (applied.length === 0) return answer === undefined || answer === null;
    if (!Array.isArray(answer)) return false;
    const there = answer as readonly unknown[];
    // Elements of keyed lists may stand elsewhere: those of which a key is the same are looked at.
    return applied.some((item, i) => isObject(item) && lacksEmpty(item, counterpart(item, there, i)));
  }
  if (!isObject(applied)) return false;
  const keys = Object.keys(applied);
  if (keys.length === 0) return answer === undefined || answer === null;
  return isObject(answer) && keys.some((key) => lacksEmpty(applied[key], answer[key]));
}

function counterpart(item: Readonly<Record<string, unknown>>, answer: readonly unknown[], index: number): unknown {
  const { name } = item;
  return name === undefined ? answer[index] : answer.find((other) => isObject(other) && other["name"] === name);
}
