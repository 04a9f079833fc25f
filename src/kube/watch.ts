// One watch as an async iterable of events. Does not reconnect: the live cache decides what an end means.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import { withoutManagedFields } from "./managed-fields.ts";
import { errorOfStatus } from "./status.ts";
import type { StreamHandle, StreamRequest, Transport } from "./transport.ts";
import type { KeptFields, WatchEvent } from "./types.ts";

const initialEventsEnd = "k8s.io/initial-events-end";
/** Events waiting to be taken before the connection is told to wait. */
const highWater = 512;

interface RawEvent {
  readonly type: WatchEvent["type"] | "ERROR";
  readonly object: KubernetesObject;
}

/** Takes one line of a watch; returns the event. Throws RESOURCE_EXPIRED and kin for ERROR events. */
export function parseEvent(line: string, context: { server: string; what: string }): WatchEvent {
  let raw: RawEvent;
  try {
    raw = JSON.parse(line) as RawEvent;
  } catch (thrown) {
    throw new DriftlessError("CLUSTER_UNREACHABLE", `${context.what}: broken watch event`, { cause: thrown });
  }
  if (raw.type === "ERROR") throw errorOfStatus(raw.object, line, context);
  if (raw.type === "BOOKMARK" && raw.object.metadata.annotations?.[initialEventsEnd] === "true") {
    return { type: raw.type, object: raw.object, initialEventsEnd: true };
  }
  return raw as WatchEvent;
}

/** Opens the watch at `path` when iteration starts; closes it when iteration ends, for whatever reason. */
export async function* watchEvents(
  transport: Transport,
  op: Operation,
  request: {
    readonly path: string;
    readonly accept: string;
    readonly dropManagedFields: boolean;
    readonly keepFields?: KeptFields | undefined;
    readonly onOpen?: (() => void) | undefined;
  },
): AsyncIterable<WatchEvent> {
  const { path, accept, dropManagedFields, keepFields } = request;
  const context = { server: transport.connection.server, what: `WATCH ${path}` };
  for await (const lines of lineBatches(transport, op, { path, accept, onOpen: request.onOpen })) {
    for (const line of lines)
      yield parseEvent(dropManagedFields ? withoutManagedFields(line, keepFields) : line, context);
  }
}

/**
 * Lines of an answer as they come, those at hand together. Opens the stream when iteration starts; closes it when
 * iteration ends, for whatever reason. `rest`: a last line without an end counts too.
 */
export async function* lineBatches(
  transport: Transport,
  op: Operation,
  request: StreamRequest & { readonly onOpen?: (() => void) | undefined; readonly rest?: boolean },
): AsyncGenerator<readonly string[]> {
  let lines: string[] = [];
  let ended = false;
  let error: DriftlessError | undefined;
  let wake: (() => void) | undefined;
  let paused = false;
  const handle: StreamHandle = transport.stream(op, request, {
    onOpen: () => request.onOpen?.(),
    onLine: (line) => {
      lines.push(line);
      if (lines.length > highWater && !paused) {
        paused = true;
        handle.pause();
      }
      wake?.();
    },
    onRest: (text) => {
      if (request.rest === true) lines.push(text);
    },
    onEnd: (thrown) => {
      ended = true;
      error = thrown;
      wake?.();
    },
  });
  try {
    for (;;) {
      if (lines.length > 0) {
        const taken = lines;
        lines = [];
        if (paused) {
          paused = false;
          handle.resume();
        }
        yield taken;
        continue;
      }
      if (ended) {
        if (error !== undefined) throw error;
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  } finally {
    handle.close();
  }
}
