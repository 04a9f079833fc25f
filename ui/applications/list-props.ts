// What the views of the list share: which item has the keyboard, what is shown, what can be done.
import type { RefObject } from "react";
import type { SparseRows } from "../live/applications.ts";
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
  /** Why the list could not be read. */
  readonly failure: string | undefined;
  /** What is shown is not yet what was asked for. */
  readonly asking: boolean;
  readonly filtered: boolean;
  readonly rows: SparseRows;
  /** Which list this is: another has another. */
  readonly list: string;
  readonly view: ListView;
  readonly sort: Sort;
  readonly active: ActiveItem;
  readonly selected: ReadonlySet<string>;
  /** Set by the view: how many items stand beside each other. */
  readonly columns: RefObject<number>;
  /** These are in sight. */
  readonly onSee: (start: number, end: number) => void;
  readonly onSelect: (row: AppRow) => void;
  readonly onSort: (sort: Sort) => void;
  readonly onReset: () => void;
  readonly onCreate: () => void;
  readonly onRetry: () => void;
}
