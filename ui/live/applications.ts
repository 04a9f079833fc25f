// The one store of live applications: takes an event in O(1), tells its readers at most once a frame (less often when
// there are thousands of rows), hands out rows as an immutable list for useSyncExternalStore.
import type { ApplicationEvent, ApplicationList } from "#protocol/rest.ts";
import { rowOf, type AppRow } from "../model/row.ts";
import type { StreamState } from "../api/event-stream.ts";

export interface ApplicationsSnapshot {
  /** In no particular order. */
  readonly rows: readonly AppRow[];
  readonly loaded: boolean;
  readonly stream: StreamState;
}

/** Sources of the store: the list once the stream is open, and the stream. Made by the caller, so that tests make theirs. */
export interface ApplicationsSource {
  open(to: {
    opened(signal: AbortSignal): Promise<void>;
    event(event: ApplicationEvent): void;
    state(state: StreamState): void;
  }): () => void;
  list(signal: AbortSignal): Promise<ApplicationList>;
}

const manyRows = 2000;
const busyMs = 150;
const frameMs = 16;

export class ApplicationsStore {
  readonly #source: ApplicationsSource;
  readonly #rows = new Map<string, AppRow>();
  readonly #listeners = new Set<() => void>();
  #snapshot: ApplicationsSnapshot = { rows: [], loaded: false, stream: { phase: "connecting" } };
  #loaded = false;
  #stream: StreamState = { phase: "connecting" };
  #rowsChanged = false;
  #pending: ReturnType<typeof setTimeout> | undefined;
  #close: (() => void) | undefined;

  constructor(source: ApplicationsSource) {
    this.#source = source;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ApplicationsSnapshot => this.#snapshot;

  get(key: string): AppRow | undefined {
    return this.#rows.get(key);
  }

  start(): void {
    this.#close ??= this.#source.open({
      // Listed once the stream is open: what changes in between comes as an event, and a removal is not lost.
      opened: async (signal) => this.replace(await this.#source.list(signal)),
      event: (event) => this.apply(event),
      state: (state) => this.#setStream(state),
    });
  }

  stop(): void {
    this.#close?.();
    this.#close = undefined;
    clearTimeout(this.#pending);
    this.#pending = undefined;
  }

  /** Forgets everything: the next to log in may not see what the last one saw. */
  clear(): void {
    this.stop();
    this.#rows.clear();
    this.#loaded = false;
    this.#snapshot = { rows: [], loaded: false, stream: { phase: "connecting" } };
    this.#stream = this.#snapshot.stream;
  }

  restart(): void {
    this.stop();
    this.#setStream({ phase: "connecting" });
    this.start();
  }

  replace(list: ApplicationList): void {
    const present = new Set<string>();
    for (const item of list.items ?? []) {
      const row = rowOf(item);
      present.add(row.key);
      const known = this.#rows.get(row.key);
      if (!known || known.uid !== row.uid || known.version <= row.version) this.#rows.set(row.key, row);
    }
    for (const key of this.#rows.keys()) if (!present.has(key)) this.#rows.delete(key);
    this.#loaded = true;
    this.#rowsChanged = true;
    this.#tell(0);
  }

  apply(event: ApplicationEvent): void {
    const row = rowOf(event.application);
    const known = this.#rows.get(row.key);
    if (event.type === "DELETED") {
      if (!known || known.uid !== row.uid) return;
      this.#rows.delete(row.key);
    } else {
      if (known && known.uid === row.uid && known.version >= row.version) return;
      this.#rows.set(row.key, row);
    }
    this.#rowsChanged = true;
    this.#tell(this.#rows.size > manyRows ? busyMs : frameMs);
  }

  #setStream(state: StreamState): void {
    this.#stream = state;
    this.#tell(0);
  }

  #tell(delayMs: number): void {
    this.#pending ??= setTimeout(() => {
      this.#pending = undefined;
      const rows = this.#rowsChanged ? [...this.#rows.values()] : this.#snapshot.rows;
      this.#rowsChanged = false;
      this.#snapshot = { rows, loaded: this.#loaded, stream: this.#stream };
      for (const listener of this.#listeners) listener();
    }, delayMs);
  }
}
