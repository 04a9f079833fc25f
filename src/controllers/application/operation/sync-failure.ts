// What a person reads of a sync that failed: the reason, with the object that caused it and the file that it comes
// from. Pure.
import { displayKey, keyText, type ObjectKey } from "#model/object.ts";
import type { OperationState, ResourceResult } from "#model/application.ts";
import type { Desired } from "../desired/desired.ts";

/** Takes a reason and the operation that it is of; returns the reason with the first failed object and its file. */
export function failureText(
  reason: string,
  operation: OperationState | undefined,
  desired: Desired | undefined,
): string {
  const failed = operation?.syncResult?.resources?.find(hasFailed);
  if (!failed) return reason;
  const key: ObjectKey = { group: failed.group, kind: failed.kind, namespace: failed.namespace, name: failed.name };
  const text = keyText(key);
  const source = desired?.objects.get(text) ?? desired?.hooks.find((hook) => hook.text === text);
  return `${reason} (${displayKey(key)}${source ? `, ${source.file}:${source.line}` : ""})`;
}

function hasFailed({ status, hookPhase, hookType }: ResourceResult): boolean {
  return status === "SyncFailed" || (hookType !== undefined && (hookPhase === "Failed" || hookPhase === "Error"));
}
