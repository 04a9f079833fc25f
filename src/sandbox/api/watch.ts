// Watches: from the store's changes to the lines that each client is sent. A change is put into words once for all
// clients that see it alike; lines are sent together at the end of a turn; a client that does not read is cut off.
// Follows Kubernetes' "API concepts: Efficient detection of changes, Streaming lists".
import type { ServerResponse } from "node:http";
import { apiVersionOf, type KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition, Status } from "../contract.ts";
import type { StoreEvent } from "../storage/history.ts";
import type { Core } from "./core.ts";
import { type FormOptions, tableText } from "./forms.ts";
import { inVersionOf, resourceId } from "./kinds.ts";
import type { ListOptions } from "./lists.ts";
import { expired } from "./status.ts";

/** A client may be this far behind before its connection is closed. */
const maxBufferedBytes = 64 * 1024 * 1024;
const bookmarkEveryMs = 60_000;
/** Where the client names no end: between half an hour and an hour, as kube-apiserver. */
const minTimeoutS = 1800;

type EventType = "ADDED" | "MODIFIED" | "DELETED";

export interface WatchRequest {
  readonly definition: ResourceDefinition;
  readonly list: ListOptions;
  readonly form: Omit<FormOptions, "nowMs">;
}

/** All watches of one cluster. */
export class WatchHub {
  readonly core: Core;
  private readonly sessions = new Set<WatchSession>();
  private readonly dirty = new Set<WatchSession>();
  private scheduled = false;
  private stopBookmarks: (() => void) | undefined;
  private cached: { event: StoreEvent; lines: Map<string, Buffer> } | undefined;

  constructor(core: Core) {
    this.core = core;
  }

  get size(): number {
    return this.sessions.size;
  }

  /** Answers `response` with the stream of changes, until either side ends it. */
  serve(request: WatchRequest, response: ServerResponse): void {
    const session = new WatchSession(this, request, response);
    this.sessions.add(session);
    response.on("close", () => session.end());
    this.scheduleBookmarks();
    session.start();
  }

  /** Ends every watch. */
  close(): void {
    for (const session of this.sessions) session.end();
    this.stopBookmarks?.();
    this.stopBookmarks = undefined;
  }

  /** Ends the watches of a resource that is served no longer. */
  closeResource(resource: string): void {
    for (const session of this.sessions) if (session.resource === resource) session.end();
  }

  forget(session: WatchSession): void {
    this.sessions.delete(session);
    this.dirty.delete(session);
  }

  /** The line for a change as stored, made once for all who see it in the same version and with the same type. */
  sharedLine(type: EventType, event: StoreEvent, object: KubernetesObject, definition: ResourceDefinition): Buffer {
    if (this.cached?.event !== event) this.cached = { event, lines: new Map() };
    const key = `${type} ${definition.version}`;
    let line = this.cached.lines.get(key);
    if (line === undefined) {
      const served = inVersionOf(object, definition);
      const text = served === event.object && event.text !== undefined ? event.text : JSON.stringify(served);
      line = Buffer.from(`{"type":"${type}","object":${text}}\n`);
      this.cached.lines.set(key, line);
    }
    return line;
  }

  markDirty(session: WatchSession): void {
    this.dirty.add(session);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.cached = undefined;
      const ready = [...this.dirty];
      this.dirty.clear();
      for (const each of ready) each.flush();
    });
  }

  private scheduleBookmarks(): void {
    if (this.stopBookmarks !== undefined) return;
    this.stopBookmarks = this.core.clock.after(bookmarkEveryMs, () => {
      this.stopBookmarks = undefined;
      for (const session of this.sessions) session.bookmark();
      if (this.sessions.size > 0) this.scheduleBookmarks();
    });
  }
}

export class WatchSession {
  readonly resource: string;
  private readonly hub: WatchHub;
  private readonly request: WatchRequest;
  private readonly response: ServerResponse;
  private pending: Buffer[] = [];
  private unsubscribe: (() => void) | undefined;
  private cancelTimeout: (() => void) | undefined;
  private ended = false;
  private columnsSent = false;

  constructor(hub: WatchHub, request: WatchRequest, response: ServerResponse) {
    this.hub = hub;
    this.request = request;
    this.response = response;
    this.resource = resourceId(request.definition);
  }

