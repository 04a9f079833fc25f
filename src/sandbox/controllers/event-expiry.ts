// Kubernetes events are kept for an hour. One timer for all of them, and none while there are none.
import type { Context, Controller } from "./support/controller.ts";
import { eventKind } from "./support/events.ts";
import { timeOf } from "./support/objects.ts";
import { keyOf } from "#model/object.ts";
import { stringAt } from "#base/json.ts";

const name = "event-expiry";
const sweep = "sweep";
/** Sweeps are this far apart at least: what has expired may stay a little longer. */
const leastMs = 60_000;

export function eventExpiryController(context: Context): Controller {
  let waiting = false;
  return {
    name,
    watches: [
      {
        kind: eventKind,
        keys: ({ type }) => {
          if (type === "ADDED" && !waiting) {
            waiting = true;
            context.enqueue(name, sweep, Math.max(leastMs, context.timings.eventTtlMs));
          }
          return [];
        },
      },
    ],
    reconcile: () => {
      const nowMs = context.clock.now();
      const ttlMs = context.timings.eventTtlMs;
      let oldestMs = Number.POSITIVE_INFINITY;
      for (const event of context.client.list(eventKind)) {
        const lastMs = timeOf(stringAt(event, "lastTimestamp") ?? event.metadata.creationTimestamp, nowMs);
        if (lastMs + ttlMs <= nowMs) context.client.delete(keyOf(event));
        else oldestMs = Math.min(oldestMs, lastMs);
      }
      waiting = oldestMs !== Number.POSITIVE_INFINITY;
      return waiting ? Math.max(leastMs, oldestMs + ttlMs - nowMs) : undefined;
    },
  };
}
