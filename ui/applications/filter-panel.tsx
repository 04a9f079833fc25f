// The filters with counts, at the side; a drawer on narrow screens.
import { X } from "lucide-react";
import { memo } from "react";
import { Button } from "../common/button.tsx";
import { facets, isFiltered, noFilters, type Counts, type Facet, type Filters } from "../model/filter.ts";
import { FacetList } from "./facet-list.tsx";

export interface FilterPanelProps {
  readonly counts: Counts;
  readonly filters: Filters;
  /** Of the drawer; where there is room the panel always shows. */
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onChoose: (facet: Facet, value: string) => void;
  readonly onChange: (filters: Filters) => void;
}

export const FilterPanel = memo(function FilterPanel(props: FilterPanelProps) {
  const { counts, filters, open, onClose, onChoose, onChange } = props;
  return (
    <>
      {open && <div className="scrim" onClick={onClose} aria-hidden />}
      <aside className={open ? "filters open" : "filters"} aria-label="Filters">
        <header>
          <h2>Filters</h2>
          {isFiltered(filters) && (
            <Button look="quiet" onClick={() => onChange(noFilters)}>
              Clear
            </Button>
          )}
          <Button icon={X} look="quiet" className="filters-close" label="Close the filters" onClick={onClose} />
        </header>
        {facets.map((facet) => (
          <FacetList
            key={facet}
            facet={facet}
            counts={counts[facet]}
            chosen={filters.chosen[facet] ?? []}
            onChoose={onChoose}
          />
        ))}
      </aside>
    </>
  );
});
