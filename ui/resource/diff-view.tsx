// What a sync would change of one object: only the changed parts, in one column or side by side.
import { CircleCheck, Columns2, Rows2 } from "lucide-react";
import { useMemo, useState } from "react";
import { Button } from "../common/button.tsx";
import { changedLines, diffObjects } from "../model/diff.ts";
import { plural } from "../model/text.ts";
import { HunkInline } from "./hunk-inline.tsx";
import { HunkSides } from "./hunk-sides.tsx";

export interface DiffViewProps {
  /** null: it does not exist. */
  readonly live: unknown;
  /** As the object would be after a sync; null: Git does not have it. */
  readonly desired: unknown;
}

export function DiffView({ live, desired }: DiffViewProps) {
  const [sides, setSides] = useState(false);
  const hunks = useMemo(() => diffObjects(live, desired), [live, desired]);
  if (hunks.length === 0) {
    return (
      <p className="diff-none">
        <CircleCheck size={16} aria-hidden className="tone-good" /> No difference: the cluster has what Git says.
      </p>
    );
  }
  const { added, removed } = changedLines(hunks);
  const what = live === null ? "A sync creates it." : desired === null ? "A sync with prune deletes it." : "";
  return (
    <div className="diff">
      <div className="manifest-tools">
        <span>
          <span className="tone-bad">−{removed}</span> <span className="tone-good">+{added}</span>{" "}
          <span className="faint">{what || plural(Math.max(added, removed), "line")}</span>
        </span>
        <span className="grow" />
        <div className="switch" role="group" aria-label="Layout of the diff">
          <Button icon={Rows2} label="In one column" aria-pressed={!sides} onClick={() => setSides(false)} />
          <Button icon={Columns2} label="Side by side" aria-pressed={sides} onClick={() => setSides(true)} />
        </div>
      </div>
      <p className="hint">Red is live, green is what Git wants. Secrets are masked; equal masks mean equal values.</p>
      <div className="diff-text" tabIndex={0} aria-label="Difference">
        {hunks.map((hunk, index) => (
          <div key={index}>
            {hunk.skipped > 0 && <div className="diff-skip">{plural(hunk.skipped, "equal line")}</div>}
            {sides ? <HunkSides hunk={hunk} /> : <HunkInline hunk={hunk} />}
          </div>
        ))}
      </div>
    </div>
  );
}
