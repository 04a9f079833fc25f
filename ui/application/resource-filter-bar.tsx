// Filters of one application's resources: name, kind, sync, health.
import { Search } from "lucide-react";
import { memo, useMemo, type RefObject } from "react";
import { Button } from "../common/button.tsx";
import { healthOf, isResourceFiltered, noResourceFilters, type Resource, type ResourceFilters } from "../model/tree.ts";

export interface ResourceFilterBarProps {
  readonly searchBox: RefObject<HTMLInputElement | null>;
  readonly resources: readonly Resource[];
  readonly filters: ResourceFilters;
  readonly onChange: (filters: ResourceFilters) => void;
}

type Choice = "kinds" | "sync" | "health";
const words: Readonly<Record<Choice, string>> = { kinds: "All kinds", sync: "Any sync", health: "Any health" };

export const ResourceFilterBar = memo(function ResourceFilterBar(props: ResourceFilterBarProps) {
  const { searchBox, resources, filters, onChange } = props;
  const values = useMemo(() => {
    const found: Record<Choice, Map<string, number>> = { kinds: new Map(), sync: new Map(), health: new Map() };
    const add = (choice: Choice, value: string | undefined): void => {
      if (value) found[choice].set(value, (found[choice].get(value) ?? 0) + 1);
    };
    for (const resource of resources) {
      add("kinds", resource.node.kind);
      add("sync", resource.status?.status);
      add("health", healthOf(resource));
    }
    return found;
  }, [resources]);
  return (
    <div className="resource-filters" role="search">
      <div className="search">
        <Search size={15} aria-hidden />
        <input
          ref={searchBox}
          type="search"
          aria-label="Filter resources by name"
          aria-keyshortcuts="/"
          placeholder="Kind or name …"
          value={filters.text}
          spellCheck={false}
          onChange={(event) => onChange({ ...filters, text: event.target.value })}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            if (filters.text === "") event.currentTarget.blur();
            onChange({ ...filters, text: "" });
          }}
        />
      </div>
      {(["kinds", "sync", "health"] as const).map((choice) => (
        <select
          key={choice}
          aria-label={words[choice]}
          value={filters[choice][0] ?? ""}
          className={filters[choice].length > 0 ? "marked" : undefined}
          onChange={(event) => onChange({ ...filters, [choice]: event.target.value ? [event.target.value] : [] })}
        >
          <option value="">{words[choice]}</option>
          {[...values[choice]].sort(byValue).map(([value, count]) => (
            <option key={value} value={value}>
              {value} ({count})
            </option>
          ))}
        </select>
      ))}
      {isResourceFiltered(filters) && (
        <Button look="quiet" onClick={() => onChange(noResourceFilters)}>
          Clear
        </Button>
      )}
    </div>
  );
});

function byValue(a: readonly [string, number], b: readonly [string, number]): number {
  return a[0] < b[0] ? -1 : 1;
}
