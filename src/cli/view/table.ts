// Tables as argocd prints them, which is as Go's text/tabwriter aligns them: a column is as wide as its widest cell in
// neighbouring lines, plus two spaces; the last cell of a line is not padded. Scripts parse this.

/** Takes rows of cells; returns the text, a line for each row. */
export function table(rows: readonly (readonly string[])[], minimumWidth = 0): string {
  const widths = rows.map((row) => row.slice(1).map(() => 0));
  const columns = Math.max(0, ...widths.map((line) => line.length));
  for (let column = 0; column < columns; column++) {
    for (let start = 0; start < rows.length; start++) {
      if (widths[start]!.length <= column) continue;
      let end = start;
      let width = minimumWidth;
      for (; end < rows.length && widths[end]!.length > column; end++)
        width = Math.max(width, visibleLength(rows[end]![column]!) + 2);
      for (let line = start; line < end; line++) widths[line]![column] = width;
      start = end;
    }
  }
  return rows
    .map((row, line) => {
      const padded = row.map((cell, column) => {
        const width = widths[line]![column];
        return width === undefined ? cell : cell + " ".repeat(Math.max(0, width - visibleLength(cell)));
      });
      return `${padded.join("")}\n`;
    })
    .join("");
}

/** Characters that a terminal shows: colours take no room. */
export function visibleLength(text: string): number {
  // oxlint-disable-next-line no-control-regex
  const plain = text.includes("\u001b") ? text.replace(/\u001b\[[0-9;]*m/g, "") : text;
  return Array.from(plain).length;
}

/**
 * A text of the server on one line, without control characters: messages of resources come from strangers, and a
 * terminal would obey them.
 */
export const oneLine = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/\s*[\r\n]+\s*/g, " ").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");

/** `Name:               value`, as argocd's summaries are laid out. */
export const labelled = (name: string, value: string): string => `${name.padEnd(20)}${oneLine(value)}\n`;
