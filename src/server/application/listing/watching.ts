// What changes, as messages: applications that match, and one application's tree. A reader that is slow gets the latest
// state of each application rather than every step on the way, and nothing is kept for it beyond that.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ApplicationTree } from "#protocol/rest.ts";
import type { Informer } from "#runtime/informer.ts";

export interface ObjectEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: T;
}

/** Takes what a request says; returns it where it is "", or what an answer said before. Error: INVALID_ARGUMENT. */
export function resourceVersionOf(asked: string | undefined = ""): string {
  if (!/^\d{0,20}$/.test(asked))
    throw new DriftlessError("INVALID_ARGUMENT", "resourceVersion: what an answer's metadata gave is expected", {
      details: { field: "resourceVersion" },
    });
  return asked;
}

/** A tree is sent at most this often. */
const treeEveryMs = 200;

/** Waits for a call: `wake` may come before or after. */
export class Bell {
  #rung = false;
  #resolve: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#resolve?.();
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      this.#resolve = wake;
      signal.addEventListener("abort", wake);
      await promise;
      // A stream waits often, and its signal lives as long as it does.
      signal.removeEventListener("abort", wake);
    }
    this.#rung = false;
    this.#resolve = undefined;
  }
}

/** Every object that matches, then each change of one. `since`: a resourceVersion from which on they are wanted. */
export async function* watchObjects<T extends KubernetesObject>(
  op: Op,
  objects: Informer<T>,
  options: { readonly matches: (object: T) => boolean; readonly since: string },
): AsyncGenerator<ObjectEvent<T>> {
  const { matches, since } = options;
  const bell = new Bell();
  /** Latest state of what changed since it was last told; undefined: gone. */
  const changed = new Map<string, { readonly known: boolean; readonly before: T; readonly after: T | undefined }>();
  const told = new Set<string>();
  const end = objects.subscribe(({ before, after }) => {
    const object = (after ?? before)!;
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const is = after !== undefined && matches(after);
    if (!is && !told.has(key) && !changed.has(key)) return;
    changed.set(key, { known: told.has(key), before: object, after: is ? after : undefined });
    bell.ring();
  });
  try {
    for (const object of objects.values()) {
      if (!matches(object)) continue;
      told.add(`${object.metadata.namespace}/${object.metadata.name}`);
      if (since === "" || Number(object.metadata.resourceVersion) > Number(since)) yield { type: "ADDED", object };
    }
    while (!op.signal.aborted) {
      await bell.wait(op.signal);
      for (const [key, { before, after }] of changed) {
        changed.delete(key);
        const known = told.has(key);
        if (after) {
          told.add(key);
          yield { type: known ? "MODIFIED" : "ADDED", object: after };
        } else if (told.delete(key)) yield { type: "DELETED", object: before };
      }
    }
  } finally {
    end();
  }
}

/** The tree as it is, then whenever it is another, until the application is gone. */
export async function* watchTree(
  op: Op,
  deps: { readonly controller: ApplicationController; readonly clock: Clock },
  options: { readonly key: string; tree(): ApplicationTree },
): AsyncGenerator<ApplicationTree> {
  const bell = new Bell();
  let cancel: (() => void) | undefined;
  const end = deps.controller.onTreeChange((changed) => {
    if (changed !== options.key) return;
    cancel ??= deps.clock.after(treeEveryMs, () => {
      cancel = undefined;
      bell.ring();
    });
  });
  try {
    let last = "";
    while (!op.signal.aborted) {
      let tree: ApplicationTree;
      try {
        tree = options.tree();
      } catch {
        return; // Deleted meanwhile.
      }
      const text = JSON.stringify(tree);
      if (text !== last) yield tree;
      last = text;
      await bell.wait(op.signal);
    }
  } finally {
    end();
    cancel?.();
  }
}
