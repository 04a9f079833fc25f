// A hunk with live on the left and desired on the right.
import { sideBySide, type DiffLine, type Hunk } from "../model/diff.ts";
import { DiffLineText } from "./diff-line.tsx";

export function HunkSides({ hunk }: { readonly hunk: Hunk }) {
  return (
    <div className="hunk">
      {sideBySide(hunk).map(({ left, right }, index) => (
        <div key={index} className="side-row">
          <Side line={left} number={left?.before} />
          <Side line={right} number={right?.after} />
        </div>
      ))}
    </div>
  );
}

function Side({ line, number }: { readonly line: DiffLine | undefined; readonly number: number | undefined }) {
  return (
    <div className={`diff-line diff-${line?.kind ?? "empty"}`}>
      <span className="diff-number">{number}</span>
      <span className="diff-code">{line && <DiffLineText line={line} />}</span>
    </div>
  );
}
