// All applications: search, filters, two views, selection. Puts the parts together; the parts draw.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { namesOfApplications } from "../api/applications.ts";
import { messageOf } from "../api/error.ts";
import { ConnectionNote } from "../common/connection-note.tsx";
import { applicationAddress } from "../common/list-address.ts";
import { useShortcuts } from "../common/shortcuts.ts";
import { NewApplicationDialog } from "../dialogs/new-application.tsx";
import { useApplications, useServices } from "../live/context.ts";
import { isFiltered, listParameters, noFilters, toggled, withChoice, type Facet } from "../model/filter.ts";
import type { AppRow } from "../model/row.ts";
import { flipped } from "../model/sets.ts";
import { FilterPanel } from "./filter-panel.tsx";
import { ListBody } from "./list-body.tsx";
import type { ActiveItem } from "./list-props.ts";
import { useListState } from "./list-state.ts";
import { preferredView, preferView } from "./preferred-view.ts";
import { SelectionBar } from "./selection-bar.tsx";
import { SummaryBar } from "./summary-bar.tsx";
import { Toolbar } from "./toolbar.tsx";
import { useTitle } from "../common/title.ts";

export function ApplicationsPage() {
  const { applications, toasts } = useServices();
  const { rows, counts, loaded, asking, failure, stream } = useApplications();
  const [state, change] = useListState();
  const [, navigate] = useLocation();
  const [active, setActive] = useState<ActiveItem>({ index: -1, moved: 0 });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [panelOpen, setPanelOpen] = useState(false);
  const [creating, setCreating] = useState(false);
  const searchBox = useRef<HTMLInputElement>(null);
  const columns = useRef(1);
  useTitle("Applications");

  const { filters, sort } = state;
  const view = state.view ?? preferredView();
  const parameters = useMemo(() => listParameters(filters, sort), [filters, sort]);
  useEffect(() => applications.show({ filters, parameters }), [applications, filters, parameters]);
  useEffect(() => () => applications.hide(), [applications]);

  const select = useCallback((row: AppRow) => setSelected((now) => flipped(now, row.key)), []);
  const choose = (facet: Facet, value: string): void =>
    change({ filters: withChoice(filters, facet, toggled(filters.chosen[facet], value)) });
  const moveTo = (index: number): void => {
    if (rows.total === 0) return;
    setActive((now) => ({ index: Math.max(0, Math.min(rows.total - 1, index)), moved: now.moved + 1 }));
  };
  const move = (event: KeyboardEvent, by: number): void => {
    event.preventDefault();
    moveTo(active.index < 0 ? 0 : active.index + by);
  };
  const see = useCallback((start: number, end: number) => applications.see(start, end), [applications]);
  const selectAll = (): void =>
    void namesOfApplications(parameters).then(
      (ids) => setSelected(new Set(ids.map(({ namespace, name }) => `${namespace}/${name}`))),
      (thrown: unknown) => toasts.show("bad", messageOf(thrown)),
    );
  const showView = (wanted: typeof view): void => {
    preferView(wanted);
    change({ view: wanted });
  };

  useShortcuts({
    "/": (event) => {
      event.preventDefault();
      searchBox.current?.focus();
    },
    ArrowDown: (event) => move(event, columns.current),
    ArrowUp: (event) => move(event, -columns.current),
    j: (event) => move(event, columns.current),
    k: (event) => move(event, -columns.current),
    ArrowRight: (event) => move(event, 1),
    ArrowLeft: (event) => move(event, -1),
    Home: (event) => move(event, -rows.total),
    End: (event) => move(event, rows.total),
    Enter: () => {
      const row = rows.at(active.index);
      if (row && document.activeElement === document.body) navigate(applicationAddress(row));
    },
    x: () => {
      const row = rows.at(active.index);
      if (row) select(row);
    },
    a: selectAll,
    v: () => showView(view === "tiles" ? "table" : "tiles"),
    n: (event) => {
      event.preventDefault();
      setCreating(true);
    },
    Escape: () => {
      if (selected.size > 0) setSelected(new Set());
      else if (isFiltered(filters)) change({ filters: noFilters });
    },
  });

  return (
    <div className="list-page">
      <FilterPanel
        counts={counts}
        filters={filters}
        open={panelOpen}
        onClose={() => setPanelOpen(false)}
        onChoose={choose}
        onChange={(next) => change({ filters: next })}
      />
      <main id="content" className="list-main">
        <h1 className="only-read">Applications</h1>
        <ConnectionNote stream={stream} onRetry={() => applications.restart()} />
        <Toolbar
          searchBox={searchBox}
          state={{ ...state, view }}
          onText={(text) => {
            setActive({ index: -1, moved: 0 });
            change({ filters: { ...filters, text } });
          }}
          onSort={(next) => change({ sort: next })}
          onView={showView}
          onEnterList={() => moveTo(0)}
          onPanel={() => setPanelOpen(true)}
          onCreate={() => setCreating(true)}
        />
        <SummaryBar total={rows.total} counts={counts} filters={filters} loaded={loaded} onChoose={choose} />
        <ListBody
          loaded={loaded}
          failure={failure}
          asking={asking}
          filtered={isFiltered(filters)}
          rows={rows}
          list={JSON.stringify(parameters)}
          view={view}
          sort={sort}
          active={active}
          selected={selected}
          columns={columns}
          onSee={see}
          onSelect={select}
          onSort={(next) => change({ sort: next })}
          onReset={() => change({ filters: noFilters })}
          onCreate={() => setCreating(true)}
          onRetry={() => applications.restart()}
        />
        <SelectionBar total={rows.total} selected={selected} onSelected={setSelected} onSelectAll={selectAll} />
      </main>
      {creating && <NewApplicationDialog rows={rows.known()} onClose={() => setCreating(false)} />}
    </div>
  );
}
