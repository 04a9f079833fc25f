// A Helm repository's index.yaml. It may have tens of megabytes while one chart of it is asked for: so the text is scanned
// for where each chart's entries stand, and only those that are asked for are parsed. An index that is written in another
// way (as JSON, in flow style, with anchors) is parsed whole, up to a size. Source: Helm's "The Chart Repository Guide".
import { FAILSAFE_SCHEMA, load } from "js-yaml";
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import type { ArtifactDetails } from "./types.ts";

/** One version of a chart. */
export interface IndexEntry {
  readonly version: string;
  readonly urls: readonly string[];
  /** As written: hexadecimal, with or without `sha256:` in front. */
  readonly digest?: string;
  readonly details: ArtifactDetails;
}

/** Where each chart's entries stand: from and to, in bytes. */
export type IndexPlaces = ReadonlyMap<string, readonly [number, number]>;

const maxWholeBytes = 32 << 20;
const lineFeed = 10;

/**
 * Finds the charts of an index that is written in block style, as `helm repo index` writes it. Undefined where it is
 * written in another way. Gives way to other work between parts of a large one.
 */
export async function placesIn(bytes: Buffer): Promise<IndexPlaces | undefined> {
  const scan = new Scan();
  let breath = 0;
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(lineFeed, at);
    const next = end < 0 ? bytes.length : end + 1;
    if (!scan.line(bytes, at, next)) return undefined;
    if ((breath += next - at) > 4 << 20) {
      breath = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    at = next;
  }
  return scan.end(bytes.length);
}

const space = 32;
const plainKey = /^ *(?:"([^"\\]+)"|'([^']+)'|([A-Za-z0-9_][^\s:#"'{}[\],&*!|>%@`]*)): *(?:#.*)?\r?\n?$/;

class Scan {
  private readonly places = new Map<string, readonly [number, number]>();
  private inEntries = false;
  private found = false;
  private indent = -1;
  private open: { readonly chart: string; readonly start: number } | undefined;

  /** Takes one line; false where the index is not written in block style. */
  line(bytes: Buffer, start: number, end: number): boolean {
    let indent = 0;
    while (bytes[start + indent] === space) indent++;
    const first = bytes[start + indent];
    // Empty lines and comments say nothing; nothing that stands deeper than the charts' names is looked at.
    if (first === undefined || first === lineFeed || first === 13 || first === 35) return true;
    if (!this.inEntries) {
      if (indent > 0) return true;
      const text = bytes.toString("utf8", start, Math.min(end, start + 200));
      if (/^[{[]/.test(text)) return false;
      if (!text.startsWith("entries:")) return true;
      this.found = true;
      this.inEntries = /^entries:\s*(?:#.*)?$/.test(text.trimEnd());
      return this.inEntries || /^entries:\s*\{\s*\}\s*$/.test(text);
    }
    if (indent === 0) {
      this.close(start);
      this.inEntries = false;
      return first !== 45 && this.line(bytes, start, end);
    }
    if (this.indent < 0) this.indent = indent;
    if (indent > this.indent) return true;
    if (indent < this.indent) return false;
    if (first === 45) return this.open !== undefined; // a list may stand at its key's own depth
    this.close(start);
    const match = plainKey.exec(bytes.toString("utf8", start, Math.min(end, start + 400)));
    if (!match) return false;
    const chart = match[1] ?? match[2] ?? match[3] ?? "";
    if (this.places.has(chart)) return false;
    this.open = { chart, start };
    return true;
  }

  private close(at: number): void {
    if (this.open) this.places.set(this.open.chart, [this.open.start, at]);
    this.open = undefined;
  }

  end(length: number): IndexPlaces | undefined {
    this.close(length);
    return this.found ? this.places : undefined;
  }
}

/** The entries of one chart, from the part of an index where they stand. Error: ARTIFACT_INVALID. */
export function entriesIn(part: Buffer, chart: string, index: string): readonly IndexEntry[] {
  const parsed = parse(part.toString("utf8"), index);
  return entriesOf(isObject(parsed) ? parsed[chart] : undefined);
}

/** Every chart of an index that is parsed whole. Error: ARTIFACT_INVALID where it is none; TOO_LARGE. */
export function wholeIndex(bytes: Buffer, index: string): ReadonlyMap<string, readonly IndexEntry[]> {
  if (bytes.length > maxWholeBytes)
    throw new DriftlessError(
      "TOO_LARGE",
      `${index} has ${bytes.length} bytes and is not written as helm repo index writes it: such an index may have ${maxWholeBytes} bytes`,
    );
  const text = bytes.toString("utf8");
  const parsed = parse(text, index);
  const entries = isObject(parsed) ? parsed["entries"] : undefined;
  const empty = isObject(parsed) && stringAt(parsed, "apiVersion") !== undefined && !entries;
  if (!isObject(entries) && !empty)
    throw new DriftlessError("ARTIFACT_INVALID", `${index} is no index of a Helm repository: it has no entries`);
  return new Map(Object.entries(isObject(entries) ? entries : {}).map(([chart, list]) => [chart, entriesOf(list)]));
}

function parse(text: string, index: string): unknown {
  try {
    if (/^\s*\{/.test(text)) return JSON.parse(text) as unknown;
  } catch {
    // YAML in flow style, or nothing that can be read: the next lines say.
  }
  try {
    return load(text, { schema: FAILSAFE_SCHEMA });
  } catch (error) {
    throw new DriftlessError(
      "ARTIFACT_INVALID",
      `${index} is no index of a Helm repository: ${(error as Error).message.split("\n")[0]}`,
      { cause: error },
    );
  }
}

function entriesOf(list: unknown): readonly IndexEntry[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((one: unknown): IndexEntry[] => {
    const version = stringAt(one, "version");
    if (version === undefined || !isObject(one)) return [];
    const digest = stringAt(one, "digest");
    const urls = Array.isArray(one["urls"]) ? one["urls"].filter((url) => typeof url === "string") : [];
    return [{ version, urls, ...(digest ? { digest } : {}), details: detailsOf(one) }];
  });
}

/** What an index entry or a Chart.yaml says of its chart. */
export function detailsOf(metadata: unknown): ArtifactDetails {
  const people = isObject(metadata) && Array.isArray(metadata["maintainers"]) ? metadata["maintainers"] : [];
  const maintainers = people.flatMap((person): string[] => {
    const [name, email] = [stringAt(person, "name"), stringAt(person, "email")];
    return name === undefined ? [] : [email === undefined ? name : `${name} <${email}>`];
  });
  const text = (name: string): string | undefined => stringAt(metadata, name) || undefined;
  const [description, home, created] = [text("description"), text("home"), text("created")];
  return {
    ...(description ? { description } : {}),
    ...(home ? { home } : {}),
    ...(created ? { created } : {}),
    ...(maintainers.length > 0 ? { maintainers } : {}),
  };
}
