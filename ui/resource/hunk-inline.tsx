// A hunk in one column.
import type { Hunk } from "../model/diff.ts";
import { DiffLineText } from "./diff-line.tsx";

const signs = { same: " ", removed: "−", added: "+" } as const;

export function HunkInline({ hunk }: { readonly hunk: Hunk }) {
  return (
    <div className="hunk">
      {hunk.lines.map((line, index) => (
        <div key={index} className={`diff-line diff-${line.kind}`}>
          <span className="diff-number">{line.before ?? line.after}</span>
          <span className="diff-sign">{signs[line.kind]}</span>
          <span className="diff-code">
            <DiffLineText line={line} />
          </span>
        </div>
      ))}
    </div>
  );
}
