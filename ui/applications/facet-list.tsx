// One filter: its values with how many applications each would show. Long lists show their top and can be searched.
import { useId, useState } from "react";
import { Status } from "../common/status.tsx";
import type { Facet, FacetCount } from "../model/filter.ts";
import { shortRepository } from "../model/text.ts";

export interface FacetListProps {
  readonly facet: Facet;
  readonly counts: readonly FacetCount[];
  readonly chosen: readonly string[];
  readonly onChoose: (facet: Facet, value: string) => void;
}

const titles: Readonly<Record<Facet, string>> = {
  sync: "Sync status",
  health: "Health",
  project: "Project",
  cluster: "Cluster",
  namespace: "Namespace",
  label: "Label",
  repo: "Repository",
};
const atFirst = 6;
const atMost = 60;

export function FacetList({ facet, counts, chosen, onChoose }: FacetListProps) {
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const heading = useId();
  if (counts.length === 0) return null;
  const matching =
    text === "" ? counts : counts.filter(({ value }) => value.toLowerCase().includes(text.toLowerCase()));
  const limit = all || text !== "" ? atMost : atFirst;
  const shown = matching.filter(({ value }, index) => index < limit || chosen.includes(value));
  return (
    <section className="facet" role="group" aria-labelledby={heading}>
      <h3 id={heading}>{titles[facet]}</h3>
      {counts.length > 12 && (
        <input
          type="search"
          className="facet-search"
          aria-label={`Search in ${titles[facet]}`}
          placeholder={`Search ${counts.length}`}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {shown.map(({ value, count }) => (
        <label key={value} className="facet-value" title={value}>
          <input type="checkbox" checked={chosen.includes(value)} onChange={() => onChoose(facet, value)} />
          <span className="facet-word">
            {facet === "sync" || facet === "health" ? (
              <Status of={facet} value={value} />
            ) : facet === "repo" ? (
              shortRepository(value)
            ) : (
              value
            )}
          </span>
          <span className="facet-count">{count.toLocaleString("en")}</span>
        </label>
      ))}
      {matching.length > atFirst && text === "" && (
        <button type="button" className="link-button" onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${Math.min(matching.length, atMost) - atFirst} more`}
        </button>
      )}
      {matching.length > atMost && (all || text !== "") && <p className="hint">Search to see the others.</p>}
    </section>
  );
}
