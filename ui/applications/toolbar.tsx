// Search, order, view, and the way to a new application.
import { LayoutGrid, Plus, Search, SlidersHorizontal, Table2, X } from "lucide-react";
import type { KeyboardEvent, RefObject } from "react";
import { Button } from "../common/button.tsx";
import { isFiltered, type Sort, type SortKey } from "../model/filter.ts";
import type { ListState, ListView } from "../model/list-url.ts";

export interface ToolbarProps {
  readonly searchBox: RefObject<HTMLInputElement | null>;
  readonly state: ListState;
  readonly onText: (text: string) => void;
  readonly onSort: (sort: Sort) => void;
  readonly onView: (view: ListView) => void;
  /** The arrow down out of the search box. */
  readonly onEnterList: () => void;
  readonly onPanel: () => void;
  readonly onCreate: () => void;
}

const orders: readonly (readonly [SortKey, string])[] = [
  ["name", "Name"],
  ["status", "Sync status"],
  ["health", "Health"],
  ["changed", "Last sync"],
  ["created", "Newest"],
  ["project", "Project"],
  ["cluster", "Cluster"],
];

export function Toolbar(props: ToolbarProps) {
  const { searchBox, state, onText, onSort, onView, onEnterList, onPanel, onCreate } = props;
  const { filters, sort, view } = state;
  const keys = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      onEnterList();
    } else if (event.key === "Escape") {
      if (filters.text === "") event.currentTarget.blur();
      else onText("");
    }
  };
  return (
    <div className="toolbar" role="toolbar" aria-label="List">
      <Button
        icon={SlidersHorizontal}
        className={isFiltered(filters) ? "panel-button marked" : "panel-button"}
        label="Filters"
        onClick={onPanel}
      />
      <div className="search">
        <Search size={15} aria-hidden />
        <input
          ref={searchBox}
          type="search"
          aria-label="Search applications"
          aria-keyshortcuts="/"
          placeholder="Search by name, repository, revision, label …"
          value={filters.text}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={keys}
        />
        {filters.text === "" ? (
          <kbd aria-hidden>/</kbd>
        ) : (
          <Button icon={X} look="quiet" label="Clear the search" onClick={() => onText("")} />
        )}
      </div>
      <label className="order">
        <span className="only-read">Order</span>
        <select
          value={sort.key}
          onChange={(event) => onSort({ key: event.target.value as SortKey, descending: false })}
          title="Order"
        >
          {orders.map(([key, word]) => (
            <option key={key} value={key}>
              {word}
            </option>
          ))}
        </select>
      </label>
      <div className="switch" role="group" aria-label="View">
        <Button icon={LayoutGrid} label="Tiles" aria-pressed={view === "tiles"} onClick={() => onView("tiles")} />
        <Button icon={Table2} label="Table" aria-pressed={view === "table"} onClick={() => onView("table")} />
      </div>
      <Button icon={Plus} look="primary" className="new-button" onClick={onCreate}>
        New
      </Button>
    </div>
  );
}
