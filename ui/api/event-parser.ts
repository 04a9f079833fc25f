// Server-sent events out of pieces of text, as the HTML standard's "Interpreting an event stream" has it, as far as the
// server uses it: `data:` lines and comments. Pure.

/** Returns a function that takes the next piece of text and returns the data of each event that it completed. */
export function eventParser(): (piece: string) => readonly string[] {
  // Pieces of a line still open are kept apart and joined once, so that a line in a thousand pieces costs no more.
  let open: string[] = [];
  let data: string[] = [];
  return (piece) => {
    const events: string[] = [];
    let from = 0;
    for (let end = piece.indexOf("\n"); end >= 0; end = piece.indexOf("\n", from)) {
      open.push(piece.slice(from, end));
      const line = open.length === 1 ? open[0]! : open.join("");
      open = [];
      from = end + 1;
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (text === "") {
        if (data.length > 0) events.push(data.join("\n"));
        data = [];
      } else if (text.startsWith("data:")) {
        data.push(text.slice(text[5] === " " ? 6 : 5));
      }
    }
    if (from < piece.length) open.push(piece.slice(from));
    return events;
  };
}
