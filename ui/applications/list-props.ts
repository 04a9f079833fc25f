// What the views of the list share: which item has the keyboard, what is shown, what can be done.
import type { RefObject } from "react";
import type { StreamState } from "../api/event-stream.ts";
import type { Sort } from "../model/filter.ts";
import type { ListView } from "../model/list-url.ts";
import type { AppRow } from "../model/row.ts";

/** `moved` counts key presses, so that only they move the focus. */
export interface ActiveItem {
  readonly index: number;
  readonly moved: number;
}

export interface ListBodyProps {
  readonly loaded: boolean;
  readonly total: number;
  readonly stream: StreamState;
  readonly rows: readonly AppRow[];
  readonly view: ListView;
  readonly sort: Sort;
  readonly active: ActiveItem;
  readonly selected: ReadonlySet<string>;
  /** Set by the view: how many items stand beside each other. */
  readonly columns: RefObject<number>;
  readonly onSelect: (row: AppRow) => void;
  readonly onSort: (sort: Sort) => void;
  readonly onReset: () => void;
  readonly onCreate: () => void;
  readonly onRetry: () => void;
}
