// The list of applications as far as somebody looks at it: the server filters, sorts and counts; here are the pages in sight
// and some around them. A stream tells that something changed, and what is in sight is asked for anew, at once after a
// rest, at most once a second while changes go on.
import type { ApplicationPage } from "#protocol/rest.ts";
import type { StreamState } from "../api/event-stream.ts";
import { messageOf } from "../api/error.ts";
import { countParameters, countsOf, type Counts, type Filters, type ListParameters } from "../model/filter.ts";
import { rowOf, type AppRow } from "../model/row.ts";

/** Rows by their place in the whole list; those that are not here yet are undefined. */
export interface SparseRows {
  readonly total: number;
  at(index: number): AppRow | undefined;
  /** All that are here. */
  known(): readonly AppRow[];
}

export interface ApplicationsSnapshot {
  readonly rows: SparseRows;
  readonly counts: Counts;
  /** Something was answered, to whatever was asked for. */
  readonly loaded: boolean;
  /** What is shown is not yet what was asked for. */
  readonly asking: boolean;
  /** Why the last question had no answer. */
  readonly failure: string | undefined;
  readonly stream: StreamState;
}

/** What the list is asked for. */
export interface ListQuery {
  readonly filters: Filters;
  readonly parameters: ListParameters;
}

/** Made by the caller, so that tests make theirs. */
export interface ApplicationsSource {
  /** A stream of changes; what they say is not looked at. */
  open(to: { opened(): void; changed(): void; state(state: StreamState): void }): () => void;
  page(
    parameters: ListParameters,
    part: { readonly offset: number; readonly limit: number },
    signal: AbortSignal,
  ): Promise<ApplicationPage>;
}

const pageSize = 100;
const pagesKept = 20;
const refreshEveryMs = 1000;
const askAgainMs = 3000;

interface Page {
  readonly rows: readonly AppRow[];
  /** How many changes had been told of when it was asked for. */
  readonly version: number;
}

const nothing: ApplicationsSnapshot = {
  rows: { total: 0, at: () => undefined, known: () => [] },
  counts: countsOf({}, { text: "", chosen: {} }),
  loaded: false,
  asking: true,
  failure: undefined,
  stream: { phase: "connecting" },
};

export class ApplicationsStore {
  readonly #source: ApplicationsSource;
  readonly #listeners = new Set<() => void>();
  #snapshot = nothing;
  #query: ListQuery | undefined;
  #shown = false;
  /** Who asks: the answers to others come too late. */
  #asked = 0;
  #pages = new Map<number, Page>();
  #visible = { start: 0, end: 1 };
  #version = 0;
  #counted = -1;
  #loading: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refreshedAtMs = -Infinity;
  #close: (() => void) | undefined;

  constructor(source: ApplicationsSource) {
    this.#source = source;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ApplicationsSnapshot => this.#snapshot;

  start(): void {
    this.#close ??= this.#source.open({
      opened: () => this.#changed(),
      changed: () => this.#changed(),
      state: (stream) => this.#set({ stream }),
    });
  }

  /** Forgets everything: the next to log in may not see what the last one saw. */
  clear(): void {
    this.#close?.();
    this.#close = undefined;
    this.hide();
    this.#query = undefined;
    this.#pages = new Map();
    this.#snapshot = nothing;
  }

  restart(): void {
    this.#close?.();
    this.#close = undefined;
    this.#set({ stream: { phase: "connecting" }, failure: undefined });
    this.start();
    this.#changed();
  }

  /** From now on this is looked at, from its top on. Until there is an answer, what was shown before stays. */
  show(query: ListQuery): void {
    const same = JSON.stringify(this.#query?.parameters) === JSON.stringify(query.parameters);
    this.#query = query;
    this.#shown = true;
    if (!same) {
      this.#visible = { start: 0, end: this.#visible.end - this.#visible.start };
      this.#asked++;
      this.#loading?.abort();
      this.#loading = undefined;
      this.#set({ asking: true });
    }
    this.#version++;
    this.#ask(0);
  }

  /** Nobody looks. What was shown stays, for the way back. */
  hide(): void {
    this.#shown = false;
    this.#asked++;
    this.#loading?.abort();
    this.#loading = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** These rows are in sight. */
  see(start: number, end: number): void {
    this.#visible = { start, end };
    if (this.#shown && this.#wanted()) this.#ask(0);
  }

  #changed(): void {
    this.#version++;
    if (this.#shown) this.#ask(this.#refreshedAtMs + refreshEveryMs - performance.now());
  }

  #ask(delayMs: number): void {
    if (delayMs > 0 && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (!this.#loading) void this.#load();
      },
      Math.max(0, delayMs),
    );
  }

  /** The pages in sight, where one of them is missing or out of date. */
  #wanted(): { readonly first: number; readonly last: number } | undefined {
    const first = Math.floor(this.#visible.start / pageSize);
    const last = Math.max(first, Math.floor((this.#visible.end - 1) / pageSize));
    for (let page = first; page <= last; page++)
      if (this.#snapshot.asking || this.#pages.get(page)?.version !== this.#version) return { first, last };
    return undefined;
  }

  async #load(): Promise<void> {
    const wanted = this.#wanted();
    const query = this.#query;
    if (!wanted || !query || !this.#shown) return;
    const { first, last } = wanted;
    const [asked, version, loading] = [this.#asked, this.#version, new AbortController()];
    const counting = this.#snapshot.asking || this.#counted !== version;
    const part = { offset: first * pageSize, limit: (last - first + 1) * pageSize };
    const parameters = counting ? { ...query.parameters, ...countParameters } : query.parameters;
    this.#loading = loading;
    if (counting) this.#refreshedAtMs = performance.now();
    try {
      const page = await this.#source.page(parameters, part, loading.signal);
      if (asked !== this.#asked) return;
      this.#take(page, { first, last, version, query });
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.#set({ failure: messageOf(thrown) });
      this.#ask(askAgainMs);
      return;
    } finally {
      if (this.#loading === loading) this.#loading = undefined;
    }
    // It may have been scrolled on, or changed, meanwhile.
    if (this.#wanted()) this.#ask(this.#version === version ? 0 : refreshEveryMs);
  }

  #take(
    { metadata, items }: ApplicationPage,
    of: { readonly first: number; readonly last: number; readonly version: number; readonly query: ListQuery },
  ): void {
    if (this.#snapshot.asking) this.#pages = new Map();
    const pages = new Map(this.#pages);
    for (let page = of.first; page <= of.last; page++) {
      const from = (page - of.first) * pageSize;
      const rows = (items ?? []).slice(from, from + pageSize).map(rowOf);
      pages.delete(page);
      pages.set(page, { rows, version: of.version });
    }
    for (const oldest of pages.keys()) if (pages.size > pagesKept) pages.delete(oldest);
    this.#pages = pages;
    if (metadata.counts) this.#counted = of.version;
    const counts = metadata.counts ? countsOf(metadata.counts, of.query.filters) : this.#snapshot.counts;
    this.#set({ rows: rowsOf(pages, metadata.total ?? 0), counts, loaded: true, asking: false, failure: undefined });
  }

  #set(part: Partial<ApplicationsSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...part };
    for (const listener of this.#listeners) listener();
  }
}

function rowsOf(pages: ReadonlyMap<number, Page>, total: number): SparseRows {
  return {
    total,
    at: (index) => (index < total ? pages.get(Math.floor(index / pageSize))?.rows[index % pageSize] : undefined),
    known: () => [...pages.values()].flatMap(({ rows }) => rows),
  };
}
