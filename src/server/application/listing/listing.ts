// Lists of applications: filtered, sorted, paged and counted from an index that follows the watch, and written from texts
// that are kept for as long as an application stays as it is. Knows nothing of transports.
import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { Application } from "#model/application.ts";
import { ApplicationSchema } from "#protocol/gen/argoproj/v1alpha1_pb.js";
import { BytesWriter } from "#protocol/bytes.ts";
import { readyList } from "#protocol/ready.ts";
import { PreparedAnswer } from "../../rpc/prepared.ts";
import type { ApplicationServiceDeps } from "../deps.ts";
import { fieldsOf } from "./fields.ts";
import { tokenOf, type ListPage } from "./listing-query.ts";
import { rowOf, Rows, type Facet, type ListFilter, type Row } from "./listing-rows.ts";

/** Texts that are kept of one application: as many different `fields`. */
const textsKept = 3;
/** Of all applications together: ten thousand usual ones in every form; the oldest make room. */
const keptAtMostBytes = 128 * 1024 * 1024;
/** Other work gets its turn after so long. */
const turnMs = 10;
/** A list is written in pieces of so many characters. */
const pieceLength = 160 * 1024;
/** The number of the field `items` in Argo CD's ApplicationList. */
const itemsNumber = 2;

interface Written {
  /** The comparison that health was read from, and its version. */
  readonly table: unknown;
  readonly version: number;
  readonly texts: Map<string, string>;
  bytes: Uint8Array | undefined;
  /** Of all of them. */
  size: number;
}

/** What is written of applications, within a bound. */
class Kept {
  readonly #atMostBytes: number;
  readonly #oldestFirst = new Set<Written>();
  #bytes = 0;

  constructor(atMostBytes: number) {
    this.#atMostBytes = atMostBytes;
  }

