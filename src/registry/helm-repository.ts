// A Helm repository: an index.yaml over HTTP(S) and the archives that it names. Its index is asked for with what was
// learnt last time (ETag, Last-Modified), kept by digest, and shared by all who ask at the same time.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { bestVersion, isExactVersion } from "#model/versions.ts";
import { refusedAnswer, versionMissing } from "./failures.ts";
import { shown, type HttpClient } from "./http.ts";
import { entriesIn, placesIn, wholeIndex, type IndexEntry, type IndexPlaces } from "./index-file.ts";
import { createShared } from "#git/shared.ts";
import { digestOf, type ContentStore } from "./store.ts";
import type { RegistryAccess } from "./types.ts";

export interface HelmRepositoryOptions {
  readonly access: RegistryAccess;
  readonly http: HttpClient;
  readonly store: ContentStore;
  readonly clock: Clock;
  /** Names notes of this repository as these credentials see it. */
  readonly scope: string;
  readonly maxIndexBytes: number;
  readonly maxArchiveBytes: number;
  /** How soon the index is asked for again for a version that it lacks. */
  readonly lookAgainMs: number;
}

interface Index {
  readonly digest: string;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly places: IndexPlaces | undefined;
  readonly whole: ReadonlyMap<string, readonly IndexEntry[]> | undefined;
  readonly parsed: Map<string, readonly IndexEntry[]>;
}

export interface FoundChart {
  readonly version: string;
  readonly digest: string;
}

