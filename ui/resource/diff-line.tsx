// The text of one line of a diff, its changed words marked.
import type { DiffLine } from "../model/diff.ts";

export function DiffLineText({ line }: { readonly line: DiffLine }) {
  if (!line.pieces) return <>{line.text || " "}</>;
  return <>{line.pieces.map((piece, index) => (piece.changed ? <mark key={index}>{piece.text}</mark> : piece.text))}</>;
}