  grew(written: Written, byBytes: number): void {
    written.size += byBytes;
    this.#bytes += byBytes;
    this.#oldestFirst.add(written);
    for (const oldest of this.#oldestFirst) {
      if (this.#bytes <= this.#atMostBytes) break;
      this.drop(oldest);
    }
  }

  drop(written: Written): void {
    if (!this.#oldestFirst.delete(written)) return;
    this.#bytes -= written.size;
    written.texts.clear();
    written.bytes = undefined;
    written.size = 0;
  }
}

export interface ListingDeps extends Pick<ApplicationServiceDeps, "applications" | "controller" | "normaliseUrl"> {
  /** What an application looks like in an answer. */
  presented(app: Application): Application;
}

/** The index and the texts; follows the watch from the beginning, so that the first who asks does not wait for it. */
export class Listing {
  readonly #deps: ListingDeps;
  readonly #written = new WeakMap<Application, Written>();
  readonly #rowByApp = new WeakMap<Application, Row>();
  readonly #rows = new Rows();
  readonly #kept: Kept;
  readonly #writer = new BytesWriter();

  constructor(deps: ListingDeps, keptBytes = keptAtMostBytes) {
    this.#deps = deps;
    this.#kept = new Kept(keptBytes);
    for (const app of deps.applications.values()) this.#rows.set(this.rowOf(app));
    deps.applications.subscribe(({ before, after }) => {
      const written = before && this.#written.get(before);
      if (written) this.#kept.drop(written);
      if (after) this.#rows.set(this.rowOf(after));
      else if (before) this.#rows.delete(this.rowOf(before).key);
    });
  }

  /** The row of an application as it is now or was. */
  rowOf(app: Application): Row {
    let row = this.#rowByApp.get(app);
    if (!row) this.#rowByApp.set(app, (row = rowOf(app, (url) => this.#deps.normaliseUrl(url))));
    return row;
  }

  /** The applications that pass, of those that the caller may see. */
  list(filter: ListFilter, page: ListPage, visible: (app: Application) => boolean): PreparedAnswer {
    const { applications } = this.#deps;
    const passed: Row[] = [];
    const tallies = page.counts.map((facet): Tally => ({ facet, counts: new Map() }));
    const verdictOf = this.#rows.verdictsOf(filter);
    for (const slot of this.#rows.sorted(page.sort, page.descending)) {
      const said = verdictOf(slot);
      // A row counts for a facet where no other facet refuses it.
      if (said === "fails" || (said !== "passes" && !page.counts.includes(said))) continue;
      const { row } = slot;
      if (!visible(row.app)) continue;
      if (said === "passes") passed.push(row);
      for (const tally of tallies) if (said === "passes" || said === tally.facet) count(tally, row);
    }
    const start = startOf(passed, page);
    const end = page.limit === 0 ? passed.length : Math.min(passed.length, start + page.limit);
    const rest = passed.length - end;
    const metadata = {
      resourceVersion: applications.resourceVersion,
      ...(rest > 0 ? { continue: tokenOf(passed[end - 1]?.key ?? "", end), remainingItemCount: rest } : {}),
      ...(page.ours ? { total: passed.length } : {}),
      ...(page.counts.length > 0 ? { counts: countsOf(tallies, filter, page.countsLimit) } : {}),
    };
    return new ListAnswer(this, metadata, start === 0 && rest === 0 ? passed : passed.slice(start, end));
  }

  presented(app: Application): Application {
    return this.#deps.presented(app);
  }

  /** An application's JSON in a list, with what `fields` leaves of it. */
  text(app: Application, fields: string): string {
    const written = this.#writtenOf(app);
    const { texts } = written;
    let text = texts.get(fields);
    if (text === undefined) {
      const shown = this.#deps.presented(app);
      const picked = fieldsOf(fields)?.({ items: [shown] }) as { items?: readonly unknown[] } | undefined;
      text = JSON.stringify(picked ? (picked.items?.[0] ?? {}) : shown);
      if (texts.size >= textsKept) this.#kept.drop(written);
      texts.set(fields, text);
      this.#kept.grew(written, text.length);
    }
    return text;
  }

  /** An application's message in a list, with its length before it. */
  bytes(app: Application): Uint8Array {
    const written = this.#writtenOf(app);
    if (written.bytes) return written.bytes;
    const bytes = (written.bytes = this.#writer.delimited(ApplicationSchema, this.#deps.presented(app)));
    this.#kept.grew(written, bytes.length);
    return bytes;
  }

  /** What is kept of this state of an application and of its objects' health. */
  #writtenOf(app: Application): Written {
    const { namespace = "", name = "" } = app.metadata;
    const table = this.#deps.controller.state(namespace, name)?.table;
    const version = table?.version ?? 0;
    let written = this.#written.get(app);
    if (written && written.table === table && written.version === version) return written;
    if (written) this.#kept.drop(written);
    this.#written.set(app, (written = { table, version, texts: new Map(), bytes: undefined, size: 0 }));
    return written;
  }
}

/** Rows, and what is written of them when somebody asks. */
class ListAnswer extends PreparedAnswer {
  readonly #listing: Listing;
  readonly #metadata: object;
  readonly #rows: readonly Row[];

  constructor(listing: Listing, metadata: object, rows: readonly Row[]) {
    super();
    this.#listing = listing;
    this.#metadata = metadata;
    this.#rows = rows;
  }

  object(): object {
    return { metadata: this.#metadata, items: this.#rows.map(({ app }) => this.#listing.presented(app)) };
  }

  async *pieces(fields: string): AsyncGenerator<Buffer> {
    const frame = { metadata: this.#metadata, items: [] };
    const picked = (fieldsOf(fields)?.(frame) ?? frame) as Partial<typeof frame>;
    const { items, ...rest } = picked;
    if (!items) return yield Buffer.from(JSON.stringify(picked));
    const head = JSON.stringify(rest).slice(1, -1);
    let texts = [`{${head === "" ? "" : `${head},`}"items":[`];
    let length = 0;
    let turnEnds = performance.now() + turnMs;
    for (const [index, { app }] of this.#rows.entries()) {
      const text = this.#listing.text(app, fields);
      if (length > 0 && length + text.length > pieceLength) {
        yield joined(texts);
        [texts, length] = [[], 0];
        if (performance.now() > turnEnds) {
          await nextTurn();
          turnEnds = performance.now() + turnMs;
        }
      }
      if (index > 0) texts.push(",");
      texts.push(text);
      length += text.length + 1;
    }
    texts.push("]}");
    yield joined(texts);
  }

  async message(output: DescMessage): Promise<Message> {
    const items = await inTurns(this.#rows, ({ app }) => this.#listing.bytes(app));
    return readyList(output, { metadata: this.#metadata }, { number: itemsNumber, items });
  }
}

async function inTurns<T, U>(items: readonly T[], map: (item: T) => U): Promise<U[]> {
  const mapped: U[] = [];
  let turnEnds = performance.now() + turnMs;
  for (const item of items) {
    mapped.push(map(item));
    if (performance.now() < turnEnds) continue;
    await nextTurn();
    turnEnds = performance.now() + turnMs;
  }
  return mapped;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Texts as bytes, without a text of them all in between: large ones cost the most to collect as garbage. */
function joined(texts: readonly string[]): Buffer {
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text);
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const text of texts) at += buffer.write(text, at);
  return buffer;
}

/** Where a page begins: behind the last row of the page before, or where that stood. */
function startOf(rows: readonly Row[], { after, offset }: ListPage): number {
  const at = after === undefined ? -1 : rows.findIndex(({ key }) => key === after);
  return at >= 0 ? at + 1 : Math.min(offset, rows.length);
}

/** How often each value of a facet was seen; in boxes, so that one more is one look-up. */
interface Tally {
  readonly facet: Facet;
  readonly counts: Map<string, { count: number }>;
}

function count({ facet, counts }: Tally, row: Row): void {
  for (const value of row.values[facet]) {
    const box = counts.get(value);
    if (box) box.count++;
    else counts.set(value, { count: 1 });
  }
}

/** Of each facet the most frequent values, where only so many are wanted, and those that are chosen. */
function countsOf(
  tallies: readonly Tally[],
  { chosen }: ListFilter,
  limit: number,
): Record<string, Record<string, number>> {
  return Object.fromEntries(
    tallies.map(({ facet, counts }) => {
      const wanted = chosen.find((each) => each.facet === facet)?.wanted;
      const all = [...counts].map(([value, box]) => [value, box.count] as const);
      if (limit === 0 || all.length <= limit) return [facet, Object.fromEntries(all)];
      const frequent = all.toSorted(([, a], [, b]) => b - a);
      return [facet, Object.fromEntries(frequent.filter(([value], index) => index < limit || wanted?.has(value)))];
    }),
  );
}
