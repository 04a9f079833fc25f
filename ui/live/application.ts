// The live state of one application: the whole resource and its tree, each from its own stream.
import type { Application } from "#model/application.ts";
import type { ApplicationEvent, ApplicationTree, ResourceNode } from "#protocol/rest.ts";
import { getApplication, type AppId } from "../api/applications.ts";
import { openEventStream, type StreamState } from "../api/event-stream.ts";

export interface ApplicationSnapshot {
  readonly application: Application | undefined;
  readonly nodes: readonly ResourceNode[] | undefined;
  /** It was there and was deleted while we looked. */
  readonly deleted: boolean;
  readonly stream: StreamState;
}

export class ApplicationStore {
  readonly #id: AppId;
  readonly #listeners = new Set<() => void>();
  #snapshot: ApplicationSnapshot = {
    application: undefined,
    nodes: undefined,
    deleted: false,
    stream: { phase: "connecting" },
  };
  #closeApplication: (() => void) | undefined;
  #closeTree: (() => void) | undefined;

  constructor(id: AppId) {
    this.#id = id;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly snapshot = (): ApplicationSnapshot => this.#snapshot;

  start(): void {
    this.stop();
    const { name } = this.#id;
    this.#closeApplication = openEventStream({
      path: "/stream/applications",
      query: { ...this.#query(), name, resourceVersion: String(Number.MAX_SAFE_INTEGER) },
      opened: async (signal) => this.see(await getApplication(this.#id, signal)),
      event: (result) => this.#event(result as ApplicationEvent),
      state: (stream) => this.#set({ stream }),
    });
    this.#openTree();
  }

  stop(): void {
    this.#closeApplication?.();
    this.#closeTree?.();
    this.#closeTree = undefined;
  }

  /** Takes an application as an answer brought it, if it is newer than what is known. */
  see(application: Application): void {
    const known = this.#snapshot.application;
    const newer = (app: Application): number => Number(app.metadata.resourceVersion ?? 0);
    if (known && known.metadata.uid === application.metadata.uid && newer(known) > newer(application)) return;
    this.#set({ application, deleted: false });
    this.#openTree();
  }

  /** The application's own stream says how the connection stands; this one only follows. */
  #openTree(): void {
    this.#closeTree ??= openEventStream({
      path: `/stream/applications/${encodeURIComponent(this.#id.name)}/resource-tree`,
      query: this.#query(),
      event: (result) => this.#set({ nodes: (result as ApplicationTree).nodes ?? [] }),
      state: () => {},
    });
  }

  #query(): { readonly appNamespace?: string } {
    return this.#id.namespace ? { appNamespace: this.#id.namespace } : {};
  }

  #event(event: ApplicationEvent): void {
    const known = this.#snapshot.application;
    const { namespace } = event.application.metadata;
    if (this.#id.namespace !== "" && namespace !== this.#id.namespace) return;
    if (event.type !== "DELETED") this.see(event.application);
    else if (known?.metadata.uid === event.application.metadata.uid) {
      this.#closeTree?.();
      this.#closeTree = undefined;
      this.#set({ deleted: true, nodes: undefined });
    }
  }

  #set(part: Partial<ApplicationSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...part };
    for (const listener of this.#listeners) listener();
  }
}