  start(): void {
    const { store, clock } = this.hub.core;
    const { list } = this.request;
    this.response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-cache, private" });
    this.response.flushHeaders();
    const from = Number(list.resourceVersion ?? 0);
    const streamList = list.sendInitialEvents === true;
    if (streamList || (list.sendInitialEvents === undefined && from === 0)) {
      for (const object of store.list(this.resource, list.namespace)) {
        if (list.matches === undefined || list.matches(object)) this.push("ADDED", object);
      }
      if (streamList && list.bookmarks) this.bookmark(true);
    } else if (from > 0 && !this.replay(from)) {
      return;
    }
    this.unsubscribe = store.subscribe(this.resource, (event) => {
      if (event.rv > from) this.see(event);
    });
    const seconds = list.timeoutSeconds ?? Math.round(minTimeoutS * (1 + this.hub.core.random()));
    this.cancelTimeout = clock.after(seconds * 1000, () => {
      this.bookmark();
      this.end();
    });
    this.flush();
  }

  /** Ends the stream after what is pending. */
  end(): void {
    if (this.ended) return;
    this.flush();
    this.ended = true;
    this.unsubscribe?.();
    this.cancelTimeout?.();
    this.hub.forget(this);
    this.response.end();
  }

  flush(): void {
    if (this.pending.length === 0 || this.ended) return;
    try {
      this.hub.core.store.flush();
    } catch {
      // What cannot be stored is not told; the client lists anew.
      return this.cutOff();
    }
    const bytes = this.pending.length === 1 ? (this.pending[0] as Buffer) : Buffer.concat(this.pending);
    this.pending = [];
    this.response.write(bytes);
    if (this.response.writableLength > maxBufferedBytes) this.cutOff();
  }

  private cutOff(): void {
    this.ended = true;
    this.unsubscribe?.();
    this.cancelTimeout?.();
    this.hub.forget(this);
    this.response.destroy();
  }

  /** Tells the client how far it has seen, where it asked to be told. */
  bookmark(initialEventsEnd = false): void {
    if (!this.request.list.bookmarks || this.ended) return;
    const { definition, form } = this.request;
    const resourceVersion = String(this.hub.core.store.rv);
    const annotations = initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
    const metadata = { resourceVersion, ...annotations };
    const kind = { kind: definition.kind, apiVersion: apiVersionOf(definition) };
    const meta = { apiVersion: `meta.k8s.io/${form.form.version}`, metadata };
    const object =
      form.form.as === "table"
        ? { kind: "Table", ...meta, columnDefinitions: null, rows: [] }
        : form.form.as === "partial"
          ? { kind: "PartialObjectMetadata", ...meta }
          : { ...kind, metadata };
    this.pending.push(Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`));
    this.hub.markDirty(this);
  }

  /** Sends what happened since `rv`; says no, with an ERROR event, where that is forgotten. */
  private replay(rv: number): boolean {
    const { store } = this.hub.core;
    const events = store.eventsAfter(this.resource, rv);
    if (events === undefined) {
      const { status } = expired(`too old resource version: ${rv} (${store.oldestRv(this.resource)})`);
      this.fail(status);
      return false;
    }
    for (const event of events) this.see(event);
    return true;
  }

  private fail(status: Status): void {
    this.pending.push(Buffer.from(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
    this.end();
  }

  private see(event: StoreEvent): void {
    const { namespace, matches } = this.request.list;
    if (namespace !== undefined && event.object.metadata.namespace !== namespace) return;
    if (matches === undefined) return this.push(event.type, event.object, event);
    const before = event.old !== undefined && matches(event.old);
    const now = event.type !== "DELETED" && matches(event.object);
    if (now) return this.push(before ? "MODIFIED" : "ADDED", event.object, event);
    if (!before) return;
    if (event.type === "DELETED") return this.push("DELETED", event.object, event);
    // It no longer matches: to this client it is gone, as it last saw it.
    const { old } = event;
    if (old === undefined) return;
    const metadata = { ...old.metadata, resourceVersion: String(event.rv) };
    this.push("DELETED", { ...old, metadata });
  }

  private push(type: EventType, object: KubernetesObject, event?: StoreEvent): void {
    this.pending.push(this.line(type, object, event));
    this.hub.markDirty(this);
  }

  private line(type: EventType, object: KubernetesObject, event: StoreEvent | undefined): Buffer {
    const { definition, form } = this.request;
    if (form.form.as === "object" && event !== undefined) return this.hub.sharedLine(type, event, object, definition);
    const served = inVersionOf(object, definition);
    return Buffer.from(`{"type":"${type}","object":${this.text(served)}}\n`);
  }

  private text(object: KubernetesObject): string {
    const { definition, form } = this.request;
    switch (form.form.as) {
      case "table": {
        const options = { ...form, nowMs: this.hub.core.clock.now() };
        const withColumns = !this.columnsSent;
        this.columnsSent = true;
        const meta = { resourceVersion: object.metadata.resourceVersion ?? "" };
        return tableText([object], definition, options, { meta, withColumns });
      }
      case "partial": {
        const apiVersion = `meta.k8s.io/${form.form.version}`;
        return JSON.stringify({ kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata });
      }
      default:
        return JSON.stringify(object);
    }
  }
}
