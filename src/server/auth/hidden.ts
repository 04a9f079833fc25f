// What is asked for by name, where existence is a secret too: finds it and asks RBAC in one step, so that what does not
// exist and what one may not see have the same answer.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Account } from "./account.ts";
import { denied, type Rbac, type Resource } from "./rbac.ts";

/** The answer that says nothing. */
export const hidden = (): DriftlessError => new DriftlessError("PERMISSION_DENIED", "permission denied");

export interface HiddenQuestion<T> {
  readonly resource: Resource;
  readonly action: string;
  /** Whose `get` lets one see that something is there, where it is another resource than is acted on. */
  readonly seenBy?: Resource;
  /** RBAC's name for all that the name could mean: whoever may get those is told that there is none. */
  readonly all: string;
  /** Error: NOT_FOUND. */
  find(): T;
  /** RBAC's name of what was found. */
  objectOf(found: T): string;
}

/** What was asked for, where the account may do this to it. Errors: PERMISSION_DENIED; NOT_FOUND for those who may see all. */
export function requireFound<T>(rbac: Rbac, account: Account | undefined, asked: HiddenQuestion<T>): T {
  const { resource, action, seenBy = resource, all } = asked;
  let found: T;
  try {
    found = asked.find();
  } catch (thrown) {
    if (toError(thrown).code !== "NOT_FOUND" || rbac.may(account, seenBy, "get", all)) throw thrown;
    throw hidden();
  }
  const object = asked.objectOf(found);
  if (rbac.may(account, resource, action, object)) return found;
  throw rbac.may(account, seenBy, "get", object) ? denied(account, [resource, action, object]) : hidden();
}