export class HelmRepository {
  private readonly options: HelmRepositoryOptions;
  /** With a slash at the end of its path. */
  private readonly base: URL;
  private readonly sharing = createShared();
  private index: Index | undefined;
  /** When the server last said what the index is. */
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: HelmRepositoryOptions) {
    this.options = options;
    this.base = new URL(options.access.url);
    this.base.pathname = `${this.base.pathname.replace(/\/+$/, "")}/`;
  }

  get url(): string {
    return shown(this.base.href).replace(/\/$/, "");
  }

  /** Asks the server for news; whether the index is another one now. Errors: REPOSITORY_UNREACHABLE, ARTIFACT_INVALID, TOO_LARGE. */
  async refresh(op: Operation): Promise<boolean> {
    const before = (await this.known())?.digest;
    const after = await this.sharing.run(op, "index", (inner) => this.fetchIndex(inner));
    return before !== after.digest;
  }

  /** All versions of a chart, as the index has them. Error: REVISION_NOT_FOUND where it has no such chart. */
  async entries(op: Operation, chart: string): Promise<readonly IndexEntry[]> {
    const fetched = (): Promise<Index> => this.sharing.run(op, "index", (inner) => this.fetchIndex(inner));
    const found = await this.entriesOf((await this.known()) ?? (await fetched()), chart);
    if (found) return found;
    this.index = undefined; // its file is gone
    return (await this.entriesOf(await fetched(), chart)) ?? [];
  }

  /** Names of all charts. */
  charts(op: Operation): Promise<readonly string[]> {
    return this.sharing.run(op, "charts", async (inner) => {
      const index = (await this.known()) ?? (await this.fetchIndex(inner));
      return [...(index.whole ?? index.places ?? new Map<string, never>()).keys()].sort();
    });
  }

  /**
   * The version that a revision means now. A version that the index lacks makes it be asked for anew, but not more often
   * than every few seconds. Errors: REVISION_NOT_FOUND, and those of `refresh`.
   */
  async find(op: Operation, chart: string, revision: string): Promise<IndexEntry> {
    const look = async (): Promise<IndexEntry | undefined> => {
      const entries = await this.entries(op, chart).catch((error: unknown) => {
        if (error instanceof DriftlessError && error.code === "REVISION_NOT_FOUND") return [];
        throw error;
      });
      const version = bestVersion(
        revision,
        entries.map((entry) => entry.version),
      );
      return version === undefined ? undefined : entries.find((entry) => entry.version === version);
    };
    const found = await look();
    if (found) return found;
    if (this.options.clock.monotonic() - this.askedAt >= this.options.lookAgainMs) {
      await this.refresh(op);
      const again = await look();
      if (again) return again;
    }
    const entries = await this.entries(op, chart);
    throw versionMissing({
      what: `chart ${chart} of ${this.url}`,
      revision,
      versions: entries.map((entry) => entry.version),
    });
  }

  /** The archive's digest of a version, which is fetched where it is not kept. An exact version that is kept asks nobody. */
  async resolve(op: Operation, chart: string, revision: string): Promise<FoundChart> {
    if (isExactVersion(revision)) {
      const kept = await this.kept(chart, revision);
      if (kept) return kept;
    }
    const entry = await this.find(op, chart, revision);
    return this.sharing.run(op, `chart ${chart} ${entry.version}`, (inner) => this.fetchChart(inner, chart, entry));
  }

  async archive(op: Operation, chart: string, found: FoundChart): Promise<Buffer> {
    const kept = await this.options.store.content(found.digest);
    if (kept) return kept;
    const entry = await this.find(op, chart, found.version);
    const again = await this.sharing.run(op, `chart ${chart} ${entry.version}`, (inner) =>
      this.fetchChart(inner, chart, entry),
    );
    const bytes = await this.options.store.content(again.digest);
    if (!bytes || again.digest !== found.digest)
      throw new DriftlessError(
        "ARTIFACT_INVALID",
        `chart ${chart} ${found.version} of ${this.url} was published anew while it was read`,
      );
    return bytes;
  }

  close(): void {
    this.sharing.close();
  }

  /** What is known of the index without asking the server: in memory, else on disk. */
  private async known(): Promise<Index | undefined> {
    if (this.index) return this.index;
    const note = await this.options.store.note(`index ${this.options.scope}`);
    const digest = stringAt(note, "digest");
    const bytes = digest === undefined ? undefined : await this.options.store.content(digest);
    if (!bytes || digest === undefined || this.index) return this.index;
    const [etag, lastModified] = [stringAt(note, "etag"), stringAt(note, "lastModified")];
    return (this.index = await this.read(bytes, digest, {
      ...(etag ? { etag } : {}),
      ...(lastModified ? { lastModified } : {}),
    }));
  }

  private async read(bytes: Buffer, digest: string, validators: Pick<Index, "etag" | "lastModified">): Promise<Index> {
    const places = await placesIn(bytes);
    const whole = places ? undefined : wholeIndex(bytes, `${this.url}/index.yaml`);
    return { digest, ...validators, places, whole, parsed: new Map() };
  }

  /** Undefined where the kept index is gone. Error: REVISION_NOT_FOUND where it has no such chart. */
  private async entriesOf(index: Index, chart: string): Promise<readonly IndexEntry[] | undefined> {
    let entries = index.whole?.get(chart) ?? index.parsed.get(chart);
    const place = index.places?.get(chart);
    if (!entries && place) {
      const part = await this.options.store.slice(index.digest, place[0], place[1]);
      if (!part) return undefined;
      entries = entriesIn(part, chart, `${this.url}/index.yaml`);
      index.parsed.set(chart, entries);
    }
    if (entries && entries.length > 0) return entries;
    const all = [...(index.whole ?? index.places ?? new Map<string, never>()).keys()];
    throw new DriftlessError("REVISION_NOT_FOUND", `${this.url} has no chart ${chart}${like(chart, all)}`, {
      details: { repository: this.url, field: "spec.source.chart" },
    });
  }

  private async fetchIndex(op: Operation): Promise<Index> {
    const before = await this.known();
    const url = this.withQuery(new URL("index.yaml", this.base)).href;
    const answer = await this.options.http.send(op, {
      url,
      maxBytes: this.options.maxIndexBytes,
      compressed: true,
      headers: {
        accept: "application/yaml, text/yaml, */*",
        ...(before?.etag ? { "if-none-match": before.etag } : {}),
        ...(before?.lastModified ? { "if-modified-since": before.lastModified } : {}),
      },
      ...this.authorization(),
    });
    this.askedAt = this.options.clock.monotonic();
    if (answer.status === 304 && before) return before;
    if (answer.status !== 200) throw refusedAnswer(answer, this.options.access, "a Helm repository has an index.yaml");
    const { etag, "last-modified": lastModified } = answer.headers;
    const validators = { ...(etag ? { etag } : {}), ...(lastModified ? { lastModified } : {}) };
    const digest = await digestOf(answer.body);
    // What is no index is not kept, and does not take the place of the last one that was.
    const index =
      before?.digest === digest ? { ...before, ...validators } : await this.read(answer.body, digest, validators);
    await this.options.store.keep(answer.body, digest);
    await this.options.store.setNote(`index ${this.options.scope}`, { digest, ...validators });
    this.index = index;
    return index;
  }

  private async kept(chart: string, version: string): Promise<FoundChart | undefined> {
    const note = await this.options.store.note(`chart ${this.options.scope} ${chart} ${version}`);
    const digest = stringAt(note, "digest");
    if (!isObject(note) || digest === undefined) return undefined;
    // An index that came later may say that the version was published anew.
    const entries = this.index && (await this.entriesOf(this.index, chart).catch(() => undefined));
    const said = entries?.find((entry) => entry.version === version)?.digest;
    if (said !== undefined && stringAt(note, "said") !== said) return undefined;
    return (await this.options.store.has(digest)) ? { version, digest } : undefined;
  }

  private async fetchChart(op: Operation, chart: string, entry: IndexEntry): Promise<FoundChart> {
    const kept = await this.kept(chart, entry.version);
    if (kept) return kept;
    const [written] = entry.urls;
    if (written === undefined)
      throw new DriftlessError(
        "ARTIFACT_INVALID",
        `the index of ${this.url} gives no URL for chart ${chart} ${entry.version}`,
      );
    const url = this.downloadUrl(written, chart);
    const own = new URL(url).origin === this.base.origin;
    const answer = await this.options.http.send(op, {
      url,
      maxBytes: this.options.maxArchiveBytes,
      ...(own || this.options.access.passCredentials === true ? this.authorization() : {}),
    });
    if (answer.status !== 200)
      throw refusedAnswer(answer, this.options.access, `the archive of chart ${chart} ${entry.version}`);
    const digest = await digestOf(answer.body);
    const said = entry.digest?.toLowerCase().replace(/^sha256:/, "");
    if (said !== undefined && /^[0-9a-f]{64}$/.test(said) && digest !== `sha256:${said}`)
      throw new DriftlessError(
        "ARTIFACT_INVALID",
        `${shown(url)}: has the digest ${digest}, and the index says sha256:${said}`,
        { details: { repository: this.url } },
      );
    await this.options.store.keep(answer.body, digest);
    await this.options.store.setNote(`chart ${this.options.scope} ${chart} ${entry.version}`, {
      digest,
      said: entry.digest ?? null,
    });
    return { version: entry.version, digest };
  }

  private downloadUrl(written: string, chart: string): string {
    if (!URL.canParse(written, this.base.href) || !/^https?:$/.test(new URL(written, this.base).protocol))
      throw new DriftlessError(
        "ARTIFACT_INVALID",
        `the index of ${this.url} gives a URL for chart ${chart} that is not http or https: ${shown(written)}`,
      );
    const url = new URL(written, this.base);
    url.username = "";
    url.password = "";
    return this.withQuery(url).href;
  }

  /** A repository whose own URL has a query (a token) gets it with everything that is asked of its host, as with Helm. */
  private withQuery(url: URL): URL {
    if (this.base.search !== "" && url.search === "" && url.origin === this.base.origin) url.search = this.base.search;
    return url;
  }

  private authorization(): { authorization?: string } {
    const { username, password, bearerToken } = this.options.access;
    if (username || password)
      return { authorization: `Basic ${Buffer.from(`${username ?? ""}:${password ?? ""}`).toString("base64")}` };
    return bearerToken ? { authorization: `Bearer ${bearerToken}` } : {};
  }
}

function like(wanted: string, all: readonly string[]): string {
  const near = all.filter((name) => name.includes(wanted) || wanted.includes(name)).slice(0, 5);
  if (near.length > 0) return `; it has ${near.join(", ")}`;
  if (all.length === 0) return "; it is empty";
  return all.length <= 10 ? `; it has ${all.join(", ")}` : `; it has ${all.length} others`;
}
