// Cuts a stream of bytes into lines of text. A character or a line may be split anywhere between two chunks.

/** Feed it chunks; it calls back with each whole line (without its end), in order. Empty lines are left out. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #rest: Buffer[] = [];

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      // 0x0a never occurs inside a multi-byte UTF-8 character, so bytes can be cut before they are decoded.
      const end = chunk.indexOf(0x0a, start);
      if (end < 0) break;
      const line = this.#take(chunk, start, end);
      start = end + 1;
      if (line !== "") this.#onLine(line);
    }
    // Copied: a chunk is a view of a larger network buffer, which a long rest would keep alive.
    if (start < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(start)));
  }

  /** What stands after the last line's end: a line that the server did not finish. */
  rest(): string {
    return Buffer.concat(this.#rest).toString("utf8");
  }

  #take(chunk: Buffer, start: number, end: number): string {
    if (this.#rest.length === 0) return chunk.toString("utf8", start, end);
    this.#rest.push(chunk.subarray(start, end));
    const whole = Buffer.concat(this.#rest).toString("utf8");
    this.#rest = [];
    return whole;
  }
}
